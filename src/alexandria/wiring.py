"""Settings -> a running system; alone names concrete providers."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog
from pydantic import SecretStr

from alexandria import config, trace
from alexandria.alarm import Thresholds
from alexandria.backfill import Backfill
from alexandria.config import Settings
from alexandria.control import Control
from alexandria.errors import Misconfigured, NotMigrated
from alexandria.log import protect
from alexandria.panel import Desk, Policy
from alexandria.prospect import Prospect
from alexandria.providers.google_books import GoogleBooks
from alexandria.providers.internet_archive import InternetArchive
from alexandria.providers.isbndb import ISBNdb
from alexandria.providers.llm import LanguageModel, parse_generators
from alexandria.providers.open_library import OpenLibrary
from alexandria.providers.protocol import Counting, Generator, Source
from alexandria.providers.receiver import Receiver
from alexandria.providers.transport import Transport
from alexandria.providers.wikidata import Wikidata
from alexandria.queue import Jobs
from alexandria.steward import Steward
from alexandria.store import migrate
from alexandria.store.answers import StoredAnswers
from alexandria.store.database import Database
from alexandria.store.embedded import Embedded
from alexandria.store.journal import Journal
from alexandria.store.lanes import Lanes
from alexandria.store.places import Places
from alexandria.upkeep import Upkeep
from alexandria.watch import Watch

log = structlog.get_logger(__name__)

MODELS = ("gemini", "xai", "openai")  # whose calls are long and dear
SOURCES: dict[str, Callable[[Transport], Source]] = {
    "open_library": OpenLibrary,
    "google_books": GoogleBooks,
    "internet_archive": InternetArchive,
    "wikidata": Wikidata,
    "isbndb": ISBNdb,
}


class Server(Protocol):
    """A PostgreSQL that this process relies on."""

    @property
    def url(self) -> str: ...

    def ensure(self) -> None:
        """Bring it back if it is ours and has gone."""


@dataclass(frozen=True, slots=True)
class _Foreign:
    """Somebody else's server: we can only hope."""

    url: str = field(repr=False)

    def ensure(self) -> None:
        return


@contextlib.contextmanager
def server(settings: Settings) -> Iterator[Server]:
    """The configured PostgreSQL, or the embedded one, started if need be."""
    if settings.database_url is not None:
        yield _Foreign(settings.database_url.get_secret_value())
        return
    with Embedded(settings.data_dir) as embedded:
        yield embedded


def need_migrated(url: str) -> None:
    """Raises NotMigrated if the schema is older than this version."""
    steps = migrate.missing(url)
    if steps:
        raise NotMigrated(f"the database lacks {migrate.told(steps)}", hint="run: alexandria migrate")


@dataclass(slots=True)
class System:
    """One process's view of the running system."""

    settings: Settings
    server: Server
    database: Database
    answers: StoredAnswers
    lanes: Lanes
    jobs: Jobs
    backfill: Backfill
    control: Control
    upkeep: Upkeep
    watch: Watch
    steward: Steward
    prospect: Prospect
    transports: Mapping[str, Transport] = field(default_factory=dict)

    def reread(self) -> None:
        """Take over keys that have changed. A configuration that cannot be read leaves the present ones in force."""
        try:
            changed = [name for name, transport in self.transports.items() if transport.reread()]
        except Misconfigured as broken:
            log.warning("keys not read again", reason=broken.message)
        else:
            log.info("keys read again", changed=changed)

    async def reconnect(self) -> None:
        """The database answers again when this returns. Raises DatabaseUnavailable."""
        await asyncio.to_thread(self.server.ensure)
        await self.database.ping()


