"""Reads one row of an earlier scheduler as the values that a month of ours takes over. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from alexandria.backfill.status import Status
from alexandria.core.errors import BadInput
from alexandria.core.month import FIRST_YEAR, LAST_YEAR, Month
from alexandria.core.redaction import masked
from alexandria.providers.prompts import VARIANTS

REQUIRED_COLUMNS = ("year", "month", "status")
COUNTERS = ("books_generated", "isbns_resolved", "isbns_queued", "gemini_calls", "xai_calls", "isbndb_calls")
OTHER_COLUMNS = ("resolution_rate", "started_at", "completed_at", "last_retry_at", "error_message", "retry_count",
                 "prompt_variant", "batch_size")  # fmt: skip
DUE_COLUMNS = ("next_attempt_at", "next_retry_at")  # either may say when a month in retry continues
OPTIONAL_COLUMNS = (*COUNTERS, *OTHER_COLUMNS)
STUCK_AFTER = timedelta(hours=1)  # as the guide takes a month that is processing for lost
MAX_COUNT = 2**31 - 1
MAX_RETRY_COUNT, MAX_BATCH_SIZE, USUAL_BATCH_SIZE = 5, 100, 20
MAX_RATE = Decimal(100)
HUNDREDTH = Decimal("0.01")
EARLIER_DEFAULT = "baseline"  # the earlier scheduler's only default; here the year decides
_NUMBER = re.compile(r"\s*([+-]?\d{1,12})(?:\.0{1,12})?\s*", re.ASCII)
_DECIMAL = re.compile(r"\s*([+-]?\d{1,12}(?:\.\d{1,30})?)\s*", re.ASCII)
_FINAL = {Status.COMPLETED, Status.FAILED}


@dataclass(frozen=True, slots=True)
class AdoptedRow:
    """The values that a month takes over. A final status without any time, and a retry without one, have None there."""

    month: Month
    status: Status
    books_generated: int
    isbns_resolved: int
    isbns_queued: int
    resolution_rate: Decimal
    gemini_calls: int
    xai_calls: int
    isbndb_calls: int
    started_at: datetime | None
    completed_at: datetime | None
    retry_count: int
    last_retry_at: datetime | None
    next_attempt_at: datetime | None
    error_message: str | None
    prompt_variant: str | None
    batch_size: int
    is_active: bool = False  # the earlier scheduler may be working on it at this moment
    unknown_variant: str = ""

    def values(self, present: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """The columns of the month. A time that is missing is that of an earlier adoption, or `now`."""
        row = {name: value for name, value in asdict(self).items() if name not in {"is_active", "unknown_variant"}}
        before = present if present["adopted_at"] is not None and present["status"] == self.status else {}
        if self.status in _FINAL and self.completed_at is None:
            row["completed_at"] = before.get("completed_at") or now
        if self.status is Status.RETRY and self.next_attempt_at is None:
            row["next_attempt_at"] = before.get("next_attempt_at") or now
        del row["month"]
        return row | {"year": self.month.year, "month": self.month.month, "status": self.status.value}


def read_month(row: Mapping[str, str | None]) -> Month:
    """The month of a row. Raises BadInput."""
    year, month = (_required_number(row, name) for name in ("year", "month"))
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise BadInput(f"year {year} is not from {FIRST_YEAR} to {LAST_YEAR}", hint="correct year")
    if not 1 <= month <= 12:
        raise BadInput(f"month {month} is not from 1 to 12", hint="correct month")
    return Month(year, month)


def read_row(row: Mapping[str, str | None], now: datetime) -> AdoptedRow:
    """The values of a row, whose texts may be those of any type. Raises BadInput, which names the column and the fix."""
    status = _status(row)
    counters = {name: _number(row, name, 0, MAX_COUNT) for name in COUNTERS}
    for more, most in (("isbns_resolved", "books_generated"), ("isbns_queued", "isbns_resolved")):
        if counters[more] > counters[most]:
            raise BadInput(
                f"{more} {counters[more]} is more than {most} {counters[most]}", hint=f"correct {more} or {most}"
            )
    times = {name: _time(row, name) for name in ("started_at", "completed_at", "last_retry_at", *DUE_COLUMNS)}
    started, retried = times["started_at"], times["last_retry_at"]
    active = status is Status.PROCESSING and (started is None or started > now - STUCK_AFTER)
    if status is Status.PROCESSING:
        status = Status.PENDING
    ended = times["completed_at"] or retried or started
    due = times["next_attempt_at"] or times["next_retry_at"]
    variant = row.get("prompt_variant")
    message = row.get("error_message")
    return AdoptedRow(
        month=read_month(row),
        status=status,
        **counters,
        resolution_rate=_rate(row),
        started_at=started,
        completed_at=(max(ended, started) if ended and started else ended) if status in _FINAL else None,
        retry_count=min(_number(row, "retry_count", 0, MAX_COUNT), MAX_RETRY_COUNT),
        last_retry_at=retried,
        next_attempt_at=due if status is Status.RETRY else None,
        error_message=masked(message) if message else None,
        prompt_variant=variant if variant in VARIANTS and variant != EARLIER_DEFAULT else None,
        batch_size=_number(row, "batch_size", 1, MAX_BATCH_SIZE, USUAL_BATCH_SIZE),
        is_active=active,
        unknown_variant="" if not variant or variant in VARIANTS else variant,
    )


def describe_row(row: Mapping[str, str | None], number: int) -> str:
    """How a message names a row: by its id, or by its place if it has none."""
    return f"id {row['id']}" if row.get("id") else f"row {number}"


def _status(row: Mapping[str, str | None]) -> Status:
    text = row["status"]
    if text is None:
        raise BadInput("status is NULL", hint=f"set status to one of {', '.join(Status)}")
    try:
        return Status(text.strip())
    except ValueError:
        raise BadInput(f"status {text[:40]!r} is unknown", hint=f"set status to one of {', '.join(Status)}") from None


def _required_number(row: Mapping[str, str | None], name: str) -> int:
    if row[name] is None:
        raise BadInput(f"{name} is NULL", hint=f"set {name}, or delete the row")
    return _number(row, name, -MAX_COUNT, MAX_COUNT)


def _number(row: Mapping[str, str | None], name: str, least: int, most: int, default: int = 0) -> int:
    """A whole number, which may be written as a text or a decimal; NULL and a missing column are the default."""
    text = row.get(name)
    if text is None:
        return default
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise BadInput(f"{name} {text[:40]!r} is not a whole number", hint=f"write {name} in digits")
    if not least <= int(found[1]) <= most:
        raise BadInput(f"{name} {found[1]} is not from {least} to {most}", hint=f"correct {name}")
    return int(found[1])


def _rate(row: Mapping[str, str | None]) -> Decimal:
    text = row.get("resolution_rate")
    if text is None:
        return Decimal(0)
    found = _DECIMAL.fullmatch(text)
    if found is None:
        raise BadInput(f"resolution_rate {text[:40]!r} is not a number", hint="write resolution_rate in digits")
    rate = Decimal(found[1])
    if not 0 <= rate <= MAX_RATE:
        raise BadInput(f"resolution_rate {found[1]} is not from 0 to 100", hint="correct resolution_rate")
    return rate.quantize(HUNDREDTH)


def _time(row: Mapping[str, str | None], name: str) -> datetime | None:
    text = row.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text.strip())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput(f"{name} {text[:40]!r} is not a time", hint=f"write {name} as 2026-01-13 15:55:52+00") from None
