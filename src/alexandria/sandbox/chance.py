"""Draws numbers that depend on their name alone, so that the sandbox never has to store any."""

from __future__ import annotations

from random import Random


def chance(*parts: object) -> Random:
    """Return a random source that is the same for equal `parts`, in every process and in any order of requests."""
    return Random("|".join(map(str, parts)))  # noqa: S311 # it must be repeatable, not secret
