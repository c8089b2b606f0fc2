"""What integration tests may ask for beyond the fixtures of all tests.

shared_database_url   one migrated database for all tests of a module, which leave it as they found it or empty it first
system, app, api      the system on that database, the HTTP application over it, and a client with the secret
sql                   runs a statement on that database and returns its rows
empty                 leaves that database without months, jobs, books and calls

The last five live in the module's event loop: mark their tests with asyncio(loop_scope="module").
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, LiteralString

import httpx2
import psycopg
import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import SecretStr

from alexandria import bootstrap
from alexandria.bootstrap import Mode
from alexandria.core import config
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.database.embedded.server import Embedded
from alexandria.operations.system import System
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
