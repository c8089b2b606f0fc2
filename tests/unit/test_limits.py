"""The arithmetic of rate limiters: windows from rates, days from zones, and the server's clock from its replies."""

import asyncio
import itertools
import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria.database.sql import load
from alexandria.providers.limits.quota_day import Day, calendar
from alexandria.providers.limits.rate import Permit, _Lease
from alexandria.providers.limits.session import MAX_DRIFT, SQL, ServerClock, Session
from alexandria.providers.limits.spacing import WINDOW_MARGIN, spacing

ZONES = [
    "UTC",
    "America/Los_Angeles",
    "Asia/Kolkata",
    "America/Havana",
    "America/Santiago",
]  # the last two skip a 00:00


@given(st.floats(min_value=0.01, max_value=1000))
def test_a_pace_never_exceeds_its_rate_and_costs_little_of_it(rate):
    shape = spacing(rate)
    assert shape.sends / shape.win < rate
    assert shape.win >= 1.0
    assert shape.sends / (shape.win - WINDOW_MARGIN) == pytest.approx(rate)
    assert shape.gap * shape.sends < shape.win


@pytest.mark.parametrize(("rate", "sends", "seconds"), [(3, 3, 1), (0.1 * 30, 3, 1), (0.5, 1, 2), (2.5, 3, 1.2)])
def test_the_window_is_the_shortest_that_holds_whole_requests(rate, sends, seconds):
    shape = spacing(rate)
    assert shape.sends == sends
    assert shape.win - WINDOW_MARGIN == pytest.approx(seconds)


@given(
    rate=st.floats(min_value=0.1, max_value=50),
    distances=st.lists(st.floats(min_value=0, max_value=3), min_size=50, max_size=50),
    delays=st.lists(st.floats(min_value=0, max_value=2), min_size=1, max_size=100),
)
def test_every_window_of_a_turn_holds_however_late_its_callers_are(rate, distances, delays):
    """Counting the sends of the turns before; a delay costs itself and no more."""
    shape, now = spacing(rate), 1000.0
    session = Session("", "test", lambda: now)
    session.clock.learn(now, now, now)
    sent = list(itertools.accumulate(distances, initial=0.0))[-shape.sends :]
    entered = {"granted": 1000, "first": max(sent[-1], sent[0] + shape.win), "lease_ends": 1e9, "ring": sent}
    lease = _Lease(entered | {"win": shape.win, "gap": shape.gap}, session, Day(date.max, 0, 1e9), len(delays), 1000)

    async def turn() -> None:
        nonlocal now
        for delay in delays:
            now = max(now, lease.at) + delay
            assert lease.take(1)
            await lease.record_sent(reports_sent=False)
            sent.append(now)

    asyncio.run(turn())
    assert lease.take(1) is None
    assert all(later - earlier >= shape.win for earlier, later in zip(sent, sent[shape.sends :], strict=False))


@pytest.mark.parametrize("zone", ZONES)
def test_every_instant_of_a_year_lies_in_the_day_of_its_date(zone):
    """Also when clocks change: a day follows upon the other without gap or overlap, and is 23, 24 or 25 hours long."""
    day = calendar(datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp(), ZoneInfo(zone))
    lengths = set()
    for _ in range(366):
        following = calendar(day.ends, ZoneInfo(zone))
        assert calendar(day.ends - 0.001, ZoneInfo(zone)) == day == calendar(day.starts, ZoneInfo(zone))
        assert (following.date, following.starts) == (day.date + timedelta(days=1), day.ends)
        lengths.add(round((day.ends - day.starts) / 3600))
        day = following
    assert lengths == ({24} if zone in {"UTC", "Asia/Kolkata"} else {23, 24, 25})


def test_a_day_begins_at_the_providers_midnight():
    eight_in_utc = datetime(2026, 3, 9, 7, tzinfo=UTC).timestamp()
    assert calendar(eight_in_utc, ZoneInfo("America/Los_Angeles")).date == date(2026, 3, 9)
    assert calendar(eight_in_utc - 1, ZoneInfo("America/Los_Angeles")).date == date(2026, 3, 8)


@given(
    offset=st.floats(min_value=-1e6, max_value=1e6),
    drift=st.floats(min_value=-MAX_DRIFT / 2, max_value=MAX_DRIFT / 2),
    trips=st.lists(st.tuples(*[st.floats(min_value=0, max_value=100)] * 3), min_size=1, max_size=20),
)
def test_the_servers_time_always_lies_between_the_bounds(offset, drift, trips):
    """Whatever the delays on both ways, even with clocks that run apart."""
    local = 0.0
    clock = ServerClock(lambda: local)
    for idle, there, back in trips:
        asked = local = local + idle
        local += there
        server = offset + local * (1 + drift)
        local += back
        clock.learn(asked, server, local)
        assert clock.earliest() - 1e-6 <= offset + local * (1 + drift) <= clock.latest() + 1e-6


def test_the_estimate_is_as_wide_as_the_round_trip_and_widens_with_drift():
    now = 10.0
    clock = ServerClock(lambda: now)
    clock.learn(9.0, 1000.0, 10.0)
    assert (clock.earliest(), clock.latest()) == pytest.approx((999.9999, 1001.0001), abs=1e-9)
    now = 20.0
    assert (clock.earliest(), clock.latest()) == pytest.approx((1009.9989, 1011.0011), abs=1e-9)
    assert clock.doubt() == pytest.approx(1.0022, abs=1e-9)
    clock.learn(19.9, 1010.3, 20.0)
    assert (clock.earliest(), clock.latest()) == pytest.approx((1010.29999, 1010.40001), abs=1e-9)


