"""HTTP route with metrics for Prometheus: requests counted by this process, and the backfill as the database has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, Counter, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from alexandria.backfill.repositories import months, pauses
from alexandria.core.errors import DatabaseUnavailable, NotMigrated
from alexandria.operations import bibliography
from alexandria.operations.alerts.rules import HEARTBEAT_TIMEOUT, IncidentKind
from alexandria.operations.bibliography import BibliographyUse
from alexandria.operations.system import System
from alexandria.providers.limits.lane_status import LaneStatus
from alexandria.providers.response_cache import RecentCalls
from alexandria.rollout import decisions
from alexandria.rollout.controller import RolloutSnapshot
from alexandria.rollout.decisions import Wait
from alexandria.rollout.gates import Verdict
from alexandria.web.errors import documented
from alexandria.web.routing import Running

router = APIRouter(responses=documented(500), tags=["health"])

Values: TypeAlias = Mapping[tuple[str, ...], float]
CALL_OUTCOMES = ("answered", "limited", "refused", "silent")  # silent: no response at all


class RequestMetrics:
    """Counts the HTTP requests to one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "alexandria_http_requests",
            "HTTP requests answered",
            ["method", "route", "status"],
            registry=self.registry,
        )


class _AllMetrics(Collector):
    """The gauges read from the database, and the counted requests."""

    def __init__(self, gauges: list[Metric], requests: RequestMetrics) -> None:
        self._gauges, self._requests = gauges, requests

    def collect(self) -> Iterator[Metric]:
        yield from self._gauges
        yield from self._requests.registry.collect()


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    summary="Metrics for Prometheus",
)
async def metrics(system: Running, request: Request) -> Response:
    """Without a database the gauges are missing and alexandria_database_up is 0."""
    try:
        gauges = [_gauge("database_up", "Whether PostgreSQL answers", {(): 1}), *await _gauges(system)]
    except (DatabaseUnavailable, NotMigrated):
        request.app.state.reconnector.start()
        gauges = [_gauge("database_up", "Whether PostgreSQL answers", {(): 0})]
    requests: RequestMetrics = request.app.state.request_metrics
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(_AllMetrics(gauges, requests)), headers={"Content-Type": content_type})


async def _gauges(system: System) -> list[Metric]:
    async with system.database.transaction() as connection:
        totals = await months.totals(connection)
        progress = await months.progress(connection)
        workers = await months.workers(connection, HEARTBEAT_TIMEOUT)
        paused = await pauses.paused(connection) is not None
    held = await bibliography.use(system)
    wrong = [incident.kind for incident in await system.alerts.current_incidents()]
    return [
        _gauge("months", "Months by status", {(status,): n for status, n in totals.items()}, "status"),
        _gauge("books", "Books named by the models", {(): progress["total_books_generated"]}),
        _gauge("isbns", "Books with an accepted ISBN", {(): progress["total_isbns_resolved"]}),
        _gauge("workers", "Workers alive", {(): workers["workers"]}),
        _gauge("worker_loops", "The same as alexandria_workers", {(): workers["workers"]}),
        _gauge("paused", "Whether the backfill is paused", {(): paused}),
        _gauge(
            "incident", "Whether this incident lasts", {(kind,): wrong.count(kind) for kind in IncidentKind}, "kind"
        ),
        *_rollout(await system.rollout.snapshot()),
        *_quotas(await system.limiter.status()),
        *_bibliography(held),
        *_calls(await system.cache.recent_calls(), [*system.settings.lanes]),
    ]


def _bibliography(held: BibliographyUse | None) -> Iterator[Metric]:
    yield _gauge("bibliography_editions", "Editions in the bibliography", {(): held.editions if held else 0})
    yield _gauge("bibliography_bytes", "Its size on disk, with indexes", {(): held.bytes if held else 0})
    yield _gauge(
        "bibliography_newest_timestamp_seconds",
        "Its newest record, or when it was loaded, in Unix time",
        {(): int(held.as_of.timestamp())} if held else {},
    )
    books: Values = {
        ("settled",): held.books_settled if held else 0,
        ("requested",): held.books_asked - held.books_settled if held else 0,
    }
    yield _gauge(
        "bibliography_books",
        "Books of the last seven days: settled without a request, or looked up elsewhere too",
        books,
        "end",
    )


def _rollout(seen: RolloutSnapshot | None) -> Iterator[Metric]:
    """With a zero for everything that is not the case, so that alert rules see the end of it."""
    runs = seen is not None and seen.rollout.ended_at is None
    step, verdict = (seen.decision.step, seen.decision.evaluation.verdict) if seen and runs else (None, None)
    yield _gauge(
        "rollout_phase",
        "The current phase; 0: no rollout runs",
        {(): seen.rollout.state.phase + 1 if seen and runs else 0},
    )
    verdicts: Values = {(each,): each is verdict for each in Verdict}
    yield _gauge("rollout_gate", "The verdict on the current phase's gate", verdicts, "verdict")
    rests: Values = {(each,): isinstance(step, Wait) and each is step.kind for each in decisions.WaitKind}
    yield _gauge("rollout_rests", "Why the rollout starts nothing now", rests, "kind")


def _quotas(lanes: Sequence[LaneStatus]) -> Iterator[Metric]:
    limited = [lane for lane in lanes if lane.cap is not None]
    yield _gauge(
        "quota_used", "Used of the provider's daily quota", {(lane.name,): lane.used for lane in lanes}, "provider"
    )
    yield _gauge(
        "quota_limit", "Daily quota for months", {(lane.name,): lane.cap or 0 for lane in limited},
        "provider",
    )  # fmt: skip
    yield _gauge(
        "quota_reset_timestamp_seconds", "When the provider's quota resets, in Unix time",
        {(lane.name,): int(lane.reset_at.timestamp()) for lane in limited}, "provider",
    )  # fmt: skip
    paused: Values = {(lane.name,): lane.paused_until is not None for lane in lanes}
    yield _gauge(
        "lane_paused",
        "Whether the provider is paused, as it has refused requests or does not answer",
        paused,
        "provider",
    )


def _calls(lately: Mapping[str, RecentCalls], providers: Sequence[str]) -> Iterator[Metric]:
    """With a zero where nothing was requested, so that alert rules need not handle missing series."""
    every = [lately.get(name, RecentCalls(name)) for name in providers]
    ends: Values = {(each.provider, end): getattr(each, end) for each in every for end in CALL_OUTCOMES}
    yield _gauge("calls_last_hour", "Requests sent within the last hour, by outcome", ends, "provider", "end")
    slow: Values = {
        (each.provider, share): ms / 1000
        for each in every
        for share, ms in (("0.5", each.median_ms), ("0.95", each.p95_ms))
    }
    yield _gauge("call_seconds", "Within how many seconds this share of them ended", slow, "provider", "share")


def _gauge(name: str, description: str, values: Values, *labels: str) -> Metric:
    family = GaugeMetricFamily(f"alexandria_{name}", description, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), value)
    return family
