"""Lets persons decide about books: ISBNs, fields, months, merging, splitting and undoing; and lists what they did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alexandria.backfill.repositories import months
from alexandria.catalogue import curation, decision_log, merging, splitting, work_correction
from alexandria.catalogue.decision_log import Curator
from alexandria.catalogue.models import Isbn13
from alexandria.catalogue.repository import EDITION_FIELDS
from alexandria.catalogue.splitting import MAX_SPLIT, NewWork
from alexandria.catalogue.work_correction import WORK_FIELDS
from alexandria.catalogue.work_people import read_people
from alexandria.core.lazy_model import LazyModel
from alexandria.core.month import Month
from alexandria.database.pool import Connection
from alexandria.operations.decision_schemas import CurationDecision, decision_row, describe
from alexandria.operations.schemas import Flag, NamedMonth, ShortText
from alexandria.operations.system import System

Act = Callable[[Connection, Curator], Awaitable[int]]
Carry = Callable[[System, int, Any, str], Awaitable["CurationAnswer"]]
FIELDS, BOOK_FIELDS = EDITION_FIELDS, WORK_FIELDS  # that can be corrected
MAX_ID = 2**63 - 1


class CurationRequest(BaseModel):
    """Base of the acts: who decides, why, and on which state of the book. Unknown fields are rejected."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    why: Annotated[ShortText, Field(min_length=1, description="reason, shown beside the decision")]
    who: Annotated[ShortText, Field(max_length=100, description="name of the person; default: api")] = ""
    expected: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=MAX_ID,
            description="`version` of the book as the person saw it; if another has decided since, the answer is 409 with both",
        ),
    ]
    dry_run: Annotated[Flag, Field(description="check the decision, store nothing")] = False


class UndoRequest(CurationRequest):
    """Undo a decision."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"why": "it was the right one", "expected": 12}]})


class IsbnRequest(CurationRequest):
    """Reject or pin an ISBN."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"isbn13": "9781420516944", "why": "a study guide", "who": "Ann", "expected": 0}],
        }
    )
    isbn13: Annotated[ShortText, Field(description="with or without hyphens, of 10 or 13 digits")]


class AcceptRequest(CurationRequest):
    """Accept an ISBN, or a book as one of a month, as it was found: it needs no further review."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"isbn13": "9780861545896", "why": "compared with the title page", "who": "Ann", "expected": 0},
                {"month": "2023-11", "why": "the publisher's announcement", "expected": 0},
            ],
        }
    )
    isbn13: Annotated[ShortText | None, Field(description="of 10 or 13 digits; or else `month`")] = None
    month: Annotated[NamedMonth | None, Field(description="YYYY-MM; or else `isbn13`")] = None

    @model_validator(mode="after")
    def _one(self) -> AcceptRequest:
        if (self.isbn13 is None) == (self.month is None):
            raise ValueError("give isbn13 or month")
        return self


class ExcludeRequest(CurationRequest):
    """Exclude a book from a month, or from all: it is not notable."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"month": "2023-11", "why": "a reprint", "expected": 0}]})
    month: NamedMonth | None = None


class CorrectRequest(CurationRequest):
    """Correct a field of an edition, or of the book itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "isbn13": "9780861545896",
                    "field": "publisher",
                    "value": "Oneworld",
                    "why": "misspelt",
                    "expected": 0,
                },
                {
                    "field": "contributors",
                    "value": "Ann Leckie; Bernhard Kempen (translator)",
                    "why": "title page",
                    "expected": 0,
                },
            ],
        }
    )
    isbn13: Annotated[
        ShortText | None, Field(description="of the edition, of 10 or 13 digits; null: the book itself")
    ] = None
    field: Annotated[
        ShortText,
        Field(
            description="of an edition: title, subtitle, publisher, published, language, binding or pages; of the book: title, "
            "contributors (names, separated by semicolons), first_published or language"
        ),
    ]
    value: Annotated[ShortText, Field(description="the right value; empty: none is known")]


class SplitRequest(CurationRequest):
    """Split a book: some of its editions are of another one, which is named by number, or is made."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"isbns": ["9780861545896"], "title": "Prophet Song: The Play", "why": "an adaptation", "expected": 0},
                {"isbns": ["9780861545896"], "other_work_id": 12, "why": "the second volume", "expected": 0},
            ],
        }
    )
    isbns: Annotated[
        list[ShortText],
        Field(min_length=1, max_length=MAX_SPLIT, description="of its editions, of 10 or 13 digits each"),
    ]
    other_work_id: Annotated[
        int | None, Field(strict=True, ge=1, le=MAX_ID, description="number of the other book; null: a new one is made")
    ] = None
    title: Annotated[ShortText, Field(description="of the new book; default: that of its first edition")] = ""
    contributors: Annotated[
        ShortText, Field(description="of the new book, separated by semicolons; default: those of the old one")
    ] = ""

    @model_validator(mode="after")
    def _named_once(self) -> SplitRequest:
        if self.other_work_id is not None and (self.title or self.contributors):
            raise ValueError("other_work_id: a book that is known has its title and contributors")
        return self


