"""A model's list is paid once, whatever happens to its month afterwards."""

import contextlib

import pytest

from alexandria.backfill.composition import compose
from alexandria.backfill.control import Control, RetrySelection
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.repositories import months
from alexandria.backfill.scheduler import Selection
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.core import config
from alexandria.core.month import Month
from alexandria.core.provider_facts import key_settings
from alexandria.database.pool import Database
from alexandria.providers.client import ProviderClient
from alexandria.providers.generator_specs import GeneratorSpec
from alexandria.providers.limits.rate import RateLimiter
from alexandria.providers.llm import LanguageModel
from alexandria.providers.open_library import OpenLibrary
from alexandria.providers.response_cache import ResponseCache

NOVEMBER = Month(2023, 11)
MODELS = {"gemini": "gemini-3.5-flash", "xai": "grok-4.3"}
NAMES = (*MODELS, "open_library")


@contextlib.asynccontextmanager
async def system(client, database_url):
    """A backfill with two models and one source, all from the sandbox."""
    providers = config.load().providers
    async with Database(database_url) as database, RateLimiter(database_url, database.pool, providers) as lanes:
        jobs = JobQueue(database)
        await jobs.open()

        def speak(name):
            answers = ResponseCache(database)
            contact = "mailto:ops@library.test"
            return ProviderClient(
                providers[name], lanes, answers, contact=contact, version="0", inner=client._transport
            )

        generators = [LanguageModel(GeneratorSpec(name, model), speak(name)) for name, model in MODELS.items()]
        yield compose(database, jobs, generators, SourcePool([OpenLibrary(speak("open_library"))], Policy.BALANCED))
        await jobs.aclose()


@pytest.fixture(autouse=True)
def _sandboxed(monkeypatch):
    for name in NAMES:
        monkeypatch.setenv(f"ALEXANDRIA_{name.upper()}_BASE_URL", f"http://sandbox/{name}")
        monkeypatch.setenv(f"ALEXANDRIA_{name.upper()}_RATE", "400")
    for name in MODELS:
        monkeypatch.setenv(key_settings()[name], f"sandbox-{name}")


async def accepted(client):
    providers = (await client.get("/__sandbox/stats")).json()["providers"]
    return {name: providers[name]["accepted"] for name in NAMES}


async def walk(backfill):
    """Schedule the month and process it; returns its row."""
    await backfill.scheduler.schedule(Selection(first_year=2023, last_year=2023, batch_size=50), "test")
    async with backfill.scheduler.database.transaction() as connection:
        row = await months.one(connection, NOVEMBER)
    assert row is not None
    await backfill.runner.process(row["attempt_token"], "test")
    async with backfill.scheduler.database.transaction() as connection:
        return await months.one(connection, NOVEMBER)


async def test_a_retry_of_a_month_makes_no_model_call(sandbox, database_url):
    """Completed, failed half-way and run again: each model gets one request, and the books are the same."""
    client = sandbox(rates=dict.fromkeys(NAMES, 400.0))
    async with system(client, database_url) as backfill:
        async with backfill.scheduler.database.transaction() as connection:
            await connection.execute("INSERT INTO backfill_log (year, month, batch_size) VALUES (2023, 11, 5)")
        first = await walk(backfill)
        assert first["status"] == "completed"
        assert first["books_generated"] > 0
        paid = await accepted(client)
        assert (paid["gemini"], paid["xai"]) == (1, 1)

        control = Control(backfill.scheduler.database, backfill.scheduler.queue)
        await control.retry(RetrySelection((NOVEMBER,)), "test")
        again = await walk(backfill)
        assert (again["status"], again["books_generated"]) == ("completed", first["books_generated"])
        assert await accepted(client) == paid

        await control.purge("gemini", "test")
        await control.retry(RetrySelection((NOVEMBER,)), "test")
        await walk(backfill)
        assert await accepted(client) == {**paid, "gemini": 2}
