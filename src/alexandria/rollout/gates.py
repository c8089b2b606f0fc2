"""Gates of a rollout: what the months of a phase have come to, and whether that lets the next phase begin. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import Any

from alexandria.backfill.status import Status
from alexandria.core.grammar import counted
from alexandria.core.month import Month
from alexandria.core.provider_facts import metered_source
from alexandria.rollout.cluster_bound import effective_sample, least_lower_bound, wilson
from alexandria.rollout.plan import Gate, Plan, members

METERED_SOURCE = metered_source()  # whose daily quota a plan divides
LARGE_MONTH_FACTOR = (
    1.5  # times the average books of a month: the months to come may be larger than those that have ended
)
MonthCounts = tuple[int, int, int, int, int]  # resolved, unresolved, hindered, confirmed, contradicted books of a month
UNKNOWN_QUOTA = "ISBNdb quota unknown until a worker has started"


class Verdict(StrEnum):
    """The result of a gate or of one of its conditions. The values are those of the database and of JSON."""

    OPEN = "open"  # passed: the next phase may begin
    WAIT = "wait"  # pending: what is known does not decide it yet
    SHUT = "shut"  # failed: the next phase may not begin, and more months of this one would not change that

    @property
    def word(self) -> str:
        """The verdict as people read it."""
        return _WORDS[self]


_WORDS = {Verdict.OPEN: "passed", Verdict.WAIT: "pending", Verdict.SHUT: "failed"}


@dataclass(frozen=True, slots=True)
class MonthOutcome:
    """The outcome of one month. `day` is when the rollout scheduled it last, `failed_days` when it did and it failed.

    The numbers are of books, 0 unless the month is completed. `unresolved` books were found by none of the sources;
    `hindered` ones are not checked, as a source was unavailable or out of quota. Of the resolved ones a source may know
    the month of publication, and has `confirmed` or `contradicted` it. A month whose outcome is `adopted` from an earlier
    scheduler proves nothing: it counts for no gate.
    """

    status: Status = Status.PENDING
    day: date | None = None
    calls: int = 0
    resolved: int = 0
    unresolved: int = 0
    hindered: int = 0
    confirmed: int = 0
    contradicted: int = 0
    failed_days: tuple[date, ...] = ()
    begun: date | None = None  # by any rollout, last; None: as `day`
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class DailyQuota:
    """ISBNdb's quota of one day: the `limit` for months (None: unlimited), and the units `spent` or reserved.

    `by_months` are those of them that months spent (None: all), as enrichment and rechecks spend units too.
    """

    limit: int | None
    spent: int = 0
    by_months: int | None = None

    def whole(self, share: float) -> int:
        """Units of a whole day that are for months at this share."""
        assert self.limit is not None
        return math.floor(_exact(share) * self.limit)

    def left(self, share: float) -> int:
        """Units left of the share of the day that is for months, but no more than are left of the day."""
        assert self.limit is not None
        by_months = self.spent if self.by_months is None else self.by_months
        return min(self.whole(share) - by_months, self.limit - self.spent)


@dataclass(frozen=True, slots=True)
class PhaseCounts:
    """The sums of a phase's month outcomes, and the day's quota."""

    months: int
    completed: int = 0
    failed: int = 0
    under_way: int = 0  # processing, or in retry
    pending: int = 0
    unseeded: tuple[int, ...] = ()  # years without all their months
    resolved: int = 0
    unresolved: int = 0
    hindered: int = 0
    confirmed: int = 0
    contradicted: int = 0
    quota: DailyQuota | None = None  # None: unknown
    largest: int = 0  # books of the completed month that has the most
    by_month: tuple[MonthCounts, ...] = ()  # empty: unknown
    adopted: int = 0  # months beside those

    @property
    def books_to_come(self) -> int:
        """Books that the months which have not ended are expected to have: as many as the completed ones, on average."""
        return round(self.months_to_come * self._books_per_month)

    @property
    def most_to_come(self) -> int:
        """Books that those months may have at most: each as many as the largest, or half as many again as the average."""
        return math.ceil(self.months_to_come * max(self._books_per_month * LARGE_MONTH_FACTOR, self.largest))

    @property
    def months_to_come(self) -> int:
        """Months that have not ended."""
        return max(self.months - self.completed - self.failed, self.under_way + self.pending)

    @property
    def _books_per_month(self) -> float:
        return (self.resolved + self.unresolved + self.hindered) / max(self.completed, 1)

    @property
    def ended(self) -> bool:
        """Whether every month has completed or failed."""
        return self.completed + self.failed == self.months


@dataclass(frozen=True, slots=True)
class GateEvaluation:
    """A verdict with its inputs and reasons: a sentence for each condition that decided it."""

    verdict: Verdict
    reasons: tuple[str, ...]
    gate: Gate
    counts: PhaseCounts

    @property
    def why(self) -> str:
        return "; ".join(self.reasons)

    def inputs(self) -> dict[str, Any]:
        """The inputs as JSON data. `effective_sample`: how many independent books the checked ones are worth."""
        counts = asdict(replace(self.counts, by_month=()))
        del counts["by_month"]
        sample = _resolution_sample(self.counts)
        counts["effective_sample"] = round(sample.effective[1], 1) if sample.n else 0.0
        return {"gate": self.gate.model_dump(mode="json"), "counts": counts}


Outcomes = Mapping[Month, MonthOutcome]


@dataclass(slots=True)
class PhaseTally:
    """The sums of the outcomes of a phase's months, by their statuses, by the day that began them, and of their books."""

    states: Counter[Status] = field(default_factory=Counter)
    days: dict[date, Counter[Status]] = field(default_factory=lambda: defaultdict(Counter))
    books: list[int] = field(default_factory=lambda: [0] * 5)  # in the order of MonthCounts
    sizes: Counter[int] = field(default_factory=Counter)  # how many months have so many books
    pending: dict[Month, None] = field(default_factory=dict)
    adopted: int = 0

    def add(self, month: Month, outcome: MonthOutcome, sign: int) -> None:
        """Add the outcome of a month, or take it away with the sign -1."""
        if outcome.adopted:
            self.adopted += sign
            return
        self.states[outcome.status] += sign
        if outcome.status is Status.PENDING and sign > 0:
            self.pending[month] = None
        elif outcome.status is Status.PENDING:
            del self.pending[month]
        elif outcome.status is Status.COMPLETED:
            counts = month_counts(outcome)
            for position, number in enumerate(counts):
                self.books[position] += sign * number
            self.sizes[counts[0] + counts[1] + counts[2]] += sign
        if outcome.day is not None:
            self.days[outcome.day][outcome.status] += sign
        for day in outcome.failed_days:
            self.days[day][Status.FAILED] += sign

    @property
    def largest(self) -> int:
        """Books of the month that has the most."""
        return max((size for size, months in self.sizes.items() if months), default=0)


