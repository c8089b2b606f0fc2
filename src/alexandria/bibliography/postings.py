"""Makes the index of titles: buckets of postings, each the tag of a blocking key and the number of a title.

A key is a checksum of 32 bits, whose first bits choose the bucket, and a tag of 13 bits that tells most keys of a bucket
apart. Both are those of its two parts, combined: a part is computed once for the many keys that it is of. What is found by
chance is refused later, when titles are compared.
"""

from __future__ import annotations

import contextlib
import struct
import sys
from array import array
from binascii import crc32
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import IO

from alexandria.bibliography.temporary_files import temporary_file, write_whole
from alexandria.catalogue.matching.blocking import Blocks

TITLE_KEY_BITS = 27
_TAG_KEY_BITS = 13
TAG_KEY_MASK = (1 << _TAG_KEY_BITS) - 1
MAX_KEY_POSTINGS = 5000  # of one key; a key with more tells nothing, and is left out
POSTINGS_PER_BUCKET = 25
POSTING_SIZE = 5  # bytes: the tag and the number of the title
CHECKSUM_KEY_BITS = 32
_TITLE_MASK = (1 << TITLE_KEY_BITS) - 1
# Of a key in front of a title, what a posting holds while it is sorted: all but the part.
_POSTING_KEY_MASK = (1 << 64) - 1
_SPREAD = 0x9E3779B97F4A7C15  # odd: multiplied by it, checksums that differ in a bit or two differ in all places
_CACHE_SIZE = 1 << 17  # parts of keys
_PART_KEY_BITS = 8
_PARTS_COUNT = 1 << _PART_KEY_BITS  # files into which postings are sorted by the first bits of their checksum
_BUFFER_SIZE = 2048  # postings of a part, from which on they are written
_FLUSH_INTERVAL = _PARTS_COUNT * _BUFFER_SIZE  # postings between two looks at all buffers

_COPY_SIZE = 1000  # rows of a piece
_COPY_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_HEAD = struct.Struct(">hiii")  # two fields; four bytes, the number; the length of the postings
_COPY_END = b"\xff\xff"


class _HashedParts(dict[bytes, int]):
    """The numbers of the parts of keys, in front of room for a title."""

    def __missing__(self, part: bytes) -> int:
        number = _hashed(part)
        if len(self) < _CACHE_SIZE:
            self[part] = number
        return number


def _hashed(part: bytes) -> int:
    """A number of 45 bits, checksum and tag, in front of room for a title."""
    spread = crc32(part) * _SPREAD & _POSTING_KEY_MASK
    return spread >> (64 - CHECKSUM_KEY_BITS - _TAG_KEY_BITS) << TITLE_KEY_BITS


_hashed_parts = _HashedParts()


def checksums(found: Blocks) -> list[tuple[int, int]]:
    """The checksum and the tag of each blocking key of a title."""
    keys = [_hashed(found.title) ^ _hashed(initial) for initial in found.initials]
    keys += [_hashed(family) ^ _hashed(word) for family in found.families for word in sorted(found.words)]
    return [
        (key >> (TITLE_KEY_BITS + _TAG_KEY_BITS), key >> TITLE_KEY_BITS & TAG_KEY_MASK) for key in dict.fromkeys(keys)
    ]


def copied(buckets: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
    """The numbers and postings of buckets as PostgreSQL copies rows in binary form, in pieces."""
    rows = [_COPY_BEGIN]
    for number, postings in buckets:
        rows += (_COPY_HEAD.pack(2, 4, number, len(postings)), postings)
        if len(rows) > 2 * _COPY_SIZE:
            yield b"".join(rows)
            rows.clear()
    yield b"".join([*rows, _COPY_END])


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
        self._files: list[IO[bytes]] = [self._stack.enter_context(temporary_file(folder)) for _ in range(_PARTS_COUNT)]
        self._buffers = [array("Q") for _ in range(_PARTS_COUNT)]
        self._appends = [buffer.append for buffer in self._buffers]
        self.count, self._next_flush = 0, _FLUSH_INTERVAL

    def close(self) -> None:
        self._stack.close()

    def add(self, title: int, found: Blocks) -> None:
        """Add the keys of a title."""
        appends, hashed = self._appends, _hashed_parts
        begins = _hashed(found.title) | title
        for initial in found.initials:
            key = begins ^ hashed[initial]
            appends[key >> 64](key & _POSTING_KEY_MASK)
        words = [*map(hashed.__getitem__, found.words)]
        for family in found.families:
            begins = hashed[family] | title
            for word in words:
                key = begins ^ word
                appends[key >> 64](key & _POSTING_KEY_MASK)
        self.count += len(found.initials) + len(found.families) * len(words)
        if self.count >= self._next_flush:
            self._next_flush = self.count + _FLUSH_INTERVAL
            self._flush()

    def _flush(self) -> None:
        """Move buffers that are full enough to their files."""
        for file, buffer in zip(self._files, self._buffers, strict=True):
            if len(buffer) >= _BUFFER_SIZE:
                write_whole(file, buffer)
                del buffer[:]

    @property
    def bucket_bits(self) -> int:
        """How many first bits of a checksum choose the bucket, so that it has about POSTINGS_PER_BUCKET."""
        return max(1, (self.count // POSTINGS_PER_BUCKET).bit_length())

    def buckets(self) -> Iterator[tuple[int, bytes]]:
        """Yield the number and the postings of each bucket that has some, in order."""
        more = self.bucket_bits - _PART_KEY_BITS
        if more <= 0:
            for number in range(1 << self.bucket_bits):
                parts = range(number << -more, (number + 1) << -more)
                if postings := b"".join([_packed(_without_frequent(self._sorted(part))) for part in parts]):
                    yield number, postings
            return
        for part in range(_PARTS_COUNT):
            values, start = _without_frequent(self._sorted(part)), 0
            packed = _packed(values)
            for number in range(1 << more):
                end = bisect_left(values, (number + 1) << (64 - more), start)
                if end > start:
                    yield part << more | number, packed[start * POSTING_SIZE : end * POSTING_SIZE]
                start = end

    def _sorted(self, part: int) -> list[int]:
        file = self._files[part]
        write_whole(file, self._buffers[part])
        del self._buffers[part][:]
        size = file.tell() // 8
        file.seek(0)
        found = array("Q")
        found.frombytes(file.read(size * 8))
        return sorted(found)


def _without_frequent(values: list[int]) -> list[int]:
    """Sorted postings without those of keys that too many titles have, found by comparing some at a distance."""
    step = MAX_KEY_POSTINGS // 2  # a row of more than MAX_KEY_POSTINGS covers two neighbouring multiples of it
    probes = range(0, len(values) - step, step)
    if not any(values[at] >> TITLE_KEY_BITS == values[at + step] >> TITLE_KEY_BITS for at in probes):
        return values
    kept: list[int] = []
    for _, postings in groupby(values, lambda value: value >> TITLE_KEY_BITS):
        of_key = list(postings)
        if len(of_key) <= MAX_KEY_POSTINGS:
            kept += of_key
    return kept


def _packed(values: list[int]) -> bytes:
    """The tags and titles of postings: the last POSTING_SIZE of the 8 bytes of each."""
    whole = array("Q", values)
    if sys.byteorder == "little":
        whole.byteswap()
    wide, packed = whole.tobytes(), bytearray(POSTING_SIZE * len(values))
    for at in range(POSTING_SIZE):
        packed[at::POSTING_SIZE] = wide[8 - POSTING_SIZE + at :: 8]
    return bytes(packed)
