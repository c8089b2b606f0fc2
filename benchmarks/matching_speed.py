"""CPU time of a comparison and of a choice among 40 records, beside another version of the product in the same run.

Both versions run in turn, each time in a new process; the figures are medians. The other version is the folder src of a
worktree, of 96c838d or later. Titles are read once in a process, and some pairs are compared before time is taken.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[1] / "src"
RUNS = 5  # of each version
HITS = 40  # records of a choice
QUERIES = 100  # choices that are timed
WARM_UP = 50  # pairs and queries that are compared before
# Where this version and 96c838d keep the matcher and its values.
MODULES = (
    ("alexandria.catalogue.matching.scoring", "alexandria.catalogue.models"),
    ("alexandria.match", "alexandria.book"),
)
FACTS = ("title", "subtitle", "publisher", "language", "binding", "series")

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, help="JSON lines of labelled pairs")
    parser.add_argument("--queries", type=Path, help="JSON lines of labelled queries")
    parser.add_argument("--catalogue", type=Path, help="CSV (.gz) of the editions that queries are answered from")
    parser.add_argument("--beside", type=Path, metavar="SRC", help="the folder src of another version")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(json.load(sys.stdin))))
        return
    work = json.dumps({"pairs": pairs_of(options.pairs), "queries": queries_of(options.queries, options.catalogue)})
    versions = {"this": SOURCE, **({"beside": options.beside} if options.beside else {})}
    seen: dict[str, list[Row]] = {name: [] for name in versions}
    for _ in range(RUNS):
        for name, source in versions.items():
            seen[name].append(run(source, work))
    print(json.dumps({name: medians(runs) for name, runs in seen.items()}))


def pairs_of(path: Path) -> list[Row]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [{side: row[side] for side in "ab"} for row in rows]


def queries_of(path: Path, catalogue: Path) -> list[Row]:
    """Queries with as many editions as a large page has."""
    labelled = importlib.import_module("labelled")
    labelled.SHELF = HITS
    shelves = labelled.Shelves(labelled.read_catalogue(catalogue))
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()][: WARM_UP + QUERIES]
    found = []
    for row in rows:
        hits = shelves.find(labelled.candidate_of(row["query"]))
        found.append({"query": row["query"], "hits": [facts_of(hit) for hit in hits]})
    return found


def facts_of(hit: Any) -> Row:
    facts = {name: getattr(hit, name) for name in FACTS}
    first = str(hit.first_published or "")
    return facts | {
        "authors": hit.authors, "isbn13": hit.isbn13, "published": str(hit.published or ""), "work_first_date": first,
    }  # fmt: skip


def run(source: Path, work: str) -> Row:
    program = [sys.executable, __file__, "--measure"]
    environment = os.environ | {"PYTHONPATH": str(source)}
    done = subprocess.run(program, input=work, env=environment, capture_output=True, text=True, check=True)
    figures: Row = json.loads(done.stdout)
    return figures


def medians(runs: list[Row]) -> Row:
    return {name: round(statistics.median(run[name] for run in runs), 3) for name in runs[0]}


# In a process of its own, with the modules of one version


def measure(work: Row) -> Row:
    """Milliseconds of CPU time."""
    matcher, models = modules()
    pairs = [[record(models, pair[side]) for side in "ab"] for pair in work["pairs"]]
    queries = [
        (candidate(models, row["query"]), [record(models, hit) for hit in row["hits"]]) for row in work["queries"]
    ]
    of_a_pair, of_a_choice = (
        _seconds_of_one(*each) for each in ((matcher.same_work, pairs), (matcher.choose, queries))
    )
    return {"ms_per_pair": 1000 * of_a_pair, "ms_per_choice_of_40": 1000 * of_a_choice}


def _seconds_of_one(call: Callable[..., object], cases: Sequence[tuple[Any, ...]]) -> float:
    """Seconds of a processor for one call, without the first ones, which fill caches."""
    for case in cases[:WARM_UP]:
        call(*case)
    began = time.process_time()
    for case in cases[WARM_UP:]:
        call(*case)
    return (time.process_time() - began) / (len(cases) - WARM_UP)


def modules() -> tuple[Any, Any]:
    for matcher, models in MODULES:
        try:
            return importlib.import_module(matcher), importlib.import_module(models)
        except ModuleNotFoundError:
            continue
    raise SystemExit("this folder holds no matcher")


def candidate(models: Any, query: Row) -> Any:
    known = {name: query[name] for name in ("year", "month", "publisher", "format") if query.get(name)}
    return models.Candidate(query["title"], query["author"], named_by=("benchmark",), **known)


def record(models: Any, row: Row) -> Any:
    kind = getattr(models, "EditionRecord", None) or models.Hit
    parts = [int(part) for part in str(row["published"]).split("-") if part]
    first = str(row.get("work_first_date") or "")[:4]
    return kind(
        models.SourceRecord("benchmark", str(row["isbn13"]), None),
        authors=tuple(row["authors"]),
        isbn13=models.Isbn13.read(row["isbn13"]),
        published=models.PartialDate(*parts) if parts else None,
        first_published=int(first) if first else None,
        **{name: row[name] for name in FACTS},
    )


if __name__ == "__main__":
    main()
