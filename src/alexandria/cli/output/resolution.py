"""Which ISBN has this one book, by the same judgement as a month's books, and what speaks for it?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

from rich.console import RenderableType

from alexandria import bootstrap
from alexandria.backfill import resolve
from alexandria.backfill.repositories.candidates import evidence
from alexandria.backfill.source_selection import SourceSelector
from alexandria.catalogue.models import Candidate, Resolution, ScoredRecord
from alexandria.cli.output.console import Output, heading, table
from alexandria.cli.settings import settings_of
from alexandria.core.config import Settings
from alexandria.database.server import Server, open_server, require_migrated
from alexandria.operations.system import System

T = TypeVar("T")


def asking(output: Output, sources: str | None, act: Callable[[System], Awaitable[T]]) -> T:
    """What `act` returns on a system that may ask these sources ("a,b"; None: all), spending what is kept for people."""
    settings = settings_of(output)
    if sources is not None:
        names = tuple(name.strip() for name in sources.split(",") if name.strip())
        settings = settings.model_copy(update={"sources": names})
    with open_server(settings) as server:
        require_migrated(server.url)
        return asyncio.run(_act(settings, server, act))


async def _act(settings: Settings, server: Server, act: Callable[[System], Awaitable[T]]) -> T:
    async with bootstrap.running(settings, server, providers=True, interactive=True) as system:
        return await act(system)


def look_up(output: Output, title: str, author: str, year: int | None, sources: str | None) -> Resolution:
    """Raises NoSources if none could be asked."""

    async def act(system: System) -> Resolution:
        candidate = Candidate(title, author, year)
        return (await resolve.resolve(None, [candidate], SourceSelector(system.backfill.desk), system.database))[0]

    return asking(output, sources, act)


def told(found: Resolution) -> dict[str, Any]:
    """As a month's candidates are told by the HTTP API."""
    return {
        "title": found.candidate.title,
        "author": found.candidate.author,
        "isbn13": found.isbn13,
        "source": found.source,
        "score": round(found.score, 2),
        "reason": found.reason,
        "evidence": [evidence(scored) for scored in found.considered],
        "unavailable": found.unavailable,
    }


def drawn(found: Resolution) -> Iterator[RenderableType]:
    yield f"{found.isbn13 or 'no ISBN'}  {found.reason}"
    if found.considered:
        columns = ["verdict", "score#", "ISBN", "title", "authors", "published", "source", "reasons"]
        yield heading("Evidence")
        yield table(columns, map(_line, found.considered))
    yield from (f"not asked: {name}: {said}" for name, said in found.unavailable.items())


def _line(scored: ScoredRecord) -> tuple[object, ...]:
    hit = scored.hit
    seen = (hit.isbn13, hit.title, hit.authors, hit.published, hit.source.provider)
    return scored.verdict, f"{scored.score:.0f}", *seen, "; ".join(scored.reasons)
