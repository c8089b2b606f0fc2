"""The source bibliography: asked first, without requests, judged by the same matcher, and one witness with Open Library."""

import dataclasses

import httpx2
import pytest

from alexandria.backfill.follow_up import FollowUp
from alexandria.backfill.resolve import resolve
from alexandria.backfill.source_selection import Policy, SourcePool, SourceSelector
from alexandria.bibliography import loader, tables
from alexandria.bibliography.lookup import BEST_TITLES_COUNT, BibliographyIndex
from alexandria.bibliography.rows import Limits
from alexandria.bibliography.source import BibliographySource
from alexandria.catalogue.models import Candidate, Isbn13
from alexandria.core import config
from alexandria.core.errors import NoSources, ProviderDown
from alexandria.database.pool import Database
from alexandria.providers.base import LocalSource
from alexandria.providers.client import ProviderClient
from alexandria.providers.limits.rate import RateLimiter
from alexandria.providers.registry import make_source
from alexandria.providers.response_cache import ResponseCache
from alexandria.sandbox import SandboxSettings, create_app
from alexandria.sandbox.app import environment
from tests.support.open_library_dump import (
    FIRST_QUIRK_NUMBER,
    dump_with_quirks,
    isbn13,
    number_of,
    plain_dump,
    rows,
    translated,
)

FEW = rows()[:40]
BOOK = Candidate("The Sheep Look Up", "John Brunner")


def load(url, folder, dump):
    loader.load_files(url, dump.write(folder), Limits(), force=False, folder=None, report=lambda _: None)


def a_month():
    """Twelve real books of a month, as a model names them."""
    books = [row for row in rows() if row["published"].startswith("2004-10") and row["authors"]][:12]
    assert len(books) >= 8
    return [Candidate(book["title"], book["authors"].split("|")[0], year=2004, month=10) for book in books]


class Remote:
    """A source that counts how often it is asked, and answers what it is given."""

    paid = False

    def __init__(self, answer=(), name="remote"):
        self.name, self.calls, self._answer = name, 0, answer

    async def find(self, _candidate):
        self.calls += 1
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.fixture
def local(database):
    return BibliographySource(BibliographyIndex(database))


async def resolved(database, candidates, local, *remote, policy=Policy.BALANCED):
    return await resolve(None, candidates, SourceSelector(SourcePool(remote, policy, local)), database)


async def test_a_book_that_is_held_costs_no_request(database, database_url, tmp_path, local):
    load(database_url, tmp_path, plain_dump(FEW))
    remote = Remote()
    (found,) = await resolved(database, [BOOK], local, remote)
    assert found.accepted is not None
    assert (found.isbn13, found.source, found.accepted.source.id) == ("9780060105587", "open_library", "/books/OL1M")
    assert remote.calls == 0


@pytest.mark.parametrize("title", ["Vier Eulen im Regen", "Quatre hiboux sous la pluie"])
async def test_a_translation_that_is_held_is_found_by_the_titles_of_its_work(
    database, database_url, tmp_path, local, title
):
    load(database_url, tmp_path, plain_dump(FEW).add(translated(FIRST_QUIRK_NUMBER)))
    (found,) = await resolved(database, [Candidate(title, "Gerda Volk", year=1997)], local)
    assert found.isbn13 == isbn13(FIRST_QUIRK_NUMBER)


async def test_a_book_that_is_not_held_is_looked_up_elsewhere(database, database_url, tmp_path, local):
    load(database_url, tmp_path, plain_dump(FEW))
    remote = Remote()
    (found,) = await resolved(database, [Candidate("An Invented Book", "Nobody At All")], local, remote)
    assert (found.isbn13, remote.calls) == (None, 1)


async def test_without_a_bibliography_nothing_changes(database, database_url, tmp_path, local):
    """Nothing loaded, one that was dropped, and one of other keys."""
    expected = await resolved(database, [BOOK], None, Remote())
    assert await resolved(database, [BOOK], local, Remote()) == expected
    load(database_url, tmp_path, plain_dump(FEW))
    tables.drop(database_url)
    assert await resolved(database, [BOOK], BibliographySource(BibliographyIndex(database)), Remote()) == expected
    load(database_url, tmp_path, plain_dump(FEW))
    async with database.transaction() as connection:
        await connection.execute("UPDATE bibliography.load SET key_version = 0")
    (outdated,) = await resolved(database, [BOOK], BibliographySource(BibliographyIndex(database)), Remote())
    assert outdated.settled_locally is False
    assert [dataclasses.replace(outdated, settled_locally=None)] == expected


