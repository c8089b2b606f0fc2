"""The circuit breaker: pauses a provider that does not answer, for all workers, and lets one request at a time probe it.

Its state is a row of the table `breaker`. After some failures in a row the provider is paused. When the pause is over one
request of all workers may be sent, the probe: an answer ends the outage, a failure doubles the pause. A prober that is lost
holds the others back until its time is over. Any answer counts, a refusal too; only a provider that cannot be reached, is
silent for too long or answers with a server error is down.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import structlog

from alexandria.core.errors import CircuitOpen
from alexandria.core.provider_facts import PROVIDERS
from alexandria.database.pool import Pool, Row, unavailable
from alexandria.database.sql import load
from alexandria.providers.limits.session import Session

SQL = load(__name__)
log = structlog.get_logger(__name__)

MAX_UNANSWERED = 8  # requests of one process that may be under way to a provider without any answer since
BUSY_WEIGHT = 4  # 503s of a provider that is often busy that count as much as one failure of another kind
PROBE_GRACE = 10.0  # seconds beyond its time-out after which a probe is lost


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """After `failures` in a row a provider is paused for `first_pause` seconds, each time for twice as long as before."""

    failures: int = 8
    first_pause: float = 30.0
    max_pause: float = 300.0

    def pause(self, trips: int) -> float:
        """The seconds of the pause number `trips` in a row; the first is 1."""
        return min(self.first_pause * 2.0 ** min(trips - 1, 30), self.max_pause)

    def first_probe_after(self, opened: float, instant: float) -> float:
        """When the first probe at or after `instant` is sent, if the breaker opens at `opened` and no probe is answered."""
        trips, pause = 1, self.pause(1)
        at = opened + pause
        while at < instant and pause < self.max_pause:
            trips += 1
            pause = self.pause(trips)
            at += pause
        return at + max(math.ceil((instant - at) / pause), 0) * pause


POLICY = BreakerPolicy()


@dataclass(frozen=True, slots=True)
class Admission:
    """What may be sent now: anything, one `probe` alone, or nothing for `rest` seconds. `probing`: until a probe ends."""

    rest: float = 0.0
    reason: str = ""
    probe: UUID | None = None
    probing: bool = False


class CircuitBreaker:
    """The circuit breaker of one provider in this process. A request is given up after `timeout` seconds.

    A provider that is often busy answers 503 to good requests: it takes BUSY_WEIGHT times as many of them to pause it.
    """

    def __init__(self, name: str, pool: Pool, timeout: float, policy: BreakerPolicy = POLICY) -> None:
        self._weight = BUSY_WEIGHT if name in PROVIDERS and PROVIDERS[name].often_busy else 1
        self._name, self._pool, self._policy = name, pool, policy
        self._probe_seconds = timeout + PROBE_GRACE
        self._answered_at: float | None = None  # by this process's clock; None: not since that was last stored
        self.openings = 0  # pauses that this process has begun
        self.unanswered = Unanswered()

    async def admit(self, session: Session) -> Admission:
        """What may be sent now. A probe is reserved for the caller, which reports or releases it."""
        probe, answered_at = uuid4(), self._pop_answered_at()
        if (
            answered_at is not None
        ):  # by the server's clock, so that no wait for the session makes the answer a later one
            answered_at += session.clock.earliest() - time.monotonic()
        row = await session.query(
            "admit", name=self._name, probe=probe, seconds=self._probe_seconds, answered_at=answered_at
        )
        if not row["tripped"]:
            return Admission()
        if row["probes"]:
            return Admission(probe=probe)
        probing = not row["rest"]
        return Admission(row["probe_rest"] if probing else row["rest"], row["reason"], probing=probing)

    def error(self, admission: Admission) -> CircuitOpen:
        """Why nothing may be sent now."""
        state = "being probed" if admission.probing else f"paused for {admission.rest:.0f} s"
        return CircuitOpen(self._name, f"{state}: {admission.reason}")

    async def answered(self, probe: UUID | None) -> None:
        """The provider has answered a request; if that was the probe, the outage is over."""
        self._answered_at = time.monotonic()
        self.unanswered.answered()
        if probe is None:
            return
        with unavailable():
            async with self._pool.connection() as connection, connection.transaction():
                closed = (await connection.execute(SQL["close_breaker"], {"name": self._name, "probe": probe})).rowcount
                if closed:
                    await connection.execute(SQL["probe_others"])
        if closed:
            log.warning("provider answers again", provider=self._name)

    async def failed(self, probe: UUID | None, reason: str, *, busy: bool = False) -> None:
        """The provider has not answered a request, for `reason`, or was `busy`. After some such requests it is paused."""
        weight = 1 if busy else self._weight
        answered_at = self._pop_answered_at()
        with unavailable():
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute(SQL["add_breaker"], {"name": self._name})
                row = await (await connection.execute(SQL["lock_breaker"], {"name": self._name})).fetchone()
                if row is None:
                    return
                if row["trips"] and (probe is None or row["probe"] != probe):
                    return  # it was sent before the pause, or is a probe that was given up
                # An answer from before the last failure of another process does not end the row.
                answered = answered_at is not None and (
                    row["failed_for"] is None or time.monotonic() - answered_at < row["failed_for"]
                )
                failures = weight if answered else row["failures"] + weight
                if not row["trips"] and failures < self._policy.failures * self._weight:
                    await connection.execute(SQL["count_failure"], {"name": self._name, "failures": failures})
                    return
                trips = (row["trips"] or self._trips_before(row)) + 1
                seconds = self._policy.pause(trips)
                opened = await connection.execute(
                    SQL["open_breaker"], {"name": self._name, "trips": trips, "seconds": seconds}
                )
                times = await opened.fetchone()
                assert times is not None
                text = f"does not answer ({reason})"
                values = {"until": times["open_until"], "since": times["opened_at"], "reason": text}
                await connection.execute(SQL["pause_lane"], {"name": self._name, **values})
        self.openings += 1
        log.warning("provider paused", provider=self._name, reason=text, seconds=seconds)

    async def release(self, probe: UUID) -> None:
        """The probe was not sent, or nothing is known of it: another request may probe."""
        with unavailable():
            async with self._pool.connection() as connection:
                await connection.execute(SQL["release_probe"], {"name": self._name, "probe": probe})

    def _pop_answered_at(self) -> float | None:
        """When the provider last answered this process, by its clock; None if that was stored already."""
        answered_at, self._answered_at = self._answered_at, None
        return answered_at

    def _trips_before(self, row: Row) -> int:
        """The pauses before this one: those of an outage that was over for less than the last of them."""
        before: int = row["trips_before"]
        return before if before and row["closed_for"] < self._policy.pause(before) else 0


@dataclass(slots=True)
class Unanswered:
    """The requests of this process to a provider that are under way, and had no answer among them.

    While there are many, further ones wait: so a provider that takes requests and never answers is noticed by few of them.
    """

    limit: int = MAX_UNANSWERED
    _count: int = 0
    _round: int = 0
    _waiting: deque[asyncio.Future[int]] = field(default_factory=deque)

    @contextlib.asynccontextmanager
    async def room(self) -> AsyncIterator[None]:
        """Wait for room for one request, first come first served, which it takes until the context ends."""
        entered = await self._enter()
        try:
            yield
        finally:
            self._leave(entered)

    async def _enter(self) -> int:
        if self._count >= self.limit or self._waiting:
            room: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            self._waiting.append(room)
            try:
                return await room
            except asyncio.CancelledError:
                if room.done() and not room.cancelled():
                    self._leave(room.result())
                raise
        self._count += 1
        return self._round

    def answered(self) -> None:
        """An answer has come: all requests under way are trusted to get one."""
        self._round += 1
        self._count = 0
        self._admit()

    def _leave(self, entered: int) -> None:
        if entered == self._round:
            self._count -= 1
            self._admit()

    def _admit(self) -> None:
        while self._waiting and self._count < self.limit:
            room = self._waiting.popleft()
            if not room.done():
                self._count += 1
                room.set_result(self._round)
