"""Which editions does Open Library know? It answers with works; an ISBN counts only where it belongs to one edition."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import httpx2
from pydantic import BaseModel, BeforeValidator, ConfigDict
from rapidfuzz import fuzz

from alexandria import errors
from alexandria.book import Candidate, Hit, Isbn13, SourceRecord
from alexandria.providers import printed, wording
from alexandria.providers.printed import Refused
from alexandria.providers.transport import Request, Transport, json_of, refusal

LIFE = timedelta(days=30)  # that an answer serves
WORKS = 5  # of a search for title and author
WORKS_OF_AUTHOR = 50  # of a search for the author alone
ISBNS = 40  # of works without a telling edition that one follow-up asks about
ALIKE = 70  # of 100: titles that may be one, misspelt
NO_PRINT = re.compile(r"audio|cassette|\bcd\b|mp3|e-?book|kindle|electronic", re.IGNORECASE)
RELATED = 20  # ISBNs of a work's other editions that are worth keeping
FIELDS = (
    "key,title,subtitle,author_name,first_publish_year,isbn,"
    "editions,editions.key,editions.title,editions.subtitle,editions.isbn,editions.publish_date,editions.publisher,"
    "editions.format,editions.language"
)


def _padded(value: object) -> str:
    """Titles come with blanks and asterisks around them."""
    return printed.text(value).strip("* ")


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _docs(value: object) -> list[dict[str, Any]]:
    return _dicts(value.get("docs")) if isinstance(value, dict) else []


def _names(value: object) -> tuple[str, ...]:
    """Authors of an edition: {"name"} where Open Library tells it, {"key"} alone where it does not."""
    return printed.names([one.get("name") for one in _dicts(value)])


def _key(value: object) -> str:
    return next((printed.text(one.get("key")) for one in _dicts(value)), "")


Title = Annotated[str, BeforeValidator(_padded)]


class _Edition(BaseModel):
    """The best-matching edition of a work, nested in a hit of the search."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    key: printed.Text = ""
    title: Title = ""
    subtitle: Title = ""
    isbn: printed.Isbns = ()
    publish_date: printed.Date = None
    publisher: printed.FirstText = ""
    format: printed.FirstText = ""
    language: printed.Language = ""


class _Work(BaseModel):
    """A hit of the search. Its `isbn` mixes all editions in all languages."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    key: printed.Text = ""
    title: Title = ""
    subtitle: Title = ""
    author_name: printed.Names = ()
    first_publish_year: printed.Year = None
    isbn: printed.Isbns = ()
    editions: Annotated[tuple[_Edition, ...], BeforeValidator(_docs)] = ()


class _Details(BaseModel):
    """An edition's own record."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    key: printed.Text = ""
    title: Title = ""
    subtitle: Title = ""
    isbn_13: printed.Isbns = ()
    isbn_10: printed.Isbns = ()
    authors: Annotated[tuple[str, ...], BeforeValidator(_names)] = ()
    works: Annotated[str, BeforeValidator(_key)] = ""
    publish_date: printed.Date = None
    publishers: printed.FirstText = ""
    physical_format: printed.Text = ""
    number_of_pages: printed.Pages = None
    languages: printed.Language = ""
    series: printed.FirstText = ""
    subjects: printed.Texts = ()


