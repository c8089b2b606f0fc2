"""What do requests and answers look like? Every body of the HTTP API; the OpenAPI description is made of these."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from alexandria.backfill.status import Status
from alexandria.core.month import FIRST_YEAR, LAST_YEAR
from alexandria.operations.alerts.rules import Kind

Year = Annotated[int, Field(strict=True, ge=FIRST_YEAR, le=LAST_YEAR)]
Flag = Annotated[bool, Field(strict=True)]
Rate = Annotated[float, Field(ge=0, le=100, description="percent, 2 decimals")]
PLAN = r"^[0-9a-f]{16}-([0-9]{6}(\.[0-9]{6})*)?$"
MONTH = "^(19[0-9]{2}|20[0-9]{2}|2100)-(0[1-9]|1[0-2])$"
MOST_MONTHS = 12 * (LAST_YEAR - FIRST_YEAR + 1)
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=300)]


def _written_out(value: object) -> object:
    """A number would be taken for seconds since 1970."""
    if isinstance(value, str) and re.match(r"\d{4}-\d{2}-\d{2}[T ]", value, re.ASCII):
        return value
    raise ValueError("a time is written like 2026-11-24T18:00:00Z")


Instant = Annotated[AwareDatetime, BeforeValidator(_written_out)]


class _Request(BaseModel):
    """Unknown fields are refused: a misspelt `dry_run` must never run live. So is null, which no field means."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class YearRange(_Request):
    """Years, inclusive, in either order; a bound that is left out is open."""

    start: Year = FIRST_YEAR
    end: Year = LAST_YEAR


class ScheduleRequest(_Request):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"batch_size": 2, "year_range": {"start": 2023, "end": 2023}, "dry_run": True}],
        }
    )
    batch_size: Annotated[int, Field(strict=True, ge=1, le=50, description="months to take")] = 10
    dry_run: Annotated[Flag, Field(description="show what would be taken and change nothing")] = False
    force_retry: Annotated[Flag, Field(description="take failed months too; their retry_count starts again at 0")] = (
        False
    )
    year_range: YearRange = YearRange()
    plan: Annotated[
        str, Field(pattern=PLAN, max_length=512, description="the plan of a dry run, to be carried out exactly")
    ] = Field(default_factory=str)

    @model_validator(mode="after")
    def _plan_is_for_live_calls(self) -> Self:
        if self.plan and self.dry_run:
            raise ValueError("plan belongs to a live call: send it without dry_run, or leave it out")
        return self


class SeedRequest(_Request):
    model_config = ConfigDict(json_schema_extra={"examples": [{"year_start": 2000, "year_end": 2024}]})
    year_start: Year = 2000
    year_end: Year = 2024

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.year_start > self.year_end:
            raise ValueError("year_start is after year_end: swap them")
        return self


class RetryRequest(_Request):
    """Months that fit everything that is said. Completed and failed ones become pending; those in retry go on at once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "failed", "dry_run": True}]})
    months: Annotated[list[Annotated[str, Field(pattern=MONTH)]], Field(max_length=MOST_MONTHS)] = Field(
        default_factory=list
    )
    status: Annotated[str, Field(pattern="^failed$", description="failed: only these")] = Field(default_factory=str)
    reason: Annotated[Line, Field(min_length=1, description="an error code, an error message or a reason to wait")] = (
        Field(default_factory=str)
    )
    dry_run: Annotated[Flag, Field(description="show which would be and change nothing")] = False

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if not (self.months or self.status or self.reason):
            raise ValueError("say which: months, status or reason")
        return self


class PauseRequest(_Request):
    """Without an end the pause lasts until somebody resumes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"minutes": 30, "reason": "maintenance"}]})
    minutes: Annotated[int, Field(strict=True, ge=1, le=525_600)] = Field(default_factory=int)
    until: Annotated[Instant | SkipJsonSchema[None], Field(description="instead of minutes")] = None
    reason: Line = ""

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if "until" in self.model_fields_set and (self.minutes or self.until is None):
            raise ValueError("until is a time, and excludes minutes: send one of them, or neither")
        return self


