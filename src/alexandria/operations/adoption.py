"""Adopts the months of an earlier scheduler, and describes what became of its rows."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from pydantic import Field

from alexandria.backfill.adoption import Adoption, AdoptionReport
from alexandria.backfill.status import Status
from alexandria.core.grammar import counted
from alexandria.core.lazy_model import LazyModel
from alexandria.operations.system import System


class SkippedRowView(LazyModel):
    """A row that was not adopted, with the reason and what to do about it."""

    row: str
    month: str | None
    status: str | None
    reason: str
    fix: str
    wrong: Annotated[bool, Field(description="false: it is as it should be, such as a month that was worked on here")]


class StatusTally(LazyModel):
    """What became of the rows that have one status in the earlier scheduler's table."""

    status: str
    rows: int
    adopted: int
    unchanged: Annotated[int, Field(description="adopted before, and the same since")]
    skipped: int


class AdoptAnswer(LazyModel):
    """What became of the rows of an earlier scheduler's table. `became` are our months by their status."""

    dry_run: bool
    source: str
    rows: int
    adopted: int
    unchanged: int
    by_status: list[StatusTally]
    became: dict[Status, int]
    skipped: list[SkippedRowView]
    active: Annotated[list[str], Field(description="months that the earlier scheduler may be working on")]
    notes: list[str]
    message: str


async def adopt(
    system: System, source: str, who: str, *, origin: str | None = None, force: bool, dry_run: bool
) -> AdoptAnswer:
    """Adopt the rows of the table `source`, or show what would be adopted; `who` goes into the audit.

    The table is in the system's database, or in that of the URL `origin`. Raises BadInput, DatabaseNotPrepared, StillInUse,
    and if `origin` cannot be read DatabaseUnavailable and Misconfigured.
    """
    adoption = Adoption(system.database, system.queue)
    return _answer(await adoption.adopt(source, who, origin=origin, force=force, dry_run=dry_run), dry_run=dry_run)


def _answer(report: AdoptionReport, *, dry_run: bool) -> AdoptAnswer:
    skipped = Counter((each.status or "NULL")[:40] for each in report.skipped)
    order = {status.value: place for place, status in enumerate(Status)}
    return AdoptAnswer(
        dry_run=dry_run,
        source=report.source,
        rows=sum(report.found.values()),
        adopted=sum(report.adopted.values()),
        unchanged=sum(report.unchanged.values()),
        by_status=[
            StatusTally(
                status=status,
                rows=rows,
                adopted=report.adopted.get(status, 0),
                unchanged=report.unchanged.get(status, 0),
                skipped=skipped[status],
            )
            for status, rows in sorted(report.found.items(), key=lambda item: (order.get(item[0], len(order)), item[0]))
        ],
        became={status: report.became[status] for status in Status if status in report.became},
        skipped=[
            SkippedRowView(
                row=each.row,
                month=each.month and str(each.month),
                status=each.status,
                reason=each.reason,
                fix=each.fix,
                wrong=each.is_wrong,
            )
            for each in report.skipped
        ],
        active=[*map(str, report.active)],
        notes=[*report.notes],
        message=_describe(report, dry_run=dry_run),
    )


def _describe(report: AdoptionReport, *, dry_run: bool) -> str:
    adopted, unchanged = sum(report.adopted.values()), sum(report.unchanged.values())
    parts = []
    if adopted:
        became = ", ".join(f"{report.became[status]} {status}" for status in Status if status in report.became)
        parts.append(f"{counted(adopted, 'month')} {'to adopt' if dry_run else 'adopted'}: {became}")
    if unchanged:
        parts.append(f"{counted(unchanged, 'month')} adopted before and unchanged")
    if report.skipped:
        parts.append(f"{counted(len(report.skipped), 'row')} skipped")
    if not adopted:
        parts.insert(0, "nothing to adopt" if dry_run else "nothing was changed")
    return ("dry run: " if dry_run else "") + "; ".join(parts)
