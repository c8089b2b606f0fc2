"""The catalogue leaves the house: three formats, as a stream, whole files only."""

import asyncio
import csv
import io
import json
import os
import tracemalloc
from contextlib import aclosing
from datetime import UTC, datetime

import psycopg
import pytest
from pymarc import MARCReader

from alexandria.catalogue import repository
from alexandria.catalogue.export import Format
from alexandria.catalogue.export.query import editions
from alexandria.catalogue.export.writer import written
from alexandria.catalogue.models import EditionRecord, Isbn13, PartialDate, SourceRecord
from alexandria.cli.commands.export import whole
from alexandria.cli.main import main
from alexandria.database.pool import Database
from tests.support.commands import running

WHEN = datetime(2026, 11, 1, 10, tzinfo=UTC)
BEE, GOLEM = "9780374600303", "9780062110831"


FULL = EditionRecord(
    SourceRecord("isbndb", BEE, WHEN), "The Bee Sting", subtitle="A Novel", authors=("Paul Murray", "Zoë Ünlü"),
    isbn13=Isbn13.parse(BEE), publisher="FSG", published=PartialDate(2023, 8, 15), language="en",
    binding="Hardcover", pages=656, subjects=("Ireland", "Families"), related=(Isbn13.parse("9780241353943"),),
)  # fmt: skip
BARE = EditionRecord(
    SourceRecord("open_library", "/books/OL1M", WHEN), "=SUM(A1) 世界", authors=("Nobody",), isbn13=Isbn13.parse(GOLEM)
)


@pytest.fixture
def filled(database_url):
    """A database with two editions: one with every field that a source can give, one with nearly none."""

    async def fill():
        async with Database(database_url) as opened, opened.transaction() as connection:
            for hit in (FULL, BARE):
                work = await repository.add_work(
                    connection, hit.title, hit.authors, first_published="2023", language=""
                )
                await repository.add_edition(connection, work, hit)

    asyncio.run(fill())
    return database_url


@pytest.fixture
async def database(filled):
    async with Database(filled) as opened:
        yield opened


async def pieces(database, form, since=None):
    return [piece async for piece in written(editions(database, since), form)]


async def test_json_lines_have_every_field_with_its_source(database):
    lines = [json.loads(piece) for piece in await pieces(database, Format.JSONL)]
    bare, full = lines
    assert (full["isbn13"], full["title"], full["subtitle"]) == (BEE, "The Bee Sting", "A Novel")
    assert full["authors"] == ["Paul Murray", "Zoë Ünlü"]
    assert (full["published"], full["first_published"], full["pages"]) == ("2023-08-15", "2023", 656)
    assert (full["subjects"], full["related_isbns"]) == (["Families", "Ireland"], ["9780241353943"])
    assert {one["field"]: one["provider"] for one in full["sources"]}.keys() == set(repository.EDITION_FIELDS)
    assert full["sources"][0] | {"field": ""} == {
        "field": "", "provider": "isbndb", "id": BEE, "fetched_at": "2026-11-01T10:00:00Z",
    }  # fmt: skip
    assert (bare["title"], bare["publisher"], bare["pages"], bare["subjects"]) == ("=SUM(A1) 世界", None, None, [])


async def test_csv_has_a_header_and_no_formula(database):
    text = b"".join(await pieces(database, Format.CSV)).decode()
    bare, full = csv.DictReader(io.StringIO(text, newline=""))
    assert (full["isbn13"], full["authors"], full["pages"]) == (BEE, "Paul Murray | Zoë Ünlü", "656")
    assert full["sources"].startswith(f"binding: isbndb {BEE} | ")
    assert (bare["title"], bare["publisher"], bare["related"]) == ("'=SUM(A1) 世界", "", "no")


async def test_marc_is_opened_again_by_pymarc(database):
    data = b"".join(await pieces(database, Format.MARC))
    bare, full = MARCReader(data, to_unicode=True, utf8_handling="strict")
    assert full["020"].get_subfields("a") == [BEE]
    assert full["100"].get_subfields("a") == ["Murray, Paul"]
    assert full["700"].get_subfields("a") == ["Ünlü, Zoë"]
    assert full["245"].get_subfields("a", "b") == ["The Bee Sting", "A Novel"]
    assert full["264"].get_subfields("b", "c") == ["FSG", "2023-08-15"]
    assert full["300"].get_subfields("a") == ["656 pages"]
    assert full["041"].get_subfields("a") == ["eng"]
    assert f"isbndb {BEE} (2026-11-01)" in full["500"].value()
    assert bare["245"].get_subfields("a") == ["=SUM(A1) 世界"]


async def test_since_selects_what_was_added_or_changed(database):
    async with database.transaction() as connection:
        await connection.execute("UPDATE edition SET changed_at = '2020-01-01' WHERE isbn13 = %s", [BEE])
    changed = await pieces(database, Format.JSONL, datetime(2020, 1, 2, tzinfo=UTC))
    assert [json.loads(piece)["isbn13"] for piece in changed] == [GOLEM]
    assert len(await pieces(database, Format.JSONL, datetime(2020, 1, 1, tzinfo=UTC))) == 2
    assert await pieces(database, Format.CSV, datetime(2100, 1, 1, tzinfo=UTC)) == []


