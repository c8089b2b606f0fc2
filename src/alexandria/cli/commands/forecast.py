"""The command forecast: when it will be done, what limits it, and what it will cost."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alexandria.cli.output.console import output_of

if TYPE_CHECKING:
    from alexandria.forecast.estimate import Band, Forecast
    from alexandria.forecast.forecaster import Told
    from alexandria.operations.system import System

commands = typer.Typer()


@commands.command(rich_help_panel="Look")
def forecast(
    context: typer.Context,
    runs: Annotated[int, typer.Option(min=10, max=10_000, help="Campaigns that are tried out.")] = 100,
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="Equal seeds give equal forecasts.")] = 1,
    file: Annotated[
        Path | None, typer.Option(metavar="ROLLOUT.TOML", help="Of this plan, as if it began now.", dir_okay=False)
    ] = None,
) -> int:
    """When the months will be done, what keeps them from being done sooner, and what they will cost.

    Without --file of the rollout that runs, else of the plan that comes with the product. Changes nothing.
    """
    from alexandria.cli.output.console import table
    from alexandria.cli.runtime.system import on_system
    from alexandria.core.errors import BadInput
    from alexandria.rollout import plan as plans

    try:
        plan = plans.read(file.read_text(encoding="utf-8")) if file else None
    except (OSError, UnicodeDecodeError) as unreadable:
        raise BadInput(f"{file}: it cannot be read", hint="name a rollout.toml") from unreadable
    output = output_of(context)

    async def tell(system: System) -> Told:
        return await system.prospect.tell(plan, runs=runs, seed=seed)

    told = on_system(output, tell)
    output.result(as_data(told), table(["", told.name], [*_rows(told)]))
    for note in told.notes:
        output.say(note)
    if not told.started:
        output.say("next: alexandria rollout start")
    return 0


def as_data(told: Told) -> dict[str, Any]:
    """For --json."""
    return {
        "plan": told.name,
        "started": told.started,
        "notes": told.notes,
        **dataclasses.asdict(told.forecast),
        "limit": told.forecast.limit.value,
        "limit_told": told.forecast.limit.told,
    }


def _rows(told: Told) -> Iterator[tuple[str, str]]:
    now = told.forecast
    yield "months", f"{now.ended} of {now.months} have ended"
    if now.ended == now.months:
        return
    yield "done by", _finish(now)
    yield "limited by", f"{now.limit.told} ({now.limit_share:.0%} of the time)"
    if now.stuck:
        yield "or stops", f"at the gate of {now.stuck_at} until a person acts, in {now.stuck:.0%} of the campaigns"
    if now.middle is not None and now.sooner is not None:
        days = (now.middle - now.sooner).total_seconds() / 86400
        sooner = f"by {_day(now.sooner)}, {days:.0f} days sooner" if days >= 0.5 else "hardly sooner"
        yield "at any pace", f"{sooner}, within the same quota and gates"
    yield "will fail", f"{_between(now.failed)} months"
    yield "requests", ", ".join(f"{name} {_between(calls)}" for name, calls in now.calls.items() if calls.high)
    if now.money is not None:
        yield "models cost", f"{_between(now.money, '.2f')} dollars"
    if now.unpriced:
        yield "not priced", ", ".join(now.unpriced)
    basis = "what has been measured so far" if now.measured else "expectations: nothing has been measured yet"
    yield "rests on", f"{now.runs} campaigns with seed {now.seed}, and {basis}"


def _finish(now: Forecast) -> str:
    if now.early is None or now.middle is None or now.late is None:
        return "not unless a person acts"
    days = " to ".join(dict.fromkeys(str((at.date() - now.at.date()).days + 1) for at in (now.early, now.late)))
    return f"{_day(now.early)} to {_day(now.late)}, the middle being {_day(now.middle)}: {days} days"


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def _between(band: Band, form: str = ".0f") -> str:
    return " to ".join(dict.fromkeys(f"{value:{form}}" for value in (band.low, band.high)))
