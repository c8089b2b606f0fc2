"""What deserves eyes is queued, what is most likely wrong first; an answer of a person takes it off the queue for good."""

from __future__ import annotations

import json

from alexandria.catalogue import curation, repository, review
from alexandria.catalogue.decision_log import Curator
from alexandria.catalogue.matching.probability import score_model
from alexandria.catalogue.models import Isbn13
from alexandria.catalogue.splitting import NewWork, split
from alexandria.operations import review_export
from alexandria.operations.review_export import labelled_pairs
from tests.support.filled_months import NOVEMBER, process
from tests.support.scripted_backfill import Scripted, backfill, query
from tests.support.shelves import OTHER, REPRINT, RIGHT, SONG, STING, stocked

ANN = Curator("Ann", "looked at the book")


async def act(system, name, *values):
    async with system.scheduler.database.transaction() as connection:
        return await getattr(curation, name)(connection, *values, ANN)


async def queued(system, reason=None):
    async with system.scheduler.database.transaction() as connection:
        found = await review.page(connection, reason, None, 100)
    return [(row["subject"], row["reasons"]) for row in found.rows]


async def test_an_accepted_question_stays_gone_over_a_re_run_and_an_undo_asks_it_again(database_url):
    async with backfill(database_url, [Scripted("gemini", [[SONG], [SONG]])], [stocked()]) as system:
        await process(system, NOVEMBER)
        await query(system, "UPDATE candidate SET score = 91")
        [book] = await query(system, "SELECT work_id FROM candidate")
        assert await queued(system) == [(RIGHT, ["unsure"])]
        accepted = await act(system, "accept", book["work_id"], Isbn13(RIGHT))
        assert await queued(system) == []
        await process(system, NOVEMBER)
        await query(system, "UPDATE candidate SET score = 90")
        assert await queued(system) == []
        await act(system, "undo", accepted)
        assert await queued(system) == [(RIGHT, ["unsure"])]


async def test_decisions_are_labelled_pairs_as_they_were_found_first(database_url):
    """After a re-run the record is refused by a person's decision; the pair has the verdict that the matcher gave."""
    async with backfill(database_url, [Scripted("gemini", [[SONG, STING], [SONG, STING]])], [stocked()]) as system:
        await process(system, NOVEMBER)
        await query(system, "UPDATE candidate SET score = 91 WHERE isbn13 = %s", RIGHT)
        works = {row["isbn13"]: row["work_id"] for row in await query(system, "SELECT isbn13, work_id FROM candidate")}
        await act(system, "accept", works[OTHER], Isbn13(OTHER))
        undone = await act(system, "reject", works[OTHER], Isbn13(OTHER))
        await act(system, "undo", undone)
        rejected = await act(system, "reject", works[RIGHT], Isbn13(RIGHT))
        await act(system, "accept", works[OTHER], NOVEMBER)
        await process(system, NOVEMBER)
        exported = [json.loads(line) async for line in labelled_pairs(system.scheduler.database)]
        assert [(pair["label"], pair["record"]["isbn13"], pair["accepted"], pair["verdict"]) for pair in exported] == [
            ("same_work", OTHER, True, "accept"),
            ("another_work", RIGHT, True, "accept"),
        ]
        assert exported[1] | {"record": None, "strata": None, "score": None} == {
            "id": f"decision {rejected}, {RIGHT} of work {works[RIGHT]}",
            "label": "another_work",
            "query": {"title": "Prophet Song", "author": "Paul Lynch", "year": 2023, "month": 11},
            "record": None,
            "verdict": "accept",
            "score": None,
            "score_version": score_model().version,
            "accepted": True,
            "stratum": "suspected",
            "strata": None,
        }


async def test_a_split_decides_on_each_edition_for_both_books(database_url, monkeypatch):
    """Each edition is a pair of its own, wherever a page of pairs ends."""
    monkeypatch.setattr(review_export, "PAIRS_PER_READ", 1)
    async with backfill(database_url, [Scripted("gemini", [[SONG], [SONG]])], [stocked()]) as system:
        await process(system, NOVEMBER)
        [book] = await query(system, "SELECT work_id FROM candidate")
        moved = {RIGHT, REPRINT}
        async with system.scheduler.database.transaction() as connection:
            made = await split(connection, book["work_id"], [*map(Isbn13, moved)], NewWork("A Play"), ANN)
        exported = [json.loads(line) async for line in labelled_pairs(system.scheduler.database)]
        assert [(pair["label"], pair["query"]["title"]) for pair in exported] == 2 * [("another_work", "Prophet Song")]
        assert {pair["record"]["isbn13"] for pair in exported} == moved
        await query(system, "UPDATE candidate SET work_id = (SELECT max(id) FROM work)")
        exported = [json.loads(line) async for line in labelled_pairs(system.scheduler.database)]
        assert sorted(pair["label"] for pair in exported) == ["another_work", "another_work", "same_work", "same_work"]
        assert len({pair["id"] for pair in exported}) == 4
        await act(system, "undo", made)
        assert [line async for line in labelled_pairs(system.scheduler.database)] == []


CALLED = "SELECT funcname, calls FROM pg_stat_xact_user_functions WHERE funcname IN ('list_work', 'queue_review')"


async def called(connection):
    """How often this transaction has listed and reviewed a work until now."""
    await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    rows = await (await connection.execute(CALLED)).fetchall()
    await connection.execute("SET CONSTRAINTS ALL DEFERRED")
    return {row["funcname"]: row["calls"] for row in rows}


async def test_a_work_is_listed_once_for_all_of_its_rows(database_url):
    """And no work of a row that is deleted or added is not listed: that takes as long."""
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [stocked()]) as system:
        await process(system, NOVEMBER)
        async with system.scheduler.database.transaction() as connection:
            await connection.execute("SET LOCAL track_functions = 'all'")
            await connection.execute("DELETE FROM candidate")
            assert await called(connection) == {"list_work": 1, "queue_review": 1}
            authors = ("Paul Murray", "Ann Lee", "Bo Lund")
            work = await repository.add_work(connection, STING.title, authors, first_published=None, language="en")
            assert await called(connection) == {"list_work": 2, "queue_review": 1}
            await connection.execute("UPDATE work SET language = 'de' WHERE id = %s", [work])
            assert await called(connection) == {"list_work": 3, "queue_review": 1}, "it has changed again"
        [listed] = await query(system, "SELECT language, words FROM work_listing WHERE work_id = %s", work)
    assert listed["language"] == "de"
    assert "'lund'" in listed["words"]
