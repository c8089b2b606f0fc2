"""Load and search bibliographies of several sizes, one line each: the sandbox's real books in a crowd of invented ones.

    python benchmarks/bibliography.py [--sizes 100000,2500000] [--folder FOLDER]

Prints lines of the dump; lines a second of processor time of the loader, and of loader and server together; bytes a line
on disk; the loader's peak of memory; look-ups and choice warm, p50 and p99 in milliseconds; by ISBN, and 500 ISBNs; and of
300 real books the share whose ISBN is among what is found, and that the matcher takes for another book. Behind a time in
brackets is the processor time of program and server, which other work on the machine hardly changes. Dumps are kept in
FOLDER, and used again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import itertools
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from alexandria.bibliography import tables
from alexandria.bibliography.lookup import BibliographyIndex
from alexandria.catalogue.matching.scoring import choose
from alexandria.catalogue.models import Candidate, Isbn13
from alexandria.database.embedded.server import Embedded
from alexandria.database.migrate import upgrade
from alexandria.database.pool import Database
from tests.support.open_library_dump import crowd, plain_dump, rows

QUERIES, SEED = 300, 20261130


def write(folder: Path, size: int) -> tuple[list[str], int]:
    """The three files of a dump of `size` editions; returns their paths and how many lines they have."""
    dump, lines = plain_dump(), 0
    files = {name: folder / f"ol_dump_{name}.txt.gz" for name in ("authors", "works", "editions")}
    with contextlib.ExitStack() as stack:
        streams = {
            name: stack.enter_context(gzip.open(path, "wt", compresslevel=1, encoding="utf-8"))
            for name, path in files.items()
        }
        real = ((name, line) for name in files for line in getattr(dump, name))
        for name, line in itertools.chain(real, crowd(size - len(dump.editions), SEED)):
            streams[name].write(f"{line}\n")
            lines += 1
    return [str(path) for path in files.values()], lines


def kept(folder: Path, size: int) -> tuple[list[str], int]:
    """The dump of `size` editions in `folder`, made unless it is there; its paths and lines."""
    dump, counted = folder / f"{size}", folder / f"{size}.lines"
    if not counted.exists():
        dump.mkdir(parents=True, exist_ok=True)
        counted.write_text(str(write(dump, size)[1]), encoding="ascii")
    return sorted(map(str, dump.iterdir())), int(counted.read_text(encoding="ascii"))


def server_seconds(process: int) -> float:
    """Processor time of a process, and of those it started that have ended."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


async def lookups(url: str) -> dict[str, float]:
    """Times in milliseconds, and the shares of books that are found and mistaken."""
    books = [book for book in rows() if book["authors"]]
    chosen = random.Random(SEED).sample(books, QUERIES)
    times, by_isbn, among, wrong = [], [], 0, 0
    works = {book["isbn13"]: book["work_id"] for book in books}
    async with Database(url, size=1) as database:
        index = BibliographyIndex(database)
        async with database.transaction() as connection:
            backend = connection.info.backend_pid

        def processor() -> float:
            return (time.process_time() + server_seconds(backend)) * 1e3

        for turn in range(2):  # the first one warms caches
            before = processor()
            for book in chosen:
                candidate = Candidate(book["title"], book["authors"].split("|")[0])
                began = time.perf_counter()
                found = await index.find(candidate.title, (candidate.author,))
                accepted = choose(candidate, found)[0]
                if turn:
                    times.append((time.perf_counter() - began) * 1e3)
                    among += book["isbn13"] in {hit.isbn13 for hit in found}
                    wrong += accepted is not None and works.get(str(accepted.isbn13)) != book["work_id"]
        of_lookup = (processor() - before) / QUERIES
        before = processor()
        for book in chosen:
            began = time.perf_counter()
            await index.by_isbns([Isbn13.parse(book["isbn13"])])
            by_isbn.append((time.perf_counter() - began) * 1e3)
        of_isbn = (processor() - before) / QUERIES
        many = [Isbn13.parse(book["isbn13"]) for book in books[:500]]
        began = time.perf_counter()
        await index.by_isbns(many)
        bulk = (time.perf_counter() - began) * 1e3
    quantiles = statistics.quantiles(times, n=100)
    return {"p50": quantiles[49], "p99": quantiles[98], "isbn": statistics.median(by_isbn), "bulk": bulk,
            "of_lookup": of_lookup, "of_isbn": of_isbn,
            "among": among / QUERIES, "wrong": wrong}  # fmt: skip


def measure(size: int, dumps: Path | None) -> str:
    folder = Path(tempfile.mkdtemp(prefix="bibliography-"))
    folder.chmod(0o755)
    try:
        files, lines = kept(dumps, size) if dumps else write(folder, size)
        with Embedded(folder / "server") as server:
            upgrade(server.url)
            postmaster = int((folder / "server/postgresql/data/postmaster.pid").read_text(encoding="utf-8").split()[0])
            before, of_server = resource.getrusage(resource.RUSAGE_CHILDREN), server_seconds(postmaster)
            command = [sys.executable, "-m", "alexandria", "--quiet", "--database", server.url, "bibliography", "load"]
            subprocess.run([*command, *files], check=True, stdout=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            client = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            both = client + server_seconds(postmaster) - of_server
            loaded = tables.status(server.url)
            assert loaded is not None
            found = asyncio.run(lookups(server.url))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return (
        f"{size:>10,} editions, {lines:,} lines: {lines / client:,.0f} lines/s ({lines / both:,.0f} with the server), "
        f"{loaded.bytes / lines:.0f} B a line ({loaded.bytes / loaded.editions:.0f} an edition), {after.ru_maxrss / 1024:.0f} MB, "
        f"look-up p50 {found['p50']:.2f} p99 {found['p99']:.1f} ms ({found['of_lookup']:.2f}), "
        f"ISBN {found['isbn']:.2f} ms ({found['of_isbn']:.2f}), 500 ISBNs {found['bulk']:.1f} ms, "
        f"found {found['among']:.1%}, wrong {found['wrong']}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="100000")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    for each in given.sizes.split(","):
        print(measure(int(each), given.folder), flush=True)
