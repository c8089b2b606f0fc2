"""Finds lists of books in JSON data under names that were not asked for, such as "results", or the names of months."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

from alexandria.core.month import NAMES, Month
from alexandria.providers import fields

MAX_NODES = 2000  # values of one JSON value that are searched
TITLE_NAMES = ("title", "book_title", "booktitle", "name")
AUTHOR_NAMES = ("author", "authors", "author_name", "author_names", "by", "writer", "writers", "creator", "creators")
# Lists of works that an answer does not mean as its own.
ASIDE = re.compile(
    r"source|reference|citation|exclud|reject|omit|discard|remove|skip|example|draft|unsure|uncertain|wrong|not_",
    re.IGNORECASE,
)
MONTH_NUMBERS = {name.lower(): number for number, name in enumerate(NAMES, start=1)}
_TITLE_NAMES = frozenset(TITLE_NAMES)

Read = Callable[[Any], Any]


def in_value(value: Any, month: Month | None, read: Read) -> list[list[Any]]:
    """Return the lists of books within a value; the lists of one object are one. `read` parses JSON that is a text.

    A list under the name of another month than `month` is none of its books.
    """
    found, queue = [], [value]
    for visited, one in enumerate(queue):
        if visited >= MAX_NODES:
            break
        inner = read(one)
        if isinstance(inner, dict) and not has_author(inner):
            listed = {name: items for name, items in _lists_of(inner, read) if _counts(name, month)}
            if listed:
                found.append(_joined(listed))
            queue += [
                each
                for name, each in itertools.islice(inner.items(), MAX_NODES)
                if name not in listed and _counts(name, month)
            ]
        elif isinstance(inner, list):
            if any(map(has_author, inner)):
                found.append(inner)
            else:
                queue += inner[:MAX_NODES]
    return found


def is_book(value: Any) -> bool:
    """Whether a value is an object with a title; one with a mere name is a book if it has an author."""
    named = _titles(value)
    return bool(named) and (named != {"name"} or has_author(value))


def has_author(value: Any) -> bool:
    """Whether a value is an object with a title and an author."""
    return bool(_titles(value)) and any(name.lower() in AUTHOR_NAMES and author for name, author in value.items())


def _titles(value: Any) -> set[str]:
    """The names under which an object has a title."""
    if not value or not isinstance(value, dict):
        return set()
    texts = {name.lower(): title for name, title in value.items() if isinstance(title, str) and title.strip()}
    return texts.keys() & _TITLE_NAMES


def _lists_of(value: dict[str, Any], read: Read) -> Iterator[tuple[str, list[Any]]]:
    """The lists of books that stand in an object, by their names; the object may be one itself, by number."""
    for name, one in itertools.islice(value.items(), MAX_NODES):
        items = read(one)
        if has_author(items):
            yield name, [items]
        elif isinstance(items, dict) and items and all(map(has_author, items.values())):
            yield name, [*items.values()]
        elif isinstance(items, list) and any(map(has_author, items)):
            yield name, items


def _joined(listed: dict[str, list[Any]]) -> list[Any]:
    """The items of lists that belong together, without those that are only mentioned."""
    meant = [items for name, items in listed.items() if not ASIDE.search(name)]
    return [*itertools.chain.from_iterable(meant or listed.values())]


def _counts(name: str, month: Month | None) -> bool:
    """Whether what has this name may be of `month`: it does not name another one."""
    if month is None:
        return True
    number = MONTH_NUMBERS.get(name.strip().lower())
    if number is not None:
        return number == month.month
    dated = fields.date(name)
    if dated is None:
        return True
    return dated.year == month.year and dated.month in {None, month.month}
