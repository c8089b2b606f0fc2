"""Whether scores are probabilities: labelled pairs, as they are and as sources print them, and how often they are one work.

Pairs of records are compared as they are and as two sources print them; queries with each edition that a search finds.
Those of one bin have scores that follow one another, and each bin has as many.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from alexandria.catalogue.matching.findings import Finding
from alexandria.catalogue.matching.names import people
from alexandria.catalogue.matching.probability import score_model
from alexandria.catalogue.matching.scoring import findings_between, findings_of
from alexandria.catalogue.models import EditionRecord
from field_cases import ACCEPTED, record_of
from labelled import HALVES, Row, Shelves, candidate_of, half, hit_of
from provider_prints import PRINTERS, Printers

BINS, MIN_BIN_SIZE = 10, 50  # bins of pairs, and pairs in a bin
PRINTED_VARIANTS = 2  # of a pair of records, beside the pair as it is
SEED = 7


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """One comparison: what it found, whether it is of one work, and the author, of whom all pairs are left out together.

    `weight` is that of its row, divided among the variants.
    """

    origin: str
    half: str
    author: str
    findings: tuple[Finding, ...]
    same: bool
    weight: float

    @property
    def score(self) -> float:
        return score_model().score(self.findings)


def read_pairs(gold: Sequence[Path], catalogues: Sequence[Path]) -> list[LabelledPair]:
    """The pairs of all files. Files of queries are answered from the catalogues, in their order."""
    printers, unused = Printers(SEED), list(catalogues)
    found: list[LabelledPair] = []
    for path in gold:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        queries = "query" in rows[0]
        compared = _of_queries(rows, unused.pop(0), printers) if queries else _of_records(rows, printers)
        found += (LabelledPair(path.stem, *pair) for pair in compared)
    return found


def _of_records(rows: Iterable[Row], printers: Printers) -> Iterator[tuple[str, str, tuple[Finding, ...], bool, float]]:
    """Pairs of records: gold pairs, and the cases of the field that are pairs."""
    for row in rows:
        field = "mode" in row
        if field and row["mode"] != "pair":
            continue
        one, other = (record_of(row[side]) if field else hit_of(row[side], row[side]["authors"]) for side in "ab")
        same = row["expected"] == ACCEPTED if field else row["label"] == "same_work"
        for variant in range(1 + PRINTED_VARIANTS):
            pair = one, other
            if variant:
                draw = _draw(row["id"], variant)
                pair = printers.print(draw.choice(PRINTERS), one), printers.print(draw.choice(PRINTERS), other)
            yield half(row), _author(one.authors), tuple(findings_between(*pair)), same, 1 / (1 + PRINTED_VARIANTS)


def _of_queries(
    rows: Iterable[Row], catalogue: Path, printers: Printers
) -> Iterator[tuple[str, str, tuple[Finding, ...], bool, float]]:
    """Queries and every edition found for them whose label is known, as it is and as a source prints it."""
    with gzip.open(catalogue, "rt", encoding="utf-8") as text:
        editions = list(csv.DictReader(text))
    work_of = {edition["isbn13"]: edition["work_id"] for edition in editions}
    shelves = Shelves([hit_of(edition, edition["authors"].split("|")) for edition in editions])
    for row in rows:
        candidate = candidate_of(row["query"])
        for hit in shelves.find(candidate):
            same = _is_wanted(row, hit, work_of)
            if same is None:
                continue
            printed = printers.print(_draw(row["id"], hit.isbn13).choice(PRINTERS), hit)
            for record in (hit, printed):
                yield half(row), _author([candidate.author]), tuple(findings_of(candidate, record)), same, 0.5


def _is_wanted(row: Row, hit: EditionRecord, work_of: dict[str, str]) -> bool | None:
    """Whether an edition is of the work that was asked for; None if the labels leave it open."""
    isbn = str(hit.isbn13)
    if hit.isbn13 is None or isbn in row["neutral_isbn13"]:
        return None
    if row["expect"] == "match":
        works = {work_of.get(good) for good in row["acceptable_isbn13"]} | {row.get("work_id")}
        return isbn in row["acceptable_isbn13"] or work_of[isbn] in works
    return False if row["expect"] == "no_match" or isbn in row["must_not_isbn13"] else None


def _draw(*parts: object) -> Random:
    return Random(hashlib.sha256(repr((SEED, *parts)).encode()).digest())


def _author(names: Sequence[str]) -> str:
    first = next(iter(people(tuple(names))), None)
    return first.key if first else ""


# The figures


def judge_calibration(gold: Sequence[Path], catalogues: Sequence[Path], only: str | None = None) -> Row:
    """The figures of all pairs, or of those of one half; of each half and of each file."""
    pairs = [pair for pair in read_pairs(gold, catalogues) if only in (None, pair.half)]
    halves = {name: [pair for pair in pairs if pair.half == name] for name in HALVES}
    return {
        "version": score_model().version,
        **reliability(pairs),
        "halves": {name: reliability(some) | {"by_file": by_file(some)} for name, some in halves.items() if some},
    }


def by_file(pairs: Sequence[LabelledPair]) -> dict[str, Row]:
    files = dict.fromkeys(pair.origin for pair in pairs)
    return {name: reliability([pair for pair in pairs if pair.origin == name], shown=False) for name in files}


def reliability(pairs: Sequence[LabelledPair], *, shown: bool = True) -> Row:
    """Expected calibration error, Brier score beside that of a constant, and the bins: [mean score, share, pairs]."""
    judged = sorted((pair.score / 100, pair.same) for pair in pairs)
    share = sum(same for _, same in judged) / len(judged)
    bins = bins_of(judged)
    error = sum(size * abs(score - right) for score, right, size in bins) / len(judged)
    figures = {
        "n": len(judged),
        "ece": round(error, 4),
        "brier": round(sum((score - same) ** 2 for score, same in judged) / len(judged), 4),
        "brier_of_a_constant": round(share * (1 - share), 4),
    }
    rounded = [[round(score, 4), round(right, 4), size] for score, right, size in bins]
    return figures | ({"bins": rounded} if shown else {"bins": len(bins)})


def bins_of(judged: Sequence[tuple[float, bool]]) -> list[tuple[float, float, int]]:
    """Bins of equal counts, lowest score first: mean score, share of one work, and number of pairs."""
    number = max(1, min(BINS, len(judged) // MIN_BIN_SIZE))
    edges = [len(judged) * at // number for at in range(number + 1)]
    bins = []
    for begin, end in itertools.pairwise(edges):
        some = judged[begin:end]
        mean, right = (sum(column) / len(some) for column in zip(*some, strict=True))
        bins.append((mean, right, len(some)))
    return bins
