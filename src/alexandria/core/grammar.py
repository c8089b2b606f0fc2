"""Builds the parts of English sentences that depend on numbers."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, one: str, more: str = "") -> str:
    """Return a number with its noun: counted(1, "month") is "1 month", counted(1200, "month") is "1,200 months"."""
    return f"{number:,} {one if number == 1 else more or f'{one}s'}"


def listed(parts: Sequence[str]) -> str:
    """Return parts of a sentence as a list: listed(["a", "b", "c"]) is "a, b and c"."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
