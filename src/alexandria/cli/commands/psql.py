"""The command that opens psql on the database that alexandria uses."""

from __future__ import annotations

from typing import Annotated

import typer

from alexandria.cli.exit_codes import DONE, NO_DATABASE, UNEXPECTED
from alexandria.cli.output.console import output_of

commands = typer.Typer()
_LOST_CONNECTION_CODE = 2  # psql's own code for a connection that could not be had, or went away
_OWN = {"allow_extra_args": True, "ignore_unknown_options": True}


@commands.command(rich_help_panel="Inspect", context_settings=_OWN)
def psql(
    context: typer.Context,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PSQL'S ARGUMENTS]...", help="Passed to psql, as in -c 'SELECT 1'."),
    ] = None,
) -> int:
    """Open psql on the configured or embedded database. SQL may also come from standard input."""
    import os
    import signal
    import subprocess

    from alexandria.cli.settings import settings_of
    from alexandria.database import psql
    from alexandria.database.server import open_server

    program = psql.psql()
    with open_server(settings_of(output_of(context))) as server, psql.environment(server.url) as (variables, more):
        named = ["--dbname", more] if more else []
        before = signal.signal(signal.SIGINT, lambda *_: None)  # psql's: it ends a query, and not the session
        try:
            done = subprocess.run([program, *named, *(arguments or [])], env=os.environ | variables, check=False)
        finally:
            signal.signal(signal.SIGINT, before)
    return {0: DONE, _LOST_CONNECTION_CODE: NO_DATABASE}.get(done.returncode, UNEXPECTED)