class ResumeRequest(_Request):
    """End the pause of all, or the one that a provider's refusal has put on its lane."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"provider": "isbndb"}]})
    provider: Annotated[
        str, Field(pattern="^[a-z_]+$", max_length=40, description="its lane; absent: the pause of all")
    ] = Field(default_factory=str)


class PauseState(BaseModel):
    """A pause that lasts. Months that were in work when it began are finished."""

    since: datetime
    until: Annotated[datetime | None, Field(description="null: until somebody resumes")]
    by: str
    reason: str
    months_finishing: int


class PauseAnswer(BaseModel):
    paused: PauseState
    message: str


class ResumeAnswer(BaseModel):
    resumed: Annotated[bool, Field(description="whether there was a pause to end")]
    months_woken: Annotated[int, Field(description="months that had waited for the end of the pause")]
    message: str


class MonthLeft(BaseModel):
    """A month that was named and left alone; without a status it is not seeded."""

    month: str
    status: Status | None


class RetryAnswer(BaseModel):
    dry_run: bool
    reopened: Annotated[list[str], Field(description="pending now")]
    woken: Annotated[list[str], Field(description="were in retry and go on at once")]
    left: list[MonthLeft]
    message: str


class ScheduledMonth(BaseModel):
    """The counters and the error are of an earlier attempt, and absent if there was none."""

    year: int
    month: int
    status: Status
    books_generated: int | None = None
    isbns_resolved: int | None = None
    resolution_rate: Rate | None = None
    error_message: str | None = None
    job_id: Annotated[int | None, Field(description="live calls only")] = None


class ExecutionSummary(BaseModel):
    """Months claimed, months passed over because another call was claiming them, months that could not be enqueued."""

    triggered: int
    skipped: int
    errors: int


class ScheduleAnswer(BaseModel):
    """Totals are those after the call. Send `plan` with a live call to carry out exactly this."""

    dry_run: bool
    batch_size: int
    months_selected: int
    months: list[ScheduledMonth]
    total_pending: int
    total_processing: int
    total_completed: int
    total_failed: int
    total_retry: int
    plan: str
    paused: Annotated[PauseState | None, Field(description="a live call would be refused")] = None
    execution_summary: Annotated[ExecutionSummary | None, Field(description="live calls only")] = None


class SeedAnswer(BaseModel):
    months_seeded: int
    message: str


class StatusCounts(BaseModel):
    pending: int
    processing: int
    completed: int
    failed: int
    retry: int


class Progress(BaseModel):
    total_books_generated: int
    total_isbns_resolved: int
    overall_resolution_rate: Rate
    total_isbns_queued: int


class RecentMonth(BaseModel):
    year: int
    month: int
    status: Status
    books_generated: int
    isbns_resolved: int
    resolution_rate: Rate
    error_message: str | None


class StatsAnswer(BaseModel):
    total_months: int
    by_status: StatusCounts
    progress: Progress
    recent_activity: list[RecentMonth]
    paused: PauseState | None


class MonthRow(BaseModel):
    """One row of backfill_log, without the token that lets an attempt write."""

    year: int
    month: int
    status: Status
    books_generated: int
    isbns_resolved: int
    isbns_queued: int
    resolution_rate: Rate
    gemini_calls: int
    xai_calls: int
    isbndb_calls: int
    started_at: datetime | None
    completed_at: datetime | None
    retry_count: int
    last_retry_at: datetime | None
    next_attempt_at: datetime | None
    blocked_reason: Annotated[str | None, Field(description="why it waits, if it waits without having failed")]
    error_message: str | None
    error_code: str | None
    prompt_variant: str | None
    batch_size: Annotated[int, Field(description="books asked of each generator")]
    updated_at: datetime


class MonthsAnswer(BaseModel):
    total: int
    months: list[MonthRow]


class Attempt(BaseModel):
    """One attempt at a month. `outcome` is absent while it waits or runs."""

    job_id: int | None
    created_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    worker: str | None
    outcome: str | None
    code: str | None
    reason: str | None


class FieldSource(BaseModel):
    """The record that a stored field of an edition rests on: the provider's, under its own id."""

    field: str
    provider: str
    id: str
    fetched_at: datetime