async def test_its_answer_is_none_of_a_source_that_could_be_asked(database, database_url, tmp_path, local):
    """A month whose remaining books no source could look up waits, although the bibliography answered."""
    load(database_url, tmp_path, plain_dump(FEW))
    down = Remote(ProviderDown("remote", "is away"))
    (found,) = await resolved(database, [BOOK], local, down)
    assert found.isbn13 == "9780060105587"
    with pytest.raises(NoSources, match="is away"):
        await resolved(database, [BOOK, Candidate("An Invented Book", "Nobody At All")], local, down)


async def test_a_book_that_the_bibliography_names_does_not_wait_for_sources(database, database_url, tmp_path, local):
    """It is not checked, and looked up again; named by a model too, its month waits."""
    load(database_url, tmp_path, plain_dump(FEW))
    down = Remote(ProviderDown("remote", "is away"))
    unsettled = Candidate("An Invented Book", "Nobody At All", named_by=("bibliography",))
    (found,) = await resolved(database, [unsettled], local, down)
    assert (found.isbn13, found.hindered, [*found.unavailable]) == (None, True, ["remote"])
    with pytest.raises(NoSources):
        await resolved(database, [dataclasses.replace(unsettled, named_by=("bibliography", "xai"))], local, down)


async def test_dump_and_live_site_are_one_witness(database, database_url, tmp_path, local):
    """The policy exact wants two sources; the same record from both is one."""
    load(database_url, tmp_path, plain_dump(FEW))
    live = Remote(await local.find(BOOK), "open_library")
    (found,) = await resolved(database, [BOOK], local, live, policy=Policy.EXACT)
    assert (found.isbn13, live.calls) == (None, 1)
    assert "only open_library knows it" in found.reason
    ids = [scored.hit.source.id for scored in found.considered]
    assert len(ids) == len(set(ids))


async def test_a_months_books_need_fewer_requests(database, database_url, tmp_path, local, monkeypatch):
    """Open Library's client and the sandbox: the same books with the same verdicts, for fewer requests."""
    load(database_url, tmp_path, plain_dump())
    sandbox = SandboxSettings(latency_scale=0, look_alikes=0)
    for name, value in environment(sandbox, "http://sandbox").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ALEXANDRIA_OPEN_LIBRARY_RATE", "500")
    settings = config.load()
    calls, found = {}, {}
    async with RateLimiter(database_url, database.pool, settings.providers) as limiter:
        for label, first in (("without", None), ("with", local)):
            client = ProviderClient(
                settings.providers["open_library"], limiter, ResponseCache(database),
                contact="", version="0", inner=httpx2.ASGITransport(create_app(sandbox)),
            )  # fmt: skip
            before = await sent(database)
            found[label] = await resolved(database, a_month(), first, make_source(client))
            await client.aclose()
            calls[label] = await sent(database) - before
            async with database.transaction() as connection:
                await connection.execute("TRUNCATE answer")
    assert calls["without"] >= len(a_month())
    assert calls["with"] * 2 < calls["without"]
    assert sum(each.isbn13 is not None for each in found["with"]) >= sum(
        each.isbn13 is not None for each in found["without"]
    )


async def sent(database):
    async with database.transaction() as connection:
        row = await (await connection.execute("SELECT count(*) AS n FROM call")).fetchone()
    return row["n"]


async def test_many_numbers_are_looked_up_at_once_and_a_doubtful_one_is_none(database, database_url, tmp_path, local):
    load(database_url, tmp_path, dump_with_quirks(FEW))
    shared = Isbn13.parse(isbn13(number_of("shared_isbn")))
    found = await local.by_isbns([*(Isbn13.parse(book["isbn13"]) for book in FEW), shared])
    assert {*found} == {book["isbn13"] for book in FEW}
    assert all(record.isbn13 == isbn for isbn, record in found.items())
    assert isinstance(local, LocalSource)


