"""Decides what is an incident: a condition that would go unnoticed otherwise. Rules over counts, without effects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from alexandria.backfill.repositories import months
from alexandria.core.grammar import counted
from alexandria.providers.limits.lane_status import LaneStatus
from alexandria.rollout.decisions import Standstill

HEARTBEAT_TIMEOUT = months.WORKER_SILENCE
RESCUE_TIMEOUT = 10.0  # seconds; heartbeats of workers note that it has nothing to do
MIN_ENDED_MONTHS = 5  # months that must have ended before their failures are a rate


class IncidentKind(StrEnum):
    """The conditions that are reported."""

    NO_WORKER = "no_worker"  # months wait for a worker, and none is alive
    RESCUE_STALLED = "rescue_stalled"  # workers are alive, but lost and due months are not taken up
    MONTHS_BLOCKED = "months_blocked"  # months have waited too long, without having failed
    PROVIDERS_DOWN = "providers_down"  # months wait for providers that do not answer, or for a key, for an hour
    MONTHS_FAILING = "months_failing"  # too many of those that ended lately have failed
    QUOTA_SPENT = "quota_spent"  # a provider's daily quota is used up while months are under way
    LANE_PAUSED = "lane_paused"  # a provider has refused our requests for long
    PAUSED = "paused"  # the backfill was paused long ago and perhaps forgotten
    ROLLOUT_SHUT = "rollout_shut"  # the gate of a rollout's phase has failed
    ROLLOUT_WAITS = "rollout_waits"  # a rollout has waited too long


# What a person does about each, as on the page and in `alexandria incidents`.
FIXES: dict[str, str] = {
    IncidentKind.NO_WORKER: "start one: alexandria work",
    IncidentKind.RESCUE_STALLED: "see the workers' logs; end sessions that are idle in transaction (pg_stat_activity)",
    IncidentKind.MONTHS_BLOCKED: "see what they wait for: alexandria months --status retry",
    IncidentKind.PROVIDERS_DOWN: "check keys and network: alexandria doctor; months go on when a provider answers",
    IncidentKind.MONTHS_FAILING: "mend the reason, then: alexandria retry --failed",
    IncidentKind.QUOTA_SPENT: "nothing: months go on when the day's quota is reset",
    IncidentKind.LANE_PAUSED: "when its reason is mended: alexandria resume --provider {subject}",
    IncidentKind.PAUSED: "alexandria resume",
    IncidentKind.ROLLOUT_SHUT: "see what the gate lacks: alexandria rollout status",
    IncidentKind.ROLLOUT_WAITS: "see what it waits for: alexandria rollout status",
}
REMINDED = frozenset({IncidentKind.PROVIDERS_DOWN})  # reported again every REMINDER_INTERVAL while they last
REMINDER_INTERVAL = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Incident:
    """`subject` is the provider that it concerns, or ""."""

    kind: IncidentKind
    subject: str
    reason: str

    @property
    def fix(self) -> str:
        return fix_of(self.kind, self.subject)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How long months may be blocked, the backfill paused or a rollout waiting; how long a provider may be paused; which
    share of months may fail; how long months may wait for providers that are down.
    """

    blocked: timedelta = timedelta(hours=24)
    lane_paused: timedelta = timedelta(hours=1)
    failed_share: float = 0.3
    providers_down: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Observations:
    """Counts at one instant: workers alive, months in progress and due, all that are under way, those blocked for too
    long, those that wait for too long for providers that are `down` or lack a key, and how many completed and failed
    within a day. `..._because` are the most frequent reasons, `lanes` the providers in use. `rescued_ago`: seconds since
    lost months were last rescued; None without a worker that should.
    """

    workers: int = 0
    rescued_ago: float | None = None
    processing: int = 0
    due: int = 0
    under_way: int = 0
    completed: int = 0
    failed: int = 0
    failed_because: str = ""
    blocked: int = 0
    blocked_since: datetime | None = None
    blocked_because: str = ""
    down: int = 0
    down_since: datetime | None = None
    down_because: str = ""
    pause: str = ""
    paused_since: datetime | None = None
    lanes: Sequence[LaneStatus] = ()
    rollout: Standstill | None = None


