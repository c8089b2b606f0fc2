"""Lists the questions that persons should answer about books, what is most likely wrong first, and takes their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alexandria.catalogue import review
from alexandria.catalogue.review import QueuePlace, ReviewReason
from alexandria.core.errors import BadInput, in_words
from alexandria.core.month import Month
from alexandria.core.provider_facts import record_page
from alexandria.database.pool import Row
from alexandria.operations import curation
from alexandria.operations.curation import AcceptRequest, CurationAnswer, CurationRequest, ExcludeRequest, IsbnRequest
from alexandria.operations.page_cursor import cursor, values_of, wrong_cursor
from alexandria.operations.system import System

DEFAULT_QUEUE_SIZE, MAX_QUEUE_SIZE = 25, 200  # questions on a page
MAX_PLACE_LENGTH = 200  # characters
WORDS: dict[ReviewReason, str] = {
    ReviewReason.DISPUTED: "a source has this ISBN for another book",
    ReviewReason.UNDECIDED: "several records fit equally well",
    ReviewReason.DOUBTFUL: "the record may be of another book",
    ReviewReason.UNSURE: "accepted near the bar",
    ReviewReason.SAMPLE: "drawn at random, to measure the matcher",
    ReviewReason.CONTRADICTED: "sources date it to another month",
    ReviewReason.REPEATED: "other months name it too",
    ReviewReason.OTHER_TITLE: "this month names it by another title",
}
PROPOSED = {ReviewReason.DOUBTFUL, ReviewReason.UNDECIDED}  # of an ISBN that is no edition yet
AnswerToQuestion = Literal["accept", "reject"]


class ReviewQuery(BaseModel):
    """Which questions are listed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Annotated[ReviewReason | None, Field(description="only questions with this reason")] = None
    limit: Annotated[int, Field(ge=1, le=MAX_QUEUE_SIZE, description="questions on a page")] = DEFAULT_QUEUE_SIZE
    after: Annotated[str, Field(max_length=MAX_PLACE_LENGTH, description="`next` of the page before")] = ""


class ReviewItem(BaseModel):
    """A question: is `isbn13` of this book, or else: is the book one of `month`?

    `accept` and `reject` are the acts below /api/catalogue/works/{id} that answer it.
    """

    work_id: int
    version: Annotated[int, Field(description="what the decision sends as `expected`")]
    subject: Annotated[str, Field(description="the ISBN or the month")]
    isbn13: str | None
    month: str | None
    reasons: list[ReviewReason]
    accept: Literal["accept", "pin"]
    reject: Literal["reject", "exclude"]
    title: str
    author: str
    first_published: str | None
    months: Annotated[list[str], Field(description="that name the book, of which the first are listed")]
    named_title: Annotated[str | None, Field(description="as the month in question, or the newest one, names it")]
    named_author: str | None
    named_month: str | None
    named_by: list[str]
    accepted_isbn13: Annotated[str | None, Field(description="that the month's result has")]
    why: Annotated[str, Field(description="reason of the month's result")]
    published: Annotated[str | None, Field(description="of the edition, if the catalogue has it")]
    publisher: str
    records: Annotated[
        list[dict[str, Any]],
        Field(description="records with the ISBN, or accepted ones with their dates; each with `page` at its source"),
    ]
    score_version: int | None


class ReviewAnswer(BaseModel):
    """A page of the queue, what is most likely wrong first."""

    items: list[ReviewItem]
    next: Annotated[str | None, Field(description="`after` of the next page; null: there is none")]
    waiting: Annotated[
        dict[str, int], Field(description=f"questions by reason, and `all`; {review.MAX_COUNTED} means as many or more")
    ]


def read_query(fields: Mapping[str, object]) -> ReviewQuery:
    """The query of these fields. Raises BadInput, which names the field."""
    try:
        return ReviewQuery.model_validate(fields)
    except ValidationError as invalid:
        problem = invalid.errors(include_input=False, include_url=False)[0]
        hint = f"reason is one of {', '.join(ReviewReason)}; the other fields are {', '.join(ReviewQuery.model_fields)}"
        raise BadInput(f"{str(problem['loc'][0])[:80]}: {in_words(problem)}", hint=hint) from None


async def queue(system: System, query: ReviewQuery) -> ReviewAnswer:
    """A page of the questions that wait. Raises BadInput."""
    after = _place(query.after)
    async with system.database.transaction() as connection:
        found = await review.page(connection, query.reason, after, query.limit)
        waiting = await review.waiting(connection)
    end = found.last
    following = None if end is None else cursor(end.place, end.work_id, end.subject)
    return ReviewAnswer(items=[_item(row) for row in found.rows], next=following, waiting=waiting)


async def answer(
    system: System, question: tuple[int, str], given: AnswerToQuestion, request: CurationRequest, door: str
) -> CurationAnswer:
    """Answer the question about a work and a subject, by the act that its kind asks for. Raises Unknown, NotNow and DecisionConflict."""
    work_id, subject = question
    async with system.database.transaction() as connection:
        asked = await review.item(connection, work_id, subject)
    decided = request.model_dump()
    if asked["isbn13"] is None:
        decided["month"] = subject
        if given == "accept":
            return await curation.accept(system, work_id, AcceptRequest(**decided), door)
        return await curation.exclude(system, work_id, ExcludeRequest(**decided), door)
    decided["isbn13"] = subject
    if given == "reject":
        return await curation.reject(system, work_id, IsbnRequest(**decided), door)
    if _is_proposed(asked):
        return await curation.pin(system, work_id, IsbnRequest(**decided), door)
    return await curation.accept(system, work_id, AcceptRequest(**decided), door)


def _is_proposed(row: Row) -> bool:
    return not PROPOSED.isdisjoint(row["reasons"])


def _item(row: Row) -> ReviewItem:
    records = [hit | {"page": record_page(hit.get("source", ""), hit.get("source_id", ""))} for hit in row["records"]]
    of_isbn = row["isbn13"] is not None
    shown = {
        "month": None if of_isbn else row["subject"],
        "named_month": str(Month(row["named_year"], row["named_month"])) if row["named_year"] else None,
        "named_by": row["named_by"] or [],
        "accept": "pin" if of_isbn and _is_proposed(row) else "accept",
        "reject": "reject" if of_isbn else "exclude",
        "why": row["reason"] or "",
        "publisher": row["publisher"] or "",
        "records": records,
    }
    return ReviewItem.model_validate(row | shown)


def _place(text: str) -> QueuePlace | None:
    """Where a page begins. Raises BadInput if `after` is not from a page."""
    if not text:
        return None
    place, work_id, subject = values_of(text, 3)
    numeric = isinstance(place, str) and place.isascii() and place.replace(".", "", 1).isdigit()
    known = isinstance(subject, str) and subject.isascii() and subject.isprintable()
    if not (numeric and known and type(work_id) is int and 0 < work_id <= curation.MAX_ID):
        raise wrong_cursor()
    return QueuePlace(place, work_id, subject)
