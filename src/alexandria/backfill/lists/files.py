"""Reads a list of books in the forms that programs export and people save: tables, JSON arrays, JSON lines."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, overload

from alexandria.backfill.lists import questions
from alexandria.backfill.lists.columns import Columns, columns_of, recognised
from alexandria.backfill.lists.questions import Answer, Id, Line, Question
from alexandria.catalogue.models import Candidate, Isbn13
from alexandria.core.errors import BadInput
from alexandria.core.month import LAST_YEAR
from alexandria.providers import fields
from alexandria.providers.client import storable

Form = Literal["lines", "table", "array", "object"]
DELIMITERS = ("\t", ";", ",", "|")
MAX_CELL_LENGTH = 1 << 24  # characters; a review may be long
MAX_NAMES_LENGTH = 4000  # characters of a cell with authors that are read
SAMPLE_LENGTH = 4096  # bytes from which an encoding without a mark is guessed
OTHER_FILES = {
    b"PK\x03\x04": "an Excel or zip file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"\x1f\x8b": "a compressed file",
    b"%PDF": "a PDF file",
    b"SQLite": "a database",
}
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"), (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
_FORMULA = re.compile(r'\s*="(.*)"\s*', re.DOTALL)  # Excel's way to keep a number as text
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
_SEVERAL = re.compile(r"(?<!\s)\s*[;|&\n]\s*|(?<!\s)\s+(?:and|und|et|y)\s+(?=\S+\s+\S)")
_WHOLE = re.compile(r"\d{1,4}(?:[.,]0+)?")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the characters of a file are written: its codec, and the byte-order mark in front."""

    codec: str = "utf-8"
    mark: bytes = b""

    def encode(self, text: str) -> bytes:
        return text.encode(self.codec, "replace")


@dataclass(frozen=True, slots=True)
class TableForm:
    """How a table is written. `prelude` is Excel's line that names the delimiter; `quoted`: cells may be in quotes."""

    delimiter: str = ","
    newline: str = "\r\n"
    quoted: bool = True
    prelude: str = ""
    encoding: Encoding = field(default_factory=Encoding)


@dataclass(frozen=True, slots=True)
class Row:
    """A book of a table or a JSON array, with the number of its line or entry, from 1.

    `key` is that of a JSON object, `entry` the JSON object itself, `flaw` why the cells cannot be separated.
    """

    number: int
    values: Sequence[Any]
    columns: Columns
    key: str = ""
    entry: Mapping[str, Any] | None = None
    flaw: str = ""

    def read(self) -> Question | Answer:
        """The question, or the answer that names what is wrong with the row."""
        title, subtitle = self._text("title"), self._text("subtitle")
        author = self._author()
        full = f"{title}: {subtitle}" if subtitle and subtitle.casefold() not in title.casefold() else title
        problems = [self.flaw] if self.flaw else [_problem("title", title), _problem("author", author)]
        if any(problems):
            return questions.refused(self.number, self.id, list(filter(None, problems)))
        year, month = self._date()
        isbns, misread = self._isbns()
        text = full if len(full) <= questions.MAX_TEXT_LENGTH else title
        return Question(self.id, Candidate(text, author, year, month), isbns, misread)

    @property
    def id(self) -> Id:
        found = next(iter(self._values("id")), self.key or None)
        return found if isinstance(found, int) and not isinstance(found, bool) else str(found) if found else None

    def _values(self, name: str) -> Iterator[Any]:
        """What the row holds in the columns of a field, the better one first, empty cells left out."""
        for at in self.columns[name]:
            value = unwrapped(self.values[at]) if at < len(self.values) else None
            if value not in (None, "", [], {}):
                yield value

    def _text(self, name: str) -> str:
        return next(filter(None, map(_words, self._values(name))), "")

    def _author(self) -> str:
        """The first of the row's authors; of a single text in parts, its first part."""
        for value in self._values("author"):
            first = value[0] if isinstance(value, list) else value
            if isinstance(first, dict):
                first = next((first[key] for key in ("name", "fl", "lf", "author") if first.get(key)), "")
            words = _words(_SEVERAL.split(first[:MAX_NAMES_LENGTH], maxsplit=1)[0] if isinstance(first, str) else first)
            if words:
                return words
        return ""

    def _date(self) -> tuple[int | None, int | None]:
        """Year and month, as far as they can be read: they are a help and never a reason to refuse."""
        for value in self._values("year"):
            text = _words(value)
            found = fields.padded_date(str(int(float(text.replace(",", ".")))) if _WHOLE.fullmatch(text) else text)
            if found is not None and 1 <= found.year <= LAST_YEAR:
                named = next(
                    (int(float(month)) for month in map(_words, self._values("month")) if _WHOLE.fullmatch(month)), 0
                )
                return found.year, named if 1 <= named <= 12 else found.month
        return None, None

    def _isbns(self) -> tuple[tuple[Isbn13, ...], str]:
        printed = (one for value in self._values("isbn") for one in questions.leaves(value))
        return questions.given_isbns(map(_words, printed))


