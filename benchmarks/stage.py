"""What benchmarks of whole steps run on: a server in a process of its own, and the system on a database of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from alexandria import bootstrap
from alexandria.bootstrap import Mode
from alexandria.core import config, logging
from alexandria.core.provider_facts import key_settings
from alexandria.database import migrate
from alexandria.database.embedded.server import Embedded
from alexandria.operations.system import System
from alexandria.sandbox import SandboxSettings, environment, serve
from alexandria.sandbox.parts import provider_names

STARTS_WITHIN = 120.0  # seconds, with the largest library


def sandbox(settings: SandboxSettings) -> AbstractContextManager[str]:
    """The URL at which a sandbox answers."""
    return child_server(_serve, settings)


@contextlib.contextmanager
def child_server(serve: Callable[..., None], *arguments: Any) -> Iterator[str]:
    """The URL of a server in a process of its own: `serve` gets the arguments and a pipe, into which it sends its URL."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=serve, args=(*arguments, theirs), daemon=True)
    process.start()
    try:
        if not ours.poll(STARTS_WITHIN):
            raise SystemExit("the server does not answer")
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _serve(settings: SandboxSettings, pipe: Connection) -> None:
    serve(settings, announce=pipe.send)


@contextlib.contextmanager
def database(kept: Path | None = None) -> Iterator[Embedded]:
    """A migrated database that is gone afterwards, or stays in the folder `kept`."""
    with contextlib.ExitStack() as stack:
        if kept is None:  # in a short path, for the socket's sake
            kept = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alexandria-", dir="/tmp")))
        kept.mkdir(parents=True, exist_ok=True)
        kept.chmod(0o755)
        server = stack.enter_context(Embedded(kept / "data", durable=False))
        migrate.upgrade(server.url)
        yield server


@contextlib.asynccontextmanager
async def system(settings: SandboxSettings, url: str, server: Embedded, policy: str) -> AsyncIterator[System]:
    """The system with the sandbox at `url` for all providers, keeping to its limits."""
    logging.configure("ERROR", "console", ())
    for name in list(os.environ):
        if name.upper().startswith("ALEXANDRIA_") or name in key_settings().values():
            del os.environ[name]
    os.environ |= environment(settings, url)
    os.environ |= {"ALEXANDRIA_CONTACT": "benchmark@alexandria.invalid", "ALEXANDRIA_POLICY": policy}
    for name in provider_names():
        limits = {"RATE": settings.rate(name), "DAILY_LIMIT": settings.daily_limit(name)}
        os.environ |= {f"ALEXANDRIA_{name}_{what}".upper(): str(limit) for what, limit in limits.items() if limit}
    async with bootstrap.running(config.load(), server, Mode.WORK) as running:
        yield running
