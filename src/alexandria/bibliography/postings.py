"""Makes the index of titles: buckets of postings, each the tag of a blocking key and the number of a title.

A key is a checksum of 32 bits, whose first bits choose the bucket, and a tag of 13 bits that tells most keys of a bucket
apart. What is found by chance is refused later, when titles are compared.
"""

from __future__ import annotations

import contextlib
import tempfile
from array import array
from binascii import crc32, crc_hqx
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

TITLE_KEY_BITS = 27
TAG_KEY_MASK = (1 << 13) - 1
MAX_KEY_POSTINGS = 5000  # of one key; a key with more tells nothing, and is left out
POSTINGS_PER_BUCKET = 25
POSTING_SIZE = 5  # bytes: the tag and the number of the title
CHECKSUM_KEY_BITS = 32
_TITLE_MASK = (1 << TITLE_KEY_BITS) - 1
_REST_MASK = (1 << (13 + TITLE_KEY_BITS)) - 1
_PARTS_COUNT = 256  # files into which postings are sorted by the first bits of their checksum
_BUFFER_SIZE = 2048  # postings of a part, from which on they are written
_FLUSH_INTERVAL = _PARTS_COUNT * _BUFFER_SIZE  # postings between two looks at all buffers


def checksums(key: str) -> tuple[int, int]:
    """The checksum and the tag of a blocking key."""
    written = key.encode("utf-8", "surrogatepass")
    return crc32(written), crc_hqx(written, 0) & TAG_KEY_MASK


def titles_of(postings: bytes, tag: int) -> list[int]:
    """The numbers of the titles that have a key with this tag."""
    found = []
    for at in range(0, len(postings), POSTING_SIZE):
        value = int.from_bytes(postings[at : at + POSTING_SIZE])
        if value >> TITLE_KEY_BITS == tag:
            found.append(value & _TITLE_MASK)
    return found


class PostingSorter:
    """Collects the keys of all titles in files without a name, which vanish with the process, and sorts them at the end."""

    def __init__(self, folder: Path | None = None) -> None:
        self._stack = contextlib.ExitStack()
        self._files: list[IO[bytes]] = [
            self._stack.enter_context(tempfile.TemporaryFile(dir=folder, buffering=0))  # noqa: SIM115 # `close` closes them
            for _ in range(_PARTS_COUNT)
        ]
        self._buffers = [array("Q") for _ in range(_PARTS_COUNT)]
        self.count, self._next_flush = 0, _FLUSH_INTERVAL

    def close(self) -> None:
        self._stack.close()

    def add(self, title: int, keys: Sequence[str]) -> None:
        """Add the keys of a title."""
        buffers = self._buffers
        for key in keys:
            written = key.encode("utf-8", "surrogatepass")
            checksum = crc32(written)
            tag = crc_hqx(written, 0) & TAG_KEY_MASK
            buffers[checksum >> 24].append((checksum & 0xFFFFFF) << 40 | tag << TITLE_KEY_BITS | title)
        self.count += len(keys)
        if self.count >= self._next_flush:
            self._next_flush = self.count + _FLUSH_INTERVAL
            self._flush()

    def _flush(self) -> None:
        """Move buffers that are full enough to their files."""
        for file, buffer in zip(self._files, self._buffers, strict=True):
            if len(buffer) >= _BUFFER_SIZE:
                file.write(buffer)
                del buffer[:]

    @property
    def bucket_bits(self) -> int:
        """How many first bits of a checksum choose the bucket, so that it has about POSTINGS_PER_BUCKET."""
        return max(1, (self.count // POSTINGS_PER_BUCKET).bit_length())

    def buckets(self) -> Iterator[tuple[int, bytes]]:
        """Yield the number and the postings of each bucket that has some, in order."""
        shift = CHECKSUM_KEY_BITS - self.bucket_bits
        number, held = -1, list[int]()
        for part in range(_PARTS_COUNT):
            first = part << 24
            for checksum, rest in _without_frequent(self._sorted(part)):
                bucket = (first | checksum) >> shift
                if bucket != number:
                    if held:
                        yield number, _written(held)
                    number, held = bucket, []
                held += rest
        if held:
            yield number, _written(held)

    def _sorted(self, part: int) -> list[int]:
        file = self._files[part]
        file.write(self._buffers[part])
        self._buffers[part] = array("Q")
        size = file.tell() // 8
        file.seek(0)
        found = array("Q")
        found.frombytes(file.read(size * 8))
        return sorted(found)


def _without_frequent(values: Iterable[int]) -> Iterator[tuple[int, list[int]]]:
    """The postings of each key with its checksum, without those of keys that too many titles have."""
    key, held = -1, list[int]()
    for value in values:
        if value >> TITLE_KEY_BITS != key:
            if held and len(held) <= MAX_KEY_POSTINGS:
                yield key >> 13, held
            key, held = value >> TITLE_KEY_BITS, []
        if len(held) <= MAX_KEY_POSTINGS:
            held.append(value & _REST_MASK)
    if held and len(held) <= MAX_KEY_POSTINGS:
        yield key >> 13, held


def _written(postings: list[int]) -> bytes:
    return b"".join([posting.to_bytes(POSTING_SIZE) for posting in postings])
