"""Prints the review queue as lines that fold: each question, why it is asked, and the commands that answer it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from alexandria.cli.output.books import ISBN_LENGTH
from alexandria.core.provider_facts import label
from alexandria.operations.review import WORDS, ReviewAnswer, ReviewItem
from alexandria.operations.status_style import describe_score
from alexandria.operations.terminal.formatting import folded


def of_queue(found: ReviewAnswer) -> Iterator[RenderableType]:
    """Each question with its book, its reasons, the records that it is about, and how to answer it."""
    for each in found.items:
        yield folded(f"{each.subject:{ISBN_LENGTH}}  {each.title}")
        yield folded("; ".join(_facts(each)), ISBN_LENGTH + 2)
        for record in each.records:
            yield folded(_record(record, each.score_version), ISBN_LENGTH + 2)
        for answer in _answers(each):
            yield folded(f"alexandria curate {answer} --why REASON", ISBN_LENGTH + 2)


def _facts(item: ReviewItem) -> Iterator[str]:
    yield f"{item.author}, {item.first_published}" if item.first_published else item.author
    yield from (WORDS[reason] for reason in item.reasons)
    if item.named_title and item.named_title != item.title:
        yield f"named {item.named_title} by {item.named_author}"
    yield f"named by {', '.join(item.months)}"
    yield f"book {item.work_id}"


def _record(record: dict[str, object], version: int | None) -> str:
    score = record.get("score")
    fit = describe_score(float(str(score)), version) if score is not None and version is not None else ""
    authors = record.get("authors")
    names = ", ".join(map(str, authors)) if isinstance(authors, list) else ""
    facts = filter(None, (f"{record.get('title')} by {names}", record.get("isbn13"), record.get("published")))
    return f"{record.get('verdict')} {fit}, {label(str(record.get('source')))}: {', '.join(map(str, facts))}"


def _answers(item: ReviewItem) -> Iterator[str]:
    """The commands that accept, and that reject."""
    if item.month is not None:
        yield f"accept {item.work_id} --month {item.month}"
        yield f"exclude {item.work_id} --month {item.month}"
        return
    yield (
        f"accept {item.work_id} --isbn {item.isbn13}"
        if item.accept == "accept"
        else f"pin {item.work_id} {item.isbn13}"
    )
    yield f"reject {item.work_id} {item.isbn13}"
