"""Finds what stands in the way of a migration, with the SQL by which a database administrator removes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from psycopg.rows import dict_row

from alexandria.core.errors import DatabaseNotPrepared
from alexandria.core.grammar import listed
from alexandria.database import migrations
from alexandria.database.embedded.server import MIN_MAJOR_VERSION
from alexandria.database.session import MigrationConnection
from alexandria.database.sql import load

SQL = load(__name__)
VERSION_TABLE = "schema_version"
ENCODING = "UTF8"
_LISTED_COUNT = 4  # names that a sentence lists one by one
_CREATED = re.compile(
    r"^\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:UNIQUE\s+|UNLOGGED\s+)?(?:TABLE|INDEX|TYPE|FUNCTION|VIEW|SEQUENCE)\s+"
    r"(?:IF\s+NOT\s+EXISTS\s+)?(\w+)",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Facts:
    """A database as a migration finds it, and what the role of the connection may do there."""

    database: str
    role: str
    encoding: str
    version: int
    version_text: str
    standby: bool
    read_only: bool
    owns_database: bool
    may_create_schema: bool
    has_schema: bool
    may_use_schema: bool
    trigram_schema: str | None
    may_use_trigrams: bool
    has_trigram_files: bool
    may_create_trigrams: bool
    has_search_path: bool
    is_public: bool
    is_empty: bool


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason why a migration cannot run: the end of a sentence, and what removes it as SQL or as advice."""

    reason: str
    statement: str = ""
    advice: str = ""


Wordings: TypeAlias = dict[str, str]


def wordings(connection: MigrationConnection, schema: str) -> Wordings:
    """Return the statements that a migration runs or that an administrator may have to run, by their names."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(SQL["wordings"], {"schema": schema, "encoding": ENCODING}).fetchone()
    assert row is not None, "one row without a table"
    return row


def facts(connection: MigrationConnection, schema: str) -> Facts:
    """Return what is to be known before `schema` is made or changed."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(SQL["facts"], {"schema": schema}).fetchone()
        assert row is not None, "there is one current database"
        is_empty = cursor.execute(SQL["relations"]).fetchone() is None
    return Facts(**row, is_empty=is_empty)


def require_prepared(connection: MigrationConnection, schema: str, pending: Sequence[str], known: Facts) -> None:
    """Raise DatabaseNotPrepared if the `pending` steps cannot run, with all reasons at once."""
    texts = wordings(connection, schema)
    obstacles = [*_server(known, texts), *_rights(known, schema, texts), *_trigrams(known, texts)]
    if pending == migrations.names():
        obstacles += _encoding(known, texts)
    obstacles += [*_names_in_the_way(connection, schema, pending), *_owners(connection, schema, pending, known)]
    if not obstacles:
        return
    statements = [obstacle.statement for obstacle in obstacles if obstacle.statement]
    advice = [obstacle.advice for obstacle in obstacles if obstacle.advice]
    if statements:
        advice.append("run this as the owner of the database or an administrator, then migrate again:")
    raise DatabaseNotPrepared(
        f"the database {known.database} is not ready: {'; '.join(obstacle.reason for obstacle in obstacles)}",
        hint="\n  ".join([*advice, *statements]),
        details={"statements": statements} if statements else None,
    )


def created(steps: Sequence[str]) -> set[str]:
    """Return the names that these steps give to tables, indexes, types and functions."""
    return {name for step in steps for name in _created(step)}


@cache
def _created(step: str) -> frozenset[str]:
    return frozenset(_CREATED.findall(migrations.statements(step)))


def _server(known: Facts, texts: Wordings) -> Iterator[Obstacle]:
    if known.version < MIN_MAJOR_VERSION * 10_000:
        yield Obstacle(
            f"it runs on PostgreSQL {known.version_text}", advice=f"use PostgreSQL {MIN_MAJOR_VERSION} or newer"
        )
    if known.standby:
        yield Obstacle("the server is a read-only standby", advice="set DATABASE_URL to the primary server")
    elif known.read_only:
        yield Obstacle(f"sessions of the role {known.role} are read-only", texts["allow_writing"])


def _encoding(known: Facts, texts: Wordings) -> Iterator[Obstacle]:
    if known.encoding != ENCODING:
        yield Obstacle(
            f"its encoding is {known.encoding}, and titles of books need {ENCODING}",
            texts["create_database"],
            "the encoding of a database cannot be changed: set DATABASE_URL to one with the right encoding",
        )


def _rights(known: Facts, schema: str, texts: Wordings) -> Iterator[Obstacle]:
    if not known.has_schema and not known.may_create_schema:
        yield Obstacle(f"the role {known.role} may not create the schema {schema}", texts["give_schema"])
    if known.has_schema and not known.may_use_schema:
        yield Obstacle(
            f"the role {known.role} may not create tables in the schema {schema}",
            texts["grant_schema"],
        )


def _trigrams(known: Facts, texts: Wordings) -> Iterator[Obstacle]:
    if known.trigram_schema is not None:
        if not known.may_use_trigrams:
            yield Obstacle(
                f"the extension pg_trgm is in the schema {known.trigram_schema}, which the role {known.role} may not use",
                texts["grant_trigrams"],
            )
    elif not known.has_trigram_files:
        yield Obstacle(
            "the extension pg_trgm is not on the server", advice="install the package postgresql-contrib on the server"
        )
    elif not known.may_create_trigrams:
        yield Obstacle(f"the role {known.role} may not create the extension pg_trgm", texts["create_trigrams"])


def _names_in_the_way(connection: MigrationConnection, schema: str, pending: Sequence[str]) -> Iterator[Obstacle]:
    wanted = created(pending) - created([step for step in migrations.names() if step not in pending])
    if pending == migrations.names():
        wanted.add(VERSION_TABLE)
    taken = {str(row[0]) for row in connection.execute(SQL["names"], {"schema": schema})} & wanted
    if not taken:
        return
    tables = sorted(name for name in taken if not name.startswith("procrastinate"))
    names = [*tables[:_LISTED_COUNT], *([f"{len(tables) - _LISTED_COUNT} more"] if len(tables) > _LISTED_COUNT else [])]
    if len(tables) < len(taken):
        names.append("a job queue (procrastinate)")
    yield Obstacle(
        f"in the schema {schema} another program has {listed(names)}",
        advice="choose a schema of its own for alexandria: set ALEXANDRIA_SCHEMA, for example to alexandria_backfill",
    )


def _owners(connection: MigrationConnection, schema: str, pending: Sequence[str], known: Facts) -> Iterator[Obstacle]:
    applied = created([step for step in migrations.names() if step not in pending])
    for owner, grant in connection.execute(SQL["owners"], {"schema": schema, "names": sorted(applied)}):
        yield Obstacle(
            f"the tables belong to the role {owner}, and {known.role} may not change them",
            str(grant),
            f"migrate as {owner}, or:",
        )
