"""Reads Open Library's dumps of ratings and of the reading log: one line a reader, which begins with the key of a work."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from alexandria.bibliography.readers.streams import InputFile
from alexandria.bibliography.rows import MAX_READINGS_COUNT, BookRow, Tally

FIRST_LINE = re.compile(rb"/works/OL\d{1,9}W\t[^\t\n]*\t[^\t\n]*\t")
_WORK = re.compile(rb"/works/OL(\d{1,9})W\t")


def readings(file: InputFile, tally: Tally, work_of: Callable[[int], int]) -> Iterator[list[BookRow]]:
    """Add the works that were read or rated to `tally`; `work_of` gives the work that one was merged into.

    Yields an empty list after each batch, as none of it is an edition.
    """
    for batch in file.lines():
        for line in batch:
            tally.lines += bool(line)
            found = _WORK.match(line)
            number = work_of(int(found[1])) if found else 0
            if number and len(tally.readings) < MAX_READINGS_COUNT:
                tally.readings.append(number)
        yield []
