"""The rate limiter: how fast and how often a provider may be called, shared by all workers on all machines.

Each provider has a row in the table `lane`. Workers take turns. The worker whose turn it is holds the row's advisory
lock and a lease, written in the row, until when it may send; it waits for each instant, sends, and writes back when it
did. A worker that dies in its turn counts as having sent all it could at the last instant of its lease, so that neither
rate nor quota is ever exceeded.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Self
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from alexandria.core.config import ProviderSettings
from alexandria.core.errors import DatabaseUnavailable, NoCredit, ProviderError, QuotaSpent
from alexandria.database.pool import Pool, Row, unavailable
from alexandria.providers.limits.breaker import POLICY, Admission, BreakerPolicy, CircuitBreaker
from alexandria.providers.limits.credit_pause import pause_without_credit, paused_error
from alexandria.providers.limits.lane_status import LaneStatus, lane_status
from alexandria.providers.limits.quota_day import Calendar, Day, calendar
from alexandria.providers.limits.request_queue import QueuedRequest, RequestQueue
from alexandria.providers.limits.session import SESSION_IDLE_SECONDS, SQL, Session
from alexandria.providers.limits.spacing import spacing
from alexandria.providers.limits.stored_limits import LimitDifference, StoredLimits, differences, pace, read

log = structlog.get_logger(__name__)

SENT_TIMEOUT = 0.4  # seconds that a request may need to get on the wire before the next one stops waiting for it
TURN_SECONDS = 0.25  # seconds' worth of sends that one worker makes before the next has its turn
LEASE_GRACE = 0.5  # seconds that a holder may be late before its lease is over
MAX_PAUSE_WAIT = 30.0  # seconds of a pause that a caller waits for; longer pauses are raised to the caller
MIDNIGHT_GUARD = 2.0  # seconds around a metered provider's midnight without a send, as its clock is not ours
PAUSE_CHECK_AFTER = 0.1  # seconds of waiting for a send after which a pause may have been declared
PAUSE_CHECK_LEAD = 0.02  # seconds before the send at which that is checked
PAUSE_POLL_INTERVAL = 1.0  # seconds between two checks whether a pause is over
PROBE_POLL_INTERVAL = 0.2  # seconds between two checks whether a probe has been answered


class Permit:
    """Permission to send one request of `granted` units now, charged to the provider's `day`.

    With a `probe` the request is the one that finds out whether the provider answers again.
    """

    def __init__(self, granted: int, day: date, probe: UUID | None = None) -> None:
        self.granted = granted
        self.day = day
        self.probe = probe
        self.refunded = False
        self._on_the_wire = asyncio.Event()

    def refund(self) -> None:
        """Nothing was sent: the units are given back when the permit's context ends."""
        self.refunded = True

    def sent(self) -> None:
        """Report that the request is on the wire: the next send keeps its distance from this instant."""
        self._on_the_wire.set()

    async def wait_until_sent(self) -> None:
        """Return when the request is on the wire, or after SENT_TIMEOUT."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SENT_TIMEOUT):
                await self._on_the_wire.wait()


@dataclass(frozen=True, slots=True)
class _Options:
    """What all providers of one `RateLimiter` have in common."""

    interactive: bool
    max_pause_wait: float
    guard: float
    calendar: Calendar
    wall: Callable[[], datetime]


class _Lease:
    """One turn: the sends and units that it has left, and the instants of the provider's last sends."""

    def __init__(
        self, entered: Row, session: Session, day: Day, sends: int, wanted: int, *, probe: UUID | None = None
    ) -> None:
        self.day = day
        self.sends = sends
        self.probe = probe
        self.units: int = entered["granted"]
        self.ring = deque[float](entered["ring"], maxlen=len(entered["ring"]))
        self.at: float = entered["first"]
        self._short, self._free = self.units < wanted, wanted == 0
        self._ends: float = min(entered["lease_ends"], day.ends)
        self.permit = Permit(0, day.date)
        self._win, self._gap = entered["win"], entered["gap"]
        self._clock = session.clock

    def is_over(self) -> bool:
        return not (self.sends and (self.units or self._free)) or max(self.at, self._clock.latest()) >= self._ends

    def fits(self, units: int) -> bool:
        """Whether `units` can be granted, or as many of them as the day has left."""
        return units <= self.units or self._short

    def take(self, units: int) -> Permit | None:
        """A permit to send now, or None when the lease is over."""
        if self.is_over():
            return None
        permit = Permit(min(units, self.units), self.day.date, self.probe)
        self.probe = None
        self.units -= permit.granted
        self.sends -= 1
        self.ring.append(self._clock.latest())
        self.permit = permit
        return permit

    async def record_sent(self, *, reports_sent: bool) -> None:
        """Note the instant of the send.

        The caller has yielded to the event loop, so a request that is sent at once has been sent by now, unless the
        caller reports when.
        """
        if reports_sent:
            await self.permit.wait_until_sent()
        self.ring[-1] = self._clock.latest()
        self.at = max(self.ring[0] + self._win, self.at + self._gap)


