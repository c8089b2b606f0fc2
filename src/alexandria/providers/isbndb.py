"""The source ISBNdb: search by title and author, bulk lookup of ISBNs, and the units left of the plan."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote

import httpx2
from pydantic import ConfigDict, PlainValidator

from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, SourceRecord
from alexandria.core import errors
from alexandria.core.lazy_model import LazyModel
from alexandria.providers import fields, search_terms
from alexandria.providers.base import KeyStatus
from alexandria.providers.client import (
    NEGATIVE_LIFETIME,
    ProviderClient,
    Request,
    json_of,
    next_midnight,
    status_error,
)
from alexandria.providers.fields import UnusableRecord
from alexandria.providers.front_pages import wall_before
from alexandria.providers.json_bodies import json_in
from alexandria.providers.metering import PartlyGranted
from alexandria.providers.refusal_kinds import MONTHLY
from alexandria.providers.refusals import sentence_of, with_sentence
from alexandria.providers.retry_hints import header_wait, retry_after

MAX_QUERY_LENGTH = 150  # characters
PAGE_SIZE = 40  # records of a search; a larger page costs the same
AUTHOR_PAGE_SIZE = 400  # records of one author's books, of which most are other books
BULK_SIZE = 100  # ISBNs of one request, until the plan's own limit is known
MIN_BULK_SIZE, MAX_BULK_SIZE = 10, 1000  # ISBNs of one request that the smallest and the largest plan allow
CACHE_LIFETIME = timedelta(days=90)  # that an answer serves
DAILY = re.compile(r"daily|(?:per|a|each)[ -]?day|/ ?day\b", re.IGNORECASE)
LIMIT_WORDS = re.compile(
    r"quota|\blimits?\b.{0,20}(?:reached|exceeded)|(?:reached|exceeded).{0,40}\blimit", re.IGNORECASE
)
COUNT = re.compile(r"\d{1,10}|\d{1,3}(?:,\d{3}){1,3}", re.ASCII)
DAILY_LEFT = re.compile(r"\bda(?:y|ily)\b[^,]{0,100}?;\s?r=(\d{1,9})", re.IGNORECASE)
SHOP_SHELVES = {"self service", "custom stores", "subjects", "specialty boutique", "categories"}
CALL_NUMBER = re.compile(r"[A-Z]{1,3}\d[\w.]*( .*)?|[\d./]+")


def _other_isbns(value: object) -> tuple[Isbn13, ...]:
    listed = value if isinstance(value, list) else []
    return fields.isbns([other.get("isbn") for other in listed if isinstance(other, dict)])


class _BookRecord(LazyModel):
    """One record. Everything may be absent, empty, or of another type than last time."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    title: fields.Text = ""
    title_long: fields.Text = ""
    isbn13: fields.Isbn = None
    isbn: fields.Isbn = None
    isbn10: fields.Isbn = None
    authors: fields.Names = ()
    publisher: fields.Text = ""
    language: fields.Language = ""
    date_published: fields.Date = None
    publish_date: fields.Date = None
    binding: fields.Text = ""
    pages: fields.Pages = None
    subjects: fields.Texts = ()
    other_isbns: Annotated[tuple[Isbn13, ...], PlainValidator(_other_isbns)] = ()


KEPT = frozenset(_BookRecord.model_fields)  # of a record; pictures' addresses carry tokens, descriptions rights


class _NothingOrSpent(errors.RequestRefused):
    """A 404 that older hosts send for a query without hits and for a plan that is used up."""


