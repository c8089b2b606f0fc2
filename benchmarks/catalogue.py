"""How fast are the list of books, its searches, a book's page and the review queue at a million works? One JSON line a question.

The real application on a PostgreSQL of its own, filled by SQL; each question is asked in process, by somebody with the secret,
about another work, word or position each time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import itertools
import json
import os
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from pydantic import SecretStr

from alexandria import bootstrap
from alexandria.bootstrap import Mode
from alexandria.catalogue.matching.blocking import blocks
from alexandria.catalogue.review import ReviewReason
from alexandria.core import config
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.database.embedded.server import Embedded
from alexandria.web.app import create_app
from stage import database

SECRET = "secret-of-the-benchmark"
SEED = 20261130
WARMING_REQUESTS = 5
SKIPPED_PAGES = 20  # of 500 books or 200 questions, before pages are measured
REASONS = [reason.value for reason in ReviewReason]
FIRST_NAMES = [
    "Ann",
    "Bert",
    "Carla",
    "Dmitri",
    "Elena",
    "Farid",
    "Greta",
    "Hana",
    "Ivan",
    "Jorge",
    "Kemi",
    "Lars",
    "Mina",
    "Noor",
    "Olga",
    "Pablo",
    "Quinn",
    "Rosa",
    "Sven",
    "Tala",
]
SYLLABLES = [
    "ba",
    "ke",
    "lo",
    "mi",
    "nu",
    "ra",
    "se",
    "ti",
    "vo",
    "za",
    "fer",
    "gal",
    "hen",
    "jor",
    "kan",
    "lim",
    "mor",
    "nes",
    "pol",
    "qui",
    "ros",
    "sand",
    "tor",
    "ul",
    "ven",
]
SAMPLE = Path(__file__).parents[1] / "src/alexandria/sandbox/sample_books.csv"
MIN_LETTERS = 4  # of a word of a title that is invented
FREQUENT_WORDS = 20  # the first of them by how often they occur
# Works, people, keys, editions and decisions as the application would write them, with the frequencies of a real catalogue:
# few languages and sources have most books, the words of titles are as frequent as in the sample, names are unequal. Japanese titles and names come after all others, and a
# source's scores are its own.
FILL = """
SET session_replication_role = replica;
INSERT INTO backfill_log (year, month) SELECT y, m FROM generate_series(1900, 2024) AS y, generate_series(1, 12) AS m;
CREATE TEMP TABLE used AS SELECT word, place FROM unnest(%(words)s::text[]) WITH ORDINALITY AS w (word, place);
CREATE TEMP TABLE drawn AS
SELECT n AS id, floor(%(drawn)s * random())::int + 1 AS a, floor(%(drawn)s * random())::int + 1 AS b,
    floor(%(drawn)s * random())::int + 1 AS c, floor(%(names)s * power(random(), 2))::int AS name, random() AS r,
    floor(20 * random())::int + 1 AS first FROM generate_series(1, %(works)s) AS n;
CREATE TEMP TABLE spelt AS
SELECT id, ja || initcap(a.word || ' of the ' || b.word || ' ' || c.word) || ' ' || to_hex(id / 16) AS title,
    (%(firsts)s::text[])[first] || ' ' || ja || initcap(s[1 + name %% 25] || s[1 + name / 25 %% 25] || s[1 + name / 625 %% 25]) AS author,
    CASE WHEN r < 0.7 THEN 'en' WHEN r < 0.8 THEN 'de' WHEN r < 0.9 THEN 'fr' WHEN r < 0.97 THEN 'es' WHEN r < 0.999 THEN 'ja' ELSE 'la' END
    AS language, r, name, a.word FROM drawn JOIN used AS a ON a.place = drawn.a JOIN used AS b ON b.place = drawn.b
    JOIN used AS c ON c.place = drawn.c, (SELECT %(syllables)s::text[] AS s) AS s,
    LATERAL (SELECT CASE WHEN r >= 0.97 AND r < 0.999 THEN '夜' ELSE '' END AS ja) AS japanese;
INSERT INTO work (id, key, title, author, first_published, language) OVERRIDING SYSTEM VALUE
SELECT id, 'k' || id, title, author, (1900 + id %% 125)::text, language FROM spelt;
INSERT INTO contributor (id, key, name) OVERRIDING SYSTEM VALUE SELECT id, 'k' || id, author FROM spelt;
INSERT INTO work_contributor (work_id, contributor_id, position) SELECT id, id, 0 FROM spelt;
INSERT INTO work_block (key, work_id)
SELECT DISTINCT k, id FROM spelt, LATERAL (SELECT lower(split_part(author, ' ', 2)) AS family) AS f,
    LATERAL unnest(ARRAY['= ' || replace(lower(title), ' ', '') || ' ' || left(f.family, 1), f.family || ' ' || left(word, 4),
                         f.family || ' -' || right(word, 3)]) AS k;
