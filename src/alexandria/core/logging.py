"""Logs each event as one structured line on standard error, for people or as JSON, with secrets masked."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, TextIO, cast

import structlog

from alexandria.core.escaping import inert, inert_line
from alexandria.core.log_throttle import LogThrottle
from alexandria.core.provider_facts import PROVIDERS
from alexandria.core.redaction import forget_secrets, masked, masked_long, masked_traceback, protect

__all__ = ["also_to", "configure", "masked", "process_name", "protect", "quieten"]

STRUCTURE = frozenset({"level", "timestamp", "logger", "month"})  # fields that only the program and libraries name

Listener = Callable[[Mapping[str, Any]], None]
_listeners: list[Listener] = []
_least_level = [logging.NOTSET]
_throttle = LogThrottle()
# What differs between two lines of the same trouble. Lines below a warning are never dropped.
_VARYING = {"timestamp", "request_id", "place"}


def process_name() -> str:
    """Return the name of this process in logs and as a worker: machine and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


def configure(level: str, form: str, secrets: Iterable[str] = ()) -> None:
    """Log `level` and above in `form` "console" or "json"; no line contains any of `secrets` where a secret can stand.

    Warnings and errors that libraries log go the same way.
    """
    forget_secrets()
    _throttle.clear()
    protect(secrets)
    quieten("NOTSET")
    renderer = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _sanitize,
        _drop_repetitions,
        _notify_listeners,
        _drop_below_level,
        renderer,
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _StandardError())),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    if not any(isinstance(handler, _LibraryHandler) for handler in root.handlers):
        root.addHandler(_LibraryHandler(logging.WARNING))


@contextlib.contextmanager
def also_to(listener: Listener) -> Iterator[None]:
    """Pass every event logged inside to `listener` too, masked and escaped. The listener must not block or raise."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def quieten(level: str) -> None:
    """Print only `level` and above from now on, for commands with an output of their own; listeners still get all."""
    _least_level[:] = [logging.getLevelNamesMapping()[level]]


class _StandardError:
    """Writes to the standard error of the moment, which may differ from that of the set-up.

    A line that cannot be written is lost: a closed terminal or a full disk must not fail a month.
    """

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


class _LibraryHandler(logging.Handler):
    """Passes on what libraries log, which may quote an address with a key in it."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(record.name)
        place = f"{record.name}:{record.lineno} {str(record.msg).partition(chr(10))[0]}"
        logger.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info, place=place)


def _sanitize(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask secrets and escape active characters in every value. What gives the line its structure stays as it is."""
    by_library = "logger" in event  # whose message is no name of an event, and may quote an address
    return {key: _plain(key, value, by_library=by_library) for key, value in event.items()}


def _drop_repetitions(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop a warning or error that came many times lately. Two lines of a library are the same if their place is."""
    place = event.pop("place", None)
    if logging.getLevelNamesMapping()[event["level"].upper()] < logging.WARNING:
        return event
    line = place or tuple((key, value) for key, value in event.items() if key not in _VARYING)
    dropped = _throttle.count(line)
    if dropped is None:
        raise structlog.DropEvent
    return {**event, "dropped": dropped} if dropped else event


def _notify_listeners(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for listener in [*_listeners]:
        listener(event)
    return event


def _drop_below_level(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if logging.getLevelNamesMapping()[event["level"].upper()] < _least_level[0]:
        raise structlog.DropEvent
    return event


def _plain(key: str, value: Any, *, by_library: bool) -> Any:
    if isinstance(value, int | float | bool | None):
        return value
    text = str(value)
    if key in STRUCTURE or (key == "provider" and text.partition("@")[0] in PROVIDERS):
        return inert_line(text)
    if key == "exception":
        return inert(masked_traceback(text))
    return inert_line(masked_long(text) if key == "event" and not by_library else masked(text))
