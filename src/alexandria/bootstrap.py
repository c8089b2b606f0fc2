"""Composes the running system from the settings."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from enum import Enum
from importlib.metadata import version
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog
from pydantic import SecretStr

from alexandria.backfill.control import Control
from alexandria.backfill.queue import ENRICHMENT, JobQueue
from alexandria.backfill.rescuer import RESCUE
from alexandria.backfill.scheduler import Scheduler
from alexandria.core import config, tracing
from alexandria.core.config import ProviderSettings, Settings
from alexandria.core.errors import Misconfigured
from alexandria.core.provider_facts import PROVIDERS, source_names
from alexandria.core.redaction import protect
from alexandria.core.stall import StallMonitor
from alexandria.database.capacity import (
    COMMAND_CONNECTIONS,
    Shares,
    allowed_connections,
    require_connections,
    shares,
)
from alexandria.database.pool import Database
from alexandria.database.server import Server
from alexandria.forecast.forecaster import Forecaster
from alexandria.operations.alerts.monitor import CHECK, CHECK_INTERVAL, AlertMonitor
from alexandria.operations.alerts.rules import Thresholds
from alexandria.operations.event_log import EventLogWriter
from alexandria.operations.maintenance import Maintenance
from alexandria.operations.system import System
from alexandria.providers.base import Generator, ReportsUsage, Source
from alexandria.providers.generator_specs import parse_generators, requested
from alexandria.providers.limits.concurrency import ConcurrencyLimiter
from alexandria.providers.limits.rate import RateLimiter
from alexandria.providers.response_cache import ResponseCache
from alexandria.rollout.controller import RolloutController
from alexandria.rollout.decisions import TICK_SECONDS
from alexandria.rollout.gates import METERED_SOURCE
from alexandria.rollout.repository import quota_share

if TYPE_CHECKING:
    from alexandria.backfill.composition import Backfill
    from alexandria.backfill.lookahead import Lookahead
    from alexandria.backfill.periodic import Periodic
    from alexandria.backfill.source_selection import SourcePool
    from alexandria.operations.alerts.webhook import Receiver
    from alexandria.providers.client import ProviderClient

log = structlog.get_logger(__name__)

MINUTE_SECONDS, HOUR_SECONDS = 60.0, 3600.0
PLAN_TIMEOUT = 5.0  # seconds that the first months wait for what providers report of their plans


class Mode(Enum):
    """What a process is going to do with the system."""

    COMMAND = "command"  # view and schedule; never set a provider's limits
    SERVE = "serve"  # the same for HTTP clients, for a long time; sets the limits
    WORK = "work"  # fill months: ask providers; sets the limits
    ASK = "ask"  # ask providers for a person who waits: the daily reserve may be spent, the limits stay


@contextlib.asynccontextmanager
async def running(settings: Settings, server: Server, mode: Mode) -> AsyncIterator[System]:
    """The system on `server`, complete for what `mode` needs. Only WORK and ASK have providers."""
    async with contextlib.AsyncExitStack() as stack:
        asks = mode in {Mode.WORK, Mode.ASK}
        stall = StallMonitor()
        if asks:
            stack.enter_context(tracing.exporting())
            await stack.enter_async_context(stall)
        if settings.journal_events:
            await stack.enter_async_context(EventLogWriter(server.url))
        few = await asyncio.to_thread(_shares, settings, server, mode)
        size = {Mode.COMMAND: COMMAND_CONNECTIONS, Mode.SERVE: few.server}.get(mode, few.pool)
        database = await stack.enter_async_context(Database(server.url, size=size))
        cache = ResponseCache(database)
        limiter = RateLimiter(
            server.url,
            database.pool,
            settings.lanes,
            interactive=mode is Mode.ASK,
            configures=mode in {Mode.SERVE, Mode.WORK},
        )
        if mode is not Mode.COMMAND:
            await stack.enter_async_context(limiter)
        queue = JobQueue(database, few.queue)
        if mode is not Mode.COMMAND:
            await queue.open()
        stack.push_async_callback(queue.aclose)
        clients = await _clients(settings, server, limiter, cache, stack, stall=stall) if asks else {}
        scheduler = Scheduler(database, queue)
        filling = _filling(settings, clients, database, queue, limiter=limiter, stall=stall) if asks else None
        metered = METERED_SOURCE in settings.sources
        rollout = RolloutController(database, scheduler, limiter.status, metered=metered)
        forecaster = Forecaster(database, settings, limiter.status)
        stack.push_async_callback(forecaster.aclose)
        yield System(
            settings=settings,
            server=server,
            database=database,
            cache=cache,
            limiter=limiter,
            queue=queue,
            scheduler=scheduler,
            filling=filling,
            control=Control(database, queue),
            maintenance=Maintenance(
                database,
                counting=_usage_reporters(settings, filling.runner.sources.sources) if filling else (),
                kept_events=settings.journal_events,
            ),
            alerts=alert_monitor(settings, database, limiter, rollout),
            rollout=rollout,
            forecaster=forecaster,
            clients=clients,
        )


def _shares(settings: Settings, server: Server, mode: Mode) -> Shares:
    """Return the sizes of the pools. Raises DatabaseUnavailable where the server lets in too few connections for a worker."""
    if mode not in {Mode.SERVE, Mode.WORK}:
        return Shares()
    allowed, sessions = allowed_connections(server.url), limiter_sessions(settings)
    if mode is Mode.WORK:
        require_connections(allowed, sessions)
    return shares(allowed, sessions)


def limiter_sessions(settings: Settings) -> int:
    """Return how many sessions a worker's limiters hold: one for each lane in use, and one more for models' calls."""
    lanes = settings.lanes
    return sum(1 + PROVIDERS[lanes[name].name].long_calls for name in lanes_in_use(settings))


def lanes_in_use(settings: Settings) -> frozenset[str]:
    """Return the lanes of the generators and sources."""
    specs = requested(settings.generators)
    return frozenset({settings.lane_of(spec.provider, spec.url) for spec in specs} | {*settings.sources})


async def _clients(
    settings: Settings,
    server: Server,
    limiter: RateLimiter,
    cache: ResponseCache,
    stack: contextlib.AsyncExitStack,
    *,
    stall: StallMonitor,
) -> dict[str, ProviderClient]:
    """Return a client for each provider, and for each of its servers if it has several, closed with `stack`; calls to language models are limited in number too."""
    in_flight = {
        lane: ConcurrencyLimiter(server.url, lane, settings.model_calls)
        for lane, each in settings.lanes.items()
        if PROVIDERS[each.name].long_calls
    }
    clients = {
        lane: _client(each, settings.contact, limiter, cache, in_flight.get(lane), stall=stall)
        for lane, each in settings.lanes.items()
    }
    for in_flight_limiter in in_flight.values():
        stack.push_async_callback(in_flight_limiter.aclose)
    for client in clients.values():
        stack.push_async_callback(client.aclose)
    return clients


def alert_monitor(
    settings: Settings, database: Database, limiter: RateLimiter, rollout: RolloutController
) -> AlertMonitor:
    """Return the monitor of what is in use by these settings, with the webhook if one is set."""
    receiver: Receiver | None = None
    if settings.alarm_url is not None:
        from alexandria.operations.alerts.webhook import Receiver  # noqa: PLC0415 # an HTTP client, if it is wanted

        receiver = Receiver(settings.alarm_url, settings.alarm_secret, version("alexandria-backfill"))
    thresholds = Thresholds(
        timedelta(hours=settings.alarm_blocked_hours),
        timedelta(minutes=settings.alarm_paused_minutes),
        settings.alarm_failed_share,
    )
    return AlertMonitor(database, limiter.status, lanes_in_use(settings), thresholds, receiver, rollout.standstill)


def _client(
    provider: ProviderSettings,
    contact: str,
    limiter: RateLimiter,
    cache: ResponseCache,
    in_flight: ConcurrencyLimiter | None,
    *,
    stall: StallMonitor,
) -> ProviderClient:
    from alexandria.providers.client import ProviderClient  # noqa: PLC0415 # only workers have clients, and an HTTP client

    client = ProviderClient(
        provider,
        limiter,
        cache,
        contact=contact,
        version=version("alexandria-backfill"),
        reload_key=lambda: _key(provider),
        concurrency_limiter=in_flight,
        breaker=limiter.breakers[provider.lane],
        stall=stall,
    )
    if provider.lane in limiter.stored:
        client.use_plan_host(limiter.stored[provider.lane].plan_host)
    return client


def _key(provider: ProviderSettings) -> SecretStr | None:
    """Return the key of a provider, or of one of its servers, as it is configured now."""
    lanes = config.load().lanes
    key = lanes[provider.lane].key if provider.lane in lanes else None
    protect([key.get_secret_value()] if key else [])
    return key


def _filling(
    settings: Settings,
    clients: dict[str, ProviderClient],
    database: Database,
    queue: JobQueue,
    *,
    limiter: RateLimiter,
    stall: StallMonitor,
) -> Backfill:
    """Return what fills months. It needs all of the matching, which most processes do without."""
    from alexandria.backfill.composition import compose  # noqa: PLC0415 # as the first line says

    return compose(
        database,
        queue,
        _generators(settings, clients, database),
        _source_pool(settings, clients, database, limiter),
        stall=stall,
        keyed=lambda: {name for name, client in clients.items() if client.key is not None},
        lookahead=_lookahead(settings, limiter),
        recheck_calls=settings.look_again_calls,
        kept_for_months=settings.kept_for_months,
        allowances=limiter.status,
    )


def _lookahead(settings: Settings, limiter: RateLimiter) -> Lookahead:
    """Return what begins months while the sources would have nothing to do before further ones are named."""
    from alexandria.backfill.lookahead import EXPECTED_BOOKS, Lookahead  # noqa: PLC0415 # only workers fill months

    rates = [settings.lanes[name].rate for name in settings.sources]
    if not rates:
        return Lookahead()
    return Lookahead(lambda: max(map(limiter.backlog, settings.sources)), EXPECTED_BOOKS / max(rates))


def _generators(settings: Settings, clients: dict[str, ProviderClient], database: Database) -> list[Generator]:
    from alexandria.providers.registry import make_generator, make_local_generator  # noqa: PLC0415 # only workers have any

    return [
        make_local_generator(spec, database)
        if spec.is_local
        else make_generator(spec, clients[settings.lane_of(spec.provider, spec.url)], thinking=settings.thinking)
        for spec in parse_generators(settings.generators)
    ]


def _source_pool(
    settings: Settings, clients: dict[str, ProviderClient], database: Database, limiter: RateLimiter
) -> SourcePool:
    from alexandria.backfill.first_source import FirstSources  # noqa: PLC0415 # only workers have sources
    from alexandria.backfill.source_selection import Policy, SourcePool  # noqa: PLC0415
    from alexandria.bibliography.lookup import BibliographyIndex  # noqa: PLC0415
    from alexandria.bibliography.source import BibliographySource  # noqa: PLC0415

    local = BibliographySource(BibliographyIndex(database)) if settings.bibliography else None
    first = FirstSources(database, settings.sources, limiter.status, quota_share)
    return SourcePool(_sources(settings, clients), Policy(settings.policy), local, weights=first.weights)


def _sources(settings: Settings, clients: dict[str, ProviderClient]) -> list[Source]:
    if unknown := [name for name in settings.sources if name not in source_names()]:
        hint = f"choose from {', '.join(source_names())}"
        raise Misconfigured(f"ALEXANDRIA_SOURCES: {unknown[0]!r} is not a source", hint=hint)
    from alexandria.backfill.source_selection import Policy  # noqa: PLC0415 # as above
    from alexandria.providers.registry import make_source  # noqa: PLC0415

    thorough = settings.policy == Policy.EXACT.value
    return [make_source(clients[name], thorough=thorough) for name in settings.sources]


def _usage_reporters(settings: Settings, sources: Sequence[Source]) -> list[tuple[ReportsUsage, ZoneInfo]]:
    return [(each, ZoneInfo(settings.providers[each.name].zone)) for each in sources if isinstance(each, ReportsUsage)]


def periodic(system: System) -> list[Periodic]:
    """Return the tasks that workers run beside the months: all of them, and nowhere else."""
    from alexandria.backfill.periodic import Periodic  # noqa: PLC0415 # only workers have any
    from alexandria.backfill.recovery import RECOVER  # noqa: PLC0415

    follow_up = system.backfill.follow_up
    return [
        Periodic(RESCUE, system.backfill.rescuer.rescue),
        Periodic(RECOVER, system.backfill.recovery.recover),
        Periodic("look_again", follow_up.recheck, MINUTE_SECONDS, turn=ENRICHMENT),
        Periodic("enrich", follow_up.enrich, MINUTE_SECONDS, turn=ENRICHMENT),
        Periodic("reconcile", system.maintenance.reconcile, HOUR_SECONDS, 30 * MINUTE_SECONDS),
        Periodic("forget", system.maintenance.forget, HOUR_SECONDS, 15 * MINUTE_SECONDS),
        Periodic("index_works", system.maintenance.index_works, HOUR_SECONDS, 45 * MINUTE_SECONDS),
        Periodic("prune", system.maintenance.prune, 5 * MINUTE_SECONDS),
        Periodic("rollout", system.rollout.tick, TICK_SECONDS),
        Periodic(CHECK, system.alerts.check, CHECK_INTERVAL),
    ]


async def work(system: System, stop: asyncio.Event, *, concurrency: int) -> None:
    """Run a worker of this system until `stop` is set. It reads the plans of providers first, if they answer soon."""
    from alexandria.backfill import worker  # noqa: PLC0415 # nothing else runs jobs

    reading = asyncio.create_task(system.maintenance.read_plans())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({reading, stopping}, timeout=PLAN_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        await worker.work(
            system.queue,
            system.backfill,
            stop,
            concurrency=concurrency,
            periodic=periodic(system),
            reconnect=system.reconnect,
        )
    finally:
        for task in (reading, stopping):
            task.cancel()
        await asyncio.wait({reading, stopping})
