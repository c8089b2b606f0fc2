"""Orders the requests of one process that wait for a provider: by their place, and those of one place as they came."""

from __future__ import annotations

import asyncio
import bisect
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Lease = TypeVar("Lease")


@dataclass(eq=False, slots=True)
class QueuedRequest(Generic[Lease]):
    """A request that waits for a permit; `served` is set once it has used its turn, or was cancelled.

    The one with the least `place` (monotonic seconds) is next.
    """

    units: int
    reports_sent: bool
    place: float
    since: float = field(default_factory=time.monotonic)
    turn: asyncio.Future[Lease] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    served: asyncio.Event = field(default_factory=asyncio.Event)


class RequestQueue(Generic[Lease]):
    """The requests that wait for one provider."""

    def __init__(self) -> None:
        self._waiting: list[QueuedRequest[Lease]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, queued: QueuedRequest[Lease], *, again: bool = False) -> None:
        """Let a request wait; one that was next `again` is before others of its place."""
        insert = bisect.insort_left if again else bisect.insort_right
        insert(self._waiting, queued, key=_place)

    def front(self) -> QueuedRequest[Lease] | None:
        """The next request that was not cancelled."""
        while self._waiting and self._waiting[0].turn.done():
            self._waiting.pop(0)
        return self._waiting[0] if self._waiting else None

    def first(self, most: int) -> Sequence[QueuedRequest[Lease]]:
        return self._waiting[:most]

    def take(self) -> None:
        """Remove the next request."""
        self._waiting.pop(0)

    def refuse(self, error: Callable[[], BaseException], *, above: int = -1, before: float = math.inf) -> None:
        """Raise `error` in every request of more than `above` units that has waited since before then."""
        waiting, self._waiting = self._waiting, []
        for queued in waiting:
            if queued.units <= above or queued.since > before:
                self._waiting.append(queued)
            elif not queued.turn.done():
                queued.turn.set_exception(error())


def _place(queued: QueuedRequest[Lease]) -> float:
    return queued.place
