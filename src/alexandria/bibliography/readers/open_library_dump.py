"""Reads Open Library's dumps: one line a record, of five columns, the last of which is the record as JSON.

Editions name their work and authors by key, so authors and works are read first, and kept as numbers and names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from alexandria.bibliography import rows
from alexandria.bibliography.numbers import MAX_NUMBER_COUNT, Names, WorkAuthors
from alexandria.bibliography.rows import BookRow, Limits, Tally, isbn_number
from alexandria.bibliography.work_titles import WorkTitles
from alexandria.catalogue.languages import language
from alexandria.catalogue.matching.names import plain as plain_name
from alexandria.catalogue.models import OtherTitle
from alexandria.core.errors import BadInput
from alexandria.providers import fields

FIRST_LINE = re.compile(rb"/type/[a-z_]+\t/[^\t\n]+\t\d+\t[^\t\n]*\t\{")
EDITION, WORK, AUTHOR = b"/type/edition", b"/type/work", b"/type/author"
REDIRECT, DELETE = b"/type/redirect", b"/type/delete"
MAX_ISBNS_COUNT = 10  # of one record; one with more is no edition
MAX_AUTHORS_COUNT = 10  # of one edition that are stored
CACHE_SIZE = 1 << 16
_COLUMNS_COUNT = 5
_INSTANT_LENGTH = 19  # characters of a time without fractions of a second
_UNREADABLE = "unreadable line"
_NUMBER_IN_BYTES = re.compile(rb"/(?:books|works|authors)/OL(\d{1,9})[MWA]")
_NUMBER = re.compile(r"/(?:books|works|authors)/OL(\d{1,9})[MWA]", re.ASCII)


class _EditionData(msgspec.Struct):
    """What is read of any other edition's record; its fields have whatever type people and programs wrote."""

    title: Any = None
    subtitle: Any = None
    isbn_13: Any = None
    isbn_10: Any = None
    authors: Any = None
    works: Any = None
    publish_date: Any = None
    publishers: Any = None
    languages: Any = None
    physical_format: Any = None
    number_of_pages: Any = None
    other_titles: Any = None
    work_titles: Any = None
    translation_of: Any = None
    translated_from: Any = None


class _Key(msgspec.Struct, gc=False):
    """A reference to a record, in an object of its own."""

    key: str = ""


class _Reference(msgspec.Struct, gc=False):
    """A reference from an edition's record of the usual form; one that has an author besides is read as any other."""

    key: str
    author: None = None


class _UsualEditionData(msgspec.Struct, gc=False):
    """What is read of an edition's record whose fields all have the usual types."""

    title: str | None = None
    subtitle: str | None = None
    isbn_13: list[str] | None = None
    isbn_10: list[str] | None = None
    authors: list[_Reference] | None = None
    works: list[_Reference] | None = None
    publish_date: str | None = None
    publishers: list[str] | None = None
    languages: list[_Reference] | None = None
    physical_format: str | None = None
    number_of_pages: int | None = None
    other_titles: list[str] | None = None
    work_titles: list[str] | None = None
    translation_of: str | None = None
    translated_from: list[_Reference] | None = None


class _Role(msgspec.Struct, gc=False):
    """An author of a work."""

    author: _Key


class _UsualWorkData(msgspec.Struct, gc=False):
    """What is read of a work's record of the usual form."""

    title: str | None = None
    authors: list[_Role] | None = None
    first_publish_date: str | None = None


class _WorkData(msgspec.Struct):
    """What is read of any other work's record."""

    title: Any = None
    authors: Any = None
    first_publish_date: Any = None


class _AuthorData(msgspec.Struct):
    """What is read of an author's record."""

    name: Any = None
    personal_name: Any = None


class _Redirect(msgspec.Struct):
    """What is read of a record that was merged into another."""

    location: Any = None


_decode_usual_edition = msgspec.json.Decoder(_UsualEditionData).decode
_decode_edition = msgspec.json.Decoder(_EditionData).decode
_decode_usual_work = msgspec.json.Decoder(_UsualWorkData).decode
_decode_work = msgspec.json.Decoder(_WorkData).decode
_decode_author = msgspec.json.Decoder(_AuthorData).decode
_decode_redirect = msgspec.json.Decoder(_Redirect).decode


