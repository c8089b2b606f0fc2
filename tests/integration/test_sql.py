"""The SQL blocks and the schema: every block is understood, people's hand-made updates work, illegal rows are refused."""

import re
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

import alexandria
from alexandria.database import sql

ROOT = Path(alexandria.__file__).parent
MODULES = sorted(
    ".".join(("alexandria", *file.relative_to(ROOT).with_suffix("").parts))
    for file in ROOT.rglob("*.sql")
    if "migrations" not in file.parts
)
# What makes and fills tables cannot be prepared; tests that load a bibliography run all of it.
UTILITIES = {f"alexandria.bibliography.{name}" for name in ("tables", "notable", "readers.dump_tables")}
BLOCKS = [(module, name) for module in MODULES if module not in UTILITIES for name in sql.load(module)]
ISBN = "9780374600303"
NOVEMBER = "year = 2023 AND month = 11"
RESET = "UPDATE backfill_log SET status = 'pending', retry_count = retry_count + 1 WHERE status = 'processing'"


@pytest.fixture
def connection(shared_database_url):
    """In a transaction that is rolled back at the end."""
    with psycopg.connect(shared_database_url, row_factory=dict_row) as connected:
        connected.execute("INSERT INTO backfill_log (year, month) SELECT 2023, generate_series(1, 12)")
        yield connected
        connected.rollback()


def month(connection):
    return connection.execute(f"SELECT * FROM backfill_log WHERE {NOVEMBER}").fetchone()


def test_every_block_of_sql_can_be_prepared(connection):
    """PostgreSQL parses and plans all of them against the migrated schema, whatever the parameters' types turn out to be."""
    made = sql.load("alexandria.bibliography.tables")
    for name in ("schema", "title", "edition", "other_title", "bucket", "binding", "load"):
        connection.execute(made[f"create_{name}"])
    connection.execute(sql.load("alexandria.bibliography.notable")["create_notable"])
    connection.execute(made["serve"])
    assert {module for module, _ in BLOCKS} >= {
        f"alexandria.{name}"
        for name in ("backfill.repositories.months", "catalogue.repository", "providers.limits.rate")
    }
    for module, name in BLOCKS:
        text: str = sql.load(module)[name]
        for number, parameter in enumerate(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)), 1):
            text = text.replace(f"%({parameter})s", f"${number}")
        try:
            connection.execute(f"PREPARE block AS {text.replace('%%', '%')}".encode())
        except psycopg.Error as refused:
            pytest.fail(f"{module}: {name}: {refused}")
        connection.execute("DEALLOCATE block")


@pytest.mark.parametrize(
    "start",
    [
        "status = 'pending'",
        "status = 'processing'",
        "status = 'retry', blocked_reason = 'quota', next_attempt_at = now() + interval '1 day'",
        "status = 'completed', books_generated = 20, isbns_resolved = 19, resolution_rate = 95",
        "status = 'failed', error_message = 'no key'",
    ],
)
@pytest.mark.parametrize("status", ["pending", "processing", "completed", "failed", "retry"])
def test_setting_a_status_by_hand_keeps_the_row_consistent(connection, start, status):
    """From any state to any other by a plain UPDATE: what follows from the status follows."""
    connection.execute(f"UPDATE backfill_log SET {start} WHERE {NOVEMBER}")
    connection.execute(f"UPDATE backfill_log SET status = '{status}' WHERE {NOVEMBER}")
    row = month(connection)
    assert row["status"] == status
    assert (row["completed_at"] is not None) == (status in {"completed", "failed"})
    assert (row["attempt_token"] is not None) == (status == "processing")
    assert (row["next_attempt_at"] is not None) == (status == "retry")
    assert row["blocked_reason"] is None or status == "retry"
    assert status != "processing" or row["started_at"] is not None


@pytest.mark.parametrize(("before", "after"), [(0, 1), (4, 5), (5, 5)])
def test_the_guides_reset_runs_even_on_a_month_at_its_last_attempt(connection, before, after):
    connection.execute(f"UPDATE backfill_log SET status = 'processing', retry_count = {before} WHERE {NOVEMBER}")
    assert connection.execute(RESET).rowcount == 1
    row = month(connection)
    assert (row["status"], row["retry_count"], row["attempt_token"]) == ("pending", after, None)


def test_a_reset_ends_the_attempt_that_ran(connection):
    connection.execute(f"UPDATE backfill_log SET status = 'processing' WHERE {NOVEMBER}")
    connection.execute("INSERT INTO attempt (token, year, month) SELECT attempt_token, year, month FROM backfill_log"
                       f" WHERE {NOVEMBER}")  # fmt: skip
    connection.execute(RESET)
    attempt = connection.execute("SELECT outcome, ended_at FROM attempt").fetchone()
    assert attempt["outcome"] == "superseded"
    assert attempt["ended_at"] is not None


