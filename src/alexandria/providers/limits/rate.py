"""How fast and how often may we ask a provider? A lane each, shared by all workers on all machines through PostgreSQL.

Workers take turns. Whoever has the turn holds the lane's advisory lock and a lease that says, in the lane's row, until
when it may send; it waits for each instant, sends, and writes back when it did. A worker that dies in its turn is taken
to have sent all it could at the last instant of its lease, so that neither pace nor quota is ever exceeded.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import itertools
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Self
from zoneinfo import ZoneInfo

import structlog

from alexandria.core.config import ProviderSettings
from alexandria.core.errors import DatabaseUnavailable, ProviderError, QuotaSpent, RateLimited
from alexandria.database.pool import Pool, Row, unavailable
from alexandria.providers.limits.quota_day import Calendar, Day, calendar
from alexandria.providers.limits.session import SQL, Session

log = structlog.get_logger(__name__)

SLOW_START = 0.4  # seconds that a request may need to get on the wire before the next one is not held up for it
MARGIN = 0.015  # seconds a window is longer than promised, for requests that travel at different speeds
SPREAD = 0.9  # of the even distance between two sends, what is kept
TURN = 0.25  # seconds' worth of sends that one worker makes before the next has its turn
GRACE = 0.5  # seconds that a holder may be late before its lease is over
LONGEST_WAIT = 30.0  # seconds of a pause that are waited out in place
MIDNIGHT_GUARD = 2.0  # seconds around a metered provider's midnight without a send, as its clock is not ours
LOOK_AGAIN = 0.1  # seconds of waiting for a send after which a pause may have been declared
LOOK_AHEAD = 0.02  # seconds before the send that we look
NAP = 1.0  # seconds between looks at a pause


@dataclass(frozen=True, slots=True)
class Pace:
    """At most `sends` requests in any stretch of `win` seconds, and `gap` seconds between two of them."""

    sends: int
    win: float
    gap: float


def pace(rate: float) -> Pace:
    """`rate` requests a second, kept in the shortest stretch of a second or more that holds a whole number of them."""
    sends = math.ceil(rate - 1e-9)
    win = sends / rate + MARGIN
    return Pace(sends, win, SPREAD * win / sends)


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """A lane now. `rate` requests/s. Units of its provider's `day`: months may spend `cap`, people `limit` (None: no
    end); `used` are spent, `reserved` about to be. The next day begins at `reset_at`. Times are UTC. `plan_limit` is what
    the provider itself said at `plan_seen_at`, and `plan_note` what is odd about that."""

    name: str
    rate: float
    paused_until: datetime | None
    pause_reason: str
    day: date
    cap: int | None
    limit: int | None
    used: int
    reserved: int
    reset_at: datetime
    plan_limit: int | None = None
    plan_seen_at: datetime | None = None
    plan_note: str = ""
    paused_since: datetime | None = None


class Permit:
    """Leave to send one request of `granted` units now, charged to the provider's `day`."""

    def __init__(self, granted: int, day: date) -> None:
        self.granted = granted
        self.day = day
        self.returned = False
        self._on_the_wire = asyncio.Event()

    def unsent(self) -> None:
        """Nothing left this machine: the units are given back when the slot's context ends."""
        self.returned = True

    def left(self) -> None:
        """The request is on the wire: the next send keeps its distance from this instant."""
        self._on_the_wire.set()

    async def start(self) -> None:
        """Until the request is on the wire, or has taken too long for that."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SLOW_START):
                await self._on_the_wire.wait()


@dataclass(frozen=True, slots=True)
class _Terms:
    """What all lanes of a `Lanes` have in common."""

    people: bool
    longest_wait: float
    guard: float
    calendar: Calendar


@dataclass(eq=False, slots=True)
class _Waiter:
    """Somebody in the queue; `served` once it has looked at its turn, or has gone."""

    units: int
    tells: bool
    turn: asyncio.Future[_Lease] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    served: asyncio.Event = field(default_factory=asyncio.Event)


class _Lease:
    """One turn: the sends and units that it has left, and the instants of the last sends on the lane."""

    def __init__(self, entered: Row, session: Session, day: Day, sends: int, asked: int) -> None:
        self.day = day
        self.sends = sends
        self.units: int = entered["granted"]
        self.ring = deque[float](entered["ring"], maxlen=len(entered["ring"]))
        self.at: float = entered["first"]
        self._short, self._free = self.units < asked, asked == 0
        self._ends: float = min(entered["lease_ends"], day.ends)
        self.slot = Permit(0, day.date)
        self._win, self._gap = entered["win"], entered["gap"]
        self._clock = session.clock

    def over(self) -> bool:
        return not (self.sends and (self.units or self._free)) or max(self.at, self._clock.latest()) >= self._ends

    def fits(self, units: int) -> bool:
        """Whether `units` can be had, or as many of them as the day has left."""
        return units <= self.units or self._short

    def take(self, units: int) -> Permit | None:
        """Leave to send now; None for whoever comes when the lease is over."""
        if self.over():
            return None
        slot = Permit(min(units, self.units), self.day.date)
        self.units -= slot.granted
        self.sends -= 1
        self.ring.append(self._clock.latest())
        self.slot = slot
        return slot

    async def taken(self, *, tells: bool) -> None:
        """The caller has let go of the event loop, so what it had to send at once is sent by now, unless it tells when."""
        if tells:
            await self.slot.start()
        self.ring[-1] = self._clock.latest()
        self.at = max(self.ring[0] + self._win, self.at + self._gap)


class _Lane:
    """One lane as this process sees it: a queue of waiters, and while there are any a task that takes turns for them."""

    def __init__(self, settings: ProviderSettings, session: Session, terms: _Terms) -> None:
        self._name = settings.name
        self._zone = ZoneInfo(settings.zone)
        self._guard = 0.0 if settings.daily_limit is None else terms.guard
        self._most = max(1, int(settings.rate * TURN))
        self._session, self._terms = session, terms
        self._queue: deque[_Waiter] = deque()
        self._holder: asyncio.Task[None] | None = None
        self._not_before = 0.0
        self._halted = False

    async def wait(self, units: int, *, tells: bool) -> Permit:
        waiter = _Waiter(units, tells)
        self._queue.append(waiter)
        while True:
            self._hold()
            try:
                lease = await waiter.turn
            finally:
                waiter.served.set()
            slot = lease.take(units)
            if slot is not None:
                return slot
            waiter = _Waiter(units, tells)
            self._queue.appendleft(waiter)

    def halt(self) -> None:
        """A pause was declared: look at the row before the next send."""
        self._halted = True

    async def aclose(self) -> None:
        if self._holder is not None:
            async with self._session.between_questions():  # else an answer, and a lease with it, would be lost
                self._holder.cancel()
            await asyncio.wait({self._holder})
        await self._session.aclose()

    def _hold(self) -> None:
        if self._holder is None or self._holder.done():
            # Not in the caller's context: the turns are taken for everybody.
            self._holder = asyncio.create_task(self._take_turns(), context=contextvars.Context())
            self._holder.add_done_callback(self._ended)

    def _ended(self, holder: asyncio.Task[None]) -> None:
        error = DatabaseUnavailable("the lanes are closed") if holder.cancelled() else holder.exception()
        if error is not None:
            self._refuse(lambda: error)

    def _refuse(self, error: Callable[[], BaseException], *, above: int = -1) -> None:
        """All who wait for more than `above` units."""
        waiting, self._queue = self._queue, deque()
        for waiter in waiting:
            if waiter.units <= above:
                self._queue.append(waiter)
            elif not waiter.turn.done():
                waiter.turn.set_exception(error())

    def _front(self) -> _Waiter | None:
        """The next waiter that has not been cancelled."""
        while self._queue and self._queue[0].turn.done():
            self._queue.popleft()
        return self._queue[0] if self._queue else None

    async def _take_turns(self) -> None:
        while self._front() is not None:
            lease = await self._enter()
            if lease is not None:
                try:
                    await self._serve(lease)
                finally:
                    await self._leave(lease)

    async def _enter(self) -> _Lease | None:
        """A lease, or None after a wait or a refusal. A session that was lost while idle is replaced."""
        if self._session.is_open:
            with contextlib.suppress(DatabaseUnavailable):
                return await self._try_to_enter()
        await self._session.open()
        return await self._try_to_enter()

    async def _try_to_enter(self) -> _Lease | None:
        await self._session.tell_time()
        waiting = list(itertools.islice(self._queue, self._most))
        asked = sum(waiter.units for waiter in waiting)
        day = self._day()
        self._halted = False
        entered = await self._session.ask(
            "enter",
            name=self._name,
            day=day.date,
            opens=day.starts,
            closes=day.ends,
            sends=len(waiting),
            units=asked,
            people=self._terms.people,
            grace=GRACE,
        )
        if entered["lease_ends"] is not None:
            return _Lease(entered, self._session, day, len(waiting), asked)
        await self._turned_away(entered, day)
        return None

    def _day(self) -> Day:
        """The provider's day of the next send, without the guarded seconds at its ends."""
        next_send = max(self._session.clock.earliest(), self._not_before)
        day = self._terms.calendar(next_send + self._guard, self._zone)
        return Day(day.date, day.starts + self._guard, day.ends - self._guard)

    async def _turned_away(self, entered: Row, day: Day) -> None:
        rest, why = entered["rest"], entered["reason"]
        if rest > self._terms.longest_wait:
            self._refuse(lambda: RateLimited(self._name, f"paused: {why}", retry_after=rest))
        elif rest > 0:
            await asyncio.sleep(min(rest, NAP))
        elif entered["first"] >= day.ends:
            self._not_before = entered["first"]
        else:
            until = datetime.fromtimestamp(day.ends + self._guard, UTC)
            self._refuse(lambda: self._spent(until), above=0)

    def _spent(self, until: datetime) -> ProviderError:
        return QuotaSpent(self._name, f"the day's quota is spent until {until:%Y-%m-%d %H:%M} UTC", until=until)

    async def _serve(self, lease: _Lease) -> None:
        while (waiter := await self._next(lease)) is not None:
            self._queue.popleft()
            left = lease.sends
            waiter.turn.set_result(lease)
            await waiter.served.wait()
            if lease.sends < left:
                await lease.taken(tells=waiter.tells)

    async def _next(self, lease: _Lease) -> _Waiter | None:
        """Whose turn it is once the next send is due; None if the turn is over."""
        if lease.over() or self._front() is None or await self._paused_before(lease.at):
            return None
        await self._session.clock.reach(lease.at)
        waiter = self._front()
        if waiter is None or not lease.fits(waiter.units) or lease.over() or self._halted:
            return None
        return waiter

    async def _paused_before(self, instant: float) -> bool:
        """Whether a pause was declared elsewhere while we waited; not worth asking when the wait is short."""
        if instant - self._session.clock.earliest() < LOOK_AGAIN:
            return False
        await self._session.clock.reach(instant - LOOK_AHEAD)
        with contextlib.suppress(DatabaseUnavailable):
            return bool((await self._session.ask("rest", name=self._name))["rest"] > 0)
        return True  # and the lease is lost; the next attempt to enter will tell whether the server answers

    async def _leave(self, lease: _Lease) -> None:
        """Give up the turn. A session that was lost has taken the lock with it, and the lease stays as it is."""
        if self._session.is_open:
            try:
                await self._session.ask(
                    "leave", name=self._name, day=lease.day.date, ring=list(lease.ring), unspent=lease.units
                )
            except DatabaseUnavailable as lost:
                log.warning("lane lost in its turn", lane=self._name, reason=lost.message)


