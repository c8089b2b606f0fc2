"""What was found for a month's books stays, however often the month is run again or looked up again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alexandria.backfill.repositories import candidates
from alexandria.core.errors import BadData
from alexandria.core.month import Month
from tests.support.filled_months import NOVEMBER, books_of, changed, process, row_of
from tests.support.scripted_backfill import Scripted, backfill, query
from tests.support.shelves import GUIDE, RIGHT, SONG, STING, StockedShelf, printed, stocked


async def earlier(system, month=NOVEMBER, before=None, limit=100):
    async with system.scheduler.database.transaction() as connection:
        return await candidates.earlier_of_month(connection, month, before, limit)


async def test_a_month_that_is_run_again_keeps_the_evidence_of_every_attempt(database_url):
    """The second attempt finds the book in the catalogue; the third does not name it any more."""
    names = Scripted("gemini", [[SONG], [SONG], [STING]])
    async with backfill(database_url, [names], [stocked()]) as system:
        await process(system, NOVEMBER)
        [first] = await books_of(system)
        await process(system, NOVEMBER)
        await process(system, NOVEMBER)
        attempts = await query(system, "SELECT token FROM attempt ORDER BY ended_at")
        recognised, found = await earlier(system)
        assert [book["title"] for book in await books_of(system)] == ["The Bee Sting"]
        assert {name: found[name] for name in ("isbn13", "source", "score", "reason", "evidence")} == {
            name: first[name] for name in ("isbn13", "source", "score", "reason", "evidence")
        }
        assert {hit["verdict"] for hit in found["evidence"]} == {"accept", "refuse"}
        assert [found["attempt_token"], recognised["attempt_token"]] == [row["token"] for row in attempts[:2]]
        assert [row["id"] for row in await earlier(system, before=recognised["id"], limit=1)] == [found["id"]]


async def test_a_book_that_the_catalogue_holds_shows_the_record_it_rests_on(database_url):
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [stocked()]) as system:
        await process(system, NOVEMBER)
        await process(system, Month(2023, 12))
        [book] = await books_of(system, Month(2023, 12))
        assert (book["source"], book["isbn13"]) == ("catalogue", RIGHT)
        [hit] = book["evidence"]
        assert (hit["source"], hit["source_id"]) == ("open_library", f"/books/{RIGHT}")
        assert (hit["verdict"], hit["isbn13"], hit["score"]) == ("accept", RIGHT, float(book["score"]))
        assert (hit["title"], hit["authors"], hit["published"]) == ("Prophet Song", ["Paul Lynch"], "2023-11")
        assert hit["reasons"]
        assert f"from open_library /books/{RIGHT}; " in book["reason"]


async def test_editions_stay_new_to_the_month_that_was_the_first_to_add_them(database_url):
    """A second attempt counts them again, another month does not, and a further look-up adds its own."""
    source = stocked()
    missing = source.holds.pop("The Bee Sting")
    async with backfill(database_url, [Scripted("gemini", [[SONG, STING]])], [source]) as system:
        late = changed(system, now=lambda: datetime.now(UTC) - timedelta(days=30))
        for month in (NOVEMBER, Month(2023, 12), NOVEMBER):
            await process(late, month)
        counts = {month: await row_of(system, month) for month in (NOVEMBER, Month(2023, 12))}
        assert [row["isbns_resolved"] for row in counts.values()] == [1, 1]
        assert [row["isbns_queued"] for row in counts.values()] == [1, 0]
        source.holds["The Bee Sting"] = missing
        assert await system.follow_up.recheck() == 2
        [newest, older] = [await row_of(system, month) for month in (Month(2023, 12), NOVEMBER)]
        assert (newest["isbns_resolved"], older["isbns_resolved"]) == (2, 2)
        assert newest["isbns_queued"] + older["isbns_queued"] == 2  # whichever look-up came first


async def test_a_further_lookup_keeps_what_the_one_before_it_refused(database_url):
    guide = printed("Prophet Song: A Study Guide", "Study Press", GUIDE)
    source = StockedShelf({"Prophet Song": [guide]})
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [source]) as system:
        await process(changed(system, now=lambda: datetime.now(UTC) - timedelta(days=30)), NOVEMBER)
        [before] = await books_of(system)
        source.holds = stocked().holds
        assert await system.follow_up.recheck() == 1
        [replaced] = await earlier(system)
        assert (replaced["isbn13"], replaced["evidence"]) == (None, before["evidence"])
        [attempt] = await query(system, "SELECT token FROM attempt")
        [now] = await query(
            system, "SELECT attempt_token, recorded_at > %s AS later FROM candidate", replaced["recorded_at"]
        )
        assert (replaced["attempt_token"], now) == (
            attempt["token"],
            {"attempt_token": attempt["token"], "later": True},
        )


async def test_evidence_that_people_delete_in_psql_is_kept_and_cannot_be_deleted(database_url):
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [stocked()]) as system:
        await process(system, NOVEMBER)
        await query(system, "UPDATE candidate SET attempt_token = NULL")  # as rows are that are older than the column
        await query(system, "DELETE FROM edition WHERE isbn13 = %s", RIGHT)
        await query(system, "DELETE FROM backfill_log WHERE year = 2023 AND month = 11")
        with_isbn = [row["isbn13"] for row in await earlier(system)]
        assert with_isbn == [None, RIGHT]
        assert (await earlier(system))[1]["attempt_token"] is not None
        for statement in ("DELETE FROM earlier_candidate", "UPDATE earlier_candidate SET reason = 'x'"):
            with pytest.raises(BadData, match="only ever added"):
                await query(system, statement)
