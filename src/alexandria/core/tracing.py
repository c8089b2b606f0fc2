"""Where does the time of an attempt go? One OpenTelemetry trace an attempt with a span for each provider's answer, if it
is wanted. Without the extra `otel`, or without an address to export to, nothing is imported and nothing happens."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, TypeAlias

import structlog

from alexandria.core.errors import extra_hint
from alexandria.core.logging import protect

log = structlog.get_logger(__name__)

Value: TypeAlias = str | int | float | bool
ADDRESSES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
HEADERS = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")

_tracer: Any = None  # of OpenTelemetry, while something is exported


def wanted(environment: Mapping[str, str]) -> bool:
    """As the standard variables say: an address is there, and nothing forbids it."""
    forbidden = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    exporters = environment.get("OTEL_TRACES_EXPORTER", "otlp").split(",")
    return any(environment.get(name) for name in ADDRESSES) and not forbidden and "otlp" in exporters


@contextlib.contextmanager
def exporting() -> Iterator[None]:
    """Export what is traced inside to where OTEL_EXPORTER_OTLP_ENDPOINT says, if anywhere."""
    if _tracer is not None or not wanted(os.environ):
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 # only if it is wanted
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 # as above
    except ImportError:
        log.warning("nothing is traced", hint=extra_hint("otel"))
        yield
        return
    protect(part.partition("=")[2].strip() for name in HEADERS for part in os.environ.get(name, "").split(","))
    with tracing(BatchSpanProcessor(OTLPSpanExporter())):
        yield


@contextlib.contextmanager
def tracing(processor: Any) -> Iterator[None]:
    """Give spans to OpenTelemetry's `processor`; what it still has is exported at the end."""
    global _tracer  # noqa: PLW0603 # one for the process, as a log is
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 # only if it is wanted
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 # as above

    release = version("alexandria-backfill")
    name = os.environ.get("OTEL_SERVICE_NAME") or "alexandria"
    # Ours and not the process's: libraries that trace by themselves would tell what models were asked.
    provider = TracerProvider(
        resource=Resource.create({"service.name": name, "service.version": release}), shutdown_on_exit=False
    )
    provider.add_span_processor(processor)
    _tracer = provider.get_tracer("alexandria", release)
    try:
        yield
    finally:
        _tracer = None
        provider.shutdown()


@contextlib.contextmanager
def attempt(**attributes: Value) -> Iterator[None]:
    """A trace of its own, whoever has started the job."""
    if _tracer is None:
        yield
        return
    from opentelemetry.context import Context  # noqa: PLC0415 # only if it is wanted

    with _span("attempt", attributes, context=Context()):
        yield


@contextlib.contextmanager
def answer(provider: str, **attributes: Value) -> Iterator[None]:
    """A span of what is asked of a provider, within the attempt that asks."""
    if _tracer is None:
        yield
        return
    from opentelemetry.trace import SpanKind  # noqa: PLC0415 # only if it is wanted

    with _span(provider, {"provider": provider, **attributes}, kind=SpanKind.CLIENT):
        yield


def note(**attributes: Value) -> None:
    """Add to the span that we are in, if any."""
    if _tracer is not None:
        from opentelemetry.trace import get_current_span  # noqa: PLC0415 # only if it is wanted

        get_current_span().set_attributes(_named(attributes))


def failed(kind: str) -> None:
    """What we are in has failed so."""
    if _tracer is not None:
        from opentelemetry.trace import StatusCode, get_current_span  # noqa: PLC0415 # only if it is wanted

        get_current_span().set_status(StatusCode.ERROR, kind)
        note(error=kind)


def _span(name: str, attributes: Mapping[str, Value], **how: Any) -> contextlib.AbstractContextManager[Any]:
    """An error inside is noted by whoever knows its kind: its words may quote anything."""
    quiet: dict[str, Any] = {"record_exception": False, "set_status_on_exception": False}
    started: contextlib.AbstractContextManager[Any] = _tracer.start_as_current_span(
        name, attributes=_named(attributes), **quiet, **how
    )
    return started


def _named(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {f"alexandria.{name}": value for name, value in attributes.items()}
