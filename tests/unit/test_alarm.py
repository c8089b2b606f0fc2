"""What is an incident, and what is not: every rule on both sides of its threshold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alexandria.operations.alerts.rules import SAMPLE, Kind, Seen, Thresholds, Way, judge
from alexandria.rollout.decisions import Standstill

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WELL = Seen(workers=3, processing=4, due=2, under_way=9, completed=30, failed=2, ways=[Way("isbndb", 100, NOW + HOUR)])


def kinds(seen, thresholds=None):
    return [incident.kind for incident in judge(seen, thresholds or Thresholds(), NOW)]


def test_a_system_at_work_has_no_incident():
    assert kinds(WELL) == []
    assert kinds(Seen()) == []


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"workers": 0}, True),
        ({"workers": 0, "processing": 0}, True),
        ({"workers": 0, "due": 0}, True),
        ({"workers": 0, "processing": 0, "due": 0}, False),
        ({"workers": 1}, False),
        ({"workers": 0, "processing": 0, "pause": "paused by somebody"}, False),
        ({"workers": 0, "pause": "paused by somebody"}, True),
    ],
)
def test_months_that_wait_while_no_worker_is_heard(change, wrong):
    """Months that are due may not begin in a pause, so that they need none."""
    assert kinds(replace(WELL, **change)) == [Kind.NO_WORKER] * wrong


def test_months_that_are_blocked_for_long():
    blocked = replace(WELL, blocked=7, blocked_since=NOW - 30 * HOUR, blocked_because="isbndb: the day is over")
    [incident] = judge(blocked, Thresholds(), NOW)
    assert incident.kind is Kind.MONTHS_BLOCKED
    assert incident.reason == "7 months are blocked, the first since 2026-11-23 06:00 UTC: isbndb: the day is over"


@pytest.mark.parametrize(
    ("completed", "failed", "share", "wrong"),
    [(7, 3, 0.3, False), (7, 4, 0.3, True), (0, SAMPLE, 0.3, True), (0, SAMPLE - 1, 0.3, False), (0, 50, 1.0, False)],
)
def test_a_share_of_failed_months_above_the_threshold(completed, failed, share, wrong):
    """Not before there are enough of them to speak of a share."""
    seen = replace(WELL, completed=completed, failed=failed, failed_because="gemini: no credit")
    found = judge(seen, Thresholds(failed_share=share), NOW)
    assert [incident.kind for incident in found] == [Kind.MONTHS_FAILING] * wrong
    assert all("gemini: no credit" in incident.reason for incident in found)


@pytest.mark.parametrize(
    ("left", "under_way", "wrong"), [(1, 9, False), (0, 9, True), (-3, 9, True), (None, 9, False), (0, 0, False)]
)
def test_a_spent_quota_while_months_are_under_way(left, under_way, wrong):
    seen = replace(WELL, under_way=under_way, ways=[Way("isbndb", left, NOW + HOUR), Way("xai", None, NOW)])
    found = judge(seen, Thresholds(), NOW)
    assert [(i.kind, i.subject) for i in found] == [(Kind.QUOTA_SPENT, "isbndb")] * wrong
    assert all("until 2026-11-24 13:00 UTC" in incident.reason for incident in found)


@pytest.mark.parametrize(("minutes", "wrong"), [(59, False), (60, True)])
def test_a_lane_that_rests_for_long(minutes, wrong):
    """As long as it rests, from the beginning to the end of the pause."""
    since = NOW - timedelta(minutes=5)
    way = Way("xai", None, NOW, since, since + timedelta(minutes=minutes), "refuses for speed")
    found = judge(replace(WELL, ways=[way]), Thresholds(), NOW)
    assert [(i.kind, i.subject) for i in found] == [(Kind.LANE_PAUSED, "xai")] * wrong
    assert all(incident.reason.endswith("12:55 UTC: refuses for speed") for incident in found)


@pytest.mark.parametrize(("hours", "wrong"), [(23, False), (24, True)])
def test_a_pause_that_somebody_may_have_forgotten(hours, wrong):
    seen = replace(WELL, pause="paused by cli ops until somebody resumes", paused_since=NOW - hours * HOUR)
    assert kinds(seen) == [Kind.PAUSED] * wrong


@pytest.mark.parametrize(
    ("shut", "hours", "wrong"), [(True, 0, [Kind.ROLLOUT_SHUT]), (False, 23, []), (False, 24, [Kind.ROLLOUT_WAITS])]
)
def test_a_rollout_that_stands_still(shut, hours, wrong):
    """A shut gate at once, any other wait when it is long."""
    seen = replace(WELL, rollout=Standstill("small: gate of first failed", NOW - hours * HOUR, shut))
    assert kinds(seen) == wrong


def test_all_that_is_wrong_is_told_at_once():
    worst = replace(
        WELL, workers=0, blocked=1, blocked_since=NOW, failed=30, ways=[Way("isbndb", 0, NOW), Way("xai", 0, NOW)]
    )
    assert kinds(worst) == [
        Kind.NO_WORKER,
        Kind.MONTHS_BLOCKED,
        Kind.MONTHS_FAILING,
        Kind.QUOTA_SPENT,
        Kind.QUOTA_SPENT,
    ]
