"""In which state is a month, how may it leave it, and what follows from an error? Written once; the database repeats it."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alexandria.core import errors

MAX_ATTEMPTS = 5  # failed attempts before a month is failed
BACKOFF_BASE = timedelta(seconds=30)
BACKOFF_CAP = timedelta(hours=1)
RATE_LIMIT_PAUSE = timedelta(minutes=1)  # when a provider refuses for speed and gives no hint
SHORTEST_HINT, LONGEST_HINT = timedelta(seconds=5), timedelta(days=1)  # what else it says is not believed
TRY_MEANWHILE = timedelta(minutes=10)  # while one provider must be waited for and another merely failed
LOOKS_AGAIN = (timedelta(days=7), timedelta(days=30))  # after the first, second ... look at an unresolved candidate
OUTAGE_PAUSE = timedelta(seconds=5)  # when our own database is away or full
MIGRATION_PAUSE = timedelta(minutes=1)  # when its schema is older than this version
PAUSE_LOOK = timedelta(hours=1)  # after which a month looks whether a pause without end has ended


class Status(StrEnum):
    PENDING = "pending"  # nobody has asked for it yet, or a person asked again
    PROCESSING = "processing"  # an attempt holds its token
    COMPLETED = "completed"  # books recorded
    FAILED = "failed"  # gave up, error_message says why
    RETRY = "retry"  # waits until next_attempt_at: after an error, or snoozed


ARROWS: dict[tuple[Status, Status], str] = {
    (Status.PENDING, Status.PROCESSING): "a schedule call claims it",
    (Status.RETRY, Status.PROCESSING): "its time has come, or a schedule call claims it when due",
    (Status.PROCESSING, Status.COMPLETED): "its books are recorded",
    (Status.PROCESSING, Status.RETRY): "a transient error, a snooze, or its worker was lost",
    (Status.PROCESSING, Status.FAILED): "the last failed attempt, or a permanent error",
    (Status.COMPLETED, Status.PENDING): "a person asks for it again",
    (Status.FAILED, Status.PENDING): "a person asks for it again",
    (Status.RETRY, Status.PENDING): "a person resets it",
    (Status.PROCESSING, Status.PENDING): "a person resets it; the running attempt loses its token",
}


@dataclass(frozen=True, slots=True)
class Retry:
    """Counts as a failed attempt; try again at `at`."""

    at: datetime
    reason: str
    code: str


@dataclass(frozen=True, slots=True)
class Snooze:
    """A wait that costs no attempt, until `until`."""

    until: datetime
    reason: str
    code: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Give up; only a person can ask again."""

    reason: str
    code: str


Decision = Retry | Snooze | GiveUp

PERMANENT = (errors.KeyRefused, errors.KeyMissing, errors.NoCredit, errors.RequestRefused, errors.BadInput,
             errors.Misconfigured)  # fmt: skip


def backoff(failed: int, rng: random.Random) -> timedelta:
    """The wait after `failed` >= 1 failed attempts: doubling from BACKOFF_BASE, capped, jittered by up to a quarter."""
    exponential: timedelta = BACKOFF_BASE * 2 ** (failed - 1)
    return min(exponential, BACKOFF_CAP) * rng.uniform(0.75, 1.25)


def decide(error: BaseException, failed_before: int, now: datetime, rng: random.Random) -> Decision:
    """What follows from `error` for a month that has failed `failed_before` times already. Pure.

    An error with causes is a wait if any of them is, and permanent if all of them are.
    """
    reason, code = describe(error)
    causes = (isinstance(error, errors.NoBooks | errors.NoSources) and error.causes) or (error,)
    waits = [until for cause in causes if (until := _waits(cause, now)) is not None]
    permanent = [cause for cause in causes if isinstance(cause, PERMANENT)]
    if waits:
        if len(waits) + len(permanent) < len(causes):
            waits.append(now + TRY_MEANWHILE)
        return Snooze(max(min(waits), now), reason, code)
    if len(permanent) == len(causes):
        return GiveUp(reason, code)
    return _failed(failed_before, now + backoff(failed_before + 1, rng), reason, code)


def decide_lost(failed_before: int, now: datetime, *, outage: bool) -> Decision:
    """What follows if nobody works on an attempt any more. After an `outage` of the database that says nothing against
    the month."""
    if outage:
        return Snooze(now, "the database was away, and its worker has not returned", errors.DatabaseUnavailable.code)
    return _failed(failed_before, now, "its worker was lost", "worker_lost")


def _failed(failed_before: int, at: datetime, reason: str, code: str) -> Decision:
    if failed_before + 1 >= MAX_ATTEMPTS:
        return GiveUp(f"{reason} (attempt {failed_before + 1} of {MAX_ATTEMPTS})", code)
    return Retry(at, reason, code)


def look_again(looks: int, hindered: bool, now: datetime) -> datetime | None:
    """When to look up an unresolved candidate again after `looks` looks; None: never.

    If a source was `hindered` (quota, outage) the look was none: once more when the providers' new day has begun.
    """
    if hindered:
        return (now + timedelta(days=1)).replace(hour=0, minute=10, second=0, microsecond=0)
    return now + LOOKS_AGAIN[looks - 1] if looks <= len(LOOKS_AGAIN) else None


def describe(error: BaseException) -> tuple[str, str]:
    """One line for people and a stable code. An error that is not ours shows its type and never its arguments."""
    if isinstance(error, errors.AlexandriaError):
        return error.message, error.code
    return f"unexpected {type(error).__name__}", "unexpected"


def _waits(error: BaseException, now: datetime) -> datetime | None:
    """Until when an error asks us to wait, if waiting is the cure."""
    match error:
        case errors.QuotaSpent() | errors.Paused():
            return error.until
        case errors.RateLimited():
            return now + _believed(error.retry_after)
        case errors.DatabaseUnavailable():
            return now + OUTAGE_PAUSE
        case errors.NotMigrated():
            return now + MIGRATION_PAUSE
        case _:
            return None


def _believed(hint: float | None) -> timedelta:
    if hint is None or not math.isfinite(hint):
        return RATE_LIMIT_PAUSE
    return timedelta(seconds=min(max(hint, SHORTEST_HINT.total_seconds()), LONGEST_HINT.total_seconds()))
