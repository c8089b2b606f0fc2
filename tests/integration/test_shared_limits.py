"""The limits in the database are those of all processes: who may change them, and how a difference is reported."""

import asyncio
import contextlib
import json
import sys

import psycopg
import pytest
import structlog
from pydantic import SecretStr

from alexandria import bootstrap
from alexandria.bootstrap import Mode
from alexandria.cli import main as cli
from alexandria.cli.doctor.limits import limits
from alexandria.core import config, logging
from alexandria.database.pool import Database
from alexandria.operations import quota
from alexandria.providers.limits import stored_limits
from alexandria.providers.limits.rate import RateLimiter
from tests.support.outside_server import Steady

RUNNING = {
    "ALEXANDRIA_ISBNDB_RATE": "1",
    "ALEXANDRIA_ISBNDB_DAILY_LIMIT": "1000",
    "ALEXANDRIA_CONTACT": "ops@library.test",
}
OTHER = {"ALEXANDRIA_ISBNDB_RATE": "3", "ALEXANDRIA_ISBNDB_DAILY_LIMIT": "15000", "ALEXANDRIA_GOOGLE_BOOKS_RATE": "9"}


@pytest.fixture(autouse=True)
def _as_found(monkeypatch):
    """Commands set up logging and the last words of their process; tests share one."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    yield
    structlog.reset_defaults()


@pytest.fixture
def database_url(shared_database_url):
    with psycopg.connect(shared_database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM lane")
    return shared_database_url


def rows(url):
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT name, rate, sends, win, gap, daily_limit, daily_cap, by_plan FROM lane ORDER BY 1"
        ).fetchall()


@contextlib.contextmanager
def environment(monkeypatch, variables):
    with monkeypatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


async def run(url, mode, act=None):
    settings = config.load(database_url=SecretStr(url))
    async with bootstrap.running(settings, Steady(url), mode) as system:
        if act is not None:
            await act(system)


async def test_only_processes_that_stay_change_the_limits(database_url, monkeypatch):
    with environment(monkeypatch, RUNNING):
        await run(database_url, Mode.WORK)
    before = rows(database_url)
    with environment(monkeypatch, OTHER):
        for mode in (Mode.ASK, Mode.COMMAND):
            await run(database_url, mode, quota.show)
            assert rows(database_url) == before, mode
        await run(database_url, Mode.SERVE)
    assert rows(database_url) != before


async def test_a_command_adds_what_is_missing_and_changes_nothing_else(database_url, monkeypatch):
    """A new source, or a database that no worker has used yet."""
    with environment(monkeypatch, RUNNING):
        await run(database_url, Mode.ASK)
    whole = rows(database_url)
    assert {row[0] for row in whole} == {*config.load().providers}
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM lane WHERE name = 'wikidata'")
    with environment(monkeypatch, OTHER):
        for mode in (Mode.COMMAND, Mode.ASK):
            await run(database_url, mode, quota.show)
    assert rows(database_url) == whole


async def test_a_difference_is_logged_with_the_value_in_force(database_url, monkeypatch, capsys):
    with environment(monkeypatch, RUNNING):
        await run(database_url, Mode.WORK)
    logging.configure("INFO", "json")
    capsys.readouterr()
    with environment(monkeypatch, {**OTHER, "ALEXANDRIA_CONTACT": "ops@library.test"}):
        for mode, in_force in ((Mode.ASK, "stored"), (Mode.WORK, "here"), (Mode.WORK, None)):
            await run(database_url, mode)
            lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
            found = {line["setting"]: line for line in lines if line["event"] == "limits differ"}
            names = {"ALEXANDRIA_ISBNDB_RATE", "ALEXANDRIA_ISBNDB_DAILY_LIMIT"}
            assert set(found) == (names | {"ALEXANDRIA_GOOGLE_BOOKS_RATE"} if in_force else set())
            assert {line["in_force"] for line in found.values()} == ({in_force} if in_force else set())
            if in_force:
                limit = found["ALEXANDRIA_ISBNDB_DAILY_LIMIT"]
                assert (limit["here"], limit["stored"]) == (15000, 1000)


async def test_the_doctor_reports_differences_and_a_reserve_that_leaves_nothing(database_url, monkeypatch):
    with environment(monkeypatch, RUNNING):
        await run(database_url, Mode.WORK)
    async with Database(database_url, size=1) as database, database.transaction() as connection:
        await connection.execute("UPDATE lane SET plan_limit = 800 WHERE name = 'isbndb'")
        stored = await stored_limits.read(connection, ["isbndb"])
    with environment(monkeypatch, RUNNING):
        assert list(limits(config.load(), stored)) == []
    with environment(monkeypatch, RUNNING | {"ALEXANDRIA_ISBNDB_RATE": "3"}):
        [found] = limits(config.load(), stored)
        assert (found.name, found.ok) == ("setting ALEXANDRIA_ISBNDB_RATE", True)
        assert found.message == "ALEXANDRIA_ISBNDB_RATE is 3 here and 1 in the database; the database's is in force"
        assert found.fix
    for reserve, seen, fails in [("799", stored, 0), ("800", stored, 1), ("999", {}, 0), ("1000", {}, 1)]:
        with environment(monkeypatch, RUNNING | {"ALEXANDRIA_ISBNDB_DAILY_RESERVE": reserve}):
            failing = [check.name for check in limits(config.load(), seen) if not check.ok]
            assert failing == ["limit isbndb"] * fails
    with environment(monkeypatch, {}):
        assert [check.name for check in limits(config.load(), {})] == ["contact"]


async def test_limits_that_the_plan_decides_do_not_differ(database_url, monkeypatch):
    """The settings have defaults, the database what the plan made of them."""
    providers = {"isbndb": config.load().providers["isbndb"]}
    async with Database(database_url, size=1) as database:
        async with RateLimiter(database_url, database.pool, providers):
            pass
        async with database.transaction() as connection:
            await connection.execute("UPDATE lane SET rate = 5, plan_rate = 5, plan_limit = 50, plan_host = 'x'")
        for configures in (True, False):
            async with RateLimiter(database_url, database.pool, providers, configures=configures) as limiter:
                assert limiter.differences == ()
                assert (await limiter.status())[0].rate == 5


def test_resolve_hints_at_the_contact_and_leaves_the_limits(database_url, monkeypatch, capsys):
    with environment(monkeypatch, RUNNING):
        asyncio.run(run(database_url, Mode.WORK))
    before = rows(database_url)
    with environment(
        monkeypatch, OTHER | {"DATABASE_URL": database_url, "ALEXANDRIA_OPEN_LIBRARY_BASE_URL": "http://127.0.0.1:9"}
    ):
        code = cli.main(["resolve", "--title", "Dune", "--author", "Frank Herbert", "--sources", "open_library"])
    written = capsys.readouterr()
    assert code in {1, 3}
    assert "hint: ALEXANDRIA_CONTACT is not set: Open Library is asked once a second at most" in written.err
    assert rows(database_url) == before


def test_work_warns_once_without_a_contact_and_reports_what_it_replaces(database_url, monkeypatch, capsys):
    with environment(monkeypatch, RUNNING):
        asyncio.run(run(database_url, Mode.WORK))
    variables = {"DATABASE_URL": database_url, "ALEXANDRIA_ISBNDB_RATE": "2", "ALEXANDRIA_ISBNDB_DAILY_LIMIT": "1000"}
    with environment(monkeypatch, variables):
        assert cli.main(["work", "--until-idle"]) == 0
    written = capsys.readouterr().err
    assert written.count("warning: ALEXANDRIA_CONTACT is not set") == 1
    limit = "limits: ALEXANDRIA_ISBNDB_RATE is 2 here and 1 in the database; the value here is in force now"
    assert limit in written
