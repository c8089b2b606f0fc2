"""The commands for a rollout in phases: example, start, status, hold, release, approve, override."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType

from alexandria.cli.exit_codes import BLOCKED
from alexandria.cli.options import DryRun
from alexandria.cli.output.console import Output, heading, output_of, shown, table
from alexandria.core.errors import BadInput

if TYPE_CHECKING:
    from alexandria.operations.rollout_schemas import RolloutAnswer


STATES = {"done": "✓", "present": "▶", "to_come": "·"}
CURES = {  # what a person may do where nothing goes on by itself
    "shut": "alexandria months --status failed, or to go on all the same: alexandria rollout override",
    "approval": "alexandria rollout approve",
    "held": "alexandria rollout release",
    "paused": "alexandria resume",
}
Why = Annotated[str, typer.Option("--why", help="Why, for those who wonder later.")]
MustSay = Annotated[str, typer.Option("--why", help="Why, for those who wonder later.", show_default=False)]

group = typer.Typer(name="rollout", help="The backfill in phases, with a gate after each.", no_args_is_help=True)


@group.command()
def example(context: typer.Context) -> int:
    """A rollout.toml to begin from: the guide's three phases."""
    from alexandria.rollout import plan

    output = output_of(context)
    text = plan.example()
    output.result(plan.read(text).model_dump(mode="json"), text.rstrip("\n"))
    return 0


@group.command()
def start(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Option("--file", help="A rollout.toml; without it the example's three phases.")
    ] = None,
    why: Why = "",
    replace: Annotated[bool, typer.Option("--replace", help="End the rollout that runs.")] = False,
    dry_run: DryRun = False,
) -> int:
    """Start a plan: workers schedule its months day by day, and stop at a gate that is not open."""
    from alexandria.cli.requests import operator_name, read_request
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import rollout
    from alexandria.operations.rollout_schemas import StartRequest
    from alexandria.rollout import plan

    chosen = plan.read(plan.example() if file is None else _text(file))
    wanted = read_request(StartRequest, {"plan": chosen, "why": why, "replace": replace, "dry_run": dry_run})
    output = output_of(context)
    _show(output, on_system(output, lambda system: rollout.start(system, wanted, operator_name())))
    output.say(f"next: {'the same without --dry-run' if dry_run else 'alexandria rollout status'}")
    return 0


@group.command()
def status(context: typer.Context) -> int:
    """Phases, how the gate is judged and why, what follows, and who did what. Leaves with 5 while the gate is shut."""
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import rollout

    output = output_of(context)
    answer = on_system(output, rollout.show)
    _show(output, answer)
    if answer.next.kind in CURES:
        output.say(f"next: {CURES[answer.next.kind]}")
    return BLOCKED if answer.next.kind == "shut" else 0


@group.command()
def verdicts(context: typer.Context) -> int:
    """How the gates were judged, whenever anything had changed; newest first. --json has what each verdict rests on."""
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import rollout

    output = output_of(context)
    answer = on_system(output, rollout.verdicts)
    rows = [(each.at, each.phase, each.verdict, "; ".join(each.reasons)) for each in answer.verdicts]
    output.result(answer.model_dump(mode="json"), table(["at", "phase", "verdict", "why"], rows))
    return 0


@group.command()
def hold(context: typer.Context, why: MustSay, dry_run: DryRun = False) -> int:
    """Schedule nothing and pass no gate until released. Months under way are finished."""
    return _act(context, "hold", why, dry_run=dry_run)


@group.command()
def release(context: typer.Context, why: Why = "", dry_run: DryRun = False) -> int:
    """End the hold."""
    return _act(context, "release", why, dry_run=dry_run)


@group.command()
def approve(context: typer.Context, why: Why = "", dry_run: DryRun = False) -> int:
    """Agree that the next phase begins, where the plan wants that. Only at an open gate."""
    return _act(context, "approve", why, dry_run=dry_run)


@group.command()
def override(context: typer.Context, why: MustSay, dry_run: DryRun = False) -> int:
    """Go on whatever the present phase's gate says: its other months are scheduled, then the next phase begins."""
    return _act(context, "override", why, dry_run=dry_run)


# The names that scripts may know them by, too.
group.command("show", hidden=True)(status)
group.command("pause", hidden=True)(hold)


def _act(context: typer.Context, name: str, why: str, *, dry_run: bool) -> int:
    from alexandria.cli.requests import operator_name, read_request
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import rollout
    from alexandria.operations.rollout_schemas import Act, ApproveRequest, ReasonedRequest, ReleaseRequest

    bodies: dict[str, type[Act]] = {"release": ReleaseRequest, "approve": ApproveRequest}
    wanted = read_request(bodies.get(name, ReasonedRequest), {"why": why, "dry_run": dry_run})
    output = output_of(context)
    answer = on_system(output, lambda system: rollout.act(system, name, wanted, operator_name()))
    output.result(answer.model_dump(mode="json"), f"{'would be: ' if dry_run else ''}{answer.message}")
    if dry_run or answer.next.kind in CURES:
        output.say(f"next: {'the same without --dry-run' if dry_run else CURES[answer.next.kind]}")
    return 0


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        why = unreadable.strerror if isinstance(unreadable, OSError) else "it is not UTF-8"
        raise BadInput(f"--file {file}: {why}", hint="one to begin from: alexandria rollout example") from None


def _show(output: Output, answer: RolloutAnswer) -> None:
    rows = [
        (
            f"{STATES[phase.state]} {phase.name}",
            phase.years,
            phase.months_per_day,
            phase.months,
            phase.completed,
            phase.under_way,
            phase.failed,
            phase.pending,
        )
        for phase in answer.phases
    ]
    columns = ("phase", "years", "a day", "months#", "completed#", "under way#", "failed#", "pending#")
    follows = (
        answer.next.reason if answer.next.until is None else f"{answer.next.reason}; until {shown(answer.next.until)}"
    )
    log = [(entry.at, entry.who, entry.act, entry.why) for entry in answer.log]
    logged: list[RenderableType] = [heading("Log"), table(["at", "who", "act", "why"], log)] if log else []
    output.result(
        answer.model_dump(mode="json"),
        f"{answer.name}: {answer.message}",
        table(columns, rows),
        f"gate: {answer.gate.verdict}: {'; '.join(answer.gate.reasons)}",
        f"next: {follows}",
        f"today: {answer.scheduled_today} of {answer.pace_today} months scheduled",
        *logged,
    )
