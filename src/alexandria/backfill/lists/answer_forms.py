"""The forms in which answers to a list are written: the list's own, with columns added, or the one that a file's name asks for."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from alexandria.backfill.lists.files import BookList, Form, Row, TableForm, loaded, records_of
from alexandria.backfill.lists.questions import REFUSED, Answer, Line, refusal
from alexandria.core.escaping import inert_json, inert_line

ADDED_COLUMNS = ("isbn13", "verdict", "score", "source", "reasons")
OWN_PREFIX = "alexandria_"  # of a column whose usual name the list has already
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")  # with these a cell begins that a spreadsheet would compute
BETWEEN_VALUES = " | "  # several values in one cell
FORM_OF_SUFFIX: dict[str, Form] = {
    ".csv": "table", ".tsv": "table", ".tab": "table", ".jsonl": "lines", ".ndjson": "lines", ".json": "array",
}  # fmt: skip
DELIMITER_OF_SUFFIX = {".tsv": "\t", ".tab": "\t"}


class AnswerForm(Protocol):
    """How answers are written: a head, an entry for each, something between two entries, and a tail."""

    head: bytes
    between: bytes
    tail: bytes

    def entry(self, line: Line | Row, answer: Answer) -> bytes: ...

    def entries(self, content: bytes) -> Iterator[bytes]:
        """The whole entries with which `content` begins; the head is cut off."""

    def verdict(self, entry: bytes, line: Line | Row) -> str | None:
        """The verdict of an entry that answers this line, or refuses the line in its place; else None."""


def form_of(books: BookList, target: Path | None) -> AnswerForm:
    """The form that the name of `target` asks for, else that of the list itself."""
    suffix = target.suffix.lower() if target is not None else ""
    wanted = FORM_OF_SUFFIX.get(suffix, books.form)
    if wanted == "lines":
        return OwnLines() if books.form == "lines" and not books.header else JsonEntries(books, "lines")
    if wanted != "table":
        return JsonEntries(books, books.form if books.form == "object" else "array")
    own = books.table
    if suffix in DELIMITER_OF_SUFFIX and own.delimiter != DELIMITER_OF_SUFFIX[suffix]:
        own = replace(own, delimiter=DELIMITER_OF_SUFFIX[suffix], quoted=True, prelude="")
    elif suffix == ".csv" and own.delimiter == "\t":
        own = replace(own, delimiter=",", quoted=True, prelude="")
    return TableRows(books, own)


class OwnLines:
    """A JSON line for each line of JSON: id, isbn13, verdict, score, source, reasons."""

    head = between = tail = b""

    def entry(self, _: Line | Row, answer: Answer) -> bytes:
        return answer.line

    def entries(self, content: bytes) -> Iterator[bytes]:
        return iter(_whole_lines(content))

    def verdict(self, entry: bytes, line: Line | Row) -> str | None:
        data = loaded(entry)
        if not isinstance(data, dict) or not data.keys() >= {"id", "isbn13", "verdict"}:
            return None
        return str(data["verdict"]) if data["id"] == line.read().id or _refused_there(data, line) else None


class JsonEntries:
    """A JSON object for each book: its own fields as they are, and the answer's. In lines, an array or an object."""

    def __init__(self, books: BookList, form: Form) -> None:
        self._books, self._form = books, form
        self._names = _free_names([*books.header])
        brackets = {"array": ("[\n", "\n]\n"), "object": ("{\n", "\n}\n")}
        head, tail = brackets.get(form, ("", ""))
        self.head, self.tail = head.encode(), tail.encode()
        self.between = b",\n" if head else b""

    def entry(self, line: Line | Row, answer: Answer) -> bytes:
        added = {self._names[name]: getattr(answer, name) for name in ADDED_COLUMNS}
        text = json.dumps(self._books.originals(line) | added, ensure_ascii=False)
        key = (
            f"{json.dumps(line.key, ensure_ascii=False)}: " if self._form == "object" and isinstance(line, Row) else ""
        )
        return inert_json(key + text).encode("utf-8", "replace") + (b"" if self.between else b"\n")

    def entries(self, content: bytes) -> Iterator[bytes]:
        if not self.between:
            yield from _whole_lines(content)
            return
        *lines, last = content.removesuffix(self.tail).split(b"\n")
        yield from (line.removesuffix(b",") for line in lines)
        if self._data(last) is not None:
            yield last

    def verdict(self, entry: bytes, line: Line | Row) -> str | None:
        data = self._data(entry) or {}
        answer = {name: data.get(self._names[name]) for name in ADDED_COLUMNS}
        added = set(self._names.values())
        own = {name: value for name, value in data.items() if name not in added}
        same = own == json.loads(json.dumps(self._books.originals(line)))
        return str(answer["verdict"]) if same or _refused_there(answer, line) else None

    def _data(self, entry: bytes) -> dict[str, Any] | None:
        data = loaded(b"{" + entry + b"}") if self._form == "object" else loaded(entry)
        if self._form == "object" and isinstance(data, dict):
            data = next(iter(data.values()), None)
        return data if isinstance(data, dict) else None


