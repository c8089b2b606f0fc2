"""The source Internet Archive, of scanned books. Every field may be a text or a list, and dates are padded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote

import httpx2
import structlog
from pydantic import BeforeValidator, ConfigDict, Field, PlainValidator

from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, SourceRecord
from alexandria.core import errors
from alexandria.core.lazy_model import LazyModel
from alexandria.providers import fields, search_terms
from alexandria.providers.client import ProviderClient, Request, json_of
from alexandria.providers.fields import UnusableRecord
from alexandria.providers.front_pages import OUTAGE_WORDS
from alexandria.providers.refusals import sentence_in, with_sentence

log = structlog.get_logger(__name__)

CACHE_LIFETIME = timedelta(days=30)  # that an answer serves
SEARCH_SIZE = 20  # of one search
MAX_ITEM_LOOKUPS = 2  # items of one search whose own records are read, when the search gives no ISBN of the book
FIELDS = ("identifier", "mediatype", "title", "creator", "isbn", "external-identifier", "date", "publisher", "language")


def _isbns(value: object) -> tuple[Isbn13, ...]:
    """Of identifiers of many kinds, the ISBNs."""
    return fields.isbns(list(fields.texts(value)))


def _publisher(value: object) -> str:
    """Without the place that catalogue cards print before it."""
    return fields.first_text(value).rpartition(" : ")[2].strip(" ,;")


class _Item(LazyModel):
    """One item of the Archive."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    identifier: fields.FirstText = ""
    mediatype: fields.FirstText = ""
    title: fields.FirstText = ""
    creator: fields.Names = ()
    isbn: Annotated[tuple[Isbn13, ...], PlainValidator(_isbns)] = ()
    external: Annotated[tuple[Isbn13, ...], PlainValidator(_isbns)] = Field((), validation_alias="external-identifier")
    date: fields.PaddedDate = None
    publisher: Annotated[str, BeforeValidator(_publisher)] = ""
    language: fields.Language = ""


class InternetArchive:
    """The source "internet_archive"."""

    name = "internet_archive"

    def __init__(self, client: ProviderClient) -> None:
        self._client = client
        self.paid = client.facts.paid

    async def find(self, candidate: Candidate) -> Sequence[EditionRecord]:
        """Scanned books by main title and author's family name. A scan is of one edition; its ISBN is that one's."""
        family = search_terms.family_name(candidate)
        query = f'title:("{search_terms.main_title(candidate)}")' + (f" AND creator:({family})" if family else "")
        params: dict[str, str | Sequence[str]] = {
            "q": f"{query} AND mediatype:texts",
            "fl[]": FIELDS,
            "rows": str(SEARCH_SIZE),
            "page": "1",
            "output": "json",
        }
        items, at = await self._client.fetch(
            Request("GET", "/advancedsearch.php", params=params), self._items, life=CACHE_LIFETIME
        )
        hits = fields.usable(_read(item, at) for item in items)
        likely = [hit for hit in hits if search_terms.resembles(hit.title, candidate)]
        if any(hit.isbn13 for hit in likely):
            return hits
        silent = [hit.source.id for hit in likely if not hit.related][:MAX_ITEM_LOOKUPS]
        return fields.usable([await self._own_record(hit) if hit.source.id in silent else hit for hit in hits])

    async def _own_record(self, hit: EditionRecord) -> EditionRecord:
        """The item from its own record, which may have an ISBN that the search lacks; else the item as found."""
        request = Request("GET", f"/metadata/{quote(hit.source.id, safe='')}")
        try:
            record, at = await self._client.fetch(request, self._record, life=CACHE_LIFETIME)
        except errors.ProviderError as failed:
            log.info("own record not read", provider=self.name, id=hit.source.id, reason=failed.message)
            return hit
        read = _read(record, at)
        return read if isinstance(read, EditionRecord) and read.source.id == hit.source.id else hit

    def _record(self, response: httpx2.Response) -> dict[str, Any]:
        """The metadata of an item's own record; an unknown item is an empty object."""
        body = json_of(self.name, response)
        if not isinstance(body, dict):
            raise errors.BadAnswer(self.name, "the answer is no object")
        found = body.get("metadata")
        return {name: found[name] for name in FIELDS if name in found} if isinstance(found, dict) else {}

    def _items(self, response: httpx2.Response) -> list[Any]:
        body = json_of(self.name, response)
        found = body.get("response") if isinstance(body, dict) else None
        if isinstance(found, dict) and isinstance(found.get("docs"), list):
            docs = found["docs"][: fields.MAX_RECORDS]
            return [{name: doc[name] for name in FIELDS if name in doc} for doc in docs if isinstance(doc, dict)]
        if isinstance(body, dict) and "error" in body:
            if OUTAGE_WORDS.search(sentence_in(body)):
                raise errors.ProviderDown(self.name, with_sentence("cannot search now", sentence_in(body)))
            raise errors.RequestRefused(self.name, "does not understand the query")
        raise errors.BadAnswer(self.name, "the answer holds no list of items")


def _read(doc: Any, at: datetime) -> EditionRecord | UnusableRecord:
    """An item as a hit, or why it is none. One that lists several editions' ISBNs has none of its own."""
    item = _Item.model_validate(doc)
    if item.mediatype not in {"", "texts"}:
        return UnusableRecord(InternetArchive.name, item.identifier, f"its media type is {item.mediatype}")
    title, *rest = fields.parts(fields.parts(item.title, " / ")[0], " : ")
    if not (item.identifier and title):
        return UnusableRecord(InternetArchive.name, item.identifier, "no title")
    isbns = tuple(dict.fromkeys((*item.isbn, *item.external)))
    return EditionRecord(
        SourceRecord(InternetArchive.name, item.identifier, at),
        title,
        subtitle=" : ".join(rest),
        authors=item.creator,
        isbn13=fields.only_isbn(isbns),
        publisher=item.publisher,
        published=item.date,
        language=item.language,
        related=isbns if len(isbns) > 1 else (),
    )
