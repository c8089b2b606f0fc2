"""Real workers, killed, frozen or cut off where we want them: held there by a lock that the test has, never by a sleep.

field           a database with months, a sandbox, and as many workers as a test wants
open_field      a function: the same as a context, as often as a test wants it
make_field      a function: the same of a database, a folder and a sandbox that a test brings itself
side_by_side    a function: starts scenarios that mostly wait, each with a field of its own, all at the same time
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, LiteralString

import httpx2
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from alexandria.backfill.composition import compose
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.scheduler import Selection
from alexandria.cli.runtime import demo
from alexandria.core.month import Month
from alexandria.database import sql
from alexandria.database.pool import Database
from alexandria.sandbox.parts import provider_names
from tests.support.forked import ForkedChild

DEADLINE = 150.0  # seconds for anything that is waited for, on a machine with much else to do
LOOK = 0.05  # seconds between looks
SECRET = "canary-secret-of-the-door"
RATE = 20  # requests a second to each provider, in the sandbox and in our lanes alike: few enough to be used up
RATES = {name: str(RATE) for name in provider_names()}
Scenario = Callable[["Field"], None]


def pytest_collection_modifyitems(items):
    """Here time is spent on waiting for processes, of which an overloaded machine may need minutes to start a dozen."""
    for item in items:
        if item.path.parent == Path(__file__).parent and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(600))


FAULT = re.compile(r"\b(?:unexpected|Traceback|deadlock)\b")


class Process(ForkedChild):
    """A command of ours in a process that a test may kill or freeze. `within` is a program that runs it, and options."""

    def __init__(
        self,
        command: str,
        *options: str,
        number: int,
        folder: Path,
        environment: dict[str, str],
        within: Sequence[str] = (),
    ) -> None:
        super().__init__(command, *options, folder=folder, environment=environment)
        self._log = folder / f"{command}-{number}.log"
        self._within = within

    def __enter__(self):
        if not self._within:
            return super().__enter__()
        arguments = [*self._within, sys.executable, "-m", "alexandria", self._command, "--while-stdin", *self._options]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                arguments,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        return self

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self._process.wait()

    def exit_code(self) -> int:
        return self._process.wait(DEADLINE)

    def log_text(self) -> str:
        return self._log.read_text(errors="replace")

    def faults(self) -> list[str]:
        """Lines of the log that report a fault of ours; libpq's "closed the connection unexpectedly" is not one."""
        return [line for line in self.log_text().splitlines() if FAULT.search(line)]


