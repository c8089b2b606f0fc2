"""The source Open Library. It answers with works; an ISBN counts only where it belongs to one edition."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

import httpx2
from pydantic import BeforeValidator, ConfigDict, PlainValidator

from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, OtherTitle, SourceRecord
from alexandria.core import errors
from alexandria.core.lazy_model import LazyModel
from alexandria.providers import fields, search_terms
from alexandria.providers.client import (
    NEGATIVE_LIFETIME,
    ProviderClient,
    Request,
    json_of,
    status_error,
)
from alexandria.providers.fields import UnusableRecord
from alexandria.providers.front_pages import OUTAGE_WORDS, wall_before
from alexandria.providers.refusals import sentence_in, sentence_of, with_sentence
from alexandria.providers.retry_hints import header_wait

CACHE_LIFETIME = timedelta(days=30)  # that an answer serves
MAX_WORKS = 5  # of a search for title and author
MAX_WORKS_OF_AUTHOR = 50  # of a search for the author alone
MAX_TITLES = 100  # of a work that are compared with the one named
MAX_ISBNS = 40  # of works without a telling edition that one follow-up asks about
NO_PRINT = re.compile(r"audio|cassette|\bcd\b|mp3|e-?book|kindle|electronic", re.IGNORECASE)
MAX_RELATED = 20  # ISBNs of a work's other editions that are worth keeping
BULK_SIZE = 25  # ISBNs of one look-up, as its maintainers ask
MAX_SUBJECTS = 30  # of a work that are worth keeping
# Lists and loans that stand among the subjects: "nyt:hardcover-fiction=2013-05-26", "Accessible book".
NO_SUBJECT = re.compile(r"\w+:\S*|accessible book|protected daisy|(?:in|lending) library|overdrive", re.IGNORECASE)
FIELDS = (
    "key,title,subtitle,alternative_title,author_name,author_alternative_name,first_publish_year,isbn,"
    "editions,editions.key,editions.title,editions.subtitle,editions.isbn,editions.publish_date,editions.publisher,"
    "editions.format,editions.language"
)
WORK_FIELDS = ("key", "title", "alternative_title", "author_name", "first_publish_year", "isbn", "subject")


def _padded(value: object) -> str:
    """Titles come with blanks and asterisks around them."""
    return fields.text(value).strip("* ")


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value[: fields.MAX_RECORDS] if isinstance(one, dict)] if isinstance(value, list) else []


def _docs(value: object) -> list[dict[str, Any]]:
    return _dicts(value.get("docs")) if isinstance(value, dict) else []


def _names(value: object) -> tuple[str, ...]:
    """Authors of an edition: {"name"} where Open Library gives it, else {"key"} alone."""
    return fields.names([one.get("name") for one in _dicts(value)])


def _key(value: object) -> str:
    return next((fields.text(one.get("key")) for one in _dicts(value)), "")


def _subjects(value: object) -> tuple[str, ...]:
    return tuple(name for name in fields.texts(value) if not NO_SUBJECT.fullmatch(name))[:MAX_SUBJECTS]


Title = Annotated[str, BeforeValidator(_padded)]
Subjects = Annotated[tuple[str, ...], PlainValidator(_subjects)]


class _Edition(LazyModel):
    """The best-matching edition of a work, nested in a hit of the search."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    key: fields.Text = ""
    title: Title = ""
    subtitle: Title = ""
    isbn: fields.Isbns = ()
    publish_date: fields.Date = None
    publisher: fields.FirstText = ""
    format: fields.FirstText = ""
    language: fields.Language = ""


