"""How do we log? One structured line an event on standard error, for people or as JSON, with secrets struck out."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, TextIO, cast

import stamina.instrumentation
import structlog

from alexandria.core.escaping import inert, inert_line

_STRUCK = "[secret]"
_secrets: list[str] = []

Listener = Callable[[Mapping[str, Any]], None]
_listeners: list[Listener] = []
_least = [logging.NOTSET]


def process_name() -> str:
    """Who logs, and who works: machine and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def configure(level: str, form: str, secrets: Iterable[str] = ()) -> None:
    """Log `level` and above in `form` "console" or "json"; no line contains any of `secrets`.

    What libraries log by themselves goes the same way if it is a warning at least.
    """
    _secrets.clear()
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
        _harmless,
        _overheard,
        _aloud,
        renderer,
    ]
    stamina.instrumentation.set_on_retry_hooks([])  # every send is a row already
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _StandardError())),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    if not any(isinstance(handler, _OfLibraries) for handler in root.handlers):
        root.addHandler(_OfLibraries(logging.WARNING))


def protect(secrets: Iterable[str]) -> None:
    """From now on no line contains any of these either."""
    _secrets.extend(secret for secret in secrets if secret and secret not in _secrets)
    _secrets.sort(key=len, reverse=True)  # one may be a part of another


@contextlib.contextmanager
def also_to(listener: Listener) -> Iterator[None]:
    """Inside, whatever is logged goes to `listener` too, as harmless as on standard error. It must not wait or raise."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def quieten(level: str) -> None:
    """From now on standard error has `level` and above only, where people are told in other words; listeners have all."""
    _least[:] = [logging.getLevelNamesMapping()[level]]


def struck(text: str) -> str:
    """The same without any secret."""
    for secret in _secrets:
        text = text.replace(secret, _STRUCK)
    return text


class _StandardError:
    """Standard error as it is when a line is written, not as it was when logging was set up.

    A line that cannot be written is lost: a closed terminal or a full disk is no reason for a month to fail.
    """

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


class _OfLibraries(logging.Handler):
    """Hands on what libraries log, which may quote an address with a key in it."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(record.name)
        logger.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)


def _harmless(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Every text without secrets and without characters that act; only a traceback may have lines."""
    return {key: _plain(value, lines=key == "exception") for key, value in event.items()}


def _overheard(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for listener in [*_listeners]:
        listener(event)
    return event


def _aloud(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if logging.getLevelNamesMapping()[event["level"].upper()] < _least[0]:
        raise structlog.DropEvent
    return event


def _plain(value: Any, *, lines: bool) -> Any:
    if isinstance(value, int | float | bool | None):
        return value
    text = struck(str(value))
    return inert(text) if lines else inert_line(text)
