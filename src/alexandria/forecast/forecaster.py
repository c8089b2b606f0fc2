"""Forecasts the rollout of this installation from its settings and its database, and keeps the last forecast."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from alexandria.core.config import Settings
from alexandria.core.errors import AlexandriaError
from alexandria.core.grammar import listed
from alexandria.database.pool import Database
from alexandria.providers.limits.lane_status import LaneStatus
from alexandria.rollout.plan import Plan

if TYPE_CHECKING:
    from alexandria.forecast.estimate import Forecast

log = structlog.get_logger(__name__)

LATEST_RUNS = 20  # simulations of the forecast that is kept for the page
REFRESH_AFTER = timedelta(minutes=5)  # age at which the kept forecast is made again
EXPIRES_AFTER = timedelta(hours=1)  # age at which a kept forecast that could not be made again is dropped
RETRY_AFTER = timedelta(minutes=1)  # after a forecast that failed


@dataclass(frozen=True, slots=True)
class ForecastReport:
    """A forecast of the plan `name`; `started`: its rollout is running. `assumptions` are clauses: "a worker is running".

    `rollout_id` is that of the rollout that is running.
    """

    forecast: Forecast
    name: str
    started: bool
    assumptions: tuple[str, ...]
    rollout_id: int | None = None

    @property
    def assumed(self) -> str:
        """The assumptions as a sentence, or ""."""
        return f"Assumes that {listed(self.assumptions)}." if self.assumptions else ""


@dataclass(slots=True)
class Forecaster:
    """Makes forecasts, and keeps the last one for callers that cannot wait."""

    database: Database
    settings: Settings
    allowances: Callable[[], Awaitable[Sequence[LaneStatus]]]
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _last: ForecastReport | None = None
    _making: asyncio.Task[None] | None = None
    _not_before: datetime | None = None
    _closed: bool = False
    _kept: int | None = None  # the rollout whose first forecast is known to be stored

    async def report(self, plan: Plan | None = None, *, runs: int | None = None, seed: int = 1) -> ForecastReport:
        """Forecast `plan` as if it started now; without it the running rollout, or else the plan that is shipped.

        Without `runs` it is DEFAULT_RUNS simulations, or fewer of a plan of many months.
        """
        return await self._report(plan, runs, None, seed)

    async def _report(self, plan: Plan | None, runs: int | None, most: int | None, seed: int) -> ForecastReport:
        lanes = await self.allowances()
        make = await asyncio.to_thread(_maker)  # a command that shows the state once has ended before this
        return await make(self.database, self.settings, lanes, plan, self.now(), runs=runs, most=most, seed=seed)

    def latest(self, *, started: bool) -> ForecastReport | None:
        """The kept forecast at once, if it is recent enough; when it is due, a new one is made in the background.

        A forecast from before a rollout was `started`, or ended, does not count.
        """
        now = self.now()
        age = self._age(now, started=started)
        idle = self._making is None or self._making.done()
        due = (age is None or age > REFRESH_AFTER) and (self._not_before is None or now >= self._not_before)
        if due and idle and not self._closed:
            self._making = asyncio.create_task(self._make())
        return self._last if age is not None and age < EXPIRES_AFTER else None

    def kept(self, *, started: bool) -> ForecastReport | None:
        """The same, and none is made."""
        age = self._age(self.now(), started=started)
        return self._last if age is not None and age < EXPIRES_AFTER else None

    def _age(self, now: datetime, *, started: bool) -> timedelta | None:
        return None if self._last is None or self._last.started is not started else now - self._last.forecast.at

    async def aclose(self) -> None:
        """Cancel the forecast that is being made, and make no more."""
        self._closed = True
        if self._making is not None:
            self._making.cancel()
            await asyncio.wait({self._making})

    async def _make(self) -> None:
        try:
            self._last = made = await self._report(None, None, LATEST_RUNS, seed=1)
            if made.rollout_id is not None and made.rollout_id != self._kept:
                await self._keep(made.rollout_id, made.forecast)
        except AlexandriaError as failed:
            self._not_before = self.now() + RETRY_AFTER
            log.warning("forecast failed", reason=failed.message)

    async def _keep(self, rollout_id: int, made: Forecast) -> None:
        """Store the pace of the first forecast of a rollout, against which its course is shown later."""
        from alexandria.forecast import kept  # noqa: PLC0415 # most processes never make a forecast

        try:
            async with self.database.transaction() as connection:
                await kept.store_first(connection, rollout_id, made)
        except AlexandriaError as failed:
            log.warning("forecast not kept", reason=failed.message)
        else:
            self._kept = rollout_id


def _maker() -> Callable[..., Awaitable[ForecastReport]]:
    from alexandria.forecast.making import make  # noqa: PLC0415 # most processes never make a forecast

    return make
