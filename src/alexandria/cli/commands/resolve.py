"""The command `resolve`: title and author to ISBN, with the evidence, for one book or a list."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alexandria.cli.exit_codes import NOTHING
from alexandria.cli.output.console import let_go, output_of
from alexandria.core.errors import BadInput

if TYPE_CHECKING:
    from alexandria.cli.output.console import Output

commands = typer.Typer()
STREAM = "-"


@commands.command(rich_help_panel="Work")
def resolve(
    context: typer.Context,
    *,
    title: Annotated[str | None, typer.Option(help="Title, as on the title page.")] = None,
    author: Annotated[str | None, typer.Option(help="First author.")] = None,
    year: Annotated[int | None, typer.Option(help="Year of first publication, if known.")] = None,
    source: Annotated[
        Path | None,
        typer.Option("--input", metavar="FILE", help='JSON lines {"id", "title", "author", "year"?, "month"?}; or -.'),
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="File for the answers, one per line; or -.")
    ] = None,
    sources: Annotated[str | None, typer.Option(metavar="A,B", help="Ask these sources, in this order.")] = None,
) -> int:
    """Resolve title and author to an ISBN, with the evidence: one book, or a list. May use the daily reserve.

    Of a list, every line is answered in its order with {"id", "isbn13", "verdict", "score", "source", "reasons"}.

    What the output file answers already is not asked again: the same command goes on after an interruption.
    """
    output = output_of(context)
    if source is not None and (title, author, year) == (None, None, None):
        return _list(output, source, target or Path(STREAM), sources)
    if source is not None or target is not None or title is None or author is None:
        hint = "alexandria resolve --title T --author A, or alexandria resolve --input FILE --output FILE"
        raise BadInput("either one book or a list", hint=hint)

    from alexandria.cli.output import resolution

    found = resolution.look_up(output, title, author, year, sources)
    output.result(resolution.told(found), *resolution.drawn(found))
    return 0 if found.isbn13 else NOTHING


def _list(output: Output, source: Path, target: Path, sources: str | None) -> int:
    from alexandria.catalogue.matching.scoring import ACCEPT
    from alexandria.cli.commands import resolve_list

    try:
        tally = resolve_list.resolve(output, source, target, sources)
        sys.stdout.flush()
    except BrokenPipeError:
        let_go()
        return 0
    if target != Path(STREAM):
        output.result(tally.told())
    return 0 if tally.verdicts[ACCEPT] or tally.before else NOTHING