class TableRows:
    """A row for each book: its own cells as they are, in their order, and the answer's behind them."""

    between = tail = b""

    def __init__(self, books: BookList, form: TableForm) -> None:
        self._books, self._form = books, form
        own_lines = (name for line in books.lines for name in books.originals(line))
        self._header = list(books.header or dict.fromkeys(own_lines))
        names = _free_names(self._header)
        self.head = form.encoding.mark + self._bytes(form.prelude + self._row([*self._header, *names.values()]))

    def entry(self, line: Line | Row, answer: Answer) -> bytes:
        added = [answer.isbn13 or "", answer.verdict, f"{answer.score:g}", answer.source, "; ".join(answer.reasons)]
        own = self._own(line)
        width = len(self._header)
        return self._bytes(self._row([*own[:width], *map(_inert_cell, added), *own[width:]]))

    def entries(self, content: bytes) -> Iterator[bytes]:
        record = ""
        for line in io.StringIO(content.decode(self._form.encoding.codec, "replace"), newline=""):
            record += line
            if record.endswith(self._form.newline) and not (self._form.quoted and record.count('"') % 2):
                yield self._bytes(record)
                record = ""

    def verdict(self, entry: bytes, line: Line | Row) -> str | None:
        text = entry.decode(self._form.encoding.codec, "replace")
        cells = next((cells for _, cells in records_of(text, self._form)), [])
        width = len(self._header)
        answer = dict(zip(ADDED_COLUMNS, cells[width:], strict=False))
        held = [*cells[:width], *cells[width + len(ADDED_COLUMNS) :]]
        if len(answer) < len(ADDED_COLUMNS):
            return None
        there = _refused_there(answer | {"reasons": [answer["reasons"]]}, line)
        return answer["verdict"] if held == self._readable(line) or there else None

    def _own(self, line: Line | Row) -> list[str]:
        """The cells of a book's own columns, as many as the header has, then those that it has too many."""
        if isinstance(line, Row) and line.entry is None:
            return [*line.values, *[""] * (len(self._header) - len(line.values))]
        data = self._books.originals(line)
        return [_cell(data.get(name)) for name in self._header]

    def _readable(self, line: Line | Row) -> list[str]:
        """The same cells as they are when they were written and are read again."""
        text = self._bytes(self._row(self._own(line))).decode(self._form.encoding.codec, "replace")
        return next((cells for _, cells in records_of(text, self._form)), self._own(line))

    def _row(self, cells: Sequence[str]) -> str:
        if not self._form.quoted:
            return (
                self._form.delimiter.join(cell.replace(self._form.delimiter, " ") for cell in cells)
                + self._form.newline
            )
        line = io.StringIO()
        csv.writer(line, delimiter=self._form.delimiter, lineterminator=self._form.newline).writerow(cells)
        return line.getvalue()

    def _bytes(self, text: str) -> bytes:
        return self._form.encoding.encode(text)


def _free_names(own: Sequence[str]) -> dict[str, str]:
    """The names of the added columns: the usual ones, with a prefix where the list has such a column itself."""
    taken = {name.strip().casefold() for name in own}
    names = {}
    for name in ADDED_COLUMNS:
        free = name
        while free in taken:
            free = f"{OWN_PREFIX}{free}"
        names[name] = free
    return names


def _refused_there(answer: Mapping[str, Any], line: Line | Row) -> bool:
    """Whether an answer refuses whatever stood at this line before."""
    reasons = answer.get("reasons")
    first = str(reasons[0]) if isinstance(reasons, list) and reasons else ""
    return answer.get("verdict") == REFUSED and first.startswith(refusal(line.number))


def _whole_lines(content: bytes) -> list[bytes]:
    return content[: content.rfind(b"\n") + 1].splitlines(keepends=True)


def _cell(value: Any) -> str:
    """A value of JSON as the cell of a table."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = BETWEEN_VALUES.join(value)
    if value is None:
        return ""
    return _inert_cell(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _inert_cell(text: str) -> str:
    """A cell on one line that neither a terminal nor a spreadsheet takes for a command."""
    plain = inert_line(text)
    return f"'{plain}" if plain.startswith(FORMULA_SIGNS) else plain
