"""When is something wrong that nobody would notice? Rules over counts; each incident has a reason in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from alexandria.backfill.repositories import months
from alexandria.rollout.decisions import Standstill

SILENCE = months.WORKER_SILENCE
SAMPLE = 5  # months that must have ended before their failures are a rate


class Kind(StrEnum):
    NO_WORKER = "no_worker"  # months wait for a worker, and none is heard
    MONTHS_BLOCKED = "months_blocked"  # months have waited too long, without having failed
    MONTHS_FAILING = "months_failing"  # too many of those that ended lately have failed
    QUOTA_SPENT = "quota_spent"  # a provider's day is used up while months are under way
    LANE_PAUSED = "lane_paused"  # a provider has refused us for long
    PAUSED = "paused"  # somebody has paused the whole and perhaps forgotten it
    ROLLOUT_SHUT = "rollout_shut"  # the gate of a rollout's phase is shut
    ROLLOUT_WAITS = "rollout_waits"  # a rollout has waited too long for somebody or something


@dataclass(frozen=True, slots=True)
class Incident:
    """`subject` is the provider that it is about, or ""."""

    kind: Kind
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How long months may be blocked, all be paused or a rollout wait, how long a lane may be paused, which share of months may fail."""

    blocked: timedelta = timedelta(hours=24)
    lane_paused: timedelta = timedelta(hours=1)
    failed_share: float = 0.3


@dataclass(frozen=True, slots=True)
class Way:
    """A provider in use. `left` units of its day, None if it has no limit."""

    name: str
    left: int | None
    reset_at: datetime
    paused_since: datetime | None = None
    paused_until: datetime | None = None
    pause_reason: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """Counts at one instant: workers heard of, months in work and due, all that are under way, those blocked for too
    long, and how many completed and failed within a day. `because` are the most frequent reasons.
    """

    workers: int = 0
    processing: int = 0
    due: int = 0
    under_way: int = 0
    completed: int = 0
    failed: int = 0
    failed_because: str = ""
    blocked: int = 0
    blocked_since: datetime | None = None
    blocked_because: str = ""
    pause: str = ""
    paused_since: datetime | None = None
    ways: Sequence[Way] = ()
    rollout: Standstill | None = None


def judge(seen: Seen, thresholds: Thresholds, now: datetime) -> tuple[Incident, ...]:
    """The incidents that this amounts to. Pure."""
    return (
        *_at_work(seen),
        *_months(seen, thresholds),
        *_ways(seen, thresholds),
        *_pause(seen, thresholds, now),
        *_rollout(seen, thresholds, now),
    )


def _at_work(seen: Seen) -> Iterator[Incident]:
    waiting = seen.processing + (0 if seen.pause else seen.due)
    if waiting and not seen.workers:
        reason = f"no worker has been heard for {SILENCE:.0f} s, and months wait for one: {waiting}"
        yield Incident(Kind.NO_WORKER, "", reason)


def _months(seen: Seen, thresholds: Thresholds) -> Iterator[Incident]:
    if seen.blocked and seen.blocked_since:
        since = f"the first since {_shown(seen.blocked_since)}"
        yield Incident(Kind.MONTHS_BLOCKED, "", f"{seen.blocked} months are blocked, {since}: {seen.blocked_because}")
    ended = seen.completed + seen.failed
    if ended >= SAMPLE and seen.failed > thresholds.failed_share * ended:
        reason = f"{seen.failed} of the {ended} months that ended within a day have failed: {seen.failed_because}"
        yield Incident(Kind.MONTHS_FAILING, "", reason)


def _ways(seen: Seen, thresholds: Thresholds) -> Iterator[Incident]:
    for way in seen.ways:
        if way.left is not None and way.left <= 0 and seen.under_way:
            reason = f"{way.name}: the day's quota for months is spent until {_shown(way.reset_at)}"
            yield Incident(Kind.QUOTA_SPENT, way.name, reason)
        if way.paused_since and way.paused_until and way.paused_until - way.paused_since >= thresholds.lane_paused:
            reason = f"{way.name}: paused from {_shown(way.paused_since)} to {_shown(way.paused_until)}"
            yield Incident(Kind.LANE_PAUSED, way.name, f"{reason}: {way.pause_reason}")


def _pause(seen: Seen, thresholds: Thresholds, now: datetime) -> Iterator[Incident]:
    if seen.pause and seen.paused_since and now - seen.paused_since >= thresholds.blocked:
        yield Incident(Kind.PAUSED, "", f"{seen.pause}, since {_shown(seen.paused_since)}")


def _rollout(seen: Seen, thresholds: Thresholds, now: datetime) -> Iterator[Incident]:
    still = seen.rollout
    if still is not None and still.shut:
        yield Incident(Kind.ROLLOUT_SHUT, "", still.reason)
    elif still is not None and now - still.since >= thresholds.blocked:
        yield Incident(Kind.ROLLOUT_WAITS, "", f"since {_shown(still.since)}: {still.reason}")


def _shown(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
