"""A model checker over the code that ships: every interleaving of a few workers, messages and crashes.

The use cases run unchanged; only the ports are the model's. A worker is a greenlet that stops at each port call, so the
search decides who goes on. Everything shared (store, queue, markers, the site) is one frozen value, so a state of the
whole is that value and how far each worker is, and a state that was seen before is not searched again.
`python -m tests.simulation.model` runs the table of scenarios; `docs/model-check.md` tells what it found.
"""
