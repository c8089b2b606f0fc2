"""Resolves a long list of titles, some at once and answered in order, so that it can be stopped and continued."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from collections.abc import AsyncGenerator, Sequence

from alexandria.backfill.lists.answer_file import continued
from alexandria.backfill.lists.isbn_check import GivenRecords, look_up_isbns
from alexandria.backfill.lists.questions import REFUSED, Answer, Id, Line, Question, Readable, lines_of, read, read_one
from alexandria.backfill.resolve import look_up, recognise
from alexandria.backfill.source_selection import SourcePool, SourceSelector
from alexandria.catalogue.matching.scoring import ACCEPT, DOUBT, REFUSE
from alexandria.catalogue.models import Resolution
from alexandria.core import errors
from alexandria.core.retrying import RetryingCaller
from alexandria.database.pool import Database

__all__ = ["REFUSED", "Answer", "Line", "answers", "continued", "lines_of", "read", "read_one"]

LOOKUP_CONCURRENCY = 16  # lines looked up together
SOURCE_RETRY_INTERVAL = 50  # lines after which sources that failed are tried again
DATABASE_RETRY_TIMEOUT = 20.0  # seconds for which the database may fail a line before the list ends


async def answers(lines: Sequence[Readable], pool: SourcePool, database: Database) -> AsyncGenerator[Answer]:
    """Yield an answer for each line, in order.

    Raises QuotaSpent at the first line that stays open because a source's daily quota is used up, and NoSources at one
    that no source could be asked about: neither is an answer. A line that the database fails, as a busy or restarted one
    does, is tried again for a while, and what it was answered already is stored; then DatabaseUnavailable or DatabaseBusy.
    """
    retried = RetryingCaller(attempts=None, timeout=DATABASE_RETRY_TIMEOUT).on(
        (errors.DatabaseUnavailable, errors.DatabaseBusy)
    )
    under_way: deque[asyncio.Task[Answer]] = deque()
    selector, known = SourceSelector(pool), GivenRecords()
    try:
        for count, line in enumerate(lines):
            if count % SOURCE_RETRY_INTERVAL == 0:
                selector = SourceSelector(pool) if count else selector
                known = await retried(_records_of, lines[count : count + SOURCE_RETRY_INTERVAL], pool)
            under_way.append(asyncio.create_task(retried(_answer, line, known, pool, selector, database)))
            if len(under_way) == LOOKUP_CONCURRENCY:
                yield await under_way.popleft()
        while under_way:
            yield await under_way.popleft()
    except errors.AlexandriaError:
        await asyncio.gather(*under_way, return_exceptions=True)  # what was sent is paid: its answer is stored
        raise
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _records_of(lines: Sequence[Readable], pool: SourcePool) -> GivenRecords:
    """What the sources know of the ISBNs that these lines give."""
    asked = [question for line in lines if isinstance(question := line.read(), Question)]
    return await look_up_isbns([isbn for question in asked for isbn in question.isbns], pool.sources)


async def _answer(
    line: Readable, known: GivenRecords, pool: SourcePool, selector: SourceSelector, database: Database
) -> Answer:
    asked = line.read()
    if isinstance(asked, Answer):
        return asked
    notes = [f"{asked.misread!r} is no ISBN"] if asked.misread else []
    for isbn in asked.isbns:
        finding = known.check(isbn, asked.candidate)
        if finding.confirmed is not None:
            scored = finding.confirmed
            reasons = [*notes, finding.note, *scored.reasons]
            return Answer(asked.id, isbn, ACCEPT, round(scored.score, 2), scored.hit.source.provider, reasons)
        notes.append(finding.note)
    held, refusals = await recognise(asked.candidate, database)
    found = held or await look_up(None, asked.candidate, selector, refusals)
    if found.isbn13 is None:
        _need_sources(found, pool, selector)
    answer = _answer_of(asked.id, found)
    return dataclasses.replace(answer, reasons=[*notes, *answer.reasons])


def _need_sources(found: Resolution, pool: SourcePool, selector: SourceSelector) -> None:
    """Raises QuotaSpent or NoSources if sources that were needed could not be asked."""
    lacking = [error for name, error in selector.out.items() if name in found.unavailable]
    spent = [error for error in lacking if isinstance(error, errors.QuotaSpent)]
    if spent:
        raise min(spent, key=lambda error: error.until)
    if len(found.unavailable) == len(pool.sources):
        data = "; ".join(found.unavailable.values()) or "none is configured"
        raise errors.NoSources(f"no source could be asked: {data}", tuple(lacking))


def _answer_of(id_: Id, found: Resolution) -> Answer:
    if found.isbn13 is not None:
        return Answer(id_, found.isbn13, ACCEPT, round(found.score, 2), found.source, found.reason.split("; "))
    best = max(found.considered, key=lambda scored: scored.score, default=None)
    open_ = any(scored.verdict != REFUSE for scored in found.considered)
    score = round(best.score, 2) if best else 0.0
    return Answer(id_, None, DOUBT if open_ else REFUSE, score, "", [found.reason, *found.unavailable.values()])
