"""Records a month: books, counters and `completed` in one transaction, fenced by the attempt token."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from alexandria.backfill.repositories import candidates, months
from alexandria.catalogue.models import Resolution
from alexandria.core.month import Month
from alexandria.database.pool import Database


async def record(
    database: Database,
    month: Month,
    token: UUID,
    resolutions: Sequence[Resolution],
    *,
    variant: str,
    note: str | None,
    now: datetime,
) -> int:
    """Store the resolutions and complete the month. Returns the number of new editions. Raises AttemptLost."""
    async with database.transaction() as connection:
        await months.lock(connection, token)
        queued = await candidates.record_month(connection, month, resolutions, now)
        await months.complete(
            connection,
            token,
            generated=len(resolutions),
            resolved=sum(resolution.isbn13 is not None for resolution in resolutions),
            queued=queued,
            variant=variant,
            note=note,
        )
    return queued
