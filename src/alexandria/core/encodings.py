"""Tells whether an output can show every sign."""

from __future__ import annotations

from typing import TextIO


def is_utf8(output: TextIO | None) -> bool:
    """Return whether what is written there is encoded as UTF-8; not if there is no output."""
    return output is not None and (output.encoding or "").lower() in {"utf-8", "utf8"}
