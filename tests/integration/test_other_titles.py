"""A book that another month names by its original or translated title is the work that the catalogue holds."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from alexandria.backfill.repositories import candidates, enrichment, months
from alexandria.backfill.resolve import recognise
from alexandria.catalogue import detail, index, other_titles, search
from alexandria.catalogue.models import (  # fmt: skip
    Candidate,
    EditionRecord,
    Isbn13,
    OtherTitle,
    PartialDate,
    Resolution,
    ScoredRecord,
    SourceRecord,
)
from alexandria.core.month import Month
from alexandria.database.pool import Database

MAY, NOVEMBER = Month(2022, 5), Month(2023, 11)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
INKSPELL, TINTENBLUT, PAPERBACK = "9780439554008", "9783791504674", "9780439709101"


def record(isbn, title="Inkspell", *, source="open_library", author="Cornelia Funke", **facts):
    known: dict[str, Any] = {"language": "en", "first_published": 2005} | facts
    isbn13 = Isbn13.parse(isbn) if isbn else None
    return EditionRecord(SourceRecord(source, f"{source} {isbn} {title}", NOW), title, authors=(author,), isbn13=isbn13, **known)  # fmt: skip


def resolution(hit, *considered, named=None):
    candidate = Candidate(named or hit.title, hit.authors[0], hit.first_published)
    scored = tuple(ScoredRecord(each, 99.0, "accept", (), 100.0) for each in (hit, *considered))
    related = tuple(each for each in considered if each.isbn13)
    return Resolution(candidate, hit.isbn13, hit.source.provider, 99.0, "same title", hit, considered=scored, related=related)  # fmt: skip


@pytest.fixture
async def database(database_url):
    async with Database(database_url) as opened:
        async with opened.transaction() as connection:
            await months.seed(connection, 2022, 2023)
        yield opened


async def store(database, month, *resolutions):
    async with database.transaction() as connection:
        await candidates.record_month(connection, month, resolutions, NOW, token=uuid.uuid4())


async def rows(database, statement, *parameters):
    async with database.transaction() as connection:
        return await (await connection.execute(statement, parameters)).fetchall()


async def titles(database):
    return [row["title"] for row in await rows(database, "SELECT title FROM other_title ORDER BY title")]


async def isbn_of(database, title, author="Cornelia Funke", year=2005):
    held, _ = await recognise(Candidate(title, author, year), database)
    return held and held.isbn13


TRANSLATED = record(INKSPELL, other_titles=(OtherTitle("Tintenblut", "de"), "Sangue d'inchiostro"))


@pytest.mark.parametrize("named", ["Tintenblut", "Sangue d'inchiostro"])
async def test_a_work_is_recognised_by_a_title_of_another_language(database, named):
    await store(database, MAY, resolution(TRANSLATED))
    held, _ = await recognise(Candidate(named, "Funke, Cornelia", 2005), database, NOVEMBER)
    assert held is not None
    assert (held.isbn13, held.source) == (INKSPELL, "catalogue")
    assert f"the source also knows the work as {named.lower()}" in held.reason
    await store(database, NOVEMBER, held)
    assert [row["title"] for row in await rows(database, "SELECT title FROM work")] == ["Inkspell"]


@pytest.mark.parametrize(
    ("title", "author", "year"),
    [
        ("Tintenblut", "Cornelia Funke", None),
        ("Tintenblut", "Cornelia Funke", 1990),
        ("Tintenblut", "Franz Kafka", 2005),
    ],
)
async def test_a_title_alone_proves_no_work(database, title, author, year):
    """A second fact confirms it, as within one answer: sources file volumes under the title of their series."""
    await store(database, MAY, resolution(TRANSLATED))
    assert await isbn_of(database, title, author, year) is None


async def test_titles_are_stored_with_their_language_and_record(database):
    item = record(None, source="wikidata", other_titles=("Inkspell", "INKSPELL", OtherTitle("Cœur d'encre 2", "fr")))
    await store(database, MAY, resolution(TRANSLATED, item))
    stored = await rows(
        database,
        "SELECT title, language, provider FROM other_title JOIN source_record ON id = source_record_id ORDER BY title",
    )
    assert [tuple(row.values()) for row in stored] == [
        ("Cœur d'encre 2", "fr", "wikidata"),
        ("Sangue d'inchiostro", "", "open_library"),
        ("Tintenblut", "de", "open_library"),
    ]


async def test_an_edition_in_the_language_named_goes_before_the_oldest(database):
    german = record(TINTENBLUT, "Tintenblut", language="de", other_titles=("Inkspell",))
    await store(database, MAY, resolution(TRANSLATED, german))
    assert await isbn_of(database, "Tintenblut") == TINTENBLUT
    assert await isbn_of(database, "Inkspell") == INKSPELL
    assert await titles(database) == ["Sangue d'inchiostro", "Tintenblut"]


async def test_a_translation_joins_the_work_that_its_source_knows_it_as(database):
    await store(database, MAY, resolution(record(INKSPELL)))
    german = record(TINTENBLUT, "Tintenblut", language="de", other_titles=("Inkspell",))
    await store(database, NOVEMBER, resolution(german))
    (work,) = await rows(database, "SELECT id, title FROM work")
    assert work["title"] == "Inkspell"
    assert await isbn_of(database, "Tintenblut") == TINTENBLUT


async def test_a_work_of_that_title_goes_before_one_that_is_known_by_it(database):
    series = record(INKSPELL, "Inkheart", other_titles=("Tintenblut",))
    await store(database, MAY, resolution(series), resolution(record(TINTENBLUT, "Tintenblut", language="de")))
    await rows(database, "DELETE FROM work_alias RETURNING key")
    assert await isbn_of(database, "Tintenblut") == TINTENBLUT


async def test_number_and_length_of_titles_are_bounded(database):
    other = record(None, source="wikidata", other_titles=("Tintenblut",))
    many = record(INKSPELL, other_titles=("x" * 301, *(f"Titel {number}" for number in range(100))))
    await store(database, MAY, resolution(many, other))
    stored = await titles(database)
    assert len(stored) == other_titles.MAX_TITLES
    assert "Tintenblut" in stored
    await store(database, NOVEMBER, resolution(record(PAPERBACK, other_titles=("Sangue d'inchiostro",))))
    assert len(await titles(database)) == other_titles.MAX_TITLES


async def test_enrichment_stores_titles_and_marks_the_edition_changed(database):
    await store(database, MAY, resolution(record(INKSPELL, published=PartialDate(2005))))
    assert await isbn_of(database, "Tintenblut") is None
    async with database.transaction() as connection:
        (holding,) = await enrichment.due(connection, 10)
        found = enrichment.Enriched(holding, {}, {}, (TRANSLATED,), True, None, 1, "")
        assert await enrichment.record(connection, [found], NOW) == 1
        assert await enrichment.record(connection, [found], NOW) == 0
    assert await isbn_of(database, "Tintenblut") == INKSPELL


async def test_keys_that_are_made_again_are_those_of_all_titles(database):
    await store(database, MAY, resolution(TRANSLATED))
    before = await rows(database, "DELETE FROM work_block RETURNING key")
    assert await index.index_works_in_batches(database) == 1
    after = await rows(database, "SELECT key FROM work_block")
    assert sorted(row["key"] for row in after) == sorted(row["key"] for row in before)


async def test_a_search_finds_a_work_by_another_title_and_the_work_shows_it(database):
    await store(database, MAY, resolution(TRANSLATED))
    async with database.transaction() as connection:
        page = await search.page(connection, search.WorkFilter("Tintenblut"), search.Sort.MATCH, None, 10)
        (found,) = page.rows
        work = await detail.work(connection, found["id"])
    assert work is not None
    assert [(each["title"], each["language"]) for each in work["other_titles"]] == [
        ("Sangue d'inchiostro", ""),
        ("Tintenblut", "de"),
    ]
