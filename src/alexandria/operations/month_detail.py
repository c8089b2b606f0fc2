"""Shows one month in full: its attempts, its books and what was decided about them, and its calls."""

from __future__ import annotations

from typing import Any

from alexandria.backfill.repositories import candidates, months
from alexandria.core.errors import Unknown
from alexandria.core.month import Month
from alexandria.database.pool import Row
from alexandria.operations import schemas
from alexandria.operations.decision_schemas import decision_row
from alexandria.operations.system import System


async def show_month(system: System, month: Month) -> schemas.MonthAnswer:
    """Show one month in full: its attempts, candidates and calls. Raises Unknown if it is not seeded."""
    async with system.database.transaction() as connection:
        row = await months.one(connection, month)
        if row is None:
            hint = f"add its year: alexandria seed {month.year}, or POST /api/internal/seed-backfill-queue"
            raise Unknown(f"month {month} is not seeded", hint=hint)
        rows: dict[str, Any] = {
            "in_month": await candidates.in_month(connection, month),
            "attempts": await months.attempts(connection, month),
            "candidates": [_candidate(book) for book in await candidates.of_month(connection, month)],
            "calls": await months.spent(connection, month),
        }
    kept = [book for book in rows["candidates"] if not book["excluded"]]
    reviewed = {"books": len(kept), "resolved": sum(book["reviewed_isbn13"] is not None for book in kept)}
    return schemas.MonthAnswer.model_validate(row | rows | {"after_review": reviewed})


def _candidate(book: Row) -> Row:
    return book | {"decisions": [decision_row(made) for made in book["decisions"]]}
