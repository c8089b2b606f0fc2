"""Stores which sources enrichment does not ask for a while, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from alexandria.database.pool import Connection
from alexandria.database.sql import load

SQL = load(__name__)


@dataclass(frozen=True, slots=True)
class Rest:
    """Why a source is not asked before `until` (UTC). `permanent`: waiting does not help; other sources are asked."""

    until: datetime
    reason: str
    permanent: bool
    failures: int


async def rests(connection: Connection) -> dict[str, Rest]:
    """Return the sources that failed when they were last asked; `until` may have passed."""
    rows = await (await connection.execute(SQL["rests"])).fetchall()
    return {row.pop("provider"): Rest(**row) for row in rows}


async def wake(connection: Connection, provider: str) -> None:
    """End the pause of a source, if there is one."""
    await connection.execute(SQL["wake"], {"provider": provider})


async def keep(connection: Connection, resting: Mapping[str, Rest]) -> None:
    """Store that these sources are paused, and no others."""
    await connection.execute(SQL["awake"], {"providers": list(resting)})
    for provider, rest in sorted(resting.items()):
        await connection.execute(SQL["rest"], {"provider": provider, **asdict(rest)})
