"""The concurrency limiter: how many requests may be in flight to one provider, on all machines together.

Each permit is an advisory lock, all of them taken by one session a process, so that a process that dies or is cut off
frees its permits. If a session is lost while its process lives on, the requests that are then in flight finish without
permits.
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
from alexandria.providers.limits.session import SESSION_IDLE_SECONDS, Session

POLL_INTERVAL = 0.2  # seconds between two checks for a permit that another process has released


@dataclass(frozen=True, slots=True)
class _HeldLock:
    """The lock `number`, taken by the session of that number."""

    number: int
    session: int


@dataclass(eq=False, slots=True)
class _QueuedCall:
    """A call that waits for a permit."""

    lock: asyncio.Future[_HeldLock] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class ConcurrencyLimiter:
    """`count` permits for provider `name`, which the rate limiter must have been opened with."""

    def __init__(self, conninfo: str, name: str, count: int, *, local: Callable[[], float] = time.monotonic) -> None:
        self._name, self._count = name, count
        self._session, self._session_number = Session(conninfo, f"places {name}", local), 0
        self._held: set[int] = set()
        self._queue: deque[_QueuedCall] = deque()
        self._released: deque[_HeldLock] = deque()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def aclose(self) -> None:
        """Free all permits; what is still queued gets DatabaseUnavailable."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        self._refuse(DatabaseUnavailable("the concurrency limiter was closed"))
        await self._session.aclose()

    @contextlib.asynccontextmanager
    async def permit(self) -> AsyncIterator[None]:
        """Wait for a permit, first come first served in this process. Raises DatabaseUnavailable."""
        queued = _QueuedCall()
        self._queue.append(queued)
        self._wake()
        try:
            lock = await queued.lock
        except asyncio.CancelledError:
            if queued.lock.done() and not queued.lock.cancelled() and queued.lock.exception() is None:
                self._release(queued.lock.result())
            raise
        try:
            yield
        finally:
            self._release(lock)

    def _release(self, lock: _HeldLock) -> None:
        """Not awaited, so that nothing can interrupt it."""
        self._released.append(lock)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), context=contextvars.Context())

    async def _run(self) -> None:
        """Take and release locks, until no permit was wanted or held for a while. No other task uses the session."""
        try:
            while True:
                while self._released or self._front() is not None:
                    self._changed.clear()
                    try:
                        await self._serve()
                    except DatabaseUnavailable:  # a session that was lost while idle is replaced once
                        await self._serve()
                if self._held:
                    return
                self._changed.clear()
                try:
                    async with asyncio.timeout(SESSION_IDLE_SECONDS):  # wait_for of Python 3.11 can lose a cancellation
                        await self._changed.wait()
                except TimeoutError:
                    await self._session.aclose()
                    if not self._released and self._front() is None:
                        return
        except DatabaseUnavailable as lost:
            self._refuse(lost)

    async def _serve(self) -> None:
        if not self._session.is_open:
            await self._open()
        while self._released:
            await self._unlock(self._released.popleft())
        queued = self._front()
        if queued is None:
            return
        taken = await self._session.query("take_place", name=self._name, count=self._count, held=sorted(self._held))
        if taken["place"] is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), POLL_INTERVAL)
            return
        lock = _HeldLock(taken["place"], self._session_number)
        self._held.add(lock.number)
        if queued.lock.done():  # it was cancelled meanwhile
            self._released.append(lock)
        else:
            self._queue.popleft()
            queued.lock.set_result(lock)

    async def _open(self) -> None:
        self._session_number, self._held = self._session_number + 1, set()
        await self._session.open()

    async def _unlock(self, lock: _HeldLock) -> None:
        if lock.session == self._session_number:
            self._held.discard(lock.number)
            await self._session.query("give_place", name=self._name, place=lock.number)

    def _front(self) -> _QueuedCall | None:
        """The next call that was not cancelled."""
        while self._queue and self._queue[0].lock.done():
            self._queue.popleft()
        return self._queue[0] if self._queue else None

    def _refuse(self, error: DatabaseUnavailable) -> None:
        while (queued := self._front()) is not None:
            self._queue.popleft()
            queued.lock.set_exception(error)
