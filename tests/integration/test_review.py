"""What deserves eyes is queued, what is most likely wrong first; an answer of a person takes it off the queue for good."""

from __future__ import annotations

from alexandria.catalogue import curation, review
from alexandria.catalogue.decision_log import Curator
from alexandria.catalogue.models import Isbn13
from tests.support.filled_months import NOVEMBER, process
from tests.support.scripted_backfill import Scripted, backfill, query
from tests.support.shelves import RIGHT, SONG, stocked

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
