"""The response bodies about the state of the whole backfill and of each provider."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from alexandria.backfill.status import Status
from alexandria.core.lazy_model import LazyModel
from alexandria.operations.bibliography import BibliographyUse
from alexandria.operations.schemas import PauseState, Rate


class StatusCounts(LazyModel):
    """Months by status."""

    pending: int
    processing: int
    completed: int
    failed: int
    retry: int


class Progress(LazyModel):
    """Books of all completed months."""

    total_books_generated: int
    total_isbns_resolved: int
    overall_resolution_rate: Rate
    total_isbns_queued: int


class FoundBooksView(LazyModel):
    """The named books that have an ISBN."""

    distinct_books: int
    repeated: Annotated[int, Field(description="named again by another month")]
    confirmed: Annotated[int, Field(description="sources date them to the month that named them")]
    contradicted: Annotated[int, Field(description="sources date them to another month")]
    words: str


class RecentMonth(LazyModel):
    """A month that was completed lately."""

    year: int
    month: int
    status: Status
    books_generated: int
    isbns_resolved: int
    resolution_rate: Rate
    error_message: str | None


class ProviderCondition(StrEnum):
    """What can be expected of a provider now."""

    WORKING = "working"  # its last requests were answered, or it had none
    FAILING = "failing"  # some requests in a row had no answer; a few more pause it
    DOWN = "down"  # it does not answer, and is probed
    PAUSED = "paused"
    QUOTA_SPENT = "quota_spent"  # months have used up its day
    NOT_USED = "not_used"  # no setting names it as a source or generator


class BreakerState(StrEnum):
    """The states of a circuit breaker."""

    CLOSED = "closed"  # requests are sent
    OPEN = "open"  # no request is sent before paused_until
    HALF_OPEN = "half_open"  # one request probes the provider, or may


class ProviderState(LazyModel):
    """One provider now. Calls, errors and latency are those of the last hour, the quota is that of its day."""

    provider: str
    condition: ProviderCondition
    words: Annotated[str, Field(description="the condition in a sentence")]
    paused_until: datetime | None
    pause_reason: str
    breaker: BreakerState
    failures: Annotated[int, Field(description="requests in a row without an answer, while the breaker is closed")]
    down_since: datetime | None
    calls: int
    errors: Annotated[int, Field(description="calls that were refused, limited (429) or not answered")]
    limited: Annotated[int, Field(description="calls that were answered 429")]
    median_ms: Annotated[int | None, Field(description="half of the calls took at most so many milliseconds")]
    p95_ms: Annotated[int | None, Field(description="95 % of the calls took at most so many milliseconds")]
    used: Annotated[int, Field(description="units of the day's quota")]
    reserved: int
    safety_limit: Annotated[int | None, Field(description="units of the day that months may spend; null: no limit")]
    reset_at: datetime
    last_answer_at: Annotated[
        datetime | None, Field(description="when the last request was sent that it answered; null: never")
    ]


class NextEvent(LazyModel):
    """What happens next by itself."""

    at: datetime
    event: str


class Finish(LazyModel):
    """When the run will be done: a few words, and the reason."""

    headline: str
    reason: str


class StatsAnswer(LazyModel):
    """The state of the whole backfill. `headline` says in a sentence what the page and `alexandria status` say."""

    headline: str
    next_event: Annotated[NextEvent | None, Field(description="null: nothing happens until a person acts")]
    finish: Annotated[Finish, Field(description="by the forecast that the pages show, if one is kept")]
    rollout: Annotated[str, Field(description="phase and next step of the rollout that runs, or empty")]
    total_months: int
    by_status: StatusCounts
    progress: Progress
    found: FoundBooksView
    recent_activity: list[RecentMonth]
    paused: PauseState | None
    bibliography: Annotated[BibliographyUse | None, Field(description="null: none is loaded, or it is not asked")]
    providers: list[ProviderState]
