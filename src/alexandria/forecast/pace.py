"""Describes the pace of a forecast, day by day, without what it is made with: a page that shows a kept one simulates nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class DayBand:
    """Months of the plan that have ended by the end of a day, UTC: 80 % of the simulations lie between `low` and `high`."""

    day: date
    low: int
    middle: int
    high: int
