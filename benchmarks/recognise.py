"""How long does it take to recognise a candidate in a large catalogue, and how does that grow? One JSON line a size.

Titles are the sample's words recombined, families the sample's names with plausible endings, frequencies like those of
real surnames. Queries are works of the catalogue, one word misspelt or the name turned round; the doubtful among them
are not recognised by intent, and `missed` are those of which the step would be sure if it had read every work. Runs
the product's own step on a server of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import itertools
import json
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from alexandria.backfill.resolve import recognise
from alexandria.catalogue.matching.blocking import blocks
from alexandria.catalogue.matching.scoring import ACCEPT, same_work, work_key
from alexandria.catalogue.models import Candidate, EditionRecord, SourceRecord
from alexandria.database import migrate
from alexandria.database.embedded.server import Embedded
from alexandria.database.pool import Database
from alexandria.sandbox.settings import SAMPLE

ENDINGS = ("", "son", "er", "man", "ova", "ez", "ski", "berg")


def build(url: str, size: int, rng: random.Random) -> None:
    with SAMPLE.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["authors"]]
    words = [word for row in rows for part in row["title"].split() if (word := part.strip(".,:!?-"))]
    given = [row["authors"].split()[0] for row in rows]
    families = list(dict.fromkeys(row["authors"].split("|")[0].split()[-1] + end for end in ENDINGS for row in rows))
    weights = list(itertools.accumulate(1 / (rank + 20) for rank in range(len(families))))
    with psycopg.connect(url) as connection:
        keys: set[str] = set()
        with connection.cursor() as cursor, cursor.copy("COPY work (key, title, author) FROM STDIN") as copy:
            while len(keys) < size:
                title = " ".join(rng.choices(words, k=rng.choice((1, 2, 2, 3, 3, 3, 4, 4, 5, 6))))
                author = f"{rng.choice(given)} {rng.choices(families, cum_weights=weights)[0]}"
                key = work_key(title, (author,))
                if key not in keys:
                    keys.add(key)
                    copy.write_row((key, title, author))
        works = connection.execute("SELECT id, title, author FROM work").fetchall()
        with connection.cursor() as cursor, cursor.copy("COPY work_block (work_id, key) FROM STDIN") as copy:
            for work_id, title, author in works:
                for key in blocks(title, (author,)):
                    copy.write_row((work_id, key))
        connection.execute("INSERT INTO contributor (key, name) SELECT DISTINCT author, author FROM work")
        connection.execute(
            "INSERT INTO work_contributor (work_id, contributor_id, position)"
            " SELECT w.id, c.id, 0 FROM work AS w JOIN contributor AS c ON c.key = w.author"
        )
        connection.execute(
            "INSERT INTO edition (isbn13, work_id, title)"
            " SELECT i || (10 - (SELECT sum(substr(i, p, 1)::int * CASE p % 2 WHEN 1 THEN 1 ELSE 3 END) % 10"
            " FROM generate_series(1, 12) AS p))::int % 10, id, title"
            " FROM work, LATERAL (SELECT '9798' || lpad(id::text, 8, '0') AS i) AS isbn"
        )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def spelt_otherwise(title: str, author: str, rng: random.Random) -> Candidate:
    place = rng.randrange(len(title) - 1) if len(title) > 6 else 0
    if rng.random() < 0.5 and place:
        title = title[:place] + title[place + 1] + title[place] + title[place + 2 :]
    given, _, family = author.partition(" ")
    return Candidate(title, f"{family}, {given}" if rng.random() < 0.5 else author)


async def measure(url: str, queries: int, rng: random.Random) -> dict[str, float]:
    with psycopg.connect(url) as connection:
        works = connection.execute("SELECT title, author FROM work TABLESAMPLE BERNOULLI (5)").fetchall()
    rng.shuffle(works)
    times, found, missed = [], 0, 0
    async with Database(url) as database:
        for title, author in works[:queries]:
            candidate = spelt_otherwise(title, author, rng)
            began = time.perf_counter()
            held, _ = await recognise(candidate, database)
            times.append(1000 * (time.perf_counter() - began))
            found += held is not None
            missed += held is None and sure(candidate, title, author)
    cuts = statistics.quantiles(times, n=100)
    rates = {"recognised": round(found / len(times), 3), "missed": round(missed / len(times), 4)}
    return {"p50_ms": round(cuts[49], 2), "p99_ms": round(cuts[98], 2), **rates}


def sure(candidate: Candidate, title: str, author: str) -> bool:
    """Whether the step would have taken the work, had the catalogue been read from end to end."""
    records = (hit_of(candidate.title, candidate.author), hit_of(title, author))
    return same_work(*records).verdict == ACCEPT


def hit_of(title: str, author: str) -> EditionRecord:
    return EditionRecord(SourceRecord("benchmark", "", datetime(2026, 1, 1, tzinfo=UTC)), title, authors=(author,))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    results = []
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory(prefix="alexandria-") as folder:
            Path(folder).chmod(0o755)
            with Embedded(Path(folder) / "data", durable=False) as server:
                migrate.upgrade(server.url)
                build(server.url, size, random.Random(arguments.seed))
                measured = asyncio.run(measure(server.url, arguments.queries, random.Random(arguments.seed)))
        results.append({"works": size, **measured})
        print(json.dumps(results[-1]), flush=True)
    print(json.dumps({"growth_p99": round(results[-1]["p99_ms"] / results[0]["p99_ms"], 2)}))


if __name__ == "__main__":
    main()
