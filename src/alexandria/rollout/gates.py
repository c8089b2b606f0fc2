"""Gates of a rollout: what the months of a phase have come to, and whether that lets the next phase begin. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any

from alexandria.backfill.status import Status
from alexandria.core.month import Month
from alexandria.rollout.plan import Gate, Plan, members

CONFIDENCE = 1.96  # standard deviations of the bounds on a share: 95 % of the truths lie between them
METERED_SOURCE = "isbndb"  # whose day a plan divides
UNKNOWN_QUOTA = "how much of ISBNdb's day is left is not known before a worker has started"


class Verdict(StrEnum):
    OPEN = "open"  # the next phase may begin
    WAIT = "wait"  # what is known does not decide it yet
    SHUT = "shut"  # it may not, and more months of this phase would not change that


@dataclass(frozen=True, slots=True)
class MonthOutcome:
    """One month. `day`: on which the rollout scheduled it last. PhaseCounts are of books, 0 unless it is completed.

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
class DailyQuota:
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
class PhaseCounts:
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
    quota: DailyQuota | None = None  # None: not known

    @property
    def ended(self) -> bool:
        """No more is to come from this phase."""
        return self.completed + self.failed == self.months


@dataclass(frozen=True, slots=True)
class GateEvaluation:
    """A verdict, why in words (one sentence for each condition that is not met, or that all are), and its inputs."""

    verdict: Verdict
    reasons: tuple[str, ...]
    gate: Gate
    counts: PhaseCounts

    @property
    def why(self) -> str:
        return "; ".join(self.reasons)

    def inputs(self) -> dict[str, Any]:
        """As JSON data."""
        return {"gate": self.gate.model_dump(mode="json"), "counts": asdict(self.counts)}


Outcomes = Mapping[Month, MonthOutcome]
Finding = tuple[Verdict, str]  # how one condition of a gate stands, and why


@dataclass(frozen=True, slots=True)
class RolloutInputs:
    """What there is to see at one instant: all seeded months, the quota (None: not known), why all is `paused`, if it is."""

    now: datetime
    outcomes: Outcomes
    quota: DailyQuota | None
    paused: str = ""

    @property
    def today(self) -> date:
        return self.now.astimezone(UTC).date()

    @property
    def scheduled(self) -> int:
        """Months that began today."""
        today = self.today
        return sum(outcome.day == today for outcome in self.outcomes.values())


def evaluate(gate: Gate, counts: PhaseCounts) -> GateEvaluation:
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
            return GateEvaluation(verdict, reasons, gate, counts)
    return GateEvaluation(Verdict.OPEN, tuple(reason for _, reason in findings), gate, counts)


def count_outcomes(plan: Plan, phase: int, inputs: RolloutInputs) -> PhaseCounts:
    """What the months of the phase of this index have come to."""
    months, outcomes = members(plan)[phase], inputs.outcomes
    found = [outcomes[month] for month in months if month in outcomes]
    states = [outcome.status for outcome in found]
    return PhaseCounts(
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
        quota=inputs.quota,
    )


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Lower and upper bound of the share of which `hits` in `n` are a sample (Wilson score interval); n >= 1."""
    share, z2 = hits / n, CONFIDENCE**2
    middle = share + z2 / (2 * n)
    width = CONFIDENCE * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max((middle - width) / (1 + z2 / n), 0.0), min((middle + width) / (1 + z2 / n), 1.0)


def _exact(share: float) -> Fraction:
    """The share as it is written: 0.29 of 100 is 29."""
    return Fraction(str(share))


def _progress(counts: PhaseCounts) -> Iterator[Finding]:
    if counts.unseeded:
        first, last = counts.unseeded[0], counts.unseeded[-1]
        yield Verdict.WAIT, f"not all months are seeded; next: alexandria seed {first}..{last}"
    if counts.under_way or counts.pending:
        yield Verdict.WAIT, f"{counts.under_way} months are under way and {counts.pending} are not scheduled yet"


def _resolution(gate: Gate, counts: PhaseCounts) -> Iterator[Finding]:
    judged = counts.resolved + counts.unresolved
    yield _share("resolved", gate.min_resolution_rate, (counts.resolved, judged), gate, counts)


def _confirmation(gate: Gate, counts: PhaseCounts) -> Iterator[Finding]:
    if gate.min_confirmed_share > 0:
        known = counts.confirmed + counts.contradicted
        yield _share("confirmed in their month", gate.min_confirmed_share, (counts.confirmed, known), gate, counts)


def _share(what: str, least: float, tally: tuple[int, int], gate: Gate, counts: PhaseCounts) -> Finding:
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


def _failures(gate: Gate, counts: PhaseCounts) -> Iterator[Finding]:
    """Counted, not inferred: the phase's months are all there are. No later month can undo more than are allowed."""
    allowed = math.floor(_exact(gate.max_failed_share) * counts.months)
    told = f"{counts.failed} of the phase's {counts.months} months have failed, {allowed} may"
    yield (Verdict.OPEN if counts.failed <= allowed else Verdict.SHUT), told


def _headroom(gate: Gate, counts: PhaseCounts) -> Iterator[Finding]:
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
