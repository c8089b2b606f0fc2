"""Text of others is data: whatever callers, models and sources write, the database keeps it and runs none of it."""

import pytest
from pydantic import SecretStr

from alexandria import bootstrap
from alexandria.bootstrap import Mode
from alexandria.core import config
from alexandria.database.server import open_server
from alexandria.operations import backfill
from alexandria.operations.system import System

QUOTES = "x'); DROP TABLE work; --"
HOSTILE = [QUOTES, "' OR '1'='1", "%(year)s %s {0}", "\\'; SELECT pg_sleep(9); --", '"; --', "$$; $1"]


@pytest.fixture(autouse=True)
async def _a_failed_month(empty, sql):
    await sql(
        "INSERT INTO backfill_log (year, month, status, error_code, error_message) VALUES (2023, 1, 'failed', 'x', 'y')"
    )


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_compared_and_stored_unchanged(api, system, sql, text):
    """A reason that no month has chooses none, and one that is noted comes back letter by letter."""
    assert (await backfill.list_months(system, reason=text)).total == 0
    retried = await api.post("/api/internal/retry", json={"reason": text})
    assert retried.json()["reopened"] == []
    await api.post("/api/internal/pause", json={"reason": text})
    try:
        assert (await api.get("/api/internal/backfill-stats")).json()["paused"]["reason"] == text
    finally:
        await api.post("/api/internal/resume", json={})
    assert await sql("SELECT detail ->> 'reason' AS reason FROM audit WHERE act = 'pause'") == [{"reason": text}]
    assert await sql("SELECT count(*) AS works FROM work") == [{"works": 0}]
    assert await sql("SELECT count(*) AS failed FROM backfill_log WHERE status = 'failed'") == [{"failed": 1}]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_running_system_shows_no_secret_of_its_own(shared_database_url, monkeypatch):
    """Neither as a whole nor in its parts, which is what a debugger or a careless log line would print."""
    names = ("GEMINI_API_KEY", "XAI_API_KEY", "ISBNDB_API_KEY", "GOOGLE_BOOKS_API_KEY", "OPENAI_API_KEY",
             "ALEXANDRIA_WEBHOOK_SECRET", "ALEXANDRIA_WEBHOOK_SECRET_PREVIOUS", "ALEXANDRIA_ALARM_SECRET")  # fmt: skip
    for name in names:
        monkeypatch.setenv(name, f"canary-{name}")
    monkeypatch.setenv("ALEXANDRIA_ALARM_URL", "http://127.0.0.1:1/canary-token")
    url = shared_database_url.replace("?", "?password=canary-password&", 1)
    settings = config.load(database_url=SecretStr(url))
    with open_server(settings) as server:
        async with bootstrap.running(settings, server, Mode.WORK) as system:
            whole = [system, settings, server, *(getattr(system, name) for name in System.__slots__)]
            parts = [*system.clients.values(), *settings.providers.values(), *system.backfill.runner.generators]
            shown = "".join(f"{each!r} {each}" for each in [*whole, *parts, *system.backfill.runner.sources.sources])
    assert "ProviderClient" in shown
    assert "canary" not in shown
