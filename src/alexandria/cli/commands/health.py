"""The command health: whether the processes of this machine or container still run, for supervisors."""

from __future__ import annotations

import typer

from alexandria.cli.exit_codes import DONE, UNEXPECTED
from alexandria.cli.output.console import output_of

commands = typer.Typer()


@commands.command(rich_help_panel="Look")
def health(context: typer.Context) -> int:
    """Check that the processes of this machine or container run: up, serve and work.

    Exits 0 if at least one runs and none hangs, else 1. It asks no database: a restart does not bring back a lost one.
    """
    from alexandria.cli.runtime import liveness
    from alexandria.cli.settings import settings_of

    output = output_of(context)
    found = liveness.running(settings_of(output).data_dir)
    healthy = bool(found) and not any(each.hangs for each in found)
    data = [
        {"command": each.command, "pid": each.pid, "silent_seconds": round(each.silent, 1), "hangs": each.hangs}
        for each in found
    ]
    lines = [
        f"{'FAIL' if each.hangs else 'ok  '} {each.command}: process {each.pid}, "
        + (f"no sign of life for {each.silent:.0f} s: restart it" if each.hangs else "running")
        for each in found
    ]
    output.result({"healthy": healthy, "processes": data}, *lines)
    if not found:
        output.message("FAIL no process of alexandria runs here as this user with this data folder")
    return DONE if healthy else UNEXPECTED
