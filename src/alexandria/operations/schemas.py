"""The request and response bodies of the HTTP API; its OpenAPI description is generated from them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from alexandria.backfill.status import Status
from alexandria.core.lazy_model import LazyModel
from alexandria.core.month import FIRST_YEAR, LAST_YEAR
from alexandria.operations.alerts.rules import IncidentKind
from alexandria.operations.decision_schemas import AfterReview, CurationDecision

Year = Annotated[int, Field(strict=True, ge=FIRST_YEAR, le=LAST_YEAR)]
Flag = Annotated[bool, Field(strict=True)]
Rate = Annotated[float, Field(ge=0, le=100, description="percent, 2 decimals")]
PLAN_PATTERN = r"^[0-9a-f]{16}-([0-9]{6}(\.[0-9]{6})*)?$"
MONTH_PATTERN = "^(19[0-9]{2}|20[0-9]{2}|2100)-(0[1-9]|1[0-2])$"
MAX_MONTHS = 12 * (LAST_YEAR - FIRST_YEAR + 1)
MAX_NAMED_MONTHS = 300  # of one schedule call: 25 years
MAX_PLAN_LENGTH = 17 + 7 * MAX_NAMED_MONTHS  # characters: a digest, and each month with a dot
ShortText = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=300)]


def _is_written_out(value: object) -> object:
    """Reject numbers, which pydantic reads as seconds since 1970."""
    if isinstance(value, str) and re.match(r"\d{4}-\d{2}-\d{2}[T ]", value, re.ASCII):
        return value
    raise ValueError("a time must look like 2026-11-24T18:00:00Z")


Instant = Annotated[AwareDatetime, BeforeValidator(_is_written_out)]


def _is_a_month(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(MONTH_PATTERN, value, re.ASCII):
        return value
    raise ValueError(f"a month must look like 2019-07, from {FIRST_YEAR}-01 to {LAST_YEAR}-12")


NamedMonth = Annotated[str, Field(pattern=MONTH_PATTERN), BeforeValidator(_is_a_month)]


class _Request(BaseModel):
    """Base of the requests. Unknown fields are rejected, as a misspelt `dry_run` must never run live; so is null."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class YearRange(_Request):
    """Years, inclusive, in either order; a missing bound is open."""

    start: Year = FIRST_YEAR
    end: Year = LAST_YEAR


class ScheduleRequest(_Request):
    """Schedule the newest open months, or the named ones."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"batch_size": 2, "year_range": {"start": 2023, "end": 2023}, "dry_run": True},
                {"months": ["2019-07", "2018-01"], "dry_run": True},
            ],
        }
    )
    batch_size: Annotated[int, Field(strict=True, ge=1, le=50, description="months to schedule")] = 10
    dry_run: Annotated[Flag, Field(description="show what would be scheduled, change nothing")] = False
    force_retry: Annotated[Flag, Field(description="also schedule failed months; their retry_count is reset to 0")] = (
        False
    )
    year_range: YearRange = YearRange()
    months: Annotated[
        list[NamedMonth],
        Field(
            min_length=1,
            max_length=MAX_NAMED_MONTHS,
            description="exactly these months, instead of batch_size and year_range; those that wait for a retry start at once",
        ),
    ] = Field(default_factory=list)
    plan: Annotated[
        str,
        Field(
            pattern=PLAN_PATTERN,
            max_length=MAX_PLAN_LENGTH,
            description="the plan of a dry run: schedule exactly its months, or none",
        ),
    ] = Field(default_factory=str)

    @model_validator(mode="after")
    def _plan_is_for_live_calls(self) -> Self:
        if self.plan and self.dry_run:
            raise ValueError("plan is for live calls: send it without dry_run, or leave it out")
        return self

    @model_validator(mode="after")
    def _months_are_the_whole_selection(self) -> Self:
        others = [name for name in ("batch_size", "year_range") if name in self.model_fields_set]
        if self.months and others:
            raise ValueError(f"months cannot be combined with {' or '.join(others)}: leave one of them out")
        return self


class SeedRequest(_Request):
    """Add the months of these years, inclusive."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"year_start": 2000, "year_end": 2024}]})
    year_start: Year = 2000
    year_end: Annotated[Year, Field(validate_default=True)] = 2024

    @field_validator("year_end")
    @classmethod
    def _in_order(cls, value: int, known: Any) -> int:
        if known.data.get("year_start", value) > value:
            raise ValueError("year_start must not be after year_end")
        return value


