"""The source Wikidata, which is also a generator that needs no key."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from typing import Any

import httpx2

from alexandria.catalogue.languages import language
from alexandria.catalogue.matching.titles import read as read_title
from alexandria.catalogue.models import Candidate, EditionRecord, OtherTitle, PartialDate, SourceRecord
from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.providers import fields, prompts, search_terms
from alexandria.providers.base import SuggestResult
from alexandria.providers.client import ProviderClient, Request, json_of, status_error
from alexandria.providers.fields import UnusableRecord
from alexandria.providers.front_pages import OUTAGE_WORDS, wall_before
from alexandria.providers.refusals import sentence_in, sentence_of, with_sentence
from alexandria.providers.retry_hints import header_wait, texts_in

CACHE_LIFETIME = timedelta(days=30)  # that an answer serves
BAN_PAUSE = timedelta(days=1)  # when no end is named, and at most
ROWS_PER_WORK = 4  # that a month's query must have room for: one for each author
ITEM = re.compile(r"http://www\.wikidata\.org/entity/(Q\d+)")
UNNAMED = re.compile(r"Q\d+")  # the label service's word for an item without a label
BUSY_WORDS = re.compile(rf"{OUTAGE_WORDS.pattern}|\bmaxlag\b|\blagged\b", re.IGNORECASE)
UNTIL = re.compile(r"until (\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)")
LABELS = 'SERVICE wikibase:label { bd:serviceParam wikibase:language "en,mul,fr,de,es,it,pt,nl,sv,pl,ru,ja,zh". }'
# Of the titles and names that an edition may have elsewhere.
LANGUAGES = (
    '"en", "mul", "fr", "de", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "hu", "ro", "tr", "ru", '
    '"uk", "bg", "sr", "hr", "el", "ja", "zh", "zh-hans", "zh-hant", "ko", "ar", "fa", "he", "hi", "id", "ca"'
)

QUERIES = resources.files("alexandria.providers") / "sparql"
EDITIONS, MONTH = ((QUERIES / f"{name}.sparql").read_text("utf-8") for name in ("editions", "month"))

Row = Mapping[str, str]


class Wikidata:
    """The source and the generator "wikidata"."""

    name = label = "wikidata"

    def __init__(self, client: ProviderClient) -> None:
        self._client = client
        self.paid = client.facts.paid

    async def find(self, candidate: Candidate) -> Sequence[EditionRecord]:
        """Items with an ISBN that are the work, or an edition of it, by main title and author's family name."""
        title, family = search_terms.main_title(candidate), search_terms.family_name(candidate)
        if not title:
            return []
        tongue = read_title(candidate.title).tongue or "en"
        asked = {"title": title, "language": tongue, "family": family, "labels": LABELS, "languages": LANGUAGES}
        rows, at = await self._ask(EDITIONS % asked)
        works, items = _grouped(rows, "work"), _grouped(rows, "item")
        return fields.usable(
            _read(key, of_item, works.get(_item(of_item[0].get("work")), ()), at) for key, of_item in items.items()
        )

    async def suggest(self, month: Month, variant: str, count: int) -> SuggestResult:
        """The `count` works first published in `month` that most encyclopedias have an article on.

        Every `variant` gives the same: Wikidata takes no advice. Raises BadInput for an unknown one.
        """
        prompts.known(variant)
        end = date(month.year + month.month // 12, month.month % 12 + 1, 1)
        bounds = {"start": f"{month.first_day}T00:00:00Z", "end": f"{end}T00:00:00Z", "year": month.year}
        rows, _ = await self._ask(MONTH % (bounds | {"limit": count * ROWS_PER_WORK, "labels": LABELS}))
        return _named(rows, month, count)

    async def _ask(self, query: str) -> tuple[list[Row], datetime]:
        request = Request(
            "GET",
            "/sparql",
            params={"query": query},
            headers={"Accept": "application/sparql-results+json"},
            explain=self._explain,
        )
        return await self._client.fetch(request, self._rows, life=CACHE_LIFETIME)

    def _rows(self, response: httpx2.Response) -> list[Row]:
        """Each row's bound variables as text; nodes without a name ("some value") are as good as unbound."""
        body = json_of(self.name, response)  # a query that ran too long breaks off in mid-answer
        results = body.get("results") if isinstance(body, dict) else None
        if results is None and BUSY_WORDS.search(texts_in(body)):
            summary = with_sentence("cannot answer now", sentence_in(body))
            raise errors.ProviderDown(self.name, summary, retry_after=header_wait(response) or None)
        bindings = results.get("bindings") if isinstance(results, dict) else None
        if not isinstance(bindings, list):
            raise errors.BadAnswer(self.name, "the answer holds no rows")
        return [_bound(binding) for binding in bindings[: fields.MAX_RECORDS] if isinstance(binding, dict)]

    def _explain(self, response: httpx2.Response) -> errors.ProviderError | None:
        if response.status_code != 403:
            return status_error(self.name, response)
        sentence, wait = sentence_of(response), header_wait(response)
        if "banned" in response.text:
            summary = with_sentence("has banned us for asking too much", sentence)
            until = datetime.now(UTC) + timedelta(seconds=wait) if wait else _end_of_ban(response.text)
            return errors.QuotaSpent(self.name, summary, until=until)
        if wait or wall_before(response):
            return status_error(self.name, response)
        hint = "set ALEXANDRIA_CONTACT to a mail address or URL; Wikidata wants to know whom to write to"
        return errors.KeyRefused(self.name, with_sentence("refuses our User-Agent", sentence), hint=hint)


def _end_of_ban(text: str) -> datetime:
    until = UNTIL.search(text)
    with contextlib.suppress(ValueError):
        if until:
            end = datetime.fromisoformat(f"{until[1]}T{until[2]}+00:00")
            return min(end, datetime.now(UTC) + BAN_PAUSE)
    return datetime.now(UTC) + BAN_PAUSE


def _bound(binding: Mapping[str, Any]) -> Row:
    values = {
        name: value for name, value in binding.items() if isinstance(value, dict) and value.get("type") != "bnode"
    }
    stated = {"known_language": language(values["known"].get("xml:lang"))} if "known" in values else {}
    return {name: fields.text(value.get("value")) for name, value in values.items()} | stated


def _item(uri: str | None) -> str:
    found = ITEM.fullmatch(uri or "")
    return found[1] if found else ""


def _grouped(rows: Iterable[Row], name: str) -> dict[str, list[Row]]:
    """The rows of each item: what differs between them, it has several of."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        key = _item(row.get(name))
        if key:
            groups.setdefault(key, []).append(row)
    return groups


def _all(rows: Sequence[Row], name: str) -> list[str]:
    return list(dict.fromkeys(row[name] for row in rows if row.get(name)))


def _known_titles(of_work: Sequence[Row]) -> list[OtherTitle]:
    return [OtherTitle(row["known"], row.get("known_language", "")) for row in of_work if row.get("known")]


def _labels(rows: Sequence[Row], name: str) -> list[str]:
    return [label for label in _all(rows, name) if not UNNAMED.fullmatch(label)]


def _only(rows: Sequence[Row], name: str) -> str:
    """The one value of `name`; "" if there is none, or more than one to choose from."""
    values = _all(rows, name)
    return values[0] if len(values) == 1 else ""


def _read(key: str, rows: Sequence[Row], of_work: Sequence[Row], at: datetime) -> EditionRecord | UnusableRecord:
    """An item as a hit, or why it is none. One with several ISBNs stands for several editions.

    `of_work` are the rows of its work, among them its titles in all languages and the names of its authors.
    """
    titles = _labels(rows, "itemLabel") or _labels(rows, "workLabel")
    isbns = fields.isbns(_all(rows, "isbn"))
    if not titles:
        return UnusableRecord(Wikidata.name, key, "no title in a language we ask for")
    if not isbns:
        return UnusableRecord(Wikidata.name, key, "no valid ISBN")
    authors = fields.names(_labels(rows, "authorLabel"))
    dates = [dated for dated in map(_dated, rows) if dated]
    return EditionRecord(
        SourceRecord(Wikidata.name, key, at),
        titles[0],
        authors=authors,
        isbn13=fields.only_isbn(isbns),
        published=min(dates, key=str, default=None),
        first_published=min(filter(None, map(fields.year, _all(rows, "first"))), default=None),
        language=language(_only(rows, "language")),
        pages=fields.pages(_only(rows, "pages").removeprefix("+")),
        work_key=_item(rows[0].get("work")),
        related=isbns if len(isbns) > 1 else (),
        other_titles=fields.others((*titles[1:], *_labels(rows, "workLabel"), *_known_titles(of_work)), titles[:1]),
        other_names=fields.others(fields.names(_all(of_work, "alias")), authors),
    )


def _dated(row: Row) -> PartialDate | None:
    """A date is always written in full; its precision is how much of it is known (9 year, 10 month, 11 day)."""
    full = fields.date(row.get("date"))
    match row.get("precision"):
        case "11":
            return full
        case "10" if full:
            return PartialDate(full.year, full.month)
        case "9" if full:
            return PartialDate(full.year)
        case None:
            return fields.padded_date(row.get("date"))
        case _:
            return None


def _named(rows: Iterable[Row], month: Month, count: int) -> SuggestResult:
    """The works of the rows as candidates, the most widely known first, and why the others were dropped."""
    works = _grouped(rows, "work")
    candidates: list[Candidate] = []
    dropped: list[str] = []
    for key in sorted(works, key=lambda key: -_number(_only(works[key], "sitelinks"))):
        titles, authors = _labels(works[key], "workLabel"), fields.names(_labels(works[key], "authorLabel"))
        if not (titles and authors):
            dropped.append(f"{key}: no title or author in a language we ask for")
        elif len(candidates) < count:
            by = ", ".join(authors)
            candidates.append(Candidate(titles[0], by, month.year, month.month, named_by=(Wikidata.name,)))
    return SuggestResult(tuple(candidates), tuple(dropped))


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0