class _ProviderLimiter:
    """The limiter of one provider in this process: a queue of requests, and a task that takes turns while there are any."""

    def __init__(
        self, settings: ProviderSettings, session: Session, breaker: CircuitBreaker, options: _Options
    ) -> None:
        self._name = settings.lane
        self._breaker = breaker
        self._zone = ZoneInfo(settings.zone)
        self._guard = 0.0 if settings.daily_limit is None else options.guard
        self._max_sends = max(1, int(settings.rate * TURN_SECONDS))
        self._session, self._options = session, options
        self._queue: RequestQueue[_Lease] = RequestQueue()
        self._rate = settings.rate
        self._task: asyncio.Task[None] | None = None
        self._requested = asyncio.Event()
        self._not_before = 0.0
        self._halted, self._openings = False, 0

    @property
    def backlog(self) -> float:
        """The seconds that the waiting requests of this process need."""
        return len(self._queue) / self._rate

    async def wait(self, units: int, place: float, *, reports_sent: bool) -> Permit:
        """A permit, by place, and first come first served in this process."""
        queued: QueuedRequest[_Lease] = QueuedRequest(units, reports_sent, place)
        self._queue.add(queued)
        while True:
            self._ensure_running()
            try:
                lease = await queued.turn
            finally:
                queued.served.set()
            permit = lease.take(units)
            if permit is not None:
                return permit
            queued = QueuedRequest(units, reports_sent, place)
            self._queue.add(queued, again=True)

    def halt(self) -> None:
        """Read the row before the next send, as a pause was declared."""
        self._halted = True

    def _is_halted(self) -> bool:
        return self._halted or self._breaker.openings != self._openings

    async def aclose(self) -> None:
        if self._task is not None:
            async with self._session.between_queries():  # else an answer, and a lease with it, would be lost
                self._task.cancel()
            await asyncio.wait({self._task})
        await self._session.aclose()

    def _ensure_running(self) -> None:
        self._requested.set()
        if self._task is None or self._task.done():
            # Not in the caller's context: the task serves all callers.
            self._task = asyncio.create_task(self._take_turns(), context=contextvars.Context())
            self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = DatabaseUnavailable("the rate limiter was closed") if task.cancelled() else task.exception()
        if error is not None:
            self._queue.refuse(lambda: error)

    async def _take_turns(self) -> None:
        """Serve the queue, and end with a closed session once nothing was queued for a while."""
        while True:
            while self._queue.front() is not None:
                await self._take_turn()
            self._requested.clear()
            try:
                async with asyncio.timeout(SESSION_IDLE_SECONDS):  # wait_for of Python 3.11 can lose a cancellation
                    await self._requested.wait()
            except TimeoutError:
                await self._session.aclose()
                if self._queue.front() is None:
                    return

    async def _take_turn(self) -> None:
        lease = await self._enter()
        if lease is not None:
            try:
                await self._serve(lease)
            finally:
                await self._leave(lease)
                await self._release(lease.probe)

    async def _enter(self) -> _Lease | None:
        """A lease, or None after a wait or a refusal. A session that was lost while idle is replaced."""
        if self._session.is_open:
            with contextlib.suppress(DatabaseUnavailable):
                return await self._try_enter()
        await self._session.open()
        return await self._try_enter()

    async def _try_enter(self) -> _Lease | None:
        await self._session.sync_clock()
        admission = await self._breaker.admit(self._session)
        if admission.rest or admission.probing:
            await self._wait_or_refuse_while_down(admission)
            return None
        waiting = self._queue.first(1 if admission.probe else self._max_sends)
        wanted = sum(queued.units for queued in waiting)
        day = self._day()
        self._halted, self._openings = False, self._breaker.openings
        entered = await self._session.query(
            "enter",
            name=self._name,
            day=day.date,
            opens=day.starts,
            closes=day.ends,
            sends=len(waiting),
            units=wanted,
            people=self._options.interactive,
            grace=LEASE_GRACE,
        )
        if entered["lease_ends"] is not None:
            return _Lease(entered, self._session, day, len(waiting), wanted, probe=admission.probe)
        await self._release(admission.probe)
        await self._wait_or_refuse(entered, day)
        return None

    async def _wait_or_refuse_while_down(self, admission: Admission) -> None:
        """Wait some seconds for the end of a probe; during a pause, refuse what is queued: it can do without the provider."""
        if not admission.probing:
            self._queue.refuse(lambda: self._breaker.error(admission))
            return
        self._queue.refuse(
            lambda: self._breaker.error(admission), before=time.monotonic() - self._options.max_pause_wait
        )
        await asyncio.sleep(PROBE_POLL_INTERVAL)

    async def _release(self, probe: UUID | None) -> None:
        """Leave a probe that was not sent to another request. If that fails, its time runs out."""
        if probe is not None:
            with contextlib.suppress(DatabaseUnavailable):
                await self._breaker.release(probe)

    def _day(self) -> Day:
        """The provider's day of the next send, without the guarded seconds at its ends."""
        next_send = max(self._session.clock.earliest(), self._not_before)
        day = self._options.calendar(next_send + self._guard, self._zone)
        return Day(day.date, day.starts + self._guard, day.ends - self._guard)

    async def _wait_or_refuse(self, entered: Row, day: Day) -> None:
        """Wait for a short pause or the next day's first send, or refuse what is queued."""
        rest, why = entered["rest"], entered["reason"]
        if rest > self._options.max_pause_wait:
            now = self._options.wall()
            self._queue.refuse(lambda: paused_error(self._name, why, rest, now))
        elif rest > 0:
            await asyncio.sleep(min(rest, PAUSE_POLL_INTERVAL))
        elif entered["first"] >= day.ends:
            self._not_before = entered["first"]
        else:
            until = datetime.fromtimestamp(day.ends + self._guard, UTC)
            self._queue.refuse(lambda: self._spent(until), above=0)

    def _spent(self, until: datetime) -> ProviderError:
        return QuotaSpent(self._name, f"the day's quota is spent until {until:%Y-%m-%d %H:%M} UTC", until=until)

    async def _serve(self, lease: _Lease) -> None:
        while (queued := await self._next(lease)) is not None:
            self._queue.take()
            left = lease.sends
            queued.turn.set_result(lease)
            await queued.served.wait()
            if lease.sends < left:
                await lease.record_sent(reports_sent=queued.reports_sent)

    async def _next(self, lease: _Lease) -> QueuedRequest[_Lease] | None:
        """The next request, once its send is due; None if the turn is over."""
        if lease.is_over() or self._queue.front() is None or await self._paused_before(lease.at):
            return None
        await self._session.clock.reach(lease.at)
        queued = self._queue.front()
        if queued is None or not lease.fits(queued.units) or lease.is_over() or self._is_halted():
            return None
        return queued

    async def _paused_before(self, instant: float) -> bool:
        """Whether another process declared a pause during the wait; not checked when the wait is short."""
        if instant - self._session.clock.earliest() < PAUSE_CHECK_AFTER:
            return False
        await self._session.clock.reach(instant - PAUSE_CHECK_LEAD)
        with contextlib.suppress(DatabaseUnavailable):
            return bool((await self._session.query("rest", name=self._name))["rest"] > 0)
        return True  # and the lease is lost; the next attempt to enter finds out whether the server answers

    async def _leave(self, lease: _Lease) -> None:
        """End the turn. A session that was lost has taken the lock with it, and the lease stays as it is."""
        if self._session.is_open:
            try:
                await self._session.query(
                    "leave", name=self._name, day=lease.day.date, ring=list(lease.ring), unspent=lease.units
                )
            except DatabaseUnavailable as lost:
                log.warning(
                    "database connection lost while sending, continuing", provider=self._name, reason=lost.message
                )


