"""The whole control plane in a simulated world: real use cases and rules on twins of every port, under faults.

A schedule says, as plain data, what happens and what goes wrong; running it is deterministic. See
docs/nothing-lost.md.
"""
