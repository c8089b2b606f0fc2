"""Migrates a database: first its schema, then the data that needs the code of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from alexandria.catalogue.index import index_works
from alexandria.database import migrate as schema
from alexandria.database.migrate import MigrationConnection


@dataclass(frozen=True, slots=True)
class Migration:
    """The steps that were applied, and how many works got their keys. `notes` are for the owner of the database."""

    steps: list[str]
    indexed_works: int
    notes: tuple[str, ...] = ()


def migrate(url: str) -> Migration:
    """Bring the database at `url` to this version in one transaction. Raises DatabaseUnavailable, Misconfigured."""
    indexed = 0

    def complete(connection: MigrationConnection) -> None:
        nonlocal indexed
        indexed = index_works(connection)

    steps = schema.upgrade(url, complete_data=complete)
    return Migration(steps, indexed, schema.notes(url))
