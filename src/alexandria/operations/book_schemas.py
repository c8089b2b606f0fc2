"""The requests and answers about the books of the catalogue."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from alexandria.bibliography.lookup import NAME as LOCAL_SOURCE
from alexandria.catalogue.repository import NAME as CATALOGUE
from alexandria.catalogue.search import EvidenceStatus, Sort
from alexandria.core.lazy_model import LazyModel
from alexandria.core.provider_facts import label, source_names
from alexandria.operations.decision_schemas import CurationDecision
from alexandria.operations.schemas import FieldSource, NamedMonth

MAX_QUERY_LENGTH, MAX_CURSOR_LENGTH = 200, 1200  # characters
DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 50, 500  # books


def source_choices() -> dict[str, str]:
    """The names by which books are filtered by source, each with its label."""
    return {name: label(name) for name in (*source_names(), LOCAL_SOURCE, CATALOGUE)}


def _named(value: object) -> object:
    known = source_choices()
    if value is None or value in known:
        return value
    raise ValueError(f"a source is one of {', '.join(known)}")


Score = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
SourceName = Annotated[str, BeforeValidator(_named)]


class BookQuery(BaseModel):
    """Which books are listed, in which order; a filter that is not given lets all pass."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q: Annotated[
        str,
        Field(
            max_length=MAX_QUERY_LENGTH, pattern=r"^[^\x00-\x1f\x7f]*$", description="title, author, both, or an ISBN"
        ),
    ] = ""
    month: Annotated[NamedMonth | None, Field(description="named by this month, YYYY-MM")] = None
    status: Annotated[EvidenceStatus | None, Field(description="what the best decision about a book is")] = None
    unresolved: Annotated[bool, Field(description="only books without an ISBN that a month names")] = False
    needs_review: Annotated[bool, Field(description="only books with a question in the review queue")] = False
    source: Annotated[SourceName | None, Field(description="that has the accepted record")] = None
    min_score: Annotated[Score | None, Field(description="of the accepted record, in per cent")] = None
    max_score: Annotated[Score | None, Field(description="of the accepted record, in per cent")] = None
    in_month: Annotated[
        Literal["confirmed", "contradicted", "unknown"] | None,
        Field(description="do the sources confirm a first publication in the month? contradicted: not in one of them"),
    ] = None
    language: Annotated[str | None, Field(pattern="^[a-z]{2}$", description="two letters, ISO 639-1")] = None
    sort: Annotated[
        Sort,
        Field(
            description="match: the most alike, or without q the newest; score: the least certain, only with an ISBN"
        ),
    ] = Sort.MATCH
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE, description="books on a page")] = DEFAULT_PAGE_SIZE
    after: Annotated[str, Field(max_length=MAX_CURSOR_LENGTH, description="`next` of the page before")] = ""

    @field_validator("q")
    @classmethod
    def _trimmed(cls, value: str) -> str:
        return value.strip()


class ListedBook(LazyModel):
    """A work in the list, with its best decision."""

    id: int
    title: str
    author: str
    first_published: str | None
    language: str
    isbn13: Annotated[
        str | None, Field(description="of the best decision, as persons reviewed it, or of the first edition")
    ]
    reviewed: Annotated[bool, Field(description="a person accepted or decided on this ISBN, or excluded the book")]
    needs_review: Annotated[bool, Field(description="the review queue has a question about it")]
    editions: int
    months: Annotated[list[str], Field(description="the newest months that named it")]
    status: EvidenceStatus
    source: str
    score: Annotated[float | None, Field(description="see `score_version`")]
    score_version: int | None
    in_month: str


class BooksAnswer(LazyModel):
    """A page of books."""

    books: list[ListedBook]
    next: Annotated[str | None, Field(description="`after` of the next page; null: there is none")]
    cut: Annotated[bool, Field(description="the search has more matches than are listed")]
    version: Annotated[int, Field(description="what a decision about several of them sends as `expected`")]


class Contributor(LazyModel):
    """A person and the role in the work."""

    name: str
    role: str


class OtherTitleRow(LazyModel):
    """A title by which a source also knows the work, as in another language, and the record that gives it."""

    title: str
    language: Annotated[str, Field(description="two letters, ISO 639-1; empty where the source does not state it")]
    provider: str
    id: str
    page: Annotated[str, Field(description="address for people; empty if there is none")]


class FieldRecord(FieldSource):
    """The record that a field rests on, and its page at the source."""

    page: Annotated[str, Field(description="address for people; empty if there is none")]


class EditionRow(LazyModel):
    """An edition, each field with the record that it rests on."""

    isbn13: str
    title: str
    subtitle: str
    publisher: str
    published: str | None
    language: str
    binding: str
    pages: int | None
    related: Annotated[bool, Field(description="found beside the edition that a month wanted")]
    related_isbns: list[str]
    fields: list[FieldRecord]
    cover: Annotated[str, Field(description="address of a picture at a source, which nothing here loads")]
    created_at: datetime
    changed_at: datetime
    withdrawn: Annotated[bool, Field(description="a decision of a person takes it out of the catalogue")]


class DecisionRow(LazyModel):
    """What became of the work in one month that named it; `evidence` is every record considered."""

    month: str
    position: int
    title: str
    author: str
    named_by: list[str]
    isbn13: str | None
    source: str
    score: float
    score_version: int
    reason: str
    evidence: Annotated[list[dict[str, Any]], Field(description="each with `page`, its address at the source")]
    unavailable: dict[str, str]
    in_month: str
    looks: int
    look_again_at: datetime | None
    reviewed_isbn13: Annotated[str | None, Field(description="the ISBN after the decisions of persons")]
    excluded: Annotated[bool, Field(description="whether a person excluded the book from this month, or from all")]


class MergedWork(LazyModel):
    """A work that a person merged into another one."""

    id: int
    title: str
    author: str


class WorkAnswer(LazyModel):
    """A work with its editions and the decisions about it, and those of the works that persons merged into it."""

    id: int
    title: str
    author: str
    first_published: str | None
    language: str
    status: EvidenceStatus
    in_month: str
    created_at: datetime
    contributors: list[Contributor]
    subjects: list[str]
    other_titles: list[OtherTitleRow]
    merged: Annotated[list[MergedWork], Field(description="works that persons merged into this one")]
    editions: list[EditionRow]
    total_editions: Annotated[int, Field(description="of which `editions` has the first")]
    decisions: Annotated[list[DecisionRow], Field(description="newest month first")]
    total_decisions: Annotated[int, Field(description="of which `decisions` has the newest")]
    version: Annotated[int, Field(description="what the next decision of a person sends as `expected`")]
    curation: Annotated[list[CurationDecision], Field(description="decisions of persons, newest first")]


class IsbnAnswer(LazyModel):
    """The edition with an ISBN, and its work."""

    isbn13: str
    work: WorkAnswer
