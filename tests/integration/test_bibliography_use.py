"""The size, age and use of a loaded bibliography are visible, and a forecast expects fewer requests with it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from alexandria.backfill.repositories import bibliography_use as usage
from alexandria.backfill.repositories import candidates
from alexandria.backfill.repositories.candidates import DueCandidate
from alexandria.backfill.resolve import resolve
from alexandria.backfill.source_selection import Policy, SourcePool, SourceSelector
from alexandria.bibliography import loader
from alexandria.bibliography.lookup import BibliographyIndex
from alexandria.bibliography.rows import MAX_AGE_DAYS, Limits
from alexandria.bibliography.source import BibliographySource
from alexandria.catalogue.keys import KEY_VERSION
from alexandria.catalogue.models import Candidate
from alexandria.cli.doctor.bibliography import bibliography
from alexandria.core import config
from alexandria.core.month import Month
from alexandria.forecast.assumptions import expected_scenario
from alexandria.forecast.scenario import expected_requests, expected_resolution_rate
from alexandria.operations import backfill
from alexandria.operations.terminal.status_report import take_report
from tests.support.open_library_dump import plain_dump, rows

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("seeded_pages")]
BOOKS = rows()[:40]
MONTH = Month(2004, 10)
HELD = Candidate("The Sheep Look Up", "John Brunner")
UNKNOWN = Candidate("An Invented Book", "Nobody At All")


class Silent:
    """A source that knows nothing."""

    name, paid = "silent", False

    async def find(self, _candidate):
        return []


@pytest.fixture(scope="module")
def loaded(shared_database_url, tmp_path_factory):
    paths = plain_dump(BOOKS).write(tmp_path_factory.mktemp("dump"))
    loader.load_files(shared_database_url, paths, Limits(), force=False, folder=None, report=lambda _: None)


@pytest.fixture
def pool(system):
    return SourcePool([Silent()], Policy.BALANCED, BibliographySource(BibliographyIndex(system.database)))


async def looked_up(system, pool, *books):
    found = await resolve(None, books, SourceSelector(pool), system.database)
    async with system.database.transaction() as connection:
        await candidates.record_month(connection, MONTH, found, datetime.now(UTC), token=uuid4())
    return found


async def test_nothing_is_shown_where_none_is_loaded(system, admitted, api, pool, sql):
    await looked_up(system, pool, HELD, UNKNOWN)
    assert await sql("SELECT 1 FROM bibliography_use") == []
    assert "<h2>Bibliography</h2>" not in (await admitted.get("/")).text
    assert "alexandria_bibliography_editions 0.0" in (await api.get("/metrics")).text
    assert (await backfill.stats(system)).bibliography is None
    assert await bibliography(system.server.url, asked=True) == []


@pytest.mark.usefixtures("loaded")
async def test_size_age_and_share_are_shown_everywhere(system, admitted, api, pool, sql):
    await sql("DELETE FROM bibliography_use")
    await looked_up(system, pool, HELD, UNKNOWN)
    share = "1 of 2 books (50 %) needed no request within 7 days"
    held = await usage.read(system.database)
    assert held is not None
    size = f"40 editions, {held.bytes / 1e6:,.0f} MB, as of {held.as_of:%Y-%m-%d}"
    assert held.as_of < datetime.now(UTC) - timedelta(days=29)
    assert f"Bibliography: {size}; {share}" in [*(await take_report(system))._words()]
    page = (await admitted.get("/")).text
    assert "<h2>Bibliography</h2>" in page
    assert share in page
    measured = (await api.get("/metrics")).text
    for line in (
        "editions 40.0",
        f"bytes {float(held.bytes)}",
        'books{end="settled"} 1.0',
        'books{end="requested"} 1.0',
    ):
        assert f"alexandria_bibliography_{line}" in measured
    seen = (await api.get("/api/internal/backfill-stats")).json()["bibliography"]
    assert (seen["editions"], seen["books_asked"], seen["books_settled"]) == (40, 2, 1)
    (check,) = await bibliography(system.server.url, asked=True)
    assert (check.ok, check.message, check.fix) == (True, f"{size}; {share}", "")


@pytest.mark.usefixtures("loaded")
async def test_a_further_look_up_counts_and_one_in_the_catalogue_does_not(system, pool, sql):
    await sql("DELETE FROM bibliography_use")
    await looked_up(system, pool, UNKNOWN)
    await sql("UPDATE backfill_log SET status = 'completed', books_generated = 1 WHERE (year, month) = (2004, 10)")
    [row] = await sql("SELECT id, work_id FROM candidate")
    (found,) = await resolve(None, [HELD], SourceSelector(pool), system.database)
    due = DueCandidate(row["id"], MONTH, HELD, row["work_id"], 1)
    async with system.database.transaction() as connection:
        assert await candidates.finish_recheck(connection, due, found, datetime.now(UTC))
    [seen] = await sql("SELECT asked, settled FROM bibliography_use")
    assert seen == {"asked": 2, "settled": 1}
    await looked_up(system, pool, HELD)
    assert await sql("SELECT asked, settled FROM bibliography_use") == [seen]


@pytest.mark.usefixtures("loaded")
async def test_one_that_needs_action_is_a_warning_with_its_fix(system, sql):
    (unused,) = await bibliography(system.server.url, asked=False)
    assert "ALEXANDRIA_BIBLIOGRAPHY" in unused.fix
    await sql("UPDATE bibliography.load SET newest = newest - %s * interval '1 day'", MAX_AGE_DAYS)
    (old,) = await bibliography(system.server.url, asked=True)
    assert (old.ok, "load a newer one" in old.fix) == (True, True)
    await sql("UPDATE bibliography.load SET key_version = 0")
    (outdated,) = await bibliography(system.server.url, asked=True)
    assert "load it again" in outdated.fix


@pytest.mark.usefixtures("loaded")
async def test_a_forecast_expects_fewer_requests(system, sql):
    """By what was measured: none is settled, then nearly all. Coverage of the sources is the same."""
    settings = config.load()
    read = await usage.read(system.database)
    assert read is not None
    held = dataclasses.replace(read, key_version=KEY_VERSION)
    without = expected_scenario(settings, [])
    few, many = (
        expected_scenario(settings, [], bibliography=dataclasses.replace(held, asked=9000, settled=settled))
        for settled in (100, 8900)
    )
    requests = [sum(expected_requests(scenario).values()) for scenario in (without, few, many)]
    assert requests[0] > requests[1] > 5 * requests[2] > 0
    assert expected_resolution_rate(many) >= expected_resolution_rate(without)
    assert expected_scenario(settings, [], bibliography=dataclasses.replace(held, key_version=0)) == without
    await sql("UPDATE bibliography.load SET key_version = %s", KEY_VERSION)
    report = await system.forecaster.report(runs=1)
    assert any("the bibliography settles" in each for each in report.assumptions)
