"""What could not be handled: a letter with all that happened to it, and what a person may do with it."""
