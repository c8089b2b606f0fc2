"""How often is the matcher right, and how fast is it? Judged on labelled pairs and queries, beside simpler rules.

Queries go through the product's own resolve step: all five sources, played by the sandbox over the catalogue, with
lanes and stored answers in a database of its own. Simpler rules judge what ISBNdb answers. With --retrieval local a
search of the benchmark's own finds the editions instead, and the matcher alone is judged, in seconds.

The kinds "world" and "world-dedup" are queries and pairs of many languages: local search unless --retrieval says
otherwise. "field" are cases with one right answer each. "by-month" takes a CSV of notable books by month, and asks for
each among all editions by its author, once with the right work and once without it. "known-titles" takes a catalogue as
its gold, and asks for each work of several languages by a title that only its other titles find. "calibration" takes files of any
form and compares the scores of their pairs with their labels. "reviewed" takes the decisions of persons, as
`alexandria review export` writes them: how often the catalogue is right, and the matcher on its pairs.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import stamina
from rapidfuzz.distance import Levenshtein

import stage
from alexandria.backfill.resolve import resolve
from alexandria.backfill.source_selection import Policy, SourceSelector
from alexandria.catalogue.matching import authors, folding, kinds, names, titles, tongues, transliteration
from alexandria.catalogue.matching.folding import fold
from alexandria.catalogue.matching.scoring import ACCEPT, choose, same_work
from alexandria.catalogue.models import Candidate, EditionRecord, Resolution
from alexandria.core.errors import DatabaseBusy, DatabaseUnavailable
from alexandria.sandbox import SandboxSettings
from alexandria.sandbox.parts import provider_names
from author_shelves import judge_months
from calibration import judge_calibration
from field_cases import judge_cases
from known_titles import judge_known_titles
from labelled import (
    HALVES,
    Row,
    Shelves,
    after_review,
    candidate_of,
    half,
    hit_of,
    interval,
    pair_outcome,
    query_outcome,
    rates,
    read_catalogue,
    with_review,
)
from reliability_diagram import draw
from reviewed_pairs import judge_reviewed
from world_fiction import CROSS_TITLE, by_language, language_of, shares

LABELS = ("acceptable_isbn13", "neutral_isbn13", "must_not_isbn13")
AT_ONCE = 24  # queries asked of the sandbox together
PLENTY = 10**6  # calls a day
RETRY_TIMEOUT = 60.0  # seconds for which the database may fail a query, on a machine that stands still

KINDS = ("match", "dedup", "field", "world", "world-dedup", "by-month", "known-titles", "calibration", "reviewed")
Find = Callable[[Candidate], Sequence[EditionRecord]]
Choose = Callable[[Candidate, Sequence[EditionRecord]], EditionRecord | None]
Same = Callable[[EditionRecord, EditionRecord], bool]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument(
        "--gold",
        type=Path,
        nargs="+",
        required=True,
        help="JSON lines of labelled queries, pairs or cases, for calibration several files; for by-month a CSV",
    )
    parser.add_argument(
        "--catalogue",
        type=Path,
        nargs="*",
        default=[],
        help="CSV (.gz) of the editions that queries are answered from; for calibration one for each file of queries",
    )
    parser.add_argument("--baselines", action="store_true", help="also judge simpler rules; table on stderr")
    parser.add_argument("--errors", type=int, default=0, metavar="N", help="show N wrong rows on stderr")
    parser.add_argument("--retrieval", choices=("sandbox", "local"), help="who finds the editions")
    parser.add_argument("--policy", choices=[policy.value for policy in Policy], default=Policy.BALANCED.value)
    parser.add_argument("--half", choices=HALVES, help="only the rows whose work falls into this half")
    parser.add_argument("--diagram", type=Path, metavar="SVG", help="of calibration: draw the bins")
    options = parser.parse_args()
    options.retrieval = options.retrieval or ("local" if options.kind == "world" else "sandbox")
    if options.kind == "calibration":
        figures = judge_calibration(options.gold, options.catalogue, options.half)
        if options.diagram:
            options.diagram.write_text(draw(figures["bins"], figures["ece"]), encoding="utf-8")
        print(json.dumps({"kind": options.kind, **figures}))
        return
    options.gold, options.catalogue = options.gold[0], next(iter(options.catalogue), None)
    if options.kind == "by-month":
        ours, results = judge_months(options.gold, options.catalogue, options.errors), {}
    elif options.kind == "known-titles":
        ours, results = judge_known_titles(options.gold, options.errors), {}
    else:
        rows = [json.loads(line) for line in options.gold.read_text(encoding="utf-8").splitlines()]
        rows = [row for row in rows if options.half in (None, half(row))]
        results = judge(rows, options)
        ours = results.pop("alexandria")
    if results:
        print_table({"alexandria": ours, **results})
    print(json.dumps({"kind": options.kind, **ours, **({"baselines": results} if results else {})}, ensure_ascii=False))


def judge(rows: Sequence[Row], options: argparse.Namespace) -> dict[str, Row]:
    """The figures of each rule."""
    if options.kind == "reviewed":
        return {"alexandria": judge_reviewed(rows, options.errors)}
    if options.kind == "field":
        return {"alexandria": judge_cases(rows, options.errors)}
    if options.kind in ("dedup", "world-dedup"):
        return {name: judge_pairs(rows, rule, options.errors) for name, rule in pair_rules(options.baselines)}
    if options.retrieval == "local":
        find = Shelves(read_catalogue(options.catalogue)).find
        found = [(row, candidate := candidate_of(row["query"]), find(candidate)) for row in rows]
        return {name: judge_queries(found, rule, options.errors) for name, rule in query_rules(options.baselines)}
    return judge_resolving(rows, options)


# The resolve step itself, against the sandbox


@dataclass
class Played:
    """What became of each row's query, what ISBNdb alone answers to it, and which work each ISBN is of."""

    resolutions: list[Resolution]
    isbndb: list[Sequence[EditionRecord]]
    about: dict[str, str] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def judge_resolving(rows: Sequence[Row], options: argparse.Namespace) -> dict[str, Row]:
    played = play(rows, options)
    cases = [
        (row, resolution.candidate, [scored.hit for scored in resolution.considered])
        for row, resolution in zip(rows, played.resolutions, strict=True)
    ]
    found = list(zip(rows, played.resolutions, strict=True))
    answers = [as_labelled(row, resolution, played.about) for row, resolution in found]
    again = [(with_review(row), resolution) for row, resolution in found]
    reviewed = after_review([(row, as_labelled(row, resolution, played.about)) for row, resolution in again])
    outcomes = [query_outcome(row, isbn) for (row, *_), isbn in zip(cases, answers, strict=True)]
    show(options.errors, cases, [resolution.accepted for resolution in played.resolutions], outcomes)
    forget_what_was_read()
    began = time.perf_counter()
    for _, candidate, hits in cases:
        choose(candidate, hits)
    spent = (time.perf_counter() - began) / max(sum(len(hits) for *_, hits in cases), 1)
    facts = {
        "policy": options.policy,
        "took": round(played.seconds, 1),
        "calls": played.calls,
        **reviewed,
    }
    results = {"alexandria": summary(rows, outcomes, spent, **facts)}
    heard = [(row, candidate, hits) for (row, candidate, _), hits in zip(cases, played.isbndb, strict=True)]
    for name, rule in query_rules(options.baselines)[1:]:
        results[name] = judge_queries(heard, rule, 0)
    return results


