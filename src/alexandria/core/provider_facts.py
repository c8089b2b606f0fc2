"""The facts about each provider that are known before it is called, one row a provider.

They stand below settings, providers and sandbox, as all three read them and none of them imports another. The order of
the rows is the order in which providers are listed, and in which sources are trusted when they contradict each other: trade data is nearer to the printed book.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal
from urllib.parse import quote

from pydantic import ConfigDict, Field

from alexandria.core.lazy_model import LazyModel

MAX_BUSY_TRIES = 5  # sends of one request to a provider that is often busy, before its error is reported


def usual_reserve(limit: int) -> int:
    """The units of a plan's day that are kept for people if no reserve is set: 2/15, or 2,000 of 15,000."""
    return limit * 2 // 15


class PublishedLimits(LazyModel):
    """A provider's published limits, as far as known. All of it can be overridden: limits and hosts change."""

    model_config = ConfigDict(frozen=True)
    base_url: str = Field(description="where the provider answers; a path is kept as a prefix")
    rate: float = Field(
        description="requests a second; of ISBNdb by its plan's host, of Open Library 1 without ALEXANDRIA_CONTACT"
    )
    timeout: float = Field(15.0, description="seconds for an answer")
    daily_limit: int | None = Field(
        None,
        description="units a day; most requests cost one; of ISBNdb what its plan has, if that is less or this is unset",
    )
    daily_reserve: int = Field(
        0,
        description="of these, kept for people: months may not spend them; of ISBNdb 2/15 of its plan unless it is set",
    )
    plan_price: float | None = Field(
        None,
        description="dollars a month for the provider's plan, for forecasts; of ISBNdb by its plan's host if unset",
    )
    zone: str = Field("UTC", description="where the provider's day begins, as an IANA time zone")


@dataclass(frozen=True, slots=True)
class KeySetting:
    """The environment variable of a provider's key; `optional` if the provider also answers without one."""

    name: str
    description: str
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFacts:
    """One provider. `source`, `generator` and `sandbox` are entry points, "module:class"; "" where it is none.

    `model` is how a generator's setting names its model: not at all, NAME:MODEL or NAME:MODEL@URL. `default_rank` is the
    source's position in the default of ALEXANDRIA_SOURCES (None: it is asked only where it is configured). Books begin at it
    in proportion to its rate times `first_weight`. Behind the first source those with a `later_weight` change places with
    one another, each being the earlier one in proportion to its weight. A call to a `paid` provider costs money or a scarce
    allowance. The `metered` source is the one whose day a rollout plan divides.
    Calls of a provider with `long_calls` are bounded by a concurrency limit. A source is trusted last on its
    `doubtful_fields` of an edition.

    A provider with `plan_rates` reports its plan: the limit of units a day, and the host, which has a rate of its own and
    one of the `plan_prices`, dollars a month as others list them.
    Without the operator's contact a provider may be sent `anonymous_rate` requests a second, and refuses a User-Agent
    that names a product alone; one with `needs_contact` refuses all. One that `often_busy` answers 503 to good requests is asked MAX_BUSY_TRIES times.
    `own_server` is that of its makers, where others speak its dialect too. `record_page` is the address of a record's page
    for readers, with {id}; "" if there is none. `cover_page` and `isbn_page` are the addresses of
    an edition's cover and of its page, with {isbn13}.

    Expected until it is measured: half of the answers take `response_seconds`, and a source knows the share `coverage`
    of all books. `price_list_name` is the provider's name in genai-prices ("" if its calls have no known price).
    """

    label: str
    limits: PublishedLimits
    key: KeySetting | None = None
    source: str = ""
    generator: str = ""
    sandbox: str = ""
    model: Literal["", "MODEL", "MODEL@URL"] = ""
    default_rank: int | None = None
    first_weight: float = 0.0
    later_weight: float = 0.0
    paid: bool = False
    metered: bool = False
    long_calls: bool = False
    doubtful_fields: frozenset[str] = frozenset()
    response_seconds: float = 1.0
    coverage: float = 0.5
    price_list_name: str = ""
    plan_rates: Mapping[str, float] = field(default_factory=dict)
    plan_prices: Mapping[str, float] = field(default_factory=dict)
    anonymous_rate: float | None = None
    needs_contact: bool = False
    often_busy: bool = False
    own_server: str = ""
    record_page: str = ""
    cover_page: str = ""
    isbn_page: str = ""


