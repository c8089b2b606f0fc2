"""The process that takes months from the queue and answers no HTTP requests; it imports nothing of the web."""

from __future__ import annotations

import asyncio

from alexandria import bootstrap
from alexandria.backfill import worker
from alexandria.backfill.repositories import months
from alexandria.backfill.status import Status
from alexandria.bootstrap import Mode
from alexandria.cli.output.console import Output
from alexandria.cli.runtime.liveness import beating, notify
from alexandria.cli.runtime.processes import report_limits, together, warn
from alexandria.cli.runtime.signals import Stopping
from alexandria.cli.settings import settings_of
from alexandria.core.logging import process_name
from alexandria.database.server import open_server, require_migrated
from alexandria.operations.system import System


def run(output: Output, stopping: Stopping, *, concurrency: int | None, until_idle: bool) -> int:
    """Process months until a stop signal, or until nothing is left to do; returns how many months failed meanwhile."""
    settings = settings_of(output)
    with open_server(settings) as server:
        require_migrated(server.url, writes=True)
        warn(output, settings, "work")

        async def act(stop: asyncio.Event) -> int:
            async with (
                beating("work", settings.data_dir),
                bootstrap.running(settings, server, Mode.WORK) as system,
            ):
                report_limits(output, system)
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


async def _busy(system: System) -> bool:
    return await system.queue.waiting() > 0


async def _failed(system: System) -> int:
    async with system.database.transaction() as connection:
        return (await months.totals(connection))[Status.FAILED]
