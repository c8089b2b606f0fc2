"""Finds phases whose months were run again after their gate had passed, and failed. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from alexandria.backfill.status import Status
from alexandria.core.grammar import counted
from alexandria.rollout.gates import GateEvaluation, RolloutInputs, Verdict, count_outcomes, evaluate
from alexandria.rollout.plan import Plan, members


@dataclass(frozen=True, slots=True)
class LaterFailure:
    """A phase with months that failed after its gate had passed, or whose gate would fail now.

    `evidence` has a text for each failed month and for a rate that is too low; `holds`: the plan demands a hold for it.
    """

    phase: str
    reason: str
    evidence: frozenset[str]
    holds: bool

    def __str__(self) -> str:
        return f"{self.phase}: {self.reason}"


def later_failures(plan: Plan, passed: Mapping[int, int], inputs: RolloutInputs) -> tuple[LaterFailure, ...]:
    """The phases that failed later. `passed`: the index of each phase whose gate has passed, and its failed months then."""
    found = (_later_failure(plan, phase, failed, inputs) for phase, failed in sorted(passed.items()))
    return tuple(failure for failure in found if failure is not None)


def hold_reason(failures: Iterable[LaterFailure], accepted: Collection[str]) -> str:
    """Why the plan demands a hold, or empty if it does not. `accepted` is the evidence that a person has released."""
    new = [str(failure) for failure in failures if failure.holds and failure.evidence.difference(accepted)]
    return "; ".join(new)


def _later_failure(plan: Plan, phase: int, failed_before: int, inputs: RolloutInputs) -> LaterFailure | None:
    spec = plan.phase[phase]
    counts = count_outcomes(plan, phase, inputs)
    gate = spec.gate.model_copy(update={"min_quota_headroom": 0.0})  # of the day on which it passed
    evaluation = evaluate(gate, counts)
    evidence = frozenset(_evidence(plan, phase, inputs, evaluation))
    if evaluation.verdict is Verdict.SHUT:
        reason = f"its gate had passed and would fail now: {evaluation.why}"
        return LaterFailure(spec.name, reason, evidence, spec.gate.hold_if_failed_later)
    more = counts.failed - failed_before
    if more <= 0:
        return None
    reason = f"{counted(more, 'month')} failed after its gate had passed, which would not fail now"
    return LaterFailure(spec.name, reason, evidence, holds=False)


def _evidence(plan: Plan, phase: int, inputs: RolloutInputs, evaluation: GateEvaluation) -> Iterator[str]:
    for month in members(plan)[phase]:
        outcome = inputs.outcomes.get(month)
        if outcome is not None and outcome.status is Status.FAILED and not outcome.adopted:
            yield f"{month} failed on {counted(len(outcome.failed_days), 'day')}"
    counts = evaluation.counts
    by_books = evaluate(evaluation.gate.model_copy(update={"max_failed_share": 1.0}), counts)
    if counts.ended and by_books.verdict is Verdict.SHUT:
        checked = counted(counts.resolved + counts.unresolved, "book")
        yield f"{plan.phase[phase].name}: {counts.resolved} of {checked} resolved, {counts.confirmed} confirmed"
