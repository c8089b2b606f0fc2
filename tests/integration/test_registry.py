"""A new source is a file, a row and a sandbox part; nothing else in the product has to know it."""

import sys

import httpx2
import pytest
from starlette.requests import Request as Incoming
from starlette.responses import JSONResponse
from starlette.routing import Route

from alexandria.backfill.resolve import resolve
from alexandria.backfill.source_selection import Policy, SourcePool, SourceSelector
from alexandria.catalogue.models import Candidate, EditionRecord, SourceRecord
from alexandria.cli.doctor import checks
from alexandria.cli.settings import listed
from alexandria.core import config, errors, provider_facts
from alexandria.core.provider_facts import PROVIDERS, KeySetting, ProviderFacts, PublishedLimits
from alexandria.database.pool import Database
from alexandria.forecast.assumptions import expected_scenario
from alexandria.providers import fields
from alexandria.providers.client import ProviderClient, Request, json_of
from alexandria.providers.limits.rate import RateLimiter
from alexandria.providers.registry import make_source
from alexandria.providers.response_cache import ResponseCache
from alexandria.sandbox import SandboxSettings, create_app
from alexandria.sandbox.app import environment
from alexandria.sandbox.provider import Latency, ProviderSandbox
from alexandria.sandbox.search import Query
from alexandria.web.dashboard.rendering import provider_name as label_on_page

BOOK = Candidate("The Mystery Guest", "Nita Prose", year=2023)


# ---- its file in providers/


class ToySource:
    name = "toy"

    def __init__(self, client):
        self._client = client
        self.paid = client.facts.paid

    async def find(self, candidate):
        def sign(request):
            request.headers["X-Key"] = self._client.secret()
            return request

        request = Request("GET", "/find", params={"title": candidate.title}, sign=sign)
        records, at = await self._client.fetch(request, lambda response: json_of(self.name, response))
        return [
            EditionRecord(
                SourceRecord(self.name, record["isbn"], at),
                record["title"],
                authors=tuple(record["authors"]),
                isbn13=fields.isbn(record["isbn"]),
            )
            for record in records
        ]


# ---- its part of the sandbox


class ToySandbox(ProviderSandbox):
    name = "toy"
    latency = Latency(0.1, 0.1)
    coverage = 1.0

    def routes(self):
        return [Route("/find", self.endpoint(self._find))]

    def client(self, request: Incoming):
        return request.headers.get("x-key", "")

    def stranger(self, request):
        return None if self.client(request) == self.state.settings.key(self.name) else JSONResponse({}, 401)

    def too_fast(self, request, wait):
        return JSONResponse({}, 429)

    def exhausted(self, request):
        return JSONResponse({}, 429)

    async def _find(self, request):
        query = Query.of(title=request.query_params["title"])
        found = [
            e for e in self.state.hits(query, 5, self.draw(request, "ranking")) if self.state.holds("toy", e.isbn13)
        ]
        return JSONResponse([{"title": e.title, "authors": e.authors, "isbn": e.isbn13} for e in found])


# ---- its row


@pytest.fixture
def toy(monkeypatch):
    """The row, and the two modules that it names."""
    monkeypatch.setitem(sys.modules, "toy_source", sys.modules[__name__])
    row = ProviderFacts(
        label="The Toy",
        limits=PublishedLimits(base_url="https://toy.test", rate=5, daily_limit=100),
        key=KeySetting("TOY_API_KEY", "key of the source toy"),
        source="toy_source:ToySource",
        sandbox="toy_source:ToySandbox",
        default_rank=6,
        coverage=0.4,
    )
    monkeypatch.setitem(PROVIDERS, "toy", row)
    yield row
    provider_facts.resolve.cache_clear()


async def test_a_new_source_resolves_a_book_in_the_real_step(toy, database_url, monkeypatch):
    """With the sandbox's variables set, as in the tutorial."""
    sandbox = SandboxSettings(latency_scale=0, look_alikes=0)
    for name, value in environment(sandbox, "http://sandbox").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ALEXANDRIA_SOURCES", "toy")
    settings = config.load()
    assert settings.sources == ("toy",)
    async with (
        Database(database_url) as database,
        RateLimiter(database_url, database.pool, settings.providers) as limiter,
    ):
        client = ProviderClient(
            settings.providers["toy"], limiter, ResponseCache(database),
            contact="", version="0", inner=httpx2.ASGITransport(create_app(sandbox)),
        )  # fmt: skip
        selector = SourceSelector(SourcePool([make_source(client)], Policy.BALANCED))
        (resolution,) = await resolve(None, [BOOK], selector, database)
        status = {lane.name: lane for lane in await limiter.status()}["toy"]
        await client.aclose()
    assert resolution.isbn13 is not None
    assert resolution.accepted is not None
    assert (resolution.source, resolution.accepted.title) == ("toy", "The Mystery Guest")
    assert (status.rate, status.limit, status.used) == (5, 100, 1)


def test_everything_else_reads_the_row(toy, monkeypatch):
    """Settings, key, page, doctor, forecast and the order of trust."""
    monkeypatch.setenv("TOY_API_KEY", "canary-toy")
    assert provider_facts.default_sources()[-1] == "toy"
    monkeypatch.setenv("ALEXANDRIA_SOURCES", "open_library,toy")
    settings = config.load()
    assert settings.providers["toy"].key is not None
    shown = {setting.name: setting.value for setting in listed(settings, given=False)}
    assert (shown["TOY_API_KEY"], shown["ALEXANDRIA_TOY_RATE"]) == ("********", "5.0")
    assert label_on_page("toy") == "The Toy"
    assert [check.ok for check in checks._keys(settings, {"toy": ""})] == [True]
    (simulated,) = [each for each in expected_scenario(settings, []).sources if each.name == "toy"]
    assert (simulated.coverage, simulated.daily_cap) == (0.4, 100)
    assert provider_facts.trusted("publisher")[-1] == "toy"


def test_an_unknown_source_is_refused(monkeypatch):
    monkeypatch.setenv("ALEXANDRIA_SOURCES", "toy")
    with pytest.raises(errors.Misconfigured, match="unknown source 'toy'"):
        config.load()


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_row_names_classes_that_exist_and_are_its_own(name):
    facts = PROVIDERS[name]
    for entry_point in filter(None, (facts.source, facts.sandbox)):
        assert provider_facts.resolve(entry_point).name == name
    assert facts.source or facts.generator
    assert bool(facts.generator) or not facts.model
    assert callable(provider_facts.resolve(facts.generator or facts.source))


def test_one_source_is_metered_and_default_ranks_are_unique():
    assert [name for name, facts in PROVIDERS.items() if facts.metered] == ["isbndb"]
    ranks = [facts.default_rank for facts in PROVIDERS.values() if facts.default_rank is not None]
    assert len(ranks) == len(set(ranks))
