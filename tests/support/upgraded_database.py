"""The database of version 96c838d that test_upgrade.py loads, and the programs that it starts."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, LiteralString, Self

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from tests.support.forked import Forked

DUMP = Path(__file__).parents[1] / "integration" / "data" / "database_at_96c838d.sql"
DEADLINE = 120.0  # seconds for anything that is waited for, on a machine with much else to do


@dataclass
class Base:
    """A database, and statements on it."""

    url: str

    def sql(self, statement: LiteralString, *parameters: object) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, row_factory=dict_row, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def months(self) -> dict[str, dict[str, Any]]:
        return {f"{row['year']}-{row['month']:02d}": row for row in self.sql("SELECT * FROM backfill_log")}

    def columns(self) -> dict[str, list[str]]:
        """Of all tables, as the catalogue of PostgreSQL has them."""
        rows = self.sql(
            "SELECT table_name, array_agg(column_name::text ORDER BY column_name::text) AS columns"
            " FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' GROUP BY 1"
        )
        return {row["table_name"]: row["columns"] for row in rows}

    def contents(self, of: dict[str, list[str]]) -> dict[str, tuple[int, str]]:
        """How many rows these columns of tables have, and a digest of all of them."""
        held = {}
        with psycopg.connect(self.url) as connection:
            for table, columns in of.items():
                listed = SQL(", ").join(map(Identifier, columns))
                rows = connection.execute(
                    SQL("SELECT ROW({})::text FROM {} ORDER BY 1").format(listed, Identifier(table))
                )
                found = [row for (row,) in rows]
                held[table] = len(found), hashlib.sha256("\n".join(found).encode()).hexdigest()
        return held


class Program:
    """A command in a process of its own, which stops when its standard input is closed, at the latest with the context."""

    def __init__(self, *arguments: str, log: Path, environment: dict[str, str], stays: bool = True) -> None:
        stay = ["--while-stdin"] if stays else []
        self.log = log
        with log.open("wb") as errors:
            command = [arguments[0], "--json", *arguments[1:], *stay]
            self.process = Forked(*command, environment=environment, log=errors)

    @cached_property
    def answer(self) -> Any:
        """The `data` of its first line of JSON, once it is there."""
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        return json.loads(line)["data"]

    def end(self) -> int:
        """Its exit code."""
        self.process.stdin.close()
        return self.process.wait(DEADLINE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        with self.process:
            pass


# The dump's timestamps are fixed and the code asks the server for the time, so all of them are moved by whole days when it
# is loaded: the dump is then from the day before yesterday, every wait in it is over, and a quota's day stays one day.
SHIFT = """
SET session_replication_role = replica; -- triggers keep rows that are only ever added, and note changes
DO $$
DECLARE
    days integer := (now() AT TIME ZONE 'UTC')::date - 2 - (SELECT max(at AT TIME ZONE 'UTC')::date FROM journal);
    one record;
BEGIN
    FOR one IN
        SELECT table_name, string_agg(format('%1$I = %1$I + %2$s', column_name, CASE data_type WHEN 'date'
               THEN days::text ELSE format('interval ''%s days''', days) END), ', ') AS shifts
        FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND data_type IN ('timestamp with time zone', 'date')
        GROUP BY table_name
    LOOP
        EXECUTE format('UPDATE %I SET %s', one.table_name, one.shifts);
    END LOOP;
    UPDATE lane SET ring = ARRAY(SELECT CASE WHEN at > 0 THEN at + days * 86400.0 ELSE 0 END FROM unnest(ring) AS at),
                    held_until = CASE WHEN held_until > 0 THEN held_until + days * 86400.0 ELSE 0 END;
    UPDATE procrastinate_periodic_defers SET defer_timestamp = defer_timestamp + days * 86400;
END
$$;
"""
# Two waits last until an operator ends them: the pause of the whole backfill and that of a provider whose quota is spent.
# The killed worker gave its last sign of life after the server's start, or the loss would count as one of the database.
LASTING = """
SET session_replication_role = replica;
UPDATE control SET paused_until = now() + interval '1 hour';
UPDATE lane SET paused_until = now() + interval '1 hour' WHERE paused_until IS NOT NULL;
UPDATE backfill_log SET next_attempt_at = now() + interval '1 hour' WHERE year = 2023 AND month IN (5, 9);
UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour'
WHERE task_name = 'wake' AND args ->> 'year' = '2023' AND args ->> 'month' IN ('5', '9');
UPDATE procrastinate_workers SET last_heartbeat = pg_postmaster_start_time();
UPDATE attempt SET began_at = pg_postmaster_start_time() WHERE began_at IS NOT NULL AND ended_at IS NULL;
"""


def move_answers(connection: psycopg.Connection, url: str) -> None:
    """Change the provider's address in the stored requests, and the digest by which a paid answer is found."""
    for provider, kept, request in connection.execute("SELECT provider, key, request FROM answer").fetchall():
        assert kept == digest(request)
        request["base"] = f"{url}/{provider}"
        connection.execute(
            "UPDATE answer SET key = %s, request = %s WHERE provider = %s AND key = %s",
            [digest(request), json.dumps(request), provider, kept],
        )


def digest(request: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@contextlib.contextmanager
def loaded(server_url: str, psql: Path, sandbox_url: str) -> Iterator[Base]:
    """The dump in a database of its own, moved to the present."""
    name = f"upgrade_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template1")
    url = server_url.replace("/alexandria?", f"/{name}?")
    subprocess.run([psql, "-qX1", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, "-f", DUMP, url], check=True)
    with psycopg.connect(url) as connection:
        connection.execute(SHIFT)
        connection.execute(LASTING)
        move_answers(connection, sandbox_url)
    yield Base(url)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


# Every kind of job of that version: queue, task and arguments.
JOBS = [
    ("months", "attempt", {"token": "00000000-0000-4000-8000-000000000000"}),
    ("upkeep", "wake", {"year": 2024, "month": 12}),
    ("upkeep", "rescue", {"timestamp": 1795936266}),
    ("enrichment", "look_again", {"timestamp": 1795936260}),
    ("enrichment", "enrich", {"timestamp": 1795936260}),
    ("upkeep", "reconcile", {"timestamp": 1795935630}),
    ("upkeep", "forget", {"timestamp": 1795936500}),
    ("upkeep", "prune", {"timestamp": 1795936200}),
    ("upkeep", "rollout", {"timestamp": 1795936260}),
    ("upkeep", "watch", {"timestamp": 1795936260}),
]
UNKNOWN: tuple[str, str, dict[str, Any]] = ("upkeep", "no_such_task", {})


def enqueue(base: Base) -> None:
    """Add one job of each kind, one of an unknown kind, and for every attempt at a month its job a second time."""
    attempts = base.sql("SELECT token::text FROM attempt ORDER BY token")
    jobs = [*JOBS, UNKNOWN, *(("months", "attempt", attempt) for attempt in attempts)]
    for number, (queue, task, arguments) in enumerate(jobs, 1_000_000):
        base.sql(
            "INSERT INTO procrastinate_jobs (id, queue_name, task_name, args) OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s)",
            number, queue, task, json.dumps(arguments),
        )  # fmt: skip
