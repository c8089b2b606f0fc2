"""How many calls may be in flight to one provider at once, on all machines together? As many as there are places.

A place is an advisory lock of one session a process: who dies, or is cut off, frees its places by that. If a session is
lost while its process lives on, the calls that are in flight then are finished without places.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from alexandria.core.errors import DatabaseUnavailable
from alexandria.providers.limits.session import Session

LOOK = 0.2  # seconds between looks for a place that another process has left


@dataclass(frozen=True, slots=True)
class _Place:
    """Held by the session of that number."""

    number: int
    session: int


@dataclass(eq=False, slots=True)
class _Waiter:
    place: asyncio.Future[_Place] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class ConcurrencyLimiter:
    """`count` places at provider `name`, whose lane must be configured. Satisfies `providers.ways.Places`."""

    def __init__(self, conninfo: str, name: str, count: int, *, local: Callable[[], float] = time.monotonic) -> None:
        self._name, self._count = name, count
        self._session, self._number = Session(conninfo, f"places {name}", local), 0
        self._held: set[int] = set()
        self._waiting: deque[_Waiter] = deque()
        self._left: deque[_Place] = deque()
        self._stirred = asyncio.Event()
        self._usher: asyncio.Task[None] | None = None

    async def aclose(self) -> None:
        """All places are free, and whoever waits gets DatabaseUnavailable."""
        if self._usher is not None:
            self._usher.cancel()
            await asyncio.wait({self._usher})
        self._refuse(DatabaseUnavailable("the places were closed"))
        await self._session.aclose()

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place, first come first served in this process. Raises DatabaseUnavailable."""
        waiter = _Waiter()
        self._waiting.append(waiter)
        self._stir()
        try:
            place = await waiter.place
        except asyncio.CancelledError:
            if waiter.place.done() and not waiter.place.cancelled() and waiter.place.exception() is None:
                self._leave(waiter.place.result())
            raise
        try:
            yield
        finally:
            self._leave(place)

    def _leave(self, place: _Place) -> None:
        """Not awaited, so that nothing can interrupt it."""
        self._left.append(place)
        self._stir()

    def _stir(self) -> None:
        self._stirred.set()
        if self._usher is None or self._usher.done():
            self._usher = asyncio.create_task(self._ush(), context=contextvars.Context())

    async def _ush(self) -> None:
        """The only one who speaks with the database. Ends when nobody waits and no place is to be given back."""
        try:
            while self._left or self._front() is not None:
                self._stirred.clear()
                try:
                    await self._serve()
                except DatabaseUnavailable:  # a session that was lost while idle is replaced once
                    await self._open()
                    await self._serve()
        except DatabaseUnavailable as lost:
            self._left.clear()
            self._refuse(lost)

    async def _serve(self) -> None:
        if not self._session.is_open:
            await self._open()
        while self._left:
            await self._give_back(self._left.popleft())
        waiter = self._front()
        if waiter is None:
            return
        taken = await self._session.ask("take_place", name=self._name, count=self._count, held=sorted(self._held))
        if taken["place"] is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stirred.wait(), LOOK)
            return
        place = _Place(taken["place"], self._number)
        self._held.add(place.number)
        if waiter.place.done():  # it was cancelled meanwhile
            self._left.append(place)
        else:
            self._waiting.popleft()
            waiter.place.set_result(place)

    async def _open(self) -> None:
        self._number, self._held = self._number + 1, set()
        await self._session.open()

    async def _give_back(self, place: _Place) -> None:
        if place.session == self._number:
            self._held.discard(place.number)
            await self._session.ask("give_place", name=self._name, place=place.number)

    def _front(self) -> _Waiter | None:
        """The next waiter that has not been cancelled."""
        while self._waiting and self._waiting[0].place.done():
            self._waiting.popleft()
        return self._waiting[0] if self._waiting else None

    def _refuse(self, error: DatabaseUnavailable) -> None:
        while (waiter := self._front()) is not None:
            self._waiting.popleft()
            waiter.place.set_exception(error)
