"""In which state is a month, how may it leave it, and what follows from an error? Written once; the database repeats it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alexandria import errors

MAX_ATTEMPTS = 5  # failed attempts before a month is failed
BACKOFF_BASE = timedelta(seconds=30)
BACKOFF_CAP = timedelta(hours=1)
RATE_LIMIT_PAUSE = timedelta(minutes=1)  # when a provider refuses for speed and gives no hint
LOOKS_AGAIN = (timedelta(days=7), timedelta(days=30))  # after the first, second ... look at an unresolved candidate
OUTAGE_PAUSE = timedelta(seconds=5)  # when our own database is away
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
class Bury:
    """Give up; only a person can ask again."""

    reason: str
    code: str


Decision = Retry | Snooze | Bury

PERMANENT = (errors.KeyRefused, errors.KeyMissing, errors.NoCredit, errors.RequestRefused, errors.BadInput,
             errors.Misconfigured)  # fmt: skip


def backoff(failed: int, rng: random.Random) -> timedelta:
    """The wait after `failed` >= 1 failed attempts: doubling from BACKOFF_BASE, capped, jittered by up to a quarter."""
    exponential: timedelta = BACKOFF_BASE * 2 ** (failed - 1)
    return min(exponential, BACKOFF_CAP) * rng.uniform(0.75, 1.25)


def decide(error: BaseException, failed_before: int, now: datetime, rng: random.Random) -> Decision:
    """What follows from `error` for a month that has failed `failed_before` times already. Pure."""
    reason, code = describe(error)
    waits = _waits(error, now)
    if waits is not None:
        return Snooze(max(waits, now), reason, code)
    if _permanent(error):
        return Bury(reason, code)
    if failed_before + 1 >= MAX_ATTEMPTS:
        return Bury(f"{reason} (attempt {failed_before + 1} of {MAX_ATTEMPTS})", code)
    return Retry(now + backoff(failed_before + 1, rng), reason, code)


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
            return now + (RATE_LIMIT_PAUSE if error.retry_after is None else timedelta(seconds=error.retry_after))
        case errors.DatabaseUnavailable():
            return now + OUTAGE_PAUSE
        case errors.NoBooks() | errors.NoSources() if error.causes:
            waits = [_waits(cause, now) for cause in error.causes]
            known = [until for until in waits if until is not None]
            return (
                min(known)
                if known and all(w or _permanent(c) for w, c in zip(waits, error.causes, strict=True))
                else None
            )
        case _:
            return None


def _permanent(error: BaseException) -> bool:
    if isinstance(error, errors.NoBooks | errors.NoSources) and error.causes:
        return all(_permanent(cause) for cause in error.causes)
    return isinstance(error, PERMANENT)
