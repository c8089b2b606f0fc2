"""The commands by which a person decides about books: curate show, reject, pin, accept, exclude, correct, merge, split, undo."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from alexandria.cli import completion
from alexandria.cli.exit_codes import NOTHING
from alexandria.cli.options import DryRun
from alexandria.cli.output.console import output_of
from alexandria.operations.terminal.formatting import table

if TYPE_CHECKING:
    from pydantic import BaseModel

    from alexandria.operations.curation import CurationAnswer
    from alexandria.operations.system import System

    Body = TypeVar("Body", bound=BaseModel)

group = typer.Typer(
    name="curate", help="Decide about books: reject, pin or accept an ISBN, exclude, correct, merge, split, undo."
)
Work = Annotated[int, typer.Argument(metavar="BOOK", min=1, help="The number of the book, as `books` shows it.")]
Other = Annotated[int, typer.Argument(metavar="OTHER", min=1, help="The number of the other book.")]
Isbn = Annotated[str, typer.Argument(metavar="ISBN")]
Why = Annotated[str, typer.Option("--why", help="Reason (shown beside the decision).", show_default=False)]
Who = Annotated[str, typer.Option("--who", help="Name of the person who decides. Default: the user.")]
Expected = Annotated[
    int | None,
    typer.Option(
        "--expected",
        min=0,
        help="Refuse if the book's version, as `curate show` prints it, is another one by now.",
        show_default=False,
    ),
]


@group.command()
def show(context: typer.Context, work: Work) -> int:
    """Show the decisions on a book, newest first, and its version."""
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import curation
    from alexandria.operations.decision_schemas import describe

    output = output_of(context)
    found = on_system(output, lambda system: curation.show_decisions(system, work))
    rows = [
        (each.id, each.at, describe(each), f"undone by {each.undone_by}" if each.undone_by else "")
        for each in found.decisions
    ]
    output.result(found.model_dump(mode="json"), *([table(["decision#", "at", "what", ""], rows)] if rows else []))
    output.message(f"version {found.version}")
    return 0 if rows else NOTHING


@group.command()
def reject(
    context: typer.Context,
    work: Work,
    isbn: Isbn,
    why: Why,
    *,
    who: Who = "",
    expected: Expected = None,
    dry_run: DryRun = False,
) -> int:
    """Reject an ISBN: neither it nor the record that had it is stored for this book again."""
    from alexandria.operations import curation

    given = {"isbn13": isbn, "why": why, "who": who, "expected": expected, "dry_run": dry_run}
    return _decide(context, curation.IsbnRequest, given, work, curation.reject)


@group.command()
def pin(
    context: typer.Context,
    work: Work,
    isbn: Isbn,
    why: Why,
    *,
    who: Who = "",
    expected: Expected = None,
    dry_run: DryRun = False,
) -> int:
    """Pin an ISBN: it is the one of this book, whatever sources find."""
    from alexandria.operations import curation

    given = {"isbn13": isbn, "why": why, "who": who, "expected": expected, "dry_run": dry_run}
    return _decide(context, curation.IsbnRequest, given, work, curation.pin)


@group.command()
def accept(
    context: typer.Context,
    work: Work,
    why: Why,
    isbn: Annotated[str | None, typer.Option("--isbn", metavar="ISBN", help="This ISBN is of the book.")] = None,
    month: Annotated[
        str | None,
        typer.Option(
            "--month", metavar="YYYY-MM", help="The book is one of this month.", autocompletion=completion.months
        ),
    ] = None,
    *,
    who: Who = "",
    expected: Expected = None,
    dry_run: DryRun = False,
) -> int:
    """Accept an ISBN, or the book in a month, as it was found: it needs no further review."""
    from alexandria.operations import curation

    given = {"isbn13": isbn, "month": month, "why": why, "who": who, "expected": expected, "dry_run": dry_run}
    return _decide(context, curation.AcceptRequest, given, work, curation.accept)


@group.command()
def exclude(
    context: typer.Context,
    work: Work,
    why: Why,
    month: Annotated[
        str | None,
        typer.Option("--month", metavar="YYYY-MM", help="From this month only.", autocompletion=completion.months),
    ] = None,
    *,
    who: Who = "",
    expected: Expected = None,
    dry_run: DryRun = False,
) -> int:
    """Exclude a book from a month; without --month from all, as not notable."""
    from alexandria.operations import curation

    given = {"month": month, "why": why, "who": who, "expected": expected, "dry_run": dry_run}
    return _decide(context, curation.ExcludeRequest, given, work, curation.exclude)


@group.command()
def correct(
    context: typer.Context,
    work: Work,
    isbn: Annotated[str, typer.Argument(metavar="ISBN|book", help="The edition; 'book' for the book itself.")],
    field: Annotated[
        str,
        typer.Argument(
            help="title, subtitle, publisher, published, language, binding or pages; of the book: title, contributors "
            "(names, separated by semicolons), first_published or language."
        ),
    ],
    value: Annotated[str, typer.Argument(help="The right value; '' for none.")],
    *,
    why: Why,
    who: Who = "",
    expected: Expected = None,
    dry_run: DryRun = False,
) -> int:
    """Correct a field of an edition, or of the book itself; sources no longer change it."""
    from alexandria.operations import curation

    given = {
        "isbn13": None if isbn == "book" else isbn,
        "field": field,
        "value": value,
        "why": why,
        "who": who,
        "expected": expected,
    }
    return _decide(context, curation.CorrectRequest, given | {"dry_run": dry_run}, work, curation.correct)


@group.command()
def merge(
    context: typer.Context,
    work: Work,
    other: Other,
    why: Why,
    *,
    who: Who = "",
    expected: Expected = None,
    dry_run: DryRun = False,
) -> int:
    """Merge a book into another one: both are one, shown as OTHER."""
    from alexandria.operations import curation

    given = {"other_work_id": other, "why": why, "who": who, "expected": expected, "dry_run": dry_run}
    return _decide(context, curation.OtherBookRequest, given, work, curation.merge)


@group.command()
def same(
    context: typer.Context,
    work: Work,
    other: Other,
    why: Why,
    *,
    who: Who = "",
    expected: Expected = None,
    dry_run: DryRun = False,
) -> int:
    """Merge two books under the one with more editions."""
    from alexandria.operations import curation

    given = {"other_work_id": other, "why": why, "who": who, "expected": expected, "dry_run": dry_run}
    return _decide(context, curation.OtherBookRequest, given, work, curation.same)


@group.command()
def different(
    context: typer.Context,
    work: Work,
    other: Other,
    why: Why,
    *,
    who: Who = "",
    expected: Expected = None,
    dry_run: DryRun = False,
) -> int:
    """Mark two books as different: nothing merges them."""
    from alexandria.operations import curation

    given = {"other_work_id": other, "why": why, "who": who, "expected": expected, "dry_run": dry_run}
    return _decide(context, curation.OtherBookRequest, given, work, curation.different)


@group.command()
def split(
    context: typer.Context,
    work: Work,
    isbns: Annotated[list[str], typer.Argument(metavar="ISBN...", help="Editions that are of another book.")],
    *,
    why: Why,
    into: Annotated[
        int | None,
        typer.Option(
            "--into", metavar="OTHER", min=1, help="The number of that book. Default: a new one.", show_default=False
        ),
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Of the new book. Default: that of its first edition.")] = "",
    contributors: Annotated[
        str,
        typer.Option("--contributors", help="Of the new book, separated by semicolons. Default: those of the old one."),
    ] = "",
    who: Who = "",
    expected: Expected = None,
    dry_run: DryRun = False,
) -> int:
    """Split a book: some of its editions, and the months that named them, are of another one."""
    from alexandria.operations import curation

    given = {
        "isbns": isbns,
        "other_work_id": into,
        "title": title,
        "contributors": contributors,
        "why": why,
        "who": who,
    }
    return _decide(
        context, curation.SplitRequest, given | {"expected": expected, "dry_run": dry_run}, work, curation.split
    )


@group.command()
def undo(
    context: typer.Context,
    decision: Annotated[int, typer.Argument(metavar="DECISION", min=1, help="Its number, as `curate show` has it.")],
    why: Why,
    *,
    who: Who = "",
    expected: Expected = None,
    dry_run: DryRun = False,
) -> int:
    """Undo a decision."""
    from alexandria.operations import curation

    given = {"why": why, "who": who, "expected": expected, "dry_run": dry_run}
    return _decide(context, curation.UndoRequest, given, decision, curation.undo, of_decision=True)


@group.command()
def many(
    context: typer.Context,
    act: Annotated[str, typer.Argument(metavar="ACT", help="accept, reject, exclude or merge (all into the first).")],
    books: Annotated[list[str], typer.Argument(metavar="BOOK[=ISBN]...", help="To accept or reject: BOOK=ISBN.")],
    why: Why,
    month: Annotated[
        str | None,
        typer.Option(
            "--month", metavar="YYYY-MM", help="Exclude from this month only.", autocompletion=completion.months
        ),
    ] = None,
    *,
    who: Who = "",
    dry_run: DryRun = False,
) -> int:
    """Decide about several books at once: all decisions are stored, or none."""
    from alexandria.cli.requests import operator_name, read_request
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import bulk_curation, curation

    output = output_of(context)
    given = {"act": act, "books": bulk_curation.read_selection(books), "why": why, "who": who, "dry_run": dry_run}
    request = read_request(bulk_curation.BulkRequest, given | {"month": month, "expected": curation.MAX_ID})
    answer = on_system(output, lambda system: bulk_curation.decide(system, request, operator_name()))
    output.result(answer.model_dump(mode="json"), answer.message)
    return 0


def _decide(
    context: typer.Context,
    body: type[Body],
    given: dict[str, Any],
    target: int,
    act: Callable[[System, int, Body, str], Awaitable[CurationAnswer]],
    *,
    of_decision: bool = False,
) -> int:
    """Carry out an act on a work, or on a decision. Without --expected the present version is the expected one."""
    from alexandria.cli.requests import operator_name, read_request
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import curation

    output = output_of(context)
    stated = {name: value for name, value in given.items() if value is not None}
    request = read_request(body, {"expected": 0} | stated)

    async def decide(system: System) -> CurationAnswer:
        if given["expected"] is not None:
            return await act(system, target, request, operator_name())
        version = await curation.version_of(system, target, of_decision=of_decision)
        return await act(system, target, request.model_copy(update={"expected": version}), operator_name())

    answer = on_system(output, decide)
    output.result(answer.model_dump(mode="json"), answer.message)
    if not answer.dry_run:
        output.message(f"to undo it: alexandria curate undo {answer.decision.id} --why REASON")
    return 0
