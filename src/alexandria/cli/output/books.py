"""Prints books as lines that fold, so that no title and no ISBN is cut on a narrow terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from alexandria.core.provider_facts import label
from alexandria.operations.book_schemas import BooksAnswer, DecisionRow, EditionRow, ListedBook, WorkAnswer
from alexandria.operations.decision_schemas import describe
from alexandria.operations.status_style import EVIDENCE, describe_score
from alexandria.operations.terminal.formatting import folded as _line
from alexandria.operations.terminal.formatting import heading

NO_ISBN = "no ISBN"
ISBN_LENGTH = 13


def of_books(found: BooksAnswer) -> Iterator[RenderableType]:
    """Each book with its ISBN and title, and what is known of it below."""
    for each in found.books:
        yield _line(f"{each.isbn13 or NO_ISBN:{ISBN_LENGTH}}  {each.title}")
        yield _line("; ".join(_facts(each)), ISBN_LENGTH + 2)


def of_work(found: WorkAnswer) -> Iterator[RenderableType]:
    """A book: its people, editions with the records that they rest on, and decisions with the evidence."""
    yield _line(found.title)
    people = [f"{each.name} ({each.role})" if each.role != "author" else each.name for each in found.contributors]
    yield _line(", ".join(people) or found.author, 2)
    dated = f"first published {found.first_published}" if found.first_published else ""
    yield _line("; ".join(filter(None, (f"book {found.id}", dated, found.language, _words(found.status)))), 2)
    if found.other_titles:
        titles = (f"{each.title} ({each.language})" if each.language else each.title for each in found.other_titles)
        yield _line(f"also known as {'; '.join(titles)}", 2)
    for each in found.merged:
        yield _line(f"merged with {each.title} by {each.author} (book {each.id})", 2)
    yield heading(f"Editions: {found.total_editions}")
    for edition in found.editions:
        yield from _edition(edition)
    yield heading(f"Decisions: {found.total_decisions}")
    for decision in found.decisions:
        yield from _decision(decision)
    if found.curation:
        yield heading(f"Decisions of persons: version {found.version}")
    for made in found.curation:
        undone = f" (undone by {made.undone_by})" if made.undone_by else ""
        yield _line(f"{made.id}  {describe(made)}{undone}")


def _facts(found: ListedBook) -> Iterator[str]:
    yield f"{found.author}, {found.first_published}" if found.first_published else found.author
    if found.score is not None and found.score_version is not None:
        yield f"{label(found.source)} {describe_score(found.score, found.score_version)}"
    else:
        yield _words(found.status)
    if found.reviewed:
        yield "reviewed by a person"
    if found.needs_review:
        yield "needs review"
    if found.months:
        yield f"{', '.join(found.months)} {found.in_month}" if found.isbn13 else ", ".join(found.months)
    yield f"book {found.id}"


def _edition(found: EditionRow) -> Iterator[RenderableType]:
    pages = f"{found.pages} pages" if found.pages else ""
    beside = "found beside the edition that a month wanted" if found.related else ""
    withdrawn = "withdrawn by a person" if found.withdrawn else ""
    facts = (found.publisher, found.published, found.binding, pages, found.language, beside, withdrawn)
    yield _line(f"{found.isbn13}  {found.title}" + (f": {found.subtitle}" if found.subtitle else ""))
    yield _line("; ".join(filter(None, facts)), ISBN_LENGTH + 2)
    records: dict[str, list[str]] = {}
    for each in found.fields:
        records.setdefault(f"{label(each.provider)} {each.id} {each.page}".rstrip(), []).append(each.field)
    for record, fields in records.items():
        yield _line(f"{', '.join(fields)}: {record}", ISBN_LENGTH + 2)


def _decision(found: DecisionRow) -> Iterator[RenderableType]:
    yield _line(f"{found.month}  {found.isbn13 or NO_ISBN}: {found.title} by {found.author}")
    if found.excluded:
        yield _line("excluded by a person", 9)
    elif found.reviewed_isbn13 != found.isbn13:
        yield _line(f"after review: {found.reviewed_isbn13 or NO_ISBN}", 9)
    score = f", {describe_score(found.score, found.score_version)}" if found.isbn13 else ""
    dated = f"; first publication in the month {found.in_month}" if found.isbn13 else ""
    source = f"{label(found.source)}{score}: " if found.source else ""
    yield _line(f"{source}{found.reason}{dated}", 9)
    for each in found.evidence:
        title = f"{each['title']} by {', '.join(each.get('authors') or ['nobody'])}"
        facts = filter(None, (title, each.get("isbn13"), each.get("published"), "; ".join(each.get("reasons") or ())))
        score = describe_score(each["score"], found.score_version)
        yield _line(
            f"{each['verdict']} {score}, {label(each['source'])} {each.get('source_id', '')}: {', '.join(facts)}", 9
        )
    for source, reason in found.unavailable.items():
        yield _line(f"{label(source)} not available: {reason}", 9)


def _words(status: str) -> str:
    return EVIDENCE[status].words.removeprefix("no ISBN: ")
