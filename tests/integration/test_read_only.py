"""A database that takes no data: every process says so with the fix, and the system is not ready."""

import httpx2
import psycopg
import pytest
from pydantic import SecretStr

from alexandria import bootstrap
from alexandria.bootstrap import Mode
from alexandria.core import config, errors
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.database.pool import Database
from alexandria.web.app import create_app
from tests.support.commands import run
from tests.support.outside_server import Steady

SECRET = "canary-secret-of-the-door"


@pytest.fixture
def read_only_url(database_url):
    """As a standby after a failover, or a database that its owner has set so."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        row = connection.execute("SELECT current_database()").fetchone()
        assert row is not None
        connection.execute(f"ALTER DATABASE {row[0]} SET default_transaction_read_only = on")
    return database_url


async def test_the_system_is_not_ready(read_only_url):
    """A command's system, which writes nothing by itself, and the API over it."""
    settings = config.load(database_url=SecretStr(read_only_url), journal_events=0)
    async with bootstrap.running(settings, Steady(read_only_url), Mode.COMMAND) as system:
        transport = httpx2.ASGITransport(create_app(system, WebhookSecrets((SECRET,))))
        async with httpx2.AsyncClient(transport=transport, base_url="http://alexandria") as client:
            answer = await client.get("/health/ready")
    assert answer.status_code == 503
    error = answer.json()["error"]
    assert error["code"] == "database_unavailable"
    assert error["message"] == "PostgreSQL is read-only: default_transaction_read_only is on"
    assert "primary" in error["details"]["hint"]


async def test_reconnecting_waits_until_the_database_takes_data(read_only_url):
    async with Database(read_only_url) as database:
        with pytest.raises(errors.DatabaseUnavailable, match="read-only"):
            await database.ping()


@pytest.mark.parametrize(
    "command", [("schedule",), ("work", "--until-idle"), ("serve", "--port", "0"), ("seed", "2023")]
)
def test_commands_report_a_read_only_database(read_only_url, command):
    variables = {"PATH": "", "ALEXANDRIA_WEBHOOK_SECRET": SECRET * 2}
    done = run("--database", read_only_url, *command, environment=variables)
    assert done.returncode == 6, done.stderr
    assert "PostgreSQL is read-only" in done.stderr
    assert "Traceback" not in done.stderr
