"""Finds the books of the catalogue and shows one with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from alexandria.catalogue import decision_log, detail, search
from alexandria.catalogue.export import Format, writer
from alexandria.catalogue.export.query import editions
from alexandria.catalogue.models import Isbn13
from alexandria.catalogue.search import UNRESOLVED, EvidenceStatus, Position, Sort, WorkFilter
from alexandria.core.errors import BadInput, UnknownBook, in_words
from alexandria.core.month import Month, OtherMonths
from alexandria.core.provider_facts import cover_page, isbn_page, record_page
from alexandria.database.pool import Row
from alexandria.operations.book_schemas import BookQuery, BooksAnswer, IsbnAnswer, ListedBook, WorkAnswer
from alexandria.operations.decision_schemas import decision_row
from alexandria.operations.page_cursor import cursor, values_of, wrong_cursor
from alexandria.operations.system import System

MAX_ID = 2**63 - 1  # of a work
MAX_KEY_LENGTH = 400  # characters of what a position sorts by
FIND = "find books on the page /books, or by alexandria books"


def read_query(fields: Mapping[str, object]) -> BookQuery:
    """The query of these fields. Raises BadInput, which names the field."""
    try:
        return BookQuery.model_validate(fields)
    except ValidationError as invalid:
        problem = invalid.errors(include_input=False, include_url=False)[0]
        field = str(problem["loc"][0])
        if problem["type"] == "extra_forbidden":
            raise BadInput(f"{field[:80]}: no such filter", hint=f"use {', '.join(BookQuery.model_fields)}") from None
        hint = BookQuery.model_fields[field].description or ""
        raise BadInput(f"{field}: {in_words(problem)}", hint=f"{field} is {hint}") from None


async def find(system: System, query: BookQuery) -> BooksAnswer:
    """A page of the books that a query wants. Raises BadInput."""
    after = _position(query)
    async with system.database.transaction() as connection:
        version = await decision_log.newest(connection)  # before the page, so that no later decision is missed
        page = await search.page(
            connection, _wanted(query, system.settings.other_months), query.sort, after, query.limit
        )
    following = None if page.last is None else cursor(query.sort, page.last.key, page.last.work_id)
    books = [ListedBook.model_validate(row) for row in page.rows]
    return BooksAnswer(books=books, next=following, cut=page.cut, version=version)


async def find_as_csv(system: System, query: BookQuery) -> bytes:
    """The same page as CSV. Raises BadInput."""
    found = await find(system, query)
    return writer.table(list(ListedBook.model_fields), ([*book.model_dump().values()] for book in found.books))


async def find_as_marc(system: System, query: BookQuery) -> bytes:
    """The same page as MARC 21: the edition of each book with an ISBN. Raises BadInput."""
    found = await find(system, query)
    isbns = [book.isbn13 for book in found.books if book.isbn13]
    return b"".join([piece async for piece in writer.written(editions(system.database, isbns=isbns), Format.MARC)])


async def show_work(system: System, work_id: int) -> WorkAnswer:
    """One work in full. Raises UnknownBook."""
    async with system.database.transaction() as connection:
        found = await detail.work(connection, work_id) if 0 < work_id <= MAX_ID else None
    if found is None:
        raise UnknownBook(f"no book has the number {work_id}", hint=FIND)
    return _shown(found)


async def show_isbn(system: System, text: str) -> IsbnAnswer:
    """The work that has an edition with this ISBN of 10 or 13 digits. Raises BadInput and UnknownBook."""
    try:
        isbn13 = Isbn13.parse(text)
    except BadInput as invalid:
        raise BadInput(f"isbn13: {invalid.message}", hint=invalid.hint) from None
    async with system.database.transaction() as connection:
        work_id = await detail.work_of_isbn(connection, isbn13)
        found = None if work_id is None else await detail.work(connection, work_id)
    if found is None:
        raise UnknownBook(f"no edition has the ISBN {isbn13}", hint=f"{FIND}; elsewhere: {isbn_page(isbn13)}")
    return IsbnAnswer(isbn13=isbn13, work=_shown(found))


def read_isbn(text: str) -> str | None:
    """The one ISBN that a text prints, or None."""
    return Isbn13.read(text)


def known_isbns(work: WorkAnswer) -> list[str]:
    """The ISBNs of a work's editions, then those of the records that were considered for it."""
    considered = (each["isbn13"] for decision in work.decisions for each in decision.evidence)
    return list(dict.fromkeys([*(edition.isbn13 for edition in work.editions), *filter(None, considered)]))


def read_work_id(text: str) -> int:
    """The number of a work. Raises BadInput."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID)):
        return int(text)
    raise BadInput(f"id: {repr(text)[:80]} is not the number of a book", hint=FIND)


def _wanted(query: BookQuery, other_months: OtherMonths) -> WorkFilter:
    statuses: tuple[EvidenceStatus, ...] | None = None if query.status is None else (query.status,)
    if query.unresolved:
        statuses = UNRESOLVED if statuses is None else tuple(each for each in statuses if each in UNRESOLVED)
    return WorkFilter(
        text=query.q,
        month=Month.parse(query.month) if query.month else None,
        statuses=statuses,
        source=query.source,
        min_score=query.min_score,
        max_score=query.max_score,
        in_month=query.in_month,
        language=query.language,
        needs_review=query.needs_review,
        other_months=other_months,
    )


def _shown(found: Row) -> WorkAnswer:
    editions = [
        edition
        | {
            "fields": [each | {"page": record_page(each["provider"], each["id"])} for each in edition["fields"]],
            "cover": cover_page(edition["isbn13"]),
        }
        for edition in found["editions"]
    ]
    decisions = [
        decision
        | {
            "month": str(Month(decision["year"], decision["month"])),
            "evidence": [_record(each) for each in decision["evidence"]],
        }
        for decision in found["decisions"]
    ]
    titles = [each | {"page": record_page(each["provider"], each["id"])} for each in found["other_titles"]]
    counts = {f"total_{name}": count for name, count in found["counts"].items()}
    persons = [decision_row(each) for each in found["curation"]]
    shown = {"other_titles": titles, "editions": editions, "decisions": decisions, "curation": persons}
    return WorkAnswer.model_validate(found | counts | shown | {"version": persons[0].id if persons else 0})


def _record(evidence: dict[str, Any]) -> dict[str, Any]:
    return evidence | {"page": record_page(evidence.get("source", ""), evidence.get("source_id", ""))}


def _position(query: BookQuery) -> Position | None:
    """Where the page of a query begins. Raises BadInput if `after` is not from a page in the same order."""
    if not query.after:
        return None
    sort, key, work_id = values_of(query.after, 3)
    if not _is_key(query.sort, key) or sort != query.sort or type(work_id) is not int or not 0 < work_id <= MAX_ID:
        raise wrong_cursor()
    return Position(key, work_id)


def _is_key(sort: Sort, key: object) -> bool:
    """Whether PostgreSQL can read a key of this order."""
    if (
        not isinstance(key, str)
        or "\0" in key
        or len(key) > MAX_KEY_LENGTH
        or key.encode(errors="replace") != key.encode(errors="ignore")
    ):
        return False
    match sort:
        case Sort.SCORE:
            return key.replace(".", "", 1).isascii() and key.replace(".", "", 1).isdigit()
        case Sort.MATCH:
            return key == "" or (key.isascii() and key.isdigit() and len(key) <= 5)
        case _:
            return True
