"""Finds the list of books in the text of a language model, whatever stands around it and whatever is wrong within it.

The cost grows with the length of the text alone: a bracket is tried only if what follows it can be JSON, and the number
of reads is bounded.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

MAX_FAILED_READS = 50  # brackets, and items of a list, that may turn out not to be JSON
MAX_READS = 1000  # brackets that are tried in all
MAX_ITEMS = 500  # of a list; a month has some dozens
SNIPPET_LENGTH = 80  # characters of an item that cannot be read

THOUGHTS_END = re.compile(r"</(?:think|thinking|thought|thoughts|reasoning)>|\[/THINK\]|◁/think▷", re.IGNORECASE)
VALUE = re.compile(r'\{\s*+"|\[(?=\s*+[{"\]])')  # what can open an object, or a list of objects or texts
BOOKS = re.compile(r'"books"\s*+:\s*+\[')
BETWEEN_ITEMS = re.compile(r"[\s,]*+")
NEXT_ITEM = re.compile(r'(?:\}[\s,]*+|,\s*+)(?=\{\s*+")')
# A text, an escape outside one, or a comma before a closing bracket. A text without an end is none.
REPAIRABLE = re.compile(r'"(?:[^"\\]++|\\.)*+"|\\.|,(?=\s*+[}\]])', re.DOTALL)
ESCAPE = re.compile(r"""\\(?:["\\/bfnrt']|u[0-9a-fA-F]{4})|\\""")

_decoder = json.JSONDecoder(strict=False)  # a line break within a text does no harm


class NoList(ValueError):
    """The text holds no list of books; the message gives the reason."""


@dataclass(slots=True)
class _Found:
    """The lists of one pass over a text, and the numbers of reads and of those that failed."""

    listed: list[list[Any]] = field(default_factory=list)
    reads: int = 0
    failed: int = 0

    @property
    def exhausted(self) -> bool:
        return self.failed >= MAX_FAILED_READS or self.reads >= MAX_READS

    @property
    def best(self) -> list[Any] | None:
        """The first list that holds an object, else the first list."""
        return max(self.listed, key=_has_objects, default=None)

    @property
    def objects(self) -> int:
        return sum(isinstance(item, dict) for item in self.best or ())


def find_items(text: str) -> list[Any]:
    """Return the items of the first list with books: that of an object's "books", or a bare list; MAX_ITEMS at most.

    Of a list that lacks its end the complete items count. One that is not JSON stands in the list as the beginning of
    its text. Raises NoList.
    """
    thoughts = [found.end() for found in THOUGHTS_END.finditer(text)]
    answer = text[thoughts[-1] :] if thoughts else text
    found = _search(answer)
    if found.failed:
        found = max(found, _search(REPAIRABLE.sub(_repair, answer)), key=lambda one: one.objects)
    if found.best is None and thoughts:
        found = _search(text)
    if found.best is None:
        is_json = found.reads > found.failed
        raise NoList("the model's answer holds no list of books" if is_json else "the model's answer is not JSON")
    return [item for one in found.best for item in _books_in(one)][:MAX_ITEMS]


def _books_in(item: Any) -> list[Any]:
    """The books of an object that stands within a list of such objects; else the item itself."""
    books = item.get("books") if isinstance(item, dict) else None
    return books if isinstance(books, list) else [item]


def _search(text: str) -> _Found:
    """Return the lists in `text`, in its order."""
    found, at = _Found(), 0
    while not found.exhausted and (opening := VALUE.search(text, at)):
        at = opening.start()
        found.reads += 1
        value, end = _read(text, at)
        if end:
            listed = value.get("books") if isinstance(value, dict) else value
            if isinstance(listed, list) and (isinstance(value, dict) or _has_objects(listed) or not listed):
                found.listed.append(listed)
            at = end
            continue
        found.failed += 1
        at = _salvage_at(text, at, found)
    if found.exhausted and not found.objects:
        # Too much stood before the list to try all of it: the last name of one decides.
        *_, last = [None, *BOOKS.finditer(text)]
        if last is not None:
            found.failed = 0
            _salvage(text, last.end(), found)
    return found


def _salvage_at(text: str, at: int, found: _Found) -> int:
    """Add the items of the list in a value at `at` that is not JSON as a whole; return where to go on."""
    first = at + 1 if text[at] == "[" else 0
    if not first and (books := BOOKS.search(text, at)):
        first = books.end()
    return (first and _salvage(text, first, found)) or at + 1


def _salvage(text: str, at: int, found: _Found) -> int:
    """Add the items of a list that begins at `at`; return where it ends, or 0 if it holds no object."""
    items: list[Any] = []
    while found.failed < MAX_FAILED_READS and len(items) < MAX_ITEMS:
        at = _end_of(BETWEEN_ITEMS, text, at)
        if at >= len(text) or text[at] in "]}":
            break
        item, end = _read(text, at)
        if end:
            items.append(item)
            at = end
            continue
        found.failed += 1
        if text.find("}", at) < 0:
            break  # the list breaks off within this item
        items.append(text[at : at + SNIPPET_LENGTH])
        following = NEXT_ITEM.search(text, at)
        if following is None:
            break
        at = following.end()
    if not _has_objects(items):
        return 0
    found.listed.append(items)
    return at


def _read(text: str, at: int) -> tuple[Any, int]:
    """Return the JSON value at `at` and where it ends; 0 if there is none."""
    try:
        return _decoder.raw_decode(text, at)
    except (ValueError, RecursionError):  # the latter for nesting without end
        return None, 0


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    matched = pattern.match(text, at)
    return matched.end() if matched else at


def _repair(found: re.Match[str]) -> str:
    """Drop a comma before a closing bracket, and double a backslash that escapes nothing."""
    part = found[0]
    if part == ",":
        return ""
    return ESCAPE.sub(_double, part) if "\\" in part and part[0] == '"' else part


def _double(escape: re.Match[str]) -> str:
    """An apostrophe needs no backslash in JSON, and must have none."""
    return {"\\": "\\\\", "\\'": "'"}.get(escape[0], escape[0])


def _has_objects(listed: list[Any]) -> bool:
    return any(isinstance(item, dict) for item in listed)
