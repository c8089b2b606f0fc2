"""Reads the questions of a list, one a line: a book's title and author, with what else is known of it."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from alexandria.catalogue.models import Candidate, Isbn13
from alexandria.core import errors
from alexandria.core.escaping import inert_json
from alexandria.core.grammar import counted
from alexandria.core.lazy_model import LazyModel
from alexandria.core.month import LAST_YEAR
from alexandria.providers import fields
from alexandria.providers.client import storable

MAX_TEXT_LENGTH = 500  # characters of a title or name
MAX_ISBNS_OF_A_BOOK = 4  # that are checked
MAX_SHOWN_LENGTH = 60  # characters of a misprint in a reason
DIGITS_OF_A_MISPRINT = range(9, 16)  # with fewer or more it was never meant for an ISBN
ISBN_KEYS = ("isbn13", "isbn", "isbn10", "isbns")
MAX_MISTAKES = 20  # that are reported
_DETAIL = re.compile(r" \(.*\)$", re.DOTALL)  # where in the line JSON breaks off
REFUSED = "refused"  # the verdict on a line that cannot be read

Id: TypeAlias = str | int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one line: `verdict` accept, doubt, refuse, or refused if it could not be read.

    `score` is that of the accepted record, else of the best one considered: a probability in per cent.
    """

    id: Id
    isbn13: str | None
    verdict: str
    score: float
    source: str
    reasons: Sequence[str]

    @property
    def line(self) -> bytes:
        return inert_json(json.dumps(dataclasses.asdict(self), ensure_ascii=False)).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Question:
    """A book to resolve. `isbns` are those that the list gives for it, `misread` a text in their place that is none."""

    id: Id
    candidate: Candidate
    isbns: tuple[Isbn13, ...] = ()
    misread: str = ""


class Readable(Protocol):
    """A line, row or entry of a list, with its number from 1."""

    @property
    def number(self) -> int: ...

    def read(self) -> Question | Answer:
        """The question, or the answer that names what is wrong with it, field by field."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of JSON with its number from 1. `columns` names the key of a field whose name is another."""

    number: int
    text: bytes
    columns: Mapping[str, str] = field(default_factory=dict)

    def read(self) -> Question | Answer:
        try:
            data = storable(json.loads(self.text))
        except (ValueError, RecursionError) as broken:
            return refused(self.number, None, [f"not JSON in UTF-8 ({broken})"])
        if not isinstance(data, dict):
            return refused(self.number, None, ["not a JSON object"])
        data |= {name: data.get(key) for name, key in self.columns.items()}
        try:
            asked = _Query.model_validate(data)
        except ValidationError as invalid:
            problems = invalid.errors(include_input=False, include_url=False, include_context=False)
            found = [f"{problem['loc'][0]}: {errors.in_words(problem)}" for problem in problems]
            return refused(self.number, data.get("id"), found)
        isbns, misread = given_isbns(value for name in ISBN_KEYS for value in leaves(data.get(name)))
        return Question(asked.id, Candidate(asked.title, asked.author, asked.year, asked.month), isbns, misread)


def _label(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("should be a text or a whole number")  # noqa: TRY004 # the one error that pydantic reports
    return value


def _words(value: str) -> str:
    words = fields.text(value)
    if not words:
        raise ValueError("is empty")
    if len(words) > MAX_TEXT_LENGTH:
        raise ValueError(f"is longer than {MAX_TEXT_LENGTH} characters")
    return words


Text = Annotated[StrictStr, AfterValidator(_words)]


class _Query(LazyModel):
    """A line as it should be. Other fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    id: Annotated[str | int, BeforeValidator(_label)]
    title: Text
    author: Text
    year: Annotated[StrictInt, Field(ge=1, le=LAST_YEAR)] | None = None
    month: Annotated[StrictInt, Field(ge=1, le=12)] | None = None

    @field_validator("month")
    @classmethod
    def _of_a_year(cls, value: int | None, others: ValidationInfo) -> int | None:
        if value is not None and "year" in others.data and others.data["year"] is None:
            raise ValueError("means nothing without a year")
        return value


def lines_of(text: bytes, columns: Mapping[str, str] | None = None) -> list[Line]:
    """Return the lines that are not blank."""
    return [Line(number, line, columns or {}) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def read(line: Readable) -> Question | Answer:
    """Return the question of a line, or the answer that names what is wrong with it."""
    return line.read()


def mistakes(lines: Sequence[Readable]) -> list[str]:
    """One sentence for each mistake in a list, with the number of lines that have it. Raises BadInput if all have one."""
    places: dict[str, list[int]] = {}
    for line in lines:
        answer = line.read()
        for reason in answer.reasons if isinstance(answer, Answer) else ():
            mistake = _DETAIL.sub("", reason.removeprefix(refusal(line.number)))
            places.setdefault(mistake, []).append(line.number)
    for mistake, numbers in places.items():
        if len(numbers) == len(lines) > 1:
            raise errors.BadInput(
                f"no line of the list can be read: {mistake}", hint="--map FIELD=COLUMN names a column"
            )
    return [
        f"{counted(len(numbers), 'line')} cannot be read, the first is line {numbers[0]}: {mistake}"
        for mistake, numbers in places.items()
    ][:MAX_MISTAKES]


def given_isbns(printed: Iterable[Any]) -> tuple[tuple[Isbn13, ...], str]:
    """The ISBNs in what a list prints as such, and the first text that looks like one and is none."""
    values = itertools.islice(printed, fields.MAX_VALUES)
    texts = [str(value) for value in values if isinstance(value, str | int) and not isinstance(value, bool)]
    found = tuple(dict.fromkeys(isbn for text in texts for isbn in Isbn13.all_in(text)))
    wrong = next((text for text in texts if sum(map(str.isdigit, text)) in DIGITS_OF_A_MISPRINT), "")
    return found[:MAX_ISBNS_OF_A_BOOK], "" if found else fields.text(wrong)[:MAX_SHOWN_LENGTH]


def leaves(value: Any) -> Iterator[Any]:
    """The single values of a list or object, as some programs write several ISBNs."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value[: fields.MAX_VALUES]:
            yield from leaves(one) if isinstance(one, dict) else (one,)
    else:
        yield value


def read_one(title: str, author: str, year: int | None) -> Candidate:
    """Return the candidate of one book, checked like a line of a list. Raises BadInput, which names the field."""
    try:
        asked = _Query.model_validate(storable({"id": 1, "title": title, "author": author, "year": year}))
    except ValidationError as invalid:
        problem = invalid.errors(include_input=False, include_url=False, include_context=False)[0]
        raise errors.BadInput(
            f"{problem['loc'][0]}: {errors.in_words(problem)}",
            hint=f"title and author have 1 to {MAX_TEXT_LENGTH} characters, a year is 1 to {LAST_YEAR}",
        ) from None
    return Candidate(asked.title, asked.author, asked.year)


def refused(number: int, id_: Any, problems: Sequence[str]) -> Answer:
    """The answer to line `number`, which cannot be read because of `problems`."""
    usable = id_ if isinstance(id_, str | int) and not isinstance(id_, bool) else None
    return Answer(usable, None, REFUSED, 0.0, "", [f"{refusal(number)}{problem}" for problem in problems])


def refusal(number: int) -> str:
    """How the reasons of a refusal of line `number` begin."""
    return f"line {number}: "
