"""Ports for servers that must be told theirs, or come back on the same one.

They are of a range that the system gives to nobody by itself: a port of the system's own choice that is free now
may be anyone's connection a moment later, and another worker's server just as well.
"""

import random
import socket

_TO_GIVE = range(20_000, 32_000)
_CHANCE = random.SystemRandom()


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    while True:
        port = _CHANCE.choice(_TO_GIVE)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
