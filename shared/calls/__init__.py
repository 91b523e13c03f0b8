"""How calls to the outside are made: within a deadline, with few tries, and with errors in our own words."""
