"""The command that looks one book up: title and author to ISBN, with the evidence."""

from __future__ import annotations

from typing import Annotated

import typer

from alexandria.cli.output import output_of

commands = typer.Typer()
NOTHING = 3


@commands.command(rich_help_panel="Work")
def resolve(
    context: typer.Context,
    title: Annotated[str, typer.Option(help="As on the title page.")],
    author: Annotated[str, typer.Option(help="The first author.")],
    year: Annotated[int | None, typer.Option(help="Of first publication, if known.")] = None,
    sources: Annotated[str | None, typer.Option(metavar="A,B", help="Ask these, in this order.")] = None,
) -> int:
    """Title and author to ISBN, with the evidence. Spends the reserve that is kept for people."""
    from alexandria.cli import inquiry

    output = output_of(context)
    found = inquiry.look_up(output, title, author, year, sources)
    output.result(inquiry.told(found), *inquiry.drawn(found))
    return 0 if found.isbn13 else NOTHING
