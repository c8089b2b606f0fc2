"""Rate, quota and order hold when a process, a session, a caller or the database is lost."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from alexandria.core import errors
from alexandria.core.config import ProviderSettings
from alexandria.database.embedded.server import Embedded
from tests.support.lanes import (
    X,
    forget_lanes,
    lanes_on,
    provider,
    rows,
    send,
    until,
    used,
    waiting_in_its_turn,
    windows_over,
)

WORKER = """
import asyncio, sys, time
from datetime import date
from alexandria.core import logging
from alexandria.core.config import ProviderSettings
from alexandria.database.pool import Database
from alexandria.providers.limits.quota_day import Day
from alexandria.providers.limits.rate import RateLimiter

async def send_all_the_time(lanes):
    while True:
        async with lanes.permit("isbndb"):
            print(time.monotonic(), flush=True)

async def main(url, settings):
    settings = ProviderSettings.model_validate_json(settings)
    calendar = lambda instant, zone: Day(date(2026, 11, 24), 0.0, 4e9)
    async with Database(url, size=2) as database:
        async with RateLimiter(url, database.pool, {"isbndb": settings}, calendar=calendar) as lanes:
            await asyncio.gather(*(send_all_the_time(lanes) for _ in range(6)))

logging.configure("INFO", "console")
asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    """Without a history of lanes."""
    forget_lanes(shared_database_url)
    return shared_database_url