class _Work(LazyModel):
    """A hit of the search. Its `isbn` mixes all editions in all languages."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    key: fields.Text = ""
    title: Title = ""
    subtitle: Title = ""
    alternative_title: fields.Texts = ()
    author_name: fields.Names = ()
    author_alternative_name: fields.Names = ()
    first_publish_year: fields.Year = None
    isbn: fields.Isbns = ()
    subject: Subjects = ()
    editions: Annotated[tuple[_Edition, ...], BeforeValidator(_docs)] = ()


class _Details(LazyModel):
    """An edition's own record."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    key: fields.Text = ""
    title: Title = ""
    subtitle: Title = ""
    other_titles: fields.Texts = ()
    work_titles: fields.Texts = ()
    translation_of: fields.Texts = ()
    translated_from: fields.Language = ""
    isbn_13: fields.Isbns = ()
    isbn_10: fields.Isbns = ()
    authors: Annotated[tuple[str, ...], BeforeValidator(_names)] = ()
    works: Annotated[str, BeforeValidator(_key)] = ""
    publish_date: fields.Date = None
    publishers: fields.FirstText = ""
    physical_format: fields.Text = ""
    number_of_pages: fields.Pages = None
    languages: fields.Language = ""
    series: fields.FirstText = ""
    subjects: Subjects = ()


class OpenLibrary:
    """The source "open_library". It wants no key, but to know whom to write to."""

    name = "open_library"

    def __init__(self, client: ProviderClient) -> None:
        self._client = client
        self.paid = client.facts.paid

    async def find(self, candidate: Candidate) -> Sequence[EditionRecord]:
        """Editions of works found by title and author.

        Works whose best edition lacks facts get a second request, for all their ISBNs together.
        """
        return await self._search(candidate, _search_by_title(candidate))

    async def find_widely(self, candidate: Candidate) -> Sequence[EditionRecord]:
        """As `find`, by the main title, else all that the author wrote."""
        for asked in _wider_searches(candidate):
            if found := await self._search(candidate, asked):
                return found
        return []

    async def _search(self, candidate: Candidate, asked: Mapping[str, str]) -> Sequence[EditionRecord]:
        docs, at = await self._client.fetch(self._request("/search.json", asked), self._found, life=CACHE_LIFETIME)
        works = [_Work.model_validate(doc) for doc in docs]
        found = [hit for work in works for hit in _editions_of(work, at)]
        settled = {hit.work_key for hit in found if isinstance(hit, EditionRecord) and _tells(hit, candidate)}
        followed = [
            work for work in works if work.key not in settled and _lists_more(work) and _resembles(work, candidate)
        ]
        return fields.usable([*found, *await self._follow_up(followed)])

    async def by_isbns(self, isbns: Iterable[Isbn13]) -> dict[Isbn13, EditionRecord]:
        """The editions with these ISBNs; unknown ones are absent. Two requests for BULK, none for those asked before.

        What was fetched before an error is stored, and free next time.
        """
        found: dict[Isbn13, EditionRecord] = {}
        missing = []
        for isbn in dict.fromkeys(isbns):
            known = await self._client.read_cache(_address(isbn))
            if known is None:
                missing.append(isbn)
            else:
                found |= _of_isbn(isbn, *known)
        for start in range(0, len(missing), BULK_SIZE):
            found |= await self._fetch(missing[start : start + BULK_SIZE])
        return found

    async def _fetch(self, isbns: Sequence[Isbn13]) -> dict[Isbn13, EditionRecord]:
        """Editions by number, then the works behind them; each is kept by its ISBN, so that it serves any grouping."""
        editions = await self._client.fetch_uncached(self._numbers(isbns), self._by_number)
        works = await self._works_of([isbn for isbn in isbns if f"ISBN:{isbn}" in editions])
        found: dict[Isbn13, EditionRecord] = {}
        for isbn in isbns:
            edition = editions.get(f"ISBN:{isbn}")
            work = works.get(_key(edition.get("works"))) if edition else None
            record = {"edition": edition, "work": work} if edition else None
            at = await self._client.write_cache(_address(isbn), record, CACHE_LIFETIME if record else NEGATIVE_LIFETIME)
            found |= _of_isbn(isbn, record, at)
        return found

    async def _works_of(self, isbns: Sequence[Isbn13]) -> dict[str, Any]:
        """Records of the works by key."""
        if not isbns:
            return {}
        asked = {"q": f"isbn:({' OR '.join(isbns)})", "fields": ",".join(WORK_FIELDS), "limit": str(BULK_SIZE)}
        docs = await self._client.fetch_uncached(self._request("/search.json", asked), self._found)
        return {_key([doc]): _work_record(doc) for doc in docs}

    async def _follow_up(self, works: Sequence[_Work]) -> list[EditionRecord | UnusableRecord]:
        """The editions behind the works' ISBNs."""
        isbns = list(dict.fromkeys(isbn for work in works for isbn in work.isbn))[:MAX_ISBNS]
        if not isbns:
            return []
        records, at = await self._client.fetch(self._numbers(isbns), self._detailed, life=CACHE_LIFETIME)
        return [_of_details(record, {work.key: work for work in works}, at) for record in records]

    def _numbers(self, isbns: Sequence[Isbn13]) -> Request:
        asked = {"bibkeys": ",".join(f"ISBN:{isbn}" for isbn in isbns), "jscmd": "details", "format": "json"}
        return self._request("/api/books", asked)

    def _request(self, path: str, params: Mapping[str, str]) -> Request:
        return Request("GET", path, params=params, explain=self._explain)

    def _explain(self, response: httpx2.Response) -> errors.ProviderError | None:
        if response.status_code == 403 and not header_wait(response) and not wall_before(response):
            hint = "set ALEXANDRIA_CONTACT to a mail address or URL; without one Open Library may refuse"
            summary = with_sentence("refuses our User-Agent or network", sentence_of(response))
            return errors.KeyRefused(self.name, summary, hint=hint)
        return status_error(self.name, response)

    def _found(self, response: httpx2.Response) -> list[Any]:
        body = json_of(self.name, response)
        if isinstance(body, dict) and "docs" not in body and OUTAGE_WORDS.search(sentence_in(body)):
            raise errors.ProviderDown(self.name, with_sentence("cannot search now", sentence_in(body)))
        if not isinstance(body, dict) or not isinstance(body.get("docs"), list):
            raise errors.BadAnswer(self.name, "the answer holds no list of works")
        return _docs(body)

    def _detailed(self, response: httpx2.Response) -> list[Any]:
        return list(self._by_number(response).values())

    def _by_number(self, response: httpx2.Response) -> dict[str, dict[str, Any]]:
        """Records by the key we sent; of a record only what we read, as descriptions are long and not ours."""
        body = json_of(self.name, response)
        if not isinstance(body, dict):
            raise errors.BadAnswer(self.name, "the answer is no object")
        few = list(body.items())[: fields.MAX_RECORDS]
        entries = {number: entry.get("details") for number, entry in few if isinstance(entry, dict)}
        return {
            number: {name: details[name] for name in _Details.model_fields if name in details}
            for number, details in entries.items()
            if isinstance(details, dict)
        }


