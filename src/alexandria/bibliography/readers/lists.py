"""Reads JSON lines and CSV: what `alexandria export` writes, and lists of others with the usual names of columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from alexandria.bibliography import rows
from alexandria.bibliography.readers.streams import InputFile
from alexandria.bibliography.rows import BookRow, Limits, Tally, isbn_number
from alexandria.catalogue.languages import language
from alexandria.catalogue.models import OtherTitle
from alexandria.core.errors import BadInput
from alexandria.providers import fields

BATCH_SIZE = 1000  # rows that are given together
MAX_CELL_LENGTH = 1 << 20  # characters
# The names of each field, as lists have them; the first one that has a value is read.
NAMES = {
    "isbn": ("isbn13", "isbn_13", "isbn", "isbn10", "isbn_10", "ean"),
    "title": ("title", "name"),
    "subtitle": ("subtitle",),
    "authors": ("authors", "author", "author_name", "creators"),
    "publisher": ("publisher", "publishers"),
    "published": ("published", "publication_date", "publish_date", "published_date", "date", "year"),
    "language": ("language", "languages", "lang"),
    "binding": ("binding", "format", "physical_format"),
    "pages": ("pages", "page_count", "number_of_pages", "num_pages"),
    "work": ("work_key", "work_id", "work"),
}
OTHER_TITLES = ("original_title", "other_titles", "alternative_titles")  # whose columns are all read
_BETWEEN = re.compile(r"\s*[|;]\s*")
_WORK = re.compile(r"(?:ol:|/works/)?OL(\d{1,8})W", re.ASCII)


def json_lines(file: InputFile, limits: Limits, tally: Tally) -> Iterator[list[BookRow]]:
    """Yield the rows of one JSON object a line."""
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for batch in file.lines():
        found: list[BookRow] = []
        for line in batch:
            if not line.strip():
                continue
            tally.lines += 1
            try:
                found += _rows(decode(line), limits, tally)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                tally.left_out["unreadable line"] += 1
        yield found


def table(file: InputFile, limits: Limits, tally: Tally) -> Iterator[list[BookRow]]:
    """Yield the rows of a CSV with a head. Raises BadInput if no column has the name of an ISBN's."""
    csv.field_size_limit(MAX_CELL_LENGTH)
    text = (piece.decode("utf-8", "replace") + "\n" for batch in file.lines() for piece in batch)
    head = next(text).lstrip("\ufeff")
    delimiter = max(",;\t", key=head.count)
    try:
        columns = [name.strip().lower() for name in next(csv.reader([head], delimiter=delimiter))]
    except csv.Error:  # a carriage return within it: it is no text
        columns = []
    if not set(columns) & set(NAMES["isbn"]):
        raise BadInput(
            f"{file.name} is neither a dump, JSON lines, MARC 21 nor a CSV with a column isbn13",
            hint="alexandria bibliography load --help lists the forms that can be read",
        )
    found: list[BookRow] = []
    try:
        for cells in csv.reader((line.replace("\0", "") for line in text), delimiter=delimiter):
            tally.lines += 1
            found += _rows(dict(zip(columns, cells, strict=False)), limits, tally)
            if len(found) >= BATCH_SIZE:
                yield found
                found = []
    except csv.Error as broken:
        raise BadInput(f"{file.name}: line {tally.lines + 2} cannot be read: {broken}") from None
    yield found


def _rows(record: Mapping[str, Any], limits: Limits, tally: Tally) -> Iterator[BookRow]:
    """The rows of one record, one for each ISBN that it names."""
    tally.editions += 1
    isbns = [isbn for printed in fields.texts(_value(record, "isbn")) if (isbn := isbn_number(printed))]
    title = _text(record, "title")[: rows.MAX_TITLE_LENGTH]
    if not isbns or not title:
        tally.left_out["no ISBN" if title else "no title"] += 1
        return
    work = _WORK.fullmatch(_text(record, "work"))
    subtitle = _text(record, "subtitle")[: rows.MAX_SUBTITLE_LENGTH]
    row = BookRow(
        isbns[0],
        title,
        rows.BETWEEN_NAMES.join(_authors(_value(record, "authors")))[: rows.MAX_AUTHORS_LENGTH],
        subtitle,
        work=int(work[1]) if work else 0,
        published=rows.date_number(fields.date(_number(_value(record, "published")))),
        language=language(_value(record, "language")),
        binding=_text(record, "binding")[: rows.MAX_BINDING_LENGTH],
        pages=fields.pages(_value(record, "pages")) or 0,
        publisher=_text(record, "publisher")[: rows.MAX_PUBLISHER_LENGTH],
        others=rows.other_titles(_other_titles(record), title, subtitle),
    )
    if objection := limits.objection(row):
        tally.left_out[objection] += 1
        return
    for isbn in dict.fromkeys(isbns):
        yield row._replace(isbn13=isbn)


def _value(record: Mapping[str, Any], field: str) -> Any:
    return next((record[name] for name in NAMES[field] if record.get(name)), None)


def _text(record: Mapping[str, Any], field: str) -> str:
    """A text; a cell that the export has marked as no formula loses the mark."""
    value = _value(record, field)
    return _unmarked(fields.first_text(value) or (str(value) if isinstance(value, int) else ""))


def _unmarked(text: str) -> str:
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@") else text


def _other_titles(record: Mapping[str, Any]) -> Iterator[OtherTitle]:
    for value in map(record.get, OTHER_TITLES):
        if value:
            several = _BETWEEN.split(_unmarked(value)) if isinstance(value, str) else value
            yield from map(OtherTitle, fields.texts(several))


def _number(value: Any) -> Any:
    """A year that was written as a number stays one; a text with a time loses it."""
    return value.strip() if isinstance(value, str) else value


def _authors(value: Any) -> Iterable[str]:
    several = _BETWEEN.split(value) if isinstance(value, str) else value
    return (name.replace("|", " ") for name in fields.names(several))