PROVIDERS: dict[str, ProviderFacts] = {
    "gemini": ProviderFacts(
        label="Gemini",
        limits=PublishedLimits(
            base_url="https://generativelanguage.googleapis.com", rate=2, timeout=300, zone="America/Los_Angeles"
        ),
        key=KeySetting("GEMINI_API_KEY", "key of the generator gemini"),
        generator="alexandria.providers.llm:LanguageModel",
        sandbox="alexandria.sandbox.gemini:GeminiSandbox",
        model="MODEL",
        paid=True,
        long_calls=True,
        response_seconds=15.0,
        price_list_name="google",
    ),
    "xai": ProviderFacts(
        label="xAI",
        limits=PublishedLimits(base_url="https://api.x.ai", rate=2, timeout=300),
        key=KeySetting("XAI_API_KEY", "key of the generator xai"),
        generator="alexandria.providers.llm:LanguageModel",
        sandbox="alexandria.sandbox.xai:XAISandbox",
        model="MODEL",
        paid=True,
        long_calls=True,
        response_seconds=15.0,
        price_list_name="x-ai",
    ),
    "isbndb": ProviderFacts(
        label="ISBNdb",
        record_page="https://isbndb.com/book/{id}",
        limits=PublishedLimits(
            base_url="https://api2.isbndb.com", rate=1, daily_limit=15000, daily_reserve=usual_reserve(15000)
        ),
        key=KeySetting("ISBNDB_API_KEY", "key of the source isbndb"),
        source="alexandria.providers.isbndb:ISBNdb",
        sandbox="alexandria.sandbox.isbndb:ISBNdbSandbox",
        default_rank=5,
        first_weight=1.0,
        paid=True,
        metered=True,
        doubtful_fields=frozenset({"language"}),  # it calls many a Japanese or German book English
        response_seconds=0.5,
        coverage=0.9,
        plan_rates={"api2.isbndb.com": 1.0, "api.premium.isbndb.com": 3.0, "api.pro.isbndb.com": 5.0},
        plan_prices={"api2.isbndb.com": 14.99, "api.premium.isbndb.com": 35.99, "api.pro.isbndb.com": 99.99},
    ),
    "google_books": ProviderFacts(
        label="Google Books",
        record_page="https://books.google.com/books?id={id}",
        limits=PublishedLimits(
            base_url="https://www.googleapis.com", rate=1, daily_limit=1000, zone="America/Los_Angeles"
        ),
        key=KeySetting("GOOGLE_BOOKS_API_KEY", "key of the source google_books"),
        source="alexandria.providers.google_books:GoogleBooks",
        sandbox="alexandria.sandbox.google_books:GoogleBooksSandbox",
        default_rank=2,
        later_weight=1.0,
        coverage=0.7,
        often_busy=True,
    ),
    "open_library": ProviderFacts(
        label="Open Library",
        record_page="https://openlibrary.org/{id}",
        cover_page="https://covers.openlibrary.org/b/isbn/{isbn13}-L.jpg",
        isbn_page="https://openlibrary.org/isbn/{isbn13}",
        limits=PublishedLimits(base_url="https://openlibrary.org", rate=3),
        source="alexandria.providers.open_library:OpenLibrary",
        sandbox="alexandria.sandbox.open_library:OpenLibrarySandbox",
        default_rank=1,
        first_weight=1.0,
        coverage=0.6,
        anonymous_rate=1.0,
    ),
    "wikidata": ProviderFacts(
        label="Wikidata",
        record_page="https://www.wikidata.org/wiki/{id}",
        limits=PublishedLimits(base_url="https://query.wikidata.org", rate=1, timeout=65),
        source="alexandria.providers.wikidata:Wikidata",
        generator="alexandria.providers.wikidata:Wikidata",
        sandbox="alexandria.sandbox.wikidata:WikidataSandbox",
        default_rank=4,
        needs_contact=True,
        response_seconds=2.0,
        coverage=0.15,
    ),
    "internet_archive": ProviderFacts(
        label="Internet Archive",
        record_page="https://archive.org/details/{id}",
        limits=PublishedLimits(base_url="https://archive.org", rate=1),
        source="alexandria.providers.internet_archive:InternetArchive",
        sandbox="alexandria.sandbox.internet_archive:InternetArchiveSandbox",
        default_rank=3,
        later_weight=0.4,
        response_seconds=1.5,
        coverage=0.3,
    ),
    "openai": ProviderFacts(
        label="OpenAI",
        limits=PublishedLimits(base_url="", rate=2, timeout=300),
        key=KeySetting(
            "OPENAI_API_KEY", "key of api.openai.com, or of the only server of openai:MODEL@URL", optional=True
        ),
        generator="alexandria.providers.llm:LanguageModel",
        model="MODEL@URL",
        own_server="api.openai.com",
        long_calls=True,
        response_seconds=60.0,
    ),
}


