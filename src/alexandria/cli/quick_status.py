"""Prints what the running server says of the whole backfill, without the imports that a command of its own would need.

The server renders the very text. Whatever is unusual, such as no server or another option, is left to the command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

from alexandria.cli.exit_codes import INTERRUPTED
from alexandria.core.encodings import is_utf8
from alexandria.core.errors import AlexandriaError
from alexandria.operations.terminal import STATUS_PATH, TOKEN_HEADER

COMMAND = "status"
OPTIONS = {"--demo", "--json", "--no-color", "--no-input", "-q", "--quiet"}
ANSWER_TIMEOUT = 3.0  # seconds, after which the command finds out itself
MAX_ANSWER_BYTES = 4_000_000  # bytes
UNKNOWN_TERMINALS = {"", "dumb", "unknown"}
NOTE_WIDTH = 200  # columns of a note where there is no terminal


def print_status(arguments: Sequence[str]) -> bool:
    """Print the state as the running server has it; False, with nothing printed, where the command has to."""
    options = {*arguments} - {COMMAND}
    if arguments.count(COMMAND) != 1 or not options <= OPTIONS or not is_utf8(sys.stdout):
        return False
    try:
        found = _ask(options)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    if found is None:
        return False
    note, text = found
    if note and not options & {"-q", "--quiet"}:
        _print_note(note)
    sys.stdout.write(text)
    sys.stdout.flush()
    return True


def _ask(options: set[str]) -> tuple[str, str] | None:
    """The note about settings that differ, and what the server says."""
    from alexandria.cli.runtime import running_server

    wanted = running_server.Wanted(demo="--demo" in options)
    try:
        server, _ = running_server.find(wanted) or (None, None)
    except (AlexandriaError, OSError, RuntimeError):  # the command says what is wrong
        return None
    if server is None or not server.url or not server.token or server.hangs:
        return None
    settings = running_server.ServerSettings.of(server, server.keys)
    if settings.theirs is None or (settings.other_database and not wanted.demo):
        return None
    query = _features("--no-color" not in options)
    if query is None:
        return None
    text = _get(server.url, f"{STATUS_PATH}?{urlencode(query | {'as_json': '--json' in options})}", server.token)
    return None if text is None else (settings.note(wanted), text)


def _features(colored: bool) -> dict[str, object] | None:
    """The terminal as the server has to know it; {} for none, and None for one that shows little."""
    if not sys.stdout.isatty():
        return {}
    kind = os.environ.get("TERM", "").strip().lower()
    if kind in UNKNOWN_TERMINALS:
        return None
    colored = colored and not os.environ.get("NO_COLOR")
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except OSError:
        return None
    return {"columns": columns, "terminal": kind, "colors": os.environ.get("COLORTERM", ""), "colored": colored}


def _get(url: str, path: str, token: str) -> str | None:
    """The text that the server answers with; None if it does not."""
    from http.client import HTTPConnection, HTTPException

    parts = urlsplit(url)
    try:
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_TIMEOUT)
        try:
            connection.request("GET", path, headers={TOKEN_HEADER: token})
            answer = connection.getresponse()
            text = answer.read(MAX_ANSWER_BYTES).decode() if answer.status == 200 else None
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError):
        return None
    return text


def _print_note(note: str) -> None:
    from textwrap import fill

    width = NOTE_WIDTH
    if sys.stderr.isatty():
        try:
            width = os.get_terminal_size(sys.stderr.fileno()).columns
        except OSError:
            width = 80
    sys.stderr.write(fill(note, width, break_on_hyphens=False) + "\n")
    sys.stderr.flush()