async def test_enrichment_asks_it_first_where_one_is_loaded(database, database_url, tmp_path, local):
    """An edition without a publisher gets it from the bibliography, with no source besides."""
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO work (key, title, author) VALUES ('k', '''Salem''s Lot', 'Stephen King')")
        await connection.execute("INSERT INTO edition (isbn13, work_id, title)"
                                 " SELECT '9780451098276', id, '''Salem''s Lot' FROM work")  # fmt: skip
    follow_up = FollowUp(database, SourcePool((), Policy.BALANCED, local))
    assert await follow_up.enrich() == 0
    load(database_url, tmp_path, plain_dump(FEW))
    local = BibliographySource(BibliographyIndex(database))
    assert await FollowUp(database, SourcePool((), Policy.BALANCED, local)).enrich() == 1
    async with database.transaction() as connection:
        row = await (await connection.execute("SELECT publisher, published FROM edition")).fetchone()
    assert (row["publisher"], str(row["published"])) == ("Signet", "1976-08-01")


async def test_a_look_up_is_planned_once(database_url, tmp_path):
    """Planning takes longer than looking up. PostgreSQL makes a new plan each time while it hopes for a better one, in tables of some size."""
    load(database_url, tmp_path, plain_dump())
    async with Database(database_url, size=1) as single:
        local = BibliographySource(BibliographyIndex(single))
        for turn in range(20):
            assert await local.find(BOOK)
            assert (
                len(await local.by_isbns([Isbn13.parse(book["isbn13"]) for book in FEW[: 1 + turn % 3]]))
                == 1 + turn % 3
            )
        async with single.transaction() as connection:
            cursor = await connection.execute("SELECT statement, generic_plans FROM pg_prepared_statements"
                                              " WHERE statement LIKE '%bibliography.%' AND custom_plans + generic_plans > 10")  # fmt: skip
            planned = {row["statement"]: row["generic_plans"] for row in await cursor.fetchall()}
    assert len(planned) == 4
    assert min(planned.values()) > 5, planned


async def test_a_look_up_survives_the_loss_of_its_connection(database_url, tmp_path):
    """It is not tried before; the second attempt takes one that is."""
    load(database_url, tmp_path, plain_dump(FEW))
    async with Database(database_url, size=1) as single:
        local = BibliographySource(BibliographyIndex(single))
        assert await local.find(BOOK)
        async with Database(database_url, size=1) as other, other.transaction() as connection:
            await connection.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                                     " WHERE application_name = 'alexandria' AND datname = current_database()"
                                     " AND pid <> pg_backend_pid()")  # fmt: skip
        assert await local.find(BOOK)


async def test_a_connection_of_look_ups_is_one_for_transactions_again(database_url, tmp_path):
    """What a transaction did is undone if it fails, also after a look-up on the same connection."""
    load(database_url, tmp_path, plain_dump(FEW))
    async with Database(database_url, size=1) as single:
        assert await BibliographySource(BibliographyIndex(single)).find(BOOK)
        async with single.pool.connection() as connection:
            assert not connection.autocommit
        async with single.statements() as connection:
            assert connection.autocommit
        async with single.one_transaction() as whole, single.statements() as joined:
            assert joined is whole


async def test_a_misspelt_title_is_found_among_many_with_the_same_beginning_and_author(
    database, database_url, tmp_path
):
    """The only key that they share says nothing of which is meant."""
    names = [
        f"Book of {word} Days" for word in ("Odd", "Even", "Dry", "Wet", "Old", "New", "Long", "Short", "Late", "Warm")
    ]
    books = tmp_path / "books.csv"
    lines = [f"{isbn13(number)},{name},Jane Green" for number, name in enumerate([*names, "Bookends"], start=1)]
    books.write_text("\n".join(["isbn13,title,authors", *lines]), encoding="utf-8")
    loader.load_files(database_url, [books], Limits(), force=False, folder=None, report=lambda _: None)
    index = BibliographyIndex(database)
    found = await index.find("Bookedns", ("Jane Green",))
    assert len({hit.title for hit in found}) == BEST_TITLES_COUNT
    assert "Bookends" in {hit.title for hit in found}
    [first, *_] = await index.find("Book of Dry Days", ("Jane Green",))
    assert first.title == "Book of Dry Days"