class RateLimiter:
    """The rate limiter of all `providers`; an async context manager.

    `pool` runs what needs no session of its own; each provider in use opens a session to `conninfo`. If `interactive`,
    the daily reserve may be spent. Only one that `configures` changes the limits in the database, which are those of
    all processes; any other adds what is missing and keeps to what is there. `calendar`, `wall` (UTC) and `local`
    (monotonic seconds) are the clocks.
    """

    def __init__(
        self,
        conninfo: str,
        pool: Pool,
        providers: Mapping[str, ProviderSettings],
        *,
        interactive: bool = False,
        configures: bool = True,
        max_pause_wait: float = MAX_PAUSE_WAIT,
        guard: float = MIDNIGHT_GUARD,
        calendar: Calendar = calendar,
        breaker: BreakerPolicy = POLICY,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        local: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool, self._providers, self._calendar, self._wall = pool, providers, calendar, wall
        self._configures = configures
        self.stored: Mapping[str, StoredLimits] = {}
        options = _Options(interactive, max_pause_wait, guard, calendar, wall)
        self.breakers = {
            name: CircuitBreaker(name, pool, settings.timeout, breaker) for name, settings in providers.items()
        }
        self._limiters = {
            name: _ProviderLimiter(settings, Session(conninfo, f"lane {name}", local), self.breakers[name], options)
            for name, settings in providers.items()
        }

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def open(self) -> None:
        """Write the settings to the database, of every provider or of those that are missing there.

        Raises DatabaseUnavailable. `stored` is what the database held before.
        """
        with unavailable():
            async with self._pool.connection() as connection:
                self.stored = await read(connection, [*self._providers])
        for name, settings in sorted(self._providers.items()):
            rate = pace(settings, self.stored.get(name))
            shape = spacing(rate)
            await self._execute(
                "configure" if self._configures else "add",
                name=name,
                rate=rate,
                sends=shape.sends,
                win=shape.win,
                gap=shape.gap,
                daily_limit=settings.daily_limit,
                daily_cap=settings.daily_cap,
                by_plan=sorted(settings.by_plan),
            )
            if settings.server and name not in self.stored:
                await self._execute("inherit_quota", name=name, provider=settings.name)
        for each in self.differences:
            report = log.info if self._configures else log.warning
            report("limits differ", setting=each.setting, here=each.here, stored=each.stored, in_force=self.in_force)

    @property
    def differences(self) -> tuple[LimitDifference, ...]:
        """The settings that differ from what the database held when this limiter was opened."""
        return differences(self._providers, self.stored)

    @property
    def in_force(self) -> str:
        """Which of two values holds: that of the settings "here", or the "stored" one."""
        return "here" if self._configures else "stored"

    async def aclose(self) -> None:
        """End all turns; what is still queued gets DatabaseUnavailable."""
        await asyncio.gather(*(limiter.aclose() for limiter in self._limiters.values()))

    @contextlib.asynccontextmanager
    async def permit(
        self, provider: str, units: int = 1, *, reports_sent: bool = False, place: float | None = None
    ) -> AsyncIterator[Permit]:
        """Wait for a permit for one request that costs `units`; near the end of a quota `granted` may be fewer.

        A caller that `reports_sent` calls `sent()` when its request is on the wire; else it counts as sent at once.
        Waits as long as the rate requires, and for a pause that ends within `max_pause_wait`. In this process the
        request with the least `place` (monotonic seconds; now) is next, and of equal ones the first that came.
        Raises RateLimited or NoCredit for a longer pause, CircuitOpen while the provider does not answer, QuotaSpent if
        nothing is left of the day, DatabaseUnavailable.
        """
        place = time.monotonic() if place is None else place
        permit = await self._limiters[provider].wait(units, place, reports_sent=reports_sent)
        try:
            yield permit
        finally:
            permit.sent()
            if permit.probe is not None:  # it was not reported how the request ended
                await self.breakers[provider].release(permit.probe)
            if permit.refunded:
                await self._execute("refund", name=provider, day=permit.day, units=permit.granted)

    def backlog(self, provider: str) -> float:
        """The seconds that the requests which wait in this process need at the provider's rate."""
        return self._limiters[provider].backlog

    async def pause(self, provider: str, until: datetime, reason: str) -> datetime:
        """Send nothing to `provider` before `until`. A turn that another process has just begun is still finished.

        Where the `reason` is a lack of credit, the pause is an hour, and a day if that has not helped before. Returns
        the end (UTC).
        """
        if NoCredit.RECHECK in reason:
            until = await pause_without_credit(self._pool, provider, reason) or until
        else:
            seconds = (until - self._wall()).total_seconds()
            await self._execute("pause", name=provider, seconds=seconds, reason=reason)
        self._limiters[provider].halt()
        return until

    async def status(self) -> list[LaneStatus]:
        """The state of every provider, in the order of the settings."""
        now = self._wall().timestamp()
        days = {name: self._calendar(now, ZoneInfo(each.zone)) for name, each in self._providers.items()}
        dates = [day.date for day in days.values()]
        with unavailable():
            async with self._pool.connection() as connection:
                found = await connection.execute(SQL["status"], {"names": list(days), "days": dates})
                rows = await found.fetchall()
        return [lane_status(row, days[row["name"]]) for row in rows]

    async def _execute(self, block: str, **values: object) -> None:
        with unavailable():
            async with self._pool.connection() as connection:
                await connection.execute(SQL[block], values)
