"""Rollouts in closed loop against simulated traffic: what the analysis promises, measured beside its peers.

A run draws one hour of stable history and one hour of release. The driver (the analysis with its ramp, or a
peer's documented rule) sees each window once it is visible, and its own decisions move the traffic that it sees
next. `python -m tests.simulation.judgement --help` says what can be asked.
"""
