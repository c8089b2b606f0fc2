"""Shows one month in full: its attempts, its books and what was decided about them, and its calls."""

from __future__ import annotations

from typing import Any

from alexandria.backfill.repositories import candidates, months
from alexandria.core.errors import Unknown
from alexandria.core.month import Month, OtherMonths
from alexandria.database.pool import Row
from alexandria.operations import schemas
from alexandria.operations.decision_schemas import decision_row
from alexandria.operations.system import System


async def show_month(system: System, month: Month) -> schemas.MonthAnswer:
    """Show one month in full: its attempts, candidates and calls. Raises Unknown if it is not seeded."""
    policy = system.settings.other_months
    async with system.database.transaction() as connection:
        row = await months.one(connection, month)
        if row is None:
            hint = f"add its year: alexandria seed {month.year}, or POST /api/internal/seed-backfill-queue"
            raise Unknown(f"month {month} is not seeded", hint=hint)
        rows: dict[str, Any] = {
            "in_month": await candidates.in_month(connection, month),
            "attempts": await months.attempts(connection, month),
            "candidates": [_candidate(book, month, policy) for book in await candidates.of_month(connection, month)],
            "calls": await months.spent(connection, month),
            "moved_here": await candidates.dated_to(connection, month) if policy == "move" else [],
        }
    moved = len(rows["moved_here"])
    kept = [book for book in rows["candidates"] if not book["excluded"] and book["counts_for"] == str(month)]
    resolved = sum(book["reviewed_isbn13"] is not None for book in kept)
    reviewed = {"books": len(kept) + moved, "resolved": resolved + moved}
    return schemas.MonthAnswer.model_validate(row | rows | {"after_review": reviewed})


def _candidate(book: Row, month: Month, policy: OtherMonths) -> Row:
    decisions = [decision_row(made) for made in book["decisions"]]
    return book | {"decisions": decisions, "counts_for": _counts_for(book, month, policy)}


def _counts_for(book: Row, month: Month, policy: OtherMonths) -> str | None:
    """The month that a book counts for; one that belongs to an unknown month cannot be moved."""
    if policy == "keep" or not book["of_other_month"]:
        return str(month)
    return None if policy == "drop" else book["belongs_to"] or str(month)
