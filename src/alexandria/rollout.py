"""When may the backfill go on to its next phase, and how many months may begin now? Decisions only, nothing is done."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

CONFIDENCE = 1.96  # standard deviations of the bounds on a share: 95 % of the truths lie between them
CALLS_PER_MONTH = 40.0  # calls to ISBNdb that a month is taken to need before any has been measured


class Verdict(StrEnum):
    OPEN = "open"  # the next phase may begin
    WAIT = "wait"  # what is known does not decide it yet
    SHUT = "shut"  # it may not, and more months of this phase would not change that


@dataclass(frozen=True, slots=True)
class Gate:
    """What a phase must show before the next one begins. Shares are 0 to 1; `sample` counts books."""

    resolution_rate: float = 0.9
    sample: int = 100
    failed_share: float = 0.1
    in_month_share: float = 0.0
    quota_headroom: float = 0.0
    approval: bool = False  # a person must agree as well


@dataclass(frozen=True, slots=True)
class Phase:
    """Which months, how many a day, when, and with how much of the day's quota.

    The pace begins at `slowest` months a day, rises by one after each clean day and falls back after one with a failure.
    `months` limits how many of the years' months belong to the phase (None: all that are left). Hours are UTC.
    """

    name: str
    first_year: int
    last_year: int
    slowest: int
    fastest: int
    opens: time = time(0)
    closes: time = time(0)
    quota_share: float = 1.0
    months: int | None = None
    gate: Gate = Gate()


@dataclass(frozen=True, slots=True)
class Rollout:
    """The phases in their order."""

    name: str
    phases: tuple[Phase, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """What the months of a phase have come to.

    `judged` books were looked up by sources that answered: what a quota or an outage hindered is in none of the counts
    of books. `confirmed` and `contradicted` tell of those whose month of publication a source knows. `quota_left` is the
    share of the day's quota that is left, None if unknown.
    """

    completed: int = 0
    failed: int = 0
    under_way: int = 0  # processing, or in retry
    unscheduled: int = 0  # still to be scheduled in this phase
    judged: int = 0
    resolved: int = 0
    confirmed: int = 0
    contradicted: int = 0
    quota_left: float | None = None

    @property
    def ended(self) -> bool:
        """No more is to come from this phase."""
        return not self.under_way and not self.unscheduled


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, why in words (one sentence for each condition that is not met, or that all are), and its inputs."""

    verdict: Verdict
    reasons: tuple[str, ...]
    gate: Gate
    counts: Counts

    def told(self) -> dict[str, object]:
        """As JSON data."""
        return {
            "verdict": self.verdict.value,
            "reasons": list(self.reasons),
            "gate": asdict(self.gate),
            "counts": asdict(self.counts),
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a rollout is: the index of its phase, who holds it and why (empty: nobody), whether a person approved the
    phase's gate or overrode it."""

    phase: int = 0
    held: str = ""
    approved: bool = False
    overridden: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """What the day, which begins at midnight UTC, has seen of the rollout so far.

    `clean_days` in a row, of this phase and before this day, had months and no failure. `quota` is the day's limit for
    months (None: there is none), `spent` what they took of it; `calls_per_month` is measured (None: not yet).
    """

    scheduled: int = 0
    clean_days: int = 0
    quota: int | None = None
    spent: int = 0
    calls_per_month: float | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Let `months` months of the phase begin now."""

    months: int


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing may begin before `until` (None: until something ends or a person acts)."""

    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Advance:
    """The gate is behind us: the next phase begins, or the rollout has finished."""

    reason: str


Step = Schedule | Rest | Advance


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Lower and upper bound of the share of which `hits` in `n` are a sample (Wilson score interval); n >= 1."""
    share, z2 = hits / n, CONFIDENCE**2
    middle = share + z2 / (2 * n)
    width = CONFIDENCE * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max((middle - width) / (1 + z2 / n), 0.0), min((middle + width) / (1 + z2 / n), 1.0)


def judge(gate: Gate, counts: Counts) -> Judgement:
    """Whether the gate is open. Missing data never opens it; it is shut only by what more months would not change."""
    findings = [*_resolution(gate, counts), *_in_month(gate, counts), *_failures(gate, counts), *_rest(gate, counts)]
    for verdict in (Verdict.SHUT, Verdict.WAIT):
        reasons = tuple(reason for found, reason in findings if found is verdict)
        if reasons:
            return Judgement(verdict, reasons, gate, counts)
    return Judgement(Verdict.OPEN, tuple(reason for _, reason in findings), gate, counts)


def next_step(rollout: Rollout, standing: Standing, counts: Counts, day: Day, now: datetime) -> Step:
    """What follows for a rollout that runs. Pure; a person's hold stands before everything."""
    if standing.held:
        return Rest(f"held: {standing.held}")
    phase = rollout.phases[standing.phase]
    if standing.overridden:
        return Advance(f"the gate of {phase.name} was overridden")
    judgement = judge(phase.gate, counts)
    why = "; ".join(judgement.reasons)
    if counts.ended and judgement.verdict is Verdict.OPEN:
        if phase.gate.approval and not standing.approved:
            return Rest(f"the gate of {phase.name} is open and waits for a person's approval: {why}")
        return Advance(why)
    if judgement.verdict is Verdict.SHUT:
        return Rest(f"the gate of {phase.name} is shut: {why}")
    return _within_day(phase, counts, day, now.astimezone(UTC)) if counts.unscheduled else Rest(why)


def pace(phase: Phase, clean_days: int) -> int:
    """Months for one day."""
    return min(phase.slowest + clean_days, phase.fastest)


def _within_day(phase: Phase, counts: Counts, day: Day, now: datetime) -> Step:
    opens, closes = _window(phase, now)
    if not opens <= now < closes:
        return Rest(f"{phase.name} works from {phase.opens:%H:%M} to {phase.closes:%H:%M} UTC",
                    opens if now < opens else opens + timedelta(days=1))  # fmt: skip
    tomorrow = opens + timedelta(days=1)
    room = pace(phase, day.clean_days) - day.scheduled
    if room <= 0:
        return Rest(f"today's {day.scheduled} months have been scheduled", tomorrow)
    afforded = _affordable(phase, counts, day)
    if afforded <= 0:
        return Rest(f"today's share of the quota is spent or spoken for ({day.spent} calls)", tomorrow)
    return Schedule(min(room, counts.unscheduled, afforded))


def _window(phase: Phase, now: datetime) -> tuple[datetime, datetime]:
    """Today's working hours; those that end at midnight or before they begin end with the day."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    opens = datetime.combine(midnight, phase.opens, UTC)
    closes = datetime.combine(midnight, phase.closes, UTC)
    return opens, closes if closes > opens else midnight + timedelta(days=1)


def _affordable(phase: Phase, counts: Counts, day: Day) -> int:
    """Months that today's share of the quota can still pay for, beside those that are under way."""
    if day.quota is None:
        return counts.unscheduled
    each = max(day.calls_per_month if day.calls_per_month is not None else CALLS_PER_MONTH, 1.0)
    return int((day.quota * phase.quota_share - day.spent) / each) - counts.under_way


Finding = tuple[Verdict, str]


def _resolution(gate: Gate, counts: Counts) -> Iterator[Finding]:
    yield from _share("resolved", gate.resolution_rate, (counts.resolved, counts.judged), gate.sample, counts)


def _in_month(gate: Gate, counts: Counts) -> Iterator[Finding]:
    if gate.in_month_share > 0:
        known = counts.confirmed + counts.contradicted
        yield from _share(
            "confirmed in their month", gate.in_month_share, (counts.confirmed, known), gate.sample, counts
        )


def _share(what: str, least: float, tally: tuple[int, int], sample: int, counts: Counts) -> Iterator[Finding]:
    """Proven by its lower bound; hopeless if its upper bound is below, or if no more months are to come."""
    hits, n = tally
    if n < max(sample, 1):
        missing = f"{n} of at least {max(sample, 1)} books {what} or not are known"
        yield (Verdict.SHUT if counts.ended else Verdict.WAIT), missing
        return
    lower, upper = wilson(hits, n)
    told = f"{hits / n:.1%} of {n} books {what}, which proves {lower:.1%}; needed are {least:.1%}"
    if lower >= least:
        yield Verdict.OPEN, told
    else:
        yield (Verdict.SHUT if counts.ended or upper < least else Verdict.WAIT), told


def _failures(gate: Gate, counts: Counts) -> Iterator[Finding]:
    """Counted, not inferred: the phase's months are all there are. No later month can undo more than are allowed."""
    months = counts.completed + counts.failed + counts.under_way + counts.unscheduled
    told = f"{counts.failed} of {months} months failed; allowed are {gate.failed_share:.1%}"
    if not months:
        yield Verdict.WAIT, "the phase has no months: seed its years"
    else:
        yield (Verdict.OPEN if counts.failed <= gate.failed_share * months else Verdict.SHUT), told


def _rest(gate: Gate, counts: Counts) -> Iterator[Finding]:
    if not counts.ended:
        yield Verdict.WAIT, f"{counts.under_way} months are under way and {counts.unscheduled} are not scheduled yet"
    if gate.quota_headroom > 0:
        if counts.quota_left is None:
            yield Verdict.WAIT, "how much of the quota is left is not known"
        elif counts.quota_left < gate.quota_headroom:
            yield (
                Verdict.WAIT,
                f"{counts.quota_left:.1%} of the day's quota is left; needed are {gate.quota_headroom:.1%}",
            )
        else:
            yield Verdict.OPEN, f"{counts.quota_left:.1%} of the day's quota is left"
