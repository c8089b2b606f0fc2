"""Checks the bibliography: its size, age and use, and whether it is of use as it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alexandria.backfill.repositories import bibliography_use as usage
from alexandria.bibliography.rows import MAX_AGE_DAYS
from alexandria.cli.doctor.check import Check
from alexandria.database.pool import Database


async def bibliography(url: str, *, asked: bool, names: bool = False) -> list[Check]:
    """A line about the bibliography if one is loaded: a warning if it is old, not `asked`, or has to be loaded again.

    One that `names` books, as a generator, has to be there.
    """
    async with Database(url, size=1) as database:
        held = await usage.read(database)
    if held is None:
        fix = "load one: alexandria bibliography load; or configure other generators"
        return [Check("bibliography", False, "none is loaded, and a generator needs it", fix)] if names else []
    message, fix = f"{held.size()}; {held.use()}", ""
    if not asked:
        message = f"{held.size()}, but not asked"
        fix = "unset ALEXANDRIA_BIBLIOGRAPHY, or remove it: alexandria bibliography drop"
    elif held.outdated:
        message = f"{held.size()}; no title is found, as another version has indexed them"
        fix = "load it again: alexandria bibliography load"
    elif datetime.now(UTC) - held.as_of > timedelta(days=MAX_AGE_DAYS):
        fix = "newer books cost requests; load a newer one: alexandria bibliography load"
    return [Check("bibliography", True, message, fix)]
