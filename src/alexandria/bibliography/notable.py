"""Finds the notable works of each month while a bibliography is loaded, for the generator that names them."""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Generator

from alexandria.bibliography.numbers import EarliestYears
from alexandria.database.session import MigrationConnection
from alexandria.database.sql import load

SQL = load(__name__)
NOTABLE_COUNT = 200  # works of one month that are kept
CANDIDATES_COUNT = 1000  # of one month, before those are left out that appeared in an earlier year
_COPY_SIZE = 10_000  # rows that are sent together


def add(
    reading: MigrationConnection, writing: MigrationConnection, readers: array[int], earliest: EarliestYears
) -> None:
    """Make the table of notable works, from the new titles and editions.

    `readers` has the number of a work for each of its readers; `earliest` knows editions that are not kept, as those
    without ISBN. The connections are without a transaction before and after.
    """
    with writing.cursor() as cursor:
        cursor.execute(SQL["create_reading"])
        cursor.execute(SQL["create_notable"])
        with cursor.copy(SQL["copy_reading"]) as copy:
            for start in range(0, len(readers), _COPY_SIZE):
                copy.write("".join(f"{work}\n" for work in readers[start : start + _COPY_SIZE]))
    writing.commit()
    reading.execute(SQL["work_memory"])
    # Closed here even if writing fails: else its cursor is closed when it is collected, where a lost server prints a traceback.
    with (
        contextlib.closing(_notable(reading, earliest)) as found,
        writing.cursor() as cursor,
        cursor.copy(SQL["copy_notable"]) as copy,
    ):
        for row in found:
            copy.write_row(row)
    reading.commit()
    writing.execute(SQL["index_notable"])
    writing.execute(SQL["drop_reading"])
    writing.commit()


def _notable(connection: MigrationConnection, earliest: EarliestYears) -> Generator[tuple[int, int, int], None, None]:
    """Yield months (YYYYMM), places from 1 on, and titles."""
    month, place = 0, 0
    with connection.cursor(name="candidates") as cursor:
        cursor.itersize = _COPY_SIZE
        cursor.execute(SQL["candidates"], {"limit": CANDIDATES_COUNT})
        for found, work, title in cursor:
            if found != month:
                month, place = found, 0
            if place < NOTABLE_COUNT and not (work > 0 and earliest.is_before(work, month // 100)):
                place += 1
                yield month, place, title
