"""What does durability cost a month that has nothing to ask? Months with one known book each, from the schedule call to `completed`.

Each month is claimed, queued, begun, its book recognised in the catalogue, recorded and completed, on a PostgreSQL of its own that keeps
what it has committed. One row a run:

wall s       from the schedule call to the last month that is completed
CPU s        of this process and of PostgreSQL with all its processes
round trips  of this process to PostgreSQL for each month, heartbeats included; looks for the end of the run are not counted

The bounds of the last row are for one run; with --check the program exits 1 if the median is over one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from alexandria.backfill import worker
from alexandria.backfill.composition import Backfill, compose
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.repositories import months
from alexandria.backfill.scheduler import Selection
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, PartialDate, SourceRecord
from alexandria.core import logging
from alexandria.core.month import Month
from alexandria.database import migrate
from alexandria.database.embedded.server import Embedded
from alexandria.database.pool import Database
from alexandria.providers.base import SuggestResult
from idle import processor

FIRST_YEAR, LAST_YEAR = 2000, 2024
MONTHS = 12 * (LAST_YEAR - FIRST_YEAR + 1)
MAX_WALL, MAX_CPU = 1.5, 3.0  # seconds for MONTHS months
POLL_INTERVAL = 0.02  # seconds between two looks for the end of a run
FIRST = [
    "amber",
    "bitter",
    "crimson",
    "distant",
    "early",
    "fallen",
    "golden",
    "hidden",
    "iron",
    "jagged",
    "kindly",
    "little",
    "midnight",
    "narrow",
    "open",
]
SECOND = [
    "anchor",
    "bridge",
    "candle",
    "desert",
    "ember",
    "forest",
    "garden",
    "harbour",
    "island",
    "journey",
    "kingdom",
    "lantern",
    "meadow",
    "night",
    "ocean",
    "pilgrim",
    "quarry",
    "river",
]
THIRD = [
    "Abbott",
    "Barlow",
    "Castle",
    "Dunmore",
    "Ellery",
    "Fairfax",
    "Grantham",
    "Holloway",
    "Ingram",
    "Jessop",
    "Kendrick",
    "Lomax",
    "Merton",
    "Norwood",
    "Osgood",
]
RESET = "UPDATE backfill_log SET status = 'pending', retry_count = 0 WHERE status = 'completed'"
RUNNING = "SELECT count(*) FROM backfill_log WHERE status = 'processing'"
COMPLETED = "SELECT count(*) FROM backfill_log WHERE status = 'completed'"
POSTMASTER = "SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)::integer"


def book(month: Month) -> tuple[Candidate, Isbn13]:
    """The book of a month, unlike that of any other."""
    number = 12 * (month.year - FIRST_YEAR) + month.month - 1
    first, second = FIRST[number % len(FIRST)], SECOND[number % len(SECOND)]
    title = f"The {first.title()} {second.title()} of {THIRD[number // 15 % len(THIRD)]}"
    digits = f"97814{number:07d}"
    check = -sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10
    author = f"{second.title()} {THIRD[(number * 7) % len(THIRD)]}"
    return Candidate(title, author, year=month.year, month=month.month), Isbn13.parse(f"{digits}{check}")


def edition(source: str, candidate: Candidate, isbn: Isbn13, month: Month) -> EditionRecord:
    """The record that a source has of the book of a month."""
    behind = SourceRecord(source, f"id-{isbn}", datetime.now(UTC))
    published = PartialDate(month.year, month.month)
    return EditionRecord(
        behind, candidate.title, authors=(candidate.author,), isbn13=isbn, published=published, language="en"
    )


@dataclass
class Books:
    """The generator that names one book a month, and the source that knows it."""

    name: str = "open_library"
    label: str = "benchmark:books"
    paid: bool = False
    rate: float = 1000.0
    isbns: dict[str, tuple[Isbn13, Month]] = field(default_factory=dict)
    looked_up: int = 0

    async def suggest(self, month: Month, _variant: str, _count: int) -> SuggestResult:
        candidate, isbn = book(month)
        self.isbns[candidate.title] = isbn, month
        return SuggestResult((candidate,))

    async def find(self, candidate: Candidate) -> Sequence[EditionRecord]:
        self.looked_up += 1
        return [edition(self.name, candidate, *self.isbns[candidate.title])]


@dataclass
class RoundTrips:
    """Counts how often connections of this process wait for an answer of PostgreSQL."""

    count: int = 0

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        wait = psycopg.AsyncConnection.wait

        async def counted(connection: Any, waited: Any, *arguments: Any, **options: Any) -> Any:
            idle = connection.info.transaction_status is TransactionStatus.IDLE
            match waited.__name__:
                case name if waited.__qualname__.startswith("BasePipeline."):
                    self.count += name != "_enter_gen"
                case _ if (
                    connection.info.pipeline_status
                ):  # is sent with what follows, and waited for at the pipeline's end
                    pass
                case "_commit_gen" | "_set_autocommit_gen" if idle:  # nothing is sent
                    pass
                case "_execute_gen" if idle and not connection.autocommit:  # BEGIN is sent and answered before
                    self.count += 2
                case _:
                    self.count += 1
            return await wait(connection, waited, *arguments, **options)

        psycopg.AsyncConnection.wait = counted  # type: ignore[assignment, method-assign]
        try:
            yield
        finally:
            psycopg.AsyncConnection.wait = wait  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class Run:
    wall: float
    ours: float
    theirs: float
    round_trips: float

    def row(self, name: str) -> str:
        return f"{name:<8} {self.wall:>7.2f} {self.ours + self.theirs:>7.2f} {self.ours:>7.2f} {self.theirs:>11.2f} {self.round_trips:>12.1f}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--concurrency", type=int, default=4, help="months at once")
    options.add_argument("--check", action="store_true", help="exit with 1 if the median is over a bound")
    chosen = options.parse_args()
    logging.configure("ERROR", "console", ())
    print(f"{MONTHS} months  wall s   CPU s    ours  PostgreSQL  round trips")
    median = asyncio.run(measure(chosen.runs, chosen.concurrency))
    print(f"{'bound':<8} {MAX_WALL:>7.2f} {MAX_CPU:>7.2f}")
    sys.exit(chosen.check and (median.wall > MAX_WALL or median.ours + median.theirs > MAX_CPU))


async def measure(runs: int, concurrency: int) -> Run:
    """Print a row for each run, after one that records the books; returns the median of each figure."""
    with tempfile.TemporaryDirectory(prefix="alexandria-", dir="/tmp") as folder:  # short, for the socket's sake
        Path(folder).chmod(0o755)  # noqa: ASYNC240 # nothing else runs yet
        with Embedded(Path(folder) / "data") as server:
            migrate.upgrade(server.url)
            books = Books()
            async with (
                working(server.url, books, concurrency) as backfill,
                await psycopg.AsyncConnection.connect(server.url, autocommit=True) as connection,
            ):
                async with backfill.scheduler.database.transaction() as seeding:
                    await months.seed(seeding, FIRST_YEAR, LAST_YEAR)
                await once(connection, backfill)
                measured = []
                for number in range(1, runs + 1):
                    await connection.execute(RESET)
                    await connection.execute("VACUUM ANALYZE")
                    measured.append(await once(connection, backfill))
                    print(measured[-1].row(f"run {number}"), flush=True)
                if books.looked_up != MONTHS:
                    raise SystemExit(f"{books.looked_up - MONTHS} books were not recognised")
    columns = ([getattr(run, name) for run in measured] for name in Run.__dataclass_fields__)
    median = Run(*map(statistics.median, columns))
    print(median.row("median"))
    return median


async def once(connection: psycopg.AsyncConnection[Any], backfill: Backfill) -> Run:
    """Schedule all months and wait for the last one."""
    server = {"PostgreSQL": await number(connection, POSTMASTER)}
    used, ours, began = processor(server), time.process_time(), time.monotonic()
    round_trips = await completed(connection, backfill)
    wall, ours = time.monotonic() - began, time.process_time() - ours
    return Run(wall, ours, processor(server)["PostgreSQL"] - used["PostgreSQL"], round_trips / MONTHS)


async def completed(connection: psycopg.AsyncConnection[Any], backfill: Backfill) -> int:
    """Schedule all seeded months, wait until they are completed, and return the number of round trips."""
    trips = RoundTrips()
    with trips.counting():
        scheduled = await backfill.scheduler.schedule(Selection(batch_size=MONTHS), "benchmark")
        looks = 1
        while await number(connection, RUNNING):
            await asyncio.sleep(POLL_INTERVAL)
            looks += 1
    if await number(connection, COMPLETED) != len(scheduled.months):
        raise SystemExit("a month did not complete")
    return trips.count - looks


async def number(connection: psycopg.AsyncConnection[Any], statement: str) -> int:
    [(value,)] = await (await connection.execute(statement)).fetchall()
    return int(value)


@contextlib.asynccontextmanager
async def working(url: str, books: Books, concurrency: int) -> AsyncIterator[Backfill]:
    """A worker in this process, which ends with the context."""
    async with Database(url) as database:
        queue = JobQueue(database)
        await queue.open()
        backfill = compose(database, queue, [books], SourcePool([books], Policy.BALANCED))
        stop = asyncio.Event()

        async def nothing() -> None:
            return None

        running = asyncio.create_task(
            worker.work(queue, backfill, stop, concurrency=concurrency, periodic=(), reconnect=nothing)
        )
        try:
            yield backfill
        finally:
            stop.set()
            await running
            await queue.aclose()


if __name__ == "__main__":
    main()