def _address(isbn: Isbn13) -> dict[str, str]:
    """What an ISBN's own record is stored under."""
    return {"isbn": isbn}


def _work_record(doc: dict[str, Any]) -> dict[str, Any]:
    """What we keep of a work: popular ones list thousands of ISBNs and hundreds of subjects and titles."""
    few = {
        "alternative_title": list(fields.texts(doc.get("alternative_title"))[:MAX_TITLES]),
        "isbn": list(fields.isbns(doc.get("isbn"))[: MAX_RELATED + 1]),
        "subject": list(_subjects(doc.get("subject"))),
    }
    return {name: doc[name] for name in WORK_FIELDS if name in doc} | few


def _of_isbn(isbn: Isbn13, record: Any, at: datetime) -> dict[Isbn13, EditionRecord]:
    """The edition as a hit by the ISBN that was asked for, if it has that number."""
    if not record:
        return {}
    work = _Work.model_validate(record["work"] or {})
    for hit in fields.usable([_of_details(record["edition"], {work.key: work}, at)]):
        own = (hit.isbn13, *hit.related)
        others = tuple(dict.fromkeys(number for number in (*own, *work.isbn) if number and number != isbn))
        subjects = tuple(dict.fromkeys((*hit.subjects, *work.subject)))[:MAX_SUBJECTS]
        if isbn in own:
            return {isbn: replace(hit, isbn13=isbn, subjects=subjects, related=others[:MAX_RELATED])}
    return {}


