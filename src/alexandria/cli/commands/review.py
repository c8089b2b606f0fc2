"""The commands of the review queue: review, which lists it, and review export, which exports decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alexandria.cli.exit_codes import NOTHING
from alexandria.cli.output.console import output_of

group = typer.Typer(
    name="review", help="List what a person should look at first, and export decisions.", invoke_without_command=True
)


@group.callback()
def _group(context: typer.Context) -> int | None:
    """List what a person should look at first, and export decisions; without a command: list."""
    return None if context.invoked_subcommand else _list(context, {})


@group.command("list")
def list_questions(
    context: typer.Context,
    *,
    reason: Annotated[
        str | None,
        typer.Option(
            help="disputed, undecided, doubtful, unsure, sample, contradicted, repeated or other_title.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="Questions to list.")] = 25,
    after: Annotated[str, typer.Option(help="Continue after a page, as it says at its end.")] = "",
) -> int:
    """List the ISBNs and months that a person should look at, what is most likely wrong first."""
    return _list(context, {"reason": reason, "limit": limit, "after": after})


def _list(context: typer.Context, fields: dict[str, object]) -> int:
    from alexandria.cli.output import review as printed
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import review

    query = review.read_query({name: value for name, value in fields.items() if value is not None})
    output = output_of(context)
    found = on_system(output, lambda system: review.queue(system, query))
    output.result(found.model_dump(mode="json"), *printed.of_queue(found))
    if found.next:
        output.message(f"more questions: alexandria review list --after {found.next}")
    if not found.items:
        output.message("nothing waits for a review")
        return NOTHING
    return 0


@group.command()
def export(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="A file instead of standard output.")] = None,
) -> int:
    """Export decisions about ISBNs as labelled pairs, JSON Lines, by which `benchmarks/matching.py` measures the matcher."""
    from alexandria.cli.commands.export import finish, write
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations.review_export import labelled_pairs

    output = output_of(context)
    return finish(
        output,
        lambda: on_system(output, lambda system: write(labelled_pairs(system.database), out)),
        "labelled pair",
        out,
    )