class OutcomeTally(dict[Month, MonthOutcome]):
    """The outcomes of all seeded months, with their sums, which an outcome that is set changes by itself alone.

    Outcomes are set one by one, and none is deleted.
    """

    def __init__(self, plan: Plan, outcomes: Outcomes) -> None:
        super().__init__()
        self.plan, self.members = plan, members(plan)
        self.phases = [PhaseTally() for _ in self.members]
        self.states: Counter[Status] = Counter()
        self.begun: Counter[date] = Counter()  # months by the day on which the rollout began them last
        self.resting: Counter[date | None] = Counter()  # months in retry by the day that began them
        self.calls = 0  # of the completed months
        self._phase_of = {month: number for number, months in enumerate(self.members) for month in months}
        planned = {month: outcomes[month] for month in self._phase_of if month in outcomes}
        for month, outcome in {**planned, **outcomes}.items():  # in the plan's order, which is that of pending months
            self[month] = outcome

    def __setitem__(self, month: Month, outcome: MonthOutcome) -> None:
        before, number = self.get(month), self._phase_of.get(month)
        phase = None if number is None else self.phases[number]
        super().__setitem__(month, outcome)
        if before is not None:
            self._add(month, before, -1, phase)
        self._add(month, outcome, 1, phase)
        if before is not None and phase is not None and outcome.status is Status.PENDING:
            phase.pending = dict.fromkeys(sorted(phase.pending, reverse=True))

    def pending(self, phase: int) -> list[Month]:
        """Months of the phases up to this one that may be scheduled, newest first in each of them."""
        return [month for each in self.phases[: phase + 1] for month in each.pending]

    def _add(self, month: Month, outcome: MonthOutcome, sign: int, phase: PhaseTally | None) -> None:
        self.states[outcome.status] += sign * (not outcome.adopted)
        if outcome.status is Status.COMPLETED and not outcome.adopted:
            self.calls += sign * outcome.calls
        elif outcome.status is Status.RETRY:
            self.resting[outcome.begun or outcome.day] += sign
        if outcome.day is not None:
            self.begun[outcome.day] += sign
        if phase is not None:
            phase.add(month, outcome, sign)