def test_bounds_that_meet_are_an_estimate_and_bounds_that_cross_are_void():
    """The time of the server is then known, or one of the clocks was set and the last reply alone counts."""
    clock = ServerClock(lambda: 0.0)
    clock.learn(0.0, 10.0, 0.0)
    clock.learn(0.0, 10.0, 0.0)
    assert (clock.earliest(), clock.latest()) == (10.0, 10.0)
    clock.learn(-1.0, 10.0, 0.0)
    assert (clock.earliest(), clock.latest()) == (10.0, 10.0)
    clock.learn(-1.0, 20.0, 0.0)
    assert clock.earliest() == pytest.approx(20.0, abs=1e-3)
    assert clock.latest() == pytest.approx(21.0, abs=1e-3)


async def test_an_instant_is_reached_when_the_servers_clock_is_certainly_past_it():
    clock = ServerClock(time.monotonic)
    now = time.monotonic()
    clock.learn(now - 0.02, now - 0.02, now)
    await clock.reach(now + 0.05)
    assert clock.earliest() >= now + 0.05
    assert time.monotonic() >= now + 0.07
    before = time.monotonic()
    await clock.reach(clock.earliest())
    assert time.monotonic() - before < 1


def lease(*, granted=5, wanted=5, sends=5, first=1000.0, ends=2000.0, day_ends=3000.0, ring=(0.0, 0.0), now=None):
    """A turn whose clock is exact and stands at `now`, or at its first send."""
    session = Session("", "test", lambda: first if now is None else now())
    instant = session.clock.local()
    session.clock.learn(instant, instant, instant)
    entered = {"granted": granted, "first": first, "lease_ends": ends, "ring": list(ring), "win": 1.0, "gap": 0.4}
    return _Lease(entered, session, Day(date.max, 0, day_ends), sends, wanted)


@pytest.mark.parametrize(
    ("turn", "over"),
    [
        ({}, False),
        ({"sends": 0}, True),
        ({"granted": 0}, True),
        ({"granted": 0, "wanted": 0}, False),
        ({"granted": 0, "wanted": 0, "sends": 0}, True),
        ({"first": 1999.9}, False),
        ({"first": 2000.0}, True),
        ({"first": 1500.0, "day_ends": 1500.1}, False),
        ({"first": 1500.0, "day_ends": 1500.0}, True),
        ({"now": lambda: 2000.0}, True),
        ({"now": lambda: 1999.0}, False),
    ],
)
def test_a_turn_is_over_without_sends_units_or_time(turn, over):
    """Requests that cost nothing need no units."""
    found = lease(**turn)
    assert found.is_over() is over
    assert (found.take(1) is None) is over


@pytest.mark.parametrize(
    ("granted", "units", "fits"), [(5, 5, True), (5, 6, False), (4, 4, True), (4, 6, True), (4, 0, True)]
)
def test_a_request_fits_if_its_units_were_granted_or_the_day_has_no_more(granted, units, fits):
    assert lease(granted=granted).fits(units) is fits


def test_a_permit_takes_its_units_and_a_send_from_the_turn():
    found = lease(granted=4, wanted=9, sends=3, ring=(998.0, 999.0))
    first, second = found.take(3), found.take(3)
    assert first is not None
    assert second is not None
    assert (first.granted, second.granted, found.units, found.sends) == (3, 1, 0, 1)
    assert (first.day, list(found.ring)) == (date.max, [1000.0, 1000.0])
    assert found.take(1) is None


@pytest.mark.parametrize(
    ("ring", "after", "following"),
    [((0.0, 999.0), 0.0, 1000.4), ((0.0, 999.9), 0.0, 1000.9), ((0.0, 999.0), 0.1, 1000.4), ((0.0,), 0.3, 1001.3)],
)
async def test_the_next_send_keeps_the_window_from_the_instant_on_the_wire(ring, after, following):
    """And the gap from the instant that was planned; a request that reports counts from when it did."""
    now = 1000.0
    found = lease(ring=ring, now=lambda: now)
    permit = found.take(1)
    assert permit is not None
    recording = asyncio.create_task(found.record_sent(reports_sent=True))
    await asyncio.sleep(0)
    assert not recording.done()
    now += after
    permit.sent()
    await recording
    assert found.ring[-1] == pytest.approx(1000.0 + after, abs=1e-4)
    assert found.at == pytest.approx(following, abs=1e-4)


async def test_a_request_that_never_reports_is_waited_for_less_than_half_a_second():
    permit, began = Permit(1, date.max), time.monotonic()
    await permit.wait_until_sent()
    assert 0.39 < time.monotonic() - began < 1.3


def test_a_clock_that_was_set_is_measured_again():
    clock = ServerClock(lambda: 10.0)
    clock.learn(9.0, 1000.0, 10.0)
    clock.learn(9.9, 5000.0, 10.0)
    assert clock.earliest() == pytest.approx(5000.0)
    assert clock.latest() == pytest.approx(5000.1)


def test_no_block_of_the_limiters_sql_is_replaced_by_one_of_another_file():
    """The session runs blocks of two files; the breaker's `add` once replaced the limiter's."""
    limiter, breaker = (load(f"alexandria.providers.limits.{name}") for name in ("rate", "breaker"))
    assert {name: SQL[name] for name in limiter} == limiter
    assert not limiter.keys() & breaker.keys()