class RetryRequest(_Request):
    """Retry the months that match every condition: completed and failed ones become pending, waiting ones retry now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "failed", "dry_run": True}]})
    months: Annotated[list[Annotated[str, Field(pattern=MONTH_PATTERN)]], Field(max_length=MAX_MONTHS)] = Field(
        default_factory=list
    )
    status: Annotated[str, Field(pattern="^failed$", description="failed: only failed months")] = Field(
        default_factory=str
    )
    reason: Annotated[
        ShortText, Field(min_length=1, description="an error code, an error message or the reason of a wait")
    ] = Field(default_factory=str)
    partial: Annotated[Flag, Field(description="only completed months that lack the list of a generator")] = False
    adopted: Annotated[Flag, Field(description="only months as an earlier scheduler left them")] = False
    dry_run: Annotated[Flag, Field(description="show which months, change nothing")] = False

    @model_validator(mode="after")
    def _selects_months(self) -> Self:
        if not (self.months or self.status or self.reason or self.partial or self.adopted):
            raise ValueError("adopted, partial, months, status or reason is required")
        return self


class PauseRequest(_Request):
    """Pause the backfill; without minutes or until, it lasts until resumed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"minutes": 30, "reason": "maintenance"}]})
    minutes: Annotated[int, Field(strict=True, ge=1, le=525_600)] = Field(default_factory=int)
    until: Annotated[Instant | SkipJsonSchema[None], Field(description="instead of minutes")] = None
    reason: ShortText = ""

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if "until" in self.model_fields_set and (self.minutes or self.until is None):
            raise ValueError("until is a time, and cannot be combined with minutes")
        return self


class ResumeRequest(_Request):
    """End the pause of the backfill, or that of one provider."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"provider": "isbndb"}]})
    provider: Annotated[
        str,
        Field(
            pattern=r"^[a-z_]+(@\S+)?$",
            max_length=300,
            description="absent: the pause of the backfill; PROVIDER@SERVER is one of a provider's several servers",
        ),
    ] = Field(default_factory=str)


class PauseState(LazyModel):
    """The pause that lasts. Months in progress when it began are finished."""

    since: datetime
    until: Annotated[datetime | None, Field(description="null or absent: until the backfill is resumed")] = None
    by: str
    reason: str
    months_finishing: int


class PauseAnswer(LazyModel):
    """The pause that has begun."""

    paused: PauseState
    message: str


class ResumeAnswer(LazyModel):
    """What a resume ended."""

    resumed: Annotated[bool, Field(description="whether there was a pause to end")]
    months_woken: Annotated[int, Field(description="months that had waited for the end of the pause and continue now")]
    message: str


class SkippedMonth(LazyModel):
    """A month that was not retried; without a status it is not seeded."""

    month: str
    status: Status | None


class RetryAnswer(LazyModel):
    """What became of the selected months."""

    dry_run: bool
    reopened: Annotated[list[str], Field(description="reset to pending")]
    woken: Annotated[list[str], Field(description="were waiting and retry now")]
    left: Annotated[list[SkippedMonth], Field(description="skipped")]
    message: str


class ScheduledMonth(LazyModel):
    """A scheduled month. The counters and the error are of an earlier attempt, and absent if there was none."""

    year: int
    month: int
    status: Status
    books_generated: int | None = None
    isbns_resolved: int | None = None
    resolution_rate: Rate | None = None
    error_message: str | None = None
    job_id: Annotated[int | None, Field(description="live calls only")] = None


class UnscheduledMonth(LazyModel):
    """A named month that does not start, and why; without a status it is not seeded."""

    month: str
    status: Status | None = None
    reason: str


class ExecutionSummary(LazyModel):
    """Months claimed; months skipped, as another call was claiming them or as `skipped` explains; months that could not be queued."""

    triggered: int
    skipped: int
    errors: int


class ScheduleAnswer(LazyModel):
    """The scheduled months; totals are those after the call. Send `plan` with a live call to schedule exactly these."""

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
    skipped: Annotated[list[UnscheduledMonth] | None, Field(description="named months that do not start")] = None
    paused: Annotated[PauseState | None, Field(description="a live call is refused while this lasts")] = None
    execution_summary: Annotated[ExecutionSummary | None, Field(description="live calls only")] = None


class SeedAnswer(LazyModel):
    """How many months were added."""

    months_seeded: int
    message: str


class MonthRow(LazyModel):
    """One row of backfill_log, without its attempt token."""

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
    blocked_reason: Annotated[str | None, Field(description="why it waits, if it has not failed")]
    error_message: str | None
    error_code: str | None
    prompt_variant: str | None
    batch_size: Annotated[int, Field(description="books requested from each generator")]
    updated_at: datetime
    adopted_at: Annotated[datetime | None, Field(description="set: status and counters are an earlier scheduler's")]


class MonthsAnswer(LazyModel):
    """Months, newest first."""

    total: int
    months: list[MonthRow]


class AttemptRow(LazyModel):
    """One attempt at a month. `outcome` is null while it is queued or running."""

    job_id: int | None
    created_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    worker: str | None
    outcome: str | None
    code: str | None
    reason: str | None


class FieldSource(LazyModel):
    """The source record of a stored field of an edition, by the provider's own id."""

    field: str
    provider: str
    id: str
    fetched_at: datetime


