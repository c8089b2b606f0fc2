"""The generator bibliography: names the works that first appeared in a month, those with most editions and readers first."""

from __future__ import annotations

import psycopg
import pytest

from alexandria import bootstrap
from alexandria.bibliography import loader, notable, tables
from alexandria.bibliography.generator import BibliographyGenerator
from alexandria.bibliography.rows import Limits
from alexandria.bootstrap import Mode
from alexandria.cli.doctor.bibliography import bibliography
from alexandria.core import config
from alexandria.core.errors import BadInput, ProviderDown
from alexandria.core.month import Month
from tests.support.open_library_dump import Dump, author, edition, isbn13, line, work
from tests.support.outside_server import Steady

MAY = Month(1999, 5)
N = 96_000_000  # of the first record


def a_work(at, title, *dates, kept=True, **facts):
    """A work with an editions for each date; without ISBN if they are not to be kept."""
    n = N + 100 * at
    numbers = range(n, n + len(dates))
    isbns = {number: {"isbn_13": [isbn13(number)]} if kept else {} for number in numbers}
    return Dump(
        [author(n, f"Author {at}")],
        [work(n, title, [n], **facts)],
        [
            edition(number, title, n, publish_date=date, **isbns[number])
            for number, date in zip(numbers, dates, strict=True)
        ],
    )


def dump():
    """Works of May 1999, and works that only seem to be of it."""
    found = Dump()
    for each in (
        a_work(0, "One Edition", "May 1999"),
        a_work(1, "Three Editions", "1999-05-20", "2001", "May 3, 2004"),
        a_work(2, "Two Editions", "1999-05-02", "1999"),
        a_work(3, "Much Read", "May 1999"),
        a_work(4, "Reprinted in May", "May 1999", "1998"),
        a_work(5, "Of April", "May 1999", "April 1999"),
        a_work(6, "Of the Year", "1999", "January 1, 1999"),
        a_work(7, "Old by Its Record", "May 1999", first_publish_date="1954"),
        a_work(8, "Old by an Edition without ISBN", "May 1999"),
        Dump(editions=[edition(N + 850, "Old", N + 800, publish_date="June 1950")]),
        a_work(9, "Placed by Its Year", "January 1, 1999", "May 1999"),
        Dump(works=[work(N + 1000, "Nobody's", [])],
             editions=[edition(N + 1000, "Nobody's", N + 1000, publish_date="May 1999", isbn_13=[isbn13(N + 1000)])]),
        Dump(works=[line("/type/redirect", f"/works/OL{N + 1100}W", {"location": f"/works/OL{N + 300}W"})]),
    ):  # fmt: skip
        found.add(each)
    return found


def readings(*works):
    """A dump of the reading log: work, edition if it is known, shelf and date."""
    return "".join(f"/works/OL{work}W\t\tWant to Read\t2020-01-02\n" for work in works)


def load(url, paths, limits=None):
    return loader.load_files(url, paths, limits or Limits(), force=True, folder=None, report=lambda _: None)


@pytest.fixture
def paths(tmp_path):
    return dump().write(tmp_path)


async def named(database, month=MAY, count=20):
    found = await BibliographyGenerator(database).suggest(month, "baseline", count)
    return [candidate.title for candidate in found.candidates]


async def test_works_of_the_month_are_named_those_with_most_editions_first(database, database_url, paths):
    load(database_url, paths)
    everything = ["Three Editions", "Two Editions", "Placed by Its Year", "One Edition", "Much Read"]
    assert await named(database) == everything
    assert await named(database, count=2) == everything[:2]
    assert await named(database, Month(1999, 4)) == ["Of April"]
    assert await named(database, Month(1999, 6)) == []
    (first, *_) = (await BibliographyGenerator(database).suggest(MAY, "baseline", 1)).candidates
    assert (first.author, first.year, first.month, first.named_by) == ("Author 1", 1999, 5, ("bibliography",))


async def test_readers_and_ratings_count_also_those_of_a_merged_work(database, database_url, paths, tmp_path):
    log, ratings = tmp_path / "ol_dump_reading-log.txt", tmp_path / "ol_dump_ratings.txt"
    log.write_text(readings(N + 300, N + 1100, 7) + "no line of it\n")
    ratings.write_text(f"/works/OL{N + 300}W\t/books/OL{N}M\t4\t2019-01-02\n")
    loaded = load(database_url, [ratings, *paths, log])
    assert await named(database, count=3) == ["Much Read", "Three Editions", "Two Editions"]
    assert loaded.records == len(dump().editions)
    with psycopg.connect(database_url) as connection:
        left = connection.execute("SELECT to_regclass('bibliography.reading')").fetchone()
    assert left == (None,)


async def test_a_load_of_some_years_does_not_make_old_works_new(database, database_url, paths):
    load(database_url, paths, Limits(years=(1999, 2004)))
    assert "Reprinted in May" not in await named(database)
    assert "One Edition" in await named(database)


async def test_a_list_without_works_names_its_titles(database, database_url, tmp_path):
    path = tmp_path / "books.csv"
    path.write_text(f"isbn13,title,authors,published\n{isbn13(1)},A Title,Some One|Another One,1999-05\n")
    load(database_url, [path])
    (found,) = (await BibliographyGenerator(database).suggest(MAY, "baseline", 20)).candidates
    assert (found.title, found.author) == ("A Title", "Some One, Another One")


async def test_at_most_so_many_works_of_a_month_are_kept(database, database_url, paths, monkeypatch):
    monkeypatch.setattr(notable, "NOTABLE_COUNT", 2)
    load(database_url, paths)
    assert await named(database) == ["Three Editions", "Two Editions"]


async def test_without_a_bibliography_months_wait(database, database_url, paths):
    """None loaded, one that was dropped, and one of an earlier version."""
    for act in (lambda: None, lambda: load(database_url, paths), lambda: tables.drop(database_url)):
        act()
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS bibliography.notable")
        with pytest.raises(ProviderDown, match="none is loaded") as refused:
            await named(database)
        assert "bibliography load" in refused.value.hint
    with pytest.raises(BadInput):
        await BibliographyGenerator(database).suggest(MAY, "no such", 1)
    (check,) = await bibliography(database_url, asked=True, names=True)
    assert (check.ok, "alexandria bibliography load" in check.fix) == (False, True)


async def test_it_is_a_generator_by_the_setting_alone(database_url, paths, monkeypatch):
    """No lane, no key, no request; beside it others keep theirs."""
    load(database_url, paths)
    monkeypatch.setenv("ALEXANDRIA_GENERATORS", "bibliography,wikidata")
    settings = config.load()
    assert "wikidata" in bootstrap.lanes_in_use(settings)
    assert "bibliography" not in bootstrap.lanes_in_use(settings)
    async with bootstrap.running(settings, Steady(database_url), Mode.ASK) as system:
        generator = system.backfill.runner.generators[0]
        found = await generator.suggest(MAY, "baseline", 1)
        report = await system.forecaster.report(runs=1)
    assert [candidate.title for candidate in found.candidates] == ["Three Editions"]
    assert report.forecast is not None
