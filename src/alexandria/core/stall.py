"""Notices when this process stood still: suspended with its machine, stopped by a signal, or its event loop blocked."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Self

import structlog

log = structlog.get_logger(__name__)

BEAT_INTERVAL = 0.5  # seconds between two beats of the process
STALL_SECONDS = 4.0  # by which a beat must be late to be a stall; less than the time in which a worker is missed


def clock() -> float:
    """Seconds of a clock that goes on while the machine sleeps, where the system has one."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.time() if boottime is None else time.clock_gettime(boottime)


class StallMonitor:
    """The heartbeat of one process; an async context manager, in which it beats. Outside of it no stall is noticed."""

    def __init__(self, now: Callable[[], float] = clock) -> None:
        self.now = now
        self._last: float | None = None
        self._stalled_at = -math.inf
        self._beating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._last = self.now()
        self._beating = asyncio.create_task(self._beat_regularly())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._last = None
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait({self._beating})

    def stalled_since(self, instant: float) -> bool:
        """Whether a stall ended after `instant` (of `now`). One that has just ended is noticed here at the latest."""
        self._beat()
        return self._stalled_at >= instant

    async def _beat_regularly(self) -> None:
        while True:
            self._beat()
            await asyncio.sleep(BEAT_INTERVAL)

    def _beat(self) -> None:
        if self._last is None:
            return
        now = self.now()
        late = now - self._last - BEAT_INTERVAL
        self._last = now
        if late >= STALL_SECONDS:
            self._stalled_at = now
            log.warning("this process stood still", seconds=round(late, 1))
