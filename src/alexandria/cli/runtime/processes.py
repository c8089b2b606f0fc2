"""What the processes that stay have in common: how their parts end together, and what they print at their start."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from alexandria.cli.doctor.limits import NO_CONTACT_FIX, no_contact, no_key
from alexandria.cli.output.console import Output
from alexandria.core.config import Settings
from alexandria.operations.system import System


async def together(stop: asyncio.Event, *parts: Coroutine[Any, Any, None]) -> None:
    """Run `parts`, each of which ends soon after `stop` is set; if one ends or fails, all are stopped."""
    tasks = [asyncio.create_task(part) for part in parts]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await asyncio.wait(tasks)
    for task in tasks:
        task.result()


def warn(output: Output, settings: Settings, command: str) -> None:
    """Print what is missing; `command` is the one that processes months, if this one does."""
    for line in no_key(settings, command) if command else ():
        output.message(line)
    if missing := no_contact(settings):
        output.message(f"warning: {missing}; {NO_CONTACT_FIX}")


def report_limits(output: Output, system: System) -> None:
    for each in system.limiter.differences:
        output.message(f"limits: {each}; the value here is in force now, for all processes")
