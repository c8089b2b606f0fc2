"""Records a month: books, counters and `completed` in one transaction, fenced by the attempt token."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from alexandria.backfill.repositories import candidates, months
from alexandria.backfill.repositories.candidates import RecordedMonth
from alexandria.catalogue.models import Resolution
from alexandria.core.errors import BadData
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
    partial: bool = False,
) -> RecordedMonth:
    """Store the resolutions and complete the month; `partial`: a generator's list is missing.

    Raises AttemptLost, and BadData if every book is refused.
    """

    async def write(*, apart: bool) -> RecordedMonth:
        async with database.transaction() as connection:
            await months.lock(connection, token)
            recorded = await candidates.record_month(connection, month, resolutions, now, token=token, apart=apart)
            refused = [f"left out, as PostgreSQL refuses the data: {title}" for title in recorded.left_out]
            await months.complete(
                connection,
                token,
                generated=recorded.generated,
                resolved=recorded.resolved,
                queued=recorded.new,
                variant=variant,
                note="; ".join(filter(None, (note, *refused))) or None,
                partial=partial,
                locked=True,
            )
        return recorded

    try:
        return await write(apart=False)
    except BadData:  # rare, so that not every book of every month needs a savepoint
        return await write(apart=True)