# Generators that read our own database, by entry point: without requests they have no limits, key or price.
LOCAL_GENERATORS: dict[str, str] = {"bibliography": "alexandria.bibliography.generator:BibliographyGenerator"}


def key_settings() -> dict[str, str]:
    """The environment variable of each provider's key, by provider."""
    return {name: facts.key.name for name, facts in PROVIDERS.items() if facts.key is not None}


def source_names() -> tuple[str, ...]:
    """Every provider that can be a source, the most trusted first."""
    return tuple(name for name, facts in PROVIDERS.items() if facts.source)


def default_sources() -> tuple[str, ...]:
    """The default of ALEXANDRIA_SOURCES, in order of preference."""
    ranks = {name: facts.default_rank for name, facts in PROVIDERS.items() if facts.default_rank is not None}
    return tuple(sorted(ranks, key=lambda name: ranks[name]))


def trusted(field: str) -> tuple[str, ...]:
    """The sources in the order in which they are trusted on a field of an edition."""
    return tuple(sorted(source_names(), key=lambda name: field in PROVIDERS[name].doubtful_fields))


def metered_source() -> str:
    """The source whose day a rollout plan divides."""
    return next(name for name, facts in PROVIDERS.items() if facts.metered)


def label(name: str) -> str:
    """The provider's name as its makers write it, with the server of PROVIDER@SERVER."""
    provider, _, server = name.partition("@")
    written = PROVIDERS[provider].label if provider in PROVIDERS else provider.replace("_", " ").title()
    return f"{written} at {server}" if server else written


def record_page(name: str, record_id: str) -> str:
    """The address of a record's page at its provider; "" if there is none. `record_id` is the provider's own."""
    page = PROVIDERS[name].record_page if name in PROVIDERS else ""
    return page.format(id=quote(record_id.lstrip("/"), safe="/")) if page and record_id else ""


def cover_page(isbn13: str) -> str:
    """The address of an edition's cover at a source that has covers."""
    return next((facts.cover_page.format(isbn13=isbn13) for facts in PROVIDERS.values() if facts.cover_page), "")


def isbn_page(isbn13: str) -> str:
    """The address at which a source shows the edition with an ISBN, if it has one."""
    return next((facts.isbn_page.format(isbn13=isbn13) for facts in PROVIDERS.values() if facts.isbn_page), "")


@cache
def resolve(entry_point: str) -> Any:
    """What "module:name" names; its module is imported first."""
    return pkgutil.resolve_name(entry_point)
