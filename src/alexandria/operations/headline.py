"""Says in one sentence how the whole backfill stands: run, rollout and gate, workers, providers, incidents, next event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alexandria.core.grammar import counted, listed
from alexandria.core.provider_facts import label
from alexandria.operations.eta import RunState
from alexandria.operations.progress import MonthCell
from alexandria.operations.provider_states import clock
from alexandria.operations.rollout_summary import RolloutSummary
from alexandria.operations.schemas import PauseState
from alexandria.operations.stats_schemas import NextEvent, ProviderCondition, ProviderState
from alexandria.rollout.controller import RolloutSnapshot
from alexandria.rollout.decisions import Wait, WaitKind

MAX_NAMED_PROVIDERS = 2  # in the headline, of those with the same trouble
TROUBLES: dict[ProviderCondition, str] = {  # the most serious first
    ProviderCondition.DOWN: "not answering",
    ProviderCondition.QUOTA_SPENT: "out of quota",
    ProviderCondition.PAUSED: "paused",
    ProviderCondition.FAILING: "failing",
}


@dataclass(frozen=True, slots=True)
class Headline:
    """The clauses of the sentence. `run` is what the run does, `incidents` how many last, `next` what happens by itself."""

    run: RunState
    facts: tuple[str, ...]
    incidents: int
    next: NextEvent | None
    next_words: str

    @property
    def reason(self) -> str:
        """Why the run is in its state, as the first clause of the sentence."""
        return self.run.reason.removesuffix(".")

    @property
    def text(self) -> str:
        """The sentence as text."""
        incidents = counted(self.incidents, "incident") if self.incidents else "no incident"
        return f"{self.run.label}: {'; '.join([self.reason, *self.facts, incidents, self.next_words])}."


def headline(
    run: RunState,
    cells: Sequence[MonthCell],
    now: datetime,
    *,
    pause: PauseState | None,
    workers: int,
    rollout: RolloutSnapshot | None,
    summary: RolloutSummary | None,
    providers: Sequence[ProviderState],
    incidents: int,
) -> Headline:
    """The headline at `now`; `rollout` and its `summary` are of the one that runs."""
    coming = None if pause is not None and pause.until is None else _next_event(cells, now, pause, rollout, providers)
    facts = (_rollout(summary), *_workers(workers, run), *_providers(providers))
    return Headline(run, facts, incidents, coming, _next_words(coming, now, pause, rollout))


def _workers(workers: int, run: RunState) -> Iterator[str]:
    if workers:
        yield f"{counted(workers, 'worker process', 'worker processes')} running"
    elif "No worker" not in run.reason:
        yield "no worker is running"


def _rollout(summary: RolloutSummary | None) -> str:
    if summary is None:
        return "no rollout"
    held = f", held by {summary.held}" if summary.held else ""
    return f"rollout {summary.name}, phase {summary.phase}: {summary.headline[:1].lower()}{summary.headline[1:]}{held}"


def _providers(providers: Sequence[ProviderState]) -> Iterator[str]:
    used = [each for each in providers if each.condition is not ProviderCondition.NOT_USED]
    if not used:
        yield "no provider has been asked yet"
        return
    troubled = 0
    for condition, words in TROUBLES.items():
        names = [label(each.provider) for each in used if each.condition is condition]
        troubled += len(names)
        if names:
            more = len(names) - MAX_NAMED_PROVIDERS
            named = names if more <= 0 else [*names[:MAX_NAMED_PROVIDERS], f"{more} more"]
            yield f"{listed(named)} {words}"
    if not troubled:
        yield f"{counted(len(used), 'provider')} available"


def _next_event(
    cells: Sequence[MonthCell],
    now: datetime,
    pause: PauseState | None,
    rollout: RolloutSnapshot | None,
    providers: Sequence[ProviderState],
) -> NextEvent | None:
    """The first event that has a time; during a pause of the run only its end."""
    if pause is not None:
        return None if pause.until is None else NextEvent(at=pause.until, event="the run resumes")
    coming = [*_months(cells), *_rollout_step(rollout), *_provider_events(providers)]
    return min((each for each in coming if each.at > now), key=lambda each: each.at, default=None)


def _months(cells: Sequence[MonthCell]) -> Iterator[NextEvent]:
    for cell in cells:
        if cell.next_attempt_at is not None:
            yield NextEvent(at=cell.next_attempt_at, event=f"{cell.key} is retried")


def _rollout_step(rollout: RolloutSnapshot | None) -> Iterator[NextEvent]:
    step = rollout.decision.step if rollout else None
    if isinstance(step, Wait) and step.kind in {WaitKind.DAY, WaitKind.BUDGET} and step.until is not None:
        yield NextEvent(at=step.until, event="the rollout's next months start")


def _provider_events(providers: Sequence[ProviderState]) -> Iterator[NextEvent]:
    for each in providers:
        if each.paused_until is not None:
            yield NextEvent(at=each.paused_until, event=f"{label(each.provider)} is queried again")
        elif each.condition is ProviderCondition.QUOTA_SPENT:
            yield NextEvent(at=each.reset_at, event=f"{label(each.provider)}'s quota resets")


def _next_words(
    coming: NextEvent | None, now: datetime, pause: PauseState | None, rollout: RolloutSnapshot | None
) -> str:
    step = rollout.decision.step if rollout else None
    if pause is not None and pause.until is None:
        return "next: a person resumes the run"
    if isinstance(step, Wait) and step.kind in {WaitKind.APPROVAL, WaitKind.SHUT, WaitKind.HELD} and pause is None:
        act = {WaitKind.APPROVAL: "approves the gate", WaitKind.SHUT: "decides on the gate"}
        words = f"a person {act.get(step.kind, 'releases the rollout')}"
        return f"next: {words}" + (f", and {coming.event} at {moment(coming.at, now)}" if coming else "")
    return f"next: {coming.event} at {moment(coming.at, now)}" if coming else "no event is due"


def moment(at: datetime, now: datetime) -> str:
    """The time in UTC, with the date unless it is within a day."""
    day = "" if at - now < timedelta(days=1) else f"{at.astimezone(UTC):%d %b} "
    return f"{day}{clock(at)}"
