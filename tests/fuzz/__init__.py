"""Fuzzing: each parser of what comes from outside, each route, and release specs that were damaged a little.

`python -m tests.fuzz` (`make fuzz`) runs for minutes a parser; the tests here are its short form.
"""