class DumpReader:
    """The reader of the files of one dump. `tally` counts what it finds; `folder` is for temporary files."""

    def __init__(self, limits: Limits, tally: Tally, folder: Path | None = None) -> None:
        self._limits, self._tally = limits, tally
        self._names, self._works, self._titles = Names(), WorkAuthors(), WorkTitles(folder)
        self.passed_over = 0

    def close(self) -> None:
        self._titles.close()

    def learn(self, batches: Iterable[list[bytes]]) -> Iterator[None]:
        """Keep authors and works, and what was merged. Yields after each batch; `passed_over` counts editions."""
        self.passed_over = 0
        for batch in batches:
            for line in batch:
                if line.startswith(EDITION):
                    self.passed_over += 1
                else:
                    self._learn(line)
            yield

    def editions(self, batches: Iterable[list[bytes]], *, ordered: bool) -> Iterator[list[BookRow]]:
        """Yield the rows of each batch.

        `ordered`: authors and works come in these lines too, before the editions. Raises BadInput where they do not.
        """
        tally, begun, newest = self._tally, False, b""
        for batch in batches:
            found: list[BookRow] = []
            for line in batch:
                if not line.startswith(EDITION):
                    if ordered:
                        if begun and line.startswith((AUTHOR, WORK)):
                            raise BadInput(
                                "authors and works come after editions, and this input can be read only once",
                                hint="give the files themselves, or a pipe of authors, works and editions in this order",
                            )
                        self._learn(line)
                    continue
                begun = True
                tally.lines += 1
                parts = line.split(b"\t", _COLUMNS_COUNT - 1)
                if len(parts) != _COLUMNS_COUNT:
                    tally.left_out[_UNREADABLE] += 1
                    continue
                try:
                    data = _edition(parts[4])
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    tally.left_out[_UNREADABLE] += 1
                    continue
                tally.editions += 1
                newest = max(newest, parts[3])
                found += self._rows(parts[1], data)
            tally.newest = max(tally.newest, newest[:_INSTANT_LENGTH].decode(errors="replace"))
            yield found

    def _learn(self, line: bytes) -> None:
        if not line:
            return
        self._tally.lines += 1
        parts = line.split(b"\t", _COLUMNS_COUNT - 1)
        if len(parts) != _COLUMNS_COUNT:
            self._tally.left_out[_UNREADABLE] += 1
            return
        kind, key, record = parts[0], parts[1], parts[4]
        number = _number_of_key(key)
        try:
            if kind == AUTHOR:
                author = _decode_author(record)
                name = _clean(author.name, fields.MAX_TEXT_LENGTH) or fields.text(author.personal_name)
                is_plain = name.isascii() and name.replace(" ", "").isalpha()
                self._names.add(number, name if is_plain else plain_name(name.replace("|", " ")))
            elif kind == WORK:
                self._learn_work(number, record)
            elif kind == REDIRECT:
                self._merge(key, number, _number(_decode_redirect(record).location))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._tally.left_out[_UNREADABLE] += 1

    def _learn_work(self, number: int, record: bytes) -> None:
        try:
            usual = _decode_usual_work(record)
            authors = [_number(role.author.key) for role in usual.authors[: fields.MAX_NAMES]] if usual.authors else []
            if len(authors) > 1:
                authors = [*dict.fromkeys(authors)]
            title: Any = usual.title
            date: Any = usual.first_publish_date
        except msgspec.ValidationError:
            work = _decode_work(record)
            authors, title, date = _keys(work.authors), work.title, work.first_publish_date
        self._tally.works += 1
        self._works.add(number, authors)
        if title:
            self._titles.add(number, _clean(title, rows.MAX_TITLE_LENGTH).strip("* "))
        if date:
            self._tally.earliest.add(number, _date(date) // 10_000)

    def _merge(self, key: bytes, number: int, into: int) -> None:
        if key.startswith(b"/authors/"):
            self._names.merge(number, into)
        elif key.startswith(b"/works/"):
            self._works.merge(number, into)

    def _rows(self, key: bytes, data: _UsualEditionData | _EditionData) -> Sequence[BookRow]:
        left_out = self._tally.left_out
        isbns = _isbns(data)
        title = _clean(data.title, rows.MAX_TITLE_LENGTH).strip("* ")
        if not isbns or not title:
            left_out["no ISBN" if title else "no title"] += 1
            self._not_kept(data)
            return ()
        if len(isbns) > MAX_ISBNS_COUNT:
            left_out["too many ISBNs"] += 1
            return ()
        work, authors = self._works.get(_first_key(data.works))
        named = _keys(data.authors) if data.authors else authors
        subtitle = _clean(data.subtitle, rows.MAX_SUBTITLE_LENGTH).strip("* ") if data.subtitle else ""
        people = self._authors(named or authors) or self._authors(authors)
        if not people and (named or authors or (data.works and not self._tally.works)):
            self._tally.unnamed += 1
        row = BookRow(
            isbns[0],
            title,
            people,
            subtitle,
            work,
            _number_of_key(key),
            _date(data.publish_date),
            _language(data.languages),
            _repeated(data.physical_format, rows.MAX_BINDING_LENGTH) if data.physical_format else "",
            fields.pages(data.number_of_pages) or 0,
            _repeated(_first(data.publishers), rows.MAX_PUBLISHER_LENGTH) if data.publishers else "",
            self._others(data, title, subtitle, work),
        )
        if objection := self._limits.objection(row):
            left_out[objection] += 1
            self._not_kept(data)
            return ()
        return [row, *(row._replace(isbn13=isbn) for isbn in isbns[1:])] if len(isbns) > 1 else (row,)

    def _others(
        self, data: _UsualEditionData | _EditionData, title: str, subtitle: str, work: int
    ) -> tuple[OtherTitle, ...]:
        """The original title first, then those of the edition, then that of its work."""
        of_work = self._titles.unlike(work, title)
        if not (of_work or data.translation_of or data.work_titles or data.other_titles):
            return ()
        language = _language(data.translated_from) if data.translation_of else ""
        found = [OtherTitle(text, language) for text in fields.texts(data.translation_of)]
        found += map(OtherTitle, (*fields.texts(data.work_titles), *fields.texts(data.other_titles), of_work))
        return rows.other_titles(found, title, subtitle)

    def work_of(self, number: int) -> int:
        """Return the number of the work that `number` stands for."""
        return self._works.get(number)[0]

    def _not_kept(self, data: _UsualEditionData | _EditionData) -> None:
        """Note the year of an edition that is not kept, as its work did not first appear in a later one."""
        if data.publish_date:
            self._tally.earliest.add(self.work_of(_first_key(data.works)), _date(data.publish_date) // 10_000)

    def _authors(self, numbers: list[int]) -> str:
        if len(numbers) == 1:
            return self._names.get(numbers[0])
        names = [name for number in numbers[:MAX_AUTHORS_COUNT] if (name := self._names.get(number))]
        return rows.BETWEEN_NAMES.join(names)[: rows.MAX_AUTHORS_LENGTH]


def _edition(record: bytes) -> _UsualEditionData | _EditionData:
    """The fields of an edition's record. Raises msgspec.DecodeError and the like for what is no record."""
    try:
        return _decode_usual_edition(record)
    except msgspec.ValidationError:
        return _decode_edition(record)


def _isbns(data: _UsualEditionData | _EditionData) -> list[int]:
    if data.isbn_10 is None and isinstance(data.isbn_13, list) and len(data.isbn_13) == 1:
        isbn = isbn_number(data.isbn_13[0])
        return [isbn] if isbn else []
    found: dict[int, None] = {}
    for printed in (data.isbn_13, data.isbn_10):
        if isinstance(printed, list):
            for one in printed[: MAX_ISBNS_COUNT + 1]:
                if isbn := isbn_number(one):
                    found[isbn] = None
        elif printed and (isbn := isbn_number(printed)):
            found[isbn] = None
    return [*found]


def _clean(value: Any, length: int) -> str:
    """As `fields.text`, quickly for the usual text."""
    if isinstance(value, str) and value.isascii() and value.isprintable() and "&" not in value and "  " not in value:
        return value.strip()[:length]
    return fields.text(value)[:length]


def _repeated(value: Any, length: int) -> str:
    """As `_clean`, for what many records have."""
    usual = isinstance(value, str) and len(value) <= length
    return _clean_of_text(value, length) if usual else _clean(value, length)


_clean_of_text = lru_cache(CACHE_SIZE)(_clean)


def _first(value: Any) -> Any:
    if isinstance(value, list) and value and value[0]:
        return value[0]
    return next((one for one in value[: fields.MAX_VALUES] if one), None) if isinstance(value, list) else value


def _keys(value: Any) -> list[int]:
    """The numbers that a list of keys names, in any of the forms that records have."""
    if not isinstance(value, list):
        return []
    found = []
    for one in value[: fields.MAX_NAMES]:
        if type(one) is _Reference:
            key: Any = one.key
        else:
            key = one.get("author") or one.get("key") if isinstance(one, dict) else one
            key = key.get("key") if isinstance(key, dict) else key
        if (number := _number(key)) and number not in found:
            found.append(number)
    return found


def _first_key(value: Any) -> int:
    try:
        first = value[0]
        return _number(first.key if type(first) is _Reference else first["key"])
    except (TypeError, KeyError, IndexError):
        return 0


def _number(key: Any) -> int:
    """The number in a key such as /works/OL12W; 0 if there is none, or a larger one than there can be."""
    if not isinstance(key, str) or (found := _NUMBER.fullmatch(key)) is None:
        return 0
    number = int(found[1])
    return number if number < MAX_NUMBER_COUNT else 0


def _number_of_key(key: bytes) -> int:
    """As `_number`, for a key as a line has it."""
    found = _NUMBER_IN_BYTES.fullmatch(key)
    number = int(found[1]) if found else 0
    return number if number < MAX_NUMBER_COUNT else 0


def _date(value: Any) -> int:
    return _date_of_text(value) if isinstance(value, str) and len(value) < 60 else rows.date_number(fields.date(value))


@lru_cache(CACHE_SIZE)
def _date_of_text(printed: str) -> int:
    return rows.date_number(fields.date(printed))


def _language(value: Any) -> str:
    first = _first(value)
    if type(first) is _Reference:
        key: Any = first.key
    else:
        key = first.get("key") if isinstance(first, dict) else first
    return _language_of_key(key) if isinstance(key, str) and len(key) < 60 else ""


@lru_cache(CACHE_SIZE)
def _language_of_key(key: str) -> str:
    return language(key)
