"""How do we log? One structured line an event on standard error, for people or as JSON, with secrets struck out."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, TextIO, cast

import stamina.instrumentation
import structlog

_STRUCK = "[secret]"


def configure(level: str, form: str, secrets: Iterable[str] = ()) -> None:
    """Log `level` and above in `form` "console" or "json"; no line contains any of `secrets`."""
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
        strike(secrets),
        renderer,
    ]
    stamina.instrumentation.set_on_retry_hooks([])  # every send is a row already
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _StandardError())),
        cache_logger_on_first_use=False,
    )


class _StandardError:
    """Standard error as it is when a line is written, not as it was when logging was set up."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def strike(secrets: Iterable[str]) -> Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any]]:
    """A processor that replaces every secret in every text of an event."""
    known = [secret for secret in secrets if secret]

    def struck(value: Any) -> Any:
        if not isinstance(value, str):
            return value if isinstance(value, int | float | bool | None) else struck(str(value))
        for secret in known:
            value = value.replace(secret, _STRUCK)
        return value

    def processor(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: struck(value) for key, value in event.items()}

    return processor
