"""What happens by chance? Draws that depend on their name alone, so that a sandbox never has to remember any."""

from __future__ import annotations

from random import Random


def chance(*parts: object) -> Random:
    """A source of chance that is the same for equal `parts`, in every process and in any order of asking."""
    return Random("|".join(map(str, parts)))  # noqa: S311 # it must be repeatable, not secret
