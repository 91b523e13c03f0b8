"""Measurements of what Slipway is made of, on this machine: `make bench`. Never a test, never a promise."""