class ISBNdb:
    """The source "isbndb". Its key goes bare into the Authorization header."""

    name = "isbndb"

    def __init__(self, client: ProviderClient, *, thorough: bool = False) -> None:
        """A `thorough` one spends a second unit, on the author's books, when a search has found nothing."""
        self._client, self._thorough = client, thorough
        self._bulk_size = BULK_SIZE
        self.paid = client.facts.paid

    async def find(self, candidate: Candidate) -> Sequence[EditionRecord]:
        """Editions whose title, author or other fields hold the candidate's words, best match first. One unit."""
        author = search_terms.author(candidate)
        hits = await self._search("books", f"{search_terms.title(candidate)} {author}", PAGE_SIZE)
        if hits or not (self._thorough and author):
            return hits
        books = await self._search("author", author, AUTHOR_PAGE_SIZE)
        return [hit for hit in books if search_terms.resembles(hit.title, candidate)]

    async def _search(self, what: str, words: str, size: int) -> Sequence[EditionRecord]:
        path = f"/{what}/{quote(search_terms.cut(words, MAX_QUERY_LENGTH), safe='')}"
        request = self._request("GET", path, params={"pageSize": str(size)})
        try:
            records, at = await self._client.fetch(request, self._records, life=CACHE_LIFETIME)
        except _NothingOrSpent:
            await self._need_allowance()
            await self._client.write_cache(request.content, [], NEGATIVE_LIFETIME)
            return []
        return fields.usable(_read(record, at) for record in records)

    async def by_isbns(self, isbns: Iterable[Isbn13]) -> dict[Isbn13, EditionRecord]:
        """The editions with these ISBNs; unknown ones are absent. One unit an ISBN, none for those asked before.

        Raises QuotaSpent when the day's units are used up; what was fetched until then is stored and free next time.
        """
        found: dict[Isbn13, EditionRecord] = {}
        missing = []
        for isbn in dict.fromkeys(isbns):
            known = await self._client.read_cache(_address(isbn))
            if known is None:
                missing.append(isbn)
            else:
                found |= _of(isbn, *known)
        size = self._bulk_size
        while missing:
            try:
                found |= await self._fetch(missing[:size])
            except PartlyGranted as partly:  # the last units of the day
                size = partly.granted
                continue
            except errors.RequestRefused:
                if min(size, len(missing)) <= MIN_BULK_SIZE:
                    raise
                size = await self._smaller_bulk_size()
                continue
            missing = missing[size:]
        return found

    async def _smaller_bulk_size(self) -> int:
        """The plan's own limit if it is less than what was refused, else what every plan allows."""
        before = self._bulk_size
        await self.key_status()
        self._bulk_size = self._bulk_size if self._bulk_size < before else MIN_BULK_SIZE
        return self._bulk_size

    async def key_status(self) -> KeyStatus:
        """What ISBNdb reports about our key and plan now. The request is not billed.

        Later requests go to the plan's own host, unless one is configured, and look up as many ISBNs as the plan allows.
        """
        try:
            body = await self._client.fetch_uncached(self._request("GET", "/key", units=0), self._json)
        except errors.KeyRefused:
            self._client.use_configured_host()  # the plan may have changed since it was read
            raise
        limit: Any = body.get("plan_limit")
        counts = {name: limit.get(name) for name in ("total", "spent", "left")} if isinstance(limit, dict) else {}
        bulk_limit = _count(body.get("bulk_limit"))
        status = KeyStatus(
            host=fields.text(body.get("api_host")).lower().removeprefix("https://").strip("/"),
            plan=fields.text(body.get("plan_name")),
            bulk_limit=bulk_limit or None,
            **{name: _count(count) for name, count in counts.items()},
        )
        self._client.use_plan_host(status.host)
        if status.bulk_limit is not None:
            self._bulk_size = min(status.bulk_limit, MAX_BULK_SIZE)
        return status

    async def _fetch(self, isbns: Sequence[Isbn13]) -> dict[Isbn13, EditionRecord]:
        """Ask for all of `isbns` at once and keep each one's record, so that no later grouping pays for it again."""
        request = self._request("POST", "/books", body={"isbns": list(isbns)}, units=len(isbns))
        records = await self._client.fetch_uncached(request, self._records)
        by_isbn = {isbn: record for record in reversed(records) if (isbn := _BookRecord.model_validate(record).isbn13)}
        found: dict[Isbn13, EditionRecord] = {}
        for isbn in isbns:
            record = by_isbn.get(isbn)
            at = await self._client.write_cache(_address(isbn), record, CACHE_LIFETIME if record else NEGATIVE_LIFETIME)
            found |= _of(isbn, record, at)
        return found

    async def _need_allowance(self) -> None:
        if (await self.key_status()).left == 0:
            spent = self._spent()
            await self._client.pause_if_limited(spent)
            raise spent

    def _spent(self, sentence: str = "") -> errors.QuotaSpent:
        until = next_midnight(self._client.settings.zone)
        return errors.QuotaSpent(self.name, with_sentence("the day's calls are used up", sentence), until=until)

    def _request(self, method: str, path: str, **kwargs: Any) -> Request:
        return Request(method, path, sign=self._sign, explain=self._explain, **kwargs)

    def _sign(self, request: httpx2.Request) -> httpx2.Request:
        request.headers["Authorization"] = self._client.secret()
        return request

    def _explain(self, response: httpx2.Response) -> errors.ProviderError | None:
        match response.status_code:
            case 404:
                return self._explain_nothing(response)
            case 429 if DAILY.search(_message(response)) or _units_left(response) == 0:
                return self._spent(sentence_of(response))
            case 403 | 429 if MONTHLY.search(_message(response)):
                return errors.NoCredit(self.name, with_sentence("the plan's month is used up", sentence_of(response)))
            case 403 if LIMIT_WORDS.search(_message(response)):
                return self._spent(sentence_of(response))
            case 429:
                summary = with_sentence("refuses for speed", sentence_of(response))
                return errors.RateLimited(self.name, summary, retry_after=retry_after(response))
            case 402:
                return errors.NoCredit(self.name, with_sentence("the plan is not paid", sentence_of(response)))
            case 401 | 403 if header_wait(response) or wall_before(response):
                return status_error(self.name, response)
            case 401:
                summary = with_sentence("refuses our key", sentence_of(response))
                return errors.KeyRefused(self.name, summary, hint="check ISBNDB_API_KEY")
            case 403:
                return errors.KeyRefused(
                    self.name,
                    with_sentence("denies access with this key", sentence_of(response)),
                    hint="each plan has its own host: set ALEXANDRIA_ISBNDB_BASE_URL to https://api.premium.isbndb.com "
                    "or https://api.pro.isbndb.com if yours is such a plan, or renew it",
                )
            case _:
                return status_error(self.name, response)

    def _explain_nothing(self, response: httpx2.Response) -> errors.ProviderError | None:
        left = _units_left(response)
        if left is not None:
            return None if left else self._spent()
        ambiguous = _message(response, "errorMessage") == "Not Found"
        return _NothingOrSpent(self.name, "knows nothing, or the plan is used up") if ambiguous else None

    def _records(self, response: httpx2.Response) -> list[Any]:
        """The records of an answer, cut down to what we keep; newer hosts call the list data, older ones books."""
        if response.status_code == 404:
            return []
        body = self._json(response)
        listed = next((body[name] for name in ("data", "books") if isinstance(body.get(name), list)), None)
        if listed is None:
            raise errors.BadAnswer(self.name, "the answer holds no list of books")
        return [_cut_down(record) for record in listed[: fields.MAX_RECORDS]]

    def _json(self, response: httpx2.Response) -> dict[str, Any]:
        body = json_of(self.name, response)
        if not isinstance(body, dict):
            raise errors.BadAnswer(self.name, "the answer is no object")
        return body


