"""The commands for a rollout in phases: example, start, status, hold, release, approve, override, override-in-advance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType

from alexandria.cli.exit_codes import BLOCKED
from alexandria.cli.options import DryRun
from alexandria.cli.output.console import Output, output_of
from alexandria.core.grammar import counted
from alexandria.operations.terminal.formatting import format_value, heading, table

if TYPE_CHECKING:
    from alexandria.operations.rollout_schemas import RolloutAnswer


STATES = {"done": "✓", "present": "▶", "to_come": "·"}
NEXT_COMMANDS = {  # by the kind of wait that only a person ends
    "shut": "alexandria months --status failed, or to continue anyway: alexandria rollout override",
    "approval": "alexandria rollout approve",
    "held": "alexandria rollout release",
    "paused": "alexandria resume",
}
GATE_KINDS = {"shut", "work", "missing"}  # the kinds of wait whose reason is that of the gate
Why = Annotated[str, typer.Option("--why", help="Reason (shown in status and log).")]
RequiredWhy = Annotated[str, typer.Option("--why", help="Reason (shown in status and log).", show_default=False)]
ForPhase = Annotated[
    str | None,
    typer.Option(
        "--phase", help="Refuse unless this phase is the present one: its name or number.", show_default=False
    ),
]
ForRollout = Annotated[
    int | None,
    typer.Option("--rollout", help="Refuse unless the rollout with this id is running.", show_default=False),
]

group = typer.Typer(name="rollout", help="Run the backfill in phases, with a gate after each.")


@group.command()
def example(context: typer.Context) -> int:
    """Print the default rollout.toml, with the guide's three phases."""
    from alexandria.rollout import plan

    output = output_of(context)
    text = plan.example()
    output.result(plan.read(text).model_dump(mode="json"), text.rstrip("\n"))
    return 0


@group.command()
def start(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="A rollout.toml. Default: the one that `alexandria rollout example` prints."),
    ] = None,
    why: Why = "",
    replace: Annotated[bool, typer.Option("--replace", help="End the running rollout.")] = False,
    dry_run: DryRun = False,
) -> int:
    """Start a plan: workers schedule its months day by day, until a gate does not pass."""
    from alexandria.cli.requests import operator_name, read_request
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import rollout
    from alexandria.operations.rollout_schemas import StartRequest
    from alexandria.rollout import plan

    chosen = plan.read(plan.example()) if file is None else plan.read_file(file)
    wanted = read_request(StartRequest, {"plan": chosen, "why": why, "replace": replace, "dry_run": dry_run})
    output = output_of(context)
    answer = on_system(
        output,
        lambda system: rollout.start(system, wanted, operator_name()),
        without_schema=(lambda: rollout.preview(chosen, operator_name())) if dry_run else None,
    )
    _show(output, answer)
    output.message(f"next: {'the same without --dry-run' if dry_run else 'alexandria rollout status'}")
    return 0


@group.command()
def status(context: typer.Context) -> int:
    """Show phases, gate status, next step and history. Exit code 5 if the gate has failed."""
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import rollout

    output = output_of(context)
    answer = on_system(output, rollout.show)
    _show(output, answer)
    if answer.next.kind in NEXT_COMMANDS:
        output.message(f"next: {NEXT_COMMANDS[answer.next.kind]}")
    return BLOCKED if answer.next.kind == "shut" else 0


@group.command()
def verdicts(context: typer.Context) -> int:
    """Show the history of gate verdicts, newest first. --json includes the inputs of each verdict."""
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import rollout
    from alexandria.rollout.gates import Verdict

    output = output_of(context)
    answer = on_system(output, rollout.verdicts)
    rows = [(each.at, each.phase, Verdict(each.verdict).word, "; ".join(each.reasons)) for each in answer.verdicts]
    output.result(answer.model_dump(mode="json"), table(["at", "phase", "verdict", "why"], rows))
    return 0


ActCommand = Callable[..., int]


def _with_reason(name: str) -> ActCommand:
    """The command of an act that needs a reason."""

    def act(
        context: typer.Context,
        why: RequiredWhy,
        phase: ForPhase = None,
        rollout: ForRollout = None,
        dry_run: DryRun = False,
    ) -> int:
        return _act(context, name, {"why": why, "phase": phase, "rollout": rollout, "dry_run": dry_run})

    return act