def fix_of(kind: str, subject: str) -> str:
    """What a person does about an incident; "" for a kind of a later version."""
    return FIXES.get(kind, "").format(subject=subject)


def find_incidents(observed: Observations, thresholds: Thresholds, now: datetime) -> tuple[Incident, ...]:
    """The incidents that these observations amount to. Pure."""
    return (
        *_workers(observed),
        *_rescue(observed),
        *_months(observed, thresholds),
        *_providers(observed, thresholds, now),
        *_pause(observed, thresholds, now),
        *_rollout(observed, thresholds, now),
    )


def _workers(observed: Observations) -> Iterator[Incident]:
    waiting = observed.processing + (0 if observed.pause else observed.due)
    if waiting and not observed.workers:
        reason = f"no worker heartbeat for {HEARTBEAT_TIMEOUT:.0f} s, {counted(waiting, 'month')} waiting for one"
        yield Incident(IncidentKind.NO_WORKER, "", reason)


def _rescue(observed: Observations) -> Iterator[Incident]:
    if observed.rescued_ago is not None and observed.rescued_ago > RESCUE_TIMEOUT:
        reason = f"lost and due months have not been taken up for {observed.rescued_ago:.0f} s"
        yield Incident(IncidentKind.RESCUE_STALLED, "", reason)


def _months(observed: Observations, thresholds: Thresholds) -> Iterator[Incident]:
    if observed.blocked and observed.blocked_since:
        since = f"the first since {_format_time(observed.blocked_since)}"
        reason = f"{counted(observed.blocked, 'month')} blocked, {since}: {observed.blocked_because}"
        yield Incident(IncidentKind.MONTHS_BLOCKED, "", reason)
    if observed.down and observed.down_since:
        since = f"since {_format_time(observed.down_since)}"
        reason = f"{counted(observed.down, 'month')} waiting for providers {since}: {observed.down_because}"
        yield Incident(IncidentKind.PROVIDERS_DOWN, "", reason)
    ended = observed.completed + observed.failed
    if ended >= MIN_ENDED_MONTHS and observed.failed > thresholds.failed_share * ended:
        reason = (
            f"{observed.failed} of {counted(ended, 'month')} that ended within a day failed: {observed.failed_because}"
        )
        yield Incident(IncidentKind.MONTHS_FAILING, "", reason)


def _providers(observed: Observations, thresholds: Thresholds, now: datetime) -> Iterator[Incident]:
    for lane in observed.lanes:
        if lane.left is not None and lane.left <= 0 and observed.under_way:
            reason = f"{lane.name}: the day's quota for months is used up until {_format_time(lane.reset_at)}"
            yield Incident(IncidentKind.QUOTA_SPENT, lane.name, reason)
        if lane.down_since is not None:  # its pauses come and go with each probe, the outage is one
            if now - lane.down_since >= thresholds.lane_paused:
                reason = f"{lane.name}: no answer since {_format_time(lane.down_since)}: {lane.pause_reason}"
                yield Incident(IncidentKind.LANE_PAUSED, lane.name, reason.removesuffix(": "))
        elif (
            lane.paused_since and lane.paused_until and lane.paused_until - lane.paused_since >= thresholds.lane_paused
        ):
            span = f"from {_format_time(lane.paused_since)} to {_format_time(lane.paused_until)}"
            reason = f"{lane.name}: paused {span}: {lane.pause_reason}"
            yield Incident(IncidentKind.LANE_PAUSED, lane.name, reason)


def _pause(observed: Observations, thresholds: Thresholds, now: datetime) -> Iterator[Incident]:
    if observed.pause and observed.paused_since and now - observed.paused_since >= thresholds.blocked:
        yield Incident(IncidentKind.PAUSED, "", f"{observed.pause}, since {_format_time(observed.paused_since)}")


def _rollout(observed: Observations, thresholds: Thresholds, now: datetime) -> Iterator[Incident]:
    still = observed.rollout
    if still is not None and still.shut:
        yield Incident(IncidentKind.ROLLOUT_SHUT, "", still.reason)
    elif still is not None and now - still.since >= thresholds.blocked:
        yield Incident(IncidentKind.ROLLOUT_WAITS, "", f"since {_format_time(still.since)}: {still.reason}")


def _format_time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
