"""The command doctor: checks the installation, a line per check, with the fix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from alexandria.cli.exit_codes import DONE, UNEXPECTED
from alexandria.cli.output.console import output_of
from alexandria.cli.runtime.remote_server import remote_of
from alexandria.core.errors import BadInput

if TYPE_CHECKING:
    from alexandria.cli.doctor.check import Check
    from alexandria.cli.output.console import Output
    from alexandria.operations.daily_checks import DailyCheck

commands = typer.Typer()


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

    Exits 0 if every check passes, else 1. With --server on another machine: what can be checked from here.
    """
    rate = least_resolved if min_resolution_rate is None else min_resolution_rate
    if rate is not None and not daily:
        raise BadInput("--min-resolution-rate needs --daily", hint="add --daily")
    from alexandria.cli.doctor.check import render, to_view
    from alexandria.operations.daily_checks import MIN_RESOLUTION_RATE

    output = output_of(context)
    least = MIN_RESOLUTION_RATE if rate is None else rate
    found: list[DailyCheck] | list[Check]
    if (server := remote_of(output)) is not None:
        from alexandria.cli.runtime import remote_views

        found = remote_views.daily_checks(server, least) if daily else remote_views.installation_checks(server)
    else:
        found = _own_checks(output, least) if daily else _installation_checks(output)
    output.result([to_view(each) for each in found], *render(found))
    if server is not None and not daily:
        output.message("its database, keys, disk and network are checked on its machine: alexandria doctor")
    return DONE if all(each.ok for each in found) else UNEXPECTED


def _own_checks(output: Output, least: float) -> list[DailyCheck]:
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import daily_checks

    return on_system(output, lambda system: daily_checks.checklist(system, least))


def _installation_checks(output: Output) -> list[Check]:
    from alexandria.cli.doctor import checks
    from alexandria.cli.settings import settings_of

    return checks.all_of(settings_of(output))
