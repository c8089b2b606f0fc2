"""Reads the fields of a source's record: titles, names, dates and numbers as printed, in whatever type they come."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date as calendar_date
from typing import Annotated, Any

import structlog
from pydantic import PlainValidator

from alexandria.catalogue.languages import language
from alexandria.catalogue.matching.folding import fold
from alexandria.catalogue.matching.names import plain as plain_name
from alexandria.catalogue.models import EditionRecord, Isbn13, PartialDate
from alexandria.core.month import NAMES

log = structlog.get_logger(__name__)

MIN_YEAR, MAX_YEAR = 1000, 2100  # years outside are misprints
MAX_PAGES = 50_000
MAX_TEXT_LENGTH = 4000  # characters of a field that are read; no title or name comes near
MAX_NAME_LENGTH = 300  # characters; what is longer is no name
MAX_RECORDS = 1000  # of one answer that are read; none is asked for as many
MAX_VALUES = 300  # entries of a list that are read
MAX_NAMES = 100  # people of one record
MAX_OTHERS = 100  # titles of one work, or names of its authors, beside those printed; a classic has hundreds
MAX_ISBNS = 2000  # of a list; a popular work has thousands
MAX_ISBNS_LENGTH = 20_000  # characters of the texts of a list that are more than digits: a thousand with hyphens
MONTHS = {name[:3].lower(): number for number, name in enumerate(NAMES, start=1)}
MONTH = f"(?P<name>sept|{'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in NAMES)})"
YEAR = r"(?P<year>\d{4})"
DATES = [
    re.compile(pattern, re.IGNORECASE | re.ASCII)
    for pattern in (
        rf"{YEAR}[-/.](?P<month>\d\d?)(?:[-/.](?P<day>\d\d?))?(?:[T ].*)?",  # 2017-11-30, 1983-10, 2010-01-01T00:00:00Z
        rf"{YEAR}(?P<month>\d\d)(?P<day>\d\d)",  # 20171130
        rf"{MONTH}\.?,? (?:(?P<day>\d\d?)(?:st|nd|rd|th)?,? )?{YEAR}",  # July 1982; April 22, 2008
        rf"(?:(?P<day>\d\d?)(?:st|nd|rd|th)?\.? )?{MONTH}\.?,? {YEAR}",  # 22 April 2008
        rf"{YEAR},? {MONTH}\.?(?: (?P<day>\d\d?))?",  # 2008 Apr 22
    )
]
A_YEAR = re.compile(r"(?<!\d)(?P<copyright>(?:\b(?:c|cop|p)|copyright|©|℗)\.? ?)?(?P<year>\d{4})(?!\d)", re.IGNORECASE)
SPAN = re.compile(r"\d{4}\??\]? ?(?:[-–—/]|to|or|and) ?\[?c?\d{4}")  # "c1998-2003": one of these, or all
CORRECTED = re.compile(r"\bi\. ?e\.,? (?P<year>\d{4})(?!\d)", re.IGNORECASE)  # "2003 [i.e. 2004]"
UNTIDY = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
LONG_REFERENCE = re.compile(r"&#([0-9]{8,}+);?")  # Python refuses to read one of 4,300 digits
BRACKETS = {"(": ")", "[": "]", "{": "}"}


def text(value: object) -> str:
    """One line without entities, control characters, lone surrogates and doubled blanks; "" for what is not text.

    At most MAX_TEXT_LENGTH characters of it.
    """
    if not isinstance(value, str):
        return ""
    plain = value[: 10 * MAX_TEXT_LENGTH]  # an entity is longer than its character
    if "&" in plain:
        plain = html.unescape(LONG_REFERENCE.sub(_shorter, plain))
    return UNTIDY.sub(" ", plain).strip()[:MAX_TEXT_LENGTH].rstrip()


def _shorter(reference: re.Match[str]) -> str:
    """The same character, by a number of few digits; the sign of an unknown one if there is none."""
    digits = reference[1].lstrip("0")
    return f"&#{digits};" if len(digits) < 8 else "\ufffd"


def texts(value: object) -> tuple[str, ...]:
    """The non-empty texts of a list, or of a lone text, without repetition."""
    many = value[:MAX_VALUES] if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(filter(None, map(text, many))))


def parts(printed: str, separator: str) -> list[str]:
    """What `separator` parts, outside brackets: "A / B (C / D)" is "A" and "B (C / D)" at " / ".

    Brackets that are not closed are none.
    """
    last = {opening: printed.rfind(closing) for opening, closing in BRACKETS.items()}
    found, opened, depth, begin = [], "", 0, 0
    for token in re.finditer(rf"[()\[\]{{}}]|{re.escape(separator)}", printed):
        if not opened and token.start() < last.get(token[0], -1):
            opened, depth = token[0], 1
        elif opened and token[0] in {opened, BRACKETS[opened]}:
            depth += 1 if token[0] == opened else -1
            opened = opened if depth else ""
        elif not opened and token[0] == separator:
            found.append(printed[begin : token.start()])
            begin = token.end()
    return printed.split(separator) if opened else [*found, printed[begin:]]


def first_text(value: object) -> str:
    return next(iter(texts(value)), "")


def names(value: object) -> tuple[str, ...]:
    """People as printed, one each, without roles and dates of life; several in one text are parted at semicolons."""
    printed = [part for one in texts(value) for part in parts(one, ";") if len(part) <= MAX_NAME_LENGTH]
    return tuple(dict.fromkeys(filter(None, map(plain_name, printed[:MAX_VALUES]))))[:MAX_NAMES]


def others(found: Iterable[str], printed: Iterable[str]) -> tuple[str, ...]:
    """The titles or names that a source knows besides those that a record prints, each once whatever its capitals."""
    known = {fold(text) for text in itertools.islice(printed, MAX_VALUES)}
    kept: list[str] = []
    for text in found:
        if len(kept) == MAX_OTHERS:
            break
        if (folded := fold(text)) not in known:
            known.add(folded)
            kept.append(text)
    return tuple(kept)


def date(value: object) -> PartialDate | None:
    """As precise as it is printed; None if no year can be read. A day that no calendar has is dropped.

    A year of copyright counts if no other is printed: "2003, c1998" is 2003. One with a question mark is the likely one.
    """
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, int) and not isinstance(value, bool):
        value = f"{value:04d}" if 0 <= value < 10**8 else ""
    printed = text(value)
    for pattern in DATES:
        found = pattern.fullmatch(printed)
        if found:
            return _date(found.groupdict())
    corrected = CORRECTED.search(printed)
    if corrected:
        return _date({"year": corrected["year"]})
    found_years = list(A_YEAR.finditer(printed))
    years = {found["year"] for found in found_years}
    if not SPAN.search(printed):
        years = {found["year"] for found in found_years if not found["copyright"]} or years
    return _date({"year": years.pop()}) if len(years) == 1 else None


def _date(part: dict[str, Any]) -> PartialDate | None:
    year, day = int(part["year"]), int(part.get("day") or 0)
    month = MONTHS[part["name"][:3].lower()] if part.get("name") else int(part.get("month") or 0)
    if not MIN_YEAR <= year <= MAX_YEAR:
        return None
    if not 1 <= month <= 12:
        return PartialDate(year)
    try:
        return PartialDate(year, month, calendar_date(year, month, day).day)
    except ValueError:
        return PartialDate(year, month)


def padded_date(value: object) -> PartialDate | None:
    """As `date`, from a source that writes 1 January when it knows only the year."""
    found = date(value)
    return PartialDate(found.year) if found and (found.month, found.day) == (1, 1) else found


def year(value: object) -> int | None:
    found = date(value)
    return found.year if found else None


def pages(value: object) -> int | None:
    """A number of pages; None for an empty list, zero or prose."""
    number = int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value) else value
    if isinstance(number, int) and not isinstance(number, bool) and 0 < number <= MAX_PAGES:
        return number
    return None


def isbns(value: object) -> tuple[Isbn13, ...]:
    """Every ISBN of a list, or of a lone text, once, in its order."""
    found: dict[Isbn13, None] = {}
    left = MAX_ISBNS_LENGTH
    for one in value[:MAX_ISBNS] if isinstance(value, list) else [value]:
        found |= dict.fromkeys(Isbn13.all_in(one))
        left -= len(one) if isinstance(one, str) and not one.isdigit() else 0
        if left < 0:
            break
    return tuple(found)[:MAX_ISBNS]


def only_isbn(found: Sequence[Isbn13]) -> Isbn13 | None:
    """The ISBN of a record that names one. Several are of several editions, and which is meant cannot be known."""
    return found[0] if len(set(found)) == 1 else None


def isbn(value: object) -> Isbn13 | None:
    return Isbn13.read(value)


Text = Annotated[str, PlainValidator(text)]
FirstText = Annotated[str, PlainValidator(first_text)]
Texts = Annotated[tuple[str, ...], PlainValidator(texts)]
Names = Annotated[tuple[str, ...], PlainValidator(names)]
Date = Annotated[PartialDate | None, PlainValidator(date)]
PaddedDate = Annotated[PartialDate | None, PlainValidator(padded_date)]
Year = Annotated[int | None, PlainValidator(year)]
Pages = Annotated[int | None, PlainValidator(pages)]
Isbn = Annotated[Isbn13 | None, PlainValidator(isbn)]
Isbns = Annotated[tuple[Isbn13, ...], PlainValidator(isbns)]
Language = Annotated[str, PlainValidator(language)]


@dataclass(frozen=True, slots=True)
class UnusableRecord:
    """A record that cannot be an edition of a book, and why. The other records are still used."""

    provider: str
    id: str
    reason: str


def usable(read: Iterable[EditionRecord | UnusableRecord]) -> list[EditionRecord]:
    """The hits among records that were read, each ISBN of a provider once; the refusals go to the log.

    A number under two titles, such as a set's in the record of each volume, is in both: it proves neither.
    """
    hits: dict[object, EditionRecord] = {}
    for one in read:
        if isinstance(one, UnusableRecord):
            log.debug("record refused", provider=one.provider, id=one.id, reason=one.reason)
        else:
            hits.setdefault((one.isbn13, fold(one.title)) if one.isbn13 else one.source.id, one)
    return list(hits.values())
