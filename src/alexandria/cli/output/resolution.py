"""Resolves one book, with the same scoring as a month's books, and prints the evidence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType

from alexandria.backfill import resolve, resolve_list
from alexandria.backfill.repositories.candidates import evidence
from alexandria.backfill.source_selection import SourceSelector
from alexandria.catalogue.matching.probability import score_model
from alexandria.catalogue.models import Resolution, ScoredRecord
from alexandria.cli.output.console import Output
from alexandria.cli.runtime.system import asking_providers
from alexandria.core.provider_facts import label
from alexandria.operations.system import System
from alexandria.operations.terminal.formatting import heading, table


def look_up(output: Output, title: str, author: str, year: int | None, sources: str | None) -> Resolution:
    """Resolve one book with the configured sources, or with `sources`. Raises NoSources if none could be asked."""
    candidate = resolve_list.read_one(title, author, year)

    async def act(system: System) -> Resolution:
        return (
            await resolve.resolve(None, [candidate], SourceSelector(system.backfill.runner.sources), system.database)
        )[0]

    return asking_providers(output, sources, act)


def to_view(found: Resolution) -> dict[str, Any]:
    """A resolution as JSON data, with the names that the HTTP API uses for a candidate of a month."""
    return {
        "title": found.candidate.title,
        "author": found.candidate.author,
        "isbn13": found.isbn13,
        "source": found.source,
        "score": round(found.score, 2),
        "score_version": score_model().version,
        "reason": found.reason,
        "evidence": [evidence(scored) for scored in found.considered],
        "unavailable": found.unavailable,
    }


def render(found: Resolution) -> Iterator[RenderableType]:
    """A resolution as text: the ISBN with the reason, then the evidence."""
    yield f"{found.isbn13 or 'no ISBN'}  {found.reason}"
    if found.considered:
        columns = ["verdict", "score#", "ISBN", "title", "authors", "published", "source", "reasons"]
        yield heading("Evidence")
        yield table(columns, map(_line, found.considered))
    yield from (f"not asked: {reason}" for reason in found.unavailable.values())


def _line(scored: ScoredRecord) -> tuple[object, ...]:
    hit = scored.hit
    seen = (hit.isbn13, hit.title, hit.authors, hit.published, label(hit.source.provider))
    return scored.verdict, f"{scored.score:.1f} %", *seen, "; ".join(scored.reasons)
