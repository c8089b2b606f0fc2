"""What integration tests may ask for beyond the fixtures of all tests.

shared_database_url   one migrated database for all tests of a module, which leave it as they found it or empty it first
system, app, api      the system on that database, the HTTP application over it, and a client with the secret
sql                   runs a statement on that database and returns its rows
empty                 leaves that database without months, jobs, books and calls
stage                 a controller of rollouts on a database of its own, with a clock and a quota that the test sets

system to empty live in the module's event loop: mark their tests with asyncio(loop_scope="module").
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import httpx2
import psycopg
import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import SecretStr

from alexandria import bootstrap
from alexandria.backfill.control import Control
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.scheduler import Scheduler
from alexandria.bootstrap import Mode
from alexandria.core import config
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.database.embedded.server import Embedded
from alexandria.database.pool import Database
from alexandria.operations.system import System
from alexandria.providers.limits.lane_status import LaneStatus
from alexandria.rollout.controller import RolloutController
from alexandria.web.app import create_app

SECRET = "canary-secret-of-the-door"
PREVIOUS = "canary-secret-of-yesterday"
Sql = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture(scope="module")
def shared_database_url(server: Embedded, template: str) -> Iterator[str]:
    name = f"shared_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield server.url.replace("/alexandria?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@dataclass
class Steady:
    """A server that is managed outside of Alexandria."""

    url: str

    def ensure(self) -> None:
        return


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(shared_database_url: str) -> AsyncIterator[System]:
    settings = config.load(database_url=SecretStr(shared_database_url))
    async with bootstrap.running(settings, Steady(shared_database_url), Mode.SERVE) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sql(system: System) -> Sql:
    async def run(statement: LiteralString, *parameters: object) -> list[dict[str, Any]]:
        async with system.database.transaction() as connection:
            cursor = await connection.execute(statement, parameters)
            return await cursor.fetchall() if cursor.description else []

    return run


@pytest_asyncio.fixture(loop_scope="module")
async def empty(sql: Sql) -> None:
    await sql("TRUNCATE backfill_log, procrastinate_jobs, procrastinate_workers, work, call, quota, audit CASCADE")


@pytest_asyncio.fixture(loop_scope="module")
async def app(system: System, sql: Sql) -> FastAPI:
    await sql("TRUNCATE knock")
    app = create_app(system, WebhookSecrets((SECRET, PREVIOUS)))
    app.state.readiness.clock = itertools.count(step=2).__next__  # two seconds pass between two requests
    return app


@pytest_asyncio.fixture(loop_scope="module")
async def api(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app)
    headers = {"X-Cron-Secret": SECRET}
    async with httpx2.AsyncClient(transport=transport, base_url="http://alexandria", headers=headers) as client:
        yield client


class RolloutStage:
    """A controller on a clock that the test sets, and its database."""

    def __init__(self, database: Database, jobs: JobQueue, url: str) -> None:
        self.now, self.url = datetime(2026, 3, 2, 3, tzinfo=UTC), url
        self.lanes: list[LaneStatus] = []
        self.spend(0)
        self.database = database
        self.controller = RolloutController(database, Scheduler(database, jobs), self.allowances, now=lambda: self.now)
        self.control = Control(database, jobs)

    def spend(self, used: int, cap: int = 13000) -> None:
        """Set what the rate limiter reports of ISBNdb's day."""
        reset = datetime(2026, 3, 3, tzinfo=UTC)
        day = datetime(2026, 3, 2, tzinfo=UTC).date()
        self.lanes = [
            LaneStatus("isbndb", 3, None, "", day, cap=cap, limit=15000, used=used, reserved=0, reset_at=reset)
        ]

    async def allowances(self) -> list[LaneStatus]:
        return self.lanes

    async def sql(self, statement: LiteralString, *parameters: Any) -> list[dict[str, Any]]:
        async with self.database.transaction() as connection:
            cursor = await connection.execute(statement, parameters)
            return await cursor.fetchall() if cursor.description else []

    async def log(self) -> list[tuple[str, str, str]]:
        return [(row["who"], row["act"], row["why"]) for row in await self.sql("SELECT * FROM rollout_log ORDER BY id")]

    async def end(self, status: str = "completed", generated: int = 20, resolved: int = 20) -> None:
        """End the months in progress."""
        await self.sql(
            "UPDATE backfill_log SET status = %s, books_generated = %s, isbns_resolved = %s, isbndb_calls = 20"
            " WHERE status = 'processing'",
            status, generated, resolved,
        )  # fmt: skip

    async def days(self, number: int) -> None:
        """Days without failures."""
        for _ in range(number):
            await self.controller.tick()
            await self.end()
            self.now += timedelta(days=1)


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[RolloutStage]:
    async with Database(database_url) as database:
        jobs = JobQueue(database)
        await jobs.open()
        yield RolloutStage(database, jobs, database_url)
        await jobs.aclose()
