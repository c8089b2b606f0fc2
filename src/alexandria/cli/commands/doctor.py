"""The command that says what ails the system, a line each, with the cure."""

from __future__ import annotations

from typing import Annotated

import typer

from alexandria.cli.exit_codes import DONE, UNEXPECTED
from alexandria.cli.output.console import output_of
from alexandria.core.errors import BadInput

commands = typer.Typer()
LEAST_RESOLVED = 90.0  # percent; what the guide wants to see


@commands.command(rich_help_panel="Look")
def doctor(
    context: typer.Context,
    daily: Annotated[
        bool, typer.Option("--daily", help="Instead: completion, resolution, quota, failures, stuck months, rollout.")
    ] = False,
    least_resolved: Annotated[
        float | None,
        typer.Option(min=0, max=100, help="With --daily: the percentage of books with an ISBN that is well; 90."),
    ] = None,
) -> int:
    """Database, migrations, worker, keys, providers, clock, disk: what is wrong, and the cure. Takes seconds.

    Leaves with 0 if all is well and with 1 if anything needs a person, for cron.
    """
    if least_resolved is not None and not daily:
        raise BadInput("--least-resolved is a part of the daily checks", hint="say --daily too")
    from alexandria.cli.doctor import checks
    from alexandria.cli.doctor import daily as today
    from alexandria.cli.runtime.system import on_system
    from alexandria.cli.settings import settings_of

    output = output_of(context)
    found: list[today.Item] | list[checks.Check]
    if daily:
        least = LEAST_RESOLVED if least_resolved is None else least_resolved
        found = on_system(output, lambda system: today.checklist(system, least))
    else:
        found = checks.all_of(settings_of(output))
    output.result(found, *today.drawn(found))
    return DONE if all(each.ok for each in found) else UNEXPECTED
