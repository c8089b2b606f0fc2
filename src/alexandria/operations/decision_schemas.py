"""The form in which decisions of persons about books are answered, and the words for them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from alexandria.core.lazy_model import LazyModel
from alexandria.core.month import Month
from alexandria.database.pool import Row


class CurationDecision(LazyModel):
    """What a person decided about a book."""

    id: int
    at: datetime
    who: Annotated[str, Field(description="the name as it was given")]
    why: str
    act: Annotated[str, Field(description="reject, pin, accept, exclude, correct, merge, different, split or undo")]
    work_id: int
    isbn13: str | None = None
    month: Annotated[str | None, Field(description="YYYY-MM; null with exclude: from every month")] = None
    field: Annotated[
        str | None, Field(description="the corrected field of the edition, or without isbn13 of the book")
    ] = None
    value: str | None = None
    other_work_id: Annotated[int | None, Field(description="with merge, different and split: the other book")] = None
    isbns: Annotated[
        list[str], Field(default_factory=list, description="with split: the editions that are of the other book")
    ]
    undoes: Annotated[int | None, Field(description="the decision that an undo ended")] = None
    undone_by: Annotated[int | None, Field(description="the undo that ended it; null: it stands")] = None


class AfterReview(LazyModel):
    """The month's books after the decisions of persons, which change no counter of the month itself."""

    books: int
    resolved: int


def summary(decision: CurationDecision) -> str:
    """What was decided, in words."""
    match decision.act:
        case "reject":
            return f"ISBN {decision.isbn13} rejected"
        case "pin":
            return f"ISBN {decision.isbn13} pinned"
        case "accept":
            return f"ISBN {decision.isbn13} accepted" if decision.isbn13 else f"accepted as a book of {decision.month}"
        case "exclude":
            return f"excluded from {decision.month}" if decision.month else "excluded as not notable"
        case "correct":
            subject = decision.isbn13 or f"book {decision.work_id}"
            return f"{str(decision.field).replace('_', ' ')} of {subject} corrected to {decision.value!r}"
        case "merge":
            return f"book {decision.work_id} merged into book {decision.other_work_id}"
        case "different":
            return f"book {decision.work_id} marked as different from book {decision.other_work_id}"
        case "split":
            moved = ", ".join(decision.isbns) or "editions"
            return f"{moved} split off from book {decision.work_id} to book {decision.other_work_id}"
        case _:
            return f"decision {decision.undoes} undone"


def describe(decision: CurationDecision) -> str:
    """A decision in a sentence, as a person's."""
    return f"{summary(decision)} by {decision.who}: {decision.why}"


def decision_row(row: Row) -> CurationDecision:
    """The row of a decision with its month as text."""
    month = str(Month(row["year"], row["month"])) if row["year"] else None
    return CurationDecision.model_validate(row | {"month": month})
