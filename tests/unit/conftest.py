"""Fixtures of the unit tests: limits and a cache in memory, a client whose server is a function, and a disk without room."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from datetime import UTC, datetime

import httpx2
import pytest
import stamina

from alexandria.core.config import ProviderSettings
from alexandria.core.provider_facts import PROVIDERS, key_settings
from alexandria.providers.client import ProviderClient


class Permit:
    def __init__(self, granted, limiter):
        self.granted, self._limiter = granted, limiter

    def refund(self):
        self._limiter.refunded += self.granted

    def sent(self):
        self._limiter.on_the_wire.append(len(self._limiter.permits))
        self._limiter.reported.set()


class UnlimitedRate:
    """Gives every permit at once. `room` bounds the units of one permit; `refusal` is raised instead of a permit.

    `on_the_wire` has the number of each request that is reported as sent; `announced` whether a report was to come.
    """

    def __init__(self):
        self.permits, self.pauses, self.refunded, self.inside = [], [], 0, 0
        self.room, self.refusal = None, None
        self.on_the_wire, self.reported, self.announced = [], asyncio.Event(), []

    @contextlib.asynccontextmanager
    async def permit(self, provider, units=1, *, reports_sent=False, place=None):
        if self.refusal is not None:
            raise self.refusal
        self.permits.append((provider, units))
        self.announced.append(reports_sent)
        self.inside += 1
        try:
            yield Permit(units if self.room is None else min(units, self.room), self)
        finally:
            self.inside -= 1

    async def pause(self, provider, until, reason):
        self.pauses.append((provider, (until - datetime.now(UTC)).total_seconds(), reason))


class MemoryCache:
    """Keeps everything for good and remembers for how long it was asked to keep it."""

    def __init__(self):
        self.kept, self.lives, self.calls = {}, {}, []

    async def read(self, provider, key):
        return self.kept.get((provider, key))

    async def write(self, provider, key, request, body, life):
        self.lives[provider, key] = life
        self.kept[provider, key] = (body, datetime.now(UTC))
        return self.kept[provider, key][1]

    async def record(self, call):
        self.calls.append(call)


class RecordingClient(ProviderClient):
    """Remembers the requests that arrived at its far end."""

    sent: list[httpx2.Request]


@pytest.fixture
def limiter():
    return UnlimitedRate()


@pytest.fixture
def answers():
    return MemoryCache()


@pytest.fixture(autouse=True)
def _no_backoff():
    """As many tries as in earnest, without the waits between them."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
async def reach(limiter, answers):
    """`reach(name, answer)` is a client of provider `name` whose server is `answer`: a response, a list of
    responses in turn, or a function of the request. `reach(...).sent` are the requests that arrived."""
    opened = []

    def reach(name, answer, *, key="canary-key", base_url="http://far.test/prefix", timeout=15.0, reload_key=None):
        def far_end(request):
            client.sent.append(request)
            if callable(answer):
                return answer(request)
            return answer.pop(0) if isinstance(answer, list) else answer

        settings = ProviderSettings(
            name=name,
            **PROVIDERS[name].limits.model_dump() | {"base_url": base_url, "timeout": timeout},
            key=key if name in key_settings() else None,
        )
        client = RecordingClient(
            settings, limiter, answers,
            contact="ops@library.test", version="1.2", reload_key=reload_key, inner=httpx2.MockTransport(far_end),
        )  # fmt: skip
        client.sent = []
        opened.append(client)
        return client

    yield reach
    for client in opened:
        await client.aclose()


@pytest.fixture
def small_files():
    """No file can become larger than 4 kB, as on a disk that is full: the write that gets there is cut off, the next one fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