def forget_what_was_read() -> None:
    """Titles and names are read once a process: without this the second reading would be timed."""
    for module in (authors, folding, kinds, names, titles, tongues, transliteration):
        for known in vars(module).values():
            getattr(known, "cache_clear", lambda: None)()


def play(rows: Sequence[Row], options: argparse.Namespace) -> Played:
    settings = SandboxSettings(
        books=options.catalogue.resolve(),
        latency_scale=0,
        rates=dict.fromkeys(provider_names(), 1000.0),
        daily_limits={"isbndb": PLENTY, "google_books": PLENTY},
    )
    with stage.sandbox(settings) as url, stage.database() as server:
        played = asyncio.run(resolve_all(rows, settings, url, server, options))
        with httpx2.Client(base_url=url, trust_env=False, timeout=60) as client:
            seen = {isbn for row in rows for labels in LABELS for isbn in row[labels]}
            for isbn in seen | {found.isbn13 for found in played.resolutions if found.isbn13}:
                told = client.get(f"/__sandbox/truth/isbn/{isbn}")
                if told.status_code == 200 and told.json()["kind"] != "look-alike":
                    played.about[isbn] = told.json()["about"]
        return played


async def resolve_all(
    rows: Sequence[Row], settings: SandboxSettings, url: str, server: Any, options: argparse.Namespace
) -> Played:
    turn = asyncio.Semaphore(AT_ONCE)
    retried = stamina.AsyncRetryingCaller(attempts=None, timeout=RETRY_TIMEOUT).on((DatabaseUnavailable, DatabaseBusy))
    async with stage.system(settings, url, server, options.policy) as system:
        isbndb = next(source for source in system.backfill.runner.sources.sources if source.paid)

        async def one(row: Row) -> Resolution:
            async with turn:
                panel = SourceSelector(system.backfill.runner.sources)
                return (await retried(resolve, None, [candidate_of(row["query"])], panel, system.database))[0]

        async def first(row: Row) -> Sequence[EditionRecord]:
            async with turn:
                return await isbndb.find(candidate_of(row["query"]))

        since, began = datetime.now(UTC), time.perf_counter()
        resolutions = await asyncio.gather(*map(one, rows))
        seconds, calls = time.perf_counter() - began, await system.cache.calls_since(since)
        heard = await asyncio.gather(*map(first, rows)) if options.baselines else [()] * len(rows)
        return Played(resolutions, heard, calls=calls, seconds=seconds)


