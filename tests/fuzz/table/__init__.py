"""Every parser of what comes from outside, by where it comes from."""