INSERT INTO edition (isbn13, work_id, title, publisher, published, language)
SELECT n || (10 - (SELECT sum(substr(n, p, 1)::int * CASE p %% 2 WHEN 1 THEN 1 ELSE 3 END) FROM generate_series(1, 12) AS p) %% 10) %% 10,
    id, title, 'Publisher ' || id %% 500, (1900 + id %% 125)::text, language
FROM (SELECT *, '978' || lpad((id * 887)::text, 9, '0') AS n FROM spelt WHERE id %% 10 <> 0) AS numbered;
INSERT INTO candidate (year, month, position, title, author, named_by, work_id, isbn13, source, score, score_version, reason, evidence, in_month)
SELECT 1900 + s.id %% 125, 1 + s.id %% 12, s.id, s.title, s.author, '{gemini,xai}', s.id, e.isbn13,
    CASE WHEN e.isbn13 IS NULL THEN '' WHEN r < 0.6 THEN 'open_library' WHEN r < 0.9 THEN 'isbndb' WHEN r < 0.999 THEN 'google_books' ELSE 'wikidata' END,
    CASE WHEN e.isbn13 IS NULL THEN 0 ELSE 100 - CASE WHEN r < 0.6 THEN 5 ELSE 60 END * power(random(), 6) END, 2, 'same title, same author',
    (SELECT jsonb_agg(jsonb_build_object('score', 40, 'verdict', CASE WHEN e.isbn13 IS NULL AND s.id %% 20 = 0 THEN 'doubt' ELSE 'refuse' END,
        'reasons', ARRAY['another title'], 'source', 'open_library', 'source_id', '/books/OL' || g || 'M', 'fetched_at', now(),
        'isbn13', e.isbn13, 'title', s.title, 'subtitle', '', 'authors', ARRAY[s.author], 'published', '1999'))
     FROM generate_series(1, 3) AS g),
    CASE WHEN r < 0.5 THEN 'confirmed' WHEN r < 0.6 THEN 'contradicted' ELSE 'unknown' END
