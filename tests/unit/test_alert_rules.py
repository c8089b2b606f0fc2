"""What is an incident, and what is not: every rule on both sides of its threshold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alexandria.operations.alerts.rules import (
    MIN_ENDED_MONTHS,
    IncidentKind,
    Observations,
    Thresholds,
    find_incidents,
    fix_of,
)
from alexandria.providers.limits.lane_status import LaneStatus
from alexandria.rollout.decisions import Standstill

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def lane(name, left, **pause):
    """A provider with `left` units for months; None: without a limit."""
    cap = None if left is None else 100
    status = LaneStatus(name, 3.0, None, "", NOW.date(), cap, cap, 90, 0 if left is None else 10 - left, NOW + HOUR)
    return replace(status, **pause)


WELL = Observations(workers=3, processing=4, due=2, under_way=9, completed=30, failed=2, lanes=[lane("isbndb", 10)])


def kinds(seen, thresholds=None):
    return [incident.kind for incident in find_incidents(seen, thresholds or Thresholds(), NOW)]


def test_a_system_at_work_has_no_incident():
    assert kinds(WELL) == []
    assert kinds(Observations()) == []


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
    assert kinds(replace(WELL, **change)) == [IncidentKind.NO_WORKER] * wrong


def test_months_that_are_blocked_for_long():
    blocked = replace(WELL, blocked=7, blocked_since=NOW - 30 * HOUR, blocked_because="isbndb: the day is over")
    [incident] = find_incidents(blocked, Thresholds(), NOW)
    assert incident.kind is IncidentKind.MONTHS_BLOCKED
    assert incident.reason == "7 months blocked, the first since 2026-11-23 06:00 UTC: isbndb: the day is over"


@pytest.mark.parametrize(
    ("completed", "failed", "share", "wrong"),
    [
        (7, 3, 0.3, False),
        (7, 4, 0.3, True),
        (0, MIN_ENDED_MONTHS, 0.3, True),
        (0, MIN_ENDED_MONTHS - 1, 0.3, False),
        (0, 50, 1.0, False),
    ],
)
def test_a_share_of_failed_months_above_the_threshold(completed, failed, share, wrong):
    """Not before there are enough of them to speak of a share."""
    seen = replace(WELL, completed=completed, failed=failed, failed_because="gemini: no credit")
    found = find_incidents(seen, Thresholds(failed_share=share), NOW)
    assert [incident.kind for incident in found] == [IncidentKind.MONTHS_FAILING] * wrong
    assert all("gemini: no credit" in incident.reason for incident in found)


@pytest.mark.parametrize(
    ("left", "under_way", "wrong"), [(1, 9, False), (0, 9, True), (-3, 9, True), (None, 9, False), (0, 0, False)]
)
def test_a_spent_quota_while_months_are_under_way(left, under_way, wrong):
    seen = replace(WELL, under_way=under_way, lanes=[lane("isbndb", left), lane("xai", None)])
    found = find_incidents(seen, Thresholds(), NOW)
    assert [(i.kind, i.subject) for i in found] == [(IncidentKind.QUOTA_SPENT, "isbndb")] * wrong
    assert all("until 2026-11-24 13:00 UTC" in incident.reason for incident in found)


@pytest.mark.parametrize(("minutes", "wrong"), [(59, False), (60, True)])
def test_a_provider_that_is_paused_for_long(minutes, wrong):
    """As long as it rests, from the beginning to the end of the pause."""
    since = NOW - timedelta(minutes=5)
    until = since + timedelta(minutes=minutes)
    paused = lane("xai", None, paused_since=since, paused_until=until, pause_reason="too many requests")
    found = find_incidents(replace(WELL, lanes=[paused]), Thresholds(), NOW)
    assert [(i.kind, i.subject) for i in found] == [(IncidentKind.LANE_PAUSED, "xai")] * wrong
    assert all(incident.reason.endswith("12:55 UTC: too many requests") for incident in found)


@pytest.mark.parametrize(("hours", "wrong"), [(23, False), (24, True)])
def test_a_pause_that_may_have_been_forgotten_is_an_incident(hours, wrong):
    seen = replace(WELL, pause="paused by cli ops until resumed", paused_since=NOW - hours * HOUR)
    assert kinds(seen) == [IncidentKind.PAUSED] * wrong


@pytest.mark.parametrize(
    ("shut", "hours", "wrong"),
    [(True, 0, [IncidentKind.ROLLOUT_SHUT]), (False, 23, []), (False, 24, [IncidentKind.ROLLOUT_WAITS])],
)
def test_a_rollout_that_stands_still(shut, hours, wrong):
    """A shut gate at once, any other wait when it is long."""
    seen = replace(WELL, rollout=Standstill("small: gate of first failed", NOW - hours * HOUR, shut))
    assert kinds(seen) == wrong


def test_all_incidents_are_reported_at_once():
    worst = replace(WELL, workers=0, blocked=1, blocked_since=NOW, failed=30, lanes=[lane("isbndb", 0), lane("xai", 0)])
    assert kinds(worst) == [
        IncidentKind.NO_WORKER,
        IncidentKind.MONTHS_BLOCKED,
        IncidentKind.MONTHS_FAILING,
        IncidentKind.QUOTA_SPENT,
        IncidentKind.QUOTA_SPENT,
    ]


def test_every_kind_of_incident_has_a_fix_and_a_line_in_the_guide():
    guide = (Path(__file__).parents[2] / "docs/how-to/alerts.md").read_text(encoding="utf-8")
    for kind in IncidentKind:
        assert f"| `{kind}` |" in guide
        assert fix_of(kind, "isbndb")
    assert fix_of(IncidentKind.LANE_PAUSED, "isbndb").endswith("alexandria resume --provider isbndb")
