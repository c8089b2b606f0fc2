"""Titles of another language: each work that the catalogue has in several is asked for by a title that it is held in no more.

The editions of one language are taken away; those that are left come with all titles of their work, as Open Library and
Wikidata give them. The right answer is an edition that is left. With the whole work taken away, none may be taken.
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from alexandria.catalogue.matching.scoring import choose
from alexandria.catalogue.models import Candidate, EditionRecord
from labelled import Row, Shelves, hit_of, interval

Works = dict[str, list[EditionRecord]]


def judge_known_titles(catalogue: Path, errors: int) -> Row:
    """The figures with the titles of all works known and, beside them, without; `errors` wrong rows on stderr."""
    works: Works = defaultdict(list)
    with gzip.open(catalogue, "rt", encoding="utf-8") as text:
        for row in csv.DictReader(text):
            works[row["work_id"]].append(replace(hit_of(row, row["authors"].split("|")), work_key=row["work_id"]))
    titled = {key: [with_titles(hit, editions) for hit in editions] for key, editions in works.items()}
    bad: list[str] = []
    figures = judge(titled, works, bad)
    print("\n".join(bad[:errors]), file=sys.stderr)
    return {**figures, "without": judge(works, works, [])}


def with_titles(hit: EditionRecord, editions: Sequence[EditionRecord]) -> EditionRecord:
    """The record as a source gives it that knows the work in all languages, and when it was first published."""
    titles = dict.fromkeys(other.title for other in editions if other.title != hit.title)
    names = dict.fromkeys(other.authors[0] for other in editions if other.authors[0] not in hit.authors)
    first = first_year(editions)
    return replace(hit, other_titles=tuple(titles), other_names=tuple(names), first_published=first)


def first_year(editions: Sequence[EditionRecord]) -> int | None:
    years = [hit.first_published or (hit.published.year if hit.published else None) for hit in editions]
    return min(filter(None, years), default=None)


def judge(titled: Works, works: Works, bad: list[str]) -> Row:
    """The figures of a search among the records `titled`; what went wrong is added to `bad`."""
    shelves = Shelves([hit for editions in titled.values() for hit in editions])
    outcomes: Counter[str] = Counter()
    for key, language, candidate in questions(works):
        hits = shelves.find(candidate)
        held = [hit for hit in hits if hit.work_key != key or hit.language != language]
        found, _, reason = choose(candidate, held)
        outcome = "missed" if found is None else "right" if found.work_key == key else "wrong"
        outcomes[outcome] += 1
        other, *_ = choose(candidate, [hit for hit in hits if hit.work_key != key])
        outcomes["refused" if other is None else "taken"] += 1
        if outcome != "right" or other is not None:
            bad.append(f"{outcome} {candidate} {found and found.heading} {other and other.heading} {reason}")
    right, wrong, taken = outcomes["right"], outcomes["wrong"], outcomes["taken"]
    return {
        "n": right + wrong + outcomes["missed"],
        "precision": interval(right, right + wrong),
        "recall": interval(right, right + wrong + outcomes["missed"]),
        "taken_without_the_work": interval(taken, taken + outcomes["refused"]),
        "outcomes": dict(outcomes),
    }


def questions(works: Works) -> Iterator[tuple[str, str, Candidate]]:
    """A work, a language that it is taken away in, and the first title in it, where no other language has that title."""
    for key, editions in works.items():
        firsts: dict[str, EditionRecord] = {}
        for hit in editions:
            if hit.language:
                firsts.setdefault(hit.language, hit)
        for language, hit in firsts.items():
            elsewhere = {other.title for other in editions if other.language != language}
            if elsewhere and hit.title not in elsewhere:
                yield key, language, Candidate(hit.title, hit.authors[0], first_year(editions))
