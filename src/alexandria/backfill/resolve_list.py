"""Resolves a long list of titles, some at once and answered in order, so that it can be stopped and continued."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Any, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from alexandria.backfill.resolve import look_up, recognise
from alexandria.backfill.source_selection import SourcePool, SourceSelector
from alexandria.catalogue.matching.scoring import ACCEPT, DOUBT, REFUSE
from alexandria.catalogue.models import Candidate, Resolution
from alexandria.core import errors
from alexandria.core.escaping import inert_json
from alexandria.core.month import LAST_YEAR
from alexandria.database.pool import Database
from alexandria.providers import fields
from alexandria.providers.client import storable

LOOKUP_CONCURRENCY = 16  # lines looked up together
SOURCE_RETRY_INTERVAL = 50  # lines after which sources that failed are tried again
MAX_TEXT_LENGTH = 500  # characters of a title or name
REFUSED = "refused"  # the verdict on a line that cannot be read

Id: TypeAlias = str | int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one line: `verdict` accept, doubt, refuse, or refused if it could not be read.

    `score` is that of the accepted record, else of the best one considered, 0 to 100.
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
class Line:
    """A line of the input with its number from 1."""

    number: int
    text: bytes


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


class _Query(BaseModel):
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


def lines_of(text: bytes) -> list[Line]:
    """Return the lines that are not blank."""
    return [Line(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def read(line: Line) -> tuple[Id, Candidate] | Answer:
    """Return the id and candidate of a line, or the answer that names what is wrong with it, field by field."""
    try:
        data = storable(json.loads(line.text))
    except (ValueError, RecursionError) as broken:
        return _refused(line, None, [f"not JSON in UTF-8 ({broken})"])
    if not isinstance(data, dict):
        return _refused(line, None, ["not a JSON object"])
    try:
        asked = _Query.model_validate(data)
    except ValidationError as invalid:
        problems = invalid.errors(include_input=False, include_url=False, include_context=False)
        found = [f"{problem['loc'][0]}: {errors.in_words(problem)}" for problem in problems]
        return _refused(line, data.get("id"), found)
    return asked.id, Candidate(asked.title, asked.author, asked.year, asked.month)


async def answers(lines: Iterable[Line], pool: SourcePool, database: Database) -> AsyncGenerator[Answer]:
    """Yield an answer for each line, in order.

    Raises QuotaSpent at the first line that stays open because a source's daily quota is used up, and NoSources at one
    that no source could be asked about: neither is an answer.
    """
    under_way: deque[asyncio.Task[Answer]] = deque()
    selector = SourceSelector(pool)
    try:
        for count, line in enumerate(lines, 1):
            if count % SOURCE_RETRY_INTERVAL == 0:
                selector = SourceSelector(pool)
            under_way.append(asyncio.create_task(_answer(line, pool, selector, database)))
            if len(under_way) == LOOKUP_CONCURRENCY:
                yield await under_way.popleft()
        while under_way:
            yield await under_way.popleft()
    except errors.AlexandriaError:
        await asyncio.gather(*under_way, return_exceptions=True)  # what was sent is paid: its answer is stored
        raise
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _answer(line: Line, pool: SourcePool, selector: SourceSelector, database: Database) -> Answer:
    asked = read(line)
    if isinstance(asked, Answer):
        return asked
    id_, candidate = asked
    found = await recognise(candidate, database) or await look_up(None, candidate, selector)
    if found.isbn13 is None:
        _need_sources(found, pool, selector)
    return _answer_of(id_, found)


def _need_sources(found: Resolution, pool: SourcePool, selector: SourceSelector) -> None:
    """Raises QuotaSpent or NoSources if sources that were needed could not be asked."""
    lacking = [error for name, error in selector.out.items() if name in found.unavailable]
    spent = [error for error in lacking if isinstance(error, errors.QuotaSpent)]
    if spent:
        raise min(spent, key=lambda error: error.until)
    if len(found.unavailable) == len(pool.sources):
        data = "; ".join(found.unavailable.values()) or "none is configured"
        raise errors.NoSources(f"no source could be asked: {data}", tuple(lacking))


def _answer_of(id_: Id, found: Resolution) -> Answer:
    if found.isbn13 is not None:
        return Answer(id_, found.isbn13, ACCEPT, round(found.score, 2), found.source, found.reason.split("; "))
    best = max(found.considered, key=lambda scored: scored.score, default=None)
    open_ = any(scored.verdict != REFUSE for scored in found.considered)
    score = round(best.score, 2) if best else 0.0
    return Answer(id_, None, DOUBT if open_ else REFUSE, score, "", [found.reason, *found.unavailable.values()])


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


def _refused(line: Line, id_: Any, problems: Sequence[str]) -> Answer:
    usable = id_ if isinstance(id_, str | int) and not isinstance(id_, bool) else None
    return Answer(usable, None, REFUSED, 0.0, "", [f"line {line.number}: {problem}" for problem in problems])


def continued(path: Path, lines: Sequence[Line]) -> int:
    """Return how many of `lines` the file at `path` already answers. A partly written last line is cut off.

    Raises BadInput if it holds anything but the answers to the first of these lines.
    """
    if not path.is_file():
        return 0
    held = path.read_bytes()
    whole = held[: held.rfind(b"\n") + 1]
    done = whole.splitlines()
    hint = "name another file, or remove this one"
    if len(done) > len(lines):
        raise errors.BadInput(f"{path} holds {len(done)} answers, the input {len(lines)} lines", hint=hint)
    for number, (text, line) in enumerate(zip(done, lines, strict=False), 1):
        asked = read(line)
        if _id_of(text) != [asked.id if isinstance(asked, Answer) else asked[0]]:
            raise errors.BadInput(
                f"{path}, line {number}: not the answer to line {line.number} of the input", hint=hint
            )
    if len(whole) < len(held):
        with path.open("r+b") as file:
            file.truncate(len(whole))
    return len(done)


def _id_of(text: bytes) -> list[Id]:
    """Return the id of an answer in a list; [] if the text is not an answer."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [data["id"]] if isinstance(data, dict) and data.keys() >= {"id", "isbn13", "verdict"} else []


def write(answer: Answer, file: IO[bytes]) -> None:
    """Write an answer at once and whole, so that it is not asked again after a crash."""
    file.write(answer.line)
    file.flush()
