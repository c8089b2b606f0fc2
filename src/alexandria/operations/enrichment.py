"""Reports on enrichment and refreshes the metadata of editions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alexandria.backfill.repositories import enrichment, months, source_rests
from alexandria.catalogue.models import Isbn13
from alexandria.operations.system import System


async def show(system: System) -> dict[str, Any]:
    """Editions by state, what they wait for, and the sources that get no requests now."""
    async with system.database.transaction() as connection:
        counts = await enrichment.overview(connection)
        waiting = await enrichment.waiting(connection)
        rests = await source_rests.rests(connection)
    resting = [{"source": name, "until": rest.until, "reason": rest.reason} for name, rest in sorted(rests.items())]
    return {**counts, "waiting_for": waiting, "resting": resting}


async def refresh(system: System, isbns: Sequence[Isbn13], older_than: int | None, who: str, *, dry_run: bool) -> int:
    """Query the sources again for these editions, and for those enriched more than `older_than` days ago.

    Returns how many; `who` goes into the audit.
    """
    async with system.database.transaction() as connection:
        editions = await enrichment.again(connection, isbns, older_than, dry_run=dry_run)
        if not dry_run:
            request = {"isbns": list(isbns), "older_than_days": older_than, "editions": editions}
            await months.audit(connection, who, "enrich", request)
    return editions
