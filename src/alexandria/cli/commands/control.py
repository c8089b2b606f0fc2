"""The commands pause, resume and retry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from alexandria.cli import completion
from alexandria.cli.exit_codes import NOTHING
from alexandria.cli.options import DryRun, instant
from alexandria.cli.output.console import output_of
from alexandria.core.errors import BadInput
from alexandria.core.grammar import counted
from alexandria.core.month import Month

if TYPE_CHECKING:
    from alexandria.operations import schemas
    from alexandria.operations.system import System

commands = typer.Typer()


@commands.command(rich_help_panel="Work")
def retry(
    context: typer.Context,
    months: Annotated[
        list[str] | None, typer.Argument(metavar="[YYYY-MM]...", help="These months.", autocompletion=completion.months)
    ] = None,
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Only failed months.")] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Only completed months that lack the list of a model.")
    ] = False,
    adopted: Annotated[bool, typer.Option("--adopted", help="Only months as an earlier scheduler left them.")] = False,
    reason: Annotated[
        str | None, typer.Option(help="Only months with this error code or reason.", autocompletion=completion.reasons)
    ] = None,
    dry_run: DryRun = False,
) -> int:
    """Reset months: completed and failed ones become pending, waiting ones retry now."""
    named = [str(Month.parse(month)) for month in months or ()]
    if not (named or failed or partial or adopted or reason):
        raise BadInput(
            "no months selected",
            hint="name months, or use --failed, --partial, --adopted or --reason; alexandria retry --help",
        )

    from alexandria.cli.requests import operator_name, read_request
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import control, schemas

    given = {
        "months": named,
        "status": "failed" if failed else "",
        "partial": partial,
        "adopted": adopted,
        "reason": reason or "",
    }
    wanted = read_request(schemas.RetryRequest, {k: v for k, v in given.items() if v} | {"dry_run": dry_run})
    output = output_of(context)
    answer = on_system(output, lambda system: control.retry(system, wanted, operator_name()))
    output.result(answer.model_dump(mode="json"), answer.message, *_lines(answer))
    if not answer.reopened + answer.woken:
        return NOTHING
    output.message(f"next: {'the same without --dry-run' if dry_run else 'alexandria schedule'}")
    return 0


@commands.command(rich_help_panel="Work")
def pause(
    context: typer.Context,
    minutes: Annotated[int | None, typer.Option(min=1, max=525_600, help="Length of the pause in minutes.")] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="End of the pause, such as 2026-11-24T18:00; UTC unless given.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Reason (shown in status and audit log).")] = "",
    dry_run: DryRun = False,
) -> int:
    """Stop starting new months. Running ones finish. Lasts until `alexandria resume` unless --minutes or --until."""
    if minutes and until:
        raise BadInput("--minutes and --until cannot be combined", hint="use one, or neither to pause until resumed")
    end = {"minutes": minutes} if minutes else {"until": instant(until).isoformat()} if until else {}

    from alexandria.cli.requests import operator_name, read_request
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import control, schemas

    wanted = read_request(schemas.PauseRequest, {**end, "reason": reason})
    output = output_of(context)
    if dry_run:
        finishing = on_system(output, control.months_in_work)
        output.result(
            {"dry_run": True, "months_finishing": finishing},
            f"would pause; {counted(finishing, 'running month')} would still finish",
        )
        return 0
    answer = on_system(output, lambda system: control.pause(system, wanted, operator_name()))
    output.result(answer.model_dump(mode="json"), answer.message)
    output.message("next: alexandria status; to continue: alexandria resume")
    return 0


@commands.command(rich_help_panel="Work")
def resume(
    context: typer.Context,
    provider: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Resume requests to this provider before its pause ends.",
            autocompletion=completion.providers,
        ),
    ] = "",
    dry_run: DryRun = False,
) -> int:
    """End the pause of the backfill, or of one provider. Months that waited for it continue now."""
    from alexandria.cli.requests import operator_name, read_request
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import control, schemas

    output = output_of(context)
    wanted = read_request(schemas.ResumeRequest, {"provider": provider} if provider else {})
    if dry_run:
        state, lanes = on_system(output, _pauses)
        if provider:
            text = f"would end: {lanes[provider]}" if provider in lanes else f"{provider} is not paused"
            output.result({"dry_run": True, "provider": provider, "paused": lanes.get(provider)}, text)
        else:
            text = f"would end: {control.describe(state)}" if state else "not paused"
            output.result({"dry_run": True, "paused": state and state.model_dump(mode="json")}, text)
        return 0
    answer = on_system(output, lambda system: control.resume(system, wanted, operator_name()))
    output.result(answer.model_dump(mode="json"), answer.message)
    if not answer.resumed:
        _, lanes = on_system(output, _pauses)
        for name, paused in lanes.items():
            output.message(f"{paused}; to resume it now: alexandria resume --provider {name}")
    return 0 if answer.resumed or not provider else NOTHING


def _lines(answer: schemas.RetryAnswer) -> list[str]:
    results = [(month, "pending") for month in answer.reopened] + [(month, "retry now") for month in answer.woken]
    return [f"{month} {what}" for month, what in results] + [
        f"{left.month} skipped: {_skip_reason(left.status)}" for left in answer.left
    ]


def _skip_reason(status: str | None) -> str:
    match status:
        case None:
            return "not seeded (run: alexandria seed)"
        case "pending":
            return "already pending (run: alexandria schedule)"
        case "failed" | "completed" | "retry":
            return f"{status}, but locked by another session (see pg_stat_activity)"
        case _:
            return str(status)


async def _pauses(system: System) -> tuple[schemas.PauseState | None, dict[str, str]]:
    """The pause of the backfill, and a sentence for each paused provider."""
    from alexandria.operations import control
    from alexandria.operations.terminal.formatting import format_value

    paused = {
        lane.name: f"{lane.name} paused until {format_value(lane.paused_until)} UTC: {lane.pause_reason}"
        for lane in await control.paused_providers(system)
    }
    return await control.current_pause(system), paused
