"""Editions that persons split off stay with their own work through every later run, and an undo gives everything back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alexandria.backfill.resolve import recognise
from alexandria.catalogue import curation, merging
from alexandria.catalogue.models import Candidate, Isbn13
from alexandria.catalogue.splitting import NewWork, split
from alexandria.core.errors import BadInput, NotNow, Unknown
from alexandria.core.month import Month
from tests.support.curated_catalogue import act, exported, listed, shown
from tests.support.filled_months import NOVEMBER, books_of, changed, process
from tests.support.scripted_backfill import Scripted, backfill, query
from tests.support.shelves import OTHER, REPRINT, RIGHT, SONG, STING, stocked

DECEMBER = Month(2023, 12)
DUBLIN = Candidate("Prophet Song: Dublin", "Paul Lynch", 2023, 12)
SEEN = """
    SELECT jsonb_build_array((SELECT jsonb_agg(l ORDER BY work_id) FROM work_listing AS l), (SELECT jsonb_agg(r ORDER BY id) FROM reviewed_candidate AS r),
           (SELECT jsonb_agg(jsonb_build_array(isbn13, work_id) ORDER BY isbn13) FROM edition),
           (SELECT jsonb_agg(jsonb_build_array(id, work_id) ORDER BY id) FROM candidate),
           (SELECT jsonb_agg(a ORDER BY key) FROM work_alias AS a), (SELECT jsonb_agg(w ORDER BY isbn13) FROM withdrawn_edition AS w)) AS seen
"""


async def test_split_editions_and_the_month_that_named_them_are_of_a_new_work_through_later_runs(database_url):
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [stocked()]) as system:
        await process(system, NOVEMBER)
        song = (await books_of(system))[0]["work_id"]
        again = changed(system, generators=[Scripted("gemini", [[DUBLIN]])])
        await process(again, DECEMBER)
        [held] = await books_of(system, DECEMBER)
        assert (held["work_id"], held["isbn13"]) == (song, RIGHT)
        await query(system, "UPDATE candidate SET isbn13 = %s WHERE month = 12", REPRINT)
        start = datetime.now(UTC)
        made = await act(system, split, song, [Isbn13(REPRINT)], NewWork("Dublin"))
        assert [entry.work_id for entry in (await exported(system, start)).values()] == [
            (await books_of(system, DECEMBER))[0]["work_id"]
        ]
        new = await shown(system, (await books_of(system, DECEMBER))[0]["work_id"])
        assert (new["title"], new["author"], new["id"] != song) == ("Dublin", "Paul Lynch", True)
        assert [edition["isbn13"] for edition in new["editions"]] == [REPRINT]
        assert [each["act"] for each in new["curation"]] == ["split"]
        assert {*(await listed(system))} == {song, new["id"]}
        for _ in range(2):
            await process(again, DECEMBER)
            await process(system, NOVEMBER)
            [sequel], [first] = await books_of(system, DECEMBER), await books_of(system)
            assert (sequel["work_id"], sequel["isbn13"]) == (new["id"], REPRINT)
            assert (first["work_id"], first["isbn13"]) == (song, RIGHT)
        with pytest.raises(NotNow, match=f"Ann split work {song} and work {new['id']}"):
            await act(system, merging.merge, new["id"], song)
        start = datetime.now(UTC)
        await act(system, curation.undo, made)
        assert {isbn: entry.work_id for isbn, entry in (await exported(system, start)).items()} == {REPRINT: song}
        assert await shown(system, new["id"]) is None
        assert {*(await listed(system))} == {song}
        await process(again, DECEMBER)
        assert (await books_of(system, DECEMBER))[0]["work_id"] == song


async def test_a_source_that_gives_a_split_edition_to_the_old_title_again_is_refused(database_url):
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [stocked()]) as system:
        await process(system, NOVEMBER)
        song = (await books_of(system))[0]["work_id"]
        made = await act(
            system, split, song, [Isbn13(RIGHT), Isbn13(REPRINT)], NewWork("A Play", [("Ann Actor", "author")])
        )
        [book] = await books_of(system)
        assert (book["work_id"], book["isbn13"], book["reviewed_isbn13"]) == (song, RIGHT, None)
        await process(system, NOVEMBER)
        [book] = await books_of(system)
        assert (book["work_id"], book["isbn13"]) == (song, None)
        assert any("rejected by Ann" in str(hit["reasons"]) for hit in book["evidence"])
        await act(system, curation.undo, made)
        await process(system, NOVEMBER)
        assert (await books_of(system))[0]["isbn13"] == RIGHT


async def test_editions_are_split_off_to_a_known_work_and_undone_in_order(database_url):
    async with backfill(database_url, [Scripted("gemini", [[SONG, STING]])], [stocked()]) as system:
        await process(system, NOVEMBER)
        song, sting = (book["work_id"] for book in await books_of(system))
        await query(system, "UPDATE candidate SET title = 'Dublin' WHERE isbn13 = %s", RIGHT)
        before = await query(system, SEEN)
        first = await act(system, split, song, [Isbn13(RIGHT), Isbn13(REPRINT)], sting)
        assert {edition["isbn13"] for edition in (await shown(system, sting))["editions"]} == {OTHER, RIGHT, REPRINT}
        assert [book["work_id"] for book in await books_of(system)] == [sting, sting]
        second = await act(system, split, sting, [Isbn13(REPRINT)], song)
        assert {edition["isbn13"] for edition in (await shown(system, song))["editions"]} == {REPRINT}
        with pytest.raises(NotNow, match="split off again since"):
            await act(system, curation.undo, first)
        for wrong, error in (
            ((song, [Isbn13(OTHER)], sting), Unknown),
            ((song, [Isbn13(REPRINT)], song), BadInput),
            ((song, [Isbn13(REPRINT)], 10**6), Unknown),
            ((song, [], sting), Unknown),
        ):
            with pytest.raises(error):
                await act(system, split, *wrong)
        for made in (second, first):
            await act(system, curation.undo, made)
        assert await query(system, SEEN) == before


async def test_a_work_that_an_undone_split_had_made_takes_no_part_any_more(database_url):
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [stocked()]) as system:
        await process(system, NOVEMBER)
        song = (await books_of(system))[0]["work_id"]
        made = await act(system, split, song, [Isbn13(REPRINT)], NewWork(DUBLIN.title))
        [row] = await query(system, "SELECT other_work_id AS id FROM curation_decision WHERE id = %s", made)
        corrected = await act(system, curation.correct, row["id"], Isbn13(REPRINT), ("publisher", "Oneworld"))
        await act(system, curation.undo, made)
        for function, values in ((split, (song, [Isbn13(REPRINT)], row["id"])), (merging.merge, (song, row["id"])),
                                 (curation.exclude, (row["id"], None))):  # fmt: skip
            with pytest.raises(Unknown):
                await act(system, function, *values)
        held, _ = await recognise(DUBLIN, system.scheduler.database)
        assert held is not None
        assert held.work_id == song
        work = await shown(system, song)
        assert corrected in {each["id"] for each in work["curation"]}
        await act(system, curation.undo, corrected)
        assert (await query(system, "SELECT publisher FROM edition WHERE isbn13 = %s", REPRINT))[0]["publisher"] == ""
        again = await act(system, split, song, [Isbn13(REPRINT)], NewWork(DUBLIN.title))
        assert again > made
