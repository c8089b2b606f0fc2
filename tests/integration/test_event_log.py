"""The journal: what every process logs is in one table, and neither the work nor the table suffers by it."""

import asyncio
import contextlib
import io
import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import psycopg
import pytest
import structlog

from alexandria.cli import main as cli
from alexandria.cli.commands.logs import Level
from alexandria.cli.options import since
from alexandria.cli.output import log_lines
from alexandria.cli.output.console import Options, Output
from alexandria.core import logging as log
from alexandria.core.month import Month
from alexandria.database.pool import Database
from alexandria.operations import event_log
from alexandria.operations.event_log import LEVELS, EventLogWriter, LogFilter
from alexandria.operations.maintenance import Maintenance

PATIENCE = 20.0  # seconds for what comes at once on a machine with nothing else to do


@pytest.fixture
def logged(capsys):
    """Logging as in production."""
    log.configure("INFO", "json", ["canary-secret"])
    yield structlog.get_logger("test")
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = [h for h in logging.getLogger().handlers if type(h).__name__ != "_LibraryHandler"]


@pytest.fixture
async def database(database_url):
    async with Database(database_url, size=2) as opened:
        yield opened


async def until(condition):
    """Looks until `condition` holds."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 # another session's doing sets no event here
            await asyncio.sleep(0.01)


async def rows(database, wanted=LogFilter(), most=1000):  # noqa: B008 # frozen
    async with database.transaction() as connection:
        return await event_log.newest(connection, wanted, most)


async def holds(database, event, times=1):
    return [entry.event for entry in await rows(database)].count(event) >= times


async def test_a_log_line_is_stored_as_it_was_printed(database, logged, capsys):
    """With its month, without secrets, and whatever a text holds: a surrogate, a NUL, no number, a novel."""
    async with EventLogWriter(database.url):
        with structlog.contextvars.bound_contextvars(month="2023-11"):
            logged.info("begun", key="canary-secret")
        logged.warning("odd", nul="a\0b", half="\ud83d", number=float("nan"), novel="x" * 100_000, month="no month")
        logging.getLogger("library").warning("of a library, with canary-secret")
        try:
            raise ValueError("canary-secret")
        except ValueError:
            logged.exception("failed")
        logged.debug("not wanted")
    begun, odd, library, failed = await rows(database)
    assert (begun.event, begun.level, begun.key, begun.fields) == (
        "begun",
        "info",
        Month(2023, 11),
        {"key": "[secret]"},
    )
    assert begun.process == log.process_name()
    assert datetime.now(UTC) - begun.at < timedelta(minutes=5)
    assert odd.fields["nul"] == r"a\x00b"
    assert odd.fields["number"] == "nan"
    assert odd.fields["half"]
    assert len(odd.fields["novel"]) < 5000
    assert odd.key is None
    assert (library.level, library.event) == ("warning", "of a library, with [secret]")
    assert "ValueError: [secret]" in failed.fields["exception"]
    written = capsys.readouterr().err
    assert [json.loads(line)["event"] for line in written.splitlines()] == ["begun", "odd", library.event, "failed"]


async def test_events_that_cannot_be_written_cost_nothing_but_themselves(database, logged, monkeypatch, capsys):
    """Events that fit wait; the others are counted, reported once, and counted in the table when it is there again."""
    monkeypatch.setattr(event_log, "WRITE_RETRY_DELAY", 0.01)
    async with database.transaction() as connection:
        await connection.execute("ALTER TABLE journal RENAME TO elsewhere")
    async with EventLogWriter(database.url, capacity=3) as taking:
        for number in range(10):
            logged.info("counted", number=number)
        assert taking.dropped >= 7
        async with database.transaction() as connection:
            await connection.execute("ALTER TABLE elsewhere RENAME TO journal")
        await until(lambda: holds(database, "event log has a gap"))
        logged.info("goes on")
    kept = await rows(database)
    assert [entry.fields.get("number") for entry in kept] == [0, 1, 2, None, None]
    assert [entry.event for entry in kept[3:]] == ["event log has a gap", "goes on"]
    assert kept[3].fields["events"] == 8  # seven, and that it falls behind
    assert capsys.readouterr().err.count("events are dropped") == 1


async def test_a_locked_table_delays_no_command(database, logged):
    """While another session has it locked, logging returns and the loop runs; then all is there, in order."""
    async with await psycopg.AsyncConnection.connect(database.url) as connection, EventLogWriter(database.url):
        await connection.execute("LOCK TABLE journal IN ACCESS EXCLUSIVE MODE")
        for number in range(20):
            logged.info("counted", number=number)
            await asyncio.sleep(0)

        async def waits():
            query = "SELECT 1 FROM pg_locks WHERE relation = 'journal'::regclass AND NOT granted"
            return await (await connection.execute(query)).fetchone()

        await until(waits)
        await connection.rollback()
        await until(lambda: holds(database, "counted", 20))
    assert [entry.fields["number"] for entry in await rows(database)] == [*range(20)]


async def test_a_lost_connection_is_opened_again(database, logged, monkeypatch):
    monkeypatch.setattr(event_log, "WRITE_RETRY_DELAY", 0.01)
    async with EventLogWriter(database.url):
        logged.info("before")
        await until(lambda: holds(database, "before"))
        await cut(database)
        logged.info("after")
    assert [entry.event for entry in await rows(database)] == ["before", "after"]


async def test_without_a_database_a_process_ends_at_once(unused_tcp_port_url, logged):
    """What nobody can take down is let go."""
    async with asyncio.timeout(PATIENCE), EventLogWriter(unused_tcp_port_url):
        logged.info("unheard")


@pytest.fixture
def unused_tcp_port_url():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return f"postgresql://nobody@127.0.0.1:{port}/nothing"


async def cut(database):
    async with database.transaction() as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'alexandria journal' AND datname = current_database()"
        )


def event(number, writer, month=None):
    answer = {"timestamp": datetime.now(UTC).isoformat(), "level": "info", "event": "counted"}
    return answer | {"number": number, "writer": writer} | ({"month": month} if month else {})


async def test_a_follower_misses_nothing_of_many_writers(database, monkeypatch):
    """It is notified and does not poll; each event once, each writer's in order."""
    monkeypatch.setattr(event_log, "FOLLOW_POLL_INTERVAL", 600.0)
    heard: list[Any] = []
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(PATIENCE):
        writers = [await stack.enter_async_context(EventLogWriter(database.url)) for _ in range(3)]
        followed = asyncio.create_task(listen(database, heard, 300))
        for number in range(100):
            for name, writer in enumerate(writers):
                writer.add(event(number, name))
            if number % 7 == 0:
                await asyncio.sleep(0.001)  # several batches of each
        await followed
    assert [entry.id for entry in heard] == sorted({entry.id for entry in heard})
    for name in range(3):
        assert [e.fields["number"] for e in heard if e.fields["writer"] == name] == [*range(100)]


