"""Load and search bibliographies of several sizes, one line each: the sandbox's real books in a crowd of invented ones.

    python benchmarks/bibliography.py [--sizes 100000,2500000] [--folder FOLDER] [--gold gold_match.jsonl --catalogue catalogue.csv.gz]

A size is the number of lines of the dump. Printed are lines a second of processor time: of the loader, of reading the
compressed files alone, of PostgreSQL, and of loader and PostgreSQL together; bytes a line on disk; the peaks of memory of
the loader's two processes together; look-ups and choice warm, p50 and p99 in milliseconds; by ISBN, beside an empty statement on the same connections;
and 500 ISBNs. Behind a time in brackets is the processor time of program and server, which other work on the machine
changes less. Of 300 real books, and with --gold of labelled queries whose books the catalogue brings into the crowd: the
share whose work is among what is found; how many are answered with another work's ISBN (wrong) or with one that the labels
forbid; how many with an ISBN of the crowd; and how many otherwise than at the first size. Dumps are kept in FOLDER, and
used again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import itertools
import json
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
from alexandria.bibliography.readers.streams import opened
from alexandria.catalogue.matching.scoring import choose
from alexandria.catalogue.models import Candidate, Isbn13
from alexandria.database.embedded.server import Embedded
from alexandria.database.migrate import upgrade
from alexandria.database.pool import Database
from labelled import Row, candidate_of, query_outcome, with_review
from machine import machine
from tests.support.open_library_dump import crowd, plain_dump, rows

QUERIES, SEED = 300, 20261130
WATCH_INTERVAL = 0.05  # seconds between two looks at the memory of a load
CROWD = range(9791_0000_0000_0, 9791_0500_0000_0)  # where the ISBNs of invented editions are, and few of France


def write(folder: Path, size: int) -> tuple[list[str], int]:
    """The three files of a dump of `size` lines; returns their paths and how many lines they have."""
    dump, lines = plain_dump(), 0
    files = {name: folder / f"ol_dump_{name}.txt.gz" for name in ("authors", "works", "editions")}
    with contextlib.ExitStack() as stack:
        streams = {
            name: stack.enter_context(gzip.open(path, "wt", compresslevel=1, encoding="utf-8"))
            for name, path in files.items()
        }
        real = ((name, line) for name in files for line in getattr(dump, name))
        for name, line in itertools.islice(itertools.chain(real, crowd(size, SEED)), size):
            streams[name].write(f"{line}\n")
            lines += 1
    return [str(path) for path in files.values()], lines


def kept(folder: Path, size: int) -> tuple[list[str], int]:
    """The dump of `size` lines in `folder`, made unless it is there; its paths and lines."""
    dump, counted = folder / f"{size}", folder / f"{size}.lines"
    if not counted.exists():
        dump.mkdir(parents=True, exist_ok=True)
        counted.write_text(str(write(dump, size)[1]), encoding="ascii")
    return sorted(map(str, dump.iterdir())), int(counted.read_text(encoding="ascii"))


def server_seconds(process: int) -> float:
    """Processor time of a process, and of those it started that have ended."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def peak_of(command: list[str]) -> int:
    """Run a command; returns the peaks of memory of its process and of those that it starts, together, in kB."""
    peaks: dict[str, int] = {}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
        while running.poll() is None:
            started = f"/proc/{running.pid}/task/{running.pid}/children"
            with contextlib.suppress(OSError, StopIteration):  # it has just ended
                for process in (str(running.pid), *Path(started).read_text(encoding="ascii").split()):
                    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
                    peaks[process] = int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
            time.sleep(WATCH_INTERVAL)
    if running.returncode:
        raise SystemExit(f"the load ended with {running.returncode}")
    return sum(peaks.values())


async def lookups(url: str) -> dict[str, float]:
    """Times in milliseconds, and the shares of books that are found and mistaken."""
    books = [book for book in rows() if book["authors"]]
    chosen = random.Random(SEED).sample(books, QUERIES)
    times, by_isbn, empty, among, wrong = [], [], [], 0, 0
    works = {book["isbn13"]: book["work_id"] for book in books}

    def is_wrong(isbn: str, work: str) -> bool:
        """Whether it is of the crowd, or of another book of the sandbox; a catalogue may have further editions."""
        return int(isbn) in CROWD if isbn not in works else works[isbn] != work

    numbers = [Isbn13.parse(book["isbn13"]) for book in books]
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
                    wrong += accepted is not None and is_wrong(str(accepted.isbn13), book["work_id"])
        of_lookup = (processor() - before) / QUERIES
        of_isbn = of_empty = 0.0
        for number in numbers[:QUERIES]:  # one after the other, so that both meet the same load
            before, began = processor(), time.perf_counter()
            await index.by_isbns([number])
            by_isbn.append((time.perf_counter() - began) * 1e3)
            between, began = processor(), time.perf_counter()
            async with database.statements() as connection:
                await (await connection.execute("SELECT 1", binary=True)).fetchall()
            empty.append((time.perf_counter() - began) * 1e3)
            of_isbn, of_empty = of_isbn + between - before, of_empty + processor() - between
        began = time.perf_counter()
        await index.by_isbns(numbers[:500])
        bulk = (time.perf_counter() - began) * 1e3
    quantiles = statistics.quantiles(times, n=100)
    return {"p50": quantiles[49], "p99": quantiles[98], "isbn": statistics.median(by_isbn), "bulk": bulk,
            "empty": statistics.median(empty), "of_lookup": of_lookup, "of_isbn": of_isbn / QUERIES,
            "of_empty": of_empty / QUERIES, "among": among / QUERIES, "wrong": wrong}  # fmt: skip


