"""What integration tests may ask for beyond the fixtures of all tests.

shared_database_url   one migrated database for all tests of a module, which leave it as they found it or empty it first
sandbox_url           a sandbox in a process of its own, for the tests of a module
alexandria, asked     run a command in this process on the test's database; asked reads its JSON
seeded_pages          months of 2000 to 2024 on the shared database, without a pause or a rollout
receiver              takes the calls of alerts
stranger, admitted    visitors of the dashboard on it, without and with a session
system, app, api      the system on that database, the HTTP application over it, and a client with the secret
sql                   runs a statement on that database and returns its rows
empty                 leaves that database without months, jobs, books and calls
database              the test's own database, opened
forecaster            makes forecasts of that database, with every provider's key, at a time that stands still
stage                 a controller of rollouts on a database of its own, with a clock and a quota that the test sets

system to empty live in the module's event loop: mark their tests with asyncio(loop_scope="module").
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import httpx2
import psycopg
import pytest
import pytest_asyncio
import structlog
from fastapi import FastAPI
from pydantic import SecretStr

from alexandria import bootstrap
from alexandria.backfill.composition import compose
from alexandria.backfill.control import Control
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.repositories import months
from alexandria.backfill.scheduler import Scheduler
from alexandria.bootstrap import Mode
from alexandria.cli import main as cli
from alexandria.core import config
from alexandria.core.provider_facts import key_settings
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.database.embedded.server import Embedded
from alexandria.database.pool import Database
from alexandria.forecast.forecaster import Forecaster
from alexandria.operations.system import System
from alexandria.providers.limits.lane_status import LaneStatus
from alexandria.rollout.controller import RolloutController
from alexandria.sandbox.parts import provider_names
from alexandria.web.app import create_app
from tests.support.alert_receiver import AlertReceiver, receiving_alerts
from tests.support.dashboard_visitors import PREVIOUS, SECRET, browser, log_in
from tests.support.forecasting import forecasting
from tests.support.forked import ForkedChild
from tests.support.outside_server import Steady

Sql = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture(scope="module")
def shared_database_url(server: Embedded, template: str) -> Iterator[str]:
    name = f"shared_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        yield server.url.replace("/alexandria?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(shared_database_url: str) -> AsyncIterator[System]:
    settings = config.load(database_url=SecretStr(shared_database_url))
    async with bootstrap.running(settings, Steady(shared_database_url), Mode.SERVE) as running:
        yield replace(running, filling=compose(running.database, running.queue))  # which a server lacks


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sql(system: System) -> Sql:
    async def run(statement: LiteralString, *parameters: object) -> list[dict[str, Any]]:
        async with system.database.transaction() as connection:
            cursor = await connection.execute(statement, parameters)
            return await cursor.fetchall() if cursor.description else []

    return run


@pytest_asyncio.fixture(loop_scope="module")
async def empty(system: System, sql: Sql) -> None:
    """A page has started a forecast in the background, which locks attempt before backfill_log: TRUNCATE would deadlock."""
    if system.forecaster._making is not None:
        await asyncio.wait({system.forecaster._making})
    tables = "backfill_log, procrastinate_jobs, procrastinate_workers, work, call, quota, audit"
    await sql(
        f"SET LOCAL session_replication_role = replica; TRUNCATE {tables} CASCADE"
    )  # else decisions are only added


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


@pytest_asyncio.fixture(loop_scope="module")
async def seeded_pages(empty: None, system: System, sql: Sql) -> None:
    await sql("UPDATE control SET paused_since = NULL, paused_until = NULL")
    await sql("SET LOCAL session_replication_role = replica; TRUNCATE rollout CASCADE")  # else only ever added to
    async with system.database.transaction() as connection:
        await months.seed(connection, 2000, 2024)


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser(app) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def admitted(stranger: httpx2.AsyncClient) -> httpx2.AsyncClient:
    assert (await log_in(stranger)).status_code == 303
    return stranger


@pytest.fixture
def receiver() -> Iterator[AlertReceiver]:
    with receiving_alerts() as listening:
        yield listening


@pytest.fixture(scope="module")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("sandbox")
    options = ["--latency-scale", "0", "--rates", ",".join(f"{name}=200" for name in provider_names())]
    with ForkedChild("sandbox", *options, folder=folder, environment=dict(os.environ)) as child:
        yield child.url()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url, size=2) as opened:
        yield opened


@pytest.fixture
async def forecaster(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Forecaster]:
    for name in key_settings().values():
        monkeypatch.setenv(name, "canary-key")
    async with forecasting(database, database_url) as made:
        yield made


@pytest.fixture
def alexandria(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, database_url: str
) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """`alexandria(...)` runs a command on the test's database: exit code, standard output, standard error."""

    def run(*arguments: object, url: str = database_url) -> tuple[int, str, str]:
        code = cli.main(["--database", url, *map(str, arguments)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # which a command sets, and all tests share one process
    yield run
    structlog.reset_defaults()


@pytest.fixture
def asked(alexandria: Callable[..., tuple[int, str, str]]) -> Callable[..., tuple[int, Any]]:
    """`asked(...)` runs a command with --json: exit code and the whole object."""

    def run(*arguments: object, **options: str) -> tuple[int, Any]:
        code, out, _ = alexandria("--json", *arguments, **options)
        return code, json.loads(out)

    return run


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

    async def end_with_books(self, resolved: int, confirmed: int, contradicted: int, generated: int = 20) -> None:
        """Complete the months in progress with stored books, of which sources know the publication month of some."""
        await self.sql("INSERT INTO work (key, title, author) VALUES ('k', 't', 'a') ON CONFLICT DO NOTHING")
        await self.sql("INSERT INTO edition (isbn13, work_id, title) SELECT '9780306406157', min(id), 't' FROM work"
                       " ON CONFLICT DO NOTHING")  # fmt: skip
        await self.sql(
            "INSERT INTO candidate (year, month, position, title, author, named_by, reason, isbn13, source, in_month)"
            " SELECT year, month, n, 't', 'a', '{}', 'r', CASE WHEN n <= %s THEN '9780306406157' END, 's',"
            " CASE WHEN n <= %s THEN 'confirmed' WHEN n <= %s THEN 'contradicted' ELSE 'unknown' END"
            " FROM backfill_log, generate_series(1, %s) AS n WHERE status = 'processing'"
            " ON CONFLICT (year, month, position) DO UPDATE SET isbn13 = excluded.isbn13, in_month = excluded.in_month",
            resolved, confirmed, confirmed + contradicted, generated,
        )  # fmt: skip
        await self.end(generated=generated, resolved=resolved)

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
