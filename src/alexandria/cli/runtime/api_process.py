"""The process that answers HTTP requests, and with a worker also processes months; alone it imports no worker."""

from __future__ import annotations

import asyncio
import errno
import functools
import os
import secrets as tokens
import socket

from alexandria import bootstrap
from alexandria.bootstrap import Mode
from alexandria.cli.output.console import Output
from alexandria.cli.runtime.liveness import beating, notify
from alexandria.cli.runtime.processes import report_limits, together, warn
from alexandria.cli.runtime.signals import Stopping
from alexandria.cli.settings import settings_of
from alexandria.core.config import Settings
from alexandria.core.errors import Misconfigured
from alexandria.core.provider_facts import key_settings
from alexandria.core.webhook_secrets import MIN_SECRET_LENGTH, WebhookSecrets, weak, webhook_secrets
from alexandria.database.server import open_server, require_migrated
from alexandria.operations.migration import migrate
from alexandria.operations.system import System
from alexandria.web.app import create_app
from alexandria.web.server import serve

MAX_HOST_LENGTH = 100  # characters, in a message


def run(
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
        warn(output, settings, "up" if works else "")
        own_url = url_of(listening)
        url = own_url + root_path
        token = tokens.token_urlsafe(32)

        async def act(stop: asyncio.Event) -> None:
            async with (
                beating(
                    "up" if works else "serve", settings.data_dir, own_url, token=token, keys=[*key_settings().values()]
                ),
                bootstrap.running(settings, server, Mode.WORK if works else Mode.SERVE) as system,
            ):
                report_limits(output, system)
                stopping.on_hangup = lambda: _reread(secrets, system)
                app = create_app(system, secrets, stop, root_path=root_path, local_token=token)
                announce = functools.partial(_announce, output, url, secrets)
                parts = [serve(app, listening, stop, announce, settings.trusted_proxies)]
                if works:
                    parts.append(bootstrap.work(system, stop, concurrency=concurrency or settings.concurrency))
                await together(stop, *parts)

        stopping.run(act)


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
