"""The command adopt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from alexandria.cli import completion
from alexandria.cli.exit_codes import BLOCKED, DONE, NOTHING, SOME_FAILED
from alexandria.cli.options import DryRun
from alexandria.cli.output.console import Output, output_of
from alexandria.core.grammar import counted
from alexandria.operations.terminal.formatting import heading, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from alexandria.operations.adoption import AdoptAnswer

MAX_LISTED_ROWS = 20  # skipped rows that are printed; --json has all

commands = typer.Typer()


@commands.command(rich_help_panel="Prepare")
def adopt(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="SCHEMA.TABLE",
            help="The earlier scheduler's table, in the same database if --from-postgres is not given.",
            autocompletion=completion.earlier_tables,
        ),
    ],
    from_postgres: Annotated[
        str | None, typer.Option(metavar="URL", help="Another PostgreSQL that holds the table; it is only read.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also adopt months that the earlier scheduler may be working on.")
    ] = False,
    dry_run: DryRun = False,
) -> int:
    """Adopt the months of an earlier scheduler: their status and counters, without books. Its table is only read."""
    from alexandria.cli.requests import operator_name
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import adoption

    output = output_of(context)
    answer = on_system(
        output,
        lambda system: adoption.adopt(
            system, source, operator_name(), origin=from_postgres, force=force, dry_run=dry_run
        ),
    )
    _show(output, answer)
    if answer.active and dry_run and not force:
        output.message(
            f"the earlier scheduler may be working on {counted(len(answer.active), 'month')}, such as {answer.active[0]}; "
            "stop it and adopt an hour later, or use --force"
        )
        return BLOCKED
    if any(each.wrong for each in answer.skipped):
        return SOME_FAILED
    return DONE if answer.adopted + answer.unchanged else NOTHING


def _show(output: Output, answer: AdoptAnswer) -> None:
    tallies = [(each.status, each.rows, each.adopted, each.unchanged, each.skipped) for each in answer.by_status]
    parts: list[RenderableType] = []
    if tallies:
        parts.append(table(["status", "rows#", "adopted#", "unchanged#", "skipped#"], tallies))
    listed = sorted(answer.skipped, key=lambda each: not each.wrong)[:MAX_LISTED_ROWS]
    if listed:
        rows = [(each.row, each.month, each.reason, each.fix) for each in listed]
        parts += [heading("Skipped"), table(["row", "month", "reason", "fix"], rows)]
    output.result(answer.model_dump(mode="json"), *parts)
    if len(answer.skipped) > len(listed):
        output.message(f"{len(answer.skipped) - len(listed)} more skipped rows: --json lists all")
    for note in answer.notes:
        output.message(note)
    output.message(answer.message)
    if answer.adopted:
        output.message(f"next: {'the same without --dry-run' if answer.dry_run else 'alexandria status'}")
