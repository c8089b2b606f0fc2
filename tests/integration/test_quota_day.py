"""A provider's midnight, where its clock and ours differ: forty days on a clock that jumps to whatever happens next.

PostgreSQL, two `Lanes` with their sessions and the event loop all live by that clock; nothing in it is late.
"""

import asyncio
import collections
import json
import selectors
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from alexandria.core import errors
from alexandria.core.config import ProviderSettings
from alexandria.database.pool import Database
from alexandria.database.session import located
from alexandria.providers.limits.quota_day import calendar
from alexandria.providers.limits.rate import MIDNIGHT_GUARD, RateLimiter

X = "isbndb"
CAP, RATE, SKEW = 12, 3.0, 2.0
LATE = MIDNIGHT_GUARD + 3.0  # seconds before its end in which a late day is spent, too few for all of it
# The functions of the schema, and our sessions, find this clock before PostgreSQL's own.
CLOCK = """
CREATE SCHEMA virtual;
CREATE TABLE virtual.time (instant double precision) WITH (fillfactor = 10);
INSERT INTO virtual.time VALUES (0);
CREATE FUNCTION virtual.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    'SELECT to_timestamp(instant) FROM virtual.time';
DO $$
DECLARE
    one regprocedure;
BEGIN
    FOR one IN SELECT oid FROM pg_proc WHERE pronamespace = 'alexandria'::regnamespace AND proname LIKE 'lane%' LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = virtual, pg_catalog, alexandria', one);
    END LOOP;
END $$"""
PATH = "virtual,pg_catalog,alexandria"
LOOK = 0.001  # seconds for PostgreSQL to answer before we look whether it waits for others
# The clock goes on if as many sessions as we have asked wait for locks.
JUMP = """
UPDATE virtual.time SET instant = %s WHERE %s = (
    SELECT count(*) FROM pg_locks
    WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"""


class Waits(selectors.DefaultSelector):
    """Waits for PostgreSQL as long as it takes, and for a time not at all: once nobody can go on, it is that time."""

    loop: "Loop"

    def select(self, timeout=None):
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        while True:
            asked = len(self.get_map()) - 1  # but for the loop's own wake-up line
            if ready := super().select(LOOK if asked else 0):
                return ready
            if self.loop.jump(timeout, asked):
                return []


class Loop(asyncio.SelectorEventLoop):
    def __init__(self, server, instant):
        self._server, self._instant = server, instant
        selector = Waits()
        selector.loop = self
        super().__init__(selector)
        self.jump(0, 0)

    def time(self):
        return self._instant

    def jump(self, seconds, asked):
        """Whether the clock went on: `asked` sessions have a question to answer, and all of them wait for locks."""
        then = self._instant + seconds + 1e-6  # floating point must not fall short of what is waited for
        statement = JUMP if asked else "UPDATE virtual.time SET instant = %s"
        jumped = self._server.execute(statement, [then, asked] if asked else [then]).rowcount == 1
        if jumped:
            self._instant = then
        return jumped


class RolloutSimulation:
    """Days that are spent as soon as they begin and days that are spent at the last moment, turn and turn about.

    `sent` are instants of our clock, with the days that they were charged to.
    """

    def __init__(self, zone, first, days, *, late_first):
        self.zone, self._days = ZoneInfo(zone), days
        self.first, self._late_first = date.fromisoformat(first), late_first
        self.starts, self.ends = self._midnight(0), self._midnight(days)
        self.sent = []

    def day(self, number):
        return self.first + timedelta(number)

    def _midnight(self, number):
        return datetime.combine(self.day(number), datetime.min.time(), self.zone).timestamp()

    def is_late(self, day):
        return ((day - self.first).days % 2 == 0) == self._late_first

    async def spend(self, lanes, loop):
        while loop.time() < self.ends:
            today = calendar(loop.time(), self.zone)
            if self.is_late(today.date):
                await asyncio.sleep(today.ends - LATE - loop.time())
            try:
                async with lanes.permit(X) as permit:
                    self.sent.append((loop.time(), permit.day))
            except errors.QuotaSpent as spent:
                await asyncio.sleep(spent.until.timestamp() - loop.time())

    def by_day_of(self, skew):
        """Sends by the days of a provider whose clock is `skew` seconds ahead of ours."""
        return collections.Counter(datetime.fromtimestamp(at + skew, self.zone).date() for at, _ in self.sent)

    def silences(self):
        """Seconds without a send at each midnight from a late day to the next: before it, and after it."""
        for n in range(1, self._days):
            if self.is_late(self.day(n - 1)):
                midnight = self._midnight(n)
                before = max(at for at, _ in self.sent if at < midnight)
                yield midnight - before, min(at for at, _ in self.sent if at >= midnight) - midnight


