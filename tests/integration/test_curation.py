"""What persons decide about books outlives re-runs, further look-ups and enrichment, and nobody overwrites another's decision."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from alexandria.catalogue import curation
from alexandria.catalogue.decision_log import Curator
from alexandria.catalogue.export.query import editions
from alexandria.catalogue.models import Candidate, Isbn13
from alexandria.core.errors import BadData, BadInput, DecisionConflict, NotNow, Unknown
from alexandria.core.month import Month
from tests.support.filled_months import NOVEMBER, books_of, changed, process, row_of
from tests.support.scripted_backfill import Scripted, backfill, query
from tests.support.shelves import GUIDE, OTHER, REPRINT, RIGHT, SONG, STING, StockedShelf, printed, stocked

ANN = Curator("Ann", "looked at the book")
COUNTERS = ("books_generated", "isbns_resolved", "isbns_queued")


def shelf_without_reprint():
    shelf = stocked()
    shelf.holds["Prophet Song"] = [hit for hit in shelf.holds["Prophet Song"] if hit.isbn13 != REPRINT]
    return shelf


async def act(system, name, *values, person=ANN):
    async with system.scheduler.database.transaction() as connection:
        return await getattr(curation, name)(connection, *values, person)


async def exported(system, since=None):
    return {entry.isbn13: entry async for entry in editions(system.scheduler.database, since)}


async def counters(system):
    row = await row_of(system)
    return [row[name] for name in COUNTERS]


async def test_a_rejected_isbn_does_not_come_back_and_neither_does_its_record(database_url):
    """The re-run takes the other edition; then the same record has another ISBN, and it is refused, too."""
    shelf = stocked()
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [shelf]) as system:
        await process(system, NOVEMBER)
        [book] = await books_of(system)
        before = await counters(system)
        await act(system, "reject", book["work_id"], Isbn13(RIGHT))
        [book] = await books_of(system)
        assert (book["isbn13"], book["reviewed_isbn13"]) == (RIGHT, None)
        assert [(made["act"], made["who"], made["why"]) for made in book["decisions"]] == [("reject", "Ann", ANN.why)]
        assert await counters(system) == before
        await process(system, NOVEMBER)
        [book] = await books_of(system)
        assert (book["isbn13"], book["reviewed_isbn13"], book["source"]) == (REPRINT, REPRINT, "catalogue")
        await act(system, "reject", book["work_id"], Isbn13(REPRINT))
        [record] = [hit for hit in shelf.holds["Prophet Song"] if hit.isbn13 == RIGHT]
        shelf.holds["Prophet Song"] = [dataclasses.replace(record, isbn13=Isbn13(OTHER))]
        await process(system, NOVEMBER)
        [book] = await books_of(system)
        assert book["isbn13"] is None
        assert "1 record rejected by a person" in book["reason"]
        [hit] = book["evidence"]
        assert (hit["verdict"], hit["isbn13"], hit["reasons"][0][:15]) == ("refuse", OTHER, "rejected by Ann")
        assert await query(system, "SELECT isbn13 FROM edition WHERE isbn13 = %s", OTHER) == []


async def test_a_decision_during_an_attempt_counts_for_what_the_attempt_found(database_url):
    """The source is asked before the decision, and its answer recorded after it."""
    shelf = shelf_without_reprint()
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [shelf]) as system:
        await process(system, NOVEMBER)
        [first] = await books_of(system)

        class Meanwhile(StockedShelf):
            async def find(self, candidate):
                await act(system, "reject", first["work_id"], Isbn13(RIGHT))
                return shelf.holds[candidate.title]

        await query(system, "DELETE FROM edition")
        await process(changed(system, sources=[Meanwhile()]), NOVEMBER)
        [book] = await books_of(system)
        assert (book["isbn13"], book["reason"].partition(" on ")[0]) == (
            None,
            f"its ISBN {RIGHT} proves nothing: rejected by Ann",
        )
        assert await query(system, "SELECT isbn13 FROM edition") == []


async def test_a_rejected_isbn_belongs_to_the_book_that_it_is_of(database_url):
    """A wrong record took the number for another book, which has its own work and gets the edition."""
    wrong = printed("The Bee Sting", "Paul Murray", RIGHT)
    shelf = stocked()
    shelf.holds["The Bee Sting"] = [wrong]
    async with backfill(database_url, [Scripted("gemini", [[STING], [SONG]])], [shelf]) as system:
        await process(system, NOVEMBER)
        [sting] = await books_of(system)
        await act(system, "reject", sting["work_id"], Isbn13(RIGHT))
        shelf.holds["Prophet Song"] = [printed("Prophet Song", "Paul Lynch", RIGHT)]
        await process(system, Month(2023, 12))
        [song] = await books_of(system, Month(2023, 12))
        assert (song["isbn13"], song["work_id"] != sting["work_id"]) == (RIGHT, True)
        [edition] = await query(system, "SELECT work_id FROM edition WHERE isbn13 = %s", RIGHT)
        assert edition["work_id"] == song["work_id"]
        assert set(await exported(system)) == {RIGHT}


async def test_a_pinned_edition_stays_and_is_never_called_proven(database_url):
    """It is a person's, beside what the machine finds; a source that has it proves it."""
    shelf = shelf_without_reprint()
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [shelf]) as system:
        await process(system, NOVEMBER)
        [book] = await books_of(system)
        before, start = await counters(system), datetime.now(UTC)
        pinned = await act(system, "pin", book["work_id"], Isbn13(REPRINT))
        for _ in range(2):
            [book] = await books_of(system)
            assert (book["isbn13"], book["reviewed_isbn13"]) == (RIGHT, REPRINT)
            assert [made["act"] for made in book["decisions"]] == ["pin"]
            await process(system, NOVEMBER)
        assert await counters(system) == before
        added = (await exported(system, start))[REPRINT]
        assert {(one["field"], one["provider"]) for one in added.sources} == {("isbn13", "person"), ("title", "person")}
        undone = await act(system, "undo", pinned)
        assert REPRINT not in await exported(system)
        assert (await exported(system, start))[REPRINT].withdrawn
        await act(system, "pin", book["work_id"], Isbn13(REPRINT))
        assert undone > pinned
        await query(system, "DELETE FROM edition WHERE isbn13 = %s", RIGHT)
        shelf.holds = stocked().holds
        await process(system, NOVEMBER)
        sources = (await exported(system))[REPRINT].sources
        assert "isbn13" not in {one["field"] for one in sources}