class OtherBookRequest(CurationRequest):
    """Merge a book with another one, or mark both as the same or as different."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"other_work_id": 12, "why": "the American title", "who": "Ann", "expected": 0}]
        }
    )
    other_work_id: Annotated[int, Field(strict=True, ge=1, le=MAX_ID, description="number of the other book")]


class DecisionsAnswer(LazyModel):
    """The decisions on a book, newest first. `version` is what the next decision sends as `expected`."""

    work_id: int
    version: int
    decisions: list[CurationDecision]


class CurationAnswer(DecisionsAnswer):
    """The decision that was made, or would be, with the others on the book."""

    dry_run: bool
    decision: CurationDecision
    message: str


async def show_decisions(system: System, work_id: int) -> DecisionsAnswer:
    """List the decisions on a work. Raises Unknown."""
    async with system.database.transaction() as connection:
        return await _decisions(connection, work_id)


async def version_of(system: System, target: int, *, of_decision: bool) -> int:
    """The version of a work, or of the work that a decision is about. Raises Unknown."""
    async with system.database.transaction() as connection:
        work_id = await decision_log.work_of(connection, target) if of_decision else target
        return (await decision_log.book(connection, work_id)).version


async def reject(system: System, work_id: int, request: IsbnRequest, door: str) -> CurationAnswer:
    """Reject an ISBN. `door` is where the request came in, which the audit names beside the person.

    Raises BadInput, Unknown, NotNow and DecisionConflict, as the other acts do.
    """
    isbn13 = Isbn13.parse(request.isbn13)
    return await _act(system, request, door, lambda conn, person: curation.reject(conn, work_id, isbn13, person))


async def pin(system: System, work_id: int, request: IsbnRequest, door: str) -> CurationAnswer:
    """Pin an ISBN."""
    isbn13 = Isbn13.parse(request.isbn13)
    return await _act(system, request, door, lambda conn, person: curation.pin(conn, work_id, isbn13, person))


async def accept(system: System, work_id: int, request: AcceptRequest, door: str) -> CurationAnswer:
    """Accept an ISBN, or a work as one of a month."""
    subject = Isbn13.parse(request.isbn13) if request.isbn13 is not None else Month.parse(request.month or "")
    return await _act(system, request, door, lambda conn, person: curation.accept(conn, work_id, subject, person))


async def exclude(system: System, work_id: int, request: ExcludeRequest, door: str) -> CurationAnswer:
    """Exclude a work from a month, or from all."""
    month = Month.parse(request.month) if request.month else None
    return await _act(system, request, door, lambda conn, person: curation.exclude(conn, work_id, month, person))


async def correct(system: System, work_id: int, request: CorrectRequest, door: str) -> CurationAnswer:
    """Correct a field of an edition, or of a work itself."""
    change = (request.field, request.value)
    if request.isbn13 is None:
        return await _act(
            system, request, door, lambda conn, person: work_correction.correct_work(conn, work_id, change, person)
        )
    isbn13 = Isbn13.parse(request.isbn13)
    return await _act(
        system, request, door, lambda conn, person: curation.correct(conn, work_id, isbn13, change, person)
    )


async def merge(system: System, work_id: int, request: OtherBookRequest, door: str) -> CurationAnswer:
    """Merge a work into another one, under which both are shown from now on."""
    return await _act(
        system, request, door, lambda conn, person: merging.merge(conn, work_id, request.other_work_id, person)
    )


async def same(system: System, work_id: int, request: OtherBookRequest, door: str) -> CurationAnswer:
    """Merge two works under the one with more editions."""
    return await _act(
        system, request, door, lambda conn, person: merging.same(conn, work_id, request.other_work_id, person)
    )


async def different(system: System, work_id: int, request: OtherBookRequest, door: str) -> CurationAnswer:
    """Mark two works as different books."""
    return await _act(
        system, request, door, lambda conn, person: merging.different(conn, work_id, request.other_work_id, person)
    )


async def split(system: System, work_id: int, request: SplitRequest, door: str) -> CurationAnswer:
    """Give editions of a work to another one, or to a new one."""
    isbns = list(dict.fromkeys(map(Isbn13.parse, request.isbns)))
    into = request.other_work_id or NewWork(
        request.title.strip(), read_people(request.contributors) if request.contributors.strip() else ()
    )
    return await _act(system, request, door, lambda conn, person: splitting.split(conn, work_id, isbns, into, person))


async def undo(system: System, decision_id: int, request: UndoRequest, door: str) -> CurationAnswer:
    """Undo a decision."""
    return await _act(system, request, door, lambda conn, person: curation.undo(conn, decision_id, person))


# By name: the request and the function of each act, for forms and lists of decisions.
ACTS: dict[str, tuple[type[CurationRequest], Carry]] = {
    "reject": (IsbnRequest, reject),
    "pin": (IsbnRequest, pin),
    "accept": (AcceptRequest, accept),
    "exclude": (ExcludeRequest, exclude),
    "correct": (CorrectRequest, correct),
    "merge": (OtherBookRequest, merge),
    "same": (OtherBookRequest, same),
    "different": (OtherBookRequest, different),
    "split": (SplitRequest, split),
    "undo": (UndoRequest, undo),
}


async def _act(system: System, request: CurationRequest, door: str, act: Act) -> CurationAnswer:
    """Decide, and audit the decision in the same transaction."""
    person = Curator(request.who.strip() or door, request.why, request.expected)
    async with system.database.transaction(keep=not request.dry_run) as connection:
        decided = await act(connection, person)
        known = await _decisions(connection, await decision_log.work_of(connection, decided))
        made = known.decisions[0]
        named: dict[str, Any] = {"decision": decided, "work_id": known.work_id, "isbn13": made.isbn13, "why": made.why}
        named |= {"other_work_id": made.other_work_id} if made.other_work_id else {}
        who = f"{person.who} by {door}" if request.who.strip() else door
        await months.audit(connection, who, f"curation_{made.act}", named)
    said = describe(made)
    message = f"dry run: {said}" if request.dry_run else said
    return CurationAnswer(**dict(known), dry_run=request.dry_run, decision=made, message=message)


async def _decisions(connection: Connection, work_id: int) -> DecisionsAnswer:
    book = await decision_log.book(connection, work_id)
    rows = await decision_log.decisions(connection, book.works)
    return DecisionsAnswer(work_id=book.id, version=book.version, decisions=[decision_row(row) for row in rows])
