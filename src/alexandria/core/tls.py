"""The certificate authorities that outgoing connections trust: the system's, or those of SSL_CERT_FILE or SSL_CERT_DIR."""

from __future__ import annotations

import functools
import os
import ssl
from pathlib import Path

import httpx2

from alexandria.core.errors import Misconfigured


def authorities() -> ssl.SSLContext:
    """Return a context with the authorities, loaded once: loading takes tens of milliseconds.

    Raises Misconfigured if a variable names a file or folder without certificates.
    """
    return _load(chosen_authorities())


@functools.cache
def _load(chosen: tuple[str, str] | None) -> ssl.SSLContext:
    try:
        return httpx2.create_ssl_context()
    except (OSError, ssl.SSLError):
        variable, path = chosen or ("SSL_CERT_FILE", "")
        raise Misconfigured(
            f"setting {variable}: no certificates can be read from {path}",
            hint="name a file in PEM format, or unset it to trust the system's authorities",
        ) from None


def chosen_authorities() -> tuple[str, str] | None:
    """Return the variable that names the authorities, and the file or folder; None if they are the system's.

    Raises Misconfigured if it does not exist.
    """
    for variable, exists in (("SSL_CERT_FILE", Path.is_file), ("SSL_CERT_DIR", Path.is_dir)):
        path = os.environ.get(variable)
        if path:
            if not exists(Path(path)):
                raise Misconfigured(
                    f"setting {variable}: {path} does not exist", hint="correct it, or unset it to trust the system"
                )
            return variable, path
    return None
