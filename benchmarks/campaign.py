"""Measures how fast, how dear and how right a campaign is: months filled at once by real workers on a PostgreSQL of their own.

Models and sources are those of fake_providers.py: two models that take 2 s, sources that take 150 to 200 ms, limits of 3 requests a second at
Open Library and ISBNdb, 2 at each model, and 1 at the others. One JSON line a run, then a table on stderr.

    python benchmarks/campaign.py                                    # 12 and 60 months of both kinds, most of an hour
    python benchmarks/campaign.py --months 3 --kinds dated           # a minute
    python benchmarks/campaign.py --months 12 --set ALEXANDRIA_POLICY=exact
    python benchmarks/campaign.py --months 60 --bibliography 97      # with 97 % of the books in a local bibliography

months/h        from the first month's start to the last one's end
first month     seconds until the first month is completed
calls/book      requests that arrived for months, by the books that their models named
works right     of the books with an ISBN, those with one of the named work
editions right  of the books with an ISBN, those with that of the first edition
invented        books that do not exist and have an ISBN nevertheless
idle            share of a provider's limit that was not used, from the first month's start to the last one's end
of the floor    time taken by the least time that these calls need: the busiest provider's calls by its rate, or one call of a model
later           requests that arrived meanwhile for no month, such as those that enrich editions
CPU s           of all workers, and of PostgreSQL with all its processes
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from psycopg.rows import TupleRow

import campaign_bibliography
import fake_providers
from alexandria.backfill.repositories import candidates
from alexandria.core.month import Month
from alexandria.core.provider_facts import key_settings
from alexandria.database import migrate
from alexandria.database.embedded.server import Embedded
from alexandria.database.pool import Database
from campaign_books import FIRST_YEAR, World
from idle import processor
from machine import machine
from stage import child_server

STARTS_WITHIN = 60.0  # seconds, of a worker
STALLS_AFTER = 600.0  # seconds without a completed month after which a run is given up
POLL_INTERVAL = 0.25  # seconds between two looks
TIMES = "SELECT extract(epoch FROM min(started_at)), extract(epoch FROM min(completed_at)), extract(epoch FROM max(completed_at)) FROM backfill_log WHERE status = 'completed'"
COMPLETED = "SELECT count(*) FROM backfill_log WHERE status = 'completed'"
FAILED = "SELECT year || '-' || month || ': ' || status || ', ' || coalesce(error_message, blocked_reason, '') FROM backfill_log WHERE status IN ('failed', 'retry')"
WORKERS = "SELECT count(*) FROM worker WHERE last_heartbeat > now() - interval '10 seconds'"
LATER = (
    "SELECT count(*) FROM call WHERE year IS NULL AND route <> '/key' AND extract(epoch FROM sent_at) BETWEEN %s AND %s"
)
POSTMASTER = "SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)::integer"

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is run: so many months of one kind, by so many workers with these settings. Providers are so many `times` as fast."""

    kind: str
    months: int
    workers: int
    seed: int
    times: float
    settings: dict[str, str]
    bibliography: int = 0  # percent of the books that a local bibliography holds

    @property
    def rates(self) -> dict[str, float]:
        return {name: rate * self.times for name, rate in fake_providers.RATES.items()}

    @property
    def names(self) -> list[Month]:
        return [Month(FIRST_YEAR + place // 12, place % 12 + 1) for place in range(self.months)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=fake_providers.KINDS, default=[*fake_providers.KINDS])
    parser.add_argument("--months", nargs="+", type=int, default=[12, 60])
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=float, default=1.0, help="the providers' rates, and one through their latency")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="settings of the workers")
    parser.add_argument("--bibliography", type=int, default=0, metavar="PERCENT", help="of the books, held locally")
    options = parser.parse_args()
    settings = dict(each.split("=", 1) for each in options.set)
    results = []
    for months in options.months:
        for kind in options.kinds:
            campaign = Campaign(
                kind, months, options.workers, options.seed, options.times, settings, options.bibliography
            )
            results.append(measure(campaign))
            print(json.dumps(results[-1]), flush=True)
    print_table(results)