def as_labelled(row: Row, resolution: Resolution, about: dict[str, str]) -> str | None:
    """The answer; for an edition that the sandbox made up, a labelled one of the same work."""
    isbn = resolution.isbn13
    labelled = [other for labels in LABELS for other in row[labels]]
    if isbn is None or isbn in labelled or isbn not in about:
        return isbn
    return next((other for other in labelled if about.get(other) == about[isbn]), isbn)


# The rules that are compared


def query_rules(baselines: bool) -> list[tuple[str, Choose]]:
    rules: list[tuple[str, Choose]] = [("alexandria", lambda candidate, hits: choose(candidate, hits)[0])]
    if baselines:
        rules += [("first hit", lambda _, hits: hits[0] if hits else None), ("levenshtein 0.6", first_alike)]
        rules += [("book-match", rule) for rule in [book_match_rule()] if rule]
    return rules


def pair_rules(baselines: bool) -> list[tuple[str, Same]]:
    rules: list[tuple[str, Same]] = [("alexandria", lambda one, other: same_work(one, other).verdict == ACCEPT)]
    if baselines:
        rules += [("equal titles", lambda one, other: fold(one.title) == fold(other.title))]
        rules += [("levenshtein 0.6", lambda one, other: alike(one.title, other.title))]
        choose_one = book_match_rule()
        if choose_one:
            rules += [("book-match", lambda one, other: choose_one(as_candidate(one), [other]) is not None)]
    return rules


def alike(one: str, other: str) -> bool:
    return Levenshtein.normalized_similarity(one.lower(), other.lower()) >= 0.6


def first_alike(candidate: Candidate, hits: Sequence[EditionRecord]) -> EditionRecord | None:
    return next((hit for hit in hits if alike(candidate.title, hit.title)), None)


def as_candidate(hit: EditionRecord) -> Candidate:
    return Candidate(f"{hit.title}: {hit.subtitle}" if hit.subtitle else hit.title, ", ".join(hit.authors))


def book_match_rule() -> Choose | None:
    """The rule of the package book-match, if it is installed."""
    try:
        package = importlib.import_module("book_match")
    except ModuleNotFoundError:
        print("book-match is left out: it is not installed, and nothing here depends on it", file=sys.stderr)
        return None
    matcher = package.BookMatcher()

    def choose_one(candidate: Candidate, hits: Sequence[EditionRecord]) -> EditionRecord | None:
        asked = package.Book(title=candidate.title, authors=(candidate.author,), year=candidate.year)
        judged = [(matcher.match(asked, package.Book(**book_of(hit))), hit) for hit in hits]
        sure = [(result.confidence, hit) for result, hit in judged if result.verdict.name == "AUTO_ACCEPT"]
        return max(sure, key=lambda found: found[0], default=(0.0, None))[1]

    return choose_one


def book_of(hit: EditionRecord) -> dict[str, Any]:
    full = f"{hit.title}: {hit.subtitle}" if hit.subtitle else hit.title
    year = hit.published.year if hit.published else None
    return {"title": full, "authors": hit.authors, "language": hit.language or None, "year": year}


# The judging


