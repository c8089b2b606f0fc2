"""The same question has the same answer: a list is answered byte for byte alike, whatever the load."""

import asyncio
import contextlib
import functools
import importlib.util
import json
import random
from contextlib import aclosing
from pathlib import Path
from typing import ClassVar

import httpx2
import pytest

from alexandria.backfill import resolve_list
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.core import config
from alexandria.database.pool import Database
from alexandria.providers import response_cache
from alexandria.providers.client import ProviderClient
from alexandria.providers.limits.rate import RateLimiter
from alexandria.providers.registry import make_source
from alexandria.providers.response_cache import ResponseCache
from alexandria.sandbox import SandboxSettings, create_app, environment
from alexandria.sandbox.parts import provider_names
from tests.support.sampling import tried

QUESTIONS = Path(__file__).parents[2] / "benchmarks" / "same_questions.py"
RATE = 500.0  # requests a second
QUERIES, EQUAL_LINES = 200, 24
MAX_DELAY = 15  # turns of the event loop that an answer takes longer than another
SETTINGS = SandboxSettings(
    look_alikes=0.12,
    latency_scale=0,
    rates=dict.fromkeys(provider_names(), 4 * RATE),
    daily_limits={"isbndb": 10**6, "google_books": 10**6},
)


@functools.cache
def sandbox():
    """The way to the one sandbox of all runs; its books are read when a test begins."""
    return httpx2.ASGITransport(create_app(SETTINGS))


class Jittery(httpx2.AsyncBaseTransport):
    """The way to the sandbox. Each answer takes another time, drawn from `seed`, so that they come in any order.

    The sandbox answers by request and seed alone, so it answers each request once for all runs.
    """

    answers: ClassVar[dict[tuple[object, ...], httpx2.Response]] = {}

    def __init__(self, seed):
        self.chance = random.Random(seed)

    async def handle_async_request(self, request):
        for _ in range(self.chance.randrange(MAX_DELAY)):
            await asyncio.sleep(0)
        key = request.method, str(request.url), request.content
        if key not in self.answers:
            answer = await sandbox().handle_async_request(request)
            self.answers[key] = httpx2.Response(
                answer.status_code, headers=answer.headers, content=await answer.aread()
            )
        answer = self.answers[key]
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)


@pytest.fixture(scope="module")
def lines():
    """The lines of the benchmark, fewer of them."""
    spec = importlib.util.spec_from_file_location("same_questions", QUESTIONS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.questions(QUERIES)


@pytest.fixture
async def answer_all(database_url, monkeypatch):
    """`answer_all(lines, policy, concurrency, seed)` is the answer file; nothing is stored from the run before."""
    for name, value in environment(SETTINGS, "http://sandbox").items():
        monkeypatch.setenv(name, value)
    for name in provider_names():
        monkeypatch.setenv(f"ALEXANDRIA_{name.upper()}_RATE", str(RATE))
    settings = config.load()

    async def run(lines, policy, concurrency, seed):
        monkeypatch.setattr(resolve_list, "LOOKUP_CONCURRENCY", concurrency)
        async with contextlib.AsyncExitStack() as stack:
            database = await stack.enter_async_context(Database(database_url))
            async with database.transaction() as connection:
                for name in settings.sources:
                    await response_cache.purge(connection, name)
            limiter = await stack.enter_async_context(RateLimiter(database_url, database.pool, settings.providers))
            clients = [
                ProviderClient(
                    settings.providers[name], limiter, ResponseCache(database),
                    contact="ops@library.test", version="0", inner=Jittery(f"{seed} {name}"),
                )
                for name in settings.sources
            ]  # fmt: skip
            for client in clients:
                stack.push_async_callback(client.aclose)
            pool = SourcePool([make_source(client) for client in clients], policy)
            answers = await stack.enter_async_context(
                aclosing(resolve_list.answers(resolve_list.lines_of(b"\n".join(lines)), pool, database))
            )
            return [answer.line async for answer in answers]

    return run


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_list_is_answered_alike_at_any_concurrency_and_latency(answer_all, lines):
    """24 equal lines had three different ISBNs, and others in the next run."""
    assert len(lines) == QUERIES
    first = await answer_all(lines, Policy.BALANCED, 1, 0)
    equal = [json.loads(line) | {"id": None} for line in first if "equal" in str(json.loads(line)["id"])]
    assert len(equal) == EQUAL_LINES
    assert all(answer == equal[0] for answer in equal)
    found = [json.loads(line)["isbn13"] for line in first]
    assert sum(isbn is not None for isbn in found) > QUERIES / 2
    for concurrency, seed in tried(((16, 2), (4, 1)), 2):
        assert await answer_all(lines, Policy.BALANCED, concurrency, seed) == first


@pytest.mark.long
async def test_the_order_of_the_lines_changes_no_answer(answer_all, lines):
    """Nor does what else is in the list."""
    lines = lines[::4]
    first = dict(zip(lines, await answer_all(lines, Policy.FRUGAL, 16, 1), strict=True))
    random.Random(1).shuffle(lines)
    lines = lines[: len(lines) // 2]
    assert await answer_all(lines, Policy.FRUGAL, 16, 2) == [first[line] for line in lines]
