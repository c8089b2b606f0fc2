"""Pace, quota and pauses of one provider hold for all workers, whatever happens to any of them.

A second `Lanes` in the same process stands for another machine where nobody has to be killed: it has sessions of its own.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from alexandria.core import errors
from alexandria.database.pool import Database
from alexandria.providers.limits.quota_day import Day
from alexandria.providers.limits.rate import RateLimiter
from tests.support.lanes import (
    TODAY,
    X,
    forget_lanes,
    lanes_on,
    provider,
    rows,
    send,
    used,
    waiting_in_its_turn,
    windows_over,
)


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    """Without a history of lanes."""
    forget_lanes(shared_database_url)
    return shared_database_url


@pytest.mark.parametrize("change", ["used = cap + 1", "used = -1"])
async def test_the_database_refuses_to_overspend(database_url, change):
    async with lanes_on(database_url, provider(rate=100, limit=10)) as lanes:
        await send(lanes)
    with pytest.raises(psycopg.errors.CheckViolation, match="never_overspent"):
        rows(database_url, f"UPDATE quota SET {change} RETURNING 1")


@pytest.mark.parametrize(("rate", "count", "sends", "win"), [(0.9, 2, 1, 1 / 0.9), (1000, 600, 1000, 1.0)])
async def test_slow_and_fast_lanes_work(database_url, rate, count, sends, win):
    async with lanes_on(database_url, provider(rate)) as lanes:

        async def instant() -> float:
            await send(lanes)
            return time.monotonic()

        instants = await asyncio.gather(*(instant() for _ in range(count)))
    assert windows_over(instants, sends, win) == 0
    assert used(database_url) == count


async def test_the_sends_of_one_turn_are_spread(database_url):
    """Nine tenths of the even distance apart."""
    async with lanes_on(database_url, provider(rate=20)) as lanes:
        await send(lanes)
        began = time.monotonic()
        await asyncio.gather(*(send(lanes) for _ in range(5)))
        assert time.monotonic() - began > 4 * 0.045


async def test_what_was_served_is_no_longer_in_the_backlog(database_url):
    async with lanes_on(database_url, provider(rate=100)) as lanes:
        async with lanes.permit(X):
            assert lanes.backlog(X) == 0
        await asyncio.gather(*(send(lanes) for _ in range(3)))
        assert lanes.backlog(X) == 0


async def test_a_new_one_of_several_servers_inherits_what_was_spent_at_the_only_one(database_url):
    """Once: what the others spend later is not its own."""
    only = provider(rate=100, limit=10)
    several = {f"{X}@{server}": only.model_copy(update={"server": server}) for server in ("a", "b")}
    spent = "SELECT name, used FROM quota ORDER BY name"
    today = Day(datetime.now(UTC).date(), 0.0, 4e9)
    async with lanes_on(database_url, only, calendar=lambda *_: today) as lanes:
        await send(lanes)
    async with Database(database_url, size=2) as database:
        for _ in range(2):
            async with RateLimiter(database_url, database.pool, several, calendar=lambda *_: today) as lanes:
                assert rows(database_url, spent) == [(X, 1), (f"{X}@a", 1), (f"{X}@b", 1)]
        rows(database_url, f"DELETE FROM quota WHERE name = '{X}@b' RETURNING 1")
        async with RateLimiter(database_url, database.pool, several, calendar=lambda *_: today):
            assert rows(database_url, spent) == [(X, 1), (f"{X}@a", 1)]


async def test_a_request_that_is_slow_to_leave_holds_up_the_next(database_url):
    """A caller that announces a report of its request on the wire is waited for, for a while."""
    async with lanes_on(database_url, provider(rate=100)) as lanes, lanes.permit(X, reports_sent=True) as permit:
        following = asyncio.create_task(send(lanes))
        assert (await asyncio.wait({following}, timeout=0.15))[0] == set()
        permit.sent()
        assert await following == 1


@contextlib.asynccontextmanager
async def held_turn(limiter: RateLimiter, callers: int) -> AsyncIterator[list[asyncio.Task[int]]]:
    """Inside, the first of so many callers has sent and holds up the turn that was taken for them; yields the others."""
    sending, let_go = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with limiter.permit(X, reports_sent=True) as permit:
            sending.set()
            await let_go.wait()
            permit.sent()

    holding = asyncio.create_task(hold())
    others = [asyncio.create_task(send(limiter)) for _ in range(callers - 1)]
    await sending.wait()
    yield others
    let_go.set()
    await holding
    await asyncio.gather(*others, return_exceptions=True)


@pytest.mark.parametrize(("rate", "turn"), [(20, 5), (10, 2), (2, 1)])
async def test_a_turn_is_for_a_quarter_of_a_second_of_sends_and_ends_half_a_second_after_them(
    database_url, monkeypatch, rate, turn
):
    """At least one. A holder that is lost is succeeded then."""
    monkeypatch.setattr("alexandria.providers.limits.rate.SENT_TIMEOUT", 20.0)
    began = time.time()
    async with lanes_on(database_url, provider(rate, limit=100)) as limiter, held_turn(limiter, 7) as others:
        [(lease_ends, gap, units)] = rows(database_url, "SELECT held_until, gap, held_units FROM lane")
        assert (used(database_url), units) == (turn, turn)
        first = lease_ends - (turn - 1) * gap - 0.5
        assert began - 0.01 <= first <= time.time() + 0.01
        for caller in others:
            caller.cancel()


async def test_a_pause_that_is_declared_here_stops_the_turn_that_has_begun(database_url, monkeypatch):
    """Between sends so close that no process asks the database about pauses."""
    monkeypatch.setattr("alexandria.providers.limits.rate.SENT_TIMEOUT", 20.0)
    async with lanes_on(database_url, provider(rate=20, limit=100)) as limiter:
        async with held_turn(limiter, 4) as others:
            assert used(database_url) == 4
            await limiter.pause(X, datetime.now(UTC) + timedelta(seconds=60), "it answered 429")
        results = await asyncio.gather(*others, return_exceptions=True)
        assert [type(result) for result in results] == [errors.RateLimited] * 3
    assert used(database_url) == 1


async def test_an_unused_permit_delays_no_other_request(database_url):
    async with lanes_on(database_url, provider(rate=100)) as limiter:
        async with limiter.permit(X, reports_sent=True) as permit:
            pass
        assert permit._on_the_wire.is_set()
        with pytest.raises(ConnectionError):
            async with limiter.permit(X, reports_sent=True) as broken:
                raise ConnectionError
        assert broken._on_the_wire.is_set()


async def test_a_pause_is_waited_for_up_to_half_a_minute(database_url):
    async with lanes_on(database_url, provider(rate=100)) as limiter:
        await limiter.pause(X, datetime.now(UTC) + timedelta(seconds=29.9), "a moment")
        waiting = asyncio.create_task(send(limiter))
        assert await asyncio.wait({waiting}, timeout=0.3) == (set(), {waiting})
        waiting.cancel()
        await limiter.pause(X, datetime.now(UTC) + timedelta(seconds=40), "it answered 429")
        with pytest.raises(errors.RateLimited, match="it answered 429"):
            await send(limiter)


@pytest.mark.parametrize(("limit", "ends_in", "guard", "day"), [(None, 10.0, 20.0, 24), (100, 0.3, 0.5, 25)])
async def test_only_metered_providers_have_a_guarded_midnight(database_url, limit, ends_in, guard, day):
    """Near the end of its day one without a quota sends; the other waits until the guard after midnight is over."""
    ends = time.time() + ends_in
    first, second = Day(date(2026, 11, 24), 0.0, ends), Day(date(2026, 11, 25), ends, 4e9)

    def calendar(instant, _):
        return first if instant < ends else second

    async with (
        lanes_on(database_url, provider(rate=100, limit=limit), calendar=calendar, guard=guard) as limiter,
        limiter.permit(X) as permit,
    ):
        assert permit.day == date(2026, 11, day)
        assert limit is None or time.time() >= ends + guard


async def test_first_come_first_served(database_url):
    served: list[int] = []

    async def come(number):
        await send(lanes)
        served.append(number)

    async with lanes_on(database_url, provider(rate=500)) as lanes:
        await asyncio.gather(*(come(number) for number in range(200)))
    assert served == list(range(200))


async def test_an_unsent_request_costs_nothing(database_url):
    async with lanes_on(database_url, provider(rate=100, limit=10)) as lanes:
        with contextlib.suppress(ConnectionError):
            async with lanes.permit(X, 4) as permit:
                permit.refund()
                raise ConnectionError
        assert await send(lanes, 10) == 10


async def test_bulk_gets_what_is_left_and_people_get_the_reserve(database_url):
    settings = provider(rate=100, limit=15, reserve=5)
    async with (
        lanes_on(database_url, settings) as months,
        lanes_on(database_url, settings, interactive=True) as people,
    ):
        assert [await send(months, 4), await send(months, 100)] == [4, 6]
        with pytest.raises(errors.QuotaSpent) as refused:
            await send(months)
        assert refused.value.until == datetime.fromtimestamp(TODAY.ends, UTC)
        assert await send(people, 100) == 5
        with pytest.raises(errors.QuotaSpent):
            await send(people)
    assert used(database_url) == 15


async def test_bulk_is_not_cut_short_while_there_is_quota(database_url):
    """A turn that was taken for one unit is not used for a greater request that comes in its place."""
    async with lanes_on(database_url, provider(rate=2, limit=1000)) as lanes:
        caller = await waiting_in_its_turn(lanes, database_url)
        bulk = asyncio.create_task(send(lanes, 300))
        caller.cancel()
        assert await bulk == 300
    assert used(database_url) == 301


async def test_a_long_pause_is_refused_everywhere(database_url):
    """With its reason and its rest; a shorter pause does not end it."""
    async with lanes_on(database_url, provider(100)) as here, lanes_on(database_url, provider(100)) as there:
        await here.pause(X, datetime.now(UTC) + timedelta(seconds=60), "it answered 429")
        await there.pause(X, datetime.now(UTC) + timedelta(seconds=1), "shorter")
        for lanes in (here, there):
            with pytest.raises(errors.RateLimited, match="it answered 429") as refused:
                await send(lanes)
            assert refused.value.retry_after == pytest.approx(60, abs=2)


async def test_a_short_pause_is_waited_out_everywhere(database_url):
    async with lanes_on(database_url, provider(100)) as here, lanes_on(database_url, provider(100)) as there:
        began = time.monotonic()
        await here.pause(X, datetime.now(UTC) + timedelta(seconds=0.3), "a moment")
        await asyncio.gather(send(here), send(there))
        assert time.monotonic() - began > 0.29


async def test_a_pause_reaches_a_caller_whose_turn_has_begun(database_url):
    async with lanes_on(database_url, provider(rate=2)) as here, lanes_on(database_url, provider(rate=2)) as there:
        caller = await waiting_in_its_turn(here, database_url)
        await there.pause(X, datetime.now(UTC) + timedelta(seconds=60), "it answered 429")
        with pytest.raises(errors.RateLimited, match="it answered 429"):
            await caller
    assert used(database_url) == 1


async def test_new_settings_take_effect_and_history_stays(database_url):
    """Five sends at the old rate, then the new window counts the last of them."""
    async with lanes_on(database_url, provider(rate=1000, limit=10)) as lanes:
        for _ in range(5):
            await send(lanes)
        last = time.monotonic()
    async with lanes_on(database_url, provider(rate=2, limit=7)) as lanes:
        await send(lanes)
        assert time.monotonic() - last > 0.9
        assert await send(lanes, 10) == 1
    assert rows(database_url, "SELECT rate, sends, daily_limit, cardinality(ring) FROM lane") == [(2, 2, 7, 2)]
    assert rows(database_url, "SELECT cap, used FROM quota") == [(7, 7)]


async def test_the_status_of_a_lane(database_url):
    async with lanes_on(database_url, provider(rate=2, limit=15, reserve=5)) as lanes:
        caller = await waiting_in_its_turn(lanes, database_url)
        (lane,) = await lanes.status()
        assert (lane.name, lane.rate, lane.day, lane.cap, lane.limit) == (X, 2, TODAY.date, 10, 15)
        assert (lane.used, lane.reserved, lane.paused_until, lane.pause_reason) == (1, 1, None, "")
        assert lane.reset_at == datetime.fromtimestamp(TODAY.ends, UTC)
        await caller
        pause_ends = datetime.now(UTC) + timedelta(minutes=5)
        await lanes.pause(X, pause_ends, "it answered 429")
        while (lane := (await lanes.status())[0]).reserved:  # noqa: ASYNC110  # the end of a turn is no event
            await asyncio.sleep(0.005)
        assert (lane.used, lane.reserved, lane.pause_reason) == (2, 0, "it answered 429")
        assert lane.paused_until
        assert abs(lane.paused_until - pause_ends) < timedelta(seconds=1)
        assert lane.paused_since
        assert abs(lane.paused_since - datetime.now(UTC)) < timedelta(seconds=20)
        rows(database_url, "UPDATE lane SET paused_until = now() - interval '1 second' RETURNING 1")
        (lane,) = await lanes.status()
        assert (lane.paused_until, lane.pause_reason, lane.paused_since) == (None, "", None)


async def test_the_status_is_in_the_order_of_the_settings(database_url):
    async with Database(database_url, size=2) as database:
        names = ("xai", "isbndb", "gemini")
        settings = {name: provider(rate=1).model_copy(update={"name": name}) for name in names}
        async with RateLimiter(database_url, database.pool, settings) as limiter:
            assert [lane.name for lane in await limiter.status()] == [*names]