async def test_a_look_alike_from_the_evidence_is_pinned_with_its_own_record(database_url):
    async with backfill(database_url, [Scripted("gemini", [[SONG], [STING]])], [stocked()]) as system:
        await process(system, NOVEMBER)
        await process(system, Month(2023, 12))
        [song] = await books_of(system)
        [sting] = await books_of(system, Month(2023, 12))
        await act(system, "pin", song["work_id"], Isbn13(GUIDE))
        guide = (await exported(system))[GUIDE]
        assert (guide.title, guide.published, guide.work_id) == (
            "Prophet Song: A Study Guide",
            "2023-11",
            song["work_id"],
        )
        assert ("title", "open_library", f"/books/{GUIDE}") in {
            (one["field"], one["provider"], one["id"]) for one in guide.sources
        }
        with pytest.raises(NotNow, match=f"{OTHER} is an edition of 'The Bee Sting' by Paul Murray"):
            await act(system, "pin", song["work_id"], Isbn13(OTHER))
        await act(system, "reject", sting["work_id"], Isbn13(OTHER))
        await act(system, "pin", song["work_id"], Isbn13(OTHER))
        assert (await exported(system))[OTHER].work_id == song["work_id"]


async def test_an_excluded_book_stays_excluded_and_one_that_is_not_notable_is_withdrawn(database_url):
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [stocked()]) as system:
        for month in (NOVEMBER, Month(2023, 12)):
            await process(system, month)
        [book] = await books_of(system)
        before, start = await counters(system), datetime.now(UTC)
        from_november = await act(system, "exclude", book["work_id"], NOVEMBER)
        await process(system, NOVEMBER)
        excluded = [(await books_of(system, month))[0]["excluded"] for month in (NOVEMBER, Month(2023, 12))]
        assert excluded == [True, False]
        assert RIGHT in await exported(system)
        from_all = await act(system, "exclude", book["work_id"], None)
        await process(system, Month(2023, 12))
        assert (await books_of(system, Month(2023, 12)))[0]["excluded"]
        assert await exported(system) == {}
        assert [entry.withdrawn for entry in (await exported(system, start)).values()] == [True, True]
        for decision in (from_all, from_november):
            await act(system, "undo", decision)
        assert not (await books_of(system))[0]["excluded"]
        assert not any(entry.withdrawn for entry in (await exported(system, start)).values())
        assert await counters(system) == before
        with pytest.raises(Unknown):
            await act(system, "exclude", book["work_id"], Month(2020, 1))