def tally_outcomes(plan: Plan, outcomes: Outcomes) -> OutcomeTally:
    """The outcomes with their sums for this plan; those that have them already are returned as they are."""
    return outcomes if isinstance(outcomes, OutcomeTally) and outcomes.plan is plan else OutcomeTally(plan, outcomes)


def month_counts(outcome: MonthOutcome) -> MonthCounts:
    """The books of a month."""
    return outcome.resolved, outcome.unresolved, outcome.hindered, outcome.confirmed, outcome.contradicted


Finding = tuple[Verdict, str]  # the result of one condition of a gate, and its sentence


@dataclass(frozen=True, slots=True)
class RolloutInputs:
    """The inputs of a decision: all seeded months, the quota (None: unknown), and why the backfill is `paused`, if it is.

    `begun` is how many months all rollouts have begun today, as it is recorded.
    """

    now: datetime
    outcomes: Outcomes
    quota: DailyQuota | None
    paused: str = ""
    begun: int = 0

    @property
    def today(self) -> date:
        return self.now.astimezone(UTC).date()

    @property
    def scheduled(self) -> int:
        """How many months were scheduled today, by this rollout or another one."""
        today, outcomes = self.today, self.outcomes
        if isinstance(outcomes, OutcomeTally):
            return max(self.begun, outcomes.begun[today])
        return max(self.begun, sum(outcome.day == today for outcome in outcomes.values()))


def evaluate(gate: Gate, counts: PhaseCounts) -> GateEvaluation:
    """Evaluate a gate. Missing data never passes it; it fails only by what more months would not change."""
    findings = [
        *_progress(counts),
        *_resolution(gate, counts),
        *_confirmation(gate, counts),
        *_failures(gate, counts),
        *_headroom(gate, counts),
    ]
    for verdict in (Verdict.SHUT, Verdict.WAIT):
        reasons = tuple(_sentence(finding) for finding in findings if finding[0] is verdict)
        if reasons:
            return GateEvaluation(verdict, reasons, gate, counts)
    return GateEvaluation(Verdict.OPEN, tuple(map(_sentence, findings)), gate, counts)


def cannot_pass(gate: Gate, counts: PhaseCounts) -> bool:
    """Whether a gate fails whose months have not all begun, as `evaluate` would find. It needs sums alone."""
    if counts.failed > _most_failed(gate, counts):
        return True
    checked = counts.resolved + counts.unresolved
    known = counts.confirmed + counts.contradicted
    return checked >= gate.min_sample and (
        _is_out_of_reach(counts.resolved, checked, gate.min_resolution_rate, counts)
        or (
            gate.min_confirmed_share > 0
            and gate.confirmed_sample <= known
            and _is_out_of_reach(counts.confirmed, known, gate.min_confirmed_share, counts)
        )
    )


def sum_outcomes(plan: Plan, phase: int, inputs: RolloutInputs) -> PhaseCounts:
    """The sums of the outcomes of the phase with this index, without those of each month."""
    outcomes = tally_outcomes(plan, inputs.outcomes)
    tally, months = outcomes.phases[phase], outcomes.members[phase]
    own = len(months) - tally.adopted
    missing = tally.states.total() < own
    resolved, unresolved, hindered, confirmed, contradicted = tally.books
    return PhaseCounts(
        months=own,
        completed=tally.states[Status.COMPLETED],
        failed=tally.states[Status.FAILED],
        under_way=tally.states[Status.PROCESSING] + tally.states[Status.RETRY],
        pending=tally.states[Status.PENDING],
        unseeded=tuple(sorted({month.year for month in months if month not in outcomes})) if missing else (),
        resolved=resolved,
        unresolved=unresolved,
        hindered=hindered,
        confirmed=confirmed,
        contradicted=contradicted,
        quota=inputs.quota,
        largest=tally.largest,
        adopted=tally.adopted,
    )