class RateLimiter:
    """The paced, metered ways to `providers`; an async context manager. Satisfies `providers.ways.Lanes`.

    `pool` serves what needs no session of its own; each lane in use opens one to `conninfo`. With `people` the daily
    reserve may be spent. `calendar`, `wall` (UTC) and `local` (monotonic seconds) are the clocks.
    """

    def __init__(
        self,
        conninfo: str,
        pool: Pool,
        providers: Mapping[str, ProviderSettings],
        *,
        interactive: bool = False,
        longest_wait: float = LONGEST_WAIT,
        guard: float = MIDNIGHT_GUARD,
        calendar: Calendar = calendar,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        local: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool, self._providers, self._calendar, self._wall = pool, providers, calendar, wall
        terms = _Terms(interactive, longest_wait, guard, calendar)
        self._lanes = {
            name: _Lane(settings, Session(conninfo, f"lane {name}", local), terms)
            for name, settings in providers.items()
        }

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def open(self) -> None:
        """Write the lanes as the settings want them. Raises DatabaseUnavailable."""
        for name, settings in sorted(self._providers.items()):
            shape = pace(settings.rate)
            await self._execute(
                "configure",
                name=name,
                rate=settings.rate,
                sends=shape.sends,
                win=shape.win,
                gap=shape.gap,
                daily_limit=settings.daily_limit,
                daily_cap=settings.daily_cap,
            )

    async def aclose(self) -> None:
        """Leave all turns; whoever still waits gets DatabaseUnavailable."""
        await asyncio.gather(*(lane.aclose() for lane in self._lanes.values()))

    @contextlib.asynccontextmanager
    async def slot(self, provider: str, units: int = 1, *, tells: bool = False) -> AsyncIterator[Permit]:
        """Wait for leave to send one request that costs `units`; near the end of a quota `granted` may be fewer.

        Who `tells` calls `left()` when the request is on the wire; else it is taken to be sent at once.

        Waits as long as the pace takes, first come first served, and for a pause that ends within `longest_wait`.
        Raises RateLimited for a longer pause, QuotaSpent if nothing is left of the day, DatabaseUnavailable.
        """
        slot = await self._lanes[provider].wait(units, tells=tells)
        try:
            yield slot
        finally:
            slot.left()
            if slot.returned:
                await self._execute("refund", name=provider, day=slot.day, units=slot.granted)

    async def pause(self, provider: str, until: datetime, reason: str) -> None:
        """Nobody sends to `provider` before `until`. A turn that another process has just begun is still finished."""
        seconds = (until - self._wall()).total_seconds()
        await self._execute("pause", name=provider, seconds=seconds, reason=reason)
        self._lanes[provider].halt()

    async def status(self) -> list[LaneStatus]:
        """Every configured lane, in the order of the settings."""
        now = self._wall().timestamp()
        days = {name: self._calendar(now, ZoneInfo(each.zone)) for name, each in self._providers.items()}
        dates = [day.date for day in days.values()]
        with unavailable():
            async with self._pool.connection() as connection:
                found = await connection.execute(SQL["status"], {"names": list(days), "days": dates})
                rows = await found.fetchall()
        return [_status(row, days[row["name"]]) for row in rows]

    async def _execute(self, block: str, **values: object) -> None:
        with unavailable():
            async with self._pool.connection() as connection:
                await connection.execute(SQL[block], values)


def _status(row: Row, day: Day) -> LaneStatus:
    return LaneStatus(
        name=row["name"],
        rate=row["rate"],
        paused_until=row["paused_until"],
        pause_reason=row["pause_reason"] if row["paused_until"] else "",
        day=day.date,
        cap=row["daily_cap"],
        limit=row["daily_limit"],
        used=row["used"],
        reserved=row["reserved"],
        reset_at=datetime.fromtimestamp(day.ends, UTC),
        plan_limit=row["plan_limit"],
        plan_seen_at=row["plan_seen_at"],
        plan_note=row["plan_note"],
        paused_since=row["paused_since"] if row["paused_until"] else None,
    )
