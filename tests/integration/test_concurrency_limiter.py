"""No more calls are in flight to one provider than allowed, in all processes together, whichever process dies."""

import asyncio
import contextlib
import sys
import time
from typing import Any, cast

import httpx2
import psycopg
import pytest
from pydantic import SecretStr

from alexandria import bootstrap
from alexandria.bootstrap import Mode
from alexandria.core import config, errors
from alexandria.core.config import ProviderSettings
from alexandria.database.pool import Database
from alexandria.providers.client import ProviderClient, Request
from alexandria.providers.limits.concurrency import ConcurrencyLimiter
from alexandria.providers.limits.rate import RateLimiter
from alexandria.providers.response_cache import ResponseCache

X = "gemini"
SETTINGS = ProviderSettings(
    name=X, base_url="http://far.test", rate=500, timeout=5, daily_limit=None, daily_reserve=0, zone="UTC", key=None
)
WORKER = """
import asyncio, sys, time
from alexandria.providers.limits.concurrency import ConcurrencyLimiter

async def call(places):
    while True:
        async with places.permit():
            print(time.monotonic(), 1, flush=True)
            await asyncio.sleep(0.02)
            print(time.monotonic(), -1, flush=True)

async def main(url, count):
    places = ConcurrencyLimiter(url, "gemini", int(count))
    await asyncio.gather(*(call(places) for _ in range(6)))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
async def url(shared_database_url):
    """With a lane for the provider."""
    async with Database(shared_database_url, size=1) as database:
        await RateLimiter(shared_database_url, database.pool, {X: SETTINGS}).open()
    return shared_database_url


@contextlib.asynccontextmanager
async def places_on(url, count, name=X):
    places = ConcurrencyLimiter(url, name, count)
    yield places
    await places.aclose()


class Calls:
    """Calls that take a place each and stay until they are let go."""

    def __init__(self, places, count):
        self.inside, self.most, self.changed = 0, 0, asyncio.Condition()
        self.go = asyncio.Semaphore(0)
        self.tasks = [asyncio.create_task(self._call(places)) for _ in range(count)]

    async def _call(self, places):
        async with places.permit():
            await self._move(1)
            try:
                await self.go.acquire()
            finally:
                self.inside -= 1

    async def _move(self, step):
        async with self.changed:
            self.inside += step
            self.most = max(self.most, self.inside)
            self.changed.notify_all()

    async def are_inside(self, count):
        async with self.changed, asyncio.timeout(10):
            await self.changed.wait_for(lambda: self.inside == count)

    async def end(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def held(url):
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 'control'::regclass AND granted"
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()[0][0]


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  # the database sends no event
            await asyncio.sleep(0.01)


class Worker:
    """A process of callers, and when each of its calls began (1) and ended (-1)."""

    def __init__(self, process):
        self.process, self.moves = process, []
        self.reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, url, count):
        command = [sys.executable, "-c", WORKER, url, str(count)]
        return cls(await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE))

    async def _read(self):
        async for line in self.process.stdout:
            if line.endswith(b"\n"):  # else it was killed while it wrote
                at, step = line.split()
                self.moves.append((float(at), int(step)))

    def since(self, start):
        return sum(at >= start for at, _ in self.moves)

    async def kill(self):
        self.process.kill()
        await self.process.wait()
        await self.reader


async def test_two_processes_never_have_more_calls_in_flight_than_there_are_places(url):
    """By the instants that they note themselves while both are at it; and all places are used."""
    workers = [await Worker.start(url, 3) for _ in range(2)]
    try:
        await until(lambda: all(worker.moves for worker in workers))
        both = max(worker.moves[0][0] for worker in workers)
        await until(lambda: all(worker.since(both) >= 60 for worker in workers))
    finally:
        await asyncio.gather(*(worker.kill() for worker in workers))
    end = min(worker.moves[-1][0] for worker in workers)
    inside, most = 0, 0
    for at, step in sorted(move for worker in workers for move in worker.moves):
        inside += step
        most = max(most, inside if both <= at <= end else 0)
    assert most == 3
    await until(lambda: held(url) == 0)


async def test_a_process_that_dies_frees_its_places(url):
    worker = await Worker.start(url, 2)
    await until(lambda: len(worker.moves) > 4)
    async with places_on(url, 2) as places:
        await worker.kill()
        began = time.monotonic()
        calls = Calls(places, 2)
        await calls.are_inside(2)
        assert time.monotonic() - began < 3
        await calls.end()


async def test_first_come_first_served_and_every_place_is_used_again(url):
    async with places_on(url, 2) as places:
        calls = Calls(places, 6)
        for _ in range(6):
            await until(lambda: calls.inside == min(2, sum(not task.done() for task in calls.tasks)))
            calls.go.release()
            await until(lambda: calls.inside < 2 or held(url) == 2)
        await asyncio.gather(*calls.tasks)
        assert calls.most == 2
        await until(lambda: held(url) == 0)


async def test_a_cancelled_caller_leaves_its_place_to_others(url):
    """One that waits, one that is inside, and those cancelled at the very instant of their turn."""
    async with places_on(url, 1) as places:
        calls = Calls(places, 3)
        await calls.are_inside(1)
        calls.tasks[1].cancel()
        calls.tasks[0].cancel()
        await until(lambda: calls.inside == 1)
        await calls.end()
        for step in range(20):
            caller = asyncio.create_task(taken_and_left(places))
            await asyncio.sleep(step * 0.0004)
            caller.cancel()
            await asyncio.gather(caller, return_exceptions=True)
        await until(lambda: held(url) == 0)


async def taken_and_left(places):
    async with places.permit():
        await asyncio.sleep(0)


async def test_another_process_s_places_count_and_another_provider_s_do_not(url):
    async with Database(url, size=1) as database:
        await RateLimiter(url, database.pool, {"xai": SETTINGS.model_copy(update={"name": "xai"})}).open()
    async with places_on(url, 2) as here, places_on(url, 2) as there, places_on(url, 2, "xai") as elsewhere:
        mine = Calls(here, 1)
        await mine.are_inside(1)
        theirs = Calls(there, 3)
        await theirs.are_inside(1)
        others = Calls(elsewhere, 2)
        await others.are_inside(2)
        await asyncio.sleep(0.5)  # two looks of those who wait; nothing may happen
        assert theirs.inside == 1
        mine.go.release()
        await theirs.are_inside(2)
        for calls in (mine, theirs, others):
            await calls.end()


async def test_a_lost_session_is_replaced_and_its_calls_are_finished(url):
    """Its places went with it; what it held is not given back twice."""
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'alexandria places gemini'"
    async with places_on(url, 2) as places:
        calls = Calls(places, 2)
        await calls.are_inside(2)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(kill)
        more = Calls(places, 2)
        await more.are_inside(2)
        calls.go.release()
        calls.go.release()
        await asyncio.gather(*calls.tasks)
        await asyncio.sleep(0.1)
        assert held(url) == 2
        await more.end()


async def test_a_permit_that_is_released_here_is_taken_at_once(url, monkeypatch):
    """Without waiting for the next look at what other processes have released."""
    monkeypatch.setattr("alexandria.providers.limits.concurrency.POLL_INTERVAL", 100.0)
    async with places_on(url, 1) as places:
        calls = Calls(places, 3)
        for _ in range(2):
            await calls.are_inside(1)
            await asyncio.sleep(0.05)  # the next caller finds nothing, and waits
            calls.go.release()
            await calls.are_inside(1)
        calls.go.release()
        calls.go.release()
        async with asyncio.timeout(20):
            await asyncio.gather(*calls.tasks)


async def test_a_permit_that_another_process_releases_is_found_within_a_moment(url):
    async with places_on(url, 1) as here, places_on(url, 1) as there:
        mine = Calls(here, 1)
        await mine.are_inside(1)
        theirs = Calls(there, 1)
        await asyncio.sleep(0.3)
        mine.go.release()
        await asyncio.gather(*mine.tasks)
        await until(lambda: held(url) == 0 or theirs.inside)
        began = time.monotonic()
        await theirs.are_inside(1)
        assert time.monotonic() - began < 0.9
        await theirs.end()


async def test_waiting_callers_get_an_error_when_the_limiter_closes(url):
    places = ConcurrencyLimiter(url, X, 1)
    calls = Calls(places, 2)
    await calls.are_inside(1)
    await places.aclose()
    with pytest.raises(errors.DatabaseUnavailable):
        await calls.tasks[1]
    await calls.end()


async def test_without_a_database_the_call_is_refused():
    async with places_on("postgresql://nobody@127.0.0.1:1/nothing", 1) as places:
        for _ in range(2):
            with pytest.raises(errors.DatabaseUnavailable):
                await places.permit().__aenter__()


async def test_requests_in_flight_are_bounded_whatever_the_pace_allows(url):
    """Through the client, as a model is asked; the setting limits only models."""
    inside, most, go = 0, 0, asyncio.Event()

    async def far_end(_):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await go.wait()
        inside -= 1
        return httpx2.Response(200, json=[1])

    async with (
        Database(url, size=8) as database,
        RateLimiter(url, database.pool, {X: SETTINGS}) as lanes,
        places_on(url, 2) as places,
    ):
        transport = ProviderClient(SETTINGS, lanes, ResponseCache(database), contact="", version="0", concurrency_limiter=places,
                              inner=httpx2.MockTransport(far_end))  # fmt: skip
        asked = [
            asyncio.create_task(transport.fetch_uncached(Request("GET", f"/{n}"), lambda r: r.json())) for n in range(6)
        ]
        await until(lambda: inside == 2)
        await asyncio.sleep(0.3)
        assert most == 2
        go.set()
        assert await asyncio.gather(*asked) == [[1]] * 6
        await transport.aclose()


async def test_the_setting_bounds_language_models_only(url, monkeypatch):
    class Server:
        def __init__(self, url):
            self.url = url

        def ensure(self):
            return

    monkeypatch.setenv("ALEXANDRIA_MODEL_CALLS", "3")
    settings = config.load(database_url=SecretStr(url))
    async with bootstrap.running(settings, Server(url), Mode.WORK) as system:
        bounds = {name: cast("Any", t.http._transport)._concurrency_limiter for name, t in system.clients.items()}
    assert {name for name, places in bounds.items() if places} == {"gemini", "xai", "openai"}
    assert bounds["xai"]._count == 3
