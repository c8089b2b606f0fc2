"""The PostgreSQL that a process relies on: the configured one, or the embedded one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from alexandria.core.config import Settings
from alexandria.core.errors import NotMigrated
from alexandria.database import migrate
from alexandria.database.embedded.server import Embedded


class Server(Protocol):
    """A PostgreSQL that this process relies on."""

    @property
    def url(self) -> str: ...

    def ensure(self) -> None:
        """Bring it back if it is ours and has gone."""


@dataclass(frozen=True, slots=True)
class _ExternalServer:
    """A server that somebody else runs: nothing here can restart it."""

    url: str = field(repr=False)

    def ensure(self) -> None:
        return


@contextlib.contextmanager
def open_server(settings: Settings) -> Iterator[Server]:
    """The configured PostgreSQL, or the embedded one, started if need be."""
    if settings.database_url is not None:
        yield _ExternalServer(settings.database_url.get_secret_value())
        return
    with Embedded(settings.data_dir) as embedded:
        yield embedded


def require_migrated(url: str) -> None:
    """Raises NotMigrated if the schema is older than this version."""
    steps = migrate.missing(url)
    if steps:
        raise NotMigrated(f"the database lacks {migrate.describe(steps)}", hint="run: alexandria migrate")
