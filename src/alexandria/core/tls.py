"""The certificate authorities that outgoing connections trust."""

from __future__ import annotations

import functools
import ssl

import httpx2


@functools.cache
def authorities() -> ssl.SSLContext:
    """Return a context with the system's authorities, loaded once: loading takes tens of milliseconds."""
    return httpx2.create_ssl_context()
