"""What does Prometheus get to see? Requests counted here, and the backfill's numbers as the database has them now."""

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
from alexandria.operations.alerts.rules import SILENCE, Kind
from alexandria.operations.system import System
from alexandria.providers.limits.rate import LaneStatus
from alexandria.providers.response_cache import RecentCalls
from alexandria.rollout import decisions
from alexandria.rollout.controller import RolloutSnapshot
from alexandria.rollout.decisions import Wait
from alexandria.rollout.gates import Verdict
from alexandria.web.errors import documented
from alexandria.web.routing import Running

router = APIRouter(responses=documented(500), tags=["health"])

Values: TypeAlias = Mapping[tuple[str, ...], float]
ENDS = ("answered", "limited", "refused", "silent")  # how a request ends: silent is no answer at all


class Tally:
    """What one application counts itself."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "alexandria_http_requests",
            "HTTP requests answered",
            ["method", "route", "status"],
            registry=self.registry,
        )


class _Snapshot(Collector):
    """Gauges read from the database beside what was counted."""

    def __init__(self, gauges: list[Metric], tally: Tally) -> None:
        self._gauges, self._tally = gauges, tally

    def collect(self) -> Iterator[Metric]:
        yield from self._gauges
        yield from self._tally.registry.collect()


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    summary="Numbers for Prometheus",
)
async def metrics(system: Running, request: Request) -> Response:
    """Without a database the gauges are missing and alexandria_database_up is 0."""
    try:
        gauges = [_gauge("database_up", "Whether PostgreSQL answers", {(): 1}), *await _gauges(system)]
    except (DatabaseUnavailable, NotMigrated):
        request.app.state.healer.start()
        gauges = [_gauge("database_up", "Whether PostgreSQL answers", {(): 0})]
    tally: Tally = request.app.state.tally
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(_Snapshot(gauges, tally)), headers={"Content-Type": content_type})


async def _gauges(system: System) -> list[Metric]:
    async with system.database.transaction() as connection:
        totals = await months.totals(connection)
        progress = await months.progress(connection)
        workers = await months.workers(connection, SILENCE)
        paused = await pauses.paused(connection) is not None
    wrong = [incident.kind for incident in await system.alerts.look()]
    return [
        _gauge("months", "Months by status", {(status,): n for status, n in totals.items()}, "status"),
        _gauge("books", "Books that models named", {(): progress["total_books_generated"]}),
        _gauge("isbns", "Of these, with an accepted ISBN", {(): progress["total_isbns_resolved"]}),
        _gauge("worker_loops", "Queues being worked on; a worker process works on several", {(): workers["beating"]}),
        _gauge("paused", "Whether no month is begun, by a person's wish", {(): paused}),
        _gauge(
            "incident", "What is wrong that nobody would notice", {(kind,): wrong.count(kind) for kind in Kind}, "kind"
        ),
        *_rollout(await system.rollout.snapshot()),
        *_quotas(await system.limiter.status()),
        *_calls(await system.cache.recent_calls(), [*system.settings.providers]),
    ]


def _rollout(seen: RolloutSnapshot | None) -> Iterator[Metric]:
    """With a zero for what is not, so that a rule sees the end of it."""
    runs = seen is not None and seen.rollout.ended_at is None
    step, verdict = (seen.decision.step, seen.decision.evaluation.verdict) if seen and runs else (None, None)
    yield _gauge(
        "rollout_phase",
        "The present phase; 0: no rollout runs",
        {(): seen.rollout.state.phase + 1 if seen and runs else 0},
    )
    verdicts: Values = {(each,): each is verdict for each in Verdict}
    yield _gauge("rollout_gate", "How the gate of the present phase is judged", verdicts, "verdict")
    rests: Values = {(each,): isinstance(step, Wait) and each is step.kind for each in decisions.WaitKind}
    yield _gauge("rollout_rests", "Why the rollout begins nothing just now", rests, "kind")


def _quotas(lanes: Sequence[LaneStatus]) -> Iterator[Metric]:
    limited = [lane for lane in lanes if lane.cap is not None]
    yield _gauge("quota_used", "Of the provider's day", {(lane.name,): lane.used for lane in lanes}, "provider")
    yield _gauge(
        "quota_limit", "What months may spend of the provider's day", {(lane.name,): lane.cap or 0 for lane in limited},
        "provider",
    )  # fmt: skip
    yield _gauge(
        "quota_reset_timestamp_seconds", "When the provider's next day begins, in Unix time",
        {(lane.name,): int(lane.reset_at.timestamp()) for lane in limited}, "provider",
    )  # fmt: skip
    paused: Values = {(lane.name,): lane.paused_until is not None for lane in lanes}
    yield _gauge("lane_paused", "Whether the provider wants to be left alone for now", paused, "provider")


def _calls(lately: Mapping[str, RecentCalls], providers: Sequence[str]) -> Iterator[Metric]:
    """With a zero where nothing was asked, so that a rule need not tell nothing from unknown."""
    every = [lately.get(name, RecentCalls(name)) for name in providers]
    ends: Values = {(each.provider, end): getattr(each, end) for each in every for end in ENDS}
    yield _gauge("calls_last_hour", "Requests sent within the last hour, by how they ended", ends, "provider", "end")
    slow: Values = {
        (each.provider, share): ms / 1000
        for each in every
        for share, ms in (("0.5", each.median_ms), ("0.95", each.p95_ms))
    }
    yield _gauge("call_seconds", "How long such a share of them took at most", slow, "provider", "share")


def _gauge(name: str, what: str, values: Values, *labels: str) -> Metric:
    family = GaugeMetricFamily(f"alexandria_{name}", what, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), value)
    return family
