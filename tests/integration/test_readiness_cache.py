"""`/health/ready` reads the database at most once a second, however many ask, and whatever it found."""

import asyncio

import httpx2
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from alexandria import bootstrap
from alexandria.bootstrap import Mode
from alexandria.core import config
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.web.api.health import CACHE_LIFETIME
from alexandria.web.app import create_app
from tests.support.clocks import Clock

READY = "/health/ready"


class Away:
    """A server that cannot be brought back."""

    def __init__(self, url):
        self.url = url

    def ensure(self):
        return


@pytest.fixture
async def probed(database_url):
    """A client, the clock, the cache, and SQL on the database."""
    async with bootstrap.running(
        config.load(database_url=SecretStr(database_url)), Away(database_url), Mode.SERVE
    ) as system:
        app = create_app(system, WebhookSecrets(("canary-secret",)))
        cache, clock = app.state.readiness, Clock()
        cache.clock = clock
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://alexandria") as client:
            with psycopg.connect(database_url, autocommit=True) as connection:
                yield client, clock, cache, connection


async def test_a_second_long_the_answer_is_the_same(probed):
    client, clock, _, connection = probed
    assert (await client.get(READY)).json()["paused"] == ""
    connection.execute("UPDATE control SET paused_since = now(), paused_by = 'olga', pause_reason = ''")
    clock.now += CACHE_LIFETIME * 0.9
    assert (await client.get(READY)).json()["paused"] == ""
    clock.now += CACHE_LIFETIME * 0.1
    assert "olga" in (await client.get(READY)).json()["paused"]


async def test_many_probes_at_once_are_one_reading(probed):
    client, _, cache, _ = probed
    responses = await asyncio.gather(*(client.get(READY) for _ in range(50)))
    assert {each.status_code for each in responses} == {200}
    assert cache.readings == 1


async def test_a_failure_is_kept_as_long(probed, server, database_url):
    client, clock, cache, connection = probed
    name = conninfo_to_dict(database_url)["dbname"]
    with psycopg.connect(server.url, autocommit=True) as elsewhere:
        connection.close()
        elsewhere.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        elsewhere.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        assert (await client.get(READY)).status_code == 503
        elsewhere.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
    assert (await client.get(READY)).status_code == 503
    assert cache.readings == 1
    clock.now += CACHE_LIFETIME
    assert (await client.get(READY)).status_code == 200


async def test_a_probe_that_gives_up_does_not_end_the_reading_of_others(probed):
    _, _, cache, _ = probed
    impatient, patient = asyncio.create_task(cache.get()), asyncio.create_task(cache.get())
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).pause is None
    assert cache.readings == 1
