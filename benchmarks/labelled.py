"""Labelled queries and pairs of the matching benchmarks: how they are read, searched for and judged."""

from __future__ import annotations

import csv
import gzip
import hashlib
import heapq
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import OSA

from alexandria.catalogue.matching.folding import fold
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, PartialDate, SourceRecord

SHELF = 20  # hits that a search answers
COMMON = 4000  # records; words in more of them than this find nothing

Row = dict[str, Any]

REVIEWED_ANSWERS = Path(__file__).with_name("reviewed_answers.csv")  # id of a query, ISBN-13, reason
FETCHED = datetime(2026, 1, 1, tzinfo=UTC)
NORMAL_95 = 1.959964  # standard deviations within which 95 % of a normal distribution lie
HALVES = ("develop", "held-out")


def half(row: Row) -> str:
    """Rules are written looking at one half only; figures that drift apart mean rules that memorise."""
    of = row.get("work_id") or row["id"]
    return HALVES[hashlib.sha256(of.encode()).digest()[0] % 2]


def candidate_of(query: Row) -> Candidate:
    known = {name: query[name] for name in ("year", "month", "publisher", "format") if query.get(name)}
    return Candidate(query["title"], query["author"], named_by=("benchmark",), **known)


def hit_of(row: Row, authors: Sequence[str]) -> EditionRecord:
    parts = [int(part) for part in str(row["published"]).split("-") if part]
    first = str(row.get("work_first_date") or "")[:4]
    return EditionRecord(
        source=SourceRecord("benchmark", str(row["isbn13"]), FETCHED),
        title=row["title"],
        subtitle=row["subtitle"],
        authors=tuple(authors),
        isbn13=Isbn13.read(row["isbn13"]),
        publisher=row["publisher"],
        published=PartialDate(*parts) if parts else None,
        first_published=int(first) if first else None,
        language=row["language"],
        binding=row["binding"],
        pages=int(row["pages"]) if str(row["pages"]).isdigit() else None,
        series=row["series"],
    )


# A bibliographic search over the catalogue, with all its look-alikes


def read_catalogue(path: Path) -> list[EditionRecord]:
    with gzip.open(path, "rt", encoding="utf-8") as text:
        return [hit_of(row, row["authors"].split("|")) for row in csv.DictReader(text)]


class Shelves:
    """Finds editions by the rare words of title and author; misspelt words find their neighbours."""

    def __init__(self, hits: Sequence[EditionRecord]) -> None:
        self.hits = hits
        self.titles: dict[str, list[int]] = defaultdict(list)
        self.authors: dict[str, list[int]] = defaultdict(list)
        self.lengths = []
        for at, hit in enumerate(hits):
            words = set(words_of(f"{hit.title} {hit.subtitle}"))
            self.lengths.append(len(words))
            for word in words.union(*map(words_of, hit.other_titles)):
                self.titles[word].append(at)
            for word in {word for name in hit.authors for word in words_of(name)}:
                self.authors[word].append(at)
        self.known = {id(index): list(index) for index in (self.titles, self.authors)}

    def find(self, candidate: Candidate) -> list[EditionRecord]:
        """The best SHELF editions; look-alikes by other authors and the author's other books among them."""
        weights: dict[int, float] = defaultdict(float)
        title = re.sub(r"\([^)]*\)", " ", candidate.title) or candidate.title
        for index, words in ((self.titles, words_of(title)), (self.authors, words_of(candidate.author))):
            for word in set(words):
                for at, weight in self._postings(index, word):
                    weights[at] += weight
        best = heapq.nlargest(SHELF, weights, key=lambda at: (weights[at] - 0.1 * self.lengths[at], -at))
        return [self.hits[at] for at in best]

    def _postings(self, index: dict[str, list[int]], word: str) -> Iterable[tuple[int, float]]:
        spellings = [word]
        if word not in index and len(word) > 3:
            known = self.known[id(index)]
            spellings = [
                near for near, *_ in process.extract(word, known, scorer=OSA.distance, score_cutoff=1, limit=5)
            ]
        for spelling in spellings:
            places = index.get(spelling, [])
            if len(places) <= COMMON:
                weight = math.log(len(self.hits) / (1 + len(places)))
                yield from ((at, weight) for at in places)


def words_of(text: str) -> list[str]:
    return re.findall(r"\w+", fold(text).replace("'", ""))


# The judging


def query_outcome(row: Row, isbn: str | None) -> str:
    if row["expect"] == "match":
        if isbn in row["neutral_isbn13"]:
            return "neutral"
        return "missed" if isbn is None else "right" if isbn in row["acceptable_isbn13"] else "wrong"
    if isbn is None:
        return "refused"
    taken = row["expect"] == "no_match" or isbn in row["must_not_isbn13"]
    return "taken" if taken and isbn not in row["neutral_isbn13"] else "neutral"


def with_review(row: Row) -> Row:
    """The row with the answers that a person found to be right although its label has them as wrong."""
    right = reviewed_answers().get(row["id"], ())
    taken = [*row["acceptable_isbn13"], *right]
    return {**row, "expect": "match", "acceptable_isbn13": taken, "must_not_isbn13": []} if right else row


@cache
def reviewed_answers() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    with REVIEWED_ANSWERS.open(encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            found[row["id"]].append(row["isbn13"])
    return found


def after_review(answers: Sequence[tuple[Row, str | None]]) -> Row:
    """The figures with reviewed labels, beside the raw ones; nothing if no row has been reviewed."""
    if not any(row["id"] in reviewed_answers() for row, _ in answers):
        return {}
    negatives = [query_outcome(row, isbn) for row, isbn in answers if row["expect"] != "match"]
    taken = round(negatives.count("taken") / max(len(negatives), 1), 4)
    return {"reviewed": {**rates([query_outcome(row, isbn) for row, isbn in answers]), "negatives_taken": taken}}


def pair_outcome(row: Row, same: bool) -> str:
    if row["label"] == "same_work":
        return "right" if same else "missed"
    return "wrong" if same else "refused"


def rates(outcomes: Sequence[str]) -> Row:
    count = Counter(outcomes)
    right, accepted = count["right"], count["right"] + count["wrong"] + count["taken"]
    precision = right / accepted if accepted else 0.0
    recall = right / max(right + count["wrong"] + count["missed"], 1)
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    named = {"precision": precision, "recall": recall, "f1": f1}
    return {**{name: round(value, 4) for name, value in named.items()}, "n": len(outcomes), "outcomes": dict(count)}


def interval(count: int, total: int) -> list[float] | None:
    """A share and its 95 % interval by Wilson: [share, low, high]; None of nothing."""
    if not total:
        return None
    share, spread = count / total, NORMAL_95**2 / total
    middle = (share + spread / 2) / (1 + spread)
    half_width = NORMAL_95 * math.sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    return [round(value, 4) for value in (share, max(0.0, middle - half_width), min(1.0, middle + half_width))]