def count_outcomes(plan: Plan, phase: int, inputs: RolloutInputs) -> PhaseCounts:
    """Sum up the outcomes of the phase with this index."""
    planned = map(inputs.outcomes.get, members(plan)[phase])
    found = (outcome for outcome in planned if outcome is not None and not outcome.adopted)
    return replace(sum_outcomes(plan, phase, inputs), by_month=tuple(map(month_counts, found)))


@lru_cache(maxsize=256)
def _exact(share: float) -> Fraction:
    """The share as it is written: 0.29 of 100 is 29."""
    return Fraction(str(share))


def _sentence(finding: Finding) -> str:
    verdict, text = finding
    return f"{text}: {verdict.word}"


def _progress(counts: PhaseCounts) -> Iterator[Finding]:
    if counts.unseeded:
        first, last = counts.unseeded[0], counts.unseeded[-1]
        yield Verdict.WAIT, f"Months not seeded yet (run: alexandria seed {first}..{last})"
    if counts.under_way or counts.pending:
        yield Verdict.WAIT, f"{counted(counts.under_way, 'month')} in progress, {counts.pending} not scheduled yet"


@dataclass(frozen=True, slots=True)
class _Sample:
    """`hits` of `n` checked books of a phase; `rate` and `known` are the beginnings of sentences about them.

    `months` has the same numbers for each month; empty: unknown.
    """

    rate: str
    known: str
    hits: int
    n: int
    months: tuple[tuple[int, int], ...]
    counts: PhaseCounts

    @property
    def effective(self) -> tuple[float, float]:
        """The sample of independent books with the same share and the same lower bound, as hits and books."""
        return effective_sample(self.months) if self.months else (self.hits, self.n)

    @property
    def worst_bound(self) -> float:
        """The lower bound that is left however the unchecked books turn out."""
        if not self.months:
            return wilson(self.hits, self.n + self.counts.hindered)[0]
        return least_lower_bound(self.months, self._unchecked)

    def bound_with(self, share: float) -> float:
        """The lower bound if this share of the unchecked books and of those of the months to come are hits."""
        rest, months = self.counts.books_to_come, self.counts.months_to_come
        if not self.months:
            more = self.counts.hindered + rest
            return wilson(self.hits + share * more, self.n + more)[0]
        later = [(share * rest / months, rest / months)] * months if months else []
        ended = [(hits + share * more, n + more) for (hits, n), more in zip(self.months, self._unchecked, strict=True)]
        return wilson(*effective_sample([*ended, *later]))[0]

    @property
    def _unchecked(self) -> list[int]:
        return [hindered for _, _, hindered, _, _ in self.counts.by_month]


def _resolution_sample(counts: PhaseCounts) -> _Sample:
    months = tuple((resolved, resolved + unresolved) for resolved, unresolved, _, _, _ in counts.by_month)
    checked = counts.resolved + counts.unresolved
    return _Sample("Resolution rate", "Resolution rate known for", counts.resolved, checked, months, counts)


def _confirmation_sample(counts: PhaseCounts) -> _Sample:
    months = tuple((confirmed, confirmed + contradicted) for _, _, _, confirmed, contradicted in counts.by_month)
    known, words = counts.confirmed + counts.contradicted, "Publication month"
    return _Sample(f"{words} confirmed for", f"{words} known for", counts.confirmed, known, months, counts)


def _resolution(gate: Gate, counts: PhaseCounts) -> Iterator[Finding]:
    yield _share(_resolution_sample(counts), gate.min_resolution_rate, gate.min_sample)


