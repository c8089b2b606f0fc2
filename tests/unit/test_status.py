"""From an error to a decision."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from alexandria.backfill.retry_policy import MAX_ATTEMPTS, MIXED_FAILURE_PAUSE, GiveUp, Retry, Snooze, backoff, decide
from alexandria.backfill.status import ARROWS, Status
from alexandria.core import errors

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=3)
SPENT = errors.QuotaSpent("gemini", "the day's quota is used up", until=LATER)
DOWN = errors.ProviderDown("xai", "answered 503")
EMPTY = errors.BadAnswer("xai", "named 0 books")
BAD_KEY = errors.KeyRefused("gemini", "the key is refused")


def decided(error: BaseException, failed_before: int = 0):
    return decide(error, failed_before, NOW, random.Random(1))


@pytest.mark.parametrize(
    ("error", "until"),
    [
        (SPENT, LATER),
        (errors.Paused("paused by ann", LATER), LATER),
        (errors.RateLimited("xai", "slow down", retry_after=48.0), NOW + timedelta(seconds=48)),
        (errors.RateLimited("xai", "slow down"), NOW + timedelta(minutes=1)),
        (errors.NoCredit("xai", "no credit"), NOW + timedelta(hours=1)),
        (errors.NoCredit("xai", "no credit", until=LATER), LATER),
        (errors.NoBooks("none", (SPENT,)), LATER),
        (errors.NoBooks("none", (BAD_KEY, errors.NoCredit("xai", "no credit"))), NOW + timedelta(hours=1)),
        (errors.NoBooks("none", (SPENT, BAD_KEY)), LATER),
        (errors.NoSources("none", (SPENT,)), LATER),
        (errors.NoBooks("none", (EMPTY, SPENT)), NOW + MIXED_FAILURE_PAUSE),
    ],
)
def test_quota_pace_and_pause_are_waits_that_cost_no_attempt(error, until):
    decision = decided(error, failed_before=4)
    assert isinstance(decision, Snooze)
    assert decision.until == until


@pytest.mark.parametrize("causes", [(DOWN,), (DOWN, BAD_KEY), (DOWN, EMPTY), (errors.KeyMissing("xai", "no key"),)])
def test_an_outage_or_a_missing_key_is_a_wait_that_costs_no_attempt(causes):
    decision = decided(errors.NoBooks("none", causes), failed_before=4)
    assert isinstance(decision, Snooze)
    assert NOW < decision.until <= NOW + timedelta(seconds=30)


@pytest.mark.parametrize(
    "error",
    [
        BAD_KEY,
        errors.NoBooks("none", (BAD_KEY, errors.KeyMissing("xai", "no key"))),
        errors.RequestRefused("gemini", "unknown model"),
        errors.BadInput("unknown prompt variant"),
        errors.NoBooks("none", (BAD_KEY, errors.RequestRefused("xai", "unknown model"))),
    ],
)
def test_errors_that_only_a_person_can_fix_fail_the_month_at_once(error):
    assert isinstance(decided(error), GiveUp)


@pytest.mark.parametrize(
    "error",
    [
        errors.BadAnswer("gemini", "cut off"),
        errors.ContentRefused("gemini", "safety"),
        errors.NoBooks("named none"),
        errors.NoBooks("none", (EMPTY, BAD_KEY)),
        ZeroDivisionError("secret in an argument"),
    ],
)
def test_everything_else_is_tried_again_and_given_up_at_the_last_attempt(error):
    decision = decided(error)
    assert isinstance(decision, Retry)
    assert decision.at > NOW
    last = decided(error, failed_before=MAX_ATTEMPTS - 1)
    assert isinstance(last, GiveUp)
    assert "secret" not in last.reason


def test_waits_double_from_attempt_to_attempt_up_to_a_cap():
    rng = random.Random(7)
    waits = [backoff(failed, rng).total_seconds() for failed in range(1, 12)]
    assert 20 <= waits[0] <= 40
    assert waits[3] > waits[0] * 4
    assert max(waits) <= 3600 * 1.25


def test_every_status_can_be_left_or_asked_for_again():
    assert {source for source, _ in ARROWS} == set(Status)
    assert all(ARROWS.values())
