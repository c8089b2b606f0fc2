"""The command forecast: when the months will be done, what limits that, and what it will cost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alexandria.cli.output.console import output_of
from alexandria.cli.runtime.remote_server import remote_of
from alexandria.core.errors import BadInput
from alexandria.core.grammar import counted

if TYPE_CHECKING:
    from alexandria.operations.forecast import ForecastAnswer

commands = typer.Typer()


@commands.command(rich_help_panel="Inspect")
def forecast(
    context: typer.Context,
    runs: Annotated[
        int | None,
        typer.Option(
            min=10, max=10_000, help="How many simulations to run; by default 100, fewer of more than 300 months."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="Equal seeds give equal forecasts.")] = 1,
    file: Annotated[
        Path | None,
        typer.Option(metavar="ROLLOUT.TOML", help="Forecast this plan, as if it started now.", dir_okay=False),
    ] = None,
) -> int:
    """Forecast when the months will be done, what limits that, and what it will cost. Changes nothing.

    Without --file: of the running rollout, or of the default plan if none is running.
    """
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import forecast as forecasts
    from alexandria.operations.terminal.formatting import table
    from alexandria.rollout import plan as plans

    output = output_of(context)
    if (server := remote_of(output)) is not None:
        if file:
            raise BadInput("--file: the server forecasts its own plan", hint="leave out --file or --server")
        from alexandria.cli.runtime import remote_views

        found = remote_views.forecast(server, runs, seed)
    else:
        plan = plans.read_file(file) if file else None
        found = on_system(output, lambda system: forecasts.show(system, plan, runs=runs, seed=seed))
    output.result(found.model_dump(mode="json"), table(["", found.plan], [*_rows(found)]))
    if found.assumed:
        output.message(found.assumed)
    if not found.started:
        output.message("next: alexandria rollout start")
    return 0


def _rows(now: ForecastAnswer) -> Iterator[tuple[str, str]]:
    from alexandria.core.provider_facts import label

    yield "months", f"{now.ended} of {now.months} ended"
    if now.ended == now.months and not now.stuck:
        return
    yield "done by", _finish(now)
    yield "limited by", f"{now.limit_told} ({now.limit_share:.0%} of the time)"
    if now.stuck:
        yield "or stops", now.stops
    if now.middle is not None and now.sooner is not None:
        days = (now.middle - now.sooner).total_seconds() / 86400
        sooner = f"by {_day(now.sooner)}, {counted(round(days), 'day')} sooner" if days >= 0.5 else "not much sooner"
        yield "without pace", f"{sooner}, within the same quota and gates"
    yield "will fail", _range(now.failed.low, now.failed.high, noun="month")
    yield (
        "requests",
        ", ".join(f"{name} {_range(calls.low, calls.high)}" for name, calls in now.calls.items() if calls.high),
    )
    if now.money is not None:
        yield "models cost", f"{_range(now.money.low, now.money.high, '.2f')} dollars"
    for name, cost in now.subscriptions.items():
        yield f"{label(name)} plan", f"{_range(cost.low, cost.high, '.2f')} dollars, by its price a month"
    if now.unpriced:
        yield "unknown price", ", ".join(now.unpriced)
    basis = "measurements so far" if now.measured else "expected values (nothing measured yet)"
    yield "based on", f"{counted(now.runs, 'simulation')} with seed {now.seed}, and {basis}"


def _finish(now: ForecastAnswer) -> str:
    if now.early is None or now.middle is None or now.late is None:
        return f"will not finish until a person acts at gate '{now.stuck_at}'"
    first, last = ((at.date() - now.at.date()).days + 1 for at in (now.early, now.late))
    days = _range(first, last, noun="day")
    return f"{_day(now.early)} to {_day(now.late)} ({now.likelihood}, median {_day(now.middle)}): {days}"


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def _range(low: float, high: float, form: str = ".0f", noun: str = "") -> str:
    ends = " to ".join(dict.fromkeys(f"{value:{form}}" for value in (low, high)))
    return f"{ends} {noun}{'' if ends == '1' else 's'}" if noun else ends
