"""The command doctor: checks the installation, a line per check, with the fix."""

from __future__ import annotations

from typing import Annotated

import typer

from alexandria.cli.exit_codes import DONE, UNEXPECTED
from alexandria.cli.output.console import output_of
from alexandria.core.errors import BadInput

commands = typer.Typer()
MIN_RESOLUTION_RATE = 90.0  # percent, as in the guide


@commands.command(rich_help_panel="Inspect")
def doctor(
    context: typer.Context,
    daily: Annotated[
        bool,
        typer.Option(
            "--daily",
            help="Check the backfill instead: completion, resolution, quota, failures, stuck months, rollout.",
        ),
    ] = False,
    min_resolution_rate: Annotated[
        float | None,
        typer.Option(
            "--min-resolution-rate", min=0, max=100, help="With --daily: lowest passing percentage. Default: 90."
        ),
    ] = None,
    least_resolved: Annotated[float | None, typer.Option("--least-resolved", min=0, max=100, hidden=True)] = None,
) -> int:
    """Check the installation and suggest fixes (a few seconds).

    Exits 0 if every check passes, else 1.
    """
    rate = least_resolved if min_resolution_rate is None else min_resolution_rate
    if rate is not None and not daily:
        raise BadInput("--min-resolution-rate needs --daily", hint="add --daily")
    from alexandria.cli.doctor import checks
    from alexandria.cli.doctor import daily as today
    from alexandria.cli.doctor.check import Check
    from alexandria.cli.runtime.system import on_system
    from alexandria.cli.settings import settings_of

    output = output_of(context)
    found: list[today.DailyCheck] | list[Check]
    if daily:
        least = MIN_RESOLUTION_RATE if rate is None else rate
        found = on_system(output, lambda system: today.checklist(system, least))
    else:
        found = checks.all_of(settings_of(output))
    output.result([today.to_view(each) for each in found], *today.render(found))
    return DONE if all(each.ok for each in found) else UNEXPECTED