@dataclass
class Field:
    """A database with months, a sandbox, and as many workers as a test wants."""

    database_url: str
    folder: Path
    sandbox: httpx2.Client
    environment: dict[str, str]
    rate: int = RATE
    started: dict[str, int] = dataclasses.field(default_factory=dict)
    abandoned: threading.Event = dataclasses.field(default_factory=threading.Event)

    def process(self, command: str, *options: str, within: Sequence[str] = ()) -> Process:
        number = self.started[command] = self.started.get(command, 0) + 1
        return Process(
            command, *options, number=number, folder=self.folder, environment=self.environment, within=within
        )

    def worker(self, *options: str) -> Process:
        return self.process("work", "--concurrency", "2", *options)

    def sql(self, statement: LiteralString, *parameters: object) -> list[dict[str, Any]]:
        try:
            cursor = self._connection.execute(statement, parameters or None)
        except psycopg.OperationalError:
            if not self._connection.broken:
                raise
            self.close()  # a test has killed the server since
            cursor = self._connection.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []

    @cached_property
    def _connection(self) -> psycopg.Connection[dict[str, Any]]:
        """One for all questions: a test that waits asks many times a second."""
        connection = psycopg.connect(self.database_url, row_factory=dict_row, autocommit=True)
        connection.execute("SET lock_timeout = '10s'")  # a test that holds a lock must not wait for itself
        return connection

    def close(self) -> None:
        if "_connection" in self.__dict__:
            self._connection.close()
            del self._connection

    def one(self, statement: LiteralString, *parameters: object) -> Any:
        """The one value of the one row."""
        (row,) = self.sql(statement, *parameters)
        (value,) = row.values()
        return value

    @contextlib.contextmanager
    def holding(self, *locks: LiteralString) -> Iterator[None]:
        """While these statements' locks are held, statements that need them wait."""
        with psycopg.connect(self.database_url) as connection:
            for lock in locks:
                connection.execute(lock)
            yield
            if not connection.closed:
                with contextlib.suppress(psycopg.OperationalError):  # a test may have killed the server
                    connection.rollback()

    def waits(self, module: str, block: str) -> bool:
        """Whether a worker waits for a lock in that block of the SQL beside the module, named below `alexandria`."""
        opening = sql.load(f"alexandria.{module}")[block].partition("\n")[0]
        waiting = self.sql(
            "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND cardinality(pg_blocking_pids(pid)) > 0"
        )
        return any(row["query"].startswith(opening) for row in waiting)

    def has_begun(self) -> bool:
        """Whether a worker is at an attempt."""
        return bool(self.sql("SELECT token FROM attempt WHERE began_at IS NOT NULL AND ended_at IS NULL"))

    def schedule(self, *months: str) -> None:
        """Seed exactly these months and claim them as a schedule call does."""

        async def act() -> None:
            async with Database(self.database_url) as database:
                jobs = JobQueue(database)
                await jobs.open()
                await compose(database, jobs).scheduler.schedule(Selection(batch_size=50), "test")
                await jobs.aclose()

        for month in map(Month.parse, months):
            self.sql("INSERT INTO backfill_log (year, month) VALUES (%s, %s)", month.year, month.month)
        asyncio.run(act())

    def until(self, true: Callable[[], object], what: str, seconds: float = DEADLINE) -> None:
        """Wait for `true()`; fail naming `what` if it does not come."""
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end or self.abandoned.is_set():
                pytest.fail(f"waited in vain: {what}\n{self.state()}")
            time.sleep(LOOK)

    def state(self) -> str:
        """For the reader of a failure: months, attempts, jobs, workers and who waits for whom."""
        answer = [
            self._rows_or_reason("SELECT year, month, status, retry_count, error_message, blocked_reason FROM backfill_log"),
            self._rows_or_reason("SELECT token, job_id, worker, outcome, reason FROM attempt ORDER BY created_at"),
            self._rows_or_reason("SELECT id, status, task_name, worker_id, scheduled_at FROM procrastinate_jobs ORDER BY id DESC LIMIT 20"),
            self._rows_or_reason("SELECT id, now() - last_heartbeat AS silent FROM procrastinate_workers"),
            self._rows_or_reason("SELECT pid, state, wait_event_type, pg_blocking_pids(pid), left(query, 80) AS query"
                     " FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"),
        ]  # fmt: skip
        logs = [path.read_text()[-1500:] for path in sorted(self.folder.glob("work-*.log"))]
        return "\n".join(str(row) for rows in answer for row in rows) + "\n".join(logs)

    def _rows_or_reason(self, statement: LiteralString) -> list[object]:
        """The rows of a statement, or why it has none."""
        try:
            return [*self.sql(statement)]
        except psycopg.errors.LockNotAvailable as locked:
            return [f"{locked} ({statement})"]

    def server_log(self) -> str:
        """The end of PostgreSQL's own log, for the reader of a failure."""
        folder = Path(str(conninfo_to_dict(self.database_url)["host"]))
        return "\n".join((folder / "server.log").read_text(errors="replace").splitlines()[-40:])

    def outcomes(self, year: int = 2023, month: int | None = None) -> list[str]:
        """How the attempts, or those at one month, ended, in the order in which they were made; None: it has not."""
        asked = "SELECT outcome FROM attempt WHERE year = %s AND month = coalesce(%s, month) ORDER BY created_at"
        return [row["outcome"] for row in self.sql(asked, year, month)]

    def losses_before_the_end(self) -> int:
        """How often the one month was lost before it was completed: once, and again if a busy machine stalls the successor."""
        *before, last = self.outcomes()
        assert (set(before), last) == ({"lost"}, "completed"), self.state()
        return len(before)

    def final(self) -> bool:
        return not self.sql("SELECT 1 FROM backfill_log WHERE status NOT IN ('completed', 'failed') LIMIT 1")

    def until_final(self) -> None:
        self.until(self.final, "every month completed or failed")

    def stats(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.sandbox.get("/__sandbox/stats").json()
        return answer

    def model_calls(self, month: str) -> int:
        """Those that were paid for."""
        called = self.stats()["model_calls"]
        return sum(called[name][month]["paid"] for name in ("gemini", "xai"))

    def check_consistent(self) -> None:
        """What must hold whatever happened: no duplicates, counters equal to the tables, quota not below the truth."""
        assert not self.sql(
            "SELECT year, month FROM backfill_log WHERE status = 'failed' AND coalesce(error_message, '') = ''"
        )
        wrong = self.sql("""
            SELECT b.year, b.month, b.status, b.books_generated, b.isbns_resolved, c.named, c.resolved,
                   b.gemini_calls, b.xai_calls, b.isbndb_calls
            FROM backfill_log AS b
            JOIN LATERAL (SELECT count(*) AS named, count(isbn13) AS resolved FROM candidate
                          WHERE year = b.year AND month = b.month) AS c ON true
            WHERE (b.books_generated, b.isbns_resolved) IS DISTINCT FROM (c.named, c.resolved)
               OR b.gemini_calls <> calls_sent(b.year, b.month, 'gemini')
               OR b.xai_calls <> calls_sent(b.year, b.month, 'xai')
               OR b.isbndb_calls <> calls_sent(b.year, b.month, 'isbndb')""")
        assert wrong == []
        assert self.sql("SELECT key FROM work GROUP BY key HAVING count(*) > 1") == []
        assert self.sql("SELECT key FROM contributor GROUP BY key HAVING count(*) > 1") == []
        assert self.sql("SELECT isbn13 FROM edition GROUP BY isbn13 HAVING count(*) > 1") == []
        assert self.sql("SELECT year, month, isbn13 FROM candidate WHERE isbn13 IS NOT NULL"
                        " GROUP BY 1, 2, 3 HAVING count(*) > 1") == []  # fmt: skip
        live = "SELECT 1 FROM attempt WHERE ended_at IS NULL AND token NOT IN (SELECT attempt_token FROM backfill_log"
        assert self.sql(live + " WHERE attempt_token IS NOT NULL)") == []
        assert self.units_charged() >= self.stats()["providers"]["isbndb"]["units"]

    def units_charged(self) -> int:
        return int(self.one("SELECT coalesce(sum(used), 0) FROM quota WHERE name = 'isbndb'"))


@contextlib.contextmanager
def _field(database_url: str, folder: Path, *sandbox_options: str, embedded: bool = False) -> Iterator[Field]:
    folder.mkdir(mode=0o711, exist_ok=True)
    # What is killed leaves no coverage, and what is timed here is the product, not its tracing.
    plain = {name: value for name, value in demo._environment(folder).items() if not name.startswith("COVERAGE_")}
    options = ["--latency-scale", "0.05", "--rates", ",".join(f"{n}={r}" for n, r in RATES.items()), *sandbox_options]
    with ForkedChild("sandbox", *options, folder=folder, environment=plain) as sandbox:
        url = sandbox.url()
        environment = plain | demo._sandboxed(url) | {"ALEXANDRIA_WEBHOOK_SECRET": SECRET}
        environment |= {f"ALEXANDRIA_{name.upper()}_RATE": rate for name, rate in RATES.items()}
        if not embedded:
            environment["DATABASE_URL"] = database_url
        with (
            httpx2.Client(base_url=url, trust_env=False) as client,
            contextlib.closing(Field(database_url, folder, client, environment)) as field,
        ):
            yield field


@pytest.fixture(scope="session")
def open_field():
    return _field


@pytest.fixture
def make_field() -> Iterator[Callable[..., Field]]:
    with contextlib.ExitStack() as stack:
        yield lambda *given: stack.enter_context(contextlib.closing(Field(*given)))


@pytest.fixture
def field(database_url, data_dir) -> Iterator[Field]:
    with _field(database_url, data_dir) as opened:
        yield opened


class SideBySide:
    """Scenarios that run at the same time, each in a thread and with a field of its own."""

    def __init__(self, runs: dict[Scenario, Future[None]]) -> None:
        self._runs = runs

    def check(self, scenario: Scenario) -> None:
        """Wait for its end. Raises what it raised."""
        self._runs[scenario].result()


@pytest.fixture(scope="module")
def side_by_side(fresh_database, session_folder) -> Iterator[Callable[..., SideBySide]]:
    """`side_by_side(*scenarios)` starts these functions of a field; `.check(scenario)` is the result of one."""
    abandoned = threading.Event()
    with ThreadPoolExecutor(thread_name_prefix="scenario") as pool:

        def run(scenario: Scenario) -> None:
            with fresh_database() as url, _field(url, session_folder / uuid.uuid4().hex[:8]) as field:
                field.abandoned = abandoned
                scenario(field)

        yield lambda *scenarios: SideBySide({scenario: pool.submit(run, scenario) for scenario in scenarios})
        abandoned.set()
