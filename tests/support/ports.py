"""Ports for processes that start again at the same address."""

import random
import socket

# Below those that systems give to outgoing connections, any of which could take the port before the process starts.
_LASTING = range(18_000, 28_000)


def free_port():
    """A port on which nobody listens; it stays free until somebody asks for it by number."""
    for port in random.SystemRandom().sample(_LASTING, len(_LASTING)):
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    raise OSError("no port is free")
