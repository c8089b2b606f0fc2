"""Whom do we believe to be who they say they are, on the wire?"""

from __future__ import annotations

import functools
import ssl

import httpx2


@functools.cache
def authorities() -> ssl.SSLContext:
    """The authorities that the system trusts, read once: every reading of them costs tens of milliseconds."""
    return httpx2.create_ssl_context()
