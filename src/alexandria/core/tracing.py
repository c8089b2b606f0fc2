"""Exports an OpenTelemetry trace of each attempt, with a span for each request to a provider.

Without the extra `otel`, or without an address to export to, nothing is imported and nothing happens.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, TypeAlias

import structlog

from alexandria.core.errors import extra_hint
from alexandria.core.redaction import protect

log = structlog.get_logger(__name__)

Value: TypeAlias = str | int | float | bool
ADDRESSES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
HEADERS = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")

_tracer: Any = None  # of OpenTelemetry, while something is exported


def wanted(environment: Mapping[str, str]) -> bool:
    """Return whether the standard variables ask for traces: an address is set, and the SDK is not disabled."""
    forbidden = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    exporters = environment.get("OTEL_TRACES_EXPORTER", "otlp").split(",")
    return any(environment.get(name) for name in ADDRESSES) and not forbidden and "otlp" in exporters


@contextlib.contextmanager
def exporting() -> Iterator[None]:
    """Export what is traced inside to OTEL_EXPORTER_OTLP_ENDPOINT, if that is set."""
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
    """Send spans to OpenTelemetry's `processor`; what it still holds is exported at the end."""
    global _tracer  # noqa: PLW0603 # one for the process, as the log is
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 # only if it is wanted
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 # as above

    release = version("alexandria-backfill")
    name = os.environ.get("OTEL_SERVICE_NAME") or "alexandria"
    # Not registered as the global provider: libraries with their own traces would export the prompts.
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
    """Open a trace for an attempt, separate from any trace of the process that started the job."""
    if _tracer is None:
        yield
        return
    from opentelemetry.context import Context  # noqa: PLC0415 # only if it is wanted

    with _span("attempt", attributes, context=Context()):
        yield


@contextlib.contextmanager
def answer(provider: str, **attributes: Value) -> Iterator[None]:
    """Open a span for a request to a provider, within the trace of the attempt."""
    if _tracer is None:
        yield
        return
    from opentelemetry.trace import SpanKind  # noqa: PLC0415 # only if it is wanted

    with _span(provider, {"provider": provider, **attributes}, kind=SpanKind.CLIENT):
        yield


def note(**attributes: Value) -> None:
    """Add attributes to the current span, if there is one."""
    if _tracer is not None:
        from opentelemetry.trace import get_current_span  # noqa: PLC0415 # only if it is wanted

        get_current_span().set_attributes(_named(attributes))


def failed(kind: str) -> None:
    """Mark the current span as failed with an error of this kind."""
    if _tracer is not None:
        from opentelemetry.trace import StatusCode, get_current_span  # noqa: PLC0415 # only if it is wanted

        get_current_span().set_status(StatusCode.ERROR, kind)
        note(error=kind)


def _span(name: str, attributes: Mapping[str, Value], **how: Any) -> contextlib.AbstractContextManager[Any]:
    """Open a span that does not record exceptions: their texts may quote anything; `failed` records the kind."""
    quiet: dict[str, Any] = {"record_exception": False, "set_status_on_exception": False}
    started: contextlib.AbstractContextManager[Any] = _tracer.start_as_current_span(
        name, attributes=_named(attributes), **quiet, **how
    )
    return started


def _named(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {f"alexandria.{name}": value for name, value in attributes.items()}
