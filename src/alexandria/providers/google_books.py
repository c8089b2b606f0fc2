"""The source Google Books. It needs a key, and only the detail of a refusal distinguishes a daily quota from a rate limit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx2
from pydantic import ConfigDict

from alexandria.catalogue.models import Candidate, EditionRecord, SourceRecord
from alexandria.core import errors
from alexandria.core.lazy_model import LazyModel
from alexandria.providers import fields, search_terms
from alexandria.providers.client import ProviderClient, Request, json_of, next_midnight, status_error
from alexandria.providers.fields import UnusableRecord
from alexandria.providers.front_pages import wall_before
from alexandria.providers.refusal_kinds import stated_status
from alexandria.providers.refusals import sentence_of, with_sentence
from alexandria.providers.retry_hints import header_wait, retry_after

CACHE_LIFETIME = timedelta(days=1)  # that an answer serves: their terms allow no lasting copy
SEARCH_SIZE = 20  # of one search
KEPT = ("title", "subtitle", "authors", "publisher", "publishedDate", "industryIdentifiers", "pageCount", "language")
OTHERS = {
    "maxResults": str(SEARCH_SIZE),
    "printType": "books",
    "country": "US",  # a server's place is not always known to them, and then they refuse
    "fields": f"totalItems,items(id,volumeInfo({','.join(KEPT)}))",
}
DAILY = re.compile(r"perday|per day|/d/|daily|quotaExceeded", re.IGNORECASE)
QUOTA = re.compile(r"quota|limit ?exceeded", re.IGNORECASE)
KEY_REASON = re.compile(r"\bAPI_KEY_[A-Z_]+")  # why the key itself is refused, as Google's APIs name it
BAD_KEY = re.compile(rf"{KEY_REASON.pattern}|API key|keyInvalid|keyExpired|accessNotConfigured|SERVICE_DISABLED")
LOCATION = re.compile(r"unknownLocation|user location|geographic", re.IGNORECASE)
NO_MONEY = re.compile(r"BILLING_(?:DISABLED|NOT_ACTIVE)|requires billing|billingNotEnabled", re.IGNORECASE)
KEY_FIXES = {
    "API_KEY_HTTP_REFERRER_BLOCKED": "the key is restricted to websites, and a server is none: in the Google Cloud "
    "console restrict it to IP addresses instead, or to nothing",
    "API_KEY_IP_ADDRESS_BLOCKED": "the key is restricted to other IP addresses: add this machine's in the Google Cloud "
    "console",
    "API_KEY_ANDROID_APP_BLOCKED": "the key is restricted to an Android app: make one without that restriction",
    "API_KEY_IOS_APP_BLOCKED": "the key is restricted to an iOS app: make one without that restriction",
    "API_KEY_SERVICE_BLOCKED": "the key is restricted to other APIs: add the Books API in the Google Cloud console",
    "API_KEY_EXPIRED": "make a new key, and set GOOGLE_BOOKS_API_KEY to it",
}
USUAL_KEY_FIX = "check GOOGLE_BOOKS_API_KEY, and that the Books API is enabled for its project"


class _Volume(LazyModel):
    """The fields of a volume; every one may be absent."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    title: fields.Text = ""
    subtitle: fields.Text = ""
    authors: fields.Names = ()
    publisher: fields.Text = ""
    publishedDate: fields.Date = None  # noqa: N815 # their name
    pageCount: fields.Pages = None  # noqa: N815 # their name
    language: fields.Language = ""