async def listen(database, heard, count, wanted=LogFilter()):  # noqa: B008 # frozen
    async with contextlib.aclosing(event_log.follow(database, wanted, 0)) as following:
        async for entry in following:
            heard.append(entry)
            if len(heard) == count:
                return


async def test_following_outlives_the_connection(database, monkeypatch, capsys):
    """`logs -f` waits for the database and goes on behind the last event that it has shown."""
    monkeypatch.setattr(log_lines, "RECONNECT_DELAY", 0.01)

    class Reconnecting:
        def __init__(self):
            self.database, self.back = database, asyncio.Event()

        async def reconnect(self):
            self.back.set()

    system = Reconnecting()
    printed = io.StringIO()
    monkeypatch.setattr(sys, "stdout", printed)

    async def has_printed(text):
        return text in printed.getvalue()

    async def listened():
        async with database.transaction() as connection:
            query = "SELECT 1 FROM pg_stat_activity WHERE query = 'LISTEN journal' AND datname = current_database()"
            return await (await connection.execute(query)).fetchone()

    wanted = LogFilter(Month(2023, 11))
    showing = log_lines.show(Output(Options()), cast(Any, system), wanted, 10, follow=True)
    following = asyncio.create_task(showing)
    async with EventLogWriter(database.url) as writer, asyncio.timeout(PATIENCE):
        writer.add(event(1, 0, "2023-11"))
        await until(lambda: has_printed("number=1"))
        await until(listened)
        await cut(database)
        await system.back.wait()
        writer.add(event(2, 0, "2023-12"))
        writer.add(event(3, 0, "2023-11"))
        await until(lambda: has_printed("number=3"))
    following.cancel()
    assert [line.partition("number=")[2][0] for line in printed.getvalue().splitlines()] == ["1", "3"]
    assert capsys.readouterr().err.count("waiting for it") == 1


