"""Compare the books that the generator bibliography names with a list of notable books by month.

    python benchmarks/notable_overlap.py CATALOGUE.csv.gz BY_MONTH.csv.gz [--count 20]

Loads the catalogue as Open Library's dump, without and with its readers as a reading log, and prints for both: the months
with a book; books named a month; the share of the list's first COUNT that are named; the share of named books that are in
the list; and the time to name the books of a month, p50 and p99 in milliseconds. List and catalogue are of the same origin, so the overlap is no evidence of what real dumps would give.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import gzip
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from alexandria.bibliography import loader
from alexandria.bibliography.generator import BibliographyGenerator
from alexandria.bibliography.rows import Limits
from alexandria.catalogue.matching.scoring import merge
from alexandria.catalogue.models import Candidate
from alexandria.core.month import Month
from alexandria.database.embedded.server import Embedded
from alexandria.database.migrate import upgrade
from alexandria.database.pool import Database
from tests.support.open_library_dump import Dump, author, edition, work

MAX_READERS = 1000  # lines of the reading log for one work
LISTED = "the list"


def table(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def dump_of(books: list[dict[str, str]]) -> tuple[Dump, str]:
    """A dump with each edition, and a reading log with each of its readers."""
    dump, log = Dump(), []
    people: dict[str, int] = {}
    works: dict[str, int] = {}
    for number, book in enumerate(books, 1):
        names = [name for name in book["authors"].split("|") if name]
        for name in names:
            if name not in people:
                people[name] = len(people) + 1
                dump.authors.append(author(people[name], name))
        if book["work_id"] not in works:
            works[book["work_id"]] = len(works) + 1
            first = {"first_publish_date": book["work_first_date"]} if book["work_first_date"] else {}
            dump.works.append(work(works[book["work_id"]], book["title"], [people[name] for name in names], **first))
            log += [f"/works/OL{works[book['work_id']]}W\t\tWant to Read\t2020-01-01\n"] * min(
                int(book["ol_want_to_read"] or 0), MAX_READERS
            )
        facts = {"isbn_13": [book["isbn13"]], "publish_date": book["published"]}
        dump.editions.append(edition(number, book["title"], works[book["work_id"]], **facts))
    return dump, "".join(log)


async def named(url: str, months: list[Month], count: int) -> tuple[dict[Month, list[Candidate]], list[float]]:
    """The books of each month, and the milliseconds that each took."""
    found, times = {}, []
    async with Database(url, size=2) as database:
        generator = BibliographyGenerator(database)
        for month in months:
            began = time.perf_counter()
            found[month] = [*(await generator.suggest(month, "baseline", count)).candidates]
            times.append((time.perf_counter() - began) * 1e3)
    return found, times


def compare(found: dict[Month, list[Candidate]], listed: dict[Month, list[Candidate]], count: int, label: str) -> None:
    books = sum(map(len, found.values()))
    first = sum(len(named[:count]) for named in listed.values())
    in_first = in_list = 0
    for month, candidates in found.items():
        in_first += sum(len(each.named_by) > 1 for each in merge([listed[month][:count], candidates]))
        in_list += sum(len(each.named_by) > 1 for each in merge([listed[month], candidates]))
    print(
        f"{label}: {sum(map(bool, found.values()))} of {len(found)} months with a book, {books / len(found):.1f} books a month; "
        f"of the list's first {count} a month {in_first / first:.1%} are named, and {in_list / max(books, 1):.1%} of the named "
        "are in the list (same origin, no evidence)",
        flush=True,
    )


def main() -> None:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("by_month", type=Path)
    parser.add_argument("--count", type=int, default=20, help="books of a month (20)")
    options = parser.parse_args()
    listed: dict[Month, list[Candidate]] = defaultdict(list)
    for row in sorted(table(options.by_month), key=lambda row: int(row["rank"])):
        month = Month.parse(row["month"])
        by = row["authors"].replace("|", ", ")
        listed[month].append(Candidate(row["title"], by, month.year, month.month, named_by=(LISTED,)))
    dump, log = dump_of(table(options.catalogue))
    with tempfile.TemporaryDirectory(prefix="alexandria-notable-") as kept, Embedded(Path(kept)) as server:
        upgrade(server.url)
        Path(kept).chmod(0o711)  # the account that runs PostgreSQL for root must pass
        paths = dump.write(Path(kept))
        readers = Path(kept) / "ol_dump_reading-log.txt"
        readers.write_text(log, encoding="utf-8")
        for label, files in (("by editions", paths), ("by editions and readers", [*paths, readers])):
            loader.load_files(server.url, files, Limits(), force=True, folder=None, report=lambda _: None)
            found, times = asyncio.run(named(server.url, sorted(listed), options.count))
            compare(found, listed, options.count, label)
            quantiles = statistics.quantiles(times, n=100)
            print(f"  named in p50 {quantiles[49]:.1f} p99 {quantiles[98]:.1f} ms a month", flush=True)


if __name__ == "__main__":
    main()
