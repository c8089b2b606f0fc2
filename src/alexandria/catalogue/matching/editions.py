"""Selects the edition of the right work: the first printed one, in the language of its title, unless more was named."""

from __future__ import annotations

from alexandria.catalogue import languages
from alexandria.catalogue.matching import kinds, titles
from alexandria.catalogue.matching.titles import MAX_TITLE_LENGTH
from alexandria.catalogue.models import Candidate, EditionRecord

MAX_YEARS_APART = 1  # years between the edition that was meant and the year that was named
NEAR_MONTHS = 1  # between the named time and an edition of it
UNDATED_MONTHS = 600  # between the named time and a record without a date, which fits better than a date further off


def formats(hit: EditionRecord) -> frozenset[str]:
    """Formats that a record names: audio, large print, e-book; empty for plain print."""
    named = " | ".join(text[:MAX_TITLE_LENGTH] for text in (hit.binding, hit.title, hit.publisher))
    return kinds.formats_of(named) | kinds.formats_of_publisher(hit.publisher)


def named_formats(candidate: Candidate) -> frozenset[str]:
    """Return the formats of the candidate and of its title, so that "The Unabridged Journals" is not a recording."""
    return kinds.formats_of(f"{candidate.format[:MAX_TITLE_LENGTH]} | {candidate.title[:MAX_TITLE_LENGTH]}")


def named_language(hit: EditionRecord) -> str:
    """Return the language that the title calls its edition's, as in "(Turkish Edition)", or ""."""
    return languages.of_edition(titles.read(hit.title, hit.subtitle).raw)


def language_of(hit: EditionRecord) -> str:
    """Return the language of an edition: as its title says, its source, or the agency that gave its ISBN; "" if unknown.

    Agencies of English-speaking countries give numbers to books in every language.
    """
    return named_language(hit) or languages.language(hit.language) or languages.of_isbn(hit.isbn13)


def rank(candidate: Candidate, hit: EditionRecord, fit: float, *, agreed: bool = False) -> tuple[float, ...]:
    """Return a sort key, lower is better: the wanted format, the wanted language, near the named month, better fit.

    An ISBN that several sources name (`agreed`) goes before one that a single source names, unless its date is far off.
    """
    apart = _apart(candidate, hit)
    far = hit.published is not None and apart > 12 * (MAX_YEARS_APART + 1)
    settled = agreed and candidate.year is not None and not far
    if far and is_later(candidate, hit):
        apart += UNDATED_MONTHS  # a reprint: one without a date may be the edition that was meant
    return len(formats(hit) ^ named_formats(candidate)), _foreign(candidate, hit), not settled, apart, -fit


def is_near(candidate: Candidate, hit: EditionRecord) -> bool:
    """Return whether an edition is known to be of the named time, give or take a month; any is if none is named."""
    return candidate.year is None or (hit.published is not None and _apart(candidate, hit) <= NEAR_MONTHS)


def is_later(candidate: Candidate, hit: EditionRecord) -> bool:
    """Return whether an edition is of a year after the one named, and not near."""
    year, published = candidate.year, hit.published
    return year is not None and published is not None and published.year > year and not is_near(candidate, hit)


def _apart(candidate: Candidate, hit: EditionRecord) -> int:
    """Return the months between an edition and the named time; without a named time, the earlier the better.

    A date without a month is the whole year.
    """
    published, year = hit.published, candidate.year
    if year is None:
        return published.year * 12 + (published.month or 12) if published else 10**6
    if published is None:
        return UNDATED_MONTHS
    months = (published.month,) if published.month else (1, 12)
    named = (candidate.month,) if candidate.month else (1, 12)
    if published.year == year and len(months) + len(named) > 2:
        return 0
    return min(abs((published.year - year) * 12 + month - meant) for month in months for meant in named)


def _foreign(candidate: Candidate, hit: EditionRecord) -> bool:
    tongue = titles.read(candidate.title).tongue or "en"
    return language_of(hit) not in ("", tongue)
