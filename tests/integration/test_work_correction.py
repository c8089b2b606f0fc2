"""The corrected fields of a work itself stand through every later run, and an undo gives back what sources gave."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alexandria.catalogue import curation, repository
from alexandria.catalogue.models import Candidate
from alexandria.catalogue.work_correction import correct_work, read_work_value
from alexandria.core.errors import BadInput
from alexandria.core.month import Month
from tests.support.curated_catalogue import act, exported, listed, shown
from tests.support.filled_months import NOVEMBER, books_of, changed, process
from tests.support.scripted_backfill import Scripted, backfill, query
from tests.support.shelves import REPRINT, RIGHT, SONG, StockedShelf, stocked

DECEMBER = Month(2023, 12)
FIELDS = ("title", "author", "first_published", "language")


def people(work):
    return [(each["name"], each["role"]) for each in work["contributors"]]


async def fields(system, work_id):
    return (await query(system, f"SELECT {', '.join(FIELDS)} FROM work WHERE id = %s", work_id))[0]


async def test_a_corrected_work_is_found_by_both_titles_and_shown_exported_and_undone(database_url):
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [stocked()]) as system:
        await process(system, NOVEMBER)
        song = (await books_of(system))[0]["work_id"]
        before, names = await fields(system, song), people(await shown(system, song))
        start = datetime.now(UTC)
        made = [
            await act(system, correct_work, song, change)
            for change in (
                ("title", "The Drowned City"),
                ("contributors", "Lynch, Pól; Bernhard Kempen (translator)"),
                ("first_published", "2019-03"),
                ("language", "ga"),
            )
        ]
        work = await shown(system, song)
        assert (work["title"], work["author"], people(work)) == (
            "The Drowned City", "Pól Lynch", [("Pól Lynch", "author"), ("Bernhard Kempen", "translator")],
        )  # fmt: skip
        assert (work["first_published"], work["language"]) == ("2019-03", "ga")
        assert [(row["title"], row["author"]) for row in (await listed(system, "drowned lynch")).values()] == [
            ("The Drowned City", "Pól Lynch")
        ]
        changes = await exported(system, start)
        assert {*changes} == {RIGHT, REPRINT}
        assert (changes[RIGHT].people[0], changes[RIGHT].first_published) == (["Pól Lynch", "author"], "2019-03")
        called = [SONG, Candidate("The Drowned City", "Pól Lynch", 2019, 12)]
        for naming in called:
            again = changed(system, generators=[Scripted("gemini", [[naming]])], sources=[StockedShelf()])
            await process(again, DECEMBER)
            [book] = await books_of(system, DECEMBER)
            assert (book["work_id"], book["isbn13"]) == (song, RIGHT), naming
        await process(system, NOVEMBER)
        await system.follow_up.enrich()
        assert (await shown(system, song))["title"] == "The Drowned City"
        start = datetime.now(UTC)
        for each in made:
            await act(system, curation.undo, each)
        assert {*(await exported(system, start))} == {RIGHT, REPRINT}
        assert (await fields(system, song), people(await shown(system, song))) == (before, names)
        await process(
            changed(system, generators=[Scripted("gemini", [called[1:]])], sources=[StockedShelf()]), DECEMBER
        )
        assert (await books_of(system, DECEMBER))[0]["isbn13"] is None


async def test_an_undone_correction_gives_back_the_one_before_it_and_then_what_the_source_gave(database_url):
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [stocked()]) as system:
        await process(system, NOVEMBER)
        song = (await books_of(system))[0]["work_id"]
        original = await fields(system, song)
        for name, values in (
            ("title", ("One", "Two")),
            ("contributors", ("Ann A", "Ann A; Ben B")),
            ("language", ("de", "")),
        ):
            made = [await act(system, correct_work, song, (name, value)) for value in values]
            shown_as = [await fields(system, song)]
            for each in reversed(made):
                await act(system, curation.undo, each)
                shown_as.append(await fields(system, song))
            assert shown_as[-1] == original
            assert len({str(each) for each in shown_as}) == (3 if name != "contributors" else 2)
        assert await query(system, "SELECT key FROM work_alias WHERE key LIKE 'one%%' OR key LIKE 'two%%'") == []


async def test_no_later_source_overwrites_the_corrected_work_without_an_edition(database_url):
    """A work that only a model named takes the spelling of the first source, unless a person corrected it."""
    async with backfill(database_url, [Scripted("gemini", [[SONG]])], [StockedShelf()]) as system:
        await process(system, NOVEMBER)
        song = (await books_of(system))[0]["work_id"]
        await act(system, correct_work, song, ("title", "Prophet Song!"))
        await act(system, correct_work, song, ("language", ""))
        await process(changed(system, sources=[stocked()]), NOVEMBER)
        [book] = await books_of(system)
        assert (book["work_id"], book["isbn13"]) == (song, RIGHT)
        work = await fields(system, song)
        assert (work["title"], work["language"]) == ("Prophet Song!", "")
        async with system.scheduler.database.transaction() as connection:
            key = (await query(system, "SELECT key FROM work WHERE id = %s", song))[0]["key"]
            values = {"key": key, "title": "x", "author": "y", "first_published": "1900", "language": "fr"}
            await connection.execute(repository.SQL["add_work"], values)
        assert await fields(system, song) == work


@pytest.mark.parametrize(
    ("name", "value"),
    [("title", "  "), ("contributors", " ; "), ("contributors", "A; A"), ("contributors", ";".join("abcdefghijklmnopqrstu")),
     ("first_published", "May 2019"), ("language", "x" * 21), ("publisher", "Oneworld")],
)  # fmt: skip
def test_a_value_that_the_field_of_a_work_cannot_have_is_refused(name, value):
    with pytest.raises(BadInput, match=r"^(value|field): "):
        read_work_value(name, value)
