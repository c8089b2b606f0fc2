"""A PostgreSQL as an operator runs it: Debian's where it is installed, else the embedded one, with databases and roles.

own_server   the server, one for each module
sandbox      the environment of processes that ask the providers' sandbox
operator     an empty database on it and its owner, and what people do with it
cluster      a function: a server of Debian's with rules, certificates and a port of its own, or the standby of another
at           what people do with a database, by its URL
refuses      a function: every command is refused at a URL, in one sentence with the fix
working      a function: the API and a worker on a database, as a context
until        a function that waits for a state of other processes
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString, TypeVar
from unittest import mock
from urllib.parse import quote, urlencode

import httpx2
import psycopg
import pytest
import structlog

from alexandria.cli import main as cli
from alexandria.cli.runtime import demo
from alexandria.database.embedded import installation
from alexandria.database.embedded.installation import DEBIAN
from alexandria.database.embedded.server import Embedded
from alexandria.sandbox.parts import provider_names
from tests.support.forked import Forked, ForkedChild
from tests.support.ports import free_port

WORK_TIMEOUT = 300.0  # seconds for two months, on a machine with much else to do
T = TypeVar("T")


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

    def completes_months(self, sandbox: dict[str, str], url: str = "", months: int = 1) -> None:
        """A worker completes what was scheduled, through the sandbox; so many months are completed then."""
        work(url or self.url(), **sandbox)
        status = self.run("status", url=url or self.url())
        assert status.data["by_status"]["completed"] == months, status

    def psql(self, statement: str, role: str = "", **environment: str) -> list[list[str]]:
        """Run the SQL by psql as a person does; returns the rows that it prints."""
        called = [str(self.server.psql), "-XAt", "-v", "ON_ERROR_STOP=1", "-d", self.url(role), "-f", "-"]
        variables = os.environ | environment
        printed = subprocess.run(called, input=statement, capture_output=True, text=True, env=variables, check=False)
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
        scheduled = self.run("schedule", "--batch-size", "1", role=role, url=url, **environment)
        assert scheduled.code == 0, scheduled
        assert scheduled.data["execution_summary"] == {"triggered": 1, "skipped": 0, "errors": 0}
        status = self.run("status", role=role, url=url, **environment)
        assert status.data["by_status"]["pending"] == 11, status
        assert status.data["by_status"]["processing"] == 1, status


def work(url: str, **environment: str) -> None:
    """Run a worker in a process of its own until every scheduled month has ended."""
    variables = os.environ | environment | {"DATABASE_URL": url}
    with tempfile.TemporaryFile() as log:
        with Forked("work", "--until-idle", environment=variables, log=log) as worker:
            code = worker.wait(WORK_TIMEOUT)
        log.seek(0)
        assert code == 0, log.read().decode()


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


class Cluster:
    """A server of Debian's PostgreSQL with files, a port and rules of its own; its superuser is named `alexandria`.

    That one comes in by the socket without a password. All others are let in by `rules`, lines of pg_hba.conf.
    """

    def __init__(self, folder: Path, rules: Sequence[str] = ("host all all all trust",)) -> None:
        folder.mkdir(parents=True)
        self.folder, self.port, self.programs = folder, free_port(), max(DEBIAN.glob("[1-9][0-9]/bin"))
        self._account = installation.account(folder)
        self._own(folder)
        self.rules, self.within = rules, list[str]()

    def run(self, program: str, *arguments: str, within: Sequence[str] = ()) -> str:
        """Run a program of PostgreSQL as the server's account, or by the command `within`, which changes to it."""
        done = subprocess.run(
            [*within, self.programs / program, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            check=False,
            **({} if within else installation.identity(self._account)),
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return str(done.stdout)

    def initialise(self) -> None:
        """Copy the files of a new server, which are made once a session."""
        first = self.folder.parent / "initialised"
        if not first.exists():
            first.mkdir()
            self._own(first)
            wanted = ["--username=alexandria", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
            self.run("initdb", f"--pgdata={first}/data", *wanted)
        subprocess.run(["cp", "-a", first / "data", self.folder], check=True)
        self.configure(fsync="off", full_page_writes="off", shared_buffers="16MB", listen_addresses="127.0.0.1,::1")

    def copy(self, primary: Cluster) -> None:
        """Become the hot standby of a running server."""
        where = ["--host", str(primary.folder), "--port", str(primary.port), "--username=alexandria"]
        self.run("pg_basebackup", "--pgdata=data", "--write-recovery-conf", "--checkpoint=fast", "--no-sync", *where)

    def configure(self, **settings: object) -> None:
        """Set these when it starts, or by `reload`."""
        with (self.folder / "data/postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def put(self, name: str, text: str) -> Path:
        """Write a file of the server's account that nobody else may read."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        self._own(path)
        return path

    def allow(self, *rules: str) -> None:
        """Let others in by these lines only."""
        self.put(
            "data/pg_hba.conf",
            "\n".join(["local all alexandria trust", "local replication alexandria trust", *rules, ""]),
        )
        if self.runs():
            self.run("pg_ctl", "reload", "--pgdata=data")

    def start(self) -> None:
        self.allow(*self.rules)
        where = f"-p {self.port} -k {self.folder}"
        self.run("pg_ctl", "start", "--wait", "--pgdata=data", "--log=log", f"--options={where}", within=self.within)

    def stop(self, mode: str = "fast") -> None:
        if self.runs():
            self.run("pg_ctl", "stop", "--wait", "--pgdata=data", f"--mode={mode}")

    def runs(self) -> bool:
        return (self.folder / "data/postmaster.pid").exists()

    def url(self, role: str, database: str, host: str = "127.0.0.1", **parameters: str) -> str:
        return f"postgresql://{role}@{host}:{self.port}/{database}?{urlencode(parameters)}"

    def admin(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement as the superuser; returns its rows."""
        url = f"postgresql://alexandria@/{database}?host={quote(str(self.folder), safe='')}&port={self.port}"
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def give(self, database: str, role: str, attributes: str = "LOGIN") -> None:
        """Make a role, and a database that it owns."""
        self.admin(f"CREATE ROLE {role} {attributes}")
        self.admin(f"CREATE DATABASE {database} OWNER {role}")

    def on_small_disk(self, place: Path, size: str) -> None:
        """Start it where `place` is a file system of that size, with a tablespace `small`; nobody else sees it."""
        to_account = f"setpriv --reuid={self._account.pw_uid} --regid={self._account.pw_gid} --clear-groups"
        mount = f"mount -t tmpfs -o size={size},mode=777 none {place} && {to_account} mkdir -m 700 {place}/space"
        self.within = ["unshare", "--mount", "sh", "-c", f'{mount} && exec {to_account} "$@"', "sh"]
        self.stop()
        self.start()
        self.admin(f"CREATE TABLESPACE small LOCATION '{place}/space'")

    def _own(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)


@dataclass
class Address:
    """A URL, and what people do with the database there."""

    url: str

    def run(self, *arguments: str, url: str = "", **environment: str) -> Result:
        """Run alexandria with --json."""
        return command(*arguments, DATABASE_URL=url or self.url, **environment)

    def prepare(self) -> None:
        """Migrate, and seed 2023."""
        assert self.run("migrate").code == 0
        assert self.run("seed", "2023").code == 0

    def works(self) -> None:
        """Migrate, seed, schedule and read, as on any first day."""
        self.prepare()
        assert self.run("schedule", "--batch-size", "2").data["execution_summary"]["triggered"] == 2
        assert self.run("status").data["by_status"]["processing"] >= 2  # the database may have been used before
        assert self.run("doctor").data[0]["ok"]


@dataclass
class Processes:
    """The API and a worker on one database."""

    api: httpx2.Client
    children: tuple[demo.Child, ...]

    def ready(self) -> tuple[int, str]:
        """What /health/ready responds."""
        for child in self.children:
            child.check()
        answer = self.api.get("/health/ready")
        return answer.status_code, answer.text


def wait_until(condition: Callable[[], T], what: str, seconds: float = WORK_TIMEOUT) -> T:
    """Wait for a state of other processes, which no event announces; returns what `condition` returns then."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.2)
    return found


def refuse(url: str, message: str, fix: str, *, code: int | Sequence[int] = 6, **environment: str) -> list[Result]:
    """Check that every command is refused there in one line with the fix, and doctor with the same."""
    results = []
    for arguments in (["migrate"], ["seed", "2023"], ["status"], ["work", "--until-idle"], ["serve", "--port", "0"]):
        result = command(*arguments, DATABASE_URL=url, ALEXANDRIA_WEBHOOK_SECRET="s" * 40, **environment)
        assert result.code in ((code,) if isinstance(code, int) else code), (arguments, result)
        assert re.search(message, result.error["message"]), (arguments, result)
        assert "\n" not in result.error["message"]
        assert result.error["hint"]
        assert fix in result.error["hint"], (arguments, result)
        assert "canary" not in str(result), (arguments, result)
        results.append(result)
    checked = command("doctor", DATABASE_URL=url, **environment)
    [found] = [each for each in checked.data if each["name"] == "database"]
    assert not found["ok"]
    assert (re.search(message, found["message"]) is not None, fix in found["fix"]) == (True, True), found
    assert "canary" not in str(checked)
    return results


@pytest.fixture
def refuses() -> Callable[..., list[Result]]:
    return refuse


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_until


@pytest.fixture
def at() -> type[Address]:
    """What people do with the database at a URL."""
    return Address


@pytest.fixture
def working(sandbox: dict[str, str], tmp_path: Path) -> Callable[..., AbstractContextManager[Processes]]:
    """A function: the API and a worker with these options at a URL, as a context."""

    @contextlib.contextmanager
    def start(url: str, *options: str) -> Iterator[Processes]:
        environment = os.environ | sandbox | {"DATABASE_URL": url, "ALEXANDRIA_WEBHOOK_SECRET": "s" * 40}
        with (
            ForkedChild("serve", "--port", "0", folder=tmp_path, environment=environment) as api,
            ForkedChild("work", *options, folder=tmp_path, environment=environment) as worker,
            httpx2.Client(base_url=api.url(), timeout=20, trust_env=False) as client,
        ):
            yield Processes(client, (api, worker))

    return start


@pytest.fixture(scope="module")
def cluster(session_folder: Path) -> Iterator[Callable[..., Cluster]]:
    """A function that makes and starts a server: an empty one, or a standby as the copy of another."""
    made: list[Cluster] = []

    def make(*rules: str, copy_of: Cluster | None = None, **settings: object) -> Cluster:
        one = Cluster(session_folder / f"cluster-{uuid.uuid4().hex[:8]}", rules or ("host all all all trust",))
        if copy_of is None:
            one.initialise()
        else:
            one.copy(copy_of)
        one.configure(**settings)
        made.append(one)
        one.start()
        return one

    if not any(DEBIAN.glob("[1-9][0-9]/bin")):
        pytest.skip("Debian's PostgreSQL is not installed")
    yield make
    for each in made:
        each.stop("immediate")


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
    with ForkedChild("sandbox", *options, folder=folder, environment=dict(os.environ)) as child:
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
