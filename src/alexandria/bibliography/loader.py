"""Loads catalogues into the bibliography: reads files or tables, numbers titles, makes the index, and lets it serve."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alexandria.bibliography import tables
from alexandria.bibliography.key_process import KeyProcess
from alexandria.bibliography.numbers import MAX_NUMBER_COUNT, TitleNumbers
from alexandria.bibliography.readers import lists, marc
from alexandria.bibliography.readers.dump_tables import EDITIONS, opened_tables
from alexandria.bibliography.readers.open_library_dump import AUTHOR, EDITION, FIRST_LINE, WORK, DumpReader
from alexandria.bibliography.readers.readings import FIRST_LINE as FIRST_READING
from alexandria.bibliography.readers.readings import readings
from alexandria.bibliography.readers.streams import InputFile, opened
from alexandria.bibliography.rows import MAX_AGE_DAYS, BookRow, Limits, Tally
from alexandria.bibliography.tables import LoadedBibliography, NewTables
from alexandria.catalogue.keys import KEY_VERSION
from alexandria.core.errors import BadInput
from alexandria.core.grammar import counted

MIN_SHARE = 0.8  # of the records of the last load; a dump with fewer is broken
MAX_UNNAMED_SHARE = 0.5  # of editions whose authors are missing; more is a dump without its authors and works
INDEX = "index"  # the last phase, after all lines are read
MAX_UNCOLLECTED_COUNT = 50_000  # new objects, after which Python looks for circles of references
_KEY_MASK = (1 << 64) - 1
_ORDER = {AUTHOR: 0, WORK: 1, EDITION: 3}  # of the files of a dump; 2: anything else, as of a file with all kinds


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far a load is. `done` of `total` are bytes of the files, or rows of tables; the total is None for a pipe.

    In the phase INDEX they are steps of different length.
    """

    phase: str
    done: int
    total: int | None
    lines: int

    @property
    def is_reading(self) -> bool:
        """Whether lines are still read."""
        return self.phase != INDEX


Report = Callable[[LoadProgress], None]


def load_files(
    url: str, paths: Sequence[Path], limits: Limits, *, force: bool, folder: Path | None, report: Report
) -> LoadedBibliography:
    """Load files into the database at `url`, in place of what is loaded. `folder` is for temporary files.

    `force` loads also what is smaller or older than the last load. Raises BadInput for what cannot be loaded.
    """
    tally = Tally()
    with contextlib.ExitStack() as stack:
        dumps = stack.enter_context(contextlib.closing(DumpReader(limits, tally, folder)))
        reading = _FileReading([stack.enter_context(opened(path)) for path in paths], limits, tally, dumps)
        source = ", ".join(file.path.name for file in reading.files)
        return _load(url, reading.batches(), source, limits, tally, force=force, folder=folder, report=report)


def load_tables(
    url: str, origin: str, limits: Limits, *, force: bool, folder: Path | None, report: Report
) -> LoadedBibliography:
    """As `load_files`, from the tables of the PostgreSQL at the URL `origin`."""
    tally = Tally()
    with opened_tables(origin) as found, contextlib.closing(DumpReader(limits, tally, folder)) as reader:

        def batches() -> Iterator[tuple[list[BookRow], LoadProgress]]:
            for name in found.names:
                if name == EDITIONS:
                    for batch in reader.editions(found.lines(name), ordered=False):
                        yield batch, LoadProgress(name, tally.lines, found.row_count or None, tally.lines)
                else:
                    for _ in reader.learn(found.lines(name)):
                        yield [], LoadProgress(name, tally.lines, found.row_count or None, tally.lines)

        source = f"tables {', '.join(found.names)}"
        return _load(url, batches(), source, limits, tally, force=force, folder=folder, report=report)


class _FileReading:
    """The files of one load, each read as its first bytes say. Authors and works of dumps are read before editions."""

    def __init__(self, files: Sequence[InputFile], limits: Limits, tally: Tally, dumps: DumpReader) -> None:
        self._limits, self._tally, self._dumps = limits, tally, dumps
        kinds = [(_rank(file), file) for file in files]
        self.files = [file for _, file in sorted(kinds, key=lambda each: each[0])]
        self._ranks = {id(file): rank for rank, file in kinds}
        self._read_twice: list[Path] = []
        self._total = 0 if all(file.size is not None for file in files) else None
        if self._total is not None:
            self._total = sum(file.size or 0 for file in files)
        self._before = 0

    def batches(self) -> Iterator[tuple[list[BookRow], LoadProgress]]:
        """Yield rows, or an empty list where a batch had none, and how far the load is."""
        for file in self.files:
            rank = self._ranks[id(file)]
            if rank < _ORDER[EDITION] and file.size is not None:
                for _ in self._dumps.learn(file.lines()):
                    yield [], self._progress("authors and works", file)
                if self._dumps.passed_over:
                    self._again(file)
            else:
                for rows in self._rows(file, rank):
                    yield rows, self._progress("editions", file)
            self._end(file)
        for path in self._read_twice:
            with opened(path) as file:
                for rows in self._dumps.editions(file.lines(), ordered=False):
                    yield rows, self._progress("editions", file)
                self._end(file)

    def _end(self, file: InputFile) -> None:
        self._before += file.position
        if file.too_long:
            self._tally.left_out["line too long"] += file.too_long

    def _again(self, file: InputFile) -> None:
        self._read_twice.append(file.path)
        if self._total is not None:
            self._total += file.size or 0

    def _rows(self, file: InputFile, rank: int) -> Iterator[list[BookRow]]:
        if rank <= _ORDER[EDITION]:
            return self._dumps.editions(file.lines(), ordered=True)
        start = file.start()
        if FIRST_READING.match(start):
            return readings(file, self._tally, self._dumps.work_of)
        if marc.FIRST_BYTES.match(start):
            return marc.records(file, self._limits, self._tally)
        read = lists.json_lines if start.lstrip().startswith(b"{") else lists.table
        return read(file, self._limits, self._tally)

    def _progress(self, phase: str, file: InputFile) -> LoadProgress:
        return LoadProgress(phase, self._before + file.position, self._total, self._tally.lines)


