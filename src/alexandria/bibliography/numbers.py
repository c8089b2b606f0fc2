"""Keeps values for millions of numbers in arrays of bounded size, where dictionaries of Python would not fit into memory."""

from __future__ import annotations

from array import array

MAX_NUMBER_COUNT = 1 << 27  # numbers of records, and of titles; Open Library counts to 60 million
_PAGE_SIZE = 1 << 16  # numbers of one page
_FIRST_SIZE = 1 << 16  # slots
MAX_NAME_BYTES = 255


class NumberedValues:
    """Values of 32 bits by number; 0 for a number without one. Pages that are not used take no memory."""

    def __init__(self) -> None:
        self._pages: dict[int, array[int]] = {}

    def __getitem__(self, number: int) -> int:
        page = self._pages.get(number >> 16)
        return page[number & 0xFFFF] if page is not None else 0

    def __setitem__(self, number: int, value: int) -> None:
        page = self._pages.get(number >> 16)
        if page is None:
            page = self._pages[number >> 16] = array("I", bytes(4 * _PAGE_SIZE))
        page[number & 0xFFFF] = value


class EarliestYears:
    """The earliest known year of each work, from 1771 to 2025, in one byte a work. A year before counts as the first of these."""

    _BASE = 1770

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}

    def add(self, work: int, year: int) -> None:
        """Note that there was an edition in `year`."""
        value = min(max(year - self._BASE, 1), 255)
        if not (year > 0 and 0 < work < MAX_NUMBER_COUNT):
            return
        page = self._pages.get(work >> 16)
        if page is None:
            page = self._pages[work >> 16] = bytearray(_PAGE_SIZE)
        at = work & 0xFFFF
        if not page[at] or value < page[at]:
            page[at] = value

    def is_before(self, work: int, year: int) -> bool:
        """Whether an edition before `year` is known."""
        page = self._pages.get(work >> 16)
        value = page[work & 0xFFFF] if page is not None else 0
        return 0 < value < year - self._BASE


class TitleNumbers:
    """Gives each distinct key of 64 bits a number, from 1 on. 12 to 16 bytes a key, by open addressing."""

    def __init__(self) -> None:
        self._keys = array("Q", [0])
        self._slots = array("I", bytes(4 * _FIRST_SIZE))
        self._mask = _FIRST_SIZE - 1

    def __len__(self) -> int:
        return len(self._keys) - 1

    def number(self, key: int) -> int:
        """Return the number of `key`, and as a negative number that of a key that is new."""
        slots, keys, mask = self._slots, self._keys, self._mask
        at = key & mask
        while found := slots[at]:
            if keys[found] == key:
                return found
            at = (at + 1) & mask
        new = slots[at] = len(keys)
        keys.append(key)
        if new * 4 > mask * 3:
            self._grow()
        return -new

    def _grow(self) -> None:
        size = 2 * len(self._slots)
        self._slots = array("I")  # the old slots go before the new ones come
        slots, mask = array("I", [0]) * size, size - 1
        for number, key in enumerate(self._keys):
            if number:
                at = key & mask
                while slots[at]:
                    at = (at + 1) & mask
                slots[at] = number
        self._slots, self._mask = slots, mask


class Names:
    """Names by number, in one block of bytes; a name may stand for another number, to which its record was merged."""

    _MERGED = 1 << 31

    def __init__(self) -> None:
        self._block = bytearray(b"\0")
        self._starts = NumberedValues()

    def add(self, number: int, name: str) -> None:
        """Store a name, of a very long one its first part."""
        written = name.encode()[:MAX_NAME_BYTES]
        start = len(self._block)
        if written and 0 < number < MAX_NUMBER_COUNT and start < self._MERGED:
            self._block.append(len(written))
            self._block += written
            self._starts[number] = start

    def merge(self, number: int, into: int) -> None:
        """Have `number` mean the name of `into`."""
        if 0 < number < MAX_NUMBER_COUNT and 0 < into < MAX_NUMBER_COUNT:
            self._starts[number] = self._MERGED | into

    def get(self, number: int) -> str:
        """Return the name, or "" if there is none; a row of mergers is followed for some steps."""
        start = self._starts[number] if number < MAX_NUMBER_COUNT else 0
        for _ in range(8):
            if not start & self._MERGED:
                break
            start = self._starts[start & ~self._MERGED]
        if start == 0 or start & self._MERGED:
            return ""
        return self._block[start + 1 : start + 1 + self._block[start]].decode(errors="ignore")


class WorkAuthors:
    """The numbers of the authors of each work; a work may stand for another, into which it was merged.

    A work with one author takes 4 bytes, one with several as many more.
    """

    _KIND, _SEVERAL, _MERGED, _NONE = 3 << 30, 1 << 30, 2 << 30, 3 << 30

    def __init__(self) -> None:
        self._values = NumberedValues()
        self._several = array("I")

    def add(self, work: int, authors: list[int]) -> None:
        """Store the authors of a work."""
        known = [author for author in authors if 0 < author < MAX_NUMBER_COUNT]
        if not 0 < work < MAX_NUMBER_COUNT:
            return
        if len(known) == 1:
            self._values[work] = known[0]
        elif known:
            self._values[work] = self._SEVERAL | len(self._several)
            self._several.append(len(known))
            self._several.extend(known)
        else:
            self._values[work] = self._NONE

    def merge(self, work: int, into: int) -> None:
        """Have `work` mean the work `into`."""
        if 0 < work < MAX_NUMBER_COUNT and 0 < into < MAX_NUMBER_COUNT:
            self._values[work] = self._MERGED | into

    def get(self, work: int) -> tuple[int, list[int]]:
        """Return the number of the work that `work` stands for, and its authors."""
        value = self._values[work] if work < MAX_NUMBER_COUNT else 0
        if 0 < value < self._SEVERAL:
            return work, [value]
        for _ in range(8):
            value = self._values[work] if work < MAX_NUMBER_COUNT else 0
            kind = value & self._KIND
            if kind != self._MERGED:
                break
            work = value & ~self._KIND
        if kind == self._SEVERAL:
            start = value & ~self._KIND
            return work, list(self._several[start + 1 : start + 1 + self._several[start]])
        return work, [value] if kind == 0 and value else []
