"""The response bodies about the quotas of providers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from alexandria.core.lazy_model import LazyModel
from alexandria.operations.schemas import Meta


class ProviderQuota(LazyModel):
    """A provider's quota for the day, in requests. Null limits: none is known."""

    rate: Annotated[float, Field(description="requests a second")]
    day: date
    daily_limit: int | None
    safety_limit: Annotated[int | None, Field(description="limit for months; the rest is reserved for interactive use")]
    used: int
    reserved: int
    remaining: int | None
    safety_remaining: int | None
    percentage_used: Annotated[float | None, Field(description="of safety_limit, 2 decimals")]
    reset_at: datetime
    paused_until: datetime | None
    pause_reason: str
    plan_limit: Annotated[
        int | None, Field(description="daily limit as the provider reports it; the smaller limit counts")
    ]
    plan_seen_at: datetime | None
    plan_note: Annotated[
        str, Field(description="where our count and the provider's differ, or why it could not be read")
    ]
    can_make_calls: bool


class QuotaStatus(LazyModel):
    """ISBNdb's quota, which limits the months of a day, and every provider's."""

    daily_limit: int | None
    safety_limit: int | None
    used: int
    reserved: int
    remaining: int | None
    safety_remaining: int | None
    percentage_used: float | None
    reset_at: datetime
    can_make_calls: bool
    providers: dict[str, ProviderQuota]


class QuotaAnswer(LazyModel):
    """The quotas of the day."""

    success: bool
    data: QuotaStatus
    meta: Meta