def measure(campaign: Campaign) -> Result:
    """Run one campaign on providers and a database of its own."""
    with (
        child_server(_serve, campaign) as url,
        tempfile.TemporaryDirectory(prefix="alexandria-", dir="/tmp") as folder,  # short, for the socket's sake
    ):
        Path(folder).chmod(0o755)
        with Embedded(Path(folder) / "data") as server:
            migrate.upgrade(server.url)
            ours = environment(campaign, server.url, url, folder)
            if campaign.bibliography:
                campaign_bibliography.load(
                    World(campaign.months, campaign.seed), campaign.bibliography, ours, Path(folder)
                )
            with psycopg.connect(server.url, autocommit=True) as connection, workers(campaign, ours, folder) as started:
                until(connection, WORKERS, campaign.workers, STARTS_WITHIN)
                [(postmaster,)] = connection.execute(POSTMASTER).fetchall()
                of_processes = {**started, "PostgreSQL": int(postmaster)}
                before = processor(of_processes)
                schedule(campaign, ours)
                until(connection, COMPLETED, campaign.months, STALLS_AFTER)
                used = {name: now - before[name] for name, now in processor(of_processes).items()}
                stats = httpx2.get(f"{url}/stats", trust_env=False).json()
                books = asyncio.run(recorded(server.url, campaign))
                result = {
                    **identity(campaign),
                    **figures(connection, stats, campaign, books),
                    "cpu_s": rounded(used, 1),
                }
                return result | campaign_bibliography.used(connection, campaign.bibliography)


def identity(campaign: Campaign) -> Result:
    """When, where and of what these are the figures."""
    measured = {"date": datetime.now(UTC).isoformat(timespec="seconds"), **machine()}
    measured |= {"kind": campaign.kind, "months": campaign.months, "workers": campaign.workers}
    unusual = {"times": campaign.times} if campaign.times != 1 else {}
    return measured | unusual | ({"settings": campaign.settings} if campaign.settings else {})


def figures(
    connection: psycopg.Connection[TupleRow], stats: Result, campaign: Campaign, books: Sequence[Result]
) -> Result:
    """The figures of a campaign that has ended, from what arrived at the providers and what was recorded."""
    [(began, first, ended)] = connection.execute(TIMES).fetchall()
    [(later,)] = connection.execute(LATER, [began, ended]).fetchall()
    seconds = float(ended - began)
    calls = {name: sum(began <= at <= ended for at in arrivals) for name, arrivals in stats["arrivals"].items()}
    of_sources = sum(calls[name] for name in fake_providers.SOURCES)
    floor = max(
        fake_providers.MODEL_SECONDS / campaign.times, *(calls[name] / rate for name, rate in campaign.rates.items())
    )
    judged = Counter(judge(World(campaign.months, campaign.seed), books))
    resolved = len(books) - judged["unresolved"]
    return {
        "months_per_hour": round(campaign.months * 3600 / seconds, 1),
        "seconds": round(seconds, 1),
        "first_month_s": round(float(first - began), 1),
        "books": len(books),
        "calls_per_book": round((of_sources - later) / len(books), 2),
        "isbndb_per_book": round(calls["isbndb"] / len(books), 3),
        "calls": calls,
        "later": later,
        "answers_429": sum(stats["refused"].values()),
        "resolved": round(100 * resolved / len(books), 1),
        "works_right": round(100 * (judged["right"] + judged["other edition"]) / resolved, 2),
        "editions_right": round(100 * judged["right"] / resolved, 2),
        "invented_with_isbn": judged["invented"],
        "idle": rounded({name: 1 - calls[name] / rate / seconds for name, rate in campaign.rates.items()}, 2),
        "floor_s": round(floor, 1),
        "of_the_floor": round(seconds / floor, 2),
    }


def judge(world: World, books: Sequence[Result]) -> Iterator[str]:
    """Of each book: unresolved, right, the number of another edition or of another work, or one that is invented."""
    truth = {(book.title, book.authors[0]): book for books in world.of_month.values() for book in books}
    for book in books:
        named = truth[book["title"], next(name for title, name in truth if title == book["title"] and book["author"].startswith(name))]  # fmt: skip
        if book["isbn13"] is None:
            yield "unresolved"
        elif named.invented:
            yield "invented"
        elif book["isbn13"] == named.first.isbn13:
            yield "right"
        else:
            yield "other edition" if book["isbn13"] == named.reprint.isbn13 else "other work"


