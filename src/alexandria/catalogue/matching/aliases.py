"""Uses the other titles of a work, and the other names of its authors, that a source gives beside an edition.

An edition in another language has another title, which no comparison of words finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rapidfuzz import fuzz

from alexandria.catalogue.matching import titles
from alexandria.catalogue.matching.authors import MISSPELT, PEN_NAME, agreement
from alexandria.catalogue.matching.comparison import title_finding
from alexandria.catalogue.matching.findings import UNDECIDED_POINTS, Comparable, Finding, is_confirmed
from alexandria.catalogue.matching.folding import fold
from alexandria.catalogue.matching.titles import MAX_TITLE_LENGTH, Title
from alexandria.catalogue.matching.tongues import KINDRED

KNOWN_POINTS, UNSURE_POINTS = 6.0, 20.0  # of another title with a second fact, and without
MAX_COMPARED_LENGTH = 200  # letters of two titles that tell whether they are worth comparing
MIN_RATIO = 70.0  # of the letters of two titles that are worth comparing
ALSO_KNOWN = "the source also knows the work as {}"


def known_title_finding(one: Comparable, other: Comparable) -> Finding | None:
    """How a title agrees with another one that the source of the other record gives for its work; None if none does.

    Sources file a volume under its series, and a set under its first book. So a title in the language of the edition
    itself is a doubt, and any other one as well until a second fact confirms it.
    """
    found = [
        _finding(printed, record, known)
        for printed, record in ((one, other), (other, one))
        for known in _known_titles(record, printed.title)
        if known.volumes == printed.title.volumes and _is_whole(title_finding(printed, replace(record, title=known)))
    ]
    return min(found, key=lambda finding: finding.points, default=None)


def _finding(printed: Comparable, record: Comparable, known: Title) -> Finding:
    if _is_of_its_language(record, known):
        return Finding(UNDECIDED_POINTS, f"{ALSO_KNOWN}, in the language of this edition", (known.printed,))
    confirmed = is_confirmed(printed, replace(record, title=known))
    return Finding(KNOWN_POINTS if confirmed else UNSURE_POINTS, ALSO_KNOWN, (known.printed,))


def author_level(one: Comparable, other: Comparable) -> int:
    """How well the authors agree, by their printed names or by other names that a source gives for them."""
    level = agreement(one.authors, other.authors)
    if level <= MISSPELT:
        return level
    known = ((one.authors, _other_names(other)), (_other_names(one), other.authors))
    agrees = any(mine and yours and agreement(mine, yours) <= MISSPELT for mine, yours in known)
    return PEN_NAME if agrees else level


def _known_titles(record: Comparable, printed: Title) -> Iterator[Title]:
    """The other titles of a record that may agree with the printed one; a classic has more than can be read each time."""
    for text in record.edition.other_titles if record.edition else ():
        folded = fold(text[:MAX_TITLE_LENGTH])
        closed = "".join(letter for letter in folded if letter.isalnum())
        latin = max(closed, default="") < "\u0370"
        if latin != printed.latin or _resembles(printed.squash, closed):
            yield titles.read(text)


def _resembles(one: str, other: str) -> bool:
    return fuzz.partial_ratio(one[:MAX_COMPARED_LENGTH], other[:MAX_COMPARED_LENGTH]) >= MIN_RATIO


def _other_names(record: Comparable) -> tuple[str, ...]:
    return record.edition.other_names if record.edition else ()


def _is_whole(found: Finding) -> bool:
    return not found.partial and found.points < UNDECIDED_POINTS


def _is_of_its_language(record: Comparable, known: Title) -> bool:
    mine, given = known.tongue, {record.title.tongue, record.language}
    return bool(mine) and known.latin == record.title.latin and not given.isdisjoint({mine, *KINDRED.get(mine, ())})
