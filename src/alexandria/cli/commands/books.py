"""The commands that find the books of the catalogue and show one with its evidence: books, book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from alexandria.cli.exit_codes import NOTHING
from alexandria.cli.output.console import output_of

if TYPE_CHECKING:
    from alexandria.operations.book_schemas import WorkAnswer
    from alexandria.operations.system import System

commands = typer.Typer()
STATUSES = "resolved, doubtful, refused, not_found, not_checked or not_named"


@commands.command(rich_help_panel="Inspect")
def books(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Title, author, both, or an ISBN.")] = "",
    *,
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="Only books that this month named.")] = None,
    status: Annotated[str | None, typer.Option(help=f"Only books whose best decision is {STATUSES}.")] = None,
    unresolved: Annotated[bool, typer.Option("--unresolved", help="Only books without an ISBN.")] = False,
    needs_review: Annotated[bool, typer.Option("--needs-review", help="Only books that `review` asks about.")] = False,
    source: Annotated[str | None, typer.Option(help="Only books whose accepted record is of this source.")] = None,
    min_score: Annotated[float | None, typer.Option(help="Least score of the accepted record, in per cent.")] = None,
    max_score: Annotated[float | None, typer.Option(help="Greatest score of the accepted record, in per cent.")] = None,
    in_month: Annotated[
        str | None, typer.Option(help="First publication in the month: confirmed, contradicted or unknown.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="Two letters, such as en.")] = None,
    sort: Annotated[
        str, typer.Option(help="match, newest, title, author or score (the least certain first).")
    ] = "match",
    limit: Annotated[int, typer.Option(help="Books to list.")] = 50,
    after: Annotated[str, typer.Option(help="Continue after a page, as it says at its end.")] = "",
) -> int:
    """Find books by title, author or ISBN, and by what is known of them."""
    from alexandria.cli.output import books as printed
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import books as catalogue

    fields = {
        "q": text,
        "month": month,
        "status": status,
        "unresolved": unresolved,
        "needs_review": needs_review,
        "source": source,
        "min_score": min_score,
        "max_score": max_score,
        "in_month": in_month,
        "language": language,
        "sort": sort,
        "limit": limit,
        "after": after,
    }
    query = catalogue.read_query({name: value for name, value in fields.items() if value is not None})
    output = output_of(context)
    found = on_system(output, lambda system: catalogue.find(system, query))
    output.result(found.model_dump(mode="json"), *printed.of_books(found))
    if found.cut:
        output.message("the search has more matches than can be listed: add a word")
    if found.next:
        output.message(f"more books: the same command with --after {found.next}")
    if not found.books:
        output.message("no book matches")
        return NOTHING
    return 0


@commands.command(rich_help_panel="Inspect")
def book(
    context: typer.Context,
    which: Annotated[str, typer.Argument(metavar="ISBN|NUMBER", help="An ISBN, or the number of a book.")],
) -> int:
    """Show one book: its editions, the months that named it, and every record considered for it."""
    from alexandria.catalogue.models import Isbn13
    from alexandria.cli.output import books as printed
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import books as catalogue

    async def act(system: System) -> WorkAnswer:
        if Isbn13.read(which) is not None:
            return (await catalogue.show_isbn(system, which)).work
        return await catalogue.show_work(system, catalogue.read_work_id(which))

    output = output_of(context)
    found = on_system(output, act)
    output.result(found.model_dump(mode="json"), *printed.of_work(found))
    return 0
