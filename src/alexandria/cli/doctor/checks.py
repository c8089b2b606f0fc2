"""Checks that everything is there that months need. Each check is a line with its fix; none waits long or uses a key."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import httpx2

from alexandria.backfill.repositories import months
from alexandria.bootstrap import limiter_sessions
from alexandria.cli.doctor.bibliography import bibliography
from alexandria.cli.doctor.check import Check
from alexandria.cli.doctor.limits import limits
from alexandria.cli.runtime import liveness
from alexandria.cli.settings import missing_folder, unknown
from alexandria.core.config import Settings
from alexandria.core.errors import AlexandriaError, DatabaseUnavailable, Misconfigured
from alexandria.core.grammar import counted
from alexandria.core.provider_facts import PROVIDERS, key_settings
from alexandria.core.proxies import EnvironmentTransport, Proxy, proxy_for
from alexandria.core.redaction import MIN_LONG_SECRET
from alexandria.core.secret_files import SECRETS_DIR
from alexandria.core.servers import provider_of, servers
from alexandria.core.tls import authorities, chosen_authorities
from alexandria.core.webhook_secrets import MIN_SECRET_LENGTH, weak
from alexandria.database import migrate
from alexandria.database.capacity import Shares, allowed_connections, require_connections, shares
from alexandria.database.open_transactions import open_transactions
from alexandria.database.pool import Database
from alexandria.database.rights import missing_grants
from alexandria.database.server import is_made, open_server
from alexandria.operations.alerts.rules import HEARTBEAT_TIMEOUT
from alexandria.providers.generator_specs import parse_generators, requested
from alexandria.providers.limits import stored_limits
from alexandria.providers.limits.lane_status import paused_providers
from alexandria.providers.limits.session import SQL
from alexandria.providers.limits.stored_limits import StoredLimits

DATABASE_TIMEOUT = 8.0  # seconds for the configured database
EMBEDDED_TIMEOUT = 90.0  # seconds for the embedded one, which may have to be made or to recover first
CONNECT_TIMEOUT = "4"  # seconds for one connection to it, as libpq reads it
MAX_LISTED_TRANSACTIONS = 5
PROVIDER_TIMEOUT = 4.0  # seconds
MAX_CLOCK_SKEW_SECONDS = 2.0  # seconds between the clocks that do not matter
MIN_FREE_BYTES = 500_000_000  # bytes that a catalogue and its log should find free


def all_of(settings: Settings) -> list[Check]:
    """All checks, in the order in which to repair. Raises Misconfigured if the generators cannot be read."""
    asked = _providers(settings)
    found: list[Check] = []
    query = threading.Thread(target=lambda: found.extend(_database(settings)), daemon=True)
    query.start()
    network = _network(settings, asked)
    reached = asyncio.run(_reach(asked)) if all(check.ok for check in network) else []
    patience = DATABASE_TIMEOUT if settings.production else EMBEDDED_TIMEOUT
    query.join(patience)
    if query.is_alive():
        silent = Check("database", False, f"no answer within {patience:.0f} s", "check its log and its disk space")
        found = [*found, silent]
    return [
        *found,
        *_keys(settings, asked),
        *_secrets(settings),
        *_settings(settings),
        *network,
        *reached,
        _disk(settings),
    ]


def _providers(settings: Settings) -> dict[str, str]:
    """The base URLs of the configured generators and sources; each server of a provider that has several counts."""
    specs = requested(settings.generators)
    generators = {settings.lane_of(spec.provider, spec.url): spec.url for spec in specs}
    names = dict.fromkeys([*generators, *settings.sources])
    return {name: generators.get(name) or settings.lanes[name].base_url for name in names}


def _database(settings: Settings) -> Iterator[Check]:
    if not is_made(settings) and (running := liveness.running_in(settings.data_dir)):
        message = f"process {running[0].pid} runs on this data folder with a database that cannot be read from it here"
        yield Check("database", False, message, "set DATABASE_URL, or ask the server: alexandria --server URL doctor")
        return
    os.environ.setdefault("PGCONNECT_TIMEOUT", CONNECT_TIMEOUT)
    try:
        with open_server(settings) as server:
            where = "at DATABASE_URL" if settings.production else f"embedded in {settings.data_dir}"
            asyncio.run(_require_writable(server.url))
            yield Check("database", True, f"PostgreSQL answers, {where}")
            if grants := missing_grants(server.url):
                yield Check("rights", False, "the database role may not use the tables", " ".join(grants))
                return
            missing = migrate.missing(server.url)
            yield _migrations(missing)
            yield from asyncio.run(_worker_and_clock(server.url, migrated=not missing))
            if not missing:
                yield from asyncio.run(_paused(server.url, [*_providers(settings)]))
                yield from _connections(server.url, limiter_sessions(settings))
                yield from _open_transactions(server.url)
                yield from asyncio.run(
                    bibliography(server.url, asked=settings.bibliography, names=_names_books(settings))
                )
            yield from limits(settings, {} if missing else asyncio.run(_stored_limits(server.url, [*settings.lanes])))
    except AlexandriaError as failed:
        yield Check("database", False, failed.message, failed.hint)
        yield from limits(settings, {})


async def _require_writable(url: str) -> None:
    """Raise DatabaseUnavailable if the server is a standby, or set to be read-only."""
    async with Database(url, size=1) as database:
        await database.require_writable()


def _connections(url: str, sessions: int) -> Iterator[Check]:
    """A failed check if the server lets in too few connections for a worker, and a warning if its pools are small."""
    allowed = allowed_connections(url)
    try:
        require_connections(allowed, sessions)
    except DatabaseUnavailable as too_few:
        yield Check("connections", False, too_few.message, too_few.hint)
        return
    few = shares(allowed, sessions)
    if few != Shares():
        message = (
            f"the server allows {allowed} connections, so a worker uses {few.pool} for its months, not {Shares().pool}"
        )
        yield Check("connections", True, message, "raise max_connections, or the CONNECTION LIMIT of role and database")


def _open_transactions(url: str) -> Iterator[Check]:
    """A warning for each session that somebody has left in a transaction with locks on our tables."""
    for each in open_transactions(url)[:MAX_LISTED_TRANSACTIONS]:
        yield Check("open transaction", True, each.describe(), each.ending())


def _names_books(settings: Settings) -> bool:
    """Whether the bibliography is a generator."""
    return any(spec.is_local for spec in parse_generators(settings.generators))


async def _paused(url: str, names: list[str]) -> list[Check]:
    """A failed check for each provider in use that gets no requests now."""
    async with Database(url, size=1) as database, database.transaction() as connection:
        paused = await paused_providers(connection, names)
    fix = "check the provider and your network, or ask it now: alexandria resume --provider"
    return [
        Check(
            f"provider {each.name}",
            False,
            f"paused until {each.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC: {each.reason}",
            f"{fix} {each.name}",
        )
        for each in paused
    ]


async def _stored_limits(url: str, lanes: list[str]) -> dict[str, StoredLimits]:
    async with Database(url, size=1) as database, database.transaction() as connection:
        return await stored_limits.read(connection, lanes)


def _migrations(missing: list[str]) -> Check:
    if missing:
        return Check("migrations", False, f"{migrate.describe(missing)} pending", "alexandria migrate")
    return Check("migrations", True, "up to date")


async def _worker_and_clock(url: str, *, migrated: bool) -> list[Check]:
    async with Database(url, size=1) as database, database.transaction() as connection:
        before = time.time()
        row = await (await connection.execute(SQL["clock"])).fetchone()
        after = time.time()
        workers = await months.workers(connection, HEARTBEAT_TIMEOUT) if migrated else None
    assert row is not None
    skew = max(before - row["clock"], row["clock"] - after, 0.0)
    clock = Check("clock", skew <= MAX_CLOCK_SKEW_SECONDS, f"{skew:.1f} s apart from the database's")
    if not clock.ok:
        clock = Check(clock.name, False, clock.message, "set both clocks by NTP")
    return [clock] if workers is None else [_worker(workers["workers"]), clock]


def _worker(running: int) -> Check:
    if running:
        return Check("worker", True, f"{counted(running, 'worker')} running")
    return Check("worker", False, "no worker running", "start one: alexandria work, or alexandria up")


def _keys(settings: Settings, asked: dict[str, str]) -> Iterator[Check]:
    for provider in dict.fromkeys(map(provider_of, asked)):
        facts, configured = PROVIDERS[provider], settings.providers[provider].key
        if facts.key is not None and facts.model == "MODEL@URL":
            yield from _server_keys(settings, provider)
        if facts.key is None or facts.key.optional:
            continue
        if configured is None:
            fix = f"alexandria secret add {facts.key.name}, or configure without {provider}"
            yield Check(f"key {provider}", False, f"{facts.key.name} is not set", fix)
        elif facts.paid and len(configured.get_secret_value()) < MIN_LONG_SECRET:
            message = f"present, but shorter than {MIN_LONG_SECRET} characters"
            yield Check(f"key {provider}", True, message, f"check {facts.key.name}: a paid provider's key is longer")
        else:
            yield Check(f"key {provider}", True, "present")


def _server_keys(settings: Settings, provider: str) -> Iterator[Check]:
    """Which server is sent which key; a warning if the provider's key is sent to none."""
    general, places = key_settings()[provider], servers(settings.generators).get(provider, ())
    chosen = {server: settings.key_of(provider, server) for server in places}
    for server, found in chosen.items():
        variable = found["key_setting"]
        message = f"{variable} is sent to {server}" if found["key"] else f"none is sent to {server}"
        yield Check(f"key {provider}", True, message)
    without = [found["key_setting"] for found in chosen.values() if not found["key"]]
    if (
        without
        and settings.providers[provider].key
        and all(found["key_setting"] != general for found in chosen.values())
    ):
        message = f"{general} is sent to none of these servers, as it may be the key of another"
        yield Check(f"key {provider}", True, message, f"if they want a key, set {', '.join(without)}")