def judge_queries(found: Sequence[tuple[Row, Candidate, Sequence[EditionRecord]]], rule: Choose, errors: int) -> Row:
    began = time.perf_counter()
    answers = [rule(candidate, hits) for _, candidate, hits in found]
    spent = time.perf_counter() - began
    isbns = [answer.isbn13 if answer else None for answer in answers]
    outcomes = [query_outcome(row, isbn) for (row, *_), isbn in zip(found, isbns, strict=True)]
    show(errors, found, answers, outcomes)
    pairs = sum(len(hits) for *_, hits in found)
    reviewed = after_review([(with_review(row), isbn) for (row, *_), isbn in zip(found, isbns, strict=True)])
    return summary([row for row, *_ in found], outcomes, spent / pairs, reachable=reachable(found), **reviewed)


def reachable(found: Sequence[tuple[Row, Candidate, Sequence[EditionRecord]]]) -> float:
    """The share of positive queries whose book is among the hits at all."""
    positive = [(row, hits) for row, _, hits in found if row["expect"] == "match"]
    seen = sum(any(hit.isbn13 in row["acceptable_isbn13"] for hit in hits) for row, hits in positive)
    return round(seen / max(len(positive), 1), 4)


def judge_pairs(rows: Sequence[Row], rule: Same, errors: int) -> Row:
    pairs = [tuple(hit_of(row[side], row[side]["authors"]) for side in "ab") for row in rows]
    began = time.perf_counter()
    answers = [rule(one, other) for one, other in pairs]
    spent = time.perf_counter() - began
    outcomes = [pair_outcome(row, answer) for row, answer in zip(rows, answers, strict=True)]
    show(errors, [(row, *pair) for row, pair in zip(rows, pairs, strict=True)], answers, outcomes)
    return summary(rows, outcomes, spent / len(rows))


def summary(rows: Sequence[Row], outcomes: Sequence[str], seconds: float, **more: Any) -> Row:
    """The figures of all rows; titles that only knowledge of other titles finds, and each language, by themselves."""
    judged = list(zip(rows, outcomes, strict=True))
    plain = [(row, outcome) for row, outcome in judged if CROSS_TITLE not in row.get("variation", ())]
    halves = {name: rates([outcome for row, outcome in plain if half(row) == name]) for name in HALVES}
    negatives = [outcome for row, outcome in judged if row.get("expect", "match") != "match"]
    if negatives:
        more["negatives_taken"] = round(negatives.count("taken") / len(negatives), 4)
    if len(plain) < len(judged):
        more[CROSS_TITLE] = shares([outcome for row, outcome in judged if CROSS_TITLE in row.get("variation", ())])
    if any(language_of(row) for row in rows):
        taken = interval(negatives.count("taken"), len(negatives))
        more["intervals"] = {**shares([outcome for _, outcome in plain]), "negatives_taken": taken}
        more["by_language"] = by_language(plain)
    spent = {"microseconds_per_pair": round(seconds * 1e6, 1)}
    return {**rates([outcome for _, outcome in plain]), **spent, **more, "halves": halves}


def show(errors: int, cases: Sequence[tuple[Any, ...]], answers: Sequence[Any], outcomes: Sequence[str]) -> None:
    bad = [at for at, outcome in enumerate(outcomes) if outcome in ("wrong", "taken", "missed")]
    for at in bad[:errors]:
        row, one, other = cases[at]
        print(
            f"\n{outcomes[at]} {row['id']}", row.get("type") or row.get("neg_type") or row["variation"], file=sys.stderr
        )
        if "query" in row:
            print("  asked  ", row["query"], "answered", explain(answers[at]), file=sys.stderr)
            print("  because", choose(one, other)[2], file=sys.stderr)
            print("  label  ", row.get("note") or (row["true_title"], row["true_author"]), file=sys.stderr)
        else:
            judgement = same_work(one, other)
            print("  one    ", explain(one), "\n  other  ", explain(other), file=sys.stderr)
            print("  because", judgement.score, judgement.verdict, judgement.reasons, file=sys.stderr)


def explain(hit: EditionRecord | None) -> str:
    if hit is None:
        return "nothing"
    return f"{hit.title!r} : {hit.subtitle!r} {hit.authors} {hit.isbn13} {hit.published} {hit.language} {hit.series!r}"


def print_table(results: dict[str, Row]) -> None:
    columns = ("precision", "recall", "f1", "microseconds_per_pair")
    print(f"{'rule':<18}" + "".join(f"{column:>23}" for column in columns) + "  outcomes", file=sys.stderr)
    for name, result in results.items():
        cells = "".join(f"{result[column]:>23}" for column in columns)
        print(f"{name:<18}{cells}  {result['outcomes']}", file=sys.stderr)


if __name__ == "__main__":
    main()
