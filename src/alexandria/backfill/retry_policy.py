"""Decides what follows from an error: another attempt, a wait that costs none, or the end. Pure functions."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alexandria.core import errors
from alexandria.core.provider_facts import LOCAL_GENERATORS, PROVIDERS
from alexandria.core.servers import provider_of

MAX_ATTEMPTS = 5  # failed attempts before a month is failed
BACKOFF_BASE = timedelta(seconds=30)
BACKOFF_CAP = timedelta(hours=1)
RATE_LIMIT_PAUSE = timedelta(minutes=1)  # when a provider refuses for speed and gives no hint
NO_CREDIT_PAUSE = timedelta(hours=1)  # after a report of no credit, until the pause of the provider is known
MIN_HINT, MAX_HINT = timedelta(seconds=5), timedelta(days=1)  # bounds of the wait that a provider may ask for
MIXED_FAILURE_PAUSE = timedelta(
    minutes=10
)  # when one provider asks for a wait and another failed: try the second one before
RECHECK_DELAYS = (
    timedelta(days=7),
    timedelta(days=30),
)  # after the first, second ... look-up of an unresolved candidate
MAX_OUTAGE_WAIT = timedelta(minutes=30)  # between two attempts while providers do not answer
PROVIDERS_DOWN, NO_KEY = "providers_down", "no_key"  # codes of waits for providers that do not answer, and for a key
WORKER_LOST, WORKER_STALLED = (
    "worker_lost",
    "worker_stalled",
)  # codes of attempts whose worker was silent; the second lives
OUTAGE_PAUSE = timedelta(seconds=5)  # when our own database is away, full or busy
MIGRATION_PAUSE = timedelta(minutes=1)  # when its schema is older than this version
PAUSE_RECHECK_DELAY = timedelta(hours=1)  # after which a month checks whether a pause without end has ended


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

OUTCOMES = {Retry: "retry", Snooze: "snoozed", GiveUp: "failed"}  # of an attempt, by the decision that ends it

PERMANENT = (errors.KeyRefused, errors.KeyMissing, errors.RequestRefused, errors.BadInput, errors.BadData,
             errors.Misconfigured)  # fmt: skip


def backoff(failed: int, rng: random.Random) -> timedelta:
    """Return the wait after `failed` >= 1 failed attempts: doubling from BACKOFF_BASE, capped, jittered by up to a quarter."""
    exponential: timedelta = BACKOFF_BASE * 2 ** (failed - 1)
    return min(exponential, BACKOFF_CAP) * rng.uniform(0.75, 1.25)


def outage_wait(waited_before: int, rng: random.Random) -> timedelta:
    """Return the wait after `waited_before` waits: doubling from BACKOFF_BASE, capped, shorter by up to a quarter by chance."""
    doubled: timedelta = BACKOFF_BASE * 2 ** min(waited_before, 20)
    return min(doubled, MAX_OUTAGE_WAIT) * rng.uniform(0.75, 1.0)


def decide(
    error: BaseException, failed_before: int, now: datetime, rng: random.Random, waited_before: int = 0
) -> Decision:
    """Return what follows from `error` for a month that has failed `failed_before` times already.

    An error with causes is a wait if any of them is, and permanent if all of them are; a provider without a key is as one
    that is not configured, unless all are, or all others need none and the month would fail. `waited_before` counts the waits for providers since the last other outcome.
    """
    reason, code = describe(error)
    causes = (isinstance(error, errors.NoBooks | errors.NoSources) and error.causes) or (error,)
    with_key = [cause for cause in causes if not isinstance(cause, errors.KeyMissing)]
    wait = now + outage_wait(waited_before, rng)
    if not with_key:
        return Snooze(wait, _named(NO_KEY, causes), NO_KEY)
    asked = [
        _down(cause, wait, now) if isinstance(cause, errors.ProviderDown) else _waits(cause, now) for cause in with_key
    ]
    waits = [until for until in asked if until is not None]
    permanent = [cause for cause in with_key if isinstance(cause, PERMANENT)]
    if waits:
        if all(isinstance(cause, (errors.ProviderDown, *PERMANENT)) for cause in with_key):
            return Snooze(min(waits), _named(PROVIDERS_DOWN, with_key), PROVIDERS_DOWN)
        if len(waits) + len(permanent) < len(with_key):
            waits.append(now + MIXED_FAILURE_PAUSE)
        return Snooze(max(min(waits), now), reason, code)
    if len(permanent) == len(with_key):
        return GiveUp(reason, code)
    decision = _failed(failed_before, now + backoff(failed_before + 1, rng), reason, code)
    unasked = isinstance(error, errors.NoBooks) and len(with_key) < len(causes) and all(map(_needs_no_key, with_key))
    if unasked and isinstance(decision, GiveUp):  # a model may know books of the month, once it has a key
        return Snooze(wait, _named(NO_KEY, causes), NO_KEY)
    return decision


def _needs_no_key(error: BaseException) -> bool:
    if not isinstance(error, errors.ProviderError):
        return False
    facts = PROVIDERS.get(provider_of(error.provider))
    return error.provider in LOCAL_GENERATORS or (facts is not None and facts.key is None)


def decide_lost(failed_before: int, now: datetime, *, outage: bool) -> Decision:
    """Return what follows for a month whose worker is gone. After an `outage` of the database no attempt is counted."""
    if outage:
        return Snooze(now, "the database was away, and its worker has not returned", errors.DatabaseUnavailable.code)
    return _failed(failed_before, now, "its worker was lost", WORKER_LOST)


def _failed(failed_before: int, at: datetime, reason: str, code: str) -> Decision:
    if failed_before + 1 >= MAX_ATTEMPTS:
        return GiveUp(f"{reason} (attempt {failed_before + 1} of {MAX_ATTEMPTS})", code)
    return Retry(at, reason, code)


def recheck_at(lookups: int, hindered: bool, now: datetime) -> datetime | None:
    """Return when to look up an unresolved candidate again after `lookups` look-ups; None for never.

    If a source was `hindered` (quota, outage) the look-up does not count: it is repeated on the providers' next day.
    """
    if hindered:
        return (now + timedelta(days=1)).replace(hour=0, minute=10, second=0, microsecond=0)
    return now + RECHECK_DELAYS[lookups - 1] if lookups <= len(RECHECK_DELAYS) else None


def describe(error: BaseException) -> tuple[str, str]:
    """Return one line for people and a stable code. A foreign error shows its type and never its arguments."""
    if isinstance(error, errors.AlexandriaError):
        return error.message, error.code
    return f"unexpected {type(error).__name__}", "unexpected"


def _named(code: str, causes: Sequence[BaseException]) -> str:
    """Return the reason of a wait for providers: its code, and what each of them said."""
    return f"{code}: {'; '.join(describe(cause)[0] for cause in causes)}"


def _waits(error: BaseException, now: datetime) -> datetime | None:
    """Return until when an error asks to wait, or None if waiting does not help. Providers that are down wait otherwise."""
    match error:
        case errors.QuotaSpent() | errors.Paused():
            return error.until
        case errors.NoCredit():
            return now + NO_CREDIT_PAUSE if error.until is None else error.until
        case errors.RateLimited():
            return now + _bounded(error.retry_after)
        case errors.Stalled():
            return now
        case errors.DatabaseUnavailable() | errors.DatabaseBusy():
            return now + OUTAGE_PAUSE
        case errors.NotMigrated():
            return now + MIGRATION_PAUSE
        case _:
            return None


def _down(error: errors.ProviderDown, wait: datetime, now: datetime) -> datetime:
    """Return until when to wait for a provider that is down: `wait`, or longer if it asks for that."""
    return wait if error.retry_after is None else max(wait, now + _bounded(error.retry_after))


def _bounded(hint: float | None) -> timedelta:
    if hint is None or not math.isfinite(hint):
        return RATE_LIMIT_PAUSE
    return timedelta(seconds=min(max(hint, MIN_HINT.total_seconds()), MAX_HINT.total_seconds()))
