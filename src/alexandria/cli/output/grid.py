"""Shows the whole backfill repeatedly: counters and a grid of years and months."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from rich.console import Group
from rich.live import Live

from alexandria.cli.output.console import Output
from alexandria.operations.terminal.formatting import harmless
from alexandria.operations.terminal.status_report import StatusReport

REDRAW_INTERVAL = 1.0  # seconds on a terminal
PROGRESS_INTERVAL = 30.0  # seconds off it


async def watch(output: Output, take: Callable[[], Awaitable[StatusReport]]) -> None:
    """Print the state repeatedly until cancelled."""
    if not output.moving:
        while True:
            seen = await take()
            output.result(seen.data(), seen.line())
            await asyncio.sleep(PROGRESS_INTERVAL)
    with Live(console=output.out, auto_refresh=False, screen=False) as live:
        while True:
            seen = await take()
            # Words first: what does not fit on the terminal is cut at its end.
            whole = Group(seen.words(), "", seen.grid()) if seen.months else Group(*map(harmless, seen.render()))
            live.update(Group(harmless(seen.line()), whole), refresh=True)
            await asyncio.sleep(REDRAW_INTERVAL)
