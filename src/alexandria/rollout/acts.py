"""Checks an act of a person: that it is meant for the present phase, and that the state of the gate allows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alexandria.core.errors import BadInput, GateShut, NotNow
from alexandria.core.grammar import counted
from alexandria.rollout.decisions import Advance, RolloutDecision, Wait
from alexandria.rollout.gates import GateEvaluation, Verdict
from alexandria.rollout.plan import Phase
from alexandria.rollout.repository import PastAct, Rollout

MAX_REASON_LENGTH = 500  # characters
REPEAT_TIMEOUT = timedelta(minutes=2)  # in which the same act, without a phase, may be one that was sent twice
STATUS_HINT = "see: alexandria rollout status"


@dataclass(frozen=True, slots=True)
class ActTarget:
    """What an act is meant for: a phase by its number (the first is 1) or name, a rollout and a hold by their ids.

    None stands for the present one.
    """

    phase: int | str | None = None
    rollout: int | None = None
    hold: int | None = None

    def check(self, rollout: Rollout) -> None:
        """Raise NotNow unless this is the running rollout and its present phase."""
        if self.rollout is not None and self.rollout != rollout.id:
            raise NotNow(
                f"the act is meant for rollout {self.rollout}, but rollout {rollout.id} ({rollout.plan.name}) is running",
                hint=STATUS_HINT,
            )
        phases, number = rollout.plan.phase, rollout.state.phase
        if self.phase is not None and number not in _numbers_of(self.phase, phases):
            raise NotNow(
                f"the act is meant for phase {self.phase}, but the present one is {number + 1}, {phases[number].name}",
                hint=STATUS_HINT,
            )


PRESENT = ActTarget()


def check_release(rollout: Rollout, hold: int | None, target: ActTarget, last: PastAct | None, now: datetime) -> None:
    """Raise NotNow unless the rollout is on hold, by the hold that the release is meant for.

    One that names no hold may be a repetition of a release a moment ago, after which another person has held again.
    """
    if not rollout.state.held:
        raise NotNow("the rollout is not on hold", hint=STATUS_HINT)
    if target.hold is not None and target.hold != hold:
        raise NotNow(
            f"the release is meant for hold {target.hold}, but the present one is {hold}, by {rollout.state.held}",
            hint=STATUS_HINT,
        )
    if target.hold is None and hold is not None and last is not None and now - last.at < REPEAT_TIMEOUT:
        raise NotNow(
            f"the last release was at {last.at.astimezone(UTC):%H:%M:%S} UTC, and this one may be a repetition of it;"
            f" the rollout is held again by {rollout.state.held}: name the hold",
            hint=f"--hold {hold}",
        )


def check_repeated(rollout: Rollout, name: str, target: ActTarget, last: PastAct | None, now: datetime) -> None:
    """Raise NotNow if the act may be a repetition of one that has let another phase's gate pass a moment ago.

    The gate of the present phase may have failed, or passed, at once: its months may have ended under an earlier rollout.
    """
    phase = rollout.plan.phase[rollout.state.phase].name
    if target.phase is not None or last is None or last.phase == phase:
        return
    if now - last.at < REPEAT_TIMEOUT:
        raise NotNow(
            f"the last {name}, at {last.at.astimezone(UTC):%H:%M:%S} UTC, was for phase {last.phase}; this one may be a"
            " repetition of it: name the phase",
            hint=f'--phase "{phase}"',
        )


def check_override(rollout: Rollout, decision: RolloutDecision, target: ActTarget) -> None:
    """Raise NotNow unless the gate has failed, or is pending after the phase has begun.

    An act that does not name its phase may be a repetition that was meant for the phase before: it must find a gate
    that has failed, or one that is pending although all months have ended.
    """
    name, counts = rollout.plan.phase[rollout.state.phase].name, decision.evaluation.counts
    match decision.evaluation.verdict:
        case Verdict.OPEN:
            raise NotNow(f"the gate of {name} has passed: there is nothing to override", hint=STATUS_HINT)
        case Verdict.SHUT:
            return
    in_advance = "to let its gate pass in any case: alexandria rollout override-in-advance"
    if not is_overridable(decision.evaluation):
        raise NotNow(f"phase {name} has not begun a month yet: its gate cannot be overridden", hint=in_advance)
    if target.phase is None and (counts.under_way or counts.pending):
        left = counted(counts.under_way + counts.pending, "month")
        raise NotNow(
            f"{left} of phase {name} {'has' if left.startswith('1 ') else 'have'} not ended: name the phase to override its gate",
            hint=f'--phase "{name}", or {in_advance}',
        )


def is_overridable(evaluation: GateEvaluation) -> bool:
    """Whether the gate has failed, or is pending after its phase has begun."""
    counts = evaluation.counts
    begun = counts.completed or counts.failed or counts.under_way
    return evaluation.verdict is Verdict.SHUT or (evaluation.verdict is Verdict.WAIT and bool(begun))


def check_override_in_advance(rollout: Rollout, target: ActTarget) -> None:
    """Raise BadInput unless the act names its phase."""
    if target.phase is None:
        name = rollout.plan.phase[rollout.state.phase].name
        raise BadInput("phase: required for an override in advance", hint=f"the present phase is {name}")


def not_approvable(rollout: Rollout, decision: RolloutDecision) -> NotNow:
    """The reason why the gate cannot be approved now."""
    phase, evaluation, step = rollout.plan.phase[rollout.state.phase].name, decision.evaluation, decision.step
    if evaluation.verdict is not Verdict.OPEN:
        result = "failed" if evaluation.verdict is Verdict.SHUT else "has not passed yet"
        return GateShut(
            f"the gate of {phase} {result}: {evaluation.why}", hint="to continue anyway: alexandria rollout override"
        )
    why = step.reason if isinstance(step, Wait | Advance) else f"{phase} is still scheduling months"
    return NotNow(f"the gate of {phase} does not wait for approval: {why}", hint=STATUS_HINT)


def required_reason(why: str) -> str:
    """The reason of an act, which must not be empty. Raises BadInput."""
    if not why.strip():
        raise BadInput("why: must not be empty", hint="state the reason in a few words")
    return checked_reason(why)


def checked_reason(why: str) -> str:
    """The reason of an act, which may be empty. Raises BadInput."""
    if len(why) > MAX_REASON_LENGTH:
        raise BadInput(f"why: longer than {MAX_REASON_LENGTH} characters", hint="state the reason in fewer words")
    if "\x00" in why:
        raise BadInput("why: contains a NUL character", hint="write plain text")
    return why.strip()


def _numbers_of(phase: int | str, phases: tuple[Phase, ...]) -> set[int]:
    """The indexes that a phase's name or number stands for; a name comes before a number."""
    if isinstance(phase, int):
        return {phase - 1}
    named = {number for number, each in enumerate(phases) if each.name.strip() == phase.strip()}
    if named or not (phase.strip().isascii() and phase.strip().isdigit() and len(phase) < 10):
        return named
    return {int(phase) - 1}
