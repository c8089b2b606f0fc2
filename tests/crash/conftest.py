"""Real workers, killed where we want them: held there by a lock that the test has, never by a sleep."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import httpx2
import psycopg
import pytest
from psycopg.rows import dict_row

from alexandria import demo
from alexandria.sandbox.app import PROVIDERS

DEADLINE = 25.0  # seconds for anything that is waited for
LOOK = 0.05  # seconds between looks


class Worker(demo.Child):
    """`alexandria work` as a process of its own."""

    def __init__(self, number: int, folder: Path, environment: dict[str, str]) -> None:
        super().__init__("work", "--concurrency", "2", folder=folder, environment=environment)
        self._log = folder / f"work-{number}.log"

    def send(self, number: signal.Signals) -> None:
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self._process.wait()


@dataclass
class Field:
    """A database with months, a sandbox, and as many workers as a test wants."""

    database_url: str
    folder: Path
    sandbox: httpx2.Client
    environment: dict[str, str]
    workers: int = 0

    @contextlib.contextmanager
    def worker(self) -> Iterator[Worker]:
        self.workers += 1
        with Worker(self.workers, self.folder, self.environment) as worker:
            yield worker

    def sql(self, statement: LiteralString, *parameters: object) -> list[dict[str, Any]]:
        with psycopg.connect(self.database_url, row_factory=dict_row, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    @contextlib.contextmanager
    def holding(self, *locks: LiteralString) -> Iterator[None]:
        """While these statements' locks are held, whoever needs them waits."""
        with psycopg.connect(self.database_url) as connection:
            for lock in locks:
                connection.execute(lock)
            yield
            connection.rollback()

    def somebody_waits(self) -> bool:
        """Whether a worker waits for a lock that we hold."""
        return bool(
            self.sql(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND application_name LIKE 'alexandria%' AND cardinality(pg_blocking_pids(pid)) > 0"
            )
        )

    def has_begun(self) -> bool:
        """Whether a worker is at an attempt: other work may wait for our locks too."""
        return bool(self.sql("SELECT token FROM attempt WHERE began_at IS NOT NULL"))

    def schedule(self, *months: str) -> None:
        """Seed exactly these months and claim them as a schedule call does."""
        import asyncio

        from alexandria.backfill import Backfill, Selection
        from alexandria.month import Month
        from alexandria.queue import Jobs
        from alexandria.store.database import Database

        async def act() -> None:
            async with Database(self.database_url) as database:
                jobs = Jobs(database)
                await jobs.open()
                await Backfill(database, jobs).schedule(Selection(batch_size=50), "test")
                await jobs.aclose()

        for month in map(Month.parse, months):
            self.sql("INSERT INTO backfill_log (year, month) VALUES (%s, %s)", month.year, month.month)
        asyncio.run(act())

    def until(self, true: Callable[[], bool], what: str) -> None:
        """Wait for `true()`; fail naming `what` if it does not come."""
        end = time.monotonic() + DEADLINE
        while not true():
            if time.monotonic() > end:
                pytest.fail(f"waited in vain: {what}\n{self.state()}")
            time.sleep(LOOK)

    def state(self) -> str:
        """For the reader of a failure: months, attempts, jobs, workers and who waits for whom."""
        told = [
            self.sql("SELECT year, month, status, retry_count, error_message, blocked_reason FROM backfill_log"),
            self.sql("SELECT token, job_id, worker, outcome, reason FROM attempt ORDER BY created_at"),
            self.sql("SELECT id, status, task_name, worker_id, scheduled_at FROM procrastinate_jobs ORDER BY id DESC LIMIT 20"),
            self.sql("SELECT id, now() - last_heartbeat AS silent FROM procrastinate_workers"),
            self.sql("SELECT pid, state, wait_event_type, pg_blocking_pids(pid), left(query, 80) AS query"
                     " FROM pg_stat_activity WHERE datname = current_database()"),
        ]  # fmt: skip
        logs = [path.read_text()[-1500:] for path in sorted(self.folder.glob("work-*.log"))]
        return "\n".join(str(row) for rows in told for row in rows) + "\n".join(logs)

    def final(self) -> bool:
        return not self.sql("SELECT 1 FROM backfill_log WHERE status NOT IN ('completed', 'failed') LIMIT 1")

    def until_final(self) -> None:
        self.until(self.final, "every month completed or failed")

    def model_calls(self) -> int:
        providers = self.sandbox.get("/__sandbox/stats").json()["providers"]
        return sum(providers[name]["accepted"] for name in ("gemini", "xai"))

    def check_consistent(self) -> None:
        """What must hold whatever happened: no duplicates, counters equal to the tables, quota not below the truth."""
        assert not self.sql(
            "SELECT year, month FROM backfill_log WHERE status = 'failed' AND coalesce(error_message, '') = ''"
        )
        wrong = self.sql("""
            SELECT b.year, b.month, b.books_generated, b.isbns_resolved, c.named, c.resolved
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
        assert self.sql("SELECT year, month, isbn13 FROM candidate WHERE isbn13 IS NOT NULL"
                        " GROUP BY 1, 2, 3 HAVING count(*) > 1") == []  # fmt: skip
        stats = self.sandbox.get("/__sandbox/stats").json()["providers"]["isbndb"]
        spent = self.sql("SELECT coalesce(sum(used), 0)::integer AS used FROM quota WHERE name = 'isbndb'")[0]["used"]
        assert spent >= stats["units"]


@pytest.fixture
def field(database_url, data_dir):
    data_dir.mkdir(mode=0o711)
    plain = demo._environment(data_dir)
    rates = ",".join(f"{name}={demo.RATE}" for name in PROVIDERS)
    options = ["--latency-scale", "0.05", "--rates", rates]
    with demo.Child("sandbox", *options, folder=data_dir, environment=plain) as sandbox:
        url = sandbox.url()
        environment = (
            plain | demo._sandboxed(url) | {"DATABASE_URL": database_url, "ALEXANDRIA_WEBHOOK_SECRET": "canary"}
        )
        with httpx2.Client(base_url=url, trust_env=False) as client:
            yield Field(database_url, data_dir, client, environment)
