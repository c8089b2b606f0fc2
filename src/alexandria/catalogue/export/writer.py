"""Writes the catalogue, one edition per JSON line, CSV row or MARC 21 record."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

from alexandria.catalogue.export import Format
from alexandria.catalogue.export.query import Entry

BETWEEN = " | "  # several values in one cell
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with these a cell begins that a spreadsheet would compute


async def written(entries: AsyncGenerator[Entry], form: Format) -> AsyncGenerator[bytes]:
    """Yield one piece of the file per edition; nothing at all, not even a header, if there are none."""
    encode = {Format.JSONL: _line, Format.CSV: _csv, Format.MARC: _marc}[form]
    head = _row(list(COLUMNS)) if form is Format.CSV else b""
    async with aclosing(entries):
        async for entry in entries:
            yield head + encode(entry)
            head = b""


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Return values as CSV with a header, as a spreadsheet can open them."""
    return _row(list(columns)) + b"".join(_row(list(map(_cell, row))) for row in rows)


def _line(entry: Entry) -> bytes:
    return json.dumps(_told(entry), ensure_ascii=False).encode() + b"\n"


def _csv(entry: Entry) -> bytes:
    return _row([_cell(value) for value in _told(entry).values()])


def _marc(entry: Entry) -> bytes:
    from alexandria.catalogue.export import marc  # noqa: PLC0415 # pymarc is slow to import, and few export MARC

    return marc.record(entry)


def _told(entry: Entry) -> dict[str, Any]:
    """An edition as plain data; null is a value that no source gave."""
    return {name: read(entry) for name, read in COLUMNS.items()}


COLUMNS: dict[str, Callable[[Entry], Any]] = {
    "isbn13": lambda entry: entry.isbn13,
    "title": lambda entry: entry.title,
    "subtitle": lambda entry: entry.subtitle or None,
    "authors": lambda entry: [name for name, _ in entry.people],
    "publisher": lambda entry: entry.publisher or None,
    "published": lambda entry: entry.published,
    "first_published": lambda entry: entry.first_published,
    "language": lambda entry: entry.language or None,
    "binding": lambda entry: entry.binding or None,
    "pages": lambda entry: entry.pages,
    "subjects": lambda entry: entry.subjects,
    "other_titles": lambda entry: entry.other_titles,
    "related_isbns": lambda entry: entry.related_isbns,
    "work": lambda entry: entry.work_id,
    "related": lambda entry: entry.related,
    "sources": lambda entry: entry.sources,
    "added_at": lambda entry: _instant(entry.created_at),
    "changed_at": lambda entry: _instant(entry.changed_at),
    "withdrawn": lambda entry: entry.withdrawn,
}


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _row(cells: list[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()


def _cell(value: Any) -> str:
    """Return a value as one cell. What a spreadsheet would take for a formula gets an apostrophe."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case [dict(), *_]:
            return BETWEEN.join(f"{one['field']}: {one['provider']} {one['id']}" for one in value)
        case list():
            return _cell(BETWEEN.join(value))
        case str() if value.startswith(FORMULA):
            return f"'{value}"
        case _:
            return str(value)
