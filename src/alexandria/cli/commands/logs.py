"""The command logs: shows the log of all workers and machines."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from alexandria.cli import completion
from alexandria.cli.exit_codes import DONE, NOTHING
from alexandria.cli.options import since as read_since
from alexandria.cli.output.console import let_go, output_of
from alexandria.core.month import Month

if TYPE_CHECKING:
    from alexandria.operations.event_log import LogFilter

commands = typer.Typer()


class Level(StrEnum):
    """How much an event matters, least first."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


@commands.command(rich_help_panel="Inspect")
def logs(
    context: typer.Context,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow new log lines until Ctrl-C.")] = False,
    month: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM", help="Only events about this month.", autocompletion=completion.months),
    ] = None,
    level: Annotated[Level, typer.Option(help="This level and those above.")] = Level.INFO,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Not before: 90m, 2h or 3d ago, or 2026-11-24T18:00 in UTC.")
    ] = None,
    lines: Annotated[int, typer.Option(min=0, max=100_000, help="Print at most so many, the newest.")] = 100,
) -> int:
    """Show the log of all workers and machines, oldest first; with --json one object per line."""
    key = Month.parse(month) if month else None
    start = read_since(since, datetime.now(UTC)) if since else None

    from alexandria.cli.output import log_lines
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations.event_log import LogFilter

    wanted = LogFilter(key, level, start)
    output = output_of(context)
    try:
        count = on_system(output, lambda system: log_lines.show(output, system, wanted, lines, follow=follow))
    except BrokenPipeError:
        let_go()
        return DONE
    if not count and not follow:
        output.message(f"no log entry matches{_widely(wanted)}")
        return NOTHING
    return 0


def _widely(wanted: LogFilter) -> str:
    return "" if wanted.level == Level.DEBUG else f" at level {wanted.level} or above"