def _secrets(settings: Settings) -> Iterator[Check]:
    fix = f"use a random one: openssl rand -base64 {2 * MIN_SECRET_LENGTH}"
    yield from (
        Check(f"secret {name}", False, f"shorter than {MIN_SECRET_LENGTH} characters", fix) for name in weak(settings)
    )
    if settings.alarm_url is not None and settings.alarm_secret is None:
        yield Check("secret ALEXANDRIA_ALARM_SECRET", False, "alerts are not signed", "set it here and at the receiver")


def _settings(settings: Settings) -> Iterator[Check]:
    meant = {name: near for name, near in unknown(settings).items() if near}
    yield from (Check(f"setting {name}", False, "unknown setting", f"did you mean {meant[name]}?") for name in meant)
    if folder := missing_folder():
        yield Check(f"setting {SECRETS_DIR}", False, f"folder {folder} does not exist", "create it, or name another")


def _network(settings: Settings, asked: dict[str, str]) -> list[Check]:
    """The proxy and certificate settings of the environment, if there are any."""
    found: list[Check] = []
    try:
        chosen = chosen_authorities()
        authorities()
    except Misconfigured as wrong:
        found.append(Check("certificates", False, wrong.message, wrong.hint))
    else:
        if chosen is not None:
            found.append(Check("certificates", True, f"those of {chosen[0]}, {chosen[1]}"))
    alerts = {} if settings.alarm_url is None else {"alerts": settings.alarm_url.get_secret_value()}
    users: dict[Proxy | None, list[str]] = {}
    try:
        for name, url in (asked | alerts).items():
            users.setdefault(proxy_for(url), []).append(name)
    except Misconfigured as wrong:
        return [*found, Check("proxy", False, wrong.message, wrong.hint)]
    if users.keys() - {None}:
        ways = [
            f"{proxy.variable} {proxy.address} for {', '.join(names)}"
            for proxy, names in users.items()
            if proxy is not None
        ]
        straight = [f"none for {', '.join(users[None])}"] if None in users else []
        found.append(Check("proxy", True, "; ".join(ways + straight)))
    return found


