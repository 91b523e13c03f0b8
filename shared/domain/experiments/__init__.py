"""Experiments: which of two versions serves its users better, as a report that may be looked at at any time."""
