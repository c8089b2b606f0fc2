"""What runs in a process that stays: the API, a worker, or both, on the configured database."""

from __future__ import annotations

import asyncio
import errno
import functools
import os
import socket
from collections.abc import Coroutine
from typing import Any

from alexandria import bootstrap
from alexandria.backfill import worker
from alexandria.backfill.repositories import months
from alexandria.backfill.status import Status
from alexandria.bootstrap import Mode
from alexandria.cli.doctor.limits import NO_CONTACT_FIX, no_contact, no_key
from alexandria.cli.output.console import Output
from alexandria.cli.runtime.liveness import beating, notify
from alexandria.cli.runtime.signals import Stopping
from alexandria.cli.settings import settings_of
from alexandria.core.config import Settings
from alexandria.core.errors import Misconfigured
from alexandria.core.logging import process_name
from alexandria.core.webhook_secrets import MIN_SECRET_LENGTH, WebhookSecrets, weak, webhook_secrets
from alexandria.database.server import open_server, require_migrated
from alexandria.operations.migration import migrate
from alexandria.operations.system import System
from alexandria.web.app import create_app
from alexandria.web.server import serve

MAX_HOST_LENGTH = 100  # characters, in a message


def api(
    output: Output,
    host: str,
    port: int,
    stopping: Stopping,
    *,
    works: bool,
    concurrency: int | None = None,
    root_path: str = "",
) -> None:
    """Answer HTTP requests until a stop signal; with `works` also process months, `concurrency` at once.

    `root_path` is the path under which a proxy publishes the server, such as /library.
    """
    settings = settings_of(output)
    secrets = webhook_secrets(settings)
    for name in weak(settings):
        output.message(f"warning: {name} is shorter than {MIN_SECRET_LENGTH} characters and can be guessed")
    with open_server(settings) as server, listen(host, port) as listening:
        _migrate(output, settings, server.url)
        _warn(output, settings, "up" if works else "")
        url = url_of(listening) + root_path

        async def act(stop: asyncio.Event) -> None:
            async with (
                beating("up" if works else "serve", settings.data_dir),
                bootstrap.running(settings, server, Mode.WORK if works else Mode.SERVE) as system,
            ):
                _report_limits(output, system)
                stopping.on_hangup = lambda: _reread(secrets, system)
                app = create_app(system, secrets, stop, root_path=root_path)
                announce = functools.partial(_announce, output, url, secrets)
                parts = [serve(app, listening, stop, announce, settings.trusted_proxies)]
                if works:
                    parts.append(bootstrap.work(system, stop, concurrency=concurrency or settings.concurrency))
                await together(stop, *parts)

        stopping.run(act)


def work(output: Output, stopping: Stopping, *, concurrency: int | None, until_idle: bool) -> int:
    """Process months until a stop signal, or until nothing is left to do; returns how many months failed meanwhile."""
    settings = settings_of(output)
    with open_server(settings) as server:
        require_migrated(server.url, writes=True)
        _warn(output, settings, "work")

        async def act(stop: asyncio.Event) -> int:
            async with (
                beating("work", settings.data_dir),
                bootstrap.running(settings, server, Mode.WORK) as system,
            ):
                _report_limits(output, system)
                stopping.on_hangup = system.reread
                before = await _failed(system)
                parts = [bootstrap.work(system, stop, concurrency=concurrency or settings.concurrency)]
                if until_idle:
                    parts.append(worker.until_idle(lambda: _busy(system), stop))
                output.message(f"{process_name()} takes months from the queue")
                notify("READY=1")
                await together(stop, *parts)
                return await _failed(system) - before

        return stopping.run(act)


async def together(stop: asyncio.Event, *parts: Coroutine[Any, Any, None]) -> None:
    """Run `parts`, each of which ends soon after `stop` is set; if one ends or fails, all are stopped."""
    tasks = [asyncio.create_task(part) for part in parts]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await asyncio.wait(tasks)
    for task in tasks:
        task.result()


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket. Raises Misconfigured if the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)  # create_server leaks its socket if this raises
        listening = socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as refused:
        number = getattr(refused, "errno", None)
        reason = os.strerror(number) if number and number > 0 else "it is no address of this machine"
        hint = "choose another --port; 0 takes a free one"
        if number not in {errno.EADDRINUSE, errno.EACCES}:
            hint = "--host is an address of this machine, such as 127.0.0.1"
        raise Misconfigured(f"cannot listen on {host[:MAX_HOST_LENGTH]}:{port}: {reason}", hint=hint) from None
    # Connections inherit it; asyncio would not set it, and every second answer would wait for an acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _warn(output: Output, settings: Settings, command: str) -> None:
    """Print what is missing; `command` is the one that processes months, if this one does."""
    for line in no_key(settings, command) if command else ():
        output.message(line)
    if missing := no_contact(settings):
        output.message(f"warning: {missing}; {NO_CONTACT_FIX}")


def _report_limits(output: Output, system: System) -> None:
    for each in system.limiter.differences:
        output.message(f"limits: {each}; the value here is in force now, for all processes")


def _reread(secrets: WebhookSecrets, system: System) -> None:
    secrets.reread()
    system.reread()


def _migrate(output: Output, settings: Settings, url: str) -> None:
    """Migrate an embedded database; raises NotMigrated for one at DATABASE_URL that needs it."""
    if settings.production:
        require_migrated(url, writes=True)
        return
    migration = migrate(url)
    for step in migration.steps:
        output.message(f"migrated: {step}")
    if migration.indexed_works:
        output.message(f"works indexed: {migration.indexed_works}")


def _announce(output: Output, url: str, secrets: WebhookSecrets) -> None:
    notify("READY=1")
    output.result(
        {"url": url, "dashboard": f"{url}/", "docs": f"{url}/docs", "secret_file": secrets.path},
        f"Alexandria answers at {url}",
    )
    output.message(f"  dashboard: {url}/, API docs: {url}/docs")
    if secrets.path is not None:
        output.message(f"  login and X-Cron-Secret: the text in {secrets.path}")
    output.message("  next: alexandria seed 2000..2024, then: alexandria schedule")


async def _busy(system: System) -> bool:
    return await system.queue.waiting() > 0


async def _failed(system: System) -> int:
    async with system.database.transaction() as connection:
        return (await months.totals(connection))[Status.FAILED]