async def _reach(asked: dict[str, str]) -> list[Check]:
    async with httpx2.AsyncClient(transport=EnvironmentTransport(), timeout=PROVIDER_TIMEOUT) as client:
        return await asyncio.gather(*(_check_reachable(client, name, url) for name, url in asked.items()))


async def _check_reachable(client: httpx2.AsyncClient, name: str, url: str) -> Check:
    try:
        async with asyncio.timeout(PROVIDER_TIMEOUT):
            await client.head(url)
    except (httpx2.HTTPError, TimeoutError) as unreached:
        proxy = proxy_for(url)
        way = f"the network, {proxy.variable}" if proxy else "the network"
        setting = f"ALEXANDRIA_{name.upper()}_BASE_URL"
        if PROVIDERS[provider_of(name)].model == "MODEL@URL":
            setting = "the URL in ALEXANDRIA_GENERATORS"
        fix = f"check {way}, and {setting}"
        return Check(f"reach {name}", False, f"{httpx2.URL(url).host}: {type(unreached).__name__}", fix)
    return Check(f"reach {name}", True, f"{httpx2.URL(url).host} answers")


def _disk(settings: Settings) -> Check:
    folder: Path = next(
        place for place in (settings.data_dir.absolute(), *settings.data_dir.absolute().parents) if place.exists()
    )
    free = shutil.disk_usage(folder).free
    return Check(
        "disk",
        free >= MIN_FREE_BYTES,
        f"{free / 1e9:.1f} GB free for {settings.data_dir}",
        "" if free >= MIN_FREE_BYTES else "free some space",
    )
