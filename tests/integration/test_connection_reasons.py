"""Why PostgreSQL lets nobody in, as commands and processes print it: its own sentence, the fix, and exit code 6."""

import uuid
from urllib.parse import quote

import psycopg
import pytest

from alexandria.core import errors
from alexandria.database.pool import Database
from tests.support.commands import run

pytestmark = pytest.mark.long

SECRET = "canary-secret-of-the-door"


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.setenv("ALEXANDRIA_WEBHOOK_SECRET", SECRET * 2)


@pytest.fixture
def outsider(server):
    """A role that may log in, dropped afterwards; the first is its name, the second runs a statement as the owner."""
    name = f"ann_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server.url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'canary-password'")
        yield name, owner.execute
        owner.execute(f"DROP OWNED BY {name}")
        owner.execute(f"DROP ROLE {name}")


def printed(url, *command):
    done = run("--database", url, *command, environment={"PATH": "", "ALEXANDRIA_WEBHOOK_SECRET": SECRET * 2})
    assert "Traceback" not in done.stderr
    assert "canary-password" not in done.stderr + done.stdout
    return done.returncode, done.stderr


def refused(database_url, kind, outsider):
    """A URL that leads to such a refusal."""
    name, execute = outsider
    database = database_url.rpartition("/")[2].partition("?")[0]
    as_outsider = database_url.replace("alexandria@", f"{name}:canary-password@")
    match kind:
        case "nobody listens":
            return "postgresql://ann:canary-password@127.0.0.1:1/books"
        case "no such host":
            return "postgresql://ann:canary-password@nowhere.invalid/books"
        case "no such database":
            return database_url.replace(f"/{database}", f"/{quote('no books')}")
        case "no such role":
            return database_url.replace("alexandria@", "nobody_of_that_name:canary-password@")
        case "too many connections":
            execute(f"ALTER ROLE {name} CONNECTION LIMIT 0")
        case "not permitted":
            execute(f"REVOKE CONNECT ON DATABASE {database} FROM PUBLIC")
        case "not accepting connections":
            execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
    return as_outsider


REASONS = {
    "nobody listens": ("PostgreSQL does not answer: ", "that the server runs"),
    "no such host": ("PostgreSQL does not answer: ", "that the server runs"),
    "no such database": ('PostgreSQL refuses the connection: database "no books" does not exist', "createdb"),
    "no such role": ('PostgreSQL refuses the connection: role "nobody_of_that_name" does not exist', "createuser"),
    "too many connections": ("PostgreSQL refuses the connection: too many connections for role", "max_connections"),
    "not permitted": ("PostgreSQL refuses the connection: permission denied for database", "CONNECT"),
    "not accepting connections": ("PostgreSQL refuses the connection: database", "ALLOW_CONNECTIONS"),
}


def check(kind, code, said):
    reason, fix = REASONS[kind]
    assert code == 6, said
    assert reason in said
    assert fix in said.replace("\n", " ")


@pytest.mark.parametrize("kind", REASONS)
@pytest.mark.parametrize("command", ["status", "work"])
def test_a_command_prints_why_and_the_fix(alexandria, database_url, outsider, kind, command):
    code, out, said = alexandria(command, url=refused(database_url, kind, outsider))
    check(kind, code, said)
    assert "Traceback" not in said
    assert "canary-password" not in out + said


@pytest.mark.parametrize("command", ["status", "work"])
def test_a_process_ends_with_the_same_reason(database_url, outsider, command):
    code, said = printed(refused(database_url, "not permitted", outsider), command)
    check("not permitted", code, said)


@pytest.mark.parametrize("kind", ["no such database", "too many connections"])
async def test_a_pool_gives_the_servers_reason_and_not_that_it_waited(database_url, outsider, kind):
    """A process that runs already learns it from its next connection, as when the server's limit is reached meanwhile."""
    reason, _ = REASONS[kind]
    with pytest.raises(errors.DatabaseUnavailable) as caught:
        async with Database(refused(database_url, kind, outsider), patience=1.0):
            pass
    assert reason in caught.value.message


async def test_a_pool_without_a_free_connection_reports_it(database_url):
    async with Database(database_url, size=1) as database, database.transaction():
        database.pool.timeout = 0.2
        with pytest.raises(errors.DatabaseUnavailable, match="no connection was free"):
            async with database.transaction():
                pass
