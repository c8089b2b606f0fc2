"""Makes the index of titles in a process of its own, so that a second processor does it while the catalogue is read.

The process gets the lines of titles as they are copied into the table, and answers with the rows of the buckets. It ends when
its input does, however the load dies; with the input unfinished it answers nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Self

from alexandria.bibliography.postings import PostingSorter, copied
from alexandria.bibliography.rows import BETWEEN_NAMES
from alexandria.bibliography.temporary_files import unwritable
from alexandria.catalogue.matching.blocking import parts
from alexandria.core.errors import NotNow

_MIN_SIZE = 1 << 20  # bytes of lines, about 17,000 titles, that take longer than the start of a process
_PIPE_SIZE = 1 << 20  # bytes that one side may be ahead of the other
_READ_SIZE = 1 << 20
_HEAD = struct.Struct("<I")  # bytes of the lines that follow; 0 behind the last
_BITS = struct.Struct("<B")  # in front of the buckets: how many bits of a checksum choose one
_BATCH_COUNT = 1000  # other titles that are sent together


class KeyProcess:
    """The process, from the side of the load. `folder` is for its temporary files.

    A load of few titles needs none: it is started when there is work for it. What this is given raises NotNow if the process
    was killed or has no room for its files.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._others: list[str] = []
        self._held: list[bytes] = []
        self._held_size = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.bucket_bits = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()

    def add(self, lines: bytes) -> None:
        """Add titles: of each a line with its number, its work, the title and its authors, escaped as in COPY."""
        if not lines:
            return
        if self._process is not None:
            self._send(self._process, lines)
            return
        self._held.append(lines)
        self._held_size += len(lines)
        if self._held_size >= _MIN_SIZE:
            self._process = self._started()
            for held in self._held:
                self._send(self._process, held)
            self._held.clear()

    def add_other(self, number: int, title: str, authors: str) -> None:
        """Add what a title is called besides, escaped as in COPY."""
        self._others.append(f"{number}\t0\t{title}\t{authors}\n")
        if len(self._others) >= _BATCH_COUNT:
            self._flush()

    def buckets(self) -> Iterator[bytes]:
        """End the input and yield the rows of the buckets for COPY, in pieces; `bucket_bits` is known from the first on."""
        self._flush()
        if self._process is not None:
            yield from self._answer(self._process)
            return
        try:
            with contextlib.closing(PostingSorter(self._folder)) as sorter:
                for lines in self._held:
                    _add(lines, sorter)
                self.bucket_bits = sorter.bucket_bits
                yield from copied(sorter.buckets())
        except OSError as failed:
            raise self._unwritable(failed.errno or errno.EIO) from failed

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", __name__, *([str(self._folder)] if self._folder else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            pipesize=_PIPE_SIZE,
            start_new_session=True,  # Ctrl-C reaches only us, and we then end the process
        )

    def _send(self, process: subprocess.Popen[bytes], lines: bytes) -> None:
        assert process.stdin is not None, "it has a pipe"
        try:
            process.stdin.write(_HEAD.pack(len(lines)))
            left = memoryview(lines)
            while left:
                left = left[process.stdin.write(left) :]
        except BrokenPipeError:
            raise self._failure(process) from None

    def _answer(self, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
        assert process.stdin is not None, "it has a pipe"
        assert process.stdout is not None, "it has a pipe"
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(_HEAD.pack(0))
            process.stdin.close()
        if bits := process.stdout.read(_BITS.size):
            [self.bucket_bits] = _BITS.unpack(bits)
        while piece := process.stdout.read(_READ_SIZE):
            yield piece
        if process.wait() or not bits:
            raise self._failure(process)

    def _flush(self) -> None:
        self.add("".join(self._others).encode())
        self._others.clear()

    def _failure(self, process: subprocess.Popen[bytes]) -> NotNow:
        code = process.wait()
        if code < 0:
            return NotNow(
                f"the process that makes the index of titles was ended by {signal.Signals(-code).name}",
                hint="it may have run out of memory; nothing was changed: run the same command again",
            )
        return self._unwritable(code)

    def _unwritable(self, code: int) -> NotNow:
        return unwritable("the index of titles", code, self._folder)


def main() -> int:
    """Be that process. Returns the number of the system's error as the exit code."""
    try:
        with contextlib.closing(PostingSorter(Path(sys.argv[1]) if sys.argv[1:] else None)) as sorter:
            if _collect(sys.stdin.buffer, sorter):
                sys.stdout.buffer.write(_BITS.pack(sorter.bucket_bits))
                for piece in copied(sorter.buckets()):
                    sys.stdout.buffer.write(piece)
                sys.stdout.buffer.flush()
    except BrokenPipeError:
        os._exit(errno.EPIPE)  # the load has died; its pipe would be flushed again
    except OSError as failed:
        return failed.errno or errno.EIO
    return 0


def _collect(lines: IO[bytes], sorter: PostingSorter) -> bool:
    """Add the keys of all titles; returns whether their end has come."""
    while len(head := lines.read(_HEAD.size)) == _HEAD.size:
        [length] = _HEAD.unpack(head)
        if not length:
            return True
        batch = lines.read(length)
        if len(batch) < length:
            break
        _add(batch, sorter)
    return False


def _add(lines: bytes, sorter: PostingSorter) -> None:
    text = lines.decode()
    is_escaped = "\\" in text
    for line in text.split("\n")[:-1]:
        number, _, title, authors = line.split("\t")
        if is_escaped:
            title, authors = title.replace("\\\\", "\\"), authors.replace("\\\\", "\\")
        sorter.add(int(number), parts(title, tuple(authors.split(BETWEEN_NAMES)) if authors else ()))


if __name__ == "__main__":
    sys.exit(main())