async def recorded(url: str, campaign: Campaign) -> list[Result]:
    """All books that were recorded for the months."""
    async with Database(url) as database, database.transaction() as connection:
        return [book for month in campaign.names for book in await candidates.of_month(connection, month)]


def schedule(campaign: Campaign, ours: dict[str, str]) -> None:
    """Schedule all months as a person does."""
    first, last = campaign.names[0], campaign.names[-1]
    for arguments in (["seed", f"{first.year}..{last.year}"], ["schedule", f"{first}..{last}"]):
        command = [sys.executable, "-m", "alexandria", *arguments]
        done = subprocess.run(command, env=ours, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)


def until(connection: psycopg.Connection[TupleRow], statement: str, wanted: int, patience: float) -> None:
    """Wait until a count is reached; gives up when it has not grown for a while."""
    reached, since = -1, time.monotonic()
    while reached < wanted:
        [(now,)] = connection.execute(statement).fetchall()
        if now > reached:
            reached, since = now, time.monotonic()
        elif time.monotonic() - since > patience:
            raise SystemExit("\n".join([f"{reached} of {wanted}", *(row[0] for row in connection.execute(FAILED))]))
        time.sleep(POLL_INTERVAL)


def environment(campaign: Campaign, database: str, url: str, folder: str) -> dict[str, str]:
    """The settings of all processes: these providers with their limits, and nothing of the person who measures."""
    keys = key_settings()
    ours = {k: v for k, v in os.environ.items() if not k.startswith("ALEXANDRIA_") and k not in keys.values()}
    for name, rate in campaign.rates.items():
        ours |= {f"ALEXANDRIA_{name.upper()}_BASE_URL": f"{url}/{name}", f"ALEXANDRIA_{name.upper()}_RATE": str(rate)}
        ours |= {keys[name]: "key-of-the-benchmark"} if name in keys else {}
    ours |= {"DATABASE_URL": database, "ALEXANDRIA_DATA_DIR": f"{folder}/alexandria"}
    ours |= {
        "ALEXANDRIA_WEBHOOK_SECRET": "secret-of-the-benchmark",
        "ALEXANDRIA_CONTACT": "benchmark@alexandria.invalid",
    }
    return ours | campaign.settings


@contextlib.contextmanager
def workers(campaign: Campaign, ours: dict[str, str], folder: str) -> Iterator[dict[str, int]]:
    """The ids of the worker processes by name."""
    with contextlib.ExitStack() as stack:
        yield {f"worker {n}": stack.enter_context(_worker(ours, Path(folder) / f"worker{n}.log")) for n in range(1, campaign.workers + 1)}  # fmt: skip


@contextlib.contextmanager
def _worker(ours: dict[str, str], log: Path) -> Iterator[int]:
    with log.open("wb") as output:
        child = subprocess.Popen([sys.executable, "-m", "alexandria", "work"], env=ours, stdout=output, stderr=output)
    try:
        yield child.pid
        if child.poll() is not None:
            raise SystemExit(log.read_text())
    finally:
        child.terminate()
        child.wait()


def _serve(campaign: Campaign, pipe: Pipe) -> None:
    fake_providers.serve(campaign.months, campaign.seed, campaign.kind, campaign.times, pipe.send)


def rounded(numbers: dict[str, float], digits: int) -> dict[str, float]:
    return {name: round(number, digits) for name, number in numbers.items()}


def print_table(results: Sequence[Result]) -> None:
    """A row a run, and below it the idle share of each provider."""
    columns = {
        "months/h": "months_per_hour", "first month": "first_month_s", "books": "books", "calls/book": "calls_per_book",
        "ISBNdb": "isbndb_per_book", "429": "answers_429", "works right": "works_right", "editions": "editions_right",
        "invented": "invented_with_isbn", "floor s": "floor_s", "of the floor": "of_the_floor",
    }  # fmt: skip
    print(f"\n{'':<12} {' '.join(f'{name:>11}' for name in columns)}", file=sys.stderr)
    for result in results:
        row = " ".join(f"{result[key]:>11}" for key in columns.values())
        print(f"{result['months']:>3} {result['kind']:<8} {row}", file=sys.stderr)
    for result in results:
        idle = ", ".join(f"{name} {share:.0%}" for name, share in result["idle"].items())
        print(f"{result['months']:>3} {result['kind']:<8} idle: {idle}", file=sys.stderr)


if __name__ == "__main__":
    main()
