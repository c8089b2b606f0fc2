"""Recognises a database's URL that cannot be read, and names what is wrong in it without any part of a password."""

from __future__ import annotations

import re

import psycopg
from psycopg.conninfo import conninfo_to_dict

from alexandria.core.errors import Misconfigured

HINT = (
    "it is like postgresql://user:password@host:5432/name; in the password write @ / : ? # % and spaces percent-encoded, "
    "such as %40 for @"
)
SERVICE_HINT = "define it in ~/.pg_service.conf or in the file that PGSERVICEFILE names"
# What libpq refuses before it connects, and the name of what is wrong. The values may be parts of a password.
_UNREADABLE = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"invalid (\w+) value: ", ""),
        (r"invalid integer value .* for connection option \"(\w+)\"", ""),
        (r"invalid port number|Servname not supported", "port"),
        (r"could not match \d+", "the numbers of hosts and ports"),
        (r"could not parse network address", "hostaddr"),
        (r"weak sslmode", "sslrootcert=system needs sslmode=verify-full"),
        (r"Unix-domain socket path .* too long", "the path of the socket is too long"),
    )
)
_SERVICE = re.compile(r"service (\"[\w. -]{1,64}\" not found|file)|syntax error in service file")


def require_readable(url: str) -> None:
    """Raise Misconfigured if a character of the password has become a part of the host's name. Raises psycopg.Error too."""
    if "@" in str(conninfo_to_dict(url).get("host", "")):
        raise Misconfigured("the database's URL cannot be read: there is more than one @ in it", hint=HINT)


def refusal(error: psycopg.Error) -> Misconfigured | None:
    """Return what an error of the driver means if it is about the URL itself."""
    if error.sqlstate is not None:
        return None
    text = str(error)
    if isinstance(error, psycopg.ProgrammingError):
        named = re.match(r"bad value for (connect_timeout)", text)
        return Misconfigured("the database's URL cannot be read" + (f": {named[1]}" if named else ""), hint=HINT)
    if _SERVICE.search(text):
        return Misconfigured("the database's URL names a service that is not defined", hint=SERVICE_HINT)
    for pattern, name in _UNREADABLE:
        if found := pattern.search(text):
            return Misconfigured(f"the database's URL cannot be read: {name or found[1]}", hint=HINT)
    return None