class Rows(Sequence[Row]):
    """The books of a table. Each is made when it is asked for: a list may have millions of lines."""

    def __init__(self, records: Sequence[tuple[int, list[str]]], header: Sequence[str], columns: Columns) -> None:
        self._records, self._header, self._columns = records, header, columns

    def __len__(self) -> int:
        return len(self._records)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> Rows: ...
    def __getitem__(self, at: int | slice) -> Row | Rows:
        if isinstance(at, slice):
            return Rows(self._records[at], self._header, self._columns)
        number, cells = self._records[at]
        return Row(number, cells, self._columns, flaw=_flaw(cells, self._header))


@dataclass(frozen=True, slots=True)
class BookList:
    """A list that was read: its form, the names of its columns, and its books in their order."""

    form: Form
    header: tuple[str, ...]
    lines: Sequence[Line | Row]
    table: TableForm = field(default_factory=TableForm)

    def originals(self, line: Line | Row) -> dict[str, Any]:
        """A book's own columns by name; of a line of JSON its own fields."""
        if isinstance(line, Row):
            cells = [*line.values, *[""] * (len(self.header) - len(line.values))]
            return dict(line.entry) if line.entry is not None else dict(zip(self.header, cells, strict=False))
        data = loaded(line.text)
        return data if isinstance(data, dict) else {}


def read(content: bytes, columns: Mapping[str, str]) -> BookList:
    """The list in `content`; `columns` are named by hand. Raises BadInput with one sentence if it is no list of books."""
    for start, name in OTHER_FILES.items():
        if content.startswith(start):
            raise BadInput(f"the list is {name}", hint="save it as CSV, TSV or JSON, not compressed")
    text, encoding = decoded(content)
    begin = text.lstrip()[:1]
    if begin == "[" or (begin == "{" and _is_object(text)):
        return _json(text, columns)
    if begin in ("{", ""):
        plain = text.encode() if encoding.codec.startswith(("utf-16", "utf-32")) else content
        lines = questions.lines_of(plain, columns)
        return _rows_of_lines(lines, columns) or BookList("lines", (), lines)
    return _table(text, encoding, columns)


def decoded(content: bytes) -> tuple[str, Encoding]:
    """The text of a file, by its mark, as UTF-8, as UTF-16 without a mark, or else as Windows writes western languages."""
    for mark, codec in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(codec, "replace"), Encoding(codec, mark)
    sample = content[:SAMPLE_LENGTH]
    for codec, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        if zeros and zeros.count(0) > len(zeros) // 2:
            return content.decode(codec, "replace"), Encoding(codec)
    try:
        return content.decode(), Encoding()
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252"), Encoding("cp1252")
    except UnicodeDecodeError:
        return content.decode("latin-1"), Encoding("latin-1")


def unwrapped(value: Any) -> Any:
    """A cell without Excel's formula around a text."""
    found = _FORMULA.fullmatch(value) if isinstance(value, str) and "=" in value[:8] else None
    return found[1].replace('""', '"') if found else value


def loaded(text: str | bytes) -> Any:
    """JSON data; None if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _words(value: Any) -> str:
    """A value as one line of text; a whole number without its decimals."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    plain = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    return fields.text(storable(plain)) if isinstance(plain, str) else ""


def _problem(name: str, text: str) -> str:
    if not text:
        return f"{name}: is empty"
    too_long = len(text) > questions.MAX_TEXT_LENGTH
    return f"{name}: is longer than {questions.MAX_TEXT_LENGTH} characters" if too_long else ""


def _is_object(text: str) -> bool:
    """Whether the text is one JSON object of several books, as LibraryThing exports them, and not JSON lines."""
    first = loaded(text.lstrip().split("\n", 1)[0])
    whole = loaded(text) if first is None or _holds_books(first) else None
    return _holds_books(whole)


def _holds_books(data: Any) -> bool:
    return isinstance(data, dict) and bool(data) and all(isinstance(value, dict) for value in data.values())


