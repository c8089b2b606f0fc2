"""The PostgreSQL of a process: the configured one, or the embedded one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from alexandria.core.config import Settings
from alexandria.core.errors import DatabaseNotPrepared, NotMigrated, usable_data_dir
from alexandria.core.grammar import counted
from alexandria.database import migrate, migrations, pooler, rights, session
from alexandria.database.embedded.server import Embedded

EMPTY = "this database is empty (no schema yet)"


class Server(Protocol):
    """The PostgreSQL of this process."""

    @property
    def url(self) -> str: ...

    def ensure(self) -> None:
        """Start it again if it is the embedded one and has stopped."""


@dataclass(frozen=True, slots=True)
class _ExternalServer:
    """A server that is run by others; it cannot be restarted from here."""

    url: str = field(repr=False)

    def ensure(self) -> None:
        return


@dataclass(frozen=True, slots=True)
class _EmbeddedServer:
    """The server in the data folder; other processes may use it too."""

    url: str = field(repr=False)
    embedded: Embedded

    def ensure(self) -> None:
        self.embedded.ensure()


@contextlib.contextmanager
def open_server(settings: Settings) -> Iterator[Server]:
    """Yield the configured PostgreSQL, or the embedded one, started if it does not run."""
    if settings.database_url is not None:
        yield _ExternalServer(with_search_path(settings.database_url.get_secret_value(), settings.database_schema))
        return
    with Embedded(settings.data_dir) as embedded:
        yield _EmbeddedServer(with_search_path(embedded.url, settings.database_schema), embedded)


def is_made(settings: Settings) -> bool:
    """Whether there is a PostgreSQL to look into, so that a look need not make the embedded one. Raises Misconfigured."""
    if settings.database_url is not None:
        return True
    folder = settings.data_dir.expanduser().absolute()
    with usable_data_dir(folder):
        try:
            (folder / "postgresql").lstat()
        except FileNotFoundError:
            return False
    return True


def require_made(settings: Settings) -> None:
    """Raise NotMigrated if the embedded PostgreSQL was never made."""
    if not is_made(settings):
        raise NotMigrated(EMPTY, hint="run: alexandria up, or alexandria migrate; a running demo: add --demo")


def with_search_path(url: str, schema: str | None = None) -> str:
    """Return the URL with the search path of every connection: to `schema`, or to where the tables are or will be.

    Raises DatabaseUnavailable and Misconfigured.
    """
    with migrate.opened(url, schema, keep_path=False) as connection:
        path, pooled = session.search_path_of(connection), pooler.is_pooled(connection)
        options = connection.info.options
    if pooled:
        pooler.require_own_session(url)
    return session.located(url, path, options)


def is_empty(url: str) -> bool:
    """Whether the database has no schema yet."""
    return migrate.missing(url) == migrations.names()


def require_migrated(url: str, *, writes: bool = False) -> None:
    """Raise NotMigrated if the schema is older than this version, or with `writes` if the role may not write to it."""
    try:
        steps = migrate.missing(url)
    except DatabaseNotPrepared:
        rights.require_rights(url)
        raise
    if steps == migrations.names():
        raise NotMigrated(EMPTY, hint="run: alexandria migrate")
    if steps:
        pending = f"{counted(len(steps), 'migration')} pending: {migrate.describe(steps)}"
        raise NotMigrated(pending, hint="run: alexandria migrate")
    if writes:
        rights.require_rights(url)