@contextlib.asynccontextmanager
async def running(
    settings: Settings, server: Server, *, providers: bool, interactive: bool = False
) -> AsyncIterator[System]:
    """The system on `server`; with `providers` it can process months, without it only schedule and show.

    `interactive`: a person waits for it, so that the daily reserve may be spent.
    """
    async with contextlib.AsyncExitStack() as stack:
        if providers:
            stack.enter_context(trace.exporting())
        if settings.journal_events:
            await stack.enter_async_context(Journal(server.url))
        database = await stack.enter_async_context(Database(server.url))
        answers = StoredAnswers(database)
        lanes = await stack.enter_async_context(
            Lanes(server.url, database.pool, settings.providers, interactive=interactive)
        )
        jobs = Jobs(database)
        await jobs.open()
        stack.push_async_callback(jobs.aclose)
        backfill, upkeep = Backfill(database, jobs), Upkeep(database, kept_events=settings.journal_events)
        steward = steward_of(settings, database, backfill, lanes)
        transports: dict[str, Transport] = {}
        if providers:
            places = {name: Places(server.url, name, settings.model_calls) for name in MODELS}
            for each in places.values():
                stack.push_async_callback(each.aclose)
            transports = {n: _transport(settings, lanes, answers, places.get(n), n) for n in settings.providers}
            for transport in transports.values():
                stack.push_async_callback(transport.aclose)
            backfill.generators = _generators(settings, transports)
            backfill.desk = Desk(_sources(settings, transports), Policy(settings.policy))
            backfill.look_again_calls = settings.look_again_calls
            backfill.kept_for_months = settings.kept_for_months
            backfill.allowances = lanes.status
            upkeep.counting = _counting(settings, backfill.desk.sources)
        prospect = Prospect(database, settings, lanes.status)
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


def steward_of(settings: Settings, database: Database, backfill: Backfill, lanes: Lanes) -> Steward:
    return Steward(database, backfill, lanes.status, metered="isbndb" in settings.sources)


def watch_of(settings: Settings, database: Database, lanes: Lanes, steward: Steward) -> Watch:
    receiver = None
    if settings.alarm_url is not None:
        receiver = Receiver(settings.alarm_url, settings.alarm_secret, version("alexandria-backfill"))
    thresholds = Thresholds(
        timedelta(hours=settings.alarm_blocked_hours),
        timedelta(minutes=settings.alarm_paused_minutes),
        settings.alarm_failed_share,
    )
    in_use = {spec.provider for spec in parse_generators(settings.generators)} | {*settings.sources}
    return Watch(database, lanes.status, frozenset(in_use), thresholds, receiver, steward.standstill)


def _transport(settings: Settings, lanes: Lanes, answers: StoredAnswers, places: Places | None, name: str) -> Transport:
    return Transport(
        settings.providers[name],
        lanes,
        answers,
        contact=settings.contact,
        version=version("alexandria-backfill"),
        reread=lambda: _key(name),
        places=places,
    )


def _key(name: str) -> SecretStr | None:
    """As it is configured now."""
    key = config.load().providers[name].key
    protect([key.get_secret_value()] if key else [])
    return key


def _generators(settings: Settings, transports: dict[str, Transport]) -> list[Generator]:
    return [
        Wikidata(transports["wikidata"])
        if spec.provider == "wikidata"
        else LanguageModel(spec, transports[spec.provider])
        for spec in parse_generators(settings.generators)
    ]


def _sources(settings: Settings, transports: dict[str, Transport]) -> list[Source]:
    unknown = [name for name in settings.sources if name not in SOURCES]
    if unknown:
        raise Misconfigured(f"ALEXANDRIA_SOURCES: {unknown[0]!r} is no source", hint=f"choose of {', '.join(SOURCES)}")
    making = SOURCES | {ISBNdb.name: functools.partial(ISBNdb, thorough=settings.policy == Policy.EXACT.value)}
    return [making[name](transports[name]) for name in settings.sources]


def _counting(settings: Settings, sources: Sequence[Source]) -> list[tuple[Counting, ZoneInfo]]:
    return [(each, ZoneInfo(settings.providers[each.name].zone)) for each in sources if isinstance(each, Counting)]
