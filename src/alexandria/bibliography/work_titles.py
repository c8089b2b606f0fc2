"""Keeps the titles of works by number in a file without a name, as those of all works do not fit into memory."""

from __future__ import annotations

import mmap
import tempfile
from pathlib import Path
from typing import IO

from alexandria.bibliography.numbers import MAX_NUMBER_COUNT, NumberedValues

MAX_WORK_TITLE_BYTES = 255  # a longer one is not kept
_MAX_FILE_BYTES = (1 << 32) - 1 - MAX_WORK_TITLE_BYTES
_BUFFER_SIZE = 1 << 20  # bytes, from which on they are written


class WorkTitles:
    """The titles of works. Four bytes of memory a work, and its title on disk, where it is read through the page cache."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._starts = NumberedValues()
        self._buffer = bytearray(b"\0")  # so that no title starts at 0, which means that there is none
        self._size = 1
        self._file: IO[bytes] | None = None
        self._mapped: mmap.mmap | None = None
        self._mapped_size = 0

    def close(self) -> None:
        if self._mapped is not None:
            self._mapped.close()
        if self._file is not None:
            self._file.close()

    def add(self, work: int, title: str) -> None:
        """Store the title of a work."""
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
        if self._mapped is None or start >= self._mapped_size:
            self._mapped = self._map()
        length = self._mapped[start]
        held = self._mapped[start + 1 : start + 1 + length]
        return "" if held == title.encode(errors="replace") else held.decode()

    def _write(self) -> IO[bytes]:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 # `close` closes it
        self._file.write(self._buffer)
        self._buffer.clear()
        return self._file

    def _map(self) -> mmap.mmap:
        """The file as it is now: works may come after editions were read, as from a second dump."""
        if self._mapped is not None:
            self._mapped.close()
        file = self._write()
        self._mapped_size = self._size
        return mmap.mmap(file.fileno(), self._size, access=mmap.ACCESS_READ)
