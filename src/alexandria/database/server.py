"""The PostgreSQL of a process: the configured one, or the embedded one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from alexandria.core.config import Settings
from alexandria.core.errors import NotMigrated
from alexandria.core.grammar import counted
from alexandria.database import migrate, migrations
from alexandria.database.embedded.server import Embedded


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


@contextlib.contextmanager
def open_server(settings: Settings) -> Iterator[Server]:
    """Yield the configured PostgreSQL, or the embedded one, started if it does not run."""
    if settings.database_url is not None:
        yield _ExternalServer(settings.database_url.get_secret_value())
        return
    with Embedded(settings.data_dir) as embedded:
        yield embedded


def require_migrated(url: str) -> None:
    """Raise NotMigrated if the schema is older than this version."""
    steps = migrate.missing(url)
    if steps == migrations.names():
        raise NotMigrated("this database is empty (no schema yet)", hint="run: alexandria migrate")
    if steps:
        pending = f"{counted(len(steps), 'migration')} pending: {migrate.describe(steps)}"
        raise NotMigrated(pending, hint="run: alexandria migrate")
