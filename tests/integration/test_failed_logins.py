"""A wrong secret is answered 401 or 429, whatever a proxy calls the client and whatever the database does."""

import random

import httpx2
import psycopg
import pytest

from alexandria.web.auth.secret import MAX_CLIENT_LENGTH

pytestmark = pytest.mark.asyncio(loop_scope="module")

MONTHS = "/api/internal/months"


async def wrong_secret(app, client):
    transport = httpx2.ASGITransport(app, client=(client, 1))
    async with httpx2.AsyncClient(transport=transport, base_url="http://alexandria") as browser:
        return (await browser.get(MONTHS, headers={"X-Cron-Secret": "wrong"})).status_code


async def test_a_client_whose_name_is_no_address_is_counted_too(app, sql):
    """Of any length, as from X-Forwarded-For; an index of PostgreSQL has no room for the longest."""
    letters = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=8000))
    for client in ("unknown", letters, "::1", "::ffff:192.0.2.1", "fe80::1%eth0", "192.0.2.1:1234", "_hidden", ""):
        assert await wrong_secret(app, client) == 401, client
    stored = await sql("SELECT max(length(client)) AS longest, count(*) AS n FROM knock")
    assert (stored[0]["longest"], stored[0]["n"]) == (MAX_CLIENT_LENGTH, 8)


async def test_while_another_session_has_locked_the_table_the_answer_is_the_same(app, shared_database_url):
    async with await psycopg.AsyncConnection.connect(shared_database_url) as person:
        await person.execute("LOCK TABLE knock")
        statuses = [await wrong_secret(app, "192.0.2.7") for _ in range(2)]
        await person.rollback()
    assert statuses == [401, 401]
