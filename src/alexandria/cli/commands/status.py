"""The commands that show the state: status, months, month, quota, incidents, config."""

from __future__ import annotations

from typing import Annotated

import typer

from alexandria.backfill.status import Status
from alexandria.cli import completion
from alexandria.cli.exit_codes import NOTHING
from alexandria.cli.options import Year
from alexandria.cli.output.console import output_of
from alexandria.cli.requests import read_request
from alexandria.cli.runtime.remote_server import remote_of
from alexandria.core.month import Month

commands = typer.Typer()


@commands.command(rich_help_panel="Inspect")
def status(
    context: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", help="Refresh until Ctrl-C.")] = False,
) -> int:
    """Show counters and a grid of all months, with the percentage of books that have an ISBN."""
    from alexandria.cli.output import grid
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations.terminal.status_report import take_report

    output = output_of(context)
    if (server := remote_of(output)) is not None:
        import asyncio

        from alexandria.cli.runtime import remote_views

        if watch:
            asyncio.run(grid.watch(output, lambda: remote_views.status(server)))
        seen = asyncio.run(remote_views.status(server))
        output.result(seen.data(), *seen.render())
    elif watch:
        on_system(output, lambda system: grid.watch(output, lambda: take_report(system, forecast=True)))
    else:
        seen = on_system(output, take_report)
        output.result(seen.data(), *seen.render())
    return 0


@commands.command(rich_help_panel="Inspect")
def months(
    context: typer.Context,
    with_status: Annotated[Status | None, typer.Option("--status", help="Only months in this status.")] = None,
    year: Year = None,
    reason: Annotated[
        str | None, typer.Option(help="Only months with this error code or reason.", autocompletion=completion.reasons)
    ] = None,
) -> int:
    """List the months, newest first."""
    from alexandria.cli.output import tables
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import backfill, schemas

    output = output_of(context)
    if reason:  # half a character, as of a terminal with another encoding, cannot be searched for
        reason = read_request(schemas.RetryRequest, {"reason": reason}).reason
    found = on_system(output, lambda system: backfill.list_months(system, with_status, year, reason))
    output.result(found.model_dump(mode="json"), *tables.of_months(found))
    if not found.months:
        output.message("no month matches; see: alexandria status")
        return NOTHING
    return 0


@commands.command(rich_help_panel="Inspect")
def month(
    context: typer.Context,
    which: Annotated[str, typer.Argument(metavar="YYYY-MM", autocompletion=completion.months)],
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Every record considered for each book, and what its fields rest on.")
    ] = False,
    earlier: Annotated[
        bool, typer.Option("--earlier", help="Instead, what earlier attempts and look-ups found, newest first.")
    ] = False,
) -> int:
    """Show one month: its attempts, its books with the reason for each, and its requests."""
    key = Month.parse(which)

    from alexandria.cli.output import tables
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import earlier_results, month_detail

    output = output_of(context)
    if earlier:
        replaced = on_system(output, lambda system: earlier_results.show_earlier(system, key))
        output.result(replaced.model_dump(mode="json"), *tables.of_earlier(replaced, evidence=evidence))
        return 0 if replaced.results else NOTHING
    found = on_system(output, lambda system: month_detail.show_month(system, key))
    output.result(found.model_dump(mode="json"), *tables.of_month(found, evidence=evidence))
    return 0


@commands.command(rich_help_panel="Inspect")
def quota(context: typer.Context) -> int:
    """Show what is left of the daily quota of each provider."""
    from alexandria.cli.output import tables
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import quota as quotas

    output = output_of(context)
    found = on_system(output, quotas.show)
    output.result(found.model_dump(mode="json"), tables.of_quota(found), *tables.oddities(found))
    for name, each in found.providers.items():
        if each.paused_until:
            output.message(f"to resume {name} before that: alexandria resume --provider {name}")
    return 0


@commands.command(rich_help_panel="Inspect")
def incidents(context: typer.Context) -> int:
    """Show what needs attention, since when, and what to do about it; then what cleared within a week."""
    from alexandria.cli.output import tables
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import incidents as recorded

    output = output_of(context)
    found = on_system(output, recorded.show)
    output.result([each.model_dump(mode="json") for each in found], *tables.of_incidents(found))
    if not found:
        output.message("no incident lasts, and none cleared within a week")
        return NOTHING
    return 0


@commands.command(rich_help_panel="Inspect")
def config(context: typer.Context) -> int:
    """Show every setting, where it comes from, and its value unless it is a secret."""
    from alexandria.cli import settings as configured
    from alexandria.cli.settings import settings_of
    from alexandria.operations.terminal.formatting import table

    output = output_of(context)
    settings = settings_of(output)
    found = configured.listed(settings, given=output.options.database is not None)
    rows = [(each.name, each.value, each.origin) for each in found]
    output.result(found, table(["setting", "value", "from"], rows))
    if folder := configured.missing_folder():
        output.message(f"ALEXANDRIA_SECRETS_DIR: there is no folder {folder}")
    for name, meant in configured.unknown(settings).items():
        output.message(f"{name} is not a setting" + (f"; did you mean {meant}?" if meant else ""))
    return 0
