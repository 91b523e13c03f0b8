"""Changing flags: who may write what, what waits for approval or for its time, and what became of it."""
