"""Catalogues of every form are loaded whole or not at all, and the old bibliography serves until the new one is complete."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
import re

import psycopg
import pytest

from alexandria.bibliography import loader, lookup, tables
from alexandria.bibliography.lookup import SQL, BibliographyIndex
from alexandria.bibliography.rows import Limits
from alexandria.bibliography.source import BibliographySource
from alexandria.catalogue.matching.scoring import choose
from alexandria.catalogue.models import Candidate, Isbn13, OtherTitle
from alexandria.cli.exit_codes import DONE, NOTHING, USAGE
from alexandria.core.errors import BadInput, DatabaseBusy, NotNow
from alexandria.database.pool import Database
from tests.support.commands import run
from tests.support.open_library_dump import (
    LANGUAGES,
    Dump,
    dump_with_quirks,
    edition,
    isbn13,
    number_of,
    plain_dump,
    rows,
    work,
)

FEW = rows()[:40]


def load(url, paths, *, limits=None, force=False):
    return loader.load_files(url, paths, limits or Limits(), force=force, folder=None, report=lambda _: None)


@pytest.fixture(scope="module")
def quirky(server, template, tmp_path_factory):
    """A database with a dump that has every quirk: its URL, the dump and the status."""
    name = "quirks"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy".encode())
    url = server.url.replace("/alexandria?", f"/{name}?")
    dump = dump_with_quirks()
    return url, dump, load(url, dump.write(tmp_path_factory.mktemp("dump")))


@pytest.fixture(scope="module")
def held(quirky):
    """Rows of the bibliography with all quirks: `held(isbn)` are the editions with this number, as dictionaries."""
    connection = psycopg.connect(quirky[0], row_factory=psycopg.rows.dict_row)
    with connection:
        yield lambda isbn: connection.execute(
            "SELECT e.*, t.title AS name, t.authors, t.work FROM bibliography.edition AS e JOIN bibliography.title AS t"
            " ON t.id = e.title WHERE isbn13 = %s ORDER BY t.work", [int(isbn)]
        ).fetchall()  # fmt: skip


def test_every_edition_that_should_be_there_is_there_and_no_other(quirky):
    url, dump, _ = quirky
    with psycopg.connect(url) as connection:
        found = {str(isbn) for (isbn,) in connection.execute("SELECT isbn13 FROM bibliography.edition")}
    assert found == dump.kept
    assert not found & dump.absent


@pytest.mark.parametrize(
    ("quirk", "offset", "expected"),
    [
        ("redirected_work", 0, {"authors": "Mara Quill"}),
        ("redirected_author", 0, {"authors": "Odo Fenn"}),
        ("missing_work", 0, {"authors": "Ines Vale", "work": 0}),
        ("missing_work", 1, {"authors": "Ines Vale"}),
        ("author_forms", 0, {"authors": "Tilda Rook"}),
        ("author_forms", 1, {"authors": ""}),
        ("nul_characters", 0, {"name": "A Title with \\ tabs and lines", "authors": "Nul Author", "publisher": "P ress\\N"}),
        ("long_line", 0, {"name": "A Long Record"}),
        ("odd_types", 0, {"published": 19990000, "publisher": "One Press", "pages": 320, "language": "en"}),
        ("free_dates", 0, {"published": 20090300}),
        ("free_dates", 1, {"published": 20080422}),
        ("free_dates", 2, {"published": 19980000}),
        ("free_dates", 4, {"published": 0}),
        ("free_dates", 5, {"published": 20171130}),
    ],
)  # fmt: skip
def test_a_quirk_is_read_as_what_was_meant(held, quirk, offset, expected):
    (row,) = held(isbn13(number_of(quirk) + offset))
    assert {name: row[name] for name in expected} == expected


def test_an_edition_of_a_merged_work_is_of_the_work_it_was_merged_into(held):
    n = number_of("redirected_work")
    assert [row["work"] for row in held(isbn13(n))] == [n + 1]


def test_two_works_with_one_number_are_both_kept(held):
    assert [row["name"] for row in held(isbn13(number_of("shared_isbn")))] == ["First Owner", "Second Owner"]


@pytest.mark.parametrize(
    ("name", "values", "indexes"),
    [
        ("postings", {"checksums": [1, 2]}, {"bucket_pkey"}),
        ("editions", {"titles": [1, 2], "limit": 300}, {"title_pkey", "edition_title", "title_work"}),
        (
            "by_isbns",
            {"isbns": [1, 2], "limit": 20},
            {"edition_isbn13", "title_pkey", "title_work", "other_title_title"},
        ),
        ("by_isbns_alone", {"isbns": [1, 2]}, {"edition_isbn13", "title_pkey"}),
        ("other_titles", {"titles": [1, 2], "limit": 20}, {"title_pkey", "title_work", "other_title_title"}),
    ],
)
def test_every_look_up_is_by_its_indexes(quirky, name, values, indexes):
    """Tables of millions of rows are never read whole."""
    with psycopg.connect(quirky[0]) as connection:
        connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")  # else so few rows are read whole
        [(loaded_at,)] = connection.execute("SELECT loaded_at FROM bibliography.load").fetchall()
        explained = connection.execute("EXPLAIN " + SQL[name], values | {"loaded_at": loaded_at}).fetchall()
    plan = "\n".join(line for (line,) in explained)
    assert {*re.findall(r"using (\w+) on (?!binding)", plan)} == indexes, plan
    assert re.findall(r"Seq Scan on (?:title|edition|bucket|other_title)\b", plan) == [], plan


@pytest.mark.parametrize(
    ("title", "editions"),
    [
        ("Vier Eulen im Regen", {0}),
        ("Cuatro lechuzas", {1}),
        ("Cuatro búhos", {1}),
        ("Quatre hiboux sous la pluie", {0, 1}),
    ],
)
async def test_a_work_is_found_by_its_other_titles(quirky, title, editions):
    n = number_of("translated")
    async with Database(quirky[0], size=1) as database:
        found = await BibliographyIndex(database).find(title, ("Gerda Volk",))
    assert {str(hit.isbn13) for hit in found} >= {isbn13(n + at) for at in editions}


async def test_records_have_the_titles_of_their_works(quirky):
    n = number_of("translated")
    english, spanish = Isbn13.parse(isbn13(n)), Isbn13.parse(isbn13(n + 1))
    async with Database(quirky[0], size=1) as database:
        index = BibliographyIndex(database)
        found = {hit.isbn13: hit for hit in await index.find("Cuatro búhos", ("Gerda Volk",))}
        (numbered,) = (await index.by_isbns([english]))[english]
    named = "Vier Eulen im Regen", "Quatre hiboux sous la pluie", "Cuatro búhos"
    languages = [each.language for each in numbered.other_titles if isinstance(each, OtherTitle)]
    assert (numbered.other_titles, languages) == (named, ["de", "", ""])
    assert found[spanish].other_titles == ("Cuatro lechuzas", "Quatre hiboux sous la pluie", "Four Owls in the Rain")


async def test_a_bibliography_of_an_earlier_version_serves_without_other_titles(database_url, tmp_path):
    load(database_url, plain_dump(FEW).write(tmp_path))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP TABLE bibliography.other_title")
    async with Database(database_url, size=1) as database:
        index = BibliographyIndex(database)
        found = await index.find(FEW[0]["title"], FEW[0]["authors"].split("|"))
        numbered = await index.by_isbns([Isbn13.parse(FEW[0]["isbn13"])])
    assert FEW[0]["isbn13"] in {hit.isbn13 for hit in found}
    assert [*map(str, numbered)] == [FEW[0]["isbn13"]]


def test_what_was_left_out_is_counted_by_reason(quirky):
    assert quirky[2].left_out == {"unreadable line": 3, "no ISBN": 1, "no title": 1}
    assert quirky[2].records == sum(line.startswith("/type/edition") for line in quirky[1].editions) - 3


@pytest.mark.parametrize("packed", [True, False])
def test_one_file_with_all_kinds_is_read_twice(database_url, tmp_path, packed):
    """As the complete dump: sorted by key, so that editions come before works."""
    dump = plain_dump(FEW)
    data = "".join(f"{line}\n" for line in (*dump.authors, *dump.editions, *dump.works)).encode()
    path = tmp_path / "ol_dump.txt"
    path.write_bytes(gzip.compress(data) if packed else data)
    loaded = load(database_url, [path])
    assert (loaded.editions, loaded.records) == (40, 40)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM bibliography.title WHERE authors = ''").fetchone() == (0,)


def test_a_pipe_in_the_right_order_is_loaded_and_in_another_refused(database_url, tmp_path):
    authors, works, editions = (path.read_bytes() for path in plain_dump(FEW).write(tmp_path))
    right = piped(database_url, authors + works + editions)
    assert right.returncode == DONE, right.stderr
    assert json.loads(right.stdout)["data"]["editions"] == 40
    wrong = piped(database_url, editions + authors + works)
    assert (wrong.returncode, json.loads(wrong.stdout)["error"]["code"]) == (USAGE, "bad_input")
    loaded = tables.status(database_url)
    assert loaded is not None
    assert loaded.editions == 40


def piped(url, data):
    return run("--json", "bibliography", "load", "-", environment=os.environ | {"DATABASE_URL": url}, given=data)


def test_years_and_languages_limit_what_is_kept(database_url, tmp_path):
    paths = plain_dump().write(tmp_path)
    loaded = load(database_url, paths, limits=Limits((2003, 2004), frozenset({"en"})))
    expected = sum(
        book["published"][:4] in {"2003", "2004"} and book["language"] not in {*LANGUAGES} - {"en"} for book in rows()
    )
    assert loaded.editions == expected > 100
    assert (loaded.first_year, loaded.last_year, loaded.languages) == (2003, 2004, ["en"])


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_bytes(gzip.compress(b"")), "empty"),
        (lambda path: path.write_text("<html>404 Not Found</html>\n"), "neither a dump"),
        (lambda path: path.write_bytes(random.Random(4).randbytes(4000)), "neither a dump"),
        (lambda path: path.write_bytes(b"\x80a\rb\nc\n"), "neither a dump"),
        (lambda path: path.write_text("\n".join(plain_dump(FEW).authors)), "no edition was found"),
        (lambda path: path.write_text("\n".join(plain_dump(FEW[:31]).editions)), "incomplete"),
        (
            lambda path: path.write_text("\n".join(plain_dump(FEW).editions)),
            "of 40 of its 40 editions the authors are missing",
        ),
        (
            lambda path: path.write_text("\n".join(plain_dump(FEW).works + plain_dump(FEW).editions)),
            "the authors are missing",
        ),
        (lambda path: path.write_text("\n".join(aged("2020-01-01T00:00:00"))), "newest change is of 2020-01-01"),
        (lambda path: path.write_bytes(gzip.compress("\n".join(plain_dump(FEW).editions).encode())[:-9]), "cut off"),
    ],
    ids=[
        "empty",
        "empty gzip",
        "page",
        "noise",
        "carriage return",
        "authors alone",
        "short",
        "editions alone",
        "no authors",
        "stale",
        "cut off",
    ],
)
def test_what_is_no_whole_dump_is_refused_and_the_old_one_serves(database_url, tmp_path, write, reason):
    load(database_url, plain_dump(FEW).write(tmp_path))
    before = tables.status(database_url)
    path = tmp_path / "given"
    write(path)
    with pytest.raises(BadInput, match=reason):
        load(database_url, [path])
    assert tables.status(database_url) == before


def aged(modified):
    return [edition(n, f"Title {n}", None, isbn_13=[isbn13(n)], modified=modified) for n in range(1, 60)]


def test_force_loads_what_is_smaller_or_older(database_url, tmp_path):
    load(database_url, plain_dump(FEW).write(tmp_path))
    path = tmp_path / "given"
    path.write_text("\n".join(aged("2020-01-01T00:00:00")[:5]))
    assert load(database_url, [path], force=True).editions == 5


def test_our_own_export_csv_and_json_lines_are_loaded(database_url, tmp_path, alexandria):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO work (key, title, author) VALUES ('k', 'The Mystery Guest', 'Nita Prose')")
        connection.execute("INSERT INTO contributor (key, name) VALUES ('n', 'Nita Prose')")
        connection.execute("INSERT INTO work_contributor (work_id, contributor_id, position, role)"
                           " SELECT w.id, c.id, 0, 'author' FROM work AS w, contributor AS c")  # fmt: skip
        connection.execute(
            "INSERT INTO edition (isbn13, work_id, title, subtitle, publisher, published, language, binding, pages)"
            " SELECT '9780593356180', id, 'The Mystery Guest', 'A Maid Novel', 'Ballantine', '2023-11-28', 'en', 'Hardcover', 304"
            " FROM work"
        )
        connection.execute(
            "INSERT INTO source_record (provider, provider_id, fetched_at) VALUES ('wikidata', 'Q1', now())"
        )
        connection.execute("INSERT INTO other_title (work_id, title, language, source_record_id)"
                           " SELECT w.id, 'Der unbekannte Gast', 'de', r.id FROM work AS w, source_record AS r")  # fmt: skip
    expected = ("9780593356180", "The Mystery Guest", "Nita Prose", 20231128, "en", 304, "Ballantine",
                "Der unbekannte Gast")  # fmt: skip
    for form in ("jsonl", "csv", "marc"):
        path = tmp_path / f"catalogue.{form}"
        assert alexandria("export", "--format", form, "--out", path)[0] == DONE
        assert alexandria("bibliography", "load", path)[0] == DONE
        with psycopg.connect(database_url) as connection:
            row = connection.execute(
                "SELECT isbn13::text, t.title, t.authors, published, e.language, pages, publisher, o.name"
                " FROM bibliography.edition AS e JOIN bibliography.title AS t ON t.id = e.title"
                " JOIN bibliography.other_title AS o ON o.title = t.id"
            ).fetchone()
        assert row == expected, form


def test_a_table_of_the_usual_columns_is_loaded(database_url, tmp_path):
    path = tmp_path / "sample.csv"
    text = "\ufeffISBN;Title;Author;Year\n0-306-40615-2;'Round Here;Lee, Ann;1999\n;No Number;X;2000\n"
    path.write_text(text, encoding="utf-8")
    loaded = load(database_url, [path])
    assert (loaded.editions, loaded.left_out) == (1, {"no ISBN": 1})


def test_the_tables_of_another_postgresql_are_read_and_not_changed(database_url, fresh_database, alexandria):
    dump = dump_with_quirks(FEW)
    with fresh_database() as origin:
        imitate(origin, dump)
        before = counts(origin)
        code, out, err = alexandria("--json", "bibliography", "load", "--from-postgres", origin)
        assert code == DONE, err
        records = [line for line in dump.editions if line.startswith("/type/edition") and line.endswith("}")]
        assert json.loads(out)["data"]["records"] == sum("\\u0000" not in line for line in records)
        assert counts(origin) == before
    with psycopg.connect(database_url) as connection:
        found = {str(isbn) for (isbn,) in connection.execute("SELECT isbn13 FROM bibliography.edition")}
    assert found == dump.kept - {isbn13(number_of("nul_characters"))}  # which jsonb cannot hold


async def test_a_month_takes_its_books_from_the_editions_of_another_postgresql(database_url, fresh_database):
    """By title and author and by ISBN, with the bibliography as its only source."""
    with fresh_database() as origin:
        imitate(origin, plain_dump(FEW))
        loader.load_tables(database_url, origin, Limits(), force=False, folder=None, report=lambda _: None)
    book = FEW[0]
    candidate = Candidate(book["title"], book["authors"].split("|")[0])
    async with Database(database_url, size=1) as database:
        source = BibliographySource(BibliographyIndex(database))
        accepted, *_ = choose(candidate, await source.find(candidate))
        by_isbn = await source.by_isbns([Isbn13.parse(book["isbn13"])])
    assert accepted is not None
    assert str(accepted.isbn13) == book["isbn13"]
    assert [*map(str, by_isbn)] == [book["isbn13"]]


def imitate(url, dump):
    """Tables as loaders of the dump make them."""
    with psycopg.connect(url, autocommit=True) as connection:
        for name in ("authors", "works", "editions"):
            connection.execute(f"CREATE TABLE public.{name} (type text, key text PRIMARY KEY, revision int,"
                               " last_modified date, data jsonb)".encode())  # fmt: skip
            with connection.cursor() as cursor, cursor.copy(f"COPY public.{name} FROM STDIN".encode()) as copy:
                for line in getattr(dump, name):
                    cells = line.split("\t", 4)
                    if len(cells) == 5 and cells[4].endswith("}") and "\\u0000" not in cells[4]:
                        copy.write_row(cells)


def counts(url):
    with psycopg.connect(url) as connection:
        return {name: connection.execute(f"SELECT count(*) FROM public.{name}".encode()).fetchall()
                for name in ("authors", "works", "editions")}  # fmt: skip


def test_a_database_without_such_tables_is_refused(alexandria, fresh_database):
    with fresh_database() as origin:
        code, _, err = alexandria("bibliography", "load", "--from-postgres", origin)
    assert code == USAGE
    assert "the table editions" in err
    assert alexandria("bibliography", "load", "--from-postgres", "postgresql://u:canary@127.0.0.1:1/x")[0] != DONE


def test_one_load_at_a_time(database_url, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "_LOCK_PATIENCE", "100ms")
    paths = plain_dump(FEW).write(tmp_path)
    with tables.new_tables(database_url), pytest.raises(NotNow, match="another process"):
        load(database_url, paths)
    assert load(database_url, paths).editions == 40


def test_a_schema_of_somebody_else_is_left_alone(database_url, tmp_path, alexandria):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA bibliography CREATE TABLE books (id int)")
    code, _, err = alexandria("bibliography", "load", *plain_dump(FEW).write(tmp_path))
    assert (code, "not ours" in err) == (USAGE, True)
    assert alexandria("bibliography", "drop")[0] == USAGE
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM bibliography.books").fetchone() == (0,)


def test_a_role_that_may_make_no_schema_gets_the_statement(database_url, tmp_path, alexandria):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE reader LOGIN PASSWORD 'x'")
        try:
            connection.execute("GRANT USAGE ON SCHEMA alexandria TO reader")
            connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA alexandria TO reader")
            url = psycopg.conninfo.make_conninfo(database_url, user="reader", password="x")
            code, _, err = alexandria("bibliography", "load", *plain_dump(FEW).write(tmp_path), url=url)
            assert (code, "GRANT CREATE ON DATABASE" in err) == (6, True), err
            load(database_url, plain_dump(FEW).write(tmp_path))
            assert alexandria("bibliography", "search", FEW[0]["isbn13"], url=url)[0] == DONE
        finally:
            connection.execute("DROP OWNED BY reader")
            connection.execute("DROP ROLE reader")


def test_each_step_of_a_load_is_reported_once(database_url, tmp_path):
    """Those of the index too, in which no line is read."""
    seen: list[loader.LoadProgress] = []
    paths = plain_dump(FEW).write(tmp_path)
    loader.load_files(database_url, paths, Limits(), force=False, folder=tmp_path, report=seen.append)
    assert [*dict.fromkeys(progress.phase for progress in seen)] == ["authors and works", "editions", loader.INDEX]
    steps = [(progress.done, progress.total) for progress in seen if not progress.is_reading]
    assert steps == [(done, len(steps)) for done in range(len(steps))]


def test_the_commands_say_what_is_loaded_and_find_it(alexandria, asked, tmp_path):
    assert alexandria("bibliography", "status") == (NOTHING, "no bibliography is loaded\n", "")
    assert alexandria("bibliography", "search", "Emma")[0] == NOTHING
    assert alexandria("bibliography", "drop")[0] == NOTHING
    code, answer = asked("bibliography", "load", *plain_dump(FEW).write(tmp_path))
    assert (code, answer["data"]["editions"]) == (DONE, 40)
    assert asked("bibliography", "status") == (DONE, answer)
    code, found = asked("bibliography", "search", "Sheep Look Up", "--author", "John Brunner")
    assert (code, found["data"][0]["isbn13"]) == (DONE, "9780060105587")
    assert found["data"][0]["record"] == {"provider": "open_library", "id": "/books/OL1M"}
    assert asked("bibliography", "search", "0060105585")[1] == found
    assert asked("bibliography", "drop", "-n")[1]["data"] == {"dry_run": True, "editions": 40}
    assert asked("bibliography", "status")[0] == DONE
    assert asked("bibliography", "drop")[1]["data"] == {"dry_run": False, "editions": 40}
    assert alexandria("bibliography", "status")[0] == NOTHING


@pytest.mark.parametrize("arguments", [[], ["x", "--from-postgres", "y"], ["x", "--years", "2020..2010"],
                                       ["x", "--languages", "klingon"], ["absent"]])  # fmt: skip
def test_wrong_arguments_are_refused(alexandria, arguments):
    assert alexandria("bibliography", "load", *arguments)[0] == USAGE


@pytest.mark.long
async def test_lookups_beside_a_swap_find_the_old_or_the_new_and_never_nothing(database_url, tmp_path):
    """Eight tasks look one book up by title and by ISBN while three loads replace the tables, the last with other numbers."""
    paths = plain_dump(FEW).write(tmp_path)
    load(database_url, paths)
    book, stopped, answers = FEW[0], asyncio.Event(), 0

    async def look_up(index):
        nonlocal answers
        while not stopped.is_set():
            found = await index.find(book["title"], book["authors"].split("|"))
            assert [each.isbn13 for each in found][:1] == [book["isbn13"]]
            assert await index.by_isbns([Isbn13.parse(book["isbn13"])])
            answers += 1

    async with Database(database_url, size=8) as database:
        tasks = [asyncio.create_task(look_up(BibliographyIndex(database))) for _ in range(8)]
        for at in range(3):
            more = Dump(works=[work(800 + n, f"Before {n}", []) for n in range(20 * at)],
                        editions=[edition(800 + n, f"Before {n}", 800 + n, isbn_13=[isbn13(n)]) for n in range(20 * at)])  # fmt: skip
            folder = tmp_path / str(at)
            folder.mkdir()
            await asyncio.to_thread(load, database_url, more.add(plain_dump(FEW)).write(folder))
        stopped.set()
        await asyncio.gather(*tasks)
    assert answers > 10


async def test_a_look_up_that_is_kept_out_has_no_empty_answer(database_url, tmp_path, monkeypatch):
    """Else a book that is held would be looked up elsewhere, and taken for one that is not."""
    load(database_url, plain_dump(FEW).write(tmp_path))
    monkeypatch.setattr(lookup, "MAX_TRIES", 1)
    async with Database(database_url, size=1) as database:
        index = BibliographyIndex(database)
        assert await index.is_loaded()
        with psycopg.connect(database_url) as other:
            other.execute("LOCK TABLE bibliography.edition IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(DatabaseBusy):
                await index.by_isbns([Isbn13.parse(FEW[0]["isbn13"])])
        assert await index.by_isbns([Isbn13.parse(FEW[0]["isbn13"])])
