"""Fixtures of the contract tests: a sandbox in memory, and a clock that the test sets.

sandbox   a function: settings (and a clock) -> an HTTP client of a fresh sandbox, without latency unless asked for
hands     a clock whose hands the test moves; it never waits
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from alexandria.sandbox import SandboxSettings, create_app
from alexandria.sandbox.clock import Clock
from alexandria.sandbox.parts import provider_names

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