def _count(value: Any) -> int | None:
    """A count that may also come as text, such as "15,000"; None for anything else."""
    if isinstance(value, str) and COUNT.fullmatch(value.strip()):
        value = int(value.replace(",", ""))
    is_count = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**31
    return int(value) if is_count and value == int(value) else None


def _address(isbn: Isbn13) -> dict[str, str]:
    """What an ISBN's own record is stored under."""
    return {"isbn": isbn}


def _of(isbn: Isbn13, record: Any, at: datetime) -> dict[Isbn13, EditionRecord]:
    hits = fields.usable([_read(record, at)]) if record else []
    return {isbn: hits[0]} if hits else {}


def _cut_down(record: Any) -> Any:
    return {name: value for name, value in record.items() if name in KEPT} if isinstance(record, dict) else None


def _read(record: Any, at: datetime) -> EditionRecord | UnusableRecord:
    """A record as a hit, or why it is none."""
    if not isinstance(record, dict):
        return UnusableRecord(ISBNdb.name, "", "not a record")
    book = _BookRecord.model_validate(record)
    isbn = book.isbn13 if record.get("isbn13") else book.isbn or book.isbn10
    title = book.title or ("" if _is_slug(book.title_long) else book.title_long)
    if isbn is None:
        return UnusableRecord(ISBNdb.name, fields.text(record.get("isbn13")), "no valid ISBN")
    if {isbn, book.isbn or isbn, book.isbn10 or isbn} != {isbn}:
        return UnusableRecord(ISBNdb.name, isbn, "its ISBNs are of different editions")
    if not title:
        return UnusableRecord(ISBNdb.name, isbn, "no title")
    return EditionRecord(
        SourceRecord(ISBNdb.name, isbn, at),
        title,
        subtitle=_subtitle(title, book.title_long),
        authors=_joined(book.authors),
        isbn13=isbn,
        publisher=book.publisher,
        published=book.date_published or book.publish_date,
        language=book.language,
        binding=book.binding,
        pages=book.pages,
        subjects=tuple(s for s in book.subjects if s.lower() not in SHOP_SHELVES and not CALL_NUMBER.fullmatch(s)),
        related=tuple(other for other in book.other_isbns if other != isbn),
    )


def _is_slug(title: str) -> bool:
    """Whether a title is an address ("the_red_tide") rather than words."""
    return " " not in title and ("-" in title or "_" in title) and title == title.lower()


def _subtitle(title: str, long: str) -> str:
    return long[len(title) :].lstrip(" :") if long.lower().startswith(f"{title.lower()}: ") else ""


def _joined(authors: tuple[str, ...]) -> tuple[str, ...]:
    """One person is sometimes split over two entries, family name first."""
    if len(authors) == 2 and not any(" " in name or "," in name for name in authors):
        return (", ".join(authors),)
    return authors


def _units_left(response: httpx2.Response) -> int | None:
    """The units of the day that a header reports as left."""
    left = DAILY_LEFT.search(response.headers.get("ratelimit", ""))
    return int(left[1]) if left else None


def _message(response: httpx2.Response, *names: str) -> str:
    """The message of an error body, under any of the names in use."""
    try:
        body = json_in(response)
    except (ValueError, RecursionError):
        return ""
    wanted = names or ("message", "errorMessage", "error_message", "error")
    return next((text for name in wanted if isinstance(body, dict) and (text := fields.text(body.get(name)))), "")