async def test_upkeep_keeps_the_newest(database):
    """Some at a time; nothing if fewer are there than are kept, all if none is."""
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO journal (at, level, event, process) SELECT now(), 'info', n::text, 'm:1'"
            " FROM generate_series(1, 2500) AS n"
        )
    for kept, left in ((3000, 2500), (100, 100), (0, 0)):
        await Maintenance(database, kept_events=kept).prune()
        found = await rows(database, most=5000)
        assert len(found) == left
        assert [entry.event for entry in found] == [str(n) for n in range(2501 - left, 2501)]


@pytest.fixture
def alexandria(database_url, monkeypatch, capsys):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setenv("DATABASE_URL", database_url)

    def run(*arguments):
        code = cli.main(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO journal (at, level, event, process, year, month, fields) VALUES"
            " (now() - interval '3 days', 'info', 'old', 'a:1', 2023, 11, '{}'),"
            " (now(), 'debug', 'small', 'a:1', 2023, 11, '{}'),"
            " (now(), 'warning', 'attempt ended', 'b:2', 2023, 11, '{\"reason\": \"no \\u001b[31m key\"}'),"
            " (now(), 'error', 'unexpected', 'b:2', NULL, NULL, '{\"exception\": \"Traceback\\n  line\"}'),"
            " (now(), 'info', 'begun', 'b:2', 2023, 12, '{\"attempt\": \"x\"}')"
        )
    yield run
    structlog.reset_defaults()


def test_logs_shows_what_fits_oldest_first(alexandria):
    def shown(*options):
        code, out, _ = alexandria("--json", "logs", *options)
        return code, [json.loads(line)["event"] for line in out.splitlines()]

    assert shown() == (0, ["old", "attempt ended", "unexpected", "begun"])
    assert shown("--level", "debug", "--month", "2023-11") == (0, ["old", "small", "attempt ended"])
    assert shown("--level", "warning") == (0, ["attempt ended", "unexpected"])
    assert shown("--since", "2h", "--lines", "2") == (0, ["unexpected", "begun"])
    assert shown("--since", "2999-01-01") == (3, [])
    assert shown("--level", "critical") == (3, [])


def test_logs_for_people_and_for_programs(alexandria):
    """A line an event, nothing in it acts on a terminal; a traceback goes on below it."""
    code, out, _ = alexandria("logs", "--level", "warning")
    first, second, *trace = out.splitlines()
    assert code == 0
    assert "attempt ended month=2023-11 reason=" in first
    assert r"\x1b[31m key" in first
    assert first.endswith("[b:2]")
    assert "unexpected" in second
    assert trace == ["  Traceback", "    line"]
    _, out, _ = alexandria("logs", "--json", "--month", "2023-12")
    answer = json.loads(out)
    assert set(answer) == {"at", "level", "event", "process", "month", "fields"}
    assert (answer["month"], answer["fields"]) == ("2023-12", {"attempt": "x"})
    assert alexandria("logs", "--since", "1h", "--level", "critical")[2].startswith("no log entry matches")


def test_a_reader_may_leave_early(database_url):
    """`alexandria logs | head -1` is no failure, also in a shell that looks at every part of a pipe."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO journal (at, level, event, process)"
            " SELECT now(), 'info', repeat('x', 100), 'm:1' FROM generate_series(1, 5000)"
        )
    script = f"set -o pipefail; {sys.executable} -m alexandria logs --lines 5000 | head -1"
    environment = os.environ | {"DATABASE_URL": database_url}
    done = subprocess.run(
        ["bash", "-c", script], env=environment, text=True, capture_output=True, check=False, timeout=400
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1


def test_an_act_by_command_is_in_the_event_log_and_printed_once(alexandria):
    """The command prints its own message; the log line is for later readers."""
    alexandria("seed", "2023")
    _, _, err = alexandria("pause", "--reason", "a look")
    assert "[info" not in err
    _, out, _ = alexandria("logs", "--json", "--lines", "1")
    answer = json.loads(out)
    assert (answer["event"], answer["fields"]["reason"]) == ("pause", "a look")


def test_the_levels_and_stretches_of_time():
    assert tuple(Level) == LEVELS
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert since("90m", now) == datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
    assert since("3d", now) == datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert since("2026-11-24T11:00+01:00", now) == datetime(2026, 11, 24, 10, tzinfo=UTC)