def run(url, campaign, guard):
    """All of it, by two workers of two callers each; returns what the ledger has charged."""
    settings = ProviderSettings(
        name=X, base_url="", rate=RATE, timeout=1, daily_limit=CAP, daily_reserve=0, zone=campaign.zone.key, key=None
    )

    async def main():
        loop, timed = asyncio.get_running_loop(), located(url, PATH)

        def now():
            return datetime.fromtimestamp(loop.time(), UTC)

        async with Database(
            timed, size=1
        ) as database:  # closed before days go by, in which its pool would look after itself
            workers = [
                RateLimiter(timed, database.pool, {X: settings}, guard=guard, wall=now, local=loop.time)
                for _ in range(2)
            ]
            for lanes in workers:
                await lanes.open()
        await asyncio.gather(*(campaign.spend(lanes, loop) for lanes in workers * 2))
        for lanes in workers:
            await lanes.aclose()

    with psycopg.connect(url, autocommit=True) as server:
        server.execute(CLOCK)
        with asyncio.Runner(loop_factory=lambda: Loop(server, campaign.starts)) as runner:
            runner.run(main())
        return dict(server.execute("SELECT day, used FROM quota").fetchall())


@pytest.mark.parametrize(
    ("zone", "first", "late_first"),
    [
        pytest.param("America/Los_Angeles", "2026-10-12", True, id="a day of 25 hours"),
        pytest.param("Africa/Casablanca", "2026-02-12", False, id="two changes", marks=pytest.mark.long),
        pytest.param("America/Havana", "2026-02-20", True, id="a day without 00:00", marks=pytest.mark.long),
    ],
)
def test_no_day_is_over_its_quota_by_the_providers_own_clock(database_url, zone, first, late_first):
    """Whether that is 2 s ahead or behind; every unit that there is time for is used, and only the guard is lost."""
    days = 40
    campaign = RolloutSimulation(zone, first, days, late_first=late_first)
    charged = run(database_url, campaign, MIDNIGHT_GUARD)
    before, after = (max(silences) for silences in zip(*campaign.silences(), strict=True))
    most = {skew: max(campaign.by_day_of(skew).values()) for skew in (-SKEW, 0, SKEW)}
    answer = {"days": days, "zone": zone, "cap": CAP, "sent": len(campaign.sent), "most_a_day_by_skew": most}
    print(json.dumps(answer | {"silent_before_midnight": round(before, 3), "after": round(after, 3)}))  # noqa: T201 # pytest -s prints it
    assert max(most.values()) == CAP
    assert charged == collections.Counter(day for _, day in campaign.sent) == campaign.by_day_of(0)
    spent_at_once = [day for day in map(campaign.day, range(days)) if not campaign.is_late(day)]
    assert [charged[day] for day in spent_at_once] == [CAP] * (days // 2)
    assert MIDNIGHT_GUARD == SKEW, "no more is kept free than is needed"
    assert before <= MIDNIGHT_GUARD + 1.5 / RATE
    assert after <= MIDNIGHT_GUARD + 0.05


def test_without_the_guard_days_would_be_over(database_url):
    """What the test above sees if nothing is kept free about midnight."""
    campaign = RolloutSimulation("America/Los_Angeles", "2026-10-29", 8, late_first=False)
    run(database_url, campaign, 0.0)
    most = {skew: max(campaign.by_day_of(skew).values()) for skew in (-SKEW, 0, SKEW)}
    assert most[0] == CAP < min(most[-SKEW], most[SKEW])