class Worker:
    """A process that sends all the time and prints the times."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.instants: list[float] = []
        self.reader = asyncio.create_task(self._read())
        self.more = asyncio.Condition()

    @classmethod
    async def start(cls, url: str, number: int, settings: ProviderSettings) -> "Worker":
        url = make_conninfo(url, application_name=f"worker {number}")
        command = [sys.executable, "-c", WORKER, url, settings.model_dump_json()]
        return cls(await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE))

    async def _read(self) -> None:
        assert self.process.stdout
        async for line in self.process.stdout:
            async with self.more:
                self.instants.append(float(line))
                self.more.notify_all()

    async def sends_more(self, count: int) -> None:
        wanted = len(self.instants) + count
        async with self.more:
            await self.more.wait_for(lambda: len(self.instants) >= wanted)

    async def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        await self.reader


@contextlib.asynccontextmanager
async def workers(url: str, count: int, settings: ProviderSettings) -> AsyncIterator[list[Worker]]:
    started = [await Worker.start(url, number, settings) for number in range(count)]
    try:
        await asyncio.gather(*(worker.sends_more(1) for worker in started))
        yield started
    finally:
        await asyncio.gather(*(worker.end() for worker in started))


async def holder(url: str, among: list[Worker]) -> Worker:
    """The worker whose turn it is."""
    query = """SELECT application_name FROM lane, pg_locks JOIN pg_stat_activity USING (pid)
               WHERE locktype = 'advisory' AND granted AND classid = 'lane'::regclass AND objid = lane.id
                 AND held_until > 0"""
    while not (found := rows(url, query)):
        pass
    return among[int(found[0][0].removeprefix("worker "))]


async def test_no_second_is_over_the_rate_whatever_happens_to_the_holder(database_url):
    """Frozen or killed in its turn, it is succeeded by the others; its own sends, before and after, are in line too."""
    async with workers(database_url, 3, provider(rate=20)) as starving:
        frozen = await holder(database_url, starving)
        frozen.process.send_signal(signal.SIGSTOP)
        await asyncio.gather(*(worker.sends_more(12) for worker in starving if worker is not frozen))
        frozen.process.send_signal(signal.SIGCONT)
        await frozen.sends_more(4)
        killed = await holder(database_url, starving)
        killed.process.kill()
        await asyncio.gather(*(worker.sends_more(8) for worker in starving if worker is not killed))
    assert windows_over([instant for worker in starving for instant in worker.instants], 20) == 0


async def test_a_session_that_is_lost_in_its_turn_costs_the_turn_and_no_caller(database_url):
    """What it had taken stays charged, as it may have sent."""
    async with lanes_on(database_url, provider(rate=2, limit=10)) as limiter:
        caller = await waiting_in_its_turn(limiter, database_url)
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '% lane %'"
        assert rows(database_url, query) == [(True,)]
        assert await caller == 1
    assert used(database_url) == 3


async def test_a_cancelled_waiter_gives_its_unit_back(database_url):
    """Although its worker had entered the lane for it; the lane is left in order."""
    async with lanes_on(database_url, provider(rate=2, limit=10)) as lanes:
        caller = await waiting_in_its_turn(lanes, database_url)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
    assert used(database_url) == 1
    assert rows(database_url, "SELECT held_until, held_units FROM lane") == [(0, 0)]


async def test_a_waiter_cancelled_at_the_instant_of_its_turn_gives_its_unit_back(database_url):
    """The turn is handed over and the caller is cancelled before it runs: the next caller gets what it leaves."""

    class CancelledFirst(asyncio.Event):
        async def wait(self):
            caller.cancel()
            return await super().wait()

    async with lanes_on(database_url, provider(rate=500, limit=10)) as lanes:
        caller = asyncio.create_task(send(lanes))
        await asyncio.sleep(0)
        [queued] = lanes._limiters[X]._queue.first(1)
        queued.served = CancelledFirst()
        with pytest.raises(asyncio.CancelledError):
            await caller
        await send(lanes)
    assert used(database_url) == 1


async def test_waiting_requests_get_an_error_when_the_limiter_closes(database_url):
    """Its worker leaves the lane in order, also if the answer that it may enter is still on the way."""
    async with lanes_on(database_url, provider(rate=2)) as lanes:
        caller = await waiting_in_its_turn(lanes, database_url)
    with pytest.raises(errors.DatabaseUnavailable):
        await caller
    assert used(database_url) == 1
    assert rows(database_url, "SELECT held_until FROM lane") == [(0,)]


async def test_closing_does_not_wait_for_a_turn(database_url):
    """Another worker holds the lane for longer than anybody would wait; the one behind it leaves at once."""
    async with lanes_on(database_url, provider(rate=0.01)) as holds:
        held = await waiting_in_its_turn(holds, database_url)
        async with lanes_on(database_url, provider(rate=0.01)) as waits:
            caller = asyncio.create_task(send(waits))
            await until(lambda: rows(database_url, "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
        with pytest.raises(errors.DatabaseUnavailable):
            await caller
        held.cancel()
    assert used(database_url) == 1


async def test_a_session_that_was_lost_while_idle_is_replaced(database_url):
    async with lanes_on(database_url, provider(rate=100)) as lanes:
        await send(lanes)
        await until(lambda: rows(database_url, "SELECT FROM lane WHERE held_until = 0"))
        rows(
            database_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '% lane %'",
        )
        assert await send(lanes) == 1


async def test_a_lost_database_heals(data_dir):
    """The server is killed in mid-run: callers get an error, and continue when it is back, with no second above the rate."""
    with Embedded(data_dir) as server:
        from alexandria.database import migrate

        await asyncio.to_thread(migrate.upgrade, server.url)
        instants: list[float] = []
        lost = 0

        async def send_seven() -> None:
            nonlocal lost
            sent = 0
            while sent < 7:
                try:
                    await send(lanes)
                except errors.DatabaseUnavailable:
                    lost += 1
                    await asyncio.to_thread(server.ensure)
                else:
                    sent += 1
                    instants.append(time.monotonic())
                    if len(instants) == 8:
                        os.kill(_postmaster(data_dir), signal.SIGKILL)

        async with lanes_on(server.url, provider(rate=20, limit=60)) as lanes:
            await asyncio.gather(*(send_seven() for _ in range(3)))
        assert lost
        assert windows_over(instants, 20) == 0
        assert 21 <= used(server.url) <= 60


def _postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgresql" / "data" / "postmaster.pid").read_text().split()[0])
