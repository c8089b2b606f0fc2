"""Prints events of the log, and follows new ones through restarts of the database."""

from __future__ import annotations

import asyncio

from rich.text import Text

from alexandria.cli.output.console import Output
from alexandria.core.errors import DatabaseUnavailable
from alexandria.core.escaping import inert_line
from alexandria.operations import event_log
from alexandria.operations.event_log import LogEntry, LogFilter
from alexandria.operations.system import System
from alexandria.operations.terminal.formatting import format_value

RECONNECT_DELAY = 1.0  # seconds before a lost database is tried again
STYLES = {"debug": "dim", "warning": "yellow", "error": "bold red", "critical": "bold red"}
LEVEL_WIDTH = 8


async def show(output: Output, system: System, wanted: LogFilter, most: int, *, follow: bool) -> int:
    """Print the newest events; returns how many. With `follow` go on until cancelled."""
    async with system.database.transaction() as connection:
        after = await event_log.last(connection)
        found = await event_log.newest(connection, wanted, most)
    for entry in found:
        _print(output, entry)
    after = max([after, *(entry.id for entry in found[-1:])])
    while follow:
        after = await _go_on(output, system, wanted, after)
    return len(found)


async def _go_on(output: Output, system: System, wanted: LogFilter, after: int) -> int:
    """Follow until the database is lost, and wait until it is back; returns the number of the last event seen."""
    try:
        async for entry in event_log.follow(system.database, wanted, after):
            _print(output, entry)
            after = entry.id
    except DatabaseUnavailable as lost:
        output.message(f"{lost.message}; waiting for it")
    while True:
        await asyncio.sleep(RECONNECT_DELAY)
        try:
            await system.reconnect()
        except DatabaseUnavailable:
            continue
        return after


def _print(output: Output, entry: LogEntry) -> None:
    view = {"at": entry.at, "level": entry.level, "event": entry.event, "process": entry.process}
    about = {"month": str(entry.key)} if entry.key else {}
    output.line(view | about | {"fields": entry.fields}, _text(entry))


def _text(entry: LogEntry) -> Text:
    fields = dict(entry.fields)
    trace = str(fields.pop("exception", ""))
    about = {"month": str(entry.key)} if entry.key else {}
    facts = "".join(f" {name}={_quoted(value)}" for name, value in (about | fields).items())
    return Text.assemble(
        (format_value(entry.at), "dim"),
        (f" {entry.level.ljust(LEVEL_WIDTH)} ", STYLES.get(entry.level, "")),
        (inert_line(entry.event), "bold"),
        inert_line(facts),
        (f" [{inert_line(entry.process)}]", "dim"),
        *(f"\n  {inert_line(line)}" for line in trace.splitlines()),
    )


def _quoted(value: object) -> str:
    text = format_value(value)
    return f'"{text}"' if " " in text or not text else text
