"""Asks all generators at once for the books of a month. One that fails does not hide the answers of another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from alexandria.catalogue.matching.scoring import merge
from alexandria.catalogue.models import Candidate
from alexandria.core.errors import BadAnswer, KeyMissing, NoBooks, ProviderError
from alexandria.core.month import Month
from alexandria.providers.base import Generator, SuggestResult
from alexandria.providers.failures import failure_of


@dataclass(frozen=True, slots=True)
class Suggested:
    """The merged candidates, and the message of each generator that failed. `partial`: one with a key is among these."""

    candidates: tuple[Candidate, ...]
    failed: tuple[str, ...]
    partial: bool = False


async def suggest(month: Month, variant: str, count: int, generators: Sequence[Generator]) -> Suggested:
    """Ask all `generators` for about `count` books each. Raises NoBooks if none named a single one."""
    answers = await asyncio.gather(*(_ask(generator, month, variant, count) for generator in generators))
    named = [list(answer.candidates) for answer in answers if isinstance(answer, SuggestResult)]
    candidates = merge(named)
    if not candidates:
        causes = tuple(_why_none(g, a) for g, a in zip(generators, answers, strict=True))
        reasons = "; ".join(cause.message for cause in causes) or "none is configured"
        raise NoBooks(f"no generator named a book of {month}: {reasons}", causes)
    failed = [answer for answer in answers if isinstance(answer, ProviderError)]
    partial = any(not isinstance(error, KeyMissing) for error in failed)
    return Suggested(tuple(candidates), tuple(error.message for error in failed), partial)


async def _ask(generator: Generator, month: Month, variant: str, count: int) -> SuggestResult | ProviderError:
    try:
        with failure_of(generator.name):
            return await generator.suggest(month, variant, count)
    except ProviderError as refused:
        return refused


def _why_none(generator: Generator, answer: SuggestResult | ProviderError) -> ProviderError:
    if isinstance(answer, ProviderError):
        return answer
    dropped = f", {len(answer.dropped)} items unusable" if answer.dropped else ""
    return BadAnswer(generator.label, f"named {len(answer.candidates)} books{dropped}")