async def test_a_correction_outlives_enrichment_and_an_undo_gives_back_what_sources_had(database_url):
    shelf = shelf_without_reprint()
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [shelf]) as system:
        await process(system, NOVEMBER)
        [book] = await books_of(system)
        work, isbn = book["work_id"], Isbn13(RIGHT)
        dated = await act(system, "correct", work, isbn, ("published", "2023-08"))
        again = await act(system, "correct", work, isbn, ("published", "2023-08-24"))
        shelf.by_isbn[RIGHT] = printed("Prophet Song", "Paul Lynch", RIGHT, "2023-11-30", publisher="Oneworld")
        assert await system.follow_up.enrich() == 1
        entry = (await exported(system))[RIGHT]
        assert (entry.published, entry.publisher) == ("2023-08-24", "Oneworld")
        assert {(one["field"], one["id"]) for one in entry.sources if one["provider"] == "person"} == {
            ("published", f"decision {again}")
        }
        await process(system, NOVEMBER)
        await act(system, "undo", again)
        assert (await exported(system))[RIGHT].published == "2023-08"
        await act(system, "undo", dated)
        entry = (await exported(system))[RIGHT]
        assert (entry.published, {one["provider"] for one in entry.sources}) == ("2023-11", {"open_library"})
        assert await system.follow_up.enrich() == 1
        assert (await exported(system))[RIGHT].published == "2023-11-30"
        for name, value in (
            ("pages", "0"),
            ("pages", "9" * 5000),
            ("published", "May"),
            ("title", " "),
            ("isbn13", "x"),
        ):
            with pytest.raises(BadInput):
                await act(system, "correct", work, isbn, (name, value))


async def test_a_correction_while_sources_are_asked_stays(database_url):
    shelf = shelf_without_reprint()
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [shelf]) as system:
        await process(system, NOVEMBER)
        [book] = await books_of(system)
        better = printed("Prophet Song", "Paul Lynch", RIGHT, "2023-11-30", publisher="Oneworld")

        class Meanwhile(StockedShelf):
            async def by_isbns(self, isbns):
                await act(system, "correct", book["work_id"], Isbn13(RIGHT), ("published", "2023-08-24"))
                return dict.fromkeys(isbns, better)

        assert await changed(system, sources=[Meanwhile()]).follow_up.enrich() == 1
        entry = (await exported(system))[RIGHT]
        assert (entry.published, entry.publisher) == ("2023-08-24", "Oneworld")


async def test_two_persons_on_one_book_see_both_decisions(database_url):
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [stocked()]) as system:
        await process(system, NOVEMBER)
        work = (await books_of(system))[0]["work_id"]
        first = await act(system, "reject", work, Isbn13(RIGHT), person=Curator("Ann", "a reprint", 0))
        with pytest.raises(DecisionConflict) as conflict:
            await act(system, "pin", work, Isbn13(RIGHT), person=Curator("Bob", "the first edition", 0))
        details = conflict.value.details
        assert details["version"] == first
        assert (details["yours"]["act"], details["yours"]["who"]) == ("pin", "Bob")
        assert [(row["act"], row["who"], row["why"]) for row in details["theirs"]] == [("reject", "Ann", "a reprint")]
        await act(system, "pin", work, Isbn13(RIGHT), person=Curator("Bob", "the first edition", first))
        with pytest.raises(DecisionConflict):
            await act(system, "undo", first, person=Curator("Ann", "sorry", first))


async def test_what_cannot_be_decided_is_refused(database_url):
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [stocked()]) as system:
        await process(system, NOVEMBER)
        work = (await books_of(system))[0]["work_id"]
        for name, *values in (
            ("reject", work + 1, Isbn13(RIGHT)),
            ("reject", work, Isbn13(OTHER)),
            ("correct", work, Isbn13(OTHER), ("title", "T")),
            ("undo", 17),
        ):
            with pytest.raises(Unknown):
                await act(system, name, *values)
        made = await act(system, "reject", work, Isbn13(RIGHT))
        undone = await act(system, "undo", made)
        for decision in (made, undone):
            with pytest.raises(NotNow):
                await act(system, "undo", decision)
        for statement in ("DELETE FROM curation_decision", "UPDATE curation_decision SET who = 'x'"):
            with pytest.raises(BadData, match="only ever added"):
                await query(system, statement)


async def test_a_work_that_was_decided_on_is_never_dropped(database_url):
    """A further look-up finds the real work; the one that only the model had named stays for the decision on it."""
    misspelt = Candidate("The Bee Stign", "Paul Murray", 2023, 11)
    shelf = stocked()
    async with backfill(database_url, [Scripted("gemini", [[misspelt]])], [shelf]) as system:
        await process(changed(system, now=lambda: datetime.now(UTC) - timedelta(days=30)), NOVEMBER)
        [book] = await books_of(system)
        await act(system, "exclude", book["work_id"], NOVEMBER)
        shelf.holds["The Bee Stign"] = shelf.holds["The Bee Sting"]
        assert await system.follow_up.recheck() == 1
        assert await query(system, "SELECT id FROM work WHERE id = %s", book["work_id"])