async def answered(url: str, queries: list[Row]) -> list[tuple[Row, str | None, bool]]:
    """Each labelled query, the ISBN that is chosen for it, and whether an edition of its work is among what is found."""
    answers = []
    async with Database(url, size=1) as database:
        index = BibliographyIndex(database)
        for query in queries:
            candidate = candidate_of(query["query"])
            found = await index.find(candidate.title, (candidate.author,))
            accepted = choose(candidate, found)[0]
            among = not {str(hit.isbn13) for hit in found}.isdisjoint(query["acceptable_isbn13"])
            answers.append((query, str(accepted.isbn13) if accepted and accepted.isbn13 else None, among))
    return answers


def judged(answers: list[tuple[Row, str | None, bool]], first: dict[str, str | None]) -> str:
    """The figures of labelled queries. `first` has the ISBNs chosen at the first size, and gets them there."""
    positives = [among for query, _, among in answers if query["expect"] == "match"]
    outcomes = [query_outcome(query, isbn) for query, isbn, _ in answers]
    forbidden = sum(isbn in query["must_not_isbn13"] for query, isbn, _ in answers)
    of_crowd = sum(isbn is not None and int(isbn) in CROWD for _, isbn, _ in answers)
    other = sum(first.setdefault(query["id"], isbn) != isbn for query, isbn, _ in answers)
    return (
        f"{'':>10}  {len(answers)} labelled queries: {sum(positives)} of {len(positives)} works found "
        f"({sum(positives) / len(positives):.1%}), {outcomes.count('right')} right, {outcomes.count('wrong')} wrong, "
        f"{outcomes.count('taken')} of {len(answers) - len(positives)} negatives taken, {forbidden} forbidden, "
        f"{of_crowd} of the crowd, {other} otherwise than at the first size"
    )


def reading_seconds(files: list[str]) -> float:
    """Processor time of reading compressed files by lines."""
    before = time.process_time()
    for path in files:
        with opened(Path(path)) as file:
            for _ in file.lines():
                pass
    return time.process_time() - before


def measure(size: int, dumps: Path | None, queries: list[Row], more: list[str], first: dict[str, str | None]) -> str:
    folder = Path(tempfile.mkdtemp(prefix="bibliography-"))
    folder.chmod(0o755)
    try:
        files, lines = kept(dumps, size) if dumps else write(folder, size)
        reading = reading_seconds(files)
        with Embedded(folder / "server") as server:
            upgrade(server.url)
            postmaster = int((folder / "server/postgresql/data/postmaster.pid").read_text(encoding="utf-8").split()[0])
            before, of_server = resource.getrusage(resource.RUSAGE_CHILDREN), server_seconds(postmaster)
            command = [sys.executable, "-m", "alexandria", "--quiet", "--database", server.url, "bibliography", "load"]
            peak = peak_of([*command, *files, *more])
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            client = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            served = server_seconds(postmaster) - of_server
            loaded = tables.status(server.url)
            assert loaded is not None
            found = asyncio.run(lookups(server.url))
            of_labelled = judged(asyncio.run(answered(server.url, queries)), first) if queries else ""
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    lines = loaded.lines  # with those of the catalogue
    return (
        f"{size:>10,} lines of a dump, {lines:,} in all, {loaded.editions:,} ISBNs: loader {lines / client:,.0f} lines/s "
        f"(reading {lines / reading:,.0f}, PostgreSQL {lines / served:,.0f}, together {lines / (client + served):,.0f}), "
        f"{loaded.bytes / lines:.0f} B a line ({loaded.bytes / loaded.editions:.0f} an edition), {peak / 1024:.0f} MB, "
        f"look-up p50 {found['p50']:.2f} p99 {found['p99']:.1f} ms ({found['of_lookup']:.2f}), "
        f"ISBN {found['isbn']:.2f} ms ({found['of_isbn']:.2f}), empty {found['empty']:.2f} ms ({found['of_empty']:.2f}), "
        f"500 ISBNs {found['bulk']:.1f} ms, found {found['among']:.1%}, wrong {found['wrong']}, load {machine()['load']}"
        + (f"\n{of_labelled}" if of_labelled else "")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="100000")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--gold", type=Path, help="JSON lines of labelled queries")
    parser.add_argument("--catalogue", type=Path, help="CSV (.gz) with the editions that they are about, loaded too")
    given = parser.parse_args()
    gold = given.gold.read_text(encoding="utf-8").splitlines() if given.gold else []
    queries, more = [with_review(json.loads(line)) for line in gold], [str(given.catalogue)] if given.catalogue else []
    first: dict[str, str | None] = {}
    for each in given.sizes.split(","):
        print(measure(int(each), given.folder, queries, more, first), flush=True)


if __name__ == "__main__":
    main()
