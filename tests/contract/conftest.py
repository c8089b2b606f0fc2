"""Fixtures of the contract tests: a sandbox in memory, and a clock that the test sets.

sandbox   a function: settings (and a clock) -> an HTTP client of a fresh sandbox, without latency unless asked for
hands     a clock whose hands the test moves; it never waits
chat_server  a local HTTP server that gives the answers of a test
limits    a rate limiter without limits, which remembers pauses
one_try   no request is sent a second time
model     a function: provider, answers -> the generator of that provider, whose server gives these answers
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx2
import pytest
import stamina

from alexandria.core import config
from alexandria.core.provider_facts import key_settings
from alexandria.providers.client import ProviderClient
from alexandria.providers.generator_specs import parse_generators
from alexandria.providers.llm import LanguageModel
from alexandria.sandbox import SandboxSettings, create_app
from alexandria.sandbox.clock import Clock
from alexandria.sandbox.parts import provider_names
from tests.support.unlimited import Unlimited

AGENT = "Alexandria/test (tests@example.org)"


@dataclass
class Hands:
    at: datetime = datetime(2026, 11, 24, 12, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def _seconds(self) -> float:
        return self.at.timestamp()

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    @property
    def clock(self) -> Clock:
        return Clock(monotonic=self._seconds, now=lambda: self.at, sleep=self._sleep)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def sandbox() -> AsyncIterator[Callable[..., httpx2.AsyncClient]]:
    async with AsyncExitStack() as open_clients:

        def start(clock: Clock | None = None, **settings: Any) -> httpx2.AsyncClient:
            fast: dict[str, Any] = {
                "latency_scale": 0,
                "rates": dict.fromkeys(provider_names(), 1000.0),
            }
            app = create_app(SandboxSettings(**fast | settings), clock)
            client = httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app),
                base_url="http://sandbox",
                headers={"User-Agent": AGENT},
                timeout=60,
            )
            open_clients.push_async_callback(client.aclose)
            return client

        yield start


class Server:
    """A local HTTP server. It answers each request with the next answer, the last one again and again."""

    def __init__(self):
        self.answers, self.asked, self.paths, self.headers = [], [], [], []
        self.url = ""

    async def serve(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.paths.append(head[0].split()[1])
                self.headers.append(headers)
                self.asked.append(json.loads(body))
                status, extra, answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(answer)}", *extra]
                writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + answer)
                await writer.drain()
        writer.close()


@pytest.fixture
async def chat_server() -> AsyncIterator[Server]:
    there = Server()
    listening = await asyncio.start_server(there.serve, "127.0.0.1", 0)
    there.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    yield there
    listening.close()


@pytest.fixture
def limits():
    return Unlimited()


@pytest.fixture
def one_try():
    """No request is sent a second time."""
    with stamina.set_testing(True, attempts=1):
        yield


@pytest.fixture
async def model(chat_server, limits, monkeypatch):
    """`model(provider, *answers)` is the generator of a provider whose server gives these answers."""
    opened = []

    @functools.cache
    def settings(provider, _key):
        return config.load().providers[provider]

    def model(provider, *answers, path="", key="canary-key", name="some-model"):
        chat_server.answers = list(answers)
        monkeypatch.setenv(f"ALEXANDRIA_{provider.upper()}_BASE_URL", chat_server.url)
        monkeypatch.delenv(key_settings()[provider], raising=False)
        if key:
            monkeypatch.setenv(key_settings()[provider], key)
        client = ProviderClient(
            settings(provider, key), cast("Any", limits), cast("Any", limits), contact="", version="0"
        )
        opened.append(client)
        entry = f"openai:{name}@{chat_server.url}{path}" if provider == "openai" else f"{provider}:{name}"
        return LanguageModel(parse_generators((entry,))[0], client)

    yield model
    for client in opened:
        await client.aclose()
