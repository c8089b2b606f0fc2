"""A provider's day in numbers."""

from datetime import UTC, date, datetime

import pytest

from alexandria.operations.quota import provider_quota
from alexandria.providers.limits.lane_status import LaneStatus

LANE = LaneStatus("isbndb", 3.0, None, "", date(2026, 11, 24), 100, 120, 10, 5,
                  datetime(2026, 11, 25, tzinfo=UTC))  # fmt: skip


@pytest.mark.parametrize(
    ("change", "left", "percent", "can"),
    [
        ({}, 85, 10.0, True),
        ({"used": 95}, 0, 95.0, False),
        ({"used": 110}, 0, 110.0, False),
        ({"cap": 0}, 0, 100.0, False),
        ({"cap": None, "limit": None}, None, None, True),
        ({"paused_until": datetime(2026, 11, 24, 13, tzinfo=UTC), "pause_reason": "429"}, 85, 10.0, False),
    ],
)
def test_a_lanes_quota_in_numbers(change, left, percent, can):
    """Reserved units are no longer there to be taken, but not yet used."""
    quota = provider_quota(LaneStatus(**{name: getattr(LANE, name) for name in LaneStatus.__slots__} | change))
    assert (quota.safety_remaining, quota.percentage_used, quota.can_make_calls) == (left, percent, can)
