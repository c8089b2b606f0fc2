"""What every test may ask for: a clean environment and, by the fixture `database_url`, a PostgreSQL of its own.

database_url         a fresh database with all migrations, dropped afterwards
empty_database_url   a fresh database without them
data_dir             a fresh data folder for tests that start the embedded server themselves
psql                 the client program that fits the server
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings

from alexandria.database.embedded.server import Embedded
from alexandria.database.migrate import upgrade

_FOREIGN = re.compile(r"ALEXANDRIA_.*|.*_API_KEY|DATABASE_URL|PG[A-Z]+|OTEL_.*")
# Short, and open to the account that runs the server for root; pytest's own folders are neither.
_PLACE = Path(tempfile.mkdtemp(prefix="alexandria-tests-", dir="/tmp"))

# The same examples in every run, so that a red run can be repeated; HYPOTHESIS_PROFILE=random looks for new ones.
# HYPOTHESIS_PROFILE=first stops at the first failing example: a mutant is found, and nobody reads the smallest example.
# How fast the machine is proves nothing in any of them.
for _profile, _fixed, _phases in (
    ("fixed", True, tuple(Phase)),
    ("random", False, tuple(Phase)),
    ("first", True, (Phase.explicit, Phase.generate)),
):
    settings.register_profile(
        _profile,
        derandomize=_fixed,
        phases=_phases,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        print_blob=True,
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


def pytest_configure():
    """Nothing of the developer's environment reaches a test, and being told to stop still cleans up."""
    for name in filter(_FOREIGN.fullmatch, list(os.environ)):
        del os.environ[name]
    _PLACE.chmod(0o711)
    os.environ["ALEXANDRIA_DATA_DIR"] = str(_PLACE / "default")
    (_PLACE / "secrets").mkdir(exist_ok=True)
    os.environ["ALEXANDRIA_SECRETS_DIR"] = str(_PLACE / "secrets")
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_unconfigure():
    _remove(_PLACE)


@pytest.fixture(scope="session")
def server() -> Iterator[Embedded]:
    """The one server of the session, not to be killed: tests of crashes start their own in `data_dir`."""
    with Embedded(_PLACE / "server", durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def template(server) -> str:
    """The name of a database that has been migrated once, to be copied."""
    name = "migrated"
    _administer(server, f"CREATE DATABASE {name}")
    upgrade(_url_of(server, name))
    return name


@pytest.fixture
def database_url(server, template) -> Iterator[str]:
    yield from _database(server, template)


@pytest.fixture
def empty_database_url(server) -> Iterator[str]:
    yield from _database(server, "template1")


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Where a data folder can be made, for tests that start a server of their own; removed afterwards."""
    folder = _PLACE / uuid.uuid4().hex[:8]
    yield folder
    _remove(folder)


@pytest.fixture(scope="session")
def psql(server: Embedded) -> Path:
    return server.psql


def _remove(place: Path) -> None:
    """All data folders under `place`, with what a server of root's keeps elsewhere; stops what a failed test left."""
    for home in place.rglob("postgresql"):
        if (home / "data" / "postmaster.pid").exists():
            with Embedded(home.parent, durable=False):
                pass
        if home.is_symlink():
            shutil.rmtree(home.resolve().parent)
    shutil.rmtree(place, ignore_errors=True)


def _database(server: Embedded, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _url_of(server, name)
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(server: Embedded, statement: str) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(statement)


def _url_of(server: Embedded, database: str) -> str:
    return server.url.replace("/alexandria?", f"/{database}?")
