"""The commands seed and schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from alexandria.cli import completion
from alexandria.cli.exit_codes import BLOCKED, NOTHING
from alexandria.cli.options import DryRun, in_order, years
from alexandria.cli.output.console import Output, output_of
from alexandria.core.errors import BadInput
from alexandria.core.grammar import counted
from alexandria.core.month import Month, months_in
from alexandria.operations.terminal.formatting import chip, table

if TYPE_CHECKING:
    from alexandria.operations.schemas import ScheduleAnswer

commands = typer.Typer()


@commands.command(rich_help_panel="Prepare")
def seed(
    context: typer.Context,
    range_of_years: Annotated[str, typer.Argument(metavar="YEARS", help="A..B or one year.")] = "2000..2024",
    dry_run: DryRun = False,
) -> int:
    """Add the months of these years. Existing months are not changed."""
    first, last = in_order(range_of_years, *years(range_of_years))

    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import backfill, schemas

    request = schemas.SeedRequest(year_start=first, year_end=last)
    seed_months = backfill.preview_seed if dry_run else backfill.seed
    output = output_of(context)
    seeded = on_system(output, lambda system: seed_months(system, request))
    output.result({"dry_run": dry_run, **seeded.model_dump(mode="json")}, seeded.message)
    output.message(f"next: alexandria {f'seed {range_of_years}' if dry_run else 'schedule --dry-run'}")
    return 0


@commands.command(rich_help_panel="Work")
def schedule(
    context: typer.Context,
    named: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MONTH]...", help="These months: YYYY-MM, or A..B.", autocompletion=completion.months),
    ] = None,
    *,
    batch_size: Annotated[
        int | None, typer.Option(min=1, max=50, help="How many of the newest months to schedule; 10 if not given.")
    ] = None,
    range_of_years: Annotated[
        str | None, typer.Option("--years", metavar="A..B", help="Only months of these years.")
    ] = None,
    force_retry: Annotated[bool, typer.Option("--force-retry", help="Also schedule failed months.")] = False,
    dry_run: DryRun = False,
) -> int:
    """Schedule the newest open months for the workers, or the named ones; of those, waiting ones retry now."""
    if named and (batch_size or range_of_years):
        other = "--batch-size" if batch_size else "--years"
        raise BadInput(f"months and {other} cannot be combined", hint="name the months, or leave them out")
    chosen: dict[str, Any] = {"batch_size": batch_size} if batch_size else {}
    if range_of_years:
        start, end = years(range_of_years)
        chosen["year_range"] = {"start": start, "end": end}
    if named:
        chosen["months"] = [str(month) for text in named for month in months_in(text)]

    from alexandria.cli.requests import operator_name, read_request
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import backfill, control, schemas

    wanted = read_request(schemas.ScheduleRequest, {**chosen, "dry_run": dry_run, "force_retry": force_retry})
    output = output_of(context)
    answer = on_system(output, lambda system: backfill.schedule(system, wanted, operator_name()))
    _show(output, answer)
    if answer.paused is not None:
        output.message(f"{control.describe(answer.paused)}; next: alexandria resume")
        return BLOCKED
    return 0 if answer.months else NOTHING


def _show(output: Output, answer: ScheduleAnswer) -> None:
    rows = [(Month(m.year, m.month), chip(m.status, m.status), m.job_id) for m in answer.months]
    parts = [table(["month", "status", "job#"], rows)] if rows else []
    left = [f"{each.month} skipped: {each.reason}" for each in answer.skipped or ()]
    output.result(answer.model_dump(mode="json", exclude_none=True), *parts, *left)
    output.message(
        f"{'would schedule' if answer.dry_run else 'scheduled'} {counted(answer.months_selected, 'month')}; "
        f"{answer.total_pending} pending, {answer.total_processing} processing, {answer.total_completed} completed, "
        f"{answer.total_failed} failed, {answer.total_retry} waiting to retry"
    )
    if not answer.months and answer.skipped is None:
        output.message("no month can be scheduled; see: alexandria months")
    elif not answer.months:
        output.message("none of these months can be scheduled")
    elif answer.dry_run and not answer.paused:
        output.message("next: the same without --dry-run")
    elif not answer.dry_run:
        output.message("next: alexandria status --watch (and alexandria work, if no worker is running)")