FROM spelt AS s LEFT JOIN edition AS e ON e.work_id = s.id WHERE s.id <= %(named)s;
SET session_replication_role = origin;
SELECT setval(pg_get_serial_sequence(t, 'id'), %(works)s) FROM unnest('{work,contributor}'::text[]) AS t;
"""


def fill(url: str, works: int, named: int | None = None) -> None:
    """Fill an empty database with `works` works, of which months have named all, or the first ones."""
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        values = {"works": works, "names": works // 100, "named": works if named is None else named}
        words = title_words()
        values |= {"words": words, "drawn": len(words), "firsts": FIRST_NAMES, "syllables": SYLLABLES}
        connection.execute("SELECT setseed(0.5)")
        connection.execute("SET maintenance_work_mem = '512MB'; SET work_mem = '256MB'")
        tables = ["work", "contributor", "work_contributor", "work_block", "edition", "candidate", "backfill_log"]
        with indexed_afterwards(connection, tables):
            for statement in filter(str.strip, FILL.split(";\n")):
                connection.execute(statement.encode(), values)
        connection.execute("ANALYZE")
        # The list of books and the review queue are made as migrations make them.
        with indexed_afterwards(connection, ["work_listing", "review_item"]):
            connection.execute(listing_of_all(connection))
            connection.execute("INSERT INTO review_item SELECT * FROM due_review")
            connection.execute(
                "UPDATE work_listing SET needs_review = true WHERE work_id IN (SELECT work_id FROM review_item)"
            )
        connection.execute("VACUUM ANALYZE")


def title_words() -> list[str]:
    """The words of the sample's titles, in their order and as often as they occur, but for short ones and numbers.

    The key of a title that begins with each is the one that FILL writes.
    """
    with SAMPLE.open(encoding="utf-8", newline="") as lines:
        found = [word for row in csv.DictReader(lines) for word in re.findall("[a-z]+", row["title"].lower())]
    plain = {word for word in set(found) if f"= {word}ofthenight s" in blocks(f"{word} of the night", ("Ann Smith",))}
    return [word for word in found if len(word) >= MIN_LETTERS and word in plain]


def listing_of_all(connection: psycopg.Connection[Any]) -> bytes:
    """The statement of list_work() for all works at once, none of which is merged, without a call for each."""
    row = connection.execute("SELECT prosrc FROM pg_proc WHERE proname = 'list_work'").fetchone()
    assert row is not None
    statement = row[0][row[0].index("INSERT INTO work_listing") :]
    for of_one, of_all in (("w.id = book_of(the_work)", "true"), ("works_of_book(w.id)", "ARRAY[w.id]")):
        assert of_one in statement
        statement = statement.replace(of_one, of_all)
    return statement.encode()


@contextlib.contextmanager
def indexed_afterwards(connection: psycopg.Connection[Any], tables: list[str]) -> Iterator[None]:
    """Keep only the indexes of constraints while these tables are filled, as others are made faster afterwards."""
    indexes = connection.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = ANY(%s::regclass[]) AND NOT indisunique",
        (tables,),
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}".encode())
    yield
    for _, definition in indexes:
        connection.execute(definition.encode())


def filled(url: str) -> bool:
    """Whether a kept database has been filled."""
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT FROM review_item LIMIT 1").fetchone() is not None


def questions(url: str, works: int) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
    """For each question the requests that ask it, without end."""
    chance = random.Random(SEED)
    with psycopg.connect(url) as connection:
        known = connection.execute(
            "SELECT w.id, w.title, w.author, e.isbn13 FROM work AS w JOIN edition AS e ON e.work_id = w.id"
            " WHERE w.id IN (SELECT (random() * %s)::int FROM generate_series(1, 3000))",
            (works,),
        ).fetchall()

    def some() -> tuple[int, str, str, str]:
        return chance.choice(known)

    def listing(**query: Any) -> tuple[str, dict[str, Any]]:
        return "/api/catalogue/books", query

    def month() -> str:
        return f"{chance.randint(1900, 2024)}-{chance.randint(1, 12):02}"

    frequent = [word for word, _ in Counter(title_words()).most_common(FREQUENT_WORDS)]

    def common() -> str:
        return chance.choice(frequent)

    def endless(make: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        while True:
            yield make()

    makers = {
        "newest": listing,
        "search: whole title": lambda: listing(q=some()[1]),
        "search: two words of a title": lambda: listing(q=" ".join(some()[1].split()[0:4:3])),
        "search: two common words": lambda: listing(q=" ".join(chance.sample(frequent, 2))),
        "search: one common word": lambda: listing(q=common()),
        "search: family name": lambda: listing(q=some()[2].split()[1]),
        "search: title and author, misspelt": lambda: listing(q=f"{some()[1][1:]} {some()[2]}"),
        "search: common word, by title": lambda: listing(q=common(), sort="title"),
        "search: common word, doubtful": lambda: listing(q=common(), status="doubtful"),
        "search: ISBN": lambda: listing(q=some()[3]),
        "search: common word, rare language": lambda: listing(q=common(), language="la"),
        "filter: month": lambda: listing(month=month()),
        "filter: doubtful": lambda: listing(status="doubtful", sort="title"),
        "filter: unresolved": lambda: listing(unresolved=True, sort="author"),
        "filter: source": lambda: listing(source="wikidata", sort="title"),
        "filter: score": lambda: listing(min_score=chance.randint(40, 60), max_score=62),
        "filter: contradicted": lambda: listing(in_month="contradicted", sort="score"),
        "filter: rare language": lambda: listing(language="la", sort="author"),
        "filter: last language, by title": lambda: listing(language="ja", sort="title"),
        "filter: last language and contradicted, by author": lambda: listing(
            language="ja", in_month="contradicted", sort="author"
        ),
        "filter: surest source, by score": lambda: listing(source="open_library", sort="score"),
        "filter: unresolved, by score": lambda: listing(unresolved=True, sort="score"),
        "filter: source and score": lambda: listing(source="wikidata", min_score=chance.randint(90, 99), sort="title"),
        "filter: language and needs review, by score": lambda: listing(language="fr", needs_review=True, sort="score"),
        "filter: month, by title": lambda: listing(month=month(), sort="title"),
        "filter: nothing has all": lambda: listing(
            language="la", source="wikidata", in_month="confirmed", sort="title"
        ),
        "filter: unresolved, with a source": lambda: listing(unresolved=True, source="isbndb", sort="title"),
        "filter: doubtful, in its month": lambda: listing(status="doubtful", in_month="confirmed", sort="author"),
        "work": lambda: (f"/api/catalogue/works/{some()[0]}", {}),
        "isbn": lambda: (f"/api/catalogue/isbn/{some()[3]}", {}),
        "filter: needs review": lambda: listing(needs_review=True, sort="newest"),
        "review": lambda: ("/api/review", {}),
        "review: one reason": lambda: ("/api/review", {"reason": chance.choice(REASONS)}),
        "page: review": lambda: ("/review", {"reason": chance.choice(REASONS)}),
        "page: books": lambda: ("/books", {"q": some()[1]}),
        "page: work": lambda: (f"/works/{some()[0]}", {}),
    }
    return {name: endless(make) for name, make in makers.items()}


class ProcessorTime:
    """Counts what this process and its PostgreSQL compute, as a busy machine says nothing by the clock."""

    def __init__(self, url: str) -> None:
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            assert row is not None
            self._server = self._fields(Path(f"/proc/{row[0]}/stat"))[1]

    def milliseconds(self) -> float:
        """All of it so far. The server's is counted in hundredths of a second: it takes many requests to tell."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = self._fields(stat)
                if fields[1] == self._server:
                    ticks += sum(map(int, fields[11:13]))
        return 1000 * (time.process_time() + ticks / os.sysconf("SC_CLK_TCK"))

    @staticmethod
    def _fields(stat: Path) -> list[str]:
        return stat.read_text().rpartition(")")[2].split()