def _rank(file: InputFile) -> int:
    """Where a file stands in the order of reading."""
    start = file.start()
    if not FIRST_LINE.match(start):
        return _ORDER[EDITION] + 1
    return _ORDER.get(start.partition(b"\t")[0], 2)


def _load(
    url: str,
    batches: Iterable[tuple[list[BookRow], LoadProgress]],
    source: str,
    limits: Limits,
    tally: Tally,
    *,
    force: bool,
    folder: Path | None,
    report: Report,
) -> LoadedBibliography:
    began = time.monotonic()
    before = tables.status(url)
    with tables.new_tables(url) as new, KeyProcess(folder) as keys:
        titles, editions = _fill(new, batches, keys, report)
        _require_complete(tally, editions, before, force=force)
        report(LoadProgress(INDEX, 0, NewTables.STEPS_COUNT, tally.lines))
        new.add_buckets(keys.buckets())
        first, last = limits.years or (None, None)
        new.finish(
            {
                "source": source,
                "newest": _instant(tally.newest),
                "lines": tally.lines,
                "records": tally.editions,
                "editions": editions,
                "titles": titles,
                "left_out": dict(tally.left_out),
                "first_year": first,
                "last_year": last,
                "languages": sorted(limits.languages),
                "bucket_bits": keys.bucket_bits,
                "key_version": KEY_VERSION,
                "seconds": time.monotonic() - began,
            },
            tally,
            lambda done: report(LoadProgress(INDEX, done, NewTables.STEPS_COUNT, tally.lines)),
        )
    loaded = tables.status(url)
    assert loaded is not None, "the new tables serve"
    return loaded


def _fill(
    new: NewTables, batches: Iterable[tuple[list[BookRow], LoadProgress]], keys: KeyProcess, report: Report
) -> tuple[int, int]:
    """Write titles and editions; returns how many."""
    numbers, others_numbers, editions = TitleNumbers(), TitleNumbers(), 0
    with _seldom_collected(), new.filling(keys) as (titles, to_editions, others):
        for batch, progress in batches:
            for row in batch:
                number = numbers.number(hash((row.work, row.title, row.authors)) & _KEY_MASK)
                if number < 0:
                    number = -number
                    if number >= MAX_NUMBER_COUNT:
                        raise BadInput(
                            "more titles than can be numbered",
                            hint="load some years or languages: --years, --languages",
                        )
                    titles.write(number, row)
                to_editions.write(number, row)
                for other in row.others:
                    if others_numbers.number(hash((number, other)) & _KEY_MASK) < 0:
                        others.write(number, other, row.authors)
            editions += len(batch)
            report(progress)
    return len(numbers), editions


@contextlib.contextmanager
def _seldom_collected() -> Iterator[None]:
    """Look for circles of references seldom: rows have none, and looking took a tenth of the time of a load."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(MAX_UNCOLLECTED_COUNT, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _require_complete(tally: Tally, editions: int, before: LoadedBibliography | None, *, force: bool) -> None:
    """Raise BadInput for a load that holds nothing, or much less or older data than the last."""
    if not editions:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in tally.left_out.most_common(3))
        raise BadInput(
            f"no edition was found in {counted(tally.lines, 'line')}" + (f" ({reasons})" if reasons else ""),
            hint="a dump of editions, or a list with ISBNs and titles, is needed; nothing was changed",
        )
    if force:
        return
    hint = "nothing was changed; --force loads it nevertheless"
    if before is not None and tally.editions < MIN_SHARE * before.records:
        raise BadInput(
            f"it holds {counted(tally.editions, 'edition')}, the last load {before.records:,}: it seems to be incomplete",
            hint=hint,
        )
    if tally.unnamed > MAX_UNNAMED_SHARE * tally.editions:
        raise BadInput(
            f"of {tally.unnamed:,} of its {counted(tally.editions, 'edition')} the authors are missing",
            hint=f"load the dumps of authors and works together with that of editions; {hint}",
        )
    newest = _instant(tally.newest)
    if newest is None:
        return
    if before is not None and before.newest is not None and newest < before.newest:
        raise BadInput(
            f"its newest change is of {newest:%Y-%m-%d}, that of the last load of {before.newest:%Y-%m-%d}", hint=hint
        )
    if newest < datetime.now(UTC) - timedelta(days=MAX_AGE_DAYS):
        raise BadInput(f"its newest change is of {newest:%Y-%m-%d}: it is more than a year old", hint=hint)


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
