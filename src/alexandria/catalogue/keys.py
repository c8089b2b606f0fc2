"""The version of the keys of the catalogue, and their bound: PostgreSQL indexes no text of more than 2,700 bytes."""

from __future__ import annotations

import hashlib

# Of the keys that `matching.blocking` makes, and of how the bibliography stores them: a new number for each change, after
# which a bibliography has to be loaded again.
KEY_VERSION = 2
MAX_KEY_BYTES = 2000  # of a key as it stands; a longer one is cut and ends in a digest of the whole
_KEPT_BYTES = 1500


def bounded(key: str) -> str:
    """Return the key, or of a very long one its beginning and a digest: equal keys stay equal, others stay different."""
    whole = key.encode(errors="surrogatepass")
    if len(whole) <= MAX_KEY_BYTES:
        return key
    return f"{whole[:_KEPT_BYTES].decode(errors='ignore')} {hashlib.sha256(whole).hexdigest()}"
