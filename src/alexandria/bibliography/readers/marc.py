"""Reads MARC 21 records in transmission format, as libraries and our own export give them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, cast

from pymarc import Field, MARCReader, Record

from alexandria.bibliography import rows
from alexandria.bibliography.readers.streams import InputFile
from alexandria.bibliography.rows import BookRow, Limits, Tally, isbn_number
from alexandria.catalogue.languages import language
from alexandria.catalogue.matching.names import natural
from alexandria.catalogue.models import OtherTitle
from alexandria.providers import fields

FIRST_BYTES = re.compile(rb"\d{5}[a-z ][a-z][a-z ].{2}[ \d]\d{2}", re.DOTALL)
BATCH_SIZE = 1000  # rows that are given together
_PUNCTUATION = " /:;,="
_PAGES = re.compile(r"(\d{1,5})\s*(?:p\b|pages?\b|S\b|s\.)")
_RELATED = frozenset({"edt", "trl", "ill", "nrt"})
_TITLE, _UNIFORM_TITLES, _VARYING_TITLE, _ORIGINAL_ENTRY, _OTHER_SCRIPT = "245", ("130", "240"), "246", "765", "880"
_OTHER_TITLES = (*_UNIFORM_TITLES, _VARYING_TITLE, _ORIGINAL_ENTRY)
_PORTION = "0"  # the second indicator of a varying title that is only a part of the title
_HEAD_OF_TITLE = "at head of title"  # where bodies and series stand
# Uniform titles that cataloguers make for collections: no book is known by them.
_COLLECTIVE = frozenset(
    {
        "correspondence",
        "drama",
        "essays",
        "fiction",
        "novels",
        "plays",
        "poems",
        "poetry",
        "prose works",
        "selections",
        "short stories",
        "speeches",
        "stories",
        "works",
    }
)


def records(file: InputFile, limits: Limits, tally: Tally) -> Iterator[list[BookRow]]:
    """Yield the rows of the records that name an ISBN. A record that cannot be read is left out and counted."""
    found: list[BookRow] = []
    with file.readable():
        for record in MARCReader(
            cast("BinaryIO", file.content), to_unicode=True, permissive=True, utf8_handling="replace"
        ):
            tally.lines += 1
            if record is None:
                tally.left_out["unreadable record"] += 1
                continue
            found += _rows(record, limits, tally)
            if len(found) >= BATCH_SIZE:
                yield found
                found = []
    yield found


def _rows(record: Record, limits: Limits, tally: Tally) -> Iterator[BookRow]:
    tally.editions += 1
    isbns = [
        isbn for field in record.get_fields("020") for text in field.get_subfields("a") if (isbn := isbn_number(text))
    ]
    name = record.get("245")
    title = _part(name, "a")[: rows.MAX_TITLE_LENGTH]
    subtitle = _part(name, "b")[: rows.MAX_SUBTITLE_LENGTH]
    if not isbns or not title:
        tally.left_out["no ISBN" if title else "no title"] += 1
        return
    fixed = record["008"].data or "" if "008" in record else ""
    printed = _part(_first(record, "264", "260"), "c")
    found = _PAGES.search(_part(record.get("300"), "a"))
    row = BookRow(
        isbns[0],
        title,
        rows.BETWEEN_NAMES.join(_authors(record))[: rows.MAX_AUTHORS_LENGTH],
        subtitle,
        published=_date(fixed, printed),
        language=language(_part(record.get("041"), "a")[:3] or fixed[35:38]),
        binding=_part(record.get("020"), "q")[: rows.MAX_BINDING_LENGTH],
        pages=fields.pages(found[1]) or 0 if found else 0,
        publisher=_part(_first(record, "264", "260"), "b")[: rows.MAX_PUBLISHER_LENGTH],
        others=rows.other_titles(_other_titles(record), title, subtitle),
    )
    if objection := limits.objection(row):
        tally.left_out[objection] += 1
        return
    for isbn in dict.fromkeys(isbns):
        yield row._replace(isbn13=isbn)


def _date(fixed: str, printed: str) -> int:
    """The date of the fixed field where it is exact, else as it is printed, else the year of the fixed field."""
    exact = fields.date(fixed[7:15].strip()) if fixed[6:7] == "e" else None
    return rows.date_number(exact or fields.date(printed.strip(" .[]")) or fields.date(fixed[7:11]))


def _first(record: Record, *tags: str) -> Field | None:
    return next((field for tag in tags for field in record.get_fields(tag)), None)


def _part(field: Field | None, code: str) -> str:
    """A subfield without the punctuation that cataloguers write between fields."""
    values = field.get_subfields(code) if field is not None and not field.control_field else []
    return fields.text(values[0]).rstrip(_PUNCTUATION) if values else ""


def _other_titles(record: Record) -> Iterator[OtherTitle]:
    """The original, uniform and varying titles, also as linked fields print them in another script."""
    codes = record["041"].get_subfields("h") if "041" in record else []
    original = language(codes[0]) if len(codes) == 1 else ""
    for field in record.get_fields(*_OTHER_TITLES, _OTHER_SCRIPT):
        tag = _part(field, "6")[:3] if field.tag == _OTHER_SCRIPT else field.tag
        if tag not in (_TITLE, *_OTHER_TITLES):
            continue
        if tag == _TITLE:
            yield OtherTitle(_part(field, "a"))
        elif tag == _ORIGINAL_ENTRY:
            yield OtherTitle((_part(field, "t") or _part(field, "s")).rstrip("."), original)
        elif tag in _UNIFORM_TITLES:
            if not field.get_subfields("k") and _part(field, "a").rstrip(".").lower() not in _COLLECTIVE:
                yield OtherTitle(_with_part(field), original)
        elif field.indicator2 != _PORTION and not _part(field, "i").lower().startswith(_HEAD_OF_TITLE):
            yield OtherTitle(_with_part(field))


def _with_part(field: Field) -> str:
    """A title with the number and the name of its part."""
    return ". ".join(filter(None, (_part(field, code).rstrip(".") for code in "anp")))


def _authors(record: Record) -> list[str]:
    """The names in natural order, without editors, translators and illustrators."""
    found = [
        natural(_part(field, "a")).replace("|", " ")
        for field in record.get_fields("100", "110", "700", "710")
        if not _RELATED & {part[-3:] for part in field.get_subfields("4")}
    ]
    return [*fields.names(found)]
