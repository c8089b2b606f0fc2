"""The pauses of a provider whose account has no credit: an hour, then days, as such reports are sometimes mistaken."""

from __future__ import annotations

from datetime import datetime, timedelta

from alexandria.core.errors import CircuitOpen, NoCredit, ProviderDown, ProviderError, RateLimited
from alexandria.database.pool import Pool, unavailable
from alexandria.providers.limits.session import SQL


def paused_error(provider: str, reason: str, rest: float, now: datetime) -> ProviderError:
    """The error for a request to a provider whose pause lasts `rest` seconds more."""
    if NoCredit.RECHECK in reason:
        return NoCredit(provider, f"paused: {reason}", until=now + timedelta(seconds=rest))
    if ProviderDown.WAIT in reason:
        return CircuitOpen(provider, f"paused: {reason}", retry_after=rest)
    return RateLimited(provider, f"paused: {reason}", retry_after=rest)


async def pause_without_credit(pool: Pool, provider: str, reason: str) -> datetime | None:
    """Pause a provider for an hour, and for a day if that has not helped before. Returns the end (UTC)."""
    values = {"name": provider, "reason": reason, "mark": f"%{NoCredit.RECHECK}%"}
    with unavailable():
        async with pool.connection() as connection:
            await connection.execute(SQL["pause_without_credit"], values)
            found = await (await connection.execute(SQL["pause_end"], {"name": provider})).fetchone()
    return found["until"] if found else None