def test_an_attempt_that_has_ended_keeps_its_outcome(connection):
    """The row's last arrow, away from processing, does not overwrite the outcome of the attempt."""
    connection.execute(f"UPDATE backfill_log SET status = 'processing' WHERE {NOVEMBER}")
    connection.execute("INSERT INTO attempt (token, year, month, ended_at, outcome)"
                       f" SELECT attempt_token, year, month, now(), 'retry' FROM backfill_log WHERE {NOVEMBER}")  # fmt: skip
    connection.execute(f"UPDATE backfill_log SET status = 'retry' WHERE {NOVEMBER}")
    assert connection.execute("SELECT outcome FROM attempt").fetchone() == {"outcome": "retry"}


@pytest.mark.parametrize(
    "row",
    [
        "(1999, 1, 'pending')",
        "(1999, 1, 'processing')",
        "(1999, 1, 'completed')",
        "(1999, 1, 'failed')",
        "(1999, 1, 'retry')",
        "(1900, 1, 'pending')",
        "(2100, 12, 'pending')",
    ],
)
def test_a_row_can_be_inserted_by_hand_in_any_status(connection, row):
    assert connection.execute(f"INSERT INTO backfill_log (year, month, status) VALUES {row}").rowcount == 1


@pytest.mark.parametrize(
    "change",
    [
        "status = 'done'",
        "status = NULL",
        "year = 1899",
        "year = 2101",
        "month = 0",
        "month = 13",
        "month = 12",
        "books_generated = -1",
        "isbns_resolved = 1",
        "books_generated = 2, isbns_resolved = 1, isbns_queued = 2",
        "books_generated = 2, isbns_resolved = 3",
        "resolution_rate = 100.01",
        "resolution_rate = -1",
        "resolution_rate = 'NaN'",
        "retry_count = -1",
        "retry_count = 6",
        "batch_size = 0",
        "batch_size = 101",
        "gemini_calls = -1",
        "xai_calls = -1",
        "isbndb_calls = -1",
        "status = 'completed', started_at = now(), completed_at = now() - interval '1 second'",
    ],
)
def test_an_illegal_row_is_refused(connection, change):
    with pytest.raises(psycopg.errors.IntegrityError):
        connection.execute(f"UPDATE backfill_log SET {change} WHERE {NOVEMBER}")


@pytest.mark.parametrize(
    ("isbn", "source", "reason", "broken"),
    [(None, "", "", "explained"), (ISBN, "isbndb", "", "explained"), (ISBN, "", "same title", "proven_by_a_source")],
)
def test_no_book_is_without_its_reason_and_no_isbn_without_its_source(connection, isbn, source, reason, broken):
    connection.execute(
        "WITH w AS (INSERT INTO work (key, title, author) VALUES ('k', 'T', 'A') RETURNING id)"
        f" INSERT INTO edition (isbn13, work_id, title) SELECT '{ISBN}', id, 'T' FROM w"
    )
    with pytest.raises(psycopg.errors.CheckViolation, match=broken):
        connection.execute(
            "INSERT INTO candidate (year, month, position, title, author, named_by, isbn13, source, reason)"
            " VALUES (2023, 1, 0, 'T', 'A', '{x}', %s, %s, %s)", [isbn, source, reason],
        )  # fmt: skip


@pytest.mark.parametrize("isbn", [ISBN, "9790260000438"])
def test_an_isbn_whose_checksum_holds_is_taken(connection, isbn):
    assert connection.execute("SELECT isbn13_valid(%s) AS valid", [isbn]).fetchone() == {"valid": True}


@pytest.mark.parametrize(
    "isbn", ["9780374600304", "0374600309", "978037460030X", "9770374600306", "", "97803746003030"]
)
def test_an_invalid_isbn_never_becomes_an_edition(connection, isbn):
    work = connection.execute("INSERT INTO work (key, title, author) VALUES ('k', 'T', 'A') RETURNING id").fetchone()
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("INSERT INTO edition (isbn13, work_id, title) VALUES (%s, %s, 'T')", [isbn, work["id"]])


def test_the_call_counters_count_requests_of_one_month_and_provider(connection):
    connection.execute(
        "INSERT INTO call (provider, route, sent_at, ms, units, error, year, month) VALUES"
        " ('isbndb', '/', now(), 1, 1, '', 2023, 11), ('isbndb', '/', now(), 1, 3, 'ReadTimeout', 2023, 11),"
        " ('xai', '/', now(), 1, 1, '', 2023, 11), ('isbndb', '/', now(), 1, 1, '', 2023, 10)"
    )
    assert connection.execute("SELECT calls_sent(2023, 11, 'isbndb') AS n").fetchone() == {"n": 2}
