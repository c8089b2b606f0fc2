"""Defines what an agreement of authors costs."""

from __future__ import annotations

from alexandria.catalogue.matching.authors import (
    ANONYMOUS,
    FAMILY_ONLY,
    FAMILY_SPELT,
    INITIALS,
    MISSPELT,
    OTHER,
    PEN_NAME,
    SAME,
    UNKNOWN,
    UNREAD,
    VARIANT,
    agreement,
)
from alexandria.catalogue.matching.findings import VETO_POINTS, Comparable, Finding, is_confirmed


def author_finding(level: int, one: Comparable, other: Comparable) -> Finding:
    """What the authors cost. Names that no transliteration can compare need a title that few books have."""
    telling = len(one.title.words) > 1 or not one.title.latin or is_confirmed(one, other)
    if level == UNREAD and not telling:
        return Finding(25, "the authors are written in two scripts, and the title is short")
    return _CONFIRMED[level] if level in _CONFIRMED and is_confirmed(one, other) else _AUTHORS[level]


def leads(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Return whether each side's first author appears on the other. Who adapts a book is named before its author."""
    return agreement(some[:1], others) < UNKNOWN and agreement(some, others[:1]) < UNKNOWN


_AUTHORS = {
    SAME: Finding(0, "same author"),
    INITIALS: Finding(2, "author agrees by family name and initial"),
    PEN_NAME: Finding(3, "another name of the author"),
    MISSPELT: Finding(5, "author agrees but for the spelling"),
    FAMILY_ONLY: Finding(10, "only the author's family name is known to agree"),
    VARIANT: Finding(12, "the author's names are perhaps two spellings of one"),
    UNREAD: Finding(12, "the authors are written in two scripts, which cannot be compared"),
    FAMILY_SPELT: Finding(20, "one author has a family name alone, in another spelling"),
    ANONYMOUS: Finding(5, "both are anonymous"),
    UNKNOWN: Finding(25, "no author to compare"),
    OTHER: Finding(VETO_POINTS, "another author"),
}
_CONFIRMED = {
    UNREAD: Finding(8, "the authors are written in two scripts, and another fact agrees"),
    FAMILY_SPELT: Finding(10, "one author has a family name alone, in another spelling, and another fact agrees"),
}
