"""A forecaster on a real database, with every provider's key and a clock that stands still."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from alexandria.core import config
from alexandria.database.pool import Database
from alexandria.forecast.forecaster import Forecaster
from alexandria.providers.limits.rate import RateLimiter

FORECAST_AT = datetime(2026, 3, 4, 12, tzinfo=UTC)


@contextlib.asynccontextmanager
async def forecasting(database: Database, url: str) -> AsyncIterator[Forecaster]:
    """A forecaster by the settings of the environment."""
    settings = config.load()
    async with RateLimiter(url, database.pool, settings.providers) as lanes:
        yield Forecaster(database, settings, lanes.status, now=lambda: FORECAST_AT)
