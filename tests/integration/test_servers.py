"""Servers of one provider on a real database: each has its own limits and outages; one alone keeps the provider's name."""

import asyncio
import contextlib
import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import stamina
from pydantic import SecretStr

from alexandria import bootstrap
from alexandria.backfill.retry_policy import Snooze, decide
from alexandria.bootstrap import Mode
from alexandria.core import config, errors
from alexandria.core.month import Month
from alexandria.operations import quota
from alexandria.providers.generator_specs import parse_generators
from alexandria.providers.registry import make_generator
from alexandria.web.api import metrics

BOOKS = json.dumps({"books": [{"title": "Sample Novel", "author": "Ann Author", "year": 2003}]})
ANSWER = json.dumps({"choices": [{"message": {"content": BOOKS}, "finish_reason": "stop"}]}).encode()


@pytest.fixture(autouse=True)
def _once():
    with stamina.set_testing(True, attempts=1):
        yield


class Steady:
    """A database that is managed outside of Alexandria."""

    def __init__(self, url):
        self.url = url

    def ensure(self):
        return


class Server:
    """A server of chats, which answers with a list unless it is `down`: then with these lines of a head."""

    def __init__(self):
        self.down: Sequence[str] = ()
        self.requests, self.url = 0, ""

    async def serve(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = next(line.partition(":")[2] for line in head.splitlines() if line.startswith("content-length"))
            await reader.readexactly(int(length))
            self.requests += 1
            body = b"" if self.down else ANSWER
            first = self.down or ("HTTP/1.1 200 OK", "Content-Type: application/json")
            lines = [*first, f"Content-Length: {len(body)}", "Connection: close", "", ""]
            writer.write("\r\n".join(lines).encode() + body)
            await writer.drain()
        writer.close()


@pytest.fixture
async def servers():
    there = [Server(), Server()]
    async with contextlib.AsyncExitStack() as stack:
        for each in there:
            listening = await stack.enter_async_context(await asyncio.start_server(each.serve, "127.0.0.1", 0))
            each.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield there


def lane(server):
    return f"openai@{server.url.removeprefix('http://')}"


@contextlib.asynccontextmanager
async def system_with(url, monkeypatch, *generators):
    """The system and its generators, by these entries of the setting."""
    monkeypatch.setenv("ALEXANDRIA_GENERATORS", ",".join(generators))
    monkeypatch.setenv("ALEXANDRIA_OPENAI_RATE", "200")
    settings = config.load(database_url=SecretStr(url))
    async with bootstrap.running(settings, Steady(url), Mode.WORK) as system:
        specs = parse_generators(settings.generators)
        lanes = [settings.lane_of(spec.provider, spec.url) for spec in specs]
        yield system, [make_generator(spec, system.clients[name]) for spec, name in zip(specs, lanes, strict=True)]


async def paused(system):
    return {each.name for each in await system.limiter.status() if each.paused_until}


async def ask(generator, number=0):
    found = await generator.suggest(Month(2003 + number // 12, 1 + number % 12), "baseline", 20)
    return [candidate.title for candidate in found.candidates]


HINTED = ("HTTP/1.1 503 Busy", "Retry-After: 600")


async def test_a_server_that_asks_for_a_wait_pauses_itself_alone(database_url, monkeypatch, servers):
    one, two = servers
    one.down = HINTED
    entries = f"openai:m@{one.url}", f"openai:m@{two.url}/v1", f"openai:other@{two.url}"
    async with system_with(database_url, monkeypatch, *entries) as (system, (first, second, third)):
        with pytest.raises(errors.ProviderDown, match=f"^{lane(one)}: answered 503; it asks for a wait$") as refused:
            await ask(first)
        assert refused.value.retry_after == pytest.approx(600, abs=2)
        assert await paused(system) == {lane(one)}
        with pytest.raises(errors.CircuitOpen, match="paused: ") as refused:
            await ask(first, 1)
        assert refused.value.retry_after == pytest.approx(600, abs=5)
        assert one.requests == 1
        assert await ask(second) == await ask(third) == ["Sample Novel"]
        assert system.clients[lane(two)].lane == lane(two)


async def test_a_server_that_is_down_opens_its_own_breaker_alone(database_url, monkeypatch, servers):
    one, two = servers
    one.down = ("HTTP/1.1 502 Down",)
    entries = f"openai:m@{one.url}", f"openai:m@{two.url}"
    async with system_with(database_url, monkeypatch, *entries) as (system, (first, second)):
        for number in range(8):
            with pytest.raises(errors.ProviderDown):
                await ask(first, number)
        assert await paused(system) == {lane(one)}
        assert await ask(second) == ["Sample Novel"]
        gauges = {each.name: each for each in await metrics._gauges(system)}
        states = {sample.labels["provider"]: sample.value for sample in gauges["alexandria_lane_paused"].samples}
        assert (states[lane(one)], states[lane(two)], states["openai"]) == (1, 0, 0)
        providers = (await quota.show(system)).providers
        assert providers[lane(one)].paused_until
        assert {lane(one), lane(two), "openai", "isbndb"} <= providers.keys()
        assert lane(one) in system.alerts.in_use
        with psycopg.connect(database_url, autocommit=True) as connection:
            waits = [f"providers_down: {lane(one)}: x", f"{lane(two)}: x", "isbndb: x"]
            for number, reason in enumerate(waits, 1):
                connection.execute(
                    "INSERT INTO backfill_log (year, month, status, next_attempt_at, blocked_reason, error_code)"
                    " VALUES (%s, %s, 'retry', now() + interval '1 hour', %s, 'providers_down')",
                    (2003, number, reason),
                )
        ended, woken = await system.control.resume_lane(lane(one), "tests")
        assert ended is not None
        assert (woken, await paused(system)) == (1, set())
        _, woken = await system.control.resume_lane("openai", "tests")
        assert woken == 0  # none of its servers is paused
        with pytest.raises(errors.BadInput):
            await system.control.resume_lane("opnai@x", "tests")


async def test_the_name_of_the_provider_means_all_its_servers(database_url, monkeypatch, servers):
    one, two = servers
    one.down = two.down = HINTED
    entries = f"openai:m@{one.url}", f"openai:m@{two.url}"
    async with system_with(database_url, monkeypatch, *entries) as (system, generators):
        for generator in generators:
            with pytest.raises(errors.ProviderDown):
                await ask(generator)
        assert await paused(system) == {lane(one), lane(two)}
        await system.control.resume_lane("openai", "tests")
        assert await paused(system) == set()


async def test_one_server_keeps_the_name_of_the_provider_and_its_state(database_url, monkeypatch, servers):
    one, two = servers
    one.down = HINTED
    entries = f"openai:m@{one.url}", f"openai:n@{one.url}/v1"
    async with system_with(database_url, monkeypatch, *entries) as (system, (first, _)):
        with pytest.raises(errors.ProviderDown, match=r"^openai: answered 503"):
            await ask(first)
        assert await paused(system) == {"openai"}
        assert {each.name for each in await system.limiter.status()} == set(config.load().providers)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE quota SET used = 7 WHERE name = 'openai'")
    async with system_with(database_url, monkeypatch, entries[0], f"openai:m@{two.url}") as (system, (_, second)):
        assert await ask(second) == ["Sample Novel"]
        used = {each.name: each.used for each in await system.limiter.status() if each.name.startswith("openai@")}
        assert used == {lane(one): 7, lane(two): 8}


def test_the_wait_of_a_month_is_that_of_the_first_server_to_answer():
    now = datetime.now(UTC)
    causes = tuple(errors.ProviderDown(f"openai@{wait:.0f}", "x", retry_after=wait) for wait in (600.0, 90.0))
    decision = decide(errors.NoBooks("none", causes), 0, now, random.Random(1))
    assert decision == Snooze(now + timedelta(seconds=90), decision.reason, "providers_down")
