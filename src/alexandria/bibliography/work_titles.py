"""Keeps the titles of works by number in a file without a name, as those of all works do not fit into memory."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import IO

from alexandria.bibliography.numbers import MAX_NUMBER_COUNT, NumberedValues
from alexandria.bibliography.temporary_files import temporary_file, unwritable, write_whole

MAX_WORK_TITLE_BYTES = 255  # a longer one is not kept
_MAX_FILE_BYTES = (1 << 32) - 1 - MAX_WORK_TITLE_BYTES
_BUFFER_SIZE = 1 << 20  # bytes, from which on they are written


class WorkTitles:
    """The titles of works. Four bytes of memory a work, and its title on disk, from where it is read when it is asked for."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._starts = NumberedValues()
        self._buffer = bytearray(b"\0")  # so that no title starts at 0, which means that there is none
        self._size = 1
        self._file: IO[bytes] | None = None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, work: int, title: str) -> None:
        """Store the title of a work. Raises NotNow if there is no room for it on disk."""
        written = title.encode(errors="replace")
        length = len(written)
        if not (0 < length <= MAX_WORK_TITLE_BYTES and 0 < work < MAX_NUMBER_COUNT and self._size < _MAX_FILE_BYTES):
            return
        self._starts[work] = self._size
        self._size += 1 + length
        buffer = self._buffer
        buffer.append(length)
        buffer += written
        if len(buffer) >= _BUFFER_SIZE:
            self._write()

    def unlike(self, work: int, title: str) -> str:
        """Return the title of a work if it is another than `title`, else ""."""
        start = self._starts[work]
        if not start:
            return ""
        if self._file is None or start >= self._size - len(self._buffer):
            self._write()
        assert self._file is not None, "what was written has a file"
        read = os.pread(self._file.fileno(), 1 + MAX_WORK_TITLE_BYTES, start)
        held = read[1 : 1 + read[0]]
        return "" if held == title.encode(errors="replace") else held.decode()

    def _write(self) -> None:
        try:
            if self._file is None:
                self._file = temporary_file(self._folder)
            write_whole(self._file, self._buffer)
        except OSError as failed:
            raise unwritable("the list of the titles of works", failed.errno or errno.EIO, self._folder) from failed
        self._buffer.clear()
