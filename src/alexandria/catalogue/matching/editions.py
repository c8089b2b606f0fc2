"""Selects the edition of the right work: the first printed one, in the language of its title, unless more was named."""

from __future__ import annotations

from alexandria.catalogue import languages
from alexandria.catalogue.matching import titles
from alexandria.catalogue.models import Candidate, EditionRecord

MAX_YEARS_APART = 1  # years between the edition that was meant and the year that was named


def formats(hit: EditionRecord) -> frozenset[str]:
    """Formats that a record names: audio, large print, e-book; empty for plain print."""
    return titles.formats_of(f"{hit.binding} | {hit.title} | {hit.publisher}")


def named_formats(candidate: Candidate) -> frozenset[str]:
    """Return the formats of the candidate and of its title, so that "The Unabridged Journals" is not a recording."""
    return titles.formats_of(f"{candidate.format} | {candidate.title}")


def is_meant(candidate: Candidate, hit: EditionRecord) -> bool:
    """Return whether no other edition can fit better: the format and language named, published when the book was new."""
    new = candidate.year or hit.first_published
    if new is None or hit.published is None:
        return False
    return not (formats(hit) ^ named_formats(candidate) or _foreign(candidate, hit)) and (
        abs(hit.published.year - new) <= MAX_YEARS_APART
    )


def rank(candidate: Candidate, hit: EditionRecord, score: float) -> tuple[float, ...]:
    """Return a sort key, lower is better: the wanted format, the wanted language, near the named month, better score."""
    return len(formats(hit) ^ named_formats(candidate)), _foreign(candidate, hit), _apart(candidate, hit), -score


def _apart(candidate: Candidate, hit: EditionRecord) -> int:
    """Return the months between an edition and the named time; without a named time, the earlier the better."""
    published, year = hit.published, candidate.year
    if year is None:
        return published.year * 12 + (published.month or 12) if published else 10**6
    if published is None:
        return 600
    return abs((published.year - year) * 12 + (published.month or 6) - (candidate.month or 6))


def _foreign(candidate: Candidate, hit: EditionRecord) -> bool:
    tongue = titles.read(candidate.title).tongue or "en"
    return languages.language(hit.language) not in ("", tongue)
