"""The circuit breaker on a real database: it pauses a silent provider for all workers, and one of them probes it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import httpx2
import psycopg
import pytest
import stamina

from alexandria.backfill.repositories import pauses
from alexandria.core import errors
from alexandria.core.config import ProviderSettings
from alexandria.database.pool import Database
from alexandria.providers.client import ProviderClient, Request, json_of
from alexandria.providers.limits import breaker as breakers
from alexandria.providers.limits.breaker import BreakerPolicy, Unanswered
from alexandria.providers.limits.rate import RateLimiter
from alexandria.providers.response_cache import ResponseCache

X, Y = "open_library", "isbndb"
POLICY = BreakerPolicy(failures=3, first_pause=0.3, max_pause=1.2)
LONG = BreakerPolicy(failures=3, first_pause=60.0, max_pause=600.0)


@pytest.fixture(autouse=True)
def _one_try():
    with stamina.set_testing(True, attempts=1, cap=True):
        yield


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    with psycopg.connect(shared_database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM lane")
    return shared_database_url


class Provider:
    """The far end: `down` is a status, a status with a page, an exception or None; `gate` holds requests back."""

    def __init__(self):
        self.down: int | tuple[int, str] | type[httpx2.RequestError] | None = None
        self.requests = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Event()

    async def __call__(self, request):
        self.requests += 1
        self.arrived.set()
        await self.gate.wait()
        if self.down is None:
            return httpx2.Response(200)
        if isinstance(self.down, int):
            return httpx2.Response(self.down)
        if isinstance(self.down, tuple):
            return httpx2.Response(self.down[0], text=self.down[1])
        raise self.down("no", request=request)


class Worker:
    """One process: its limiter and its client of each provider."""

    def __init__(self, limiter, clients):
        self.limiter, self.clients = limiter, clients

    async def ask(self, name=X):
        return await self.clients[name].fetch_uncached(
            Request("GET", "/x"),
            lambda response: json_of(name, response) if response.content else response.status_code,
        )

    async def tries(self, count, name=X):
        return await asyncio.gather(*(self.ask(name) for _ in range(count)), return_exceptions=True)

    async def lane(self, name=X):
        return next(lane for lane in await self.limiter.status() if lane.name == name)


@contextlib.asynccontextmanager
async def worker_on(url, far_end, policy=POLICY, seconds=5.0, names=(X, Y)) -> AsyncIterator[Worker]:
    settings = {
        name: ProviderSettings(
            name=name, base_url=f"http://{name}.test", rate=200, timeout=seconds, daily_limit=None,
            daily_reserve=0, zone="UTC", key=None,
        )
        for name in names
    }  # fmt: skip
    async with Database(url, size=8) as database, RateLimiter(url, database.pool, settings, breaker=policy) as limiter:
        clients = {
            name: ProviderClient(
                settings[name], limiter, ResponseCache(database), contact="", version="0",
                inner=httpx2.MockTransport(far_end), breaker=limiter.breakers[name],
            )
            for name in settings
        }  # fmt: skip
        try:
            yield Worker(limiter, clients)
        finally:
            for client in clients.values():
                await client.aclose()


def rows(url, query):
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


async def fail(worker, far_end, down=503, name=X):
    """As many failures in a row as the breaker needs."""
    far_end.down = down
    for _ in range(POLICY.failures):
        with pytest.raises(errors.ProviderDown):
            await worker.ask(name)


def end_pause(url):
    rows(url, "UPDATE breaker SET open_until = clock_timestamp()")
    rows(url, "UPDATE lane SET paused_until = clock_timestamp()")


async def pause_is_over(worker):
    while (await worker.lane()).paused_until is not None:  # noqa: ASYNC110  # the database sends no event at its end
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "down",
    [500, 503, 407, 408, httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ReadTimeout, httpx2.RemoteProtocolError,
     (200, "<title>Scheduled maintenance</title>"), (403, "<title>Web filter</title>This site is blocked")],
)  # fmt: skip
async def test_after_failures_in_a_row_no_worker_sends_anything(database_url, down):
    """Whatever keeps the provider from answering; the refusal comes at once, and the pause is shown with its reason."""
    far_end = Provider()
    async with worker_on(database_url, far_end, LONG) as one, worker_on(database_url, far_end, LONG) as other:
        await fail(one, far_end, down)
        sent = far_end.requests
        for worker in (one, other):
            async with asyncio.timeout(5):
                with pytest.raises(errors.CircuitOpen) as refused:
                    await worker.ask()
            assert "does not answer" in refused.value.message
        assert far_end.requests == sent == 3
        lane = await other.lane()
        assert lane.paused_until
        assert lane.down_since == lane.paused_since
        assert timedelta(seconds=55) < lane.paused_until - datetime.now(UTC) <= timedelta(seconds=60)
        assert lane.pause_reason.startswith("does not answer (")
        assert (await other.lane(Y)).paused_until is None


@pytest.mark.parametrize("status", [200, 404, 401, 429, 400])
async def test_any_answer_ends_a_row_of_failures(database_url, status):
    """A refusal too; also if another worker got it."""
    far_end = Provider()
    async with worker_on(database_url, far_end, LONG) as one, worker_on(database_url, far_end, LONG) as other:
        for worker in (one, other) * 3:
            far_end.down = 503
            for _ in range(LONG.failures - 1):
                with pytest.raises(errors.ProviderDown):
                    await one.ask()
            far_end.down = status
            with contextlib.suppress(errors.ProviderError):
                await worker.ask()
            with contextlib.suppress(errors.ProviderError):
                await worker.ask()  # one more send reports the answer before it
            rows(database_url, "UPDATE lane SET paused_until = NULL")  # of the 429
        assert (await one.lane()).down_since is None


async def test_a_provider_that_is_often_busy_is_paused_by_many_503s_and_by_few_other_failures(database_url):
    far_end = Provider()
    async with worker_on(database_url, far_end, LONG, names=("google_books",)) as worker:
        for _ in range(2):
            for _ in range(LONG.failures * breakers.BUSY_WEIGHT - 1):
                far_end.down = 503
                with pytest.raises(errors.ProviderDown):
                    await worker.ask("google_books")
            assert (await worker.lane("google_books")).paused_until is None
            far_end.down = None
            await worker.ask("google_books")
        for down in (httpx2.ReadTimeout, 500, httpx2.ConnectError):
            assert (await worker.lane("google_books")).paused_until is None
            far_end.down = down
            with pytest.raises(errors.ProviderDown):
                await worker.ask("google_books")
        assert (await worker.lane("google_books")).paused_until is not None


async def test_one_request_of_all_workers_probes_and_the_others_wait_for_it(database_url):
    far_end = Provider()
    async with worker_on(database_url, far_end) as one, worker_on(database_url, far_end) as other:
        await fail(one, far_end)
        await pause_is_over(one)
        far_end.down, far_end.requests = None, 0
        far_end.gate.clear()
        far_end.arrived.clear()
        asking = [asyncio.create_task(worker.tries(10)) for worker in (one, other)]
        await far_end.arrived.wait()
        await asyncio.sleep(0.5)  # time in which a second request would arrive
        assert far_end.requests == 1
        assert (await one.lane()).paused_until is not None
        far_end.gate.set()
        assert await asyncio.gather(*asking) == [[200] * 10] * 2
        lane = await other.lane()
        assert (lane.paused_until, lane.down_since) == (None, None)


async def test_each_probe_without_an_answer_doubles_the_pause_up_to_a_bound(database_url):
    far_end = Provider()
    async with worker_on(database_url, far_end) as worker:
        await fail(worker, far_end)
        began = (await worker.lane()).down_since
        lengths = []
        for _ in range(4):
            await pause_is_over(worker)
            sent = far_end.requests
            with pytest.raises(errors.ProviderDown):
                await worker.ask()
            assert far_end.requests == sent + 1
            lane = await worker.lane()
            lengths.append((lane.paused_until - datetime.now(UTC)).total_seconds())
            assert lane.down_since == lane.paused_since == began
        assert lengths == pytest.approx([0.6, 1.2, 1.2, 1.2], abs=0.25)


async def test_a_prober_that_is_lost_holds_the_others_back_for_its_time_only(database_url, monkeypatch):
    monkeypatch.setattr(breakers, "PROBE_GRACE", 0.5)
    far_end = Provider()
    async with worker_on(database_url, far_end, seconds=0.5) as worker:
        await fail(worker, far_end)
        await pause_is_over(worker)
        rows(
            database_url,
            "UPDATE breaker SET probe = gen_random_uuid(), probe_until = clock_timestamp() + interval '1 s'",
        )
        far_end.down = None
        began = asyncio.get_running_loop().time()
        assert await worker.ask() == 200
        assert asyncio.get_running_loop().time() - began > 0.7
        assert (await worker.lane()).down_since is None


async def test_the_result_of_a_former_prober_changes_nothing(database_url):
    """Its time was over and another probes: neither its failure nor its answer counts."""
    far_end = Provider()
    async with worker_on(database_url, far_end) as worker:
        await fail(worker, far_end)
        await pause_is_over(worker)
        for down in (503, None):
            far_end.down = down
            far_end.gate.clear()
            far_end.arrived.clear()
            asking = asyncio.create_task(worker.tries(1))
            await far_end.arrived.wait()
            rows(
                database_url,
                "UPDATE breaker SET probe = gen_random_uuid(), probe_until = clock_timestamp() + interval '1 min'",
            )
            before = rows(database_url, "SELECT trips, probe, open_until FROM breaker")
            far_end.gate.set()
            await asking
            assert rows(database_url, "SELECT trips, probe, open_until FROM breaker") == before
            rows(database_url, "UPDATE breaker SET probe = NULL, probe_until = NULL")


async def test_a_cancelled_prober_leaves_the_probe_to_another(database_url):
    far_end = Provider()
    async with worker_on(database_url, far_end, seconds=60.0) as worker:
        await fail(worker, far_end)
        await pause_is_over(worker)
        far_end.down = None
        far_end.gate.clear()
        far_end.arrived.clear()
        asking = asyncio.create_task(worker.ask())
        await far_end.arrived.wait()
        asking.cancel()
        await asyncio.wait({asking})
        far_end.gate.set()
        async with asyncio.timeout(5):
            assert await worker.ask() == 200


async def test_an_answer_of_one_provider_lets_the_others_be_probed_at_once(database_url):
    """What kept all of them from answering may have been our own network."""
    far_end = Provider()
    async with worker_on(database_url, far_end, LONG) as worker:
        for name in (X, Y):
            await fail(worker, far_end, name=name)
        async with worker.limiter._pool.connection() as connection:
            assert await pauses.resume_lane(connection, X)
        far_end.down, far_end.requests = None, 0
        assert await worker.ask(X) == 200
        async with asyncio.timeout(5):
            assert await worker.ask(Y) == 200
        found = rows(database_url, "SELECT name, trips, recovered_at IS NOT NULL FROM breaker ORDER BY name")
        assert found == [(Y, 0, True), (X, 0, True)]


async def test_an_answer_from_before_a_row_of_failures_does_not_end_it(database_url):
    """One process had it, and no request since, while another counts the failures."""
    far_end = Provider()
    async with worker_on(database_url, far_end, LONG) as one, worker_on(database_url, far_end, LONG) as other:
        assert await one.ask() == 200
        far_end.down = 503
        for worker in (*[other] * (LONG.failures - 1), one):
            with pytest.raises(errors.ProviderDown):
                await worker.ask()
        assert rows(database_url, "SELECT trips FROM breaker") == [(1,)]


@pytest.mark.parametrize(("answered_after", "state"), [(0, [(0, 1)]), (2, [(1, 0)])], ids=["before", "after"])
async def test_an_answer_ends_a_row_only_after_its_last_failure(database_url, answered_after, state):
    """As above, where the first process had requests under way all the time."""
    async with worker_on(database_url, Provider(), LONG) as one, worker_on(database_url, Provider(), LONG) as other:
        first, second = (worker.limiter.breakers[X] for worker in (one, other))
        for failures in range(LONG.failures):
            if failures == answered_after:
                rows(database_url, "UPDATE breaker SET failed_at = failed_at - interval '1 minute'")
                await first.answered(None)
            await (second if failures < LONG.failures - 1 else first).failed(None, "answered 503")
        assert rows(database_url, "SELECT failures, trips FROM breaker") == state


WAITED = 5.0  # seconds for a connection


async def test_an_answer_grows_no_younger_while_its_process_waits_for_the_database(database_url, monkeypatch):
    """Five seconds pass between a failure and the statement that stores it; the last answer is older than the row."""
    async with worker_on(database_url, Provider(), LONG) as one, worker_on(database_url, Provider(), LONG) as other:
        first, second = (worker.limiter.breakers[X] for worker in (one, other))
        await first.answered(None)
        for _ in range(LONG.failures - 1):
            await second.failed(None, "answered 503")
        connection, passed = first._pool.connection, [0.0]
        clock = SimpleNamespace(monotonic=lambda: time.monotonic() + passed[0])

        @contextlib.asynccontextmanager
        async def late():
            async with connection() as found:
                passed[0] = WAITED
                rows(database_url, f"UPDATE breaker SET failed_at = failed_at - interval '{WAITED} s'")
                yield found

        monkeypatch.setattr(breakers, "time", clock)
        monkeypatch.setattr(first._pool, "connection", late)
        await first.failed(None, "answered 503")
        assert rows(database_url, "SELECT failures, trips FROM breaker") == [(0, 1)]


async def test_an_answer_grows_no_younger_while_a_request_waits_to_be_admitted(database_url):
    far_end = Provider()
    async with worker_on(database_url, far_end, LONG) as one, worker_on(database_url, far_end, LONG) as other:
        assert await one.ask() == 200
        began = time.monotonic()
        await one.limiter.breakers[X].answered(None)
        await other.limiter.breakers[X].failed(None, "answered 503")
        gap, session = time.monotonic() - began, one.limiter._limiters[X]._session
        async with session._lock:
            began = time.monotonic()
            asking = asyncio.create_task(one.limiter.breakers[X].admit(session))
            while time.monotonic() - began < 2 * gap:  # noqa: ASYNC110  # a clock sets no event
                await asyncio.sleep(0)
        assert await asking == breakers.Admission()
        assert rows(database_url, "SELECT failures FROM breaker") == [(1,)]


async def test_a_longer_pause_that_the_provider_asked_for_stays(database_url):
    far_end = Provider()
    async with worker_on(database_url, far_end) as worker:
        far_end.down = 503
        until = datetime.now(UTC) + timedelta(hours=1)
        with pytest.raises(errors.ProviderDown):
            await worker.ask()
        await worker.limiter.pause(X, until, "too many requests")
        for _ in range(POLICY.failures):
            await worker.limiter.breakers[X].failed(None, "answered 503")
        lane = await worker.lane()
        assert (lane.paused_until, lane.pause_reason) == (
            pytest.approx(until, abs=timedelta(seconds=5)),
            "too many requests",
        )


async def test_an_outage_soon_after_another_goes_on_with_its_pauses(database_url):
    """A provider that answers only its probes costs no more requests than one that is silent."""
    far_end = Provider()
    async with worker_on(database_url, far_end, LONG) as worker:
        trips = []
        for _ in range(3):
            await fail(worker, far_end)
            trips.append(rows(database_url, "SELECT trips FROM breaker")[0][0])
            end_pause(database_url)
            far_end.down = None
            assert await worker.ask() == 200
        assert trips == [1, 2, 3]


@pytest.mark.long
async def test_ten_minutes_of_silence_cost_few_requests(database_url):
    """A hundred times as fast, with two workers of which 40 callers ask without end; in proportion at most 60 requests."""
    far_end = Provider()
    far_end.down = 503
    policy = BreakerPolicy(failures=8, first_pause=0.3, max_pause=3.0)
    async with worker_on(database_url, far_end, policy) as one, worker_on(database_url, far_end, policy) as other:
        end = asyncio.get_running_loop().time() + 6.0
        refused = 0

        async def ask_on(worker):
            nonlocal refused
            while asyncio.get_running_loop().time() < end:
                try:
                    await worker.ask()
                except errors.ProviderDown:
                    refused += 1
                await asyncio.sleep(0.02)

        await asyncio.gather(*(ask_on(worker) for worker in (one, other) for _ in range(20)))
    assert 8 <= far_end.requests < 60
    assert refused > 100


async def test_a_provider_that_never_answers_gets_few_requests_before_it_is_noticed(database_url):
    far_end = Provider()
    far_end.gate.clear()
    async with worker_on(database_url, far_end, seconds=0.5) as worker:
        ended = await worker.tries(60)
        assert all(isinstance(each, errors.ProviderDown) for each in ended)
        assert far_end.requests <= Unanswered().limit
        assert (await worker.lane()).down_since is not None
        far_end.gate.set()


async def test_an_answer_makes_room_for_many():
    room = Unanswered(limit=2)
    inside, gates = [], [asyncio.Event() for _ in range(6)]

    async def request(number):
        async with room.room():
            inside.append(number)
            await gates[number].wait()

    tasks = [asyncio.create_task(request(number)) for number in range(6)]
    await asyncio.sleep(0)
    assert inside == [0, 1]
    tasks[2].cancel()
    gates[0].set()
    await asyncio.wait({tasks[0]})
    await asyncio.sleep(0)
    assert inside == [0, 1, 3]
    room.answered()
    await asyncio.sleep(0)
    assert inside == [0, 1, 3, 4, 5]
    for gate in gates:
        gate.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert room._count == 0


def test_pauses_double_and_probes_follow_them():
    policy = BreakerPolicy()
    assert [policy.pause(trips) for trips in (1, 2, 3, 4, 5, 400)] == [30, 60, 120, 240, 300, 300]
    assert [policy.first_probe_after(1000, 1000 + after) for after in (0, 30, 31, 600)] == [1030, 1030, 1090, 1750]
