"""When may a rollout go on to its next phase, and which months may begin now? Decisions only, nothing is done."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any

from alexandria.backfill.status import Status
from alexandria.core.month import Month
from alexandria.rollout.plan import Gate, Phase, Plan, members

CONFIDENCE = 1.96  # standard deviations of the bounds on a share: 95 % of the truths lie between them
CALLS_PER_MONTH = 40  # calls to ISBNdb that a month is taken to need before any has been measured
UNKNOWN_QUOTA = "how much of ISBNdb's day is left is not known before a worker has started"


class Verdict(StrEnum):
    OPEN = "open"  # the next phase may begin
    WAIT = "wait"  # what is known does not decide it yet
    SHUT = "shut"  # it may not, and more months of this phase would not change that


class Kind(StrEnum):
    """Why nothing begins just now."""

    DAY = "day"  # the day's months have been scheduled, or it is not the hour
    BUDGET = "budget"  # the day's share of the quota is spent or spoken for
    WORK = "work"  # all months have been scheduled, and not all have ended
    MISSING = "missing"  # they have ended, and the gate lacks something
    APPROVAL = "approval"  # the gate is open and a person must agree
    SHUT = "shut"  # the gate is shut
    HELD = "held"  # a person holds the rollout
    PAUSED = "paused"  # a person has paused the whole
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Standstill:
    """A rollout that does not go on by the calendar alone, and since when nothing of it has changed."""

    reason: str
    since: datetime
    shut: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """One month. `day`: on which the rollout scheduled it last. Counts are of books, 0 unless it is completed.

    `unresolved` are those that sources which answered do not have; what a quota or an outage `hindered` is none of them.
    `confirmed` and `contradicted` are resolved ones whose month of publication a source knows.
    """

    status: Status = Status.PENDING
    day: date | None = None
    calls: int = 0
    resolved: int = 0
    unresolved: int = 0
    hindered: int = 0
    confirmed: int = 0
    contradicted: int = 0


@dataclass(frozen=True, slots=True)
class Quota:
    """Of ISBNdb's day: what months may spend in all (None: there is no limit), what is spent or reserved, and how much of
    that `by_months`: enrichment and further looks spend of it too (None: months alone)."""

    limit: int | None
    spent: int = 0
    by_months: int | None = None

    def left(self, share: float) -> int:
        """Of a share of the day that is for months, as long as the day itself has so much."""
        assert self.limit is not None
        theirs = self.spent if self.by_months is None else self.by_months
        return min(math.floor(_exact(share) * self.limit) - theirs, self.limit - self.spent)


@dataclass(frozen=True, slots=True)
class Counts:
    """What the months of a phase have come to: the sums of their outcomes, and what is left of the day's quota."""

    months: int
    completed: int = 0
    failed: int = 0
    under_way: int = 0  # processing, or in retry
    pending: int = 0
    unseeded: tuple[int, ...] = ()  # years that lack months
    resolved: int = 0
    unresolved: int = 0
    hindered: int = 0
    confirmed: int = 0
    contradicted: int = 0
    quota: Quota | None = None  # None: not known

    @property
    def ended(self) -> bool:
        """No more is to come from this phase."""
        return self.completed + self.failed == self.months


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, why in words (one sentence for each condition that is not met, or that all are), and its inputs."""

    verdict: Verdict
    reasons: tuple[str, ...]
    gate: Gate
    counts: Counts

    @property
    def why(self) -> str:
        return "; ".join(self.reasons)

    def inputs(self) -> dict[str, Any]:
        """As JSON data."""
        return {"gate": self.gate.model_dump(mode="json"), "counts": asdict(self.counts)}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a rollout is: the index of its phase, which schedules from the day `begins` on; who holds it and why (empty:
    nobody); whether a person has overridden the phase's gate; whether it has finished."""

    begins: date
    phase: int = 0
    held: str = ""
    overridden: bool = False
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """Let these months begin now."""

    months: tuple[Month, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing may begin before `until` (None: until something ends or a person acts)."""

    kind: Kind
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Advance:
    """The gate is behind us; `standing` is the new one: of the next phase, or at the end."""

    standing: Standing
    reason: str


Step = Schedule | Rest | Advance


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows now, and how the gate of the present phase is judged."""

    step: Step
    judgement: Judgement


Outcomes = Mapping[Month, Outcome]


@dataclass(frozen=True, slots=True)
class View:
    """What there is to see at one instant: all seeded months, the quota (None: not known), why all is `paused`, if it is."""

    now: datetime
    outcomes: Outcomes
    quota: Quota | None
    paused: str = ""

    @property
    def today(self) -> date:
        return self.now.astimezone(UTC).date()

    @property
    def scheduled(self) -> int:
        """Months that began today."""
        today = self.today
        return sum(outcome.day == today for outcome in self.outcomes.values())


def decide(plan: Plan, standing: Standing, view: View, *, approved: bool = False) -> Decision:
    """What follows for a rollout. Pure; `approved` is a person's consent given just now."""
    phase = plan.phase[standing.phase]
    judgement = judge(phase.gate, count(plan, standing.phase, view))
    halt = _halted(standing, view.paused)
    if halt is not None:
        return Decision(halt, judgement)
    pending = _pending(plan, standing.phase, view.outcomes)
    if not pending and (standing.overridden or judgement.verdict is Verdict.OPEN):
        if phase.gate.approval and not (approved or standing.overridden):
            waits = Rest(Kind.APPROVAL, f"the gate of {phase.name} is open and waits for a person's approval")
            return Decision(waits, judgement)
        return Decision(_advance(plan, standing, view, judgement), judgement)
    if judgement.verdict is Verdict.SHUT and not standing.overridden:
        return Decision(Rest(Kind.SHUT, f"the gate of {phase.name} is shut: {judgement.why}"), judgement)
    if not pending:
        kind = Kind.WORK if judgement.counts.under_way else Kind.MISSING
        return Decision(Rest(kind, f"the gate of {phase.name} waits: {judgement.why}"), judgement)
    return Decision(_within_day(plan, standing, view, pending), judgement)


def judge(gate: Gate, counts: Counts) -> Judgement:
    """Whether the gate is open. Missing data never opens it; it is shut only by what more months would not change."""
    findings = [
        *_progress(counts),
        *_resolution(gate, counts),
        *_confirmation(gate, counts),
        *_failures(gate, counts),
        *_headroom(gate, counts),
    ]
    for verdict in (Verdict.SHUT, Verdict.WAIT):
        reasons = tuple(reason for found, reason in findings if found is verdict)
        if reasons:
            return Judgement(verdict, reasons, gate, counts)
    return Judgement(Verdict.OPEN, tuple(reason for _, reason in findings), gate, counts)


def count(plan: Plan, phase: int, view: View) -> Counts:
    """What the months of the phase of this index have come to."""
    months, outcomes = members(plan)[phase], view.outcomes
    found = [outcomes[month] for month in months if month in outcomes]
    states = [outcome.status for outcome in found]
    return Counts(
        months=len(months),
        completed=states.count(Status.COMPLETED),
        failed=states.count(Status.FAILED),
        under_way=states.count(Status.PROCESSING) + states.count(Status.RETRY),
        pending=states.count(Status.PENDING),
        unseeded=tuple(sorted({month.year for month in months if month not in outcomes})),
        resolved=sum(outcome.resolved for outcome in found),
        unresolved=sum(outcome.unresolved for outcome in found),
        hindered=sum(outcome.hindered for outcome in found),
        confirmed=sum(outcome.confirmed for outcome in found),
        contradicted=sum(outcome.contradicted for outcome in found),
        quota=view.quota,
    )


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Lower and upper bound of the share of which `hits` in `n` are a sample (Wilson score interval); n >= 1."""
    share, z2 = hits / n, CONFIDENCE**2
    middle = share + z2 / (2 * n)
    width = CONFIDENCE * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max((middle - width) / (1 + z2 / n), 0.0), min((middle + width) / (1 + z2 / n), 1.0)


def pace(plan: Plan, phase: int, outcomes: Outcomes, today: date) -> int:
    """Months for today: from the slowest one more for each clean day in a row. A day whose months are still under way is
    neither clean nor not."""
    days: dict[date, list[Status]] = defaultdict(list)
    for month in members(plan)[phase]:
        outcome = outcomes.get(month)
        if outcome is not None and outcome.day is not None and outcome.day < today:
            days[outcome.day].append(outcome.status)
    slowest, fastest = plan.phase[phase].months_per_day
    clean = 0
    for _, states in sorted(days.items()):
        clean = 0 if Status.FAILED in states else clean + (set(states) == {Status.COMPLETED})
    return min(slowest + clean, fastest)


def _halted(standing: Standing, paused: str) -> Rest | None:
    if standing.finished:
        return Rest(Kind.FINISHED, "the rollout has finished")
    if standing.held:
        return Rest(Kind.HELD, f"held by {standing.held}")
    return Rest(Kind.PAUSED, paused) if paused else None


def _pending(plan: Plan, phase: int, outcomes: Outcomes) -> list[Month]:
    """Months to schedule: what was reopened of earlier phases, and those of this one, newest first."""
    return [
        month
        for months in members(plan)[: phase + 1]
        for month in months
        if month in outcomes and outcomes[month].status is Status.PENDING
    ]


def _advance(plan: Plan, standing: Standing, view: View, judgement: Judgement) -> Advance:
    """The next phase begins tomorrow if months were scheduled today, so that no day has the months of two."""
    name = plan.phase[standing.phase].name
    overridden = f"the gate of {name} was overridden"
    why = overridden if standing.overridden else f"the gate of {name} is open: {judgement.why}"
    if standing.phase + 1 == len(plan.phase):
        return Advance(replace(standing, finished=True), why)
    begins = view.today + timedelta(days=1) if view.scheduled else view.today
    return Advance(Standing(begins, standing.phase + 1), why)


def _within_day(plan: Plan, standing: Standing, view: View, pending: list[Month]) -> Step:
    phase, today, now = plan.phase[standing.phase], view.today, view.now
    opens, closes = (_at(today, minute) for minute in phase.hours)
    tomorrow = opens + timedelta(days=1)
    if standing.begins > today:
        return Rest(Kind.DAY, f"{phase.name} begins on {standing.begins}", _at(standing.begins, phase.hours[0]))
    if not opens <= now < closes:
        return Rest(Kind.DAY, f"{phase.name} is outside its hours", opens if now < opens else tomorrow)
    done, most = view.scheduled, pace(plan, standing.phase, view.outcomes, today)
    if done >= most:
        return Rest(Kind.DAY, f"today's {done} months have been scheduled", tomorrow)
    afforded, each = _afforded(phase, view)
    if afforded <= 0:
        return Rest(Kind.BUDGET, _unaffordable(phase, view.quota, each), None if view.quota is None else tomorrow)
    months = tuple(pending[: min(most - done, afforded)])
    return Schedule(months, f"{phase.name}: {len(months)} months; today's pace is {most}")


def _at(day: date, minute: int) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC) + timedelta(minutes=minute)


def _afforded(phase: Phase, view: View) -> tuple[int, int]:
    """Months that today's share of the quota can still pay for beside those under way, and the calls that each needs.

    Where a whole day's share is too small for a month a day has one all the same, else none would ever begin.
    """
    outcomes, quota = view.outcomes, view.quota
    done = [outcome.calls for outcome in outcomes.values() if outcome.status is Status.COMPLETED]
    each = max(-(-sum(done) // len(done)), 1) if done else CALLS_PER_MONTH
    if quota is None:
        return 0, each
    if quota.limit is None:
        return len(outcomes), each
    under_way = sum(outcome.status in {Status.PROCESSING, Status.RETRY} for outcome in outcomes.values())
    left = quota.left(phase.quota_share)
    if left > 0 and replace(quota, spent=0, by_months=0).left(phase.quota_share) < each:
        return int(not under_way and not view.scheduled), each
    return left // each - under_way, each


def _unaffordable(phase: Phase, quota: Quota | None, each: int) -> str:
    if quota is None or quota.limit is None:
        return UNKNOWN_QUOTA
    return (
        f"the day's share of ISBNdb's quota is spent or spoken for: {max(quota.left(phase.quota_share), 0)} calls are left "
        f"for months, some for those under way, and a month needs about {each}"
    )


Finding = tuple[Verdict, str]


def _exact(share: float) -> Fraction:
    """The share as it is written: 0.29 of 100 is 29."""
    return Fraction(str(share))


def _progress(counts: Counts) -> Iterator[Finding]:
    if counts.unseeded:
        first, last = counts.unseeded[0], counts.unseeded[-1]
        yield Verdict.WAIT, f"not all months are seeded; next: alexandria seed {first}..{last}"
    if counts.under_way or counts.pending:
        yield Verdict.WAIT, f"{counts.under_way} months are under way and {counts.pending} are not scheduled yet"


def _resolution(gate: Gate, counts: Counts) -> Iterator[Finding]:
    judged = counts.resolved + counts.unresolved
    yield _share("resolved", gate.min_resolution_rate, (counts.resolved, judged), gate, counts)


def _confirmation(gate: Gate, counts: Counts) -> Iterator[Finding]:
    if gate.min_confirmed_share > 0:
        known = counts.confirmed + counts.contradicted
        yield _share("confirmed in their month", gate.min_confirmed_share, (counts.confirmed, known), gate, counts)


def _share(what: str, least: float, tally: tuple[int, int], gate: Gate, counts: Counts) -> Finding:
    """Open if proven, however the hindered books turn out. Shut if hopeless, however they and more months turn out."""
    hits, n = tally
    final = counts.ended and not counts.hindered
    waits = f"; {counts.hindered} more wait for sources that a quota or an outage kept from answering"
    waiting = waits if counts.hindered else ""
    if n < gate.min_sample:
        told = f"{n} books are known to be {what} or not, at least {gate.min_sample} are needed{waiting}"
        return (Verdict.SHUT if final else Verdict.WAIT), told
    told = (
        f"{hits} of {n} books are {what}: {hits / n:.1%}, which proves {wilson(hits, n)[0]:.1%} "
        f"of the {least:.1%} needed{waiting}"
    )
    if wilson(hits, n + counts.hindered)[0] >= least:
        return Verdict.OPEN, told
    hopeless = wilson(hits + counts.hindered, n + counts.hindered)[1] < least
    return (Verdict.SHUT if final or hopeless else Verdict.WAIT), told


def _failures(gate: Gate, counts: Counts) -> Iterator[Finding]:
    """Counted, not inferred: the phase's months are all there are. No later month can undo more than are allowed."""
    allowed = math.floor(_exact(gate.max_failed_share) * counts.months)
    told = f"{counts.failed} of the phase's {counts.months} months have failed, {allowed} may"
    yield (Verdict.OPEN if counts.failed <= allowed else Verdict.SHUT), told


def _headroom(gate: Gate, counts: Counts) -> Iterator[Finding]:
    if gate.min_quota_headroom <= 0:
        return
    if counts.quota is None:
        yield Verdict.WAIT, UNKNOWN_QUOTA
    elif counts.quota.limit is None:
        yield Verdict.OPEN, "ISBNdb has no limit here"
    else:
        left = max(counts.quota.limit - counts.quota.spent, 0)
        enough = left >= _exact(gate.min_quota_headroom) * counts.quota.limit
        told = (
            f"{left} of the {counts.quota.limit} calls of ISBNdb's day are left, {gate.min_quota_headroom:.1%} must be"
        )
        yield (Verdict.OPEN if enough else Verdict.WAIT), told
