"""The clients against the sandbox, through the real rate limiter and response cache."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest

from alexandria.catalogue.models import Candidate
from alexandria.core import config, errors
from alexandria.core.month import Month
from alexandria.core.provider_facts import key_settings
from alexandria.database.pool import Database
from alexandria.providers.client import ProviderClient
from alexandria.providers.fields import isbns
from alexandria.providers.generator_specs import GeneratorSpec
from alexandria.providers.google_books import GoogleBooks
from alexandria.providers.internet_archive import InternetArchive
from alexandria.providers.isbndb import ISBNdb
from alexandria.providers.limits.rate import RateLimiter
from alexandria.providers.llm import LanguageModel
from alexandria.providers.open_library import OpenLibrary
from alexandria.providers.response_cache import ResponseCache
from alexandria.providers.wikidata import Wikidata

NOVEMBER = Month(2023, 11)
MODELS = {"gemini": "gemini-3.5-flash", "xai": "grok-4.3"}
SOURCES = {
    "isbndb": ISBNdb,
    "open_library": OpenLibrary,
    "google_books": GoogleBooks,
    "internet_archive": InternetArchive,
    "wikidata": Wikidata,
}
FINDS = {"isbndb": 0.9, "open_library": 0.7, "google_books": 0.5, "internet_archive": 0.5, "wikidata": 0.1}  # at least
FAST = dict.fromkeys((*MODELS, *SOURCES), 400.0)


@pytest.fixture
async def wired(sandbox, database_url, monkeypatch):
    """`wired(**settings of the sandbox)` is (a client of the sandbox's own pages, `speak`); `speak(name)` is the
    generator or source of that name. `contact` and `keys` are what we send."""
    opened = []
    async with Database(database_url) as database:

        async def wired(*, contact="mailto:ops@library.test", keys=None, rates=FAST, lanes_rate=400, **settings):
            client = sandbox(rates=rates, latency_scale=0, **settings)
            for name in (*MODELS, *SOURCES):
                monkeypatch.setenv(f"ALEXANDRIA_{name.upper()}_BASE_URL", f"http://sandbox/{name}")
                monkeypatch.setenv(f"ALEXANDRIA_{name.upper()}_RATE", str(lanes_rate))
            for name in ("gemini", "xai", "isbndb", "google_books"):
                monkeypatch.setenv(key_settings()[name], (keys or {}).get(name, f"sandbox-{name}"))
            providers = config.load().providers
            lanes = RateLimiter(database_url, database.pool, providers)
            await lanes.open()
            opened.append(lanes)
            answers = ResponseCache(database)

            def speak(name):
                transport = ProviderClient(
                    providers[name], lanes, answers, contact=contact, version="0", inner=client._transport
                )
                if name in MODELS:
                    return LanguageModel(GeneratorSpec(name, MODELS[name]), transport)
                return SOURCES[name](transport)

            return client, speak

        yield wired
        for lanes in opened:
            await lanes.aclose()


async def own_page(client, path, **params):
    return (await client.get(f"/__sandbox/{path}", params=params)).json()


async def calls(database_url):
    async with Database(database_url) as database, database.transaction() as connection:
        rows = await (await connection.execute("SELECT provider, count(*) AS sent FROM call GROUP BY 1")).fetchall()
        return {row["provider"]: row["sent"] for row in rows}


async def test_a_models_list_is_requested_once_and_then_cached(wired, database_url):
    client, speak = await wired()
    for name in MODELS:
        answer = await speak(name).suggest(NOVEMBER, "contemporary-notable", 20)
        again = await speak(name).suggest(NOVEMBER, "contemporary-notable", 20)
        assert answer == again
        assert 10 <= len(answer.candidates) <= 20
        spellings = {(named["title"].casefold(), named["author"]) for named in await own_page(client, "truth")}
        found = {(candidate.title.casefold(), candidate.author) for candidate in answer.candidates}
        assert found <= spellings  # a title in capitals is read in small letters
    assert await calls(database_url) == {"gemini": 1, "xai": 1}


async def test_sources_find_real_books_and_call_counters_agree_with_the_sandbox(wired, database_url):
    client, speak = await wired()
    named = (await speak("gemini").suggest(NOVEMBER, "contemporary-notable", 20)).candidates
    found: Counter[str] = Counter()
    for candidate in named:
        truth = await own_page(client, "truth", title=candidate.title, author=candidate.author)
        right = {*truth["isbns"], *(variant["isbn13"] for variant in truth["variants"])}
        found["real"] += not truth["invented"]
        for name in SOURCES:
            hits = await speak(name).find(candidate)
            found[name] += any(hit.isbn13 in right for hit in hits)
            for hit in hits:
                assert hit.isbn13 is None or "error" not in await own_page(client, f"truth/isbn/{hit.isbn13}")
    assert {name: found[name] for name, share in FINDS.items() if found[name] < share * found["real"]} == {}
    arrivals = {name: message["arrivals"] for name, message in (await own_page(client, "stats"))["providers"].items()}
    assert {name: sent for name, sent in arrivals.items() if sent} == await calls(database_url)


async def test_many_isbns_cost_isbndb_one_unit_each(wired):
    _, speak = await wired()
    source = speak("isbndb")
    hits = await source.find(Candidate("Fourth Wing", "Rebecca Yarros", 2023, 4))
    asked = {hit.isbn13 for hit in hits if hit.isbn13}
    before = await source.key_status()
    known = await source.by_isbns(asked)
    after = await source.key_status()
    assert known.keys() == asked
    assert after.spent - before.spent == len(asked)
    assert (after.total, after.left) == (15000, 15000 - after.spent)


async def test_the_archives_own_record_has_an_isbn_that_its_search_lacks(wired):
    client, speak = await wired(look_alikes=0, coverage={"internet_archive": 1})
    params = {"q": "title:(love) AND mediatype:texts", "rows": "200", "output": "json"}
    docs = (await client.get("/internet_archive/advancedsearch.php", params=params)).json()["response"]["docs"]
    silent = {doc["identifier"]: Candidate(doc["title"], "") for doc in docs if "isbn" not in doc}
    hits = [hit for candidate in silent.values() for hit in await speak("internet_archive").find(candidate)]
    answer = {hit.source.id: hit.isbn13 for hit in hits if hit.source.id in silent and hit.isbn13}
    assert answer
    for identifier, isbn in answer.items():
        record = (await client.get(f"/internet_archive/metadata/{identifier}")).json()["metadata"]
        assert isbn in isbns(record["isbn"])


@pytest.mark.parametrize("name", ["gemini", "xai", "isbndb", "google_books"])
async def test_a_wrong_key_raises_key_refused(wired, name):
    _, speak = await wired(keys={name: "wrong"})
    with pytest.raises(errors.KeyRefused):
        await ask(speak(name))


async def test_without_a_contact_wikidata_refuses_and_open_library_answers(wired):
    """Open Library takes a User-Agent that does not name a product alone, at a third of the rate."""
    _, speak = await wired(contact="", rates=FAST | {"open_library": 1200.0})
    with pytest.raises(errors.KeyRefused) as refused:
        await speak("wikidata").find(Candidate("Fourth Wing", "Rebecca Yarros", 2023, 4))
    assert "ALEXANDRIA_CONTACT" in refused.value.hint
    assert await speak("open_library").find_widely(Candidate("Fourth Wing", "Rebecca Yarros", 2023, 4))


async def test_wikidata_names_real_books_of_the_month_without_a_key(wired):
    client, speak = await wired()
    candidates = [
        c
        for month in range(1, 13)
        for c in (await speak("wikidata").suggest(Month(2003, month), "baseline", 5)).candidates
    ]
    assert candidates
    for candidate in candidates:
        truth = await own_page(client, "truth", title=candidate.title, author=candidate.author.split(", ")[0])
        assert truth["isbns"]
        assert truth["invented"] is False


@pytest.mark.parametrize("model", ["gemini-2.0-flash", "grok-2"])
async def test_a_retired_model_raises_request_refused(wired, monkeypatch, model):
    name = "gemini" if model.startswith("gemini") else "xai"
    monkeypatch.setitem(MODELS, name, model)
    _, speak = await wired()
    with pytest.raises(errors.RequestRefused) as refused:
        await ask(speak(name))
    assert "ALEXANDRIA_GENERATORS" in refused.value.hint


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("gemini", errors.QuotaSpent),
        ("isbndb", errors.QuotaSpent),
        ("google_books", errors.QuotaSpent),
        ("xai", errors.NoCredit),
    ],
)
async def test_a_spent_daily_quota_differs_from_a_rate_limit(wired, name, error):
    _, speak = await wired(daily_limits={name: 1})
    await ask(speak(name), 0)
    with pytest.raises(error) as spent:
        await ask(speak(name), 1)
    assert error is errors.NoCredit or spent.value.until > datetime.now(UTC)


@pytest.mark.parametrize("name", [*MODELS, *SOURCES])
async def test_a_rate_limited_request_is_repeated_after_the_wait(wired, name):
    client, speak = await wired(rates=FAST | {name: 1.0})
    one = speak(name)
    await asyncio.gather(*(ask(one, number) for number in range(2)))
    message = (await own_page(client, "stats"))["providers"][name]
    assert message["refused"].keys() == {"429"}
    assert message["accepted"] >= 2


async def ask(provider, number=0):
    """A query; each number gives a different one."""
    if isinstance(provider, LanguageModel):
        return await provider.suggest(Month(2023, 1 + number), "baseline", 5)
    book = [Candidate("Tom Lake", "Ann Patchett"), Candidate("Babel", "R. F. Kuang")][number]
    return await provider.find(book)
