"""Compares authors: decides how well two lists of names agree, person by person."""

from __future__ import annotations

from functools import lru_cache

from rapidfuzz import fuzz

from alexandria.catalogue.matching.names import FULL_NAMES, Person, people
from alexandria.catalogue.matching.titles import CACHE_SIZE, romanized, slip

# How well two names agree, best first.
SAME, INITIALS, MISSPELT, FAMILY_ONLY, UNKNOWN, OTHER = range(6)


@lru_cache(CACHE_SIZE)
def agreement(some: tuple[str, ...], others: tuple[str, ...]) -> int:
    """The best agreement between any person of `some` and any of `others`: SAME ... OTHER; UNKNOWN if a side is empty."""
    ours, theirs = people(some), people(others)
    if not ours or not theirs:
        return UNKNOWN
    best = OTHER
    for one in ours:
        for other in theirs:
            best = min(best, _compare(one, other))
            if best == SAME:
                return SAME
    return best


def _compare(one: Person, other: Person) -> int:
    if one == other or sorted(one.tokens) == sorted(other.tokens):
        return SAME
    if "".join(one.tokens) == "".join(other.tokens):
        return SAME
    if one.family == other.family:
        return _given(one, other)
    if slip(one.family, other.family):
        given = _given(one, other) if one.given or other.given else SAME
        short = max(len(one.family), len(other.family)) < 5
        return MISSPELT if given == SAME or (given == INITIALS and not short) else OTHER
    if _begins(one, other):
        return INITIALS
    if one.family[0] > "\u036f" or other.family[0] > "\u036f":
        return _across_scripts(one, other)
    if len(one.family) > 7 and fuzz.ratio(one.family, other.family) >= 82:
        return MISSPELT if _given(one, other) <= INITIALS else OTHER
    return OTHER


def _given(one: Person, other: Person) -> int:
    """How given names agree when the family name does."""
    if not one.given or not other.given:
        return FAMILY_ONLY
    first, second = one.given[0], other.given[0]
    if FULL_NAMES.get(first, first) == FULL_NAMES.get(second, second) and first != second:
        return INITIALS
    if first == second and len(first) > 1:
        return SAME
    if len(first) == 1 or len(second) == 1:
        return INITIALS if first[0] == second[0] else OTHER
    if first in (other.initials, other.initials[: len(first)]) or second in (one.initials, one.initials[: len(second)]):
        return INITIALS
    if min(len(first), len(second)) >= 3 and (first.startswith(second) or second.startswith(first)):
        return INITIALS
    if slip(first, second):
        return MISSPELT
    shared = {word for word in one.given if len(word) > 2} & set(other.given)
    return INITIALS if shared else OTHER


def _begins(one: Person, other: Person) -> bool:
    """One name is the beginning of the other: second surnames, "Freedom Writers Staff"."""
    mine, yours = one.tokens, other.tokens
    least = min(len(mine), len(yours))
    return least > 1 and len(mine[0]) > 1 and mine[:least] == yours[:least]


def _across_scripts(one: Person, other: Person) -> int:
    """Transliterations differ by scheme: alike family names with the same first letter, or alike as a whole."""
    if (one.family[0] > "\u036f") == (other.family[0] > "\u036f"):
        return OTHER
    whole, second = romanized(" ".join(one.tokens)), romanized(" ".join(other.tokens))
    family, name = romanized(one.family), romanized(other.family)
    if whole and second and fuzz.ratio(whole, second) >= 80:
        return MISSPELT
    alike = family and name and fuzz.ratio(family, name) >= 75
    given = one.given and other.given and romanized(one.given[0])[:1] == romanized(other.given[0])[:1]
    return MISSPELT if alike and given else OTHER
