"""A provider's day: when it begins and ends in the provider's time zone."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from typing import TypeAlias
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Day:
    """A provider's day: its date, its first instant and the next day's, in seconds since 1970."""

    date: date
    starts: float
    ends: float


Calendar: TypeAlias = Callable[[float, ZoneInfo], Day]


def calendar(instant: float, zone: ZoneInfo) -> Day:
    """The day in `zone` that `instant` (seconds since 1970) belongs to."""
    return _day(datetime.fromtimestamp(instant, zone).date(), zone)


@functools.lru_cache(maxsize=4096)
def _day(today: date, zone: ZoneInfo) -> Day:
    starts, ends = (datetime.combine(today + timedelta(days=n), time_of_day(), zone).timestamp() for n in (0, 1))
    return Day(today, starts, ends)
