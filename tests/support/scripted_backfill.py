"""A Backfill on a real database with generators and sources that give the answers of a test."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, LiteralString

from alexandria.backfill.composition import Backfill, compose
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.repositories import months
from alexandria.backfill.scheduler import Selection
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, PartialDate, SourceRecord
from alexandria.core.month import Month
from alexandria.database.pool import Database
from alexandria.providers.base import Source, SuggestResult

NOVEMBER = Month(2023, 11)
BEE_STING = Candidate("The Bee Sting", "Paul Murray", year=2023)
PROPHET = Candidate("Prophet Song", "Paul Lynch", year=2023)
ISBNS = {"The Bee Sting": "9780374600303", "Prophet Song": "9780861545896"}


@dataclass
class Scripted:
    """A generator that gives its answers one after the other; the last one for ever."""

    name: str
    answers: list[Sequence[Candidate] | Exception]
    asked: int = 0
    wishes: list[tuple[Month, str, int]] = field(default_factory=list)

    @property
    def label(self) -> str:
        return f"{self.name}:scripted"

    async def suggest(self, month: Month, variant: str, count: int) -> SuggestResult:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        self.wishes.append((month, variant, count))
        if isinstance(answer, Exception):
            raise answer
        return SuggestResult(tuple(dataclasses.replace(candidate, named_by=(self.name,)) for candidate in answer))


@dataclass
class Shelf:
    """A source that knows the ISBNS above, or fails."""

    name: str = "open_library"
    paid: bool = False
    failure: Exception | None = None
    asked: list[str] = field(default_factory=list)
    gate: asyncio.Event | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def find(self, candidate: Candidate) -> Sequence[EditionRecord]:
        self.asked.append(candidate.title)
        self.reached.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        isbn = ISBNS.get(candidate.title)
        record = SourceRecord(self.name, f"id-{candidate.title}", datetime.now(UTC))
        hit = EditionRecord(
            record,
            candidate.title,
            authors=(candidate.author,),
            isbn13=Isbn13.parse(isbn) if isbn else None,
            published=PartialDate(2023, 11),
            language="en",
            binding="Hardcover",
        )
        return [hit] if isbn else []


@contextlib.asynccontextmanager
async def backfill(url: str, generators: list[Scripted], sources: Sequence[Source]) -> AsyncIterator[Backfill]:
    async with Database(url) as database:
        jobs = JobQueue(database)
        await jobs.open()
        try:
            yield compose(database, jobs, generators, SourcePool(sources, Policy.BALANCED))
        finally:
            await jobs.aclose()


async def claim(system: Backfill, month: Month = NOVEMBER) -> months.Claim:
    """Schedule one month and return its attempt."""
    async with system.scheduler.database.transaction() as connection:
        await months.seed(connection, month.year, month.year)
    await system.scheduler.schedule(Selection(batch_size=50, first_year=month.year, last_year=month.year), "test")
    async with system.scheduler.database.transaction() as connection:
        row = await months.one(connection, month)
    assert row is not None
    return months.Claim(month, row["attempt_token"])


async def row_of(system: Backfill, month: Month = NOVEMBER):
    async with system.scheduler.database.transaction() as connection:
        row = await months.one(connection, month)
    assert row is not None
    return row


async def query(system: Backfill, statement: LiteralString, *parameters: object) -> list[dict[str, Any]]:
    async with system.scheduler.database.transaction() as connection:
        cursor = await connection.execute(statement, parameters)
        return await cursor.fetchall() if cursor.description else []


async def wakes(system: Backfill) -> list[datetime]:
    """When the jobs that wake months are due."""
    found = await query(system, "SELECT scheduled_at FROM procrastinate_jobs WHERE task_name = 'wake'")
    return [job["scheduled_at"] for job in found]
