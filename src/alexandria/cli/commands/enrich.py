"""The command enrich: shows the state of enrichment, or refreshes editions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from alexandria.cli.exit_codes import NOTHING
from alexandria.cli.options import DryRun
from alexandria.cli.output.console import output_of
from alexandria.core.grammar import counted
from alexandria.operations.terminal.formatting import heading, table

commands = typer.Typer()


@commands.command(rich_help_panel="Work")
def enrich(
    context: typer.Context,
    isbn: Annotated[list[str] | None, typer.Option(metavar="ISBN", help="This edition; may be repeated.")] = None,
    older_than: Annotated[
        int | None,
        typer.Option(min=0, max=36_525, metavar="DAYS", help="Editions last enriched more than so many days ago."),
    ] = None,
    dry_run: DryRun = False,
) -> int:
    """Refresh the metadata of editions; without options, show the state of enrichment."""
    from alexandria.catalogue.models import Isbn13
    from alexandria.cli.requests import operator_name
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import enrichment

    isbns = [Isbn13.parse(text) for text in isbn or ()]
    output = output_of(context)
    if not isbns and older_than is None:
        found = on_system(output, enrichment.show)
        output.result(found, *_render(found))
        return 0
    count = on_system(
        output, lambda system: enrichment.refresh(system, isbns, older_than, operator_name(), dry_run=dry_run)
    )
    text = f"{'would refresh' if dry_run else 'refreshing'} {counted(count, 'edition')}"
    output.result({"dry_run": dry_run, "editions": count}, text)
    return 0 if count else NOTHING


def _render(found: dict[str, Any]) -> Iterator[RenderableType]:
    yield table(["due#", "waiting#", "done#"], [(found["due"], found["waiting"], found["done"])])
    if found["waiting_for"]:
        yield heading("What editions wait for")
        rows = [(why["editions"], why["next_at"], why["reason"]) for why in found["waiting_for"]]
        yield table(["editions#", "next", "why"], rows)
    if found["resting"]:
        yield heading("Paused sources")
        yield table(["source", "until", "why"], [tuple(rest.values()) for rest in found["resting"]])
