"""The rules of progressive delivery: pure values and functions, no clock, no ids, no I/O, no logging."""