class GoogleBooks:
    """The source "google_books"."""

    name = "google_books"

    def __init__(self, client: ProviderClient) -> None:
        self._client = client
        self.paid = client.facts.paid

    async def find(self, candidate: Candidate) -> Sequence[EditionRecord]:
        """Volumes by exact title and author's name."""
        title, family = search_terms.main_title(candidate), search_terms.family_name(candidate)
        return await self._search(f'intitle:"{title}"' + (f' inauthor:"{family}"' if family else ""))

    async def find_widely(self, candidate: Candidate) -> Sequence[EditionRecord]:
        """Volumes by all words anywhere."""
        return await self._search(f"{search_terms.title(candidate)} {search_terms.author(candidate)}".strip())

    async def _search(self, query: str) -> Sequence[EditionRecord]:
        request = Request(
            "GET", "/books/v1/volumes", params={"q": query, **OTHERS}, sign=self._sign, explain=self._explain
        )
        volumes, at = await self._client.fetch(request, self._volumes, life=CACHE_LIFETIME)
        return fields.usable(_read(volume, at) for volume in volumes)

    def _sign(self, request: httpx2.Request) -> httpx2.Request:
        request.url = request.url.copy_merge_params({"key": self._client.secret()})
        return request

    def _volumes(self, response: httpx2.Response) -> list[Any]:
        """The volumes of an answer, cut down to what we read; no match is an answer without the list."""
        body = json_of(self.name, response)
        items = body.get("items") or [] if isinstance(body, dict) else None
        if items == [] and (error := body.get("error")):
            refused = httpx2.Response(stated_status(error) or 500, content=response.content, headers=response.headers)
            raise self._explain(refused) or errors.BadAnswer(self.name, "answered 200 with an error")
        if not isinstance(items, list):
            raise errors.BadAnswer(self.name, "the answer holds no list of volumes")
        return [_cut_down(item) for item in items[: fields.MAX_RECORDS]]

    def _explain(self, response: httpx2.Response) -> errors.ProviderError | None:
        """By the quota's name and unit, as the reason is the same for a second and for a day."""
        if response.status_code not in {400, 403, 429}:
            return status_error(self.name, response)
        body, sentence = response.text, sentence_of(response)
        if response.status_code != 429 and BAD_KEY.search(body):
            return self._explain_key(body, sentence)
        waits = header_wait(response) or wall_before(response)
        if response.status_code != 429 and not QUOTA.search(body) and waits:
            return status_error(self.name, response)
        if response.status_code == 403 and NO_MONEY.search(body):
            return errors.NoCredit(self.name, with_sentence("the key's project has no billing", sentence))
        if response.status_code == 403 and not QUOTA.search(body) and not LOCATION.search(body):
            return self._explain_key(body, sentence)  # of its restrictions, its project or its owner
        if response.status_code != 429 and not QUOTA.search(body):
            summary = with_sentence(f"refuses the request with {response.status_code}", sentence)
            return errors.RequestRefused(self.name, summary)
        if re.search(r'"quota_limit_value":\s*"0"', body):
            return errors.NoCredit(self.name, with_sentence("this key has no allowance", sentence))
        if response.status_code == 400 or DAILY.search(body):
            until = next_midnight(self._client.settings.zone)
            return errors.QuotaSpent(self.name, with_sentence("the day's allowance is used up", sentence), until=until)
        summary = with_sentence("refuses for speed", sentence)
        return errors.RateLimited(self.name, summary, retry_after=retry_after(response))

    def _explain_key(self, body: str, sentence: str) -> errors.KeyRefused:
        reason = KEY_REASON.search(body)
        summary = f"refuses our key ({reason[0]})" if reason else "refuses our key"
        hint = KEY_FIXES.get(reason[0], USUAL_KEY_FIX) if reason else USUAL_KEY_FIX
        return errors.KeyRefused(self.name, with_sentence(summary, sentence), hint=hint)


def _cut_down(item: Any) -> Any:
    info = item.get("volumeInfo") if isinstance(item, dict) else None
    if not isinstance(info, dict):
        return None
    return {"id": item.get("id"), "volumeInfo": {name: info[name] for name in KEPT if name in info}}


def _read(item: Any, at: datetime) -> EditionRecord | UnusableRecord:
    """A volume as a hit, or why it is none. Without an ISBN it still is evidence of the work."""
    if item is None:
        return UnusableRecord(GoogleBooks.name, "", "not a volume")
    info, key = item["volumeInfo"], fields.text(item["id"])
    volume = _Volume.model_validate(info)
    isbns = fields.isbns([one.get("identifier") for one in _identifiers(info) if "ISBN" in str(one.get("type"))])
    if not (volume.title and key):
        return UnusableRecord(GoogleBooks.name, key, "no title")
    if len(isbns) > 1:
        return UnusableRecord(GoogleBooks.name, key, "its ISBNs are of different editions")
    return EditionRecord(
        SourceRecord(GoogleBooks.name, key, at),
        volume.title,
        subtitle=volume.subtitle,
        authors=volume.authors,
        isbn13=isbns[0] if isbns else None,
        publisher=volume.publisher,
        published=volume.publishedDate,
        language=volume.language,
        pages=volume.pageCount,
    )


def _identifiers(info: dict[str, Any]) -> list[dict[str, Any]]:
    listed = info.get("industryIdentifiers")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