class OpenLibrary:
    """The source "open_library". It wants no key, but to know whom to write to."""

    name = "open_library"
    paid = False

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.rate = transport.settings.rate

    async def find(self, candidate: Candidate) -> Sequence[Hit]:
        """Editions of works found by title and author, else by the main title, else all that the author wrote.

        Works whose best edition says too little are followed up: their ISBNs are asked about together in one request.
        """
        for asked in _searches(candidate):
            docs, at = await self._transport.ask(self._request("/search.json", asked), self._found, life=LIFE)
            works = [_Work.model_validate(doc) for doc in docs]
            if works:
                found = [hit for work in works for hit in _editions_of(work, at)]
                settled = {hit.work_key for hit in found if isinstance(hit, Hit) and _tells(hit, candidate)}
                followed = [w for w in works if w.key not in settled and _resembles(w.title, candidate)]
                return printed.usable([*found, *await self._follow_up(followed)])
        return []

    async def _follow_up(self, works: Sequence[_Work]) -> list[Hit | Refused]:
        """The editions behind the works' ISBNs."""
        isbns = list(dict.fromkeys(isbn for work in works for isbn in work.isbn))[:ISBNS]
        if not isbns:
            return []
        asked = {"bibkeys": ",".join(f"ISBN:{isbn}" for isbn in isbns), "jscmd": "details", "format": "json"}
        records, at = await self._transport.ask(self._request("/api/books", asked), self._detailed, life=LIFE)
        return [_of_details(record, {work.key: work for work in works}, at) for record in records]

    def _request(self, path: str, params: Mapping[str, str]) -> Request:
        return Request("GET", path, params=params, explain=self._explain)

    def _explain(self, response: httpx2.Response) -> errors.ProviderError | None:
        if response.status_code == 403:
            hint = "set ALEXANDRIA_CONTACT to a mail address or URL; without one Open Library may refuse"
            return errors.KeyRefused(self.name, "refuses our User-Agent or network", hint=hint)
        return refusal(self.name, response)

    def _found(self, response: httpx2.Response) -> list[Any]:
        body = json_of(self.name, response)
        if not isinstance(body, dict) or not isinstance(body.get("docs"), list):
            raise errors.BadAnswer(self.name, "the answer holds no list of works")
        return _docs(body)

    def _detailed(self, response: httpx2.Response) -> list[Any]:
        """Records by the key we sent; of a record only what we read, as descriptions are long and not ours."""
        body = json_of(self.name, response)
        if not isinstance(body, dict):
            raise errors.BadAnswer(self.name, "the answer is no object")
        records = [entry["details"] for entry in _dicts(list(body.values())) if isinstance(entry.get("details"), dict)]
        return [{name: record[name] for name in _Details.model_fields if name in record} for record in records]


def _searches(candidate: Candidate) -> Iterator[dict[str, str]]:
    """From the narrowest to the widest. Every word must be in a hit, so the author is asked for by one word."""
    title, main, family = wording.title(candidate), wording.main_title(candidate), wording.family_name(candidate)
    for words in dict.fromkeys((title, main)):
        yield {"title": words, "author": family, "fields": FIELDS, "limit": str(WORKS)}
    yield {"author": wording.author(candidate), "fields": FIELDS, "limit": str(WORKS_OF_AUTHOR)}


def _tells(hit: Hit, candidate: Candidate) -> bool:
    """Whether this may be the edition that was named, so that the work's others need not be looked up."""
    year = hit.published.year if hit.published else None
    near = year is None or candidate.year is None or abs(year - candidate.year) <= 1
    return hit.isbn13 is not None and near and not NO_PRINT.search(hit.binding)


def _resembles(title: str, candidate: Candidate) -> bool:
    asked, found = wording.main_title(candidate), wording.words(title)
    return found.startswith(asked) or fuzz.ratio(asked, found) >= ALIKE


def _editions_of(work: _Work, at: datetime) -> Iterator[Hit | Refused]:
    """The nested editions as hits; a work without any is a hit without ISBN."""
    for edition in work.editions or (_Edition(),):
        isbn, others = (edition.isbn[0], edition.isbn[1:]) if edition.isbn else (None, ())
        title = edition.title or work.title
        if not title:
            yield Refused(OpenLibrary.name, edition.key or work.key, "no title")
            continue
        yield Hit(
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
            related=tuple(dict.fromkeys(i for i in (*others, *work.isbn) if i != isbn))[:RELATED],
        )


def _of_details(record: Any, works: Mapping[str, _Work], at: datetime) -> Hit | Refused:
    edition = _Details.model_validate(record)
    isbns: tuple[Isbn13, ...] = tuple(dict.fromkeys((*edition.isbn_13, *edition.isbn_10)))
    if not (edition.title and isbns):
        return Refused(OpenLibrary.name, edition.key, "an edition without title or valid ISBN")
    work = works.get(edition.works, _Work())
    return Hit(
        SourceRecord(OpenLibrary.name, edition.key, at),
        edition.title,
        subtitle=edition.subtitle,
        authors=edition.authors or work.author_name,
        isbn13=isbns[0],
        publisher=edition.publishers,
        published=edition.publish_date,
        first_published=work.first_publish_year,
        language=edition.languages,
        binding=edition.physical_format,
        pages=edition.number_of_pages,
        series=edition.series,
        work_key=edition.works,
        subjects=edition.subjects,
        related=isbns[1:],
    )
