"""A rate limiter without limits and a response cache in memory, for provider clients whose pace is not the subject."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass
class FreePermit:
    """A permit for as many units as were asked for."""

    granted: int

    def refund(self) -> None:
        return

    def sent(self) -> None:
        return


class Unlimited:
    """Keeps the pauses and calls that are reported to it, and answers if it `remembers` them."""

    def __init__(self, *, remembers: bool = False) -> None:
        self.pauses: list[tuple[str, float, str]] = []
        self.calls: list[Any] = []
        self.kept: dict[tuple[str, str], tuple[Any, datetime]] = {}
        self._remembers = remembers

    @contextlib.asynccontextmanager
    async def permit(self, provider: str, units: int = 1, **_: object) -> AsyncIterator[FreePermit]:
        yield FreePermit(units)

    async def pause(self, provider: str, until: datetime, reason: str) -> None:
        self.pauses.append((provider, (until - datetime.now(UTC)).total_seconds(), reason))

    async def read(self, provider: str, key: str) -> tuple[Any, datetime] | None:
        return self.kept.get((provider, key))

    async def write(self, provider: str, key: str, request: object, body: object, life: object) -> datetime:
        now = datetime.now(UTC)
        if self._remembers:
            self.kept[provider, key] = (json.loads(json.dumps(body)), now)
        return now

    async def record(self, call: object) -> None:
        self.calls.append(call)