MANY = 6000


@pytest.mark.long
async def test_a_large_catalogue_costs_no_memory(database):
    """The most that the export ever holds does not grow with the number of editions."""
    async with database.transaction() as connection:
        await connection.execute(FILL, {"many": MANY})
    most = []
    for part in (MANY // 4, MANY):
        tracemalloc.start()
        count = 0
        async with aclosing(written(editions(database), Format.JSONL)) as stream:
            async for _ in stream:
                count += 1
                if count == part:
                    break
        most.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert count == MANY
    assert most[1] < 1.5 * most[0], most


# Numbers whose check digit is right, so that the database takes them.
FILL = """
    WITH body AS (SELECT '979' || lpad(n::text, 9, '0') AS twelve FROM generate_series(1, %(many)s) AS n),
    numbers AS (SELECT twelve || (10 - (SELECT sum(substr(twelve, p, 1)::int * CASE p %% 2 WHEN 1 THEN 1 ELSE 3 END)
                FROM generate_series(1, 12) AS p) %% 10) %% 10 AS isbn13 FROM body)
    INSERT INTO edition (isbn13, work_id, title) SELECT isbn13, (SELECT min(id) FROM work), 'Volume' FROM numbers
"""


def test_the_command_writes_whole_files_only(filled, tmp_path, capfdbinary):
    """A file appears complete, an older one is replaced; without editions nothing changes, and the exit code is 3."""

    def run(*arguments):
        code = main(["--database", filled, "export", *arguments])
        return code, *capfdbinary.readouterr()

    out = tmp_path / "books.mrc"
    out.write_text("an older export")
    code, _, _ = run("--format", "marc", "--out", str(out), "--since", "2100-01-01")
    assert (code, out.read_text()) == (3, "an older export")
    code, shown, _ = run("--format", "marc", "--out", str(out), "--json")
    assert code == 0
    assert json.loads(shown)["data"] == {"editions": 2, "file": str(out)}
    assert len(list(MARCReader(out.read_bytes()))) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["books.mrc"]
    code, shown, message = run("--format", "csv")
    assert (code, shown.count(b"\r\n"), message) == (0, 3, b"2 editions\n")
    code, _, message = run("--out", str(tmp_path / "no folder" / "books.jsonl"))
    assert code == 2
    assert b"cannot be written" in message


def test_an_export_that_breaks_off_leaves_the_older_file(tmp_path):
    out = tmp_path / "books.jsonl"
    out.write_text("an older export")
    broken = whole(out)
    broken.__enter__().write(b"half")
    assert not broken.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("books.jsonl", "an older export")]


def test_an_export_into_a_link_or_a_pipe_leaves_it_what_it_is(tmp_path):
    """Also when root exports to /dev/null, which must stay a device."""
    target, link, pipe = tmp_path / "books.jsonl", tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(target)
    os.mkfifo(pipe)
    with whole(link) as file:
        file.write(b"{}")
    assert link.is_symlink()
    assert target.read_text() == "{}"
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with whole(pipe) as file:
            file.write(b"{}")
        assert os.read(reader, 10) == b"{}"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_reader_that_has_seen_enough_ends_it_in_good_order(filled):
    """As in `alexandria export | head -1`: no error, nothing on standard error but talk."""
    with psycopg.connect(filled) as connection:
        connection.execute(FILL, {"many": MANY})
    with running("--quiet", "--database", filled, "export", environment=os.environ) as (exporting, log):
        assert json.loads(exporting.stdout.readline())["isbn13"]
        exporting.stdout.close()
        assert exporting.wait(30) == 0
        assert os.pread(log.fileno(), 1000, 0) == b""


def test_enrichment_status_is_printed_and_editions_are_requested(filled, capfdbinary):
    """How it stands, a dry run, a wish for one edition, and a wish that touches nothing."""

    def run(*arguments):
        code = main(["--json", "--database", filled, "enrich", *arguments])
        return code, json.loads(capfdbinary.readouterr().out).get("data")

    assert run() == (0, {"due": 2, "waiting": 0, "done": 0, "waiting_for": [], "resting": []})
    with psycopg.connect(filled) as connection:
        connection.execute("UPDATE edition SET enriched_at = now() - interval '40 days', enrich_at = NULL")
    assert run("--older-than", "30", "-n") == (0, {"dry_run": True, "editions": 2})
    assert run()[1]["done"] == 2
    assert run("--isbn", BEE) == (0, {"dry_run": False, "editions": 1})
    assert (run()[1]["due"], run()[1]["done"]) == (1, 1)
    assert run("--older-than", "50") == (3, {"dry_run": False, "editions": 0})
    assert run("--isbn", "9780374600304")[0] == 2