class RecordedResult(LazyModel):
    """What was recorded of a book that a model named. Without an ISBN, `reason` explains it."""

    position: int
    title: str
    author: str
    named_by: list[str]
    isbn13: str | None
    source: str
    score: Annotated[float, Field(description="see `score_version`, as for the scores in `evidence`")]
    score_version: Annotated[
        int, Field(description="1: points of 100; from 2: probabilities in per cent, a new number for each change")
    ]
    reason: str
    evidence: Annotated[list[dict[str, Any]], Field(description="every record considered")]
    in_month: Annotated[str, Field(description="whether sources confirm that it was first published in this month")]
    unavailable: Annotated[dict[str, str], Field(description="sources that could not be queried, each with its error")]
    work_id: Annotated[int | None, Field(description="its work when this was recorded")]
    looks: Annotated[int, Field(description="how often the sources were queried")]


class CandidateRow(RecordedResult):
    """A book that a model named, and what is recorded of it now."""

    edition_title: str | None
    publisher: str | None
    published: str | None
    fields: Annotated[list[FieldSource], Field(description="the source of each field of its edition")]
    look_again_at: Annotated[datetime | None, Field(description="when sources are queried again, if it is unresolved")]
    reviewed_isbn13: Annotated[str | None, Field(description="its ISBN after the decisions of persons")]
    excluded: Annotated[bool, Field(description="whether a person excluded it from this month, or from all")]
    counts_for: Annotated[
        str | None,
        Field(description="the month that it counts for, by the policy on books of other months; null: for none"),
    ]
    decisions: Annotated[list[CurationDecision], Field(description="of persons, as far as they stand and change it")]


class InMonth(LazyModel):
    """Books with an ISBN, by whether the sources confirm that they were first published in this month."""

    confirmed: int
    contradicted: int
    unknown: int


class CallsSpent(LazyModel):
    """Requests to one provider."""

    provider: str
    calls: int
    units: int
    refused: Annotated[int, Field(description="answered 429")]


class MovedBook(LazyModel):
    """A book that counts for a month which did not name it."""

    work_id: int
    title: str
    author: str
    named_in: Annotated[str, Field(description="the first month that named it")]


class MonthAnswer(MonthRow):
    """One month in full."""

    after_review: AfterReview
    in_month: InMonth
    attempts: list[AttemptRow]
    candidates: list[CandidateRow]
    calls: list[CallsSpent]
    moved_here: Annotated[
        list[MovedBook], Field(description="books of other months that count for this one, by policy")
    ]


class JobAnswer(LazyModel):
    """An attempt by its job. `state` is queued, running, or its outcome."""

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


class Meta(LazyModel):
    """The request that was answered."""

    request_id: str
    timestamp: datetime
    latency_ms: float


class LiveAnswer(LazyModel):
    """The process answers."""

    status: str


class CurrentIncident(LazyModel):
    """A condition that needs attention."""

    kind: IncidentKind
    subject: Annotated[str, Field(description="the provider that it concerns, or empty")]
    reason: str


class ReadyAnswer(LazyModel):
    """The system can work."""

    status: str
    workers: Annotated[int, Field(description="workers with a recent heartbeat")]
    months_in_work: int
    months_due: int
    paused: Annotated[str, Field(description="who paused it, until when and why; empty: not paused")]
    incidents: list[CurrentIncident]


class ErrorBody(LazyModel):
    """`code` is stable, `message` is for people, `details` has hints and field errors."""

    code: str
    message: str
    details: dict[str, Any] | None


class ErrorAnswer(LazyModel):
    """The body of every error but 401."""

    success: bool
    error: ErrorBody
    meta: Meta


class Unauthorized(LazyModel):
    """The body of a 401."""

    error: str
