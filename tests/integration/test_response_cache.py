"""Stored answers: how long they serve, that what expired is forgotten, and that a provider's can be purged."""

import json
import sys
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import structlog

from alexandria.cli import main as cli
from alexandria.database.pool import Database
from alexandria.operations.maintenance import DELETE_BATCH_SIZE, Maintenance
from alexandria.providers.client import NEGATIVE_LIFETIME
from alexandria.providers.response_cache import ResponseCache


@pytest.fixture
def sql(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield lambda statement, *values: connection.execute(statement, values or None)


@pytest.fixture
async def database(database_url):
    async with Database(database_url, size=2) as opened:
        yield opened


def kept(sql):
    return dict(sql("SELECT provider, count(*) FROM answer GROUP BY provider").fetchall())


def fill(sql, provider, count, expires):
    sql("INSERT INTO answer (provider, key, request, body, expires_at)"
        " SELECT %s, number::text, '{}', '{}', %s FROM generate_series(1, %s) AS number", provider, expires, count)  # fmt: skip


async def test_expired_responses_are_deleted_however_many(database, sql):
    """In several transactions; what serves on, or for good, stays."""
    now = datetime.now(UTC)
    fill(sql, "isbndb", 2 * DELETE_BATCH_SIZE + 7, now - timedelta(seconds=1))
    fill(sql, "open_library", 5, now + timedelta(hours=1))
    fill(sql, "gemini", 3, None)
    await Maintenance(database).forget()
    assert kept(sql) == {"open_library": 5, "gemini": 3}
    await Maintenance(database).forget()
    assert kept(sql) == {"open_library": 5, "gemini": 3}


async def test_an_answer_that_is_written_again_is_not_deleted(database, sql):
    fill(sql, "isbndb", 1, datetime.now(UTC) - timedelta(seconds=1))
    answers = ResponseCache(database)
    assert await answers.read("isbndb", "1") is None
    await answers.write("isbndb", "1", {}, ["found"], timedelta(days=1))
    await Maintenance(database).forget()
    assert (await answers.read("isbndb", "1") or [None])[0] == ["found"]


def test_not_found_serves_less_than_a_day():
    """A book that is unknown today may be known tomorrow."""
    assert timedelta(0) < NEGATIVE_LIFETIME < timedelta(hours=24)


@pytest.fixture
def purge(database_url, capsys, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def run(*arguments):
        code = cli.main(["--json", "--database", database_url, "answers", "purge", *arguments])
        return code, json.loads(capsys.readouterr().out)

    yield run
    structlog.reset_defaults()


def test_a_provider_s_answers_are_purged_by_command(purge, sql):
    """The dry run counts them and changes nothing; the others' stay; who did it is in the audit."""
    fill(sql, "google_books", 4, None)
    fill(sql, "isbndb", 2, None)
    code, answer = purge("google_books", "-n")
    assert (code, answer["data"]) == (0, {"dry_run": True, "provider": "google_books", "answers": 4})
    assert kept(sql) == {"google_books": 4, "isbndb": 2}
    assert purge("google_books")[1]["data"]["answers"] == 4
    assert kept(sql) == {"isbndb": 2}
    assert purge("google_books")[0] == 3
    code, answer = purge("nobody")
    assert (code, "isbndb" in answer["error"]["hint"]) == (2, True)
    acts = sql("SELECT who, act, detail FROM audit ORDER BY id").fetchall()
    assert [(act, detail["answers"]) for _, act, detail in acts] == [("purge", 4), ("purge", 0)]
    assert acts[0][0].startswith("cli ")
