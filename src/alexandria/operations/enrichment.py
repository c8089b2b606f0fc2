"""Reports on enrichment and refreshes the metadata of editions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alexandria.backfill.repositories import enrichment
from alexandria.catalogue.models import Isbn13
from alexandria.operations.system import System


async def show(system: System) -> dict[str, Any]:
    """Editions by state, what they wait for, and the sources that get no requests now."""
    async with system.database.transaction() as connection:
        counts = await enrichment.overview(connection)
        waiting = await enrichment.waiting(connection)
        rests = await enrichment.rests(connection)
    resting = [{"source": name, "until": rest.until, "reason": rest.reason} for name, rest in sorted(rests.items())]
    return {**counts, "waiting_for": waiting, "resting": resting}


async def refresh(system: System, isbns: Sequence[Isbn13], older_than: int | None, who: str, *, dry_run: bool) -> int:
    """Query the sources again for these editions, and for those enriched more than `older_than` days ago.

    Returns how many; `who` goes into the audit.
    """
    if not dry_run:
        return await system.backfill.follow_up.enrich_again(isbns, older_than, who)
    async with system.database.transaction() as connection:
        return await enrichment.again(connection, isbns, older_than, dry_run=True)
