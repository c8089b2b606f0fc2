"""Prints months and quotas as tables, from the same schemas that the HTTP API answers with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table

from alexandria.backfill.status import Status
from alexandria.core.grammar import counted
from alexandria.core.month import Month
from alexandria.core.provider_facts import label
from alexandria.operations import quota_schemas, schemas
from alexandria.operations.decision_schemas import describe as describe_decision
from alexandria.operations.incidents import RecordedIncident
from alexandria.operations.status_style import describe_score, display_state
from alexandria.operations.terminal.formatting import chip, format_value, heading, table

if TYPE_CHECKING:
    from alexandria.operations.earlier_results import EarlierAnswer, EarlierResult


def of_months(found: schemas.MonthsAnswer) -> Iterator[RenderableType]:
    if found.months:
        columns = ["month", "status", "books#", "with ISBN#", "rate#", "retries#", "since", "why"]
        yield table(columns, [_line(row) for row in found.months])


def of_month(found: schemas.MonthAnswer, *, evidence: bool) -> Iterator[RenderableType]:
    facts = found.model_dump(exclude={"attempts", "candidates", "calls", "in_month", "after_review", "moved_here"})
    dated = ", ".join(f"{answer} {books}" for answer, books in found.in_month.model_dump().items())
    facts["published in this month"] = dated
    key = str(Month(found.year, found.month))
    elsewhere = [book for book in found.candidates if book.counts_for != key]
    if elsewhere or found.moved_here or any(book.decisions for book in found.candidates):
        facts["after review"] = (
            f"{found.after_review.resolved} of {counted(found.after_review.books, 'book')} with an ISBN"
        )
    yield table(["", key], [(name, value) for name, value in facts.items()])
    if found.attempts:
        columns = ["began", "ended", "outcome", "worker", "reason"]
        attempts = [(a.began_at, a.ended_at, a.outcome, a.worker, a.reason) for a in found.attempts]
        yield heading("Attempts")
        yield table(columns, attempts)
    if found.candidates:
        yield heading("Books")
        yield of_candidates(found.candidates)
        for book in found.candidates:
            yield from (f"{book.title}: {describe_decision(made)}" for made in book.decisions)
        for book in elsewhere:
            yield f"{book.title}: " + (f"counts for {book.counts_for}" if book.counts_for else "counts for no month")
        for candidate in found.candidates if evidence else ():
            yield from of_evidence(candidate)
    if found.moved_here:
        yield heading("Moved here from other months")
        moved = [(each.title, each.author, each.named_in) for each in found.moved_here]
        yield table(["title", "author", "named by"], moved)
    if found.calls:
        calls = [(c.provider, c.calls, c.units, c.refused) for c in found.calls]
        yield heading("Calls")
        yield table(["provider", "calls#", "units#", "refused#"], calls)


def of_candidates(found: list[schemas.CandidateRow]) -> Table:
    columns = ["title", "author", "ISBN", "in month", "source", "score#", "named by", "why"]
    rows = [
        (
            *(c.title, c.author, c.isbn13, c.in_month if c.isbn13 else "", label(c.source or "")),
            describe_score(c.score, c.score_version),
            *(c.named_by, c.reason),
        )
        for c in found
    ]
    return table(columns, rows)


def of_evidence(found: schemas.CandidateRow) -> Iterator[RenderableType]:
    """Every record that was considered for a book, and what each field of its edition rests on."""
    yield from _considered(found)
    records: dict[str, list[str]] = {}
    for each in found.fields:
        records.setdefault(f"{label(each.provider)} {each.id}, fetched {format_value(each.fetched_at)}", []).append(
            each.field
        )
    yield from (f"{', '.join(fields)}: from {record}" for record, fields in records.items())
    yield from (f"not asked: {reason}" for reason in found.unavailable.values())
    if found.look_again_at:
        yield f"looked up {found.looks} times, again {format_value(found.look_again_at)}"


def of_earlier(found: EarlierAnswer, *, evidence: bool) -> Iterator[RenderableType]:
    """Results that later ones replaced, newest first."""
    if found.results:
        columns = ["replaced", "title", "author", "ISBN", "source", "score#", "why"]
        yield table(columns, [_earlier_line(each) for each in found.results])
    for each in found.results if evidence else ():
        yield from _considered(each)


def _earlier_line(each: EarlierResult) -> tuple[object, ...]:
    score = describe_score(each.score, each.score_version)
    return each.replaced_at, each.title, each.author, each.isbn13, label(each.source or ""), score, each.reason


def _considered(found: schemas.RecordedResult) -> Iterator[RenderableType]:
    """Every record that was considered for a book."""
    yield heading(f"{found.title}, {found.author}: {found.isbn13 or 'no ISBN'}")
    if found.evidence:
        columns = ["verdict", "score#", "ISBN", "title", "authors", "published", "source", "reasons"]
        names = ("isbn13", "title", "authors", "published")
        rows = [
            (
                hit["verdict"],
                describe_score(hit["score"], found.score_version),
                *(hit[name] for name in names),
                f"{label(hit['source'])} {hit['source_id']}",
                "; ".join(hit["reasons"]),
            )
            for hit in found.evidence
        ]
        yield table(columns, rows)


def of_incidents(found: list[RecordedIncident]) -> Iterator[RenderableType]:
    """Each with its times in a line, and what it is about below it."""
    for each in found:
        until = f"to {format_value(each.cleared_at)}, cleared" if each.cleared_at else "until now"
        yield f"{each.kind}: from {format_value(each.began_at)} {until}"
        yield f"  {each.reason}"
        if each.fix and each.cleared_at is None:
            yield f"  what to do: {each.fix}"


def of_quota(found: quota_schemas.QuotaStatus) -> Table:
    columns = [
        "provider",
        "used#",
        "reserved#",
        "limit for backfill#",
        "total limit#",
        "used %#",
        "next day",
        "requests/s#",
        "paused",
    ]
    rows = [
        (
            name,
            each.used,
            each.reserved,
            each.safety_limit,
            each.daily_limit,
            each.percentage_used,
            each.reset_at,
            f"{each.rate:g}",
            f"until {format_value(each.paused_until)}: {each.pause_reason}" if each.paused_until else "",
        )
        for name, each in found.providers.items()
    ]
    return table(columns, rows)


def oddities(found: quota_schemas.QuotaStatus) -> Iterator[str]:
    """What the providers' own count differs in."""
    yield from (f"{name}: {each.plan_note}" for name, each in found.providers.items() if each.plan_note)


def _line(row: schemas.MonthRow) -> tuple[object, ...]:
    label = display_state(row.status, row.blocked_reason)
    done = row.status is Status.COMPLETED
    why = row.blocked_reason or row.error_message or ""
    if row.next_attempt_at:
        why = f"until {format_value(row.next_attempt_at)}: {why}"
    counts = (row.books_generated, row.isbns_resolved, f"{row.resolution_rate:.1f} %") if done else ("", "", "")
    return Month(row.year, row.month), chip(label, label), *counts, row.retry_count, row.updated_at, why
