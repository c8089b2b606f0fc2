"""Settings -> a running system; alone names concrete providers."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from importlib.metadata import version
from zoneinfo import ZoneInfo

import structlog
from pydantic import SecretStr

from alexandria.backfill import worker
from alexandria.backfill.control import Control
from alexandria.backfill.queue import JobQueue, Periodic
from alexandria.backfill.scheduler import Backfill
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.core import config, tracing
from alexandria.core.config import Settings
from alexandria.core.errors import Misconfigured
from alexandria.core.logging import protect
from alexandria.database.pool import Database
from alexandria.database.server import Server
from alexandria.forecast.forecaster import Forecaster
from alexandria.operations.alerts.monitor import EVERY, AlertMonitor
from alexandria.operations.alerts.rules import Thresholds
from alexandria.operations.alerts.webhook import Receiver
from alexandria.operations.event_log import Journal
from alexandria.operations.maintenance import Maintenance
from alexandria.operations.system import System
from alexandria.providers.base import Generator, ReportsUsage, Source
from alexandria.providers.client import ProviderClient
from alexandria.providers.google_books import GoogleBooks
from alexandria.providers.internet_archive import InternetArchive
from alexandria.providers.isbndb import ISBNdb
from alexandria.providers.limits.concurrency import ConcurrencyLimiter
from alexandria.providers.limits.rate import RateLimiter
from alexandria.providers.llm import LanguageModel, parse_generators
from alexandria.providers.open_library import OpenLibrary
from alexandria.providers.response_cache import ResponseCache
from alexandria.providers.wikidata import Wikidata
from alexandria.rollout.controller import RolloutController
from alexandria.rollout.decisions import TICK_SECONDS

log = structlog.get_logger(__name__)

MODELS = ("gemini", "xai", "openai")  # whose calls are long and dear
SOURCES: dict[str, Callable[[ProviderClient], Source]] = {
    "open_library": OpenLibrary,
    "google_books": GoogleBooks,
    "internet_archive": InternetArchive,
    "wikidata": Wikidata,
    "isbndb": ISBNdb,
}


@contextlib.asynccontextmanager
async def running(
    settings: Settings, server: Server, *, providers: bool, interactive: bool = False
) -> AsyncIterator[System]:
    """The system on `server`; with `providers` it can process months, without it only schedule and show.

    `interactive`: a person waits for it, so that the daily reserve may be spent.
    """
    async with contextlib.AsyncExitStack() as stack:
        if providers:
            stack.enter_context(tracing.exporting())
        if settings.journal_events:
            await stack.enter_async_context(Journal(server.url))
        database = await stack.enter_async_context(Database(server.url))
        answers = ResponseCache(database)
        lanes = await stack.enter_async_context(
            RateLimiter(server.url, database.pool, settings.providers, interactive=interactive)
        )
        jobs = JobQueue(database)
        await jobs.open()
        stack.push_async_callback(jobs.aclose)
        backfill, upkeep = Backfill(database, jobs), Maintenance(database, kept_events=settings.journal_events)
        steward = steward_of(settings, database, backfill, lanes)
        transports: dict[str, ProviderClient] = {}
        if providers:
            places = {name: ConcurrencyLimiter(server.url, name, settings.model_calls) for name in MODELS}
            for each in places.values():
                stack.push_async_callback(each.aclose)
            transports = {n: _transport(settings, lanes, answers, places.get(n), n) for n in settings.providers}
            for transport in transports.values():
                stack.push_async_callback(transport.aclose)
            backfill.generators = _generators(settings, transports)
            backfill.desk = SourcePool(_sources(settings, transports), Policy(settings.policy))
            backfill.look_again_calls = settings.look_again_calls
            backfill.kept_for_months = settings.kept_for_months
            backfill.allowances = lanes.status
            upkeep.counting = _counting(settings, backfill.desk.sources)
        prospect = Forecaster(database, settings, lanes.status)
        stack.push_async_callback(prospect.aclose)
        yield System(
            settings,
            server,
            database,
            answers,
            lanes,
            jobs,
            backfill,
            Control(database, jobs),
            upkeep,
            watch_of(settings, database, lanes, steward),
            steward,
            prospect,
            transports,
        )


def steward_of(settings: Settings, database: Database, backfill: Backfill, lanes: RateLimiter) -> RolloutController:
    return RolloutController(database, backfill, lanes.status, metered="isbndb" in settings.sources)


def watch_of(settings: Settings, database: Database, lanes: RateLimiter, steward: RolloutController) -> AlertMonitor:
    receiver = None
    if settings.alarm_url is not None:
        receiver = Receiver(settings.alarm_url, settings.alarm_secret, version("alexandria-backfill"))
    thresholds = Thresholds(
        timedelta(hours=settings.alarm_blocked_hours),
        timedelta(minutes=settings.alarm_paused_minutes),
        settings.alarm_failed_share,
    )
    in_use = {spec.provider for spec in parse_generators(settings.generators)} | {*settings.sources}
    return AlertMonitor(database, lanes.status, frozenset(in_use), thresholds, receiver, steward.standstill)


def _transport(
    settings: Settings, lanes: RateLimiter, answers: ResponseCache, places: ConcurrencyLimiter | None, name: str
) -> ProviderClient:
    return ProviderClient(
        settings.providers[name],
        lanes,
        answers,
        contact=settings.contact,
        version=version("alexandria-backfill"),
        reload_key=lambda: _key(name),
        concurrency_limiter=places,
    )


def _key(name: str) -> SecretStr | None:
    """As it is configured now."""
    key = config.load().providers[name].key
    protect([key.get_secret_value()] if key else [])
    return key


def _generators(settings: Settings, transports: dict[str, ProviderClient]) -> list[Generator]:
    return [
        Wikidata(transports["wikidata"])
        if spec.provider == "wikidata"
        else LanguageModel(spec, transports[spec.provider])
        for spec in parse_generators(settings.generators)
    ]


def _sources(settings: Settings, transports: dict[str, ProviderClient]) -> list[Source]:
    unknown = [name for name in settings.sources if name not in SOURCES]
    if unknown:
        raise Misconfigured(f"ALEXANDRIA_SOURCES: {unknown[0]!r} is no source", hint=f"choose of {', '.join(SOURCES)}")
    making = SOURCES | {ISBNdb.name: functools.partial(ISBNdb, thorough=settings.policy == Policy.EXACT.value)}
    return [making[name](transports[name]) for name in settings.sources]


def _counting(settings: Settings, sources: Sequence[Source]) -> list[tuple[ReportsUsage, ZoneInfo]]:
    return [(each, ZoneInfo(settings.providers[each.name].zone)) for each in sources if isinstance(each, ReportsUsage)]


def periodic(system: System) -> list[Periodic]:
    """What workers see to beside the months."""
    return [
        Periodic("reconcile", "30 * * * *", system.upkeep.reconcile),
        Periodic("forget", "15 * * * *", system.upkeep.forget),
        Periodic("prune", "*/5 * * * *", system.upkeep.prune),
        Periodic("rollout", f"* * * * * */{TICK_SECONDS}", system.steward.tick),
        Periodic("watch", f"* * * * * */{EVERY:.0f}", system.watch.watch),
    ]


async def work(system: System, stop: asyncio.Event, *, concurrency: int) -> None:
    """Run a worker of this system until `stop` is set."""
    await worker.work(
        system.jobs,
        system.backfill,
        stop,
        concurrency=concurrency,
        periodic=periodic(system),
        reconnect=system.reconnect,
    )
