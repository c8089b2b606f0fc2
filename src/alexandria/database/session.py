"""Opens sessions of PostgreSQL, each with the search path and the settings that the program relies on.

Settings of the role, of the database and of the environment do not matter: ours are made by statements after the connection
is there. They are not start-up options, which PgBouncer refuses. Options in the URL stay, and ours come after them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Self, TypeAlias

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from alexandria.database.address import require_readable
from alexandria.database.sql import load

MigrationConnection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

SQL = load(__name__)
NEW_SCHEMA = "alexandria"  # of databases that hold no tables of ours yet
SEARCH_PATH = "search_path"
CONNECT_TIMEOUT = 8  # seconds for one host; the driver's own is more than two minutes
ENCODING = "utf8"
# What a role or a database may have set otherwise: time-outs that end a wait for a lock, how values are written, and
# compiling, which takes longer than any of our statements.
SETTINGS = {
    "lock_timeout": "0",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "transaction_timeout": "0",
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "jit": "off",
}
_WORD = re.compile(r"(?:\\.|[^\\\s])+")
_SETTING = re.compile(r"(?:-c\s*|--)(?P<name>[\w.-]+)=(?P<value>.*)", re.DOTALL)


class ConfiguredConnection(psycopg.AsyncConnection[dict[str, Any]]):
    """A connection that opens as the program needs it; whatever makes one, a pool included, calls `connect`.

    `settings` are added to SETTINGS. Unless the URL names a search path, the schema with the tables is found.
    """

    @classmethod
    async def connect(  # type: ignore[override] # one parameter more
        cls, conninfo: str = "", *, settings: Mapping[str, str] | None = None, autocommit: bool = False, **kwargs: Any
    ) -> Self:
        bare, path = split(conninfo)
        kwargs = {"row_factory": dict_row, "client_encoding": ENCODING, **kwargs}
        connection = await super().connect(_patient(bare), autocommit=True, **kwargs)
        try:
            await connection.execute("SET statement_timeout = 0")  # alone: it must not end the statements that follow
            await connection.execute(SQL["settings"], _wanted(settings or {}))
            await connection.execute(SQL[SEARCH_PATH], _path(path))
            await connection.set_autocommit(autocommit)
        except BaseException:
            await connection.close()
            raise
        return connection


def connect(url: str, *, schema: str | None = None, keep_path: bool = True) -> MigrationConnection:
    """Return a connection without asyncio. Without `keep_path` a search path that the URL names does not count.

    Without such a path `schema` holds the tables, or the schema is found that has them.
    """
    require_readable(url)
    bare, path = split(url)
    path = path if keep_path else None
    connection: MigrationConnection = psycopg.connect(_patient(bare), autocommit=True, client_encoding=ENCODING)
    try:
        connection.execute("SET statement_timeout = 0")
        connection.execute(SQL["settings"], _wanted({}))
        connection.execute(SQL[SEARCH_PATH], _path(path, schema))
        connection.autocommit = False
    except BaseException:
        connection.close()
        raise
    return connection


def search_path_of(connection: MigrationConnection) -> str:
    """Return the search path of this session."""
    row = connection.execute(SQL["current_path"]).fetchone()
    assert row is not None, "a setting has a value"
    return str(row[0])


def located(url: str, path: str, options: str | None = None) -> str:
    """Return the URL with this search path in place of any other; its other options, or those of PGOPTIONS, stay.

    `options` are those that a connection has really got, where a service file may have added some.
    """
    words = _words(url) if options is None else _joined(options)
    kept = [word for word in words if not _names_path(word)]
    return make_conninfo(url, options=" ".join([*kept, f"-c {SEARCH_PATH}={_escaped(path)}"]))


def pathless(url: str) -> str:
    """Return the URL without the search path that it may name."""
    kept = [word for word in _words(url) if not _names_path(word)]
    return make_conninfo(url, options=" ".join(kept))


def split(url: str) -> tuple[str, str | None]:
    """Return the URL without the search path in its options, and that path."""
    found = [match["value"] for word in _words(url) if (match := _SETTING.fullmatch(word)) and _names_path(word)]
    return (pathless(url), re.sub(r"\\(.)", r"\1", found[-1])) if found else (url, None)


def schema_of(path: str) -> str:
    """Return the first schema of a search path."""
    first = re.match(r'\s*(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<plain>[^,\s]+))', path)
    if first is None:
        return NEW_SCHEMA
    return first["plain"] or first["quoted"].replace('""', '"')


def _words(url: str) -> list[str]:
    """Return the options of the URL, each with its value."""
    options = conninfo_to_dict(url).get("options")
    return _joined(str(os.environ.get("PGOPTIONS", "") if options is None else options))


def _joined(options: str) -> list[str]:
    words = _WORD.findall(options)
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] == "-c":
            joined[-1] = f"-c {word}"
        else:
            joined.append(word)
    return joined


def _patient(url: str) -> str:
    """The URL with the time for which to wait for a server that does not answer, unless it or the environment has one."""
    chosen = "connect_timeout" in conninfo_to_dict(url) or "PGCONNECT_TIMEOUT" in os.environ
    return url if chosen else make_conninfo(url, connect_timeout=CONNECT_TIMEOUT)


def _names_path(word: str) -> bool:
    match = _SETTING.fullmatch(word)
    return match is not None and match["name"].lower() == SEARCH_PATH


def _escaped(value: str) -> str:
    return re.sub(r"([\s\\])", r"\\\1", value)


def _wanted(settings: Mapping[str, str]) -> dict[str, list[str]]:
    every = SETTINGS | {name.lower(): value for name, value in settings.items()}
    return {"names": [*every], "values": [*every.values()]}


def _path(path: str | None, schema: str | None = None) -> dict[str, str | None]:
    return {"path": path, "wanted": schema, "new": NEW_SCHEMA}