def _without_reason(name: str) -> ActCommand:
    """The command of an act whose reason may be left out."""

    def act(
        context: typer.Context,
        why: Why = "",
        phase: ForPhase = None,
        rollout: ForRollout = None,
        dry_run: DryRun = False,
    ) -> int:
        return _act(context, name, {"why": why, "phase": phase, "rollout": rollout, "dry_run": dry_run})

    return act


HOLD_HELP = "Schedule no months and pass no gate until released. Running months finish."
OVERRIDE_HELP = """Ignore the current gate and continue: the other months of the phase, then the next phase.

Without --phase the gate must have failed, or all months of its phase must have ended.
"""
group.command("hold", help=HOLD_HELP)(_with_reason("hold"))
group.command("approve", help="Approve a gate that has passed, where the plan requires approval.")(
    _without_reason("approve")
)
group.command("override", help=OVERRIDE_HELP)(_with_reason("override"))


@group.command("release")
def release(
    context: typer.Context,
    why: Why = "",
    *,
    hold: Annotated[
        int | None,
        typer.Option("--hold", help="Refuse unless the hold with this id is the present one.", show_default=False),
    ] = None,
    phase: ForPhase = None,
    rollout: ForRollout = None,
    dry_run: DryRun = False,
) -> int:
    """End the hold."""
    fields = {"why": why, "hold": hold, "phase": phase, "rollout": rollout, "dry_run": dry_run}
    return _act(context, "release", fields)


@group.command("override-in-advance")
def override_in_advance(
    context: typer.Context,
    why: RequiredWhy,
    phase: Annotated[str, typer.Option("--phase", help="The present phase: its name or number.", show_default=False)],
    rollout: ForRollout = None,
    dry_run: DryRun = False,
) -> int:
    """Let the gate of the current phase pass once its months have ended, whatever they come to."""
    return _act(context, "override_in_advance", {"why": why, "phase": phase, "rollout": rollout, "dry_run": dry_run})


# Other names that scripts may use.
group.command("show", hidden=True)(status)
group.command("pause", help=HOLD_HELP, hidden=True)(_with_reason("hold"))


def _act(context: typer.Context, name: str, fields: dict[str, Any]) -> int:
    from alexandria.cli.requests import operator_name, read_request
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import rollout
    from alexandria.operations import rollout_schemas as schemas

    bodies: dict[str, type[schemas.ActRequest]] = {
        "release": schemas.ReleaseRequest,
        "approve": schemas.ApproveRequest,
        "override_in_advance": schemas.InAdvanceRequest,
    }
    wanted = read_request(bodies.get(name, schemas.ReasonedRequest), fields)
    output, dry_run = output_of(context), wanted.dry_run
    answer = on_system(output, lambda system: rollout.act(system, name, wanted, operator_name()))
    output.result(answer.model_dump(mode="json"), f"{'would be: ' if dry_run else ''}{answer.message}")
    if dry_run or answer.next.kind in NEXT_COMMANDS:
        output.message(f"next: {'the same without --dry-run' if dry_run else NEXT_COMMANDS[answer.next.kind]}")
    return 0


def _show(output: Output, answer: RolloutAnswer) -> None:
    from alexandria.rollout.gates import Verdict

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
    columns = ("phase", "years", "a day", "months#", "completed#", "in progress#", "failed#", "pending#")
    log = [(entry.at, entry.who, entry.act, entry.why) for entry in answer.log]
    logged: list[RenderableType] = [heading("Log"), table(["at", "who", "act", "why"], log)] if log else []
    for warning in answer.warnings:
        output.message(f"warning: {warning}")
    output.result(
        answer.model_dump(mode="json"),
        f"{answer.name}: {answer.message}",
        table(columns, rows),
        f"gate: {Verdict(answer.gate.verdict).word}",
        *(f"  {reason}" for reason in answer.gate.reasons),
        *_next(answer),
        f"today: {answer.scheduled_today} of {counted(answer.pace_today, 'month')} scheduled",
        *logged,
    )


def _next(answer: RolloutAnswer) -> Iterator[str]:
    """The next step, unless the gate's reasons already contain it."""
    if answer.next.kind not in GATE_KINDS:
        until = f" (continues {format_value(answer.next.until)})" if answer.next.until else ""
        yield f"next: {answer.next.reason}{until}"
    if answer.next.months:
        yield f"first months: {', '.join(answer.next.months)}"
