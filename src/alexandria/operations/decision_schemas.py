"""The form in which decisions of persons about books are answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from alexandria.core.lazy_model import LazyModel


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
