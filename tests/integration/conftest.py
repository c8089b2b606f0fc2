"""What integration tests may ask for beyond the fixtures of all tests.

shared_database_url   one migrated database for all tests of a module, which leave it as they found it or empty it first
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from alexandria.store.embedded import Embedded


@pytest.fixture(scope="module")
def shared_database_url(server: Embedded, template: str) -> Iterator[str]:
    name = f"shared_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield server.url.replace("/alexandria?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