def _confirmation(gate: Gate, counts: PhaseCounts) -> Iterator[Finding]:
    enough = counts.resolved + counts.unresolved >= gate.min_sample  # too few books are one reason, not two
    if gate.min_confirmed_share > 0 and enough:
        yield _share(_confirmation_sample(counts), gate.min_confirmed_share, gate.confirmed_sample)


def _share(sample: _Sample, required: float, least: int) -> Finding:
    """Passed if proven by at least so many books, however the unchecked books turn out.

    Failed if neither they nor more months can prove it.
    """
    hits, n, counts = sample.hits, sample.n, sample.counts
    final = counts.ended and not counts.hindered
    unchecked = f"; {counts.hindered} more not checked, source unavailable" if counts.hindered else ""
    if n < least:
        adopted = f"; {counted(counts.adopted, 'adopted month')} not counted" if counts.adopted else ""
        text = f"{sample.known} {counted(n, 'book')} (required {least:,}{unchecked}{adopted})"
        return (Verdict.SHUT if final else Verdict.WAIT), text
    effective = sample.effective
    lower, upper = wilson(*effective)
    limits = f"lower bound {_rounded_down(lower):g} %, required {required * 100:g} %"
    unlike = "; the bound allows for unlike months" if _rounded_down(wilson(hits, n)[0]) > _rounded_down(lower) else ""
    text = f"{sample.rate} {round(hits / n * 100, 1):g} % of {counted(n, 'book')} ({limits}{unlike}{unchecked})"
    if lower >= required and (not counts.hindered or sample.worst_bound >= required):
        return Verdict.OPEN, text
    if final or _is_out_of_reach(hits, n, required, counts):
        return Verdict.SHUT, text
    return Verdict.WAIT, text + ("" if upper >= required else _proposal(sample, required))


def _is_out_of_reach(hits: int, n: int, required: float, counts: PhaseCounts) -> bool:
    """Whether even hits alone among the unchecked books and in the months to come would not prove the share."""
    possible = counts.hindered + counts.most_to_come
    # Wilson's bound is never below the one for unlike months, however the months to come turn out.
    return wilson(hits + possible, n + possible)[0] < required


def _rounded_down(bound: float) -> float:
    """A bound in percent, never printed as more than was proven."""
    return math.floor(bound * 1000) / 10


def _proposal(sample: _Sample, required: float) -> str:
    """What the rest would have to be, as the share so far is below the required one beyond chance."""
    rest = sample.counts.hindered + sample.counts.books_to_come
    if not rest:
        return ""
    needed = bisect_left(range(rest + 1), required, key=lambda hits: sample.bound_with(hits / rest))
    so_far = f"{round(sample.hits / sample.n * 100, 1):g} % of {sample.n:,}"
    need = f"{math.ceil(needed / rest * 1000) / 10:g} %" if needed <= rest else "more books than are expected"
    return f", below target so far: {so_far}; the rest would need {need} (to look first: alexandria rollout hold)"


def _failures(gate: Gate, counts: PhaseCounts) -> Iterator[Finding]:
    """Counted, not estimated: the phase has no other months. No later month can make up for too many failed ones."""
    limit = _most_failed(gate, counts)
    text = f"{counts.failed} of {counted(counts.months, 'month')} failed (limit {limit})"
    yield (Verdict.OPEN if counts.failed <= limit else Verdict.SHUT), text


def _most_failed(gate: Gate, counts: PhaseCounts) -> int:
    return math.floor(_exact(gate.max_failed_share) * counts.months)


def _headroom(gate: Gate, counts: PhaseCounts) -> Iterator[Finding]:
    if gate.min_quota_headroom <= 0:
        return
    if counts.quota is None:
        yield Verdict.WAIT, UNKNOWN_QUOTA
    elif counts.quota.limit is None:
        yield Verdict.OPEN, "ISBNdb quota unlimited"
    else:
        limit, left = counts.quota.limit, max(counts.quota.limit - counts.quota.spent, 0)
        enough = limit > 0 and left >= _exact(gate.min_quota_headroom) * limit  # nothing is no headroom
        required = f"required {gate.min_quota_headroom * 100:g} %"
        yield (Verdict.OPEN if enough else Verdict.WAIT), f"ISBNdb quota {left:,} of {limit:,} calls left ({required})"