def _search_by_title(candidate: Candidate, words: str = "") -> dict[str, str]:
    """Every word must be in a hit, so the author is asked for by one word."""
    title, family = words or search_terms.title(candidate), search_terms.family_name(candidate)
    return {"title": title, "author": family, "fields": FIELDS, "limit": str(MAX_WORKS)}


def _wider_searches(candidate: Candidate) -> Iterator[dict[str, str]]:
    main = search_terms.main_title(candidate)
    if main != search_terms.title(candidate):
        yield _search_by_title(candidate, main)
    yield {"author": search_terms.author(candidate), "fields": FIELDS, "limit": str(MAX_WORKS_OF_AUTHOR)}


def _tells(hit: EditionRecord, candidate: Candidate) -> bool:
    """Whether this may be the edition that was named, so that the work's others need not be looked up."""
    year = hit.published.year if hit.published else None
    near = year is None or candidate.year is None or abs(year - candidate.year) <= 1
    return hit.isbn13 is not None and near and not NO_PRINT.search(hit.binding)


def _lists_more(work: _Work) -> bool:
    """Whether the work has ISBNs beside those of its nested editions, which are known already."""
    shown = {fields.only_isbn(edition.isbn) for edition in work.editions}
    return not shown.issuperset(work.isbn)


def _resembles(work: _Work, candidate: Candidate) -> bool:
    """Whether the work, or one of its editions, has a title like the one named."""
    return any(search_terms.resembles(title, candidate) for title in (work.title, *work.alternative_title[:MAX_TITLES]))


def _editions_of(work: _Work, at: datetime) -> Iterator[EditionRecord | UnusableRecord]:
    """The nested editions as hits; a work without any is a hit without ISBN."""
    for edition in work.editions or (_Edition(),):
        isbn = fields.only_isbn(edition.isbn)
        title = edition.title or work.title
        if not title:
            yield UnusableRecord(OpenLibrary.name, edition.key or work.key, "no title")
            continue
        yield EditionRecord(
            SourceRecord(OpenLibrary.name, edition.key or work.key, at),
            title,
            subtitle=edition.subtitle or ("" if edition.title else work.subtitle),
            authors=work.author_name,
            isbn13=isbn,
            publisher=edition.publisher,
            published=edition.publish_date,
            first_published=work.first_publish_year,
            language=edition.language,
            binding=edition.format,
            work_key=work.key,
            related=tuple(dict.fromkeys(i for i in (*edition.isbn, *work.isbn) if i != isbn))[:MAX_RELATED],
            other_titles=fields.others((work.title, *work.alternative_title), ("", title)),
            other_names=fields.others(work.author_alternative_name, work.author_name),
        )


def _of_details(record: Any, works: Mapping[str, _Work], at: datetime) -> EditionRecord | UnusableRecord:
    edition = _Details.model_validate(record)
    isbns: tuple[Isbn13, ...] = tuple(dict.fromkeys((*edition.isbn_13, *edition.isbn_10)))
    if not (edition.title and isbns):
        return UnusableRecord(OpenLibrary.name, edition.key, "an edition without title or valid ISBN")
    work = works.get(edition.works, _Work())
    return EditionRecord(
        SourceRecord(OpenLibrary.name, edition.key, at),
        edition.title,
        subtitle=edition.subtitle,
        authors=edition.authors or work.author_name,
        isbn13=fields.only_isbn(isbns),
        publisher=edition.publishers,
        published=edition.publish_date,
        first_published=work.first_publish_year,
        language=edition.languages,
        binding=edition.physical_format,
        pages=edition.number_of_pages,
        series=edition.series,
        work_key=edition.works,
        subjects=edition.subjects,
        related=isbns if len(isbns) > 1 else (),
        other_titles=fields.others(_titles_of(edition, work), ("", edition.title)),
        other_names=fields.others((*work.author_name, *work.author_alternative_name), edition.authors),
    )


def _titles_of(edition: _Details, work: _Work) -> Iterator[str]:
    """What the work is called elsewhere: the original and uniform title first, as the edition gives them."""
    yield from (
        *(OtherTitle(title, edition.translated_from) for title in edition.translation_of),
        *edition.work_titles,
        *edition.other_titles,
        work.title,
        *work.alternative_title,
    )
