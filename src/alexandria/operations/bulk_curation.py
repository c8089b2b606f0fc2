"""Lets a person decide about several books at once: all decisions are stored, or none."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alexandria.catalogue import decision_log
from alexandria.catalogue.decision_log import Curator
from alexandria.core.errors import BadInput
from alexandria.core.grammar import counted
from alexandria.core.lazy_model import LazyModel
from alexandria.database.pool import Connection
from alexandria.operations import curation
from alexandria.operations.curation import MAX_ID, CurationRequest
from alexandria.operations.decision_schemas import CurationDecision, summary
from alexandria.operations.schemas import NamedMonth, ShortText
from alexandria.operations.system import System

MAX_BOOKS = 100
WITH_ISBN = ("accept", "reject")


class SelectedBook(BaseModel):
    """A book that a bulk decision is about, and its ISBN as the person saw it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    work_id: Annotated[int, Field(strict=True, ge=1, le=MAX_ID)]
    isbn13: Annotated[ShortText | None, Field(description="required to accept or reject it")] = None


class BulkRequest(CurationRequest):
    """Decide about several books at once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"act": "exclude", "books": [{"work_id": 12}, {"work_id": 14}], "why": "not notable", "expected": 31}
            ]
        }
    )
    act: Annotated[
        Literal["accept", "reject", "exclude", "merge"],
        Field(
            description="accept or reject the ISBN of each; exclude each, from `month` or from all; merge all into the first"
        ),
    ]
    books: Annotated[list[SelectedBook], Field(min_length=1, max_length=MAX_BOOKS)]
    month: Annotated[NamedMonth | None, Field(description="with exclude: from this month only")] = None
    expected: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=MAX_ID,
            description="`version` of the list as the person saw it; if another has decided on one of the books since, the "
            "answer is 409 with both, and nothing is stored",
        ),
    ]

    @model_validator(mode="after")
    def _complete(self) -> BulkRequest:
        if self.act in WITH_ISBN and any(each.isbn13 is None for each in self.books):
            raise ValueError("books: each needs its isbn13")
        if self.month is not None and self.act != "exclude":
            raise ValueError("month: only with exclude")
        if len({each.work_id for each in self.books}) < len(self.books):
            raise ValueError("books: one is there twice")
        if self.act == "merge" and len(self.books) == 1:
            raise ValueError("books: give two or more to merge")
        return self


class BulkAnswer(LazyModel):
    """The decisions that were made, or would be, in the order of the books."""

    dry_run: bool
    decisions: list[CurationDecision]
    message: str


async def decide(system: System, request: BulkRequest, door: str) -> BulkAnswer:
    """Decide about each book. Raises BadInput, Unknown, NotNow and DecisionConflict; then nothing is stored."""
    into, rest = request.books[0], request.books[1:]
    body, act = curation.ACTS[request.act]
    decided = []
    async with system.database.one_transaction() as connection:
        if request.act == "merge":  # each merge is a decision on the first book, too
            person = Curator(request.who or door, request.why, await _seen(connection, into, request))
            await decision_log.begin(connection, into.work_id, person, {"act": "merge"})
        for each in rest if request.act == "merge" else request.books:
            fields = {"why": request.why, "who": request.who, "dry_run": request.dry_run} | _about(request, each, into)
            fields |= {"expected": await _seen(connection, each, request)}
            decided.append((await act(system, each.work_id, body.model_validate(fields), door)).decision)
    done = f"{counted(len(decided), 'decision')}: {'; '.join(map(summary, decided[:3]))}"
    more = f" and {len(decided) - 3} more" if len(decided) > 3 else ""
    message = f"{'dry run: ' if request.dry_run else ''}{done}{more}"
    return BulkAnswer(dry_run=request.dry_run, decisions=decided, message=message)


async def _seen(connection: Connection, book: SelectedBook, request: BulkRequest) -> int:
    """The version of a book that the person saw in the list: the present one unless it is newer than the list."""
    return min((await decision_log.book(connection, book.work_id)).version, request.expected)


def read_selection(texts: list[str]) -> list[dict[str, Any]]:
    """Books named as NUMBER or NUMBER=ISBN. Raises BadInput."""
    books = []
    for text in texts:
        work_id, _, isbn13 = text.partition("=")
        if not (work_id.isascii() and work_id.isdecimal() and len(work_id) < len(str(MAX_ID))):
            raise BadInput(f"books: {text[:40]!r} is not the number of a book", hint="write 12, or 12=9780861545896")
        books.append({"work_id": int(work_id)} | ({"isbn13": isbn13} if isbn13 else {}))
    return books


def _about(request: BulkRequest, book: SelectedBook, into: SelectedBook) -> dict[str, Any]:
    if request.act in WITH_ISBN:
        return {"isbn13": book.isbn13}
    if request.act == "merge":
        return {"other_work_id": into.work_id}
    return {"month": request.month}
