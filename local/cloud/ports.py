"""Listening sockets on 127.0.0.1, taken at once, so that nobody else can take the port between choice and use."""

import errno
import random
import socket
import time

_BACKLOG = 1024
_FREE = range(21_000, 32_000)
"""Below Linux's range for outgoing connections, so that nobody takes a slot's port while the sandbox is down."""
_PATIENCE_SECONDS = 5.0


def listen_on(port: int) -> socket.socket:
    """Listen on a port; 0 means a free one.

    Waits up to 5 seconds for one that is taken: a sandbox that was killed may not quite be gone. Then raises `OSError`.
    """
    if port == 0:
        return _listen_anywhere()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return _listen(port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise OSError(error.errno, f"port {port} of 127.0.0.1: {error.strerror}") from error
            time.sleep(0.1)


def port_of(listening: socket.socket) -> int:
    """Return the port that a socket listens on."""
    return int(listening.getsockname()[1])


def _listen_anywhere() -> socket.socket:
    for port in random.sample(_FREE, len(_FREE)):
        try:
            return _listen(port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, "no port from 21000 to 31999 of 127.0.0.1 is free")


def _listen(port: int) -> socket.socket:
    listening = socket.socket()
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    listening.settimeout(0)
    return listening
