"""Works that persons merge are one book everywhere, those that they mark as different stay two, and an undo restores."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alexandria.backfill.resolve import recognise
from alexandria.catalogue import curation, merging
from alexandria.catalogue.decision_log import Curator
from alexandria.catalogue.index import add_keys
from alexandria.catalogue.matching.scoring import work_key
from alexandria.catalogue.models import Candidate, Isbn13
from alexandria.core.errors import BadInput, DecisionConflict, NotNow, Unknown
from alexandria.core.month import Month
from tests.support.curated_catalogue import act, exported, listed, shown
from tests.support.filled_months import NOVEMBER, books_of, changed, process
from tests.support.scripted_backfill import Scripted, backfill, query
from tests.support.shelves import OTHER, REPRINT, RIGHT, SONG, STING, StockedShelf, printed, stocked

DECEMBER = Month(2023, 12)
GERMAN = Candidate("Das Lied des Propheten", "Paul Lynch", 2024, 12)


async def two_works(system, other=GERMAN):
    """The works of November and of December."""
    await process(system, NOVEMBER)
    await process(changed(system, generators=[Scripted("gemini", [[other]])]), DECEMBER)
    return [(await books_of(system, month))[0]["work_id"] for month in (NOVEMBER, DECEMBER)]


async def test_a_merged_book_is_recognised_listed_shown_and_exported_as_one_and_an_undo_gives_both_back(database_url):
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [stocked()]) as system:
        song, german = await two_works(system)
        before, unmerged = await listed(system), await exported(system)
        assert (await books_of(system, DECEMBER))[0]["isbn13"] is None
        start = datetime.now(UTC)
        merged = await act(system, merging.merge, german, song)
        again = changed(system, generators=[Scripted("gemini", [[GERMAN]])])
        await process(again, DECEMBER)
        [book] = await books_of(system, DECEMBER)
        assert (book["isbn13"], book["source"]) == (RIGHT, "catalogue")
        assert await listed(system, "lied propheten") == await listed(system)
        [row] = (await listed(system)).values()
        assert (row["id"], row["editions"], row["months"]) == (song, 2, ["2023-12", "2023-11"])
        for work_id in (song, german):
            work = await shown(system, work_id)
            assert (work["id"], work["counts"]) == (song, {"editions": 2, "decisions": 2})
            assert [each["title"] for each in work["merged"]] == [GERMAN.title]
            assert [(made["act"], made["who"]) for made in work["curation"]] == [("merge", "Ann")]
        changes = await exported(system, start)
        assert {entry.work_id for entry in changes.values()} == {song}
        assert {*changes} == {RIGHT, REPRINT}
        start = datetime.now(UTC)
        await act(system, curation.undo, merged)
        assert {*(await exported(system, start))} == {RIGHT, REPRINT}
        await process(again, DECEMBER)
        assert (await books_of(system, DECEMBER))[0]["isbn13"] is None
        assert {work: row["title"] for work, row in (await listed(system)).items()} == {
            work: row["title"] for work, row in before.items()
        }
        assert {isbn: entry.work_id for isbn, entry in (await exported(system)).items()} == {
            isbn: entry.work_id for isbn, entry in unmerged.items()
        }


async def test_what_is_decided_on_a_merged_book_counts_for_all_its_works(database_url):
    """A rejected ISBN does not come back under the other title; a pin and an exclusion are shown for both months."""
    shelf = stocked()
    shelf.holds[GERMAN.title] = [printed(GERMAN.title, "Paul Lynch", OTHER)]
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [shelf]) as system:
        song, german = await two_works(system)
        await act(system, merging.merge, german, song)
        await act(system, curation.pin, song, Isbn13(REPRINT))
        months = (NOVEMBER, DECEMBER)
        assert [(await books_of(system, month))[0]["reviewed_isbn13"] for month in months] == [REPRINT] * 2
        rejected = await act(system, curation.reject, song, Isbn13(OTHER))
        [stored] = await query(system, "SELECT work_id FROM curation_decision WHERE id = %s", rejected)
        assert stored["work_id"] == german  # whose edition it is, also after an undo of the merge
        shelf.holds["Prophet Song"] = [printed("Prophet Song", "Paul Lynch", OTHER)]
        await query(system, "DELETE FROM edition WHERE isbn13 <> %s", OTHER)
        await process(system, NOVEMBER)
        assert (await books_of(system))[0]["isbn13"] is None
        await act(system, curation.exclude, german, None)
        assert [(await books_of(system, month))[0]["excluded"] for month in months] == [True] * 2
        assert await exported(system) == {}


async def test_different_books_are_never_taken_for_each_other(database_url):
    """Without the decision the unresolved work is recognised as the other one, as the titles agree in part."""
    sequel = Candidate("Prophet Song: Dublin", "Paul Lynch", 2023, 12)
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [stocked()]) as system:
        await process(system, NOVEMBER)
        song = (await books_of(system))[0]["work_id"]
        async with system.scheduler.database.transaction() as connection:
            found = await connection.execute(
                "INSERT INTO work (key, title, author) VALUES (%s, %s, %s) RETURNING id",
                (work_key(sequel.title, (sequel.author,)), sequel.title, sequel.author),
            )
            row = await found.fetchone()
            assert row
            await add_keys(connection, row["id"], (sequel.title,), (sequel.author,))
            await connection.execute(
                "INSERT INTO work_contributor SELECT %s, id, 'author', 0 FROM contributor", (row["id"],)
            )
        other = row["id"]
        held, _ = await recognise(sequel, system.scheduler.database)
        assert held is not None
        assert held.isbn13 == RIGHT
        decided = await act(system, merging.different, other, song, person=Curator("Ann", "a sequel"))
        assert (await recognise(sequel, system.scheduler.database))[0] is None
        assert (await recognise(SONG, system.scheduler.database))[0]
        shelf = StockedShelf({sequel.title: stocked().holds["Prophet Song"]})
        again = changed(system, generators=[Scripted("gemini", [[sequel]])], sources=[shelf])
        for held_already in (True, False):
            if not held_already:
                await query(system, "DELETE FROM edition")
            await process(again, DECEMBER)
            [book] = await books_of(system, DECEMBER)
            assert (book["isbn13"], book["work_id"]) == (None, other)
            assert book["reason"].endswith(f"its record is of work {song}, which a person marked as another book")
        with pytest.raises(NotNow, match="Ann marked work"):
            await act(system, merging.merge, other, song)
        await act(system, curation.undo, decided)
        await process(again, DECEMBER)
        assert (await books_of(system, DECEMBER))[0]["isbn13"] == RIGHT


async def test_what_cannot_be_merged_is_refused_and_two_persons_see_both(database_url):
    async with backfill(database_url, [Scripted("gemini", [[SONG, STING]])], [stocked()]) as system:
        await process(system, NOVEMBER)
        song, sting = (book["work_id"] for book in await books_of(system))
        with pytest.raises(BadInput, match="is the same book"):
            await act(system, merging.merge, song, song)
        with pytest.raises(Unknown):
            await act(system, merging.merge, song, 10**9)
        first = await act(system, merging.same, song, sting)
        assert (await shown(system, sting))["id"] == song  # it has two editions, the other one
        for function in (merging.merge, merging.same, merging.different):
            with pytest.raises(NotNow, match="are merged"):
                await act(system, function, sting, song)
        with pytest.raises(DecisionConflict) as conflict:
            await act(system, curation.exclude, sting, None, person=Curator("Bob", "no", 0))
        assert [row["id"] for row in conflict.value.details["theirs"]] == [first]


async def test_merges_of_merges_are_undone_in_any_order(database_url):
    async with backfill(database_url, [Scripted("gemini", [[SONG, STING, GERMAN]])], [stocked()]) as system:
        await process(system, NOVEMBER)
        song, sting, german = (book["work_id"] for book in await books_of(system))
        one = await act(system, merging.merge, german, sting)
        two = await act(system, merging.merge, german, song)
        [merges] = (await query(system, "SELECT work_id, other_work_id FROM curation_decision WHERE id = %s", two),)
        assert [(row["work_id"], row["other_work_id"]) for row in merges] == [(sting, song)]
        assert {*(await listed(system))} == {song}
        await act(system, curation.undo, one)
        assert {*(await listed(system))} == {song, german}
        await act(system, curation.undo, two)
        assert {*(await listed(system))} == {song, sting, german}
        assert await query(system, "SELECT FROM merged_work") == []
