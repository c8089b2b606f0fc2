"""How does the cost of a step grow with the catalogue, and the speed with the workers? A line a size, and one a number of workers.

Each size is a catalogue of its own, filled by SQL, of which months have named the same few works: what is read of months does not
grow, so that only the size of the catalogue tells. The steps, of each the median time and the processor of all processes in ms:

recognise  a book that the catalogue has, by its title and author
record     a month of thirty new books, with its completion
export     the books of a month, as CSV
page       a search for a title, and the page of a work
status     what `alexandria status` shows

`growth` is the exponent by which the processor of a step grows from the first size to the last: 0 is not at all, 1 as the catalogue does;
logarithmic growth is 0.09 from ten thousand works to a million. Workers are processes with four months at once, and the months have
a known book each. With --check the program exits 1 if a step but the export grows faster than by MAX_GROWTH.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any
from uuid import uuid4

import psycopg

import catalogue
import overhead
from alexandria.backfill.composition import compose
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.record import record
from alexandria.backfill.repositories import months
from alexandria.backfill.repositories.months import Claim
from alexandria.backfill.resolve import recognise
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.catalogue.models import Candidate, Resolution
from alexandria.core import logging
from alexandria.core.month import Month
from alexandria.database.embedded.server import Embedded
from alexandria.database.pool import Database
from idle import processor
from machine import machine
from stage import child_server, database

SIZES = [10_000, 100_000, 1_000_000]
NAMED = 10_000  # works that months have named, at every size
WORKERS = [1, 2, 4, 8]
CONCURRENCY = 4  # months of a worker at once
BOOKS = 30  # of a month that is recorded
RECORDED_YEAR = 2030  # the first of the months that are recorded, none of which the catalogue has
WORKERS_YEARS = 2015, 2024
MAX_GROWTH = 0.15
STEPS = ("recognise", "record", "export", "page", "status")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="works of the catalogues")
    options.add_argument("--workers", type=int, nargs="*", default=WORKERS, help="numbers of workers")
    options.add_argument("--times", type=int, default=100, help="how often each step is taken; a tenth for months")
    options.add_argument("--check", action="store_true", help="exit with 1 if a step grows too fast")
    chosen = options.parse_args()
    logging.configure("ERROR", "console", ())
    print(json.dumps({"date": f"{datetime.now(UTC):%Y-%m-%d}", **machine()}))
    growing = sizes(chosen.sizes, chosen.times) if chosen.sizes else {}
    if chosen.workers:
        asyncio.run(workers(chosen.workers))
    sys.exit(chosen.check and any(growth > MAX_GROWTH for step, growth in growing.items() if step != "export"))


def sizes(works: list[int], times: int) -> dict[str, float]:
    """Print the costs of each step at each size; returns by what exponent its processor time grows."""
    print(f"{'works':>10}" + "".join(f"{f'{step} ms, CPU':>20}" for step in STEPS))
    costs = []
    for size in works:
        with database() as server:
            catalogue.fill(server.url, size, NAMED)
            costs.append(asyncio.run(steps(server, size, times)))
        cells = (f"{cost['p50_ms']:.1f}, {cost['cpu_ms']:.1f}" for cost in costs[-1].values())
        print(f"{size:>10}" + "".join(f"{cell:>20}" for cell in cells), flush=True)
    if len(works) == 1:
        return {}
    decades = math.log(works[-1] / works[0])
    growing = {step: math.log(costs[-1][step]["cpu_ms"] / costs[0][step]["cpu_ms"]) / decades for step in STEPS}
    print(f"{'growth':>10}" + "".join(f"{growth:>20.2f}" for growth in growing.values()))
    return growing


async def steps(server: Embedded, works: int, times: int) -> dict[str, dict[str, float]]:
    """The costs of each step in a filled catalogue."""
    used = catalogue.ProcessorTime(server.url)
    chance = random.Random(catalogue.SEED)
    asked = catalogue.questions(server.url, works)
    count = times + catalogue.WARMING_REQUESTS

    def export() -> Iterator[tuple[str, dict[str, Any]]]:
        while True:
            yield "/api/catalogue/books.csv", {"month": f"{chance.randint(1900, 2024)}-{chance.randint(1, 12):02}"}

    def pages() -> Iterator[tuple[str, dict[str, Any]]]:
        while True:
            yield next(asked["page: books"])
            yield next(asked["page: work"])

    def status() -> Iterator[tuple[str, dict[str, Any]]]:
        while True:
            yield "/api/internal/backfill-stats", {}

    async with Database(server.url) as opened:
        recorded = times // 10 + catalogue.WARMING_REQUESTS
        costs = {
            "recognise": await catalogue.figures(used, recognised(opened, works, count)),
            "record": await catalogue.figures(used, recorded_months(opened, recorded)),
        }
    async with catalogue.client_of(server) as client:
        for step, requests in (("export", export()), ("page", pages()), ("status", status())):
            costs[step] = await catalogue.figures(used, catalogue.asked(client, requests, count))
    return costs


async def recognised(opened: Database, works: int, times: int) -> AsyncIterator[float]:
    """The times in which books of the catalogue are recognised, in ms."""
    async with opened.transaction() as connection:
        found = await connection.execute(
            "SELECT title, author FROM work WHERE id IN (SELECT 1 + (random() * %s)::int FROM generate_series(1, %s))"
            " AND id %% 10 <> 0 AND language <> 'ja'",  # without an edition, or without the keys that its signs have
            (works - 1, 2 * times),
        )
        books = [Candidate(row["title"], row["author"]) for row in await found.fetchall()]
    for book in books[:times]:
        began = time.perf_counter()
        held, _ = await recognise(book, opened)
        yield 1000 * (time.perf_counter() - began)
        if held is None:
            raise SystemExit(f"{book.title!r} by {book.author} was not recognised")


async def recorded_months(opened: Database, count: int) -> AsyncIterator[float]:
    """The times in which months of new books are recorded and completed, in ms."""
    for number in range(count):
        month, token = Month(RECORDED_YEAR + number // 12, number % 12 + 1), uuid4()
        async with opened.transaction() as connection:
            await months.seed(connection, month.year, month.year)
            await months.claim(connection, [Claim(month, token)], [number])
        books = [new_book(place) for place in range(number * BOOKS, (number + 1) * BOOKS)]
        began = time.perf_counter()
        done = await record(opened, month, token, books, variant="benchmark", note=None, now=datetime.now(UTC))
        yield 1000 * (time.perf_counter() - began)
        if done.new != BOOKS:
            raise SystemExit(f"{done.new} of {BOOKS} books of {month} are new")


def new_book(number: int) -> Resolution:
    """A book that the catalogue does not have, with the record that proves it."""
    named_for = Month(overhead.FIRST_YEAR + number // 12 % 100, number % 12 + 1)
    named, isbn = overhead.book(named_for)
    candidate = Candidate(f"{named.title} {number}", named.author, year=named.year, month=named.month)
    found = overhead.edition("open_library", candidate, isbn, named_for)
    return Resolution(candidate, isbn, source="open_library", score=100.0, reason="benchmark", accepted=found)


async def workers(numbers: list[int]) -> None:
    """Print for each number of workers how fast they complete months with a known book each."""
    print(
        f"{'workers':>10}{'months':>10}{'wall s':>10}{'months/s':>10}{'CPU ms a month: workers':>26}{'PostgreSQL':>12}"
    )
    first, last = WORKERS_YEARS
    count = 12 * (last - first + 1)
    with database() as server:
        async with Database(server.url) as opened:
            queue = JobQueue(opened)
            await queue.open()
            books = overhead.Books()
            backfill = compose(opened, queue, [books], SourcePool([books], Policy.BALANCED))
            async with opened.transaction() as seeding:
                await months.seed(seeding, first, last)
            async with await psycopg.AsyncConnection.connect(server.url, autocommit=True) as connection:
                postmaster = await overhead.number(connection, overhead.POSTMASTER)
                for place, number in enumerate([1, *numbers]):
                    with contextlib.ExitStack() as stack:
                        children = [
                            stack.enter_context(child_server(_work, server.url, CONCURRENCY)) for _ in range(number)
                        ]
                        processes = {"PostgreSQL": postmaster} | {child: int(child) for child in children}
                        used, began = processor(processes), time.monotonic()
                        await overhead.completed(connection, backfill)
                        wall, now = time.monotonic() - began, processor(processes)
                    spent = {name: 1000 * (now[name] - used[name]) / count for name in processes}
                    ours, theirs = sum(spent.values()) - spent["PostgreSQL"], spent["PostgreSQL"]
                    if place:  # the first run records the books
                        row = f"{number:>10}{count:>10}{wall:>10.1f}{count / wall:>10.1f}{ours:>26.1f}{theirs:>12.1f}"
                        print(row, flush=True)
                    await connection.execute(overhead.RESET)
                    await connection.execute("VACUUM ANALYZE")
            await queue.aclose()


def _work(url: str, concurrency: int, pipe: Connection) -> None:
    """A worker in a process of its own, which sends its number and works until it is ended."""

    async def work() -> None:
        logging.configure("ERROR", "console", ())
        async with overhead.working(url, overhead.Books(), concurrency):
            pipe.send(str(os.getpid()))
            await asyncio.Event().wait()

    asyncio.run(work())


if __name__ == "__main__":
    main()
