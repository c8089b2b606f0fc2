"""Makes the index of titles: buckets of postings, each the tag of a blocking key and the number of a title.

A key is a checksum of 32 bits, whose first bits choose the bucket, and a tag of 13 bits that tells most keys of a bucket
apart. What is found by chance is refused later, when titles are compared.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from array import array
from binascii import crc32, crc_hqx
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import IO

from alexandria.catalogue.matching.blocking import Blocks, encoded
from alexandria.catalogue.matching.folding import CACHE_SIZE

TITLE_KEY_BITS = 27
TAG_KEY_MASK = (1 << 13) - 1
MAX_KEY_POSTINGS = 5000  # of one key; a key with more tells nothing, and is left out
POSTINGS_PER_BUCKET = 25
POSTING_SIZE = 5  # bytes: the tag and the number of the title
CHECKSUM_KEY_BITS = 32
_TITLE_MASK = (1 << TITLE_KEY_BITS) - 1
_PART_KEY_BITS = 8
_PARTS_COUNT = 1 << _PART_KEY_BITS  # files into which postings are sorted by the first bits of their checksum
_BUFFER_SIZE = 2048  # postings of a part, from which on they are written
_FLUSH_INTERVAL = _PARTS_COUNT * _BUFFER_SIZE  # postings between two looks at all buffers


def checksums(key: str) -> tuple[int, int]:
    """The checksum and the tag of a blocking key."""
    checksum, tag = _states(encoded(key))
    return checksum, tag & TAG_KEY_MASK


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
            checksum, tag = checksums(key)
            buffers[checksum >> 24].append((checksum & 0xFFFFFF) << 40 | tag << TITLE_KEY_BITS | title)
        self.count += len(keys)
        if self.count >= self._next_flush:
            self._next_flush = self.count + _FLUSH_INTERVAL
            self._flush()

    def add_blocks(self, title: int, found: Blocks) -> None:
        """Add the keys of a title by their parts: a checksum goes on from that of the part which several keys begin with."""
        if not found.is_short:
            self.add(title, found.keys())
            return
        buffers = self._buffers
        groups: list[tuple[tuple[int, int], Collection[bytes]]] = [(_states(found.title), found.initials)]
        groups += [(_states_of_family(family), found.words) for family in found.families]
        for (checksum_state, tag_state), endings in groups:
            for ending in endings:
                checksum = crc32(ending, checksum_state)
                tag = crc_hqx(ending, tag_state) & TAG_KEY_MASK
                buffers[checksum >> 24].append((checksum & 0xFFFFFF) << 40 | tag << TITLE_KEY_BITS | title)
            self.count += len(endings)
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
        file.write(self._buffers[part])
        self._buffers[part] = array("Q")
        size = file.tell() // 8
        file.seek(0)
        found = array("Q")
        found.frombytes(file.read(size * 8))
        return sorted(found)


def _states(beginning: bytes) -> tuple[int, int]:
    """The two checksums of what some keys begin with, from which those of the keys go on."""
    return crc32(beginning), crc_hqx(beginning, 0)


_states_of_family = lru_cache(CACHE_SIZE)(_states)


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
