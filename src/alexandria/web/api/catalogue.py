"""HTTP routes that find the books of the catalogue and show one with its evidence."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Security
from starlette.responses import Response

from alexandria.operations import book_schemas, books, curation
from alexandria.web.errors import documented
from alexandria.web.routing import DESCRIBED_SECRET, Running, ViewingRoute

router = APIRouter(
    prefix="/api/catalogue",
    route_class=ViewingRoute,
    dependencies=[Security(DESCRIBED_SECRET)],
    responses=documented(401, 422, 429, 500, 503),
    tags=["catalogue"],
)

Books = Annotated[book_schemas.BookQuery, Query()]
WorkId = Annotated[int, Path(ge=1, le=books.MAX_ID)]
IsbnInPath = Annotated[str, Path(max_length=40, description="10 or 13 digits", examples=["9780261102217"])]


@router.get("/books", summary="Books by title, author or ISBN, filtered and sorted, a page at a time")
async def list_books(query: Books, system: Running) -> book_schemas.BooksAnswer:
    return await books.find(system, query)


@router.get(
    "/books.csv",
    response_class=Response,
    responses={200: {"description": "a row a book", "content": {"text/csv": {"schema": {"type": "string"}}}}},
    summary="The same page of books as CSV",
)
async def list_books_as_csv(query: Books, system: Running) -> Response:
    return _file(await books.find_as_csv(system, query), "text/csv; charset=utf-8", "books.csv")


@router.get(
    "/books.mrc",
    response_class=Response,
    responses={
        200: {"description": "a record an edition", "content": {"application/marc": {"schema": {"type": "string"}}}}
    },
    summary="The same page of books as MARC 21, those with an ISBN",
)
async def list_books_as_marc(query: Books, system: Running) -> Response:
    return _file(await books.find_as_marc(system, query), "application/marc", "books.mrc")


@router.get("/works/{id}", responses=documented(404), summary="One book in full: editions, decisions, evidence")
async def show_work(id: WorkId, system: Running) -> book_schemas.WorkAnswer:  # noqa: A002 # the name in the path
    return await books.show_work(system, id)


@router.get("/works/{id}/decisions", responses=documented(404), summary="Decisions of persons on a book, newest first")
async def show_decisions(id: WorkId, system: Running) -> curation.DecisionsAnswer:  # noqa: A002 # the name in the path
    return await curation.show_decisions(system, id)


@router.get("/isbn/{isbn13}", responses=documented(404), summary="The book that has an edition with this ISBN")
async def show_isbn(isbn13: IsbnInPath, system: Running) -> book_schemas.IsbnAnswer:
    return await books.show_isbn(system, isbn13)


def _file(body: bytes, media_type: str, name: str) -> Response:
    return Response(body, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
