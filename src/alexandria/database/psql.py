"""Finds psql and connects it to the database, with an environment that keeps the password off its command line."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg.pq import Conninfo

from alexandria.core.errors import Misconfigured, extra_hint
from alexandria.database import migrate, pooler
from alexandria.database.embedded import installation
from alexandria.database.session import split

# Sets the search path without a word, whether psql is quiet or not.
START_UP = (
    r"\set was_quiet :QUIET",
    r"\set QUIET on",
    "SET search_path = {path};",
    r"\set QUIET :was_quiet",
    r"\unset was_quiet",
)
SECRET = b"*"  # libpq's mark of an option that must not be printed


def psql() -> Path:
    """Return the psql on the PATH, which can edit lines, or the embedded server's. Raises Misconfigured."""
    on_path = shutil.which("psql")
    if on_path:
        return Path(on_path)
    try:
        beside = installation.find_programs() / "psql"
    except Misconfigured:
        beside = None
    if beside is None or not beside.exists():
        raise Misconfigured("no psql is installed", hint=f"apt install postgresql-client, or {extra_hint('embedded')}")
    return beside


@contextlib.contextmanager
def environment(url: str) -> Iterator[tuple[dict[str, str], str]]:
    """Yield what `reached` returns, with the search path where a pooler accepts it: in a start-up file of psql.

    psql ignores the file with the option -X. Raises Misconfigured and DatabaseUnavailable.
    """
    with migrate.opened(url) as connection:
        pooled = pooler.is_pooled(connection)
    if not pooled:
        yield reached(url)
        return
    bare, path = split(url)
    with tempfile.TemporaryDirectory(prefix="alexandria-") as folder:
        file = Path(folder) / "psqlrc"
        theirs = Path(os.environ.get("PSQLRC", "~/.psqlrc")).expanduser()
        lines = [*(START_UP if path else ()), *([rf"\i {theirs}"] if theirs.exists() else ())]
        file.write_text("".join(f"{line}\n" for line in lines).replace("{path}", path or ""), encoding="utf-8")
        variables, more = reached(bare)
        yield variables | {"PSQLRC": str(file)}, more


def reached(url: str) -> tuple[dict[str, str], str]:
    """Return variables that connect psql to `url`, and a connection string of the options without a variable.

    The string contains no secret. Raises Misconfigured if `url` cannot be read.
    """
    try:
        given = [option for option in Conninfo.parse(url.encode()) if option.val is not None]
    except psycopg.Error:  # its message contains the URL, and with it the password
        raise Misconfigured(
            "the database's URL cannot be read", hint="it is like postgresql://user:password@host:5432/name"
        ) from None
    variables = {option.envvar.decode(): (option.val or b"").decode() for option in given if option.envvar}
    rest = {
        option.keyword.decode(): (option.val or b"").decode()
        for option in given
        if not option.envvar and option.dispchar != SECRET
    }
    return variables, psycopg.conninfo.make_conninfo(**rest) if rest else ""
