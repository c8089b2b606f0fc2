"""What providers send and PostgreSQL refuses costs one book, never its month; a month of nothing else fails with the reason."""

import string
import uuid
from datetime import UTC, datetime

import pytest

from alexandria.backfill.composition import compose
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.repositories import candidates, months
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.catalogue import repository
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, PartialDate, Resolution, SourceRecord
from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.database.pool import Database
from alexandria.providers.base import SuggestResult

WHEN = datetime(2026, 11, 28, 12, tzinfo=UTC)
NOVEMBER = Month(2023, 11)
LETTERS = "".join(string.ascii_letters[(number * 7919 + number // 52) % 52] for number in range(6000))
WORDS = " ".join(LETTERS[start : start + 7] for start in range(0, 6000, 7))
BOOKS = {"The Bee Sting": "9780374600303", "Prophet Song": "9780861545896"}
# A book that the database refuses, by what it refuses and how.
REFUSE = """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF NEW.title = ANY(string_to_array(TG_ARGV[1], '/')) THEN
                    RAISE EXCEPTION 'not this book' USING ERRCODE = TG_ARGV[0];
                END IF;
                RETURN NEW;
            END $$"""


def record(title, isbn, authors=("Ann Lee",), record_id=None):
    source = SourceRecord("open_library", record_id or f"id-{title[:40]}", WHEN)
    return EditionRecord(
        source, title, authors=authors, isbn13=isbn, published=PartialDate(2023, 11), language="en", binding="Hardcover"
    )


def resolution(title, isbn, **options):
    hit = record(title, Isbn13.parse(isbn), **options)
    return Resolution(Candidate(title[:300], "Ann Lee"), hit.isbn13, "open_library", 95.0, "same title", accepted=hit)


@pytest.mark.parametrize("long", ["title", "name", "id", "subject"])
async def test_a_text_of_6000_letters_is_stored_and_found_again(database_url, long):
    title = WORDS if long == "title" else "The Bee Sting"
    authors = (LETTERS,) if long == "name" else ("Paul Murray",)
    record_id = LETTERS if long == "id" else None
    async with Database(database_url) as database, database.transaction() as connection:
        await months.seed(connection, 2023, 2023)
        stored = resolution(title, BOOKS["The Bee Sting"], authors=authors, record_id=record_id)
        done = await candidates.record_month(connection, NOVEMBER, [stored], WHEN, token=uuid.uuid4())
        assert (done.generated, done.resolved, done.new, done.left_out) == (1, 1, 1, ())
        held = await repository.find_work(connection, title, authors)
        assert held is not None
        assert held.isbn13 == BOOKS["The Bee Sting"]


class Naming:
    """A generator that names both books."""

    name = label = "gemini"

    async def suggest(self, month: Month, variant: str, count: int) -> SuggestResult:  # as generators do
        return SuggestResult(tuple(Candidate(title, "Ann Lee", 2023, 11, named_by=("gemini",)) for title in BOOKS))


class Knowing:
    """A source that knows both books."""

    name, paid, rate = "open_library", False, 3.0

    async def find(self, candidate: Candidate) -> list[EditionRecord]:
        return [record(candidate.title, Isbn13.parse(BOOKS[candidate.title]))]


async def filled(database_url, table, state, *refused):
    """The row of a month that was filled while the database refused books in that table, and its candidates."""
    async with Database(database_url) as database:
        jobs = JobQueue(database)
        await jobs.open()
        backfill = compose(database, jobs, [Naming()], SourcePool([Knowing()], Policy.BALANCED))
        async with database.transaction() as connection:
            await months.seed(connection, 2023, 2023)
            await backfill.scheduler.claim(connection, [NOVEMBER])
            await connection.execute(REFUSE)
            await connection.execute(
                f"CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW"
                f" EXECUTE FUNCTION refuse('{state}', '{'/'.join(refused)}')"
            )
            token = (await months.one(connection, NOVEMBER) or {})["attempt_token"]
        assert await backfill.runner.process(token, "test")
        async with database.transaction() as connection:
            row = await months.one(connection, NOVEMBER)
            found = await candidates.of_month(connection, NOVEMBER)
        await jobs.aclose()
    assert row is not None
    return row, {book["title"]: book for book in found}


@pytest.mark.parametrize("state", ["22001", "22P05", "23514", "54000"])
async def test_a_book_whose_record_is_refused_stays_as_unresolved(database_url, state):
    """The month is completed, its counters agree with its candidates, and the book says why."""
    row, books = await filled(database_url, "edition", state, "Prophet Song")
    assert (row["status"], row["books_generated"], row["isbns_resolved"], row["isbns_queued"]) == ("completed", 2, 1, 1)
    assert books["The Bee Sting"]["isbn13"] == BOOKS["The Bee Sting"]
    assert books["Prophet Song"]["isbn13"] is None
    assert "refuses" in books["Prophet Song"]["reason"]


async def test_a_book_that_cannot_be_stored_at_all_is_left_out_with_the_reason(database_url):
    row, books = await filled(database_url, "candidate", "22001", "Prophet Song")
    assert (row["status"], row["books_generated"], row["isbns_resolved"]) == ("completed", 1, 1)
    assert "Prophet Song" in row["error_message"]
    assert books.keys() == {"The Bee Sting"}


@pytest.mark.parametrize("state", ["22001", "23514", "54000"])
async def test_a_month_of_which_every_book_is_refused_fails_with_the_servers_reason(database_url, state):
    """At once, and not as an outage for ever."""
    row, books = await filled(database_url, "candidate", state, *BOOKS)
    assert (row["status"], row["error_code"], books) == ("failed", errors.BadData.code, {})
    assert "not this book" in row["error_message"]


@pytest.mark.parametrize(("state", "code"), [("40001", "database_busy"), ("53100", "database_unavailable")])
async def test_a_book_that_is_refused_for_now_is_left_out_of_nothing(database_url, state, code):
    row, _ = await filled(database_url, "candidate", state, "Prophet Song")
    assert (row["status"], row["retry_count"], row["error_code"]) == ("retry", 0, code)
    assert "not this book" in row["blocked_reason"]