async def deep_review(client: httpx2.AsyncClient, pages: int) -> AsyncIterator[float]:
    """The times of pages of the review queue that follow each other from its middle, in ms."""
    after = ""
    for _ in range(SKIPPED_PAGES):
        answer = await client.get("/api/review", params={"after": after, "limit": 200})
        after = answer.raise_for_status().json()["next"]
    for _ in range(pages):
        began = time.perf_counter()
        answer = await client.get("/api/review", params={"after": after})
        yield 1000 * (time.perf_counter() - began)
        after = answer.raise_for_status().json()["next"]


async def deep(client: httpx2.AsyncClient, sort: str, pages: int) -> AsyncIterator[float]:
    """The times of pages of fifty that follow each other from the middle of the list, in ms."""
    after = ""
    for _ in range(SKIPPED_PAGES):
        answer = await client.get("/api/catalogue/books", params={"sort": sort, "after": after, "limit": 500})
        after = answer.raise_for_status().json()["next"]
    for _ in range(pages):
        began = time.perf_counter()
        answer = await client.get("/api/catalogue/books", params={"sort": sort, "after": after})
        yield 1000 * (time.perf_counter() - began)
        after = answer.raise_for_status().json()["next"]


async def asked(
    client: httpx2.AsyncClient, requests: Iterator[tuple[str, dict[str, Any]]], count: int
) -> AsyncIterator[float]:
    """The times of `count` requests, in ms."""
    for path, query in itertools.islice(requests, count):
        began = time.perf_counter()
        (await client.get(path, params=query)).raise_for_status()
        yield 1000 * (time.perf_counter() - began)


async def figures(used: ProcessorTime, measured: AsyncIterator[float]) -> dict[str, float]:
    """The times of a question, without the first ones, and the processor time of each request, all in ms."""
    times, begun = [], 0.0
    async for each in measured:
        times.append(each)
        if len(times) == WARMING_REQUESTS:
            begun = used.milliseconds()
    processor = (used.milliseconds() - begun) / (len(times) - WARMING_REQUESTS)
    ordered = sorted(times[WARMING_REQUESTS:])
    return {
        "p50_ms": statistics.median(ordered),
        "p99_ms": ordered[int(0.99 * (len(ordered) - 1))],
        "cpu_ms": processor,
    }


async def report(name: str, used: ProcessorTime, measured: AsyncIterator[float], requests: int) -> None:
    """Print the figures of a question that is asked so often."""
    rounded = {unit: round(value, 1) for unit, value in (await figures(used, measured)).items()}
    print(json.dumps({"question": name, **rounded, "requests": requests}), flush=True)


@contextlib.asynccontextmanager
async def client_of(server: Embedded) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the application in this process, which has the secret."""
    settings = config.load(database_url=SecretStr(server.url)).model_copy(update={"dashboard_public": True})
    async with bootstrap.running(settings, server, Mode.SERVE) as system:
        transport = httpx2.ASGITransport(create_app(system, WebhookSecrets((SECRET,))))
        headers = {"X-Cron-Secret": SECRET}
        async with httpx2.AsyncClient(transport=transport, base_url="http://benchmark", headers=headers) as client:
            yield client


async def measure(server: Embedded, works: int, requests: int, only: str) -> None:
    """Print a line for each question whose name begins with `only`."""
    async with client_of(server) as client:
        used = ProcessorTime(server.url)
        for name, endless in questions(server.url, works).items():
            if name.startswith(only):
                await report(name, used, asked(client, endless, requests + WARMING_REQUESTS), requests)
        for sort in ("newest", "title", "author", "score"):
            if f"paging by {sort}".startswith(only):
                await report(f"paging by {sort}", used, deep(client, sort, requests + WARMING_REQUESTS), requests)
        if "review: paging".startswith(only):
            await report("review: paging", used, deep_review(client, requests + WARMING_REQUESTS), requests)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--works", type=int, default=1_000_000)
    options.add_argument("--requests", type=int, default=200, help="of each question")
    options.add_argument("--only", default="", metavar="TEXT", help="questions whose names begin so, such as review")
    options.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="fill a database here, or use the one that is here"
    )
    chosen = options.parse_args()
    with database(chosen.keep) as server:
        if not filled(server.url):
            fill(server.url, chosen.works)
        asyncio.run(measure(server, chosen.works, chosen.requests, chosen.only))


if __name__ == "__main__":
    main()
