"""Describes what providers charge: for each request, and for plans that are paid by the month."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

BILLING_DAYS = 30  # of a plan that is paid by the month


@dataclass(frozen=True, slots=True)
class Prices:
    """What providers cost, in dollars.

    A request to a model costs `per_request`, by provider; those in the history have cost `spent` (None: as much each).
    Providers with a plan cost `per_month`, since the instant `since` (None: since the forecast). `unpriced` are models.
    """

    per_request: Mapping[str, float] = field(default_factory=dict)
    spent: float | None = None
    per_month: Mapping[str, float] = field(default_factory=dict)
    since: datetime | None = None
    unpriced: tuple[str, ...] = ()


def billed_months(since: datetime, end: datetime) -> int:
    """The months of a plan that are paid for between two instants: each that has begun, at least one."""
    return max(math.ceil((end - since) / timedelta(days=BILLING_DAYS)), 1)
