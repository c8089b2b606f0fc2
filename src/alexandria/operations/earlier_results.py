"""Reports what earlier attempts and look-ups found for a month's books, which later ones replaced."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from alexandria.backfill.repositories import candidates, months
from alexandria.core.errors import Unknown
from alexandria.core.lazy_model import LazyModel
from alexandria.core.month import Month
from alexandria.operations.schemas import RecordedResult
from alexandria.operations.system import System

MAX_EARLIER_RESULTS = 100  # of one answer; each may hold dozens of records


class EarlierResult(RecordedResult):
    """What was recorded of a book before a later attempt or look-up; its work and edition may be gone."""

    id: int
    attempt_token: Annotated[UUID | None, Field(description="the attempt that recorded it")]
    recorded_at: Annotated[datetime | None, Field(description="null: recorded before this was kept")]
    replaced_at: datetime


class EarlierAnswer(LazyModel):
    """Results that later ones replaced, newest first. `next`: send it as `before` for the following ones; null at the end."""

    month: str
    results: list[EarlierResult]
    next: int | None


async def show_earlier(
    system: System, month: Month, before: int | None = None, limit: int = MAX_EARLIER_RESULTS
) -> EarlierAnswer:
    """List replaced results of a month, newest first, from the one before `before` on. Raises Unknown if none is known."""
    async with system.database.transaction() as connection:
        rows = await candidates.earlier_of_month(connection, month, before, limit + 1)
        if not rows and await months.one(connection, month) is None:
            raise Unknown(f"month {month} is not seeded", hint=f"add its year: alexandria seed {month.year}")
    results = [EarlierResult.model_validate(row) for row in rows[:limit]]
    return EarlierAnswer(month=str(month), results=results, next=results[-1].id if len(rows) > limit else None)
