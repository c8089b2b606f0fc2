"""A PostgreSQL as an operator runs it: Debian's where it is installed, else the embedded one, with databases and roles.

own_server   the server, one for each module
sandbox      the environment of processes that ask the providers' sandbox
operator     an empty database on it and its owner, and what people do with it
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString
from unittest import mock
from urllib.parse import quote

import psycopg
import pytest
import structlog

from alexandria import cli
from alexandria.cli.runtime import demo
from alexandria.database.embedded.installation import DEBIAN
from alexandria.database.embedded.server import Embedded
from alexandria.sandbox.parts import provider_names

WORK_TIMEOUT = 100.0  # seconds for two months, on a machine with much else to do


@dataclass(frozen=True)
class OwnServer:
    """A running server; its superuser is named `alexandria`."""

    socket: str
    psql: Path

    def url(self, role: str, database: str, options: str = "") -> str:
        rest = f"&options={quote(options)}" if options else ""
        return f"postgresql://{role}@/{database}?host={quote(self.socket, safe='')}{rest}"

    def admin(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement as the superuser; returns its rows."""
        with psycopg.connect(self.url("alexandria", database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@dataclass
class Result:
    """How a command of alexandria ended."""

    code: int
    data: Any
    stderr: str
    error: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Whatever it is, it has a reason."""
        text = self.stderr + json.dumps(self.error)
        assert "fault of alexandria" not in text, text


@dataclass
class Operator:
    """A database `name` that the role `owner` owns, and what people do with it."""

    server: OwnServer
    name: str
    owner: str
    roles: list[str]

    def role(self, attributes: str = "LOGIN") -> str:
        name = f"role_{uuid.uuid4().hex[:8]}"
        self.server.admin(f"CREATE ROLE {name} {attributes}")
        self.roles.append(name)
        return name

    def admin(self, statement: str) -> list[tuple[Any, ...]]:
        return self.server.admin(statement, self.name)

    def url(self, role: str = "", options: str = "") -> str:
        return self.server.url(role or self.owner, self.name, options)

    def run(self, *arguments: str, role: str = "", url: str = "", **environment: str) -> Result:
        """Run alexandria with --json."""
        return command(*arguments, DATABASE_URL=url or self.url(role), **environment)

    def completes_months(self, sandbox: dict[str, str], url: str = "") -> None:
        """A worker completes what was scheduled, through the sandbox."""
        work(url or self.url(), **sandbox)
        status = self.run("status", url=url or self.url())
        assert status.data["by_status"]["completed"] == 2, status

    def psql(self, statement: str, role: str = "", **environment: str) -> list[list[str]]:
        """Run the SQL by psql as a person does; returns the rows that it prints."""
        called = [str(self.server.psql), "-XAt", "-v", "ON_ERROR_STOP=1", "-d", self.url(role), "-c", statement]
        printed = subprocess.run(called, capture_output=True, text=True, env=os.environ | environment, check=False)
        assert printed.returncode == 0, printed.stderr
        return [line.split("|") for line in printed.stdout.splitlines()]

    def sql(self, statement: LiteralString, role: str = "") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url(role), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def works(self, role: str = "", url: str = "", **environment: str) -> None:
        """Migrate, seed, schedule and read, as on any first day."""
        assert self.run("migrate", role=role, url=url, **environment).code == 0
        assert self.run("seed", "2023..2023", role=role, url=url, **environment).code == 0
        scheduled = self.run("schedule", "--batch-size", "2", role=role, url=url, **environment)
        assert scheduled.code == 0, scheduled
        assert scheduled.data["execution_summary"] == {"triggered": 2, "skipped": 0, "errors": 0}
        status = self.run("status", role=role, url=url, **environment)
        assert status.data["by_status"]["pending"] == 10, status
        assert status.data["by_status"]["processing"] == 2, status


def work(url: str, **environment: str) -> None:
    """Run a worker in a process of its own until every scheduled month has ended."""
    called = [sys.executable, "-m", "alexandria", "work", "--until-idle"]
    done = subprocess.run(
        called,
        capture_output=True,
        text=True,
        env=os.environ | environment | {"DATABASE_URL": url},
        timeout=WORK_TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def command(*arguments: str, **environment: str) -> Result:
    """Run alexandria with --json in this process."""
    out, err, hook = io.StringIO(), io.StringIO(), sys.excepthook
    with (
        mock.patch.dict(os.environ, environment),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            code = cli.main([*arguments, "--json"])
        finally:
            sys.excepthook = hook
            structlog.reset_defaults()
    answer = json.loads(out.getvalue()) if out.getvalue().strip() else {}
    return Result(code, answer.get("data"), err.getvalue(), answer.get("error", {}))


@pytest.fixture(scope="module")
def own_server(session_folder: Path) -> Iterator[OwnServer]:
    """One server for the tests of a module."""
    embedded = Embedded(session_folder / f"own-{uuid.uuid4().hex[:8]}", durable=False)
    debian = sorted(DEBIAN.glob("[1-9][0-9]/bin"), reverse=True)
    if debian:
        embedded._programs = debian[0]
    with embedded as running:
        yield OwnServer(str(running._socket), running.psql if not debian else debian[0] / "psql")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("sandbox")
    options = ["--latency-scale", "0.01", "--rates", ",".join(f"{name}={demo.RATE}" for name in provider_names())]
    with demo.Child("sandbox", *options, folder=folder, environment=dict(os.environ)) as child:
        yield demo._sandboxed(child.url())


@pytest.fixture
def operator(own_server: OwnServer) -> Iterator[Operator]:
    """An empty database whose owner may do what an owner may do, and is no superuser."""
    made = Operator(own_server, f"db_{uuid.uuid4().hex[:8]}", "", [])
    made.owner = made.role()
    own_server.admin(f"CREATE DATABASE {made.name} OWNER {made.owner} TEMPLATE template0 ENCODING 'UTF8'")
    yield made
    own_server.admin(f"DROP DATABASE IF EXISTS {made.name} WITH (FORCE)")
    for role in made.roles:
        own_server.admin(f"DROP ROLE IF EXISTS {role}")