def _json(text: str, columns: Mapping[str, str]) -> BookList:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as broken:
        raise BadInput(f"the list is not JSON: {broken}", hint="a JSON array of objects, or JSON lines") from None
    entries = list(data.items()) if isinstance(data, dict) else [("", entry) for entry in data]
    wrong = next((number for number, (_, entry) in enumerate(entries, 1) if not isinstance(entry, dict)), None)
    if wrong is not None:
        raise BadInput(
            f"entry {wrong} of the JSON array is no object", hint='each is like {"title": "T", "author": "A"}'
        )
    header = tuple(dict.fromkeys(name for _, entry in entries for name in entry))
    found = columns_of(header, columns) if entries else Columns({})
    rows = [
        Row(number, [entry.get(name) for name in header], found, key, entry)
        for number, (key, entry) in enumerate(entries, 1)
    ]
    return BookList("object" if isinstance(data, dict) else "array", header, rows)


def _rows_of_lines(lines: Sequence[Line], columns: Mapping[str, str]) -> BookList | None:
    """JSON lines of another make than ours: objects of which none has an id. Else None."""
    entries = [loaded(line.text) for line in lines]
    if not entries or not all(isinstance(entry, dict) and "id" not in entry for entry in entries):
        return None
    header = tuple(dict.fromkeys(name for entry in entries for name in entry))
    found = columns_of(header, columns)
    rows = [
        Row(line.number, [entry.get(name) for name in header], found, entry=entry)
        for line, entry in zip(lines, entries, strict=True)
    ]
    return BookList("lines", header, rows)


def _table(text: str, encoding: Encoding, columns: Mapping[str, str]) -> BookList:
    prelude = _SEPARATOR_LINE.match(text)
    body = text[prelude.end() :] if prelude else text
    newline = "\r\n" if "\r\n" in body[:MAX_CELL_LENGTH] else "\n"
    delimiter = prelude[1] if prelude else _delimiter(body, columns)
    form = TableForm(delimiter, newline, True, prelude[0] if prelude else "", encoding)
    records = list(records_of(body, form))
    if _misquoted(body, form) or (delimiter == "\t" and _ragged(records)):
        unquoted = TableForm(delimiter, newline, False, form.prelude, encoding)
        plain = list(records_of(body, unquoted))
        if not _ragged(plain):
            form, records = unquoted, plain
    if not records:
        return BookList("table", (), (), form)
    header = tuple(records[0][1])
    found = columns_of(header, columns)
    return BookList("table", header, Rows(records[1:], header, found), form)


def _flaw(cells: Sequence[str], header: Sequence[str]) -> str:
    """Why a row's cells belong to no columns: it has more of them, as with a delimiter in a title without quotes."""
    surplus = any(cell.strip() for cell in cells[len(header) :])
    return f"row: has {len(cells)} cells, and the header has {len(header)}" if surplus else ""


def records_of(text: str, form: TableForm) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table that are not blank, each with the number of the line on which it begins."""
    csv.field_size_limit(MAX_CELL_LENGTH)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if form.quoted else csv.QUOTE_NONE
    shift = 2 if form.prelude else 1
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter, quoting=quoting)
    before = 0
    try:
        for cells in lines:
            if (cells and cells[0].strip()) or any(map(str.strip, cells)):
                yield before + shift, cells
            before = lines.line_num
    except csv.Error as broken:
        raise BadInput(f"line {before + shift} of the table cannot be read: {broken}") from None


def _delimiter(body: str, columns: Mapping[str, str]) -> str:
    """The delimiter by which the header has the most columns with a usual name, then the most columns."""
    beginning = body.lstrip("\r\n")

    def fitness(delimiter: str) -> tuple[int, int]:
        header = next(records_of(beginning, TableForm(delimiter)), (0, [""]))[1]
        return len(recognised(header, columns)), len(header)

    return max(DELIMITERS, key=fitness)


def _misquoted(text: str, form: TableForm) -> bool:
    """Whether quotes do not enclose whole cells, as where they are part of a title."""
    if '"' not in text:
        return False
    try:
        deque(csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter, strict=True), maxlen=0)
    except csv.Error:
        return True
    return False


def _ragged(records: Sequence[tuple[int, list[str]]]) -> bool:
    """Whether a row has another number of cells than the header, which quotes that quote nothing may lead to."""
    return any(len(cells) != len(records[0][1]) for _, cells in records)
