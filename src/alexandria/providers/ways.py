"""When may a request leave? What the way to a provider must be able to do for those who send."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol


class Permit(Protocol):
    """Leave to send `granted` units now."""

    granted: int

    def left(self) -> None:
        """The request is on the wire."""

    def unsent(self) -> None:
        """Nothing left this machine: give the units back."""


class RateLimiter(Protocol):
    """The paced, metered ways to the providers, shared by every worker on every machine."""

    def slot(self, provider: str, units: int = 1, *, tells: bool = False) -> AbstractAsyncContextManager[Permit]:
        """Waits for the provider's pace. Raises QuotaSpent or RateLimited when the wait would be long."""

    async def pause(self, provider: str, until: datetime, reason: str) -> None:
        """Nobody sends to `provider` before `until`."""


class ConcurrencyLimiter(Protocol):
    """How many requests may be in flight to the provider at once, on all machines together."""

    def place(self) -> AbstractAsyncContextManager[None]:
        """Waits for a free one, which is held until the context ends."""
