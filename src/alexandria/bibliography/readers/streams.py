"""Reads large files and pipes, plain or compressed with gzip, in bounded memory, and counts what was read of them."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from isal import igzip, isal_zlib

from alexandria.core.errors import BadInput

STANDARD_INPUT = Path("-")
MAX_LINE_BYTES = 32 * 2**20  # of a record; the longest of a dump have some megabytes
READ_SIZE = 1 << 20  # bytes that are read at once
_PEEK_SIZE = 1 << 16
_BROKEN: tuple[type[Exception], ...] = (igzip.BadGzipFile, zlib.error, cast("type[Exception]", isal_zlib.IsalError))
_GZIP_MAGIC = b"\x1f\x8b"


class InputFile:
    """A file or pipe that is open for reading. `size` is None for a pipe; `position` counts its bytes as they are stored."""

    def __init__(self, path: Path, raw: IO[bytes]) -> None:
        self.path = path
        status = os.fstat(raw.fileno())
        self.size = status.st_size if stat.S_ISREG(status.st_mode) else None
        self.too_long = 0  # lines that were left out
        self._raw = _CountingReader(raw)
        stored = io.BufferedReader(self._raw, READ_SIZE)
        self.compressed = stored.peek(2)[:2] == _GZIP_MAGIC
        plain = igzip.IGzipFile(fileobj=cast("IO[bytes]", stored), mode="rb") if self.compressed else stored  # type: ignore[no-untyped-call]
        self.content = io.BufferedReader(cast("io.RawIOBase", plain), READ_SIZE)

    @property
    def position(self) -> int:
        return self._raw.count

    @property
    def name(self) -> str:
        return "standard input" if self.path == STANDARD_INPUT else str(self.path)

    def start(self) -> bytes:
        """Return the first bytes without taking them. Raises BadInput for an empty or broken file."""
        with self.readable():
            found = self.content.peek(_PEEK_SIZE)
        if not found.strip():
            raise BadInput(
                f"{self.name} is empty", hint="download it again, and compare its size with the published one"
            )
        return found

    def lines(self) -> Iterator[list[bytes]]:
        """Yield the lines in batches, without their ends; one over MAX_LINE_BYTES is given as b"".

        Raises BadInput for a file that is cut off or broken.
        """
        tail, skipping = b"", False
        with self.readable():
            while piece := self.content.read(READ_SIZE):
                *whole, tail = (tail + piece).split(b"\n")
                if skipping and whole:
                    whole[0], skipping = b"", False
                if len(tail) > MAX_LINE_BYTES or skipping:
                    self.too_long += not skipping
                    tail, skipping = b"", True
                yield whole
        if tail:
            yield [tail]

    @contextlib.contextmanager
    def readable(self) -> Iterator[None]:
        """Turn what a broken file raises into BadInput."""
        try:
            yield
        except EOFError:
            raise BadInput(
                f"{self.name} is cut off: its gzip data has no end", hint="download it again; nothing was changed"
            ) from None
        except _BROKEN as broken:
            raise BadInput(f"{self.name} is broken: {broken}", hint="download it again; nothing was changed") from None
        except OSError as refused:
            raise BadInput(f"{self.name} cannot be read: {refused.strerror or refused}") from None


class _CountingReader(io.RawIOBase):
    """Passes the bytes of a file on, and counts them."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # a buffer is a memoryview here
        data = self._raw.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[InputFile]:
    """Yield a file, or standard input for "-". Raises BadInput if it cannot be opened."""
    try:
        raw = sys.stdin.buffer if path == STANDARD_INPUT else path.open("rb", buffering=0)
    except OSError as refused:
        raise BadInput(
            f"{path} cannot be read: {refused.strerror}", hint="FILE is a file, a pipe, or - for standard input"
        ) from None
    with raw if path != STANDARD_INPUT else contextlib.nullcontext():
        yield InputFile(path, cast("IO[bytes]", raw))