class CandidateRow(BaseModel):
    """A book that a model named. Without an ISBN, `reason` says why; `evidence` is every hit that was considered."""

    position: int
    title: str
    author: str
    named_by: list[str]
    isbn13: str | None
    source: str
    score: float
    reason: str
    evidence: list[dict[str, Any]]
    in_month: Annotated[str, Field(description="whether sources confirm that it was first published in the month")]
    unavailable: Annotated[dict[str, str], Field(description="sources that could not be asked, with what they said")]
    work_id: int | None
    edition_title: str | None
    publisher: str | None
    published: str | None
    fields: Annotated[list[FieldSource], Field(description="of its edition, with what each rests on")]
    looks: Annotated[int, Field(description="how often the sources were asked")]
    look_again_at: Annotated[datetime | None, Field(description="when they are asked again, if it is unresolved")]


class InMonth(BaseModel):
    """Books with an ISBN, by what the sources' dates say: first published in this month?"""

    confirmed: int
    contradicted: int
    unknown: int


class CallsSpent(BaseModel):
    provider: str
    calls: int
    units: int
    refused: Annotated[int, Field(description="answered 429")]


class MonthAnswer(MonthRow):
    in_month: InMonth
    attempts: list[Attempt]
    candidates: list[CandidateRow]
    calls: list[CallsSpent]


class JobAnswer(BaseModel):
    """`state` is queued, running, or how the attempt ended."""

    job_id: int
    state: str
    year: int
    month: int
    created_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    worker: str | None
    code: str | None
    reason: str | None


class Meta(BaseModel):
    request_id: str
    timestamp: datetime
    latency_ms: float


class ProviderQuota(BaseModel):
    """Requests of the provider's day. Null limits: the provider has none that we know of."""

    rate: Annotated[float, Field(description="requests a second")]
    day: date
    daily_limit: int | None
    safety_limit: Annotated[int | None, Field(description="what months may spend; the rest is kept for people")]
    used: int
    reserved: int
    remaining: int | None
    safety_remaining: int | None
    percentage_used: Annotated[float | None, Field(description="of safety_limit, 2 decimals")]
    reset_at: datetime
    paused_until: datetime | None
    pause_reason: str
    plan_limit: Annotated[
        int | None, Field(description="units a day by the provider's own word; the smaller limit holds")
    ]
    plan_seen_at: datetime | None
    plan_note: Annotated[str, Field(description="what is odd about that, or why it could not be had")]
    can_make_calls: bool


class Quota(BaseModel):
    """ISBNdb's day, which decides how far a day goes, and every provider's."""

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


class QuotaAnswer(BaseModel):
    success: bool
    data: Quota
    meta: Meta


class LiveAnswer(BaseModel):
    status: str


class IncidentNow(BaseModel):
    """Something is wrong that nobody would notice."""

    kind: Kind
    subject: Annotated[str, Field(description="the provider that it is about, if it is about one")]
    reason: str


class ReadyAnswer(BaseModel):
    status: str
    workers: Annotated[int, Field(description="worker loops that have beaten lately")]
    months_in_work: int
    months_due: int
    paused: Annotated[str, Field(description="by whom and until when; empty: not paused")]
    incidents: list[IncidentNow]


class Trouble(BaseModel):
    """`code` is stable, `message` is for people, `details` names fields and cures."""

    code: str
    message: str
    details: dict[str, Any] | None


class Problem(BaseModel):
    """The one shape of every error but 401."""

    success: bool
    error: Trouble
    meta: Meta


class Unauthorized(BaseModel):
    error: str
