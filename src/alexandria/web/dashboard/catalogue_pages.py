"""Pages of the catalogue: the list of books, and one book with its editions, decisions and evidence."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from alexandria.operations import books, curation
from alexandria.operations.book_schemas import MAX_QUERY_LENGTH, source_choices
from alexandria.operations.decision_schemas import summary
from alexandria.operations.status_style import EVIDENCE
from alexandria.web.dashboard.rendering import ReadingRoute, redirect, render
from alexandria.web.routing import Running, root_path

router = APIRouter(route_class=ReadingRoute, include_in_schema=False)
SORTS = {
    "match": "best match, else newest",
    "newest": "newest first",
    "title": "title",
    "author": "author",
    "score": "least certain first",
}
IN_MONTH = ("confirmed", "contradicted", "unknown")
EXPORTS = {"CSV": "books.csv", "JSON": "books", "MARC 21": "books.mrc"}


@router.get("/books")
async def list_books(request: Request, system: Running) -> HTMLResponse:
    """The books that the filters in the address want."""
    given = {name: value for name, value in request.query_params.items() if value}
    query = books.read_query(given)
    found = await books.find(system, query)
    address, first = f"{root_path(request)}/books?", {name: text for name, text in given.items() if name != "after"}
    exported = f"{root_path(request)}/api/catalogue/"
    return render(
        request,
        "books.html",
        query=query,
        found=found,
        filtered=bool(first.keys() - {"q", "sort", "limit"}),
        first=address + urlencode(first) if query.after else None,
        following=address + urlencode(first | {"after": found.next}) if found.next else None,
        exports={name: f"{exported}{path}?{urlencode(given)}" for name, path in EXPORTS.items()},
        evidence=EVIDENCE,
        statuses=[(status, each.words) for status, each in EVIDENCE.items()],
        sorts=SORTS,
        in_months={answer: answer for answer in IN_MONTH},
        sources=source_choices(),
        longest=MAX_QUERY_LENGTH,
    )


@router.get("/works/{id}")
async def one_work(id: str, request: Request, system: Running) -> Response:  # noqa: A002 # the name in the path
    """One book in full; a work that a person merged leads to the one that it is shown under."""
    work_id = books.read_work_id(id)
    found = await books.show_work(system, work_id)
    if found.id != work_id:
        return redirect(request, f"/works/{found.id}")
    return render(
        request,
        "work.html",
        found=found,
        evidence=EVIDENCE,
        summary=summary,
        fields=curation.FIELDS,
        book_fields=curation.BOOK_FIELDS,
        chosen=books.read_isbn(request.query_params.get("isbn", "")),
        numbers=books.known_isbns(found),
    )


@router.get("/isbn/{isbn13}")
async def one_isbn(isbn13: str, request: Request, system: Running) -> Response:
    """Leads to the edition with this ISBN on the page of its book."""
    found = await books.show_isbn(system, isbn13)
    return redirect(request, f"/works/{found.work.id}#i{found.isbn13}")
