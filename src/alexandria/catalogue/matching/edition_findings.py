"""Finds what the date, the format and the language of an edition mean for the book that a candidate names."""

from __future__ import annotations

from alexandria.catalogue.matching import editions as edition
from alexandria.catalogue.matching import kinds, titles
from alexandria.catalogue.matching.findings import UNDECIDED_POINTS, VETO_POINTS, Finding
from alexandria.catalogue.matching.tongues import KINDRED, is_sure, may_be
from alexandria.catalogue.models import Candidate, EditionRecord


def year_findings(year: int | None, hit: EditionRecord, *, partial: bool) -> list[Finding]:
    """The named year against the work's first year, or else the edition's, which may be a reprint's."""
    known = hit.first_published or (hit.published.year if hit.published else None)
    if year is None or known is None:
        return []
    apart = known - year
    if abs(apart) <= 1:
        return [Finding(-2, "published {}, as named", (known,))]
    of_that_year = (
        hit.published is not None and hit.published.year == year
    )  # a reprint, which was named by its own date
    if hit.first_published and partial and not of_that_year:
        return [Finding(10, "only part of the title agrees, and it was first published {}, not {}", (known, year))]
    if abs(apart) <= 3:
        return []
    if hit.first_published:
        return [Finding(6, "first published {}, not {}", (known, year))]
    return [Finding(2 if apart > 0 else 4, "this edition is of {}, {} was named", (known, year))]


def format_findings(candidate: Candidate, hit: EditionRecord) -> list[Finding]:
    """A recording, where print was named or nothing."""
    if kinds.AUDIO not in edition.formats(hit) - edition.named_formats(candidate):
        return []
    return [Finding(VETO_POINTS if candidate.format else UNDECIDED_POINTS, "an audio edition, where print was meant")]


def language_findings(candidate: Candidate, hit: EditionRecord, *, exact: bool) -> list[Finding]:
    """A doubt about an edition in another language than that of the title named.

    Sources call what they do not know English: on an `exact` foreign title it means nothing. A title whose language is
    unsure is taken in any, unless the record itself calls the edition a foreign one.
    """
    wanted = titles.read(candidate.title).tongue
    named = edition.named_language(hit)
    given = edition.language_of(hit)
    wanted = wanted or ("en" if named else "")
    supposed = exact and given == "en"
    if not wanted or not given or wanted == given or given in KINDRED.get(wanted, ()) or supposed:
        return []
    if not named and may_be(candidate.title, given):
        return []
    # Words of English are in titles of all languages; of the year that was named is the first edition, not a translation.
    original = not is_sure(candidate.title) and candidate.year is not None and hit.published is not None
    first = original and hit.published is not None and hit.published.year == candidate.year
    points = UNDECIDED_POINTS if named else 16 if hit.language and not first else 8
    return [Finding(points, "an edition in another language, {} for {}", (given, wanted))]
