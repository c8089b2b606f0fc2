"""Makes the tables of the bibliography beside those that serve, replaces these by them, and removes them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from alexandria.bibliography import notable
from alexandria.bibliography.key_process import KeyProcess
from alexandria.bibliography.rows import BookRow, Tally
from alexandria.catalogue.models import OtherTitle
from alexandria.core.errors import BadInput, DatabaseNotPrepared, NotNow
from alexandria.database.failures import translate
from alexandria.database.migrate import opened
from alexandria.database.session import MigrationConnection
from alexandria.database.sql import load

SQL = load(__name__)
MAX_BINDINGS_COUNT = 32_767  # distinct ones that have a code; of others nothing is kept
MAX_PAGES_COUNT = 32_767
_LOCK_KEY = 4_902_341_718  # any number, the same in every version
_LOCK_PATIENCE = "5s"
_REMOVAL_PATIENCE = "200ms"  # shorter than the server's deadlock_timeout, at whose end a reader would be refused
_MAX_REMOVAL_TRIES = 50
_COPY_SIZE = 1000  # rows that are sent together


@dataclass(frozen=True, slots=True)
class LoadedBibliography:
    """What is loaded. `lines` were read, of which `records` are editions; `editions` rows were kept; `bytes` on disk."""

    loaded_at: datetime
    source: str
    newest: datetime | None
    lines: int
    records: int
    editions: int
    titles: int
    left_out: dict[str, int]
    first_year: int | None
    last_year: int | None
    languages: list[str]
    bucket_bits: int
    key_version: int
    seconds: float
    bytes: int


class NewTables:
    """The new tables while they are filled, each in the transaction that made it, so that nothing of a killed load stays."""

    STEPS_COUNT = 9  # after they are filled: buckets, six indexes, the notable works, and analysis

    def __init__(
        self, control: MigrationConnection, titles: MigrationConnection, editions: MigrationConnection
    ) -> None:
        self._control, self._titles, self._editions = control, titles, editions
        self._bindings: dict[str, int] = {}

    @contextlib.contextmanager
    def filling(self, keys: KeyProcess) -> Iterator[tuple[TitleWriter, EditionWriter, OtherTitleWriter]]:
        """Yield what writes titles, editions and other titles; `keys` gets the titles too."""
        with self._titles.cursor() as titles, self._editions.cursor() as editions, self._control.cursor() as others:
            titles.execute(SQL["create_title"])
            editions.execute(SQL["create_edition"])
            others.execute(SQL["create_other_title"])
            with (
                titles.copy(SQL["copy_title"]) as to_titles,
                editions.copy(SQL["copy_edition"]) as to_editions,
                others.copy(SQL["copy_other_title"]) as to_others,
            ):
                writers = (
                    TitleWriter(to_titles, keys),
                    EditionWriter(to_editions, self._bindings),
                    OtherTitleWriter(to_others, keys),
                )
                yield writers
                for writer in writers:
                    writer.flush()

    def add_buckets(self, pieces: Iterable[bytes]) -> None:
        """Write the index of titles, as rows for COPY in binary form."""
        with self._titles.cursor() as cursor:
            cursor.execute(SQL["create_bucket"])
            cursor.execute(SQL["store_plainly"])
            with cursor.copy(SQL["copy_bucket"]) as copy:
                for piece in pieces:
                    copy.write(piece)

    def finish(self, facts: dict[str, Any], found: Tally, done: Callable[[int], None]) -> None:
        """Make the indexes, store what was loaded, and let the new tables serve, in one transaction, in place of the old.

        `done` is called with the number of each step that begins, from 1 on.
        """
        step = 0
        for connection, indexed in (
            (self._titles, ("title", "work", "bucket")),
            (self._editions, ("isbn", "edition")),
            (self._control, ("other_title",)),
        ):
            connection.execute(SQL["work_memory"])
            for name in indexed:
                done(step := step + 1)
                connection.execute(SQL[f"index_{name}"])
            connection.commit()
        done(step := step + 1)
        notable.add(self._titles, self._editions, found.readings, found.earliest)
        names = sorted(self._bindings, key=lambda name: self._bindings[name])
        connection = self._control
        connection.execute(SQL["create_binding"])
        connection.execute(SQL["add_bindings"], {"names": names})
        connection.execute(SQL["create_load"])
        connection.execute(SQL["add_load"], facts | {"left_out": json.dumps(facts["left_out"])})
        connection.execute(SQL["let_all_read"])
        connection.execute(SQL["let_all_read_tables"])
        connection.commit()  # here, as the server analyses tables by itself, and would wait for us while we wait for it
        done(step + 1)
        connection.execute(SQL["analyze"])
        connection.commit()
        if _is_loaded(connection):
            connection.execute(SQL["retire"])
        connection.execute(SQL["serve"])
        connection.commit()
        with contextlib.suppress(
            psycopg.errors.LockNotAvailable
        ):  # they are still being read: the next load removes them
            _remove(connection, ["drop_old"])


class TitleWriter:
    """Sends titles to the server and to the process that makes keys."""

    def __init__(self, copy: psycopg.Copy, keys: KeyProcess) -> None:
        self._copy, self._keys = copy, keys
        self._lines: list[str] = []

    def write(self, number: int, row: BookRow) -> None:
        self._lines.append(f"{number}\t{row.work}\t{_escaped(row.title)}\t{_escaped(row.authors)}\n")
        if len(self._lines) >= _COPY_SIZE:
            self.flush()

    def flush(self) -> None:
        lines = "".join(self._lines).encode()
        self._copy.write(lines)
        self._keys.add(lines)
        self._lines.clear()


class EditionWriter:
    """Sends editions to the server; `bindings` are given codes in the order in which they come."""

    def __init__(self, copy: psycopg.Copy, bindings: dict[str, int]) -> None:
        self._copy, self._bindings = copy, bindings
        self._lines: list[str] = []

    def write(self, title: int, row: BookRow) -> None:
        binding = self._bindings.get(row.binding, 0)
        if not binding and row.binding and len(self._bindings) < MAX_BINDINGS_COUNT:
            binding = self._bindings[row.binding] = len(self._bindings) + 1
        self._lines.append(
            f"{row.isbn13}\t{title}\t{row.record}\t{row.published}\t{binding}\t{min(row.pages, MAX_PAGES_COUNT)}"
            f"\t{row.language}\t{_escaped(row.publisher)}\t{_escaped(row.subtitle)}\n"
        )
        if len(self._lines) >= _COPY_SIZE:
            self.flush()

    def flush(self) -> None:
        self._copy.write("".join(self._lines))
        self._lines.clear()


class OtherTitleWriter:
    """Sends the other titles of titles to the server and to the process that makes keys."""

    def __init__(self, copy: psycopg.Copy, keys: KeyProcess) -> None:
        self._copy, self._keys = copy, keys
        self._lines: list[str] = []

    def write(self, title: int, other: OtherTitle, authors: str) -> None:
        name = _escaped(other)
        self._lines.append(f"{title}\t{other.language}\t{name}\n")
        self._keys.add_other(title, name, _escaped(authors))
        if len(self._lines) >= _COPY_SIZE:
            self.flush()

    def flush(self) -> None:
        self._copy.write("".join(self._lines))
        self._lines.clear()


@contextlib.contextmanager
def new_tables(url: str) -> Iterator[NewTables]:
    """Yield new tables; what an earlier load left unfinished is removed first.

    Raises NotNow if another load is running, DatabaseNotPrepared if the role may not make the schema, DatabaseUnavailable.
    """
    with opened(url) as control, opened(url) as titles, opened(url) as editions, _translated():
        _lock(control)
        _require_ours(control)
        for name in ("drop_new", "drop_old", "create_schema"):
            control.execute(SQL[name])
        control.commit()
        for connection in (titles, editions):
            connection.execute(SQL["lock_patience"], {"patience": "0"})
            connection.commit()
        yield NewTables(control, titles, editions)


def status(url: str) -> LoadedBibliography | None:
    """Return what is loaded; None if nothing is. Raises DatabaseUnavailable."""
    with opened(url) as connection, _translated():
        if not _is_loaded(connection):
            return None
        with connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(SQL["status"]).fetchone()
            size = cursor.execute(SQL["size"]).fetchone()
    assert row is not None, "each load writes one row"
    assert size is not None, "an aggregate has one row"
    return LoadedBibliography(**row, bytes=size["bytes"])


def drop(url: str) -> None:
    """Remove the bibliography, and what an unfinished load left. Raises as `new_tables` does."""
    with opened(url) as connection, _translated():
        _lock(connection)
        _require_ours(connection)
        _remove(connection, ["drop", "drop_new", "drop_old"])


def _remove(connection: MigrationConnection, blocks: Sequence[str]) -> None:
    """Remove schemas in one transaction, which waits for readers in short turns, so that none of them is in a deadlock."""
    connection.commit()
    for turn in range(_MAX_REMOVAL_TRIES):
        try:
            connection.execute(SQL["lock_patience"], {"patience": _REMOVAL_PATIENCE})
            for name in blocks:
                connection.execute(SQL[name])
            connection.commit()
            return
        except psycopg.errors.LockNotAvailable:
            connection.rollback()
            if turn == _MAX_REMOVAL_TRIES - 1:
                raise


def _lock(connection: MigrationConnection) -> None:
    connection.execute(SQL["lock_patience"], {"patience": _LOCK_PATIENCE})
    connection.commit()
    try:
        connection.execute(SQL["lock"], {"key": _LOCK_KEY})
    except psycopg.errors.LockNotAvailable:
        raise NotNow(
            "another process is loading a bibliography into this database", hint="wait until it has ended"
        ) from None


def _require_ours(connection: MigrationConnection) -> None:
    """Raise BadInput if somebody else's tables are in a schema of our names."""
    for schema, relations in connection.execute(SQL["strangers"]):
        raise BadInput(
            f"the schema {schema} of this database holds {relations} tables or indexes that are not ours",
            hint=f"rename it: ALTER SCHEMA {schema} RENAME TO ...",
        )


def _is_loaded(connection: MigrationConnection) -> bool:
    row = connection.execute(SQL["is_loaded"]).fetchone()
    return row is not None and bool(row[0])


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn what PostgreSQL refuses into our errors, with the GRANT that a role lacks."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as refused:
        raise DatabaseNotPrepared(
            "the database role may not make the schema bibliography",
            hint="the owner of the database can run: GRANT CREATE ON DATABASE ... TO ...",
        ) from refused
    except psycopg.Error as failed:
        raise translate(failed) from failed


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\") if "\\" in text else text
