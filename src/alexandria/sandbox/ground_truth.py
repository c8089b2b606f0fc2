"""Holds which answers are right: what the models have named so far, and the work that each of them meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from alexandria.core.month import Month
from alexandria.sandbox.corpus import Corpus, Edition, Work, words
from alexandria.sandbox.distractors import Relatives, form_of, is_meant, other_work, work_id


@dataclass(slots=True)
class NamedBook:
    """One spelling of one book. `work` is None for an invented one. The sets grow with every model that names it."""

    title: str
    author: str
    work: Work | None
    by: set[str] = field(default_factory=set)
    months: set[Month] = field(default_factory=set)


class Truth:
    """The register of everything named, and the corpus's facts about any ISBN."""

    def __init__(self, corpus: Corpus, relatives: Relatives) -> None:
        self._corpus, self._relatives = corpus, relatives
        self._named: dict[tuple[str, str], NamedBook] = {}

    def note(self, provider: str, month: Month, title: str, author: str, work: Work | None) -> None:
        named = self._named.setdefault(_spelling(title, author), NamedBook(title, author, work))
        named.by.add(provider)
        named.months.add(month)

    def whole(self) -> list[dict[str, Any]]:
        return [self._describe(named) for _, named in sorted(self._named.items())]

    def of(self, title: str, author: str) -> dict[str, Any] | None:
        """What a model meant by this spelling, or by this title; else the corpus's book of that name; else None."""
        named = self._named.get(_spelling(title, author)) or self._meant(title)
        if named is None:
            work = self._corpus.work_named(title, author)
            named = NamedBook(title, author, work) if work else None
        return None if named is None else self._describe(named)

    def of_isbn(self, isbn13: str) -> dict[str, Any] | None:
        """To which work an ISBN belongs. `kind`: edition (of the file), variant (made up, the same work) or
        look-alike (made up, a work of its own)."""
        edition = self._corpus.edition(isbn13) or self._relatives.edition(isbn13)
        if edition is None:
            return None
        work = self._corpus.works[edition.work]
        facts = {"isbn13": isbn13, "title": edition.title, "authors": list(edition.authors)}
        facts |= {"published": edition.published, "language": edition.language, "kind": _kind(edition)}
        return facts | {"form": edition.form, "work_id": work_id(edition, work), "about": work.id}

    def _meant(self, title: str) -> NamedBook | None:
        """Who merges what two models named may take the title from one and the author from the other."""
        asked, _ = _spelling(title, "")
        titled = [named for (spelt, _), named in self._named.items() if spelt == asked]
        works = {named.work.number if named.work else None for named in titled}
        return titled[0] if len(works) == 1 else None

    def _describe(self, named: NamedBook) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "title": named.title,
            "author": named.author,
            "named_by": sorted(named.by),
            "months": [str(month) for month in sorted(named.months)],
            "invented": named.work is None,
            "isbns": [],
            "variants": [],
        }
        if named.work is not None:
            face, kin = named.work.face, self._relatives.of(named.work)
            facts |= {"work_id": named.work.id, "true_title": face.title, "true_authors": list(face.authors)}
            facts["isbns"] = [edition.isbn13 for edition in named.work.editions]
            facts["variants"] = [
                {"isbn13": edition.isbn13, "form": edition.form, "meant": is_meant(edition)}
                for edition in kin
                if not other_work(edition)
            ]
        return facts


def _kind(edition: Edition) -> str:
    form = form_of(edition)
    if form is None:
        return "edition"
    return "variant" if form.same_work else "look-alike"


def _spelling(title: str, author: str) -> tuple[str, str]:
    return " ".join(words(title)), " ".join(words(author))
