"""The commands that run processes or prepare the database: up, serve, work, migrate, sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alexandria.cli.exit_codes import NO_DATABASE, SOME_FAILED
from alexandria.cli.options import Concurrency, DryRun, Faults, Host, Port, RootPath, WhileStdin
from alexandria.cli.options import rates as read_rates
from alexandria.cli.options import root_path as read_root_path
from alexandria.cli.output.console import Output, output_of
from alexandria.core.grammar import counted

commands = typer.Typer()


@commands.command(rich_help_panel="Run")
def up(
    context: typer.Context,
    *,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    concurrency: Concurrency = None,
    root_path: RootPath = "",
    while_stdin: WhileStdin = False,
) -> int:
    """Run the API, the dashboard and one worker, on an embedded PostgreSQL unless DATABASE_URL is set."""
    prefix = read_root_path(root_path)

    from alexandria.cli.runtime import api_process
    from alexandria.cli.runtime.signals import Stopping

    with Stopping(while_stdin=while_stdin) as stopping:
        api_process.run(output_of(context), host, port, stopping, works=True, concurrency=concurrency, root_path=prefix)
    return stopping.exit_code


@commands.command(rich_help_panel="Run")
def serve(
    context: typer.Context,
    *,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    root_path: RootPath = "",
    while_stdin: WhileStdin = False,
) -> int:
    """Run the API and the dashboard, without a worker."""
    prefix = read_root_path(root_path)

    from alexandria.cli.runtime import api_process
    from alexandria.cli.runtime.signals import Stopping

    with Stopping(while_stdin=while_stdin) as stopping:
        api_process.run(output_of(context), host, port, stopping, works=False, root_path=prefix)
    return stopping.exit_code


@commands.command(rich_help_panel="Run")
def work(
    context: typer.Context,
    concurrency: Concurrency = None,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Stop once no month is queued or running.")] = False,
    while_stdin: WhileStdin = False,
) -> int:
    """Run a worker. On SIGTERM it hands its months to another worker and exits with 0."""
    from alexandria.cli.runtime import worker_process
    from alexandria.cli.runtime.signals import Stopping

    failed = 0
    with Stopping(while_stdin=while_stdin) as stopping:
        failed = worker_process.run(output_of(context), stopping, concurrency=concurrency, until_idle=until_idle)
    return SOME_FAILED if until_idle and failed else stopping.exit_code


@commands.command(rich_help_panel="Prepare")
def migrate(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Only list pending migrations; exit code 6 if there are any.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print the SQL and the locks that it takes, and change nothing.")
    ] = False,
    dry_run: DryRun = False,
) -> int:
    """Migrate the database to the schema of this version."""
    from alexandria.cli.settings import settings_of
    from alexandria.database.migrate import missing
    from alexandria.database.server import open_server
    from alexandria.operations.migration import migrate as apply

    output = output_of(context)
    with open_server(settings_of(output)) as server:
        if plan:
            return _print_plan(output, server.url)
        if check or dry_run:
            steps = missing(server.url)
            output.result({"missing": steps}, *steps)
            next_step = "pending; next: alexandria migrate"
        else:
            migration = apply(server.url)
            steps = migration.steps
            output.result({"applied": steps, "notes": migration.notes}, *steps)
            next_step = "applied; next: alexandria seed 2000..2024"
            if migration.indexed_works:
                output.message(f"{counted(migration.indexed_works, 'work')} indexed")
            for note in migration.notes:
                output.message(note)
    output.message(f"{counted(len(steps), 'migration')} {next_step}" if steps else "already up to date")
    return NO_DATABASE if check and steps else 0


def _print_plan(output: Output, url: str) -> int:
    from alexandria.database.migrate import plan

    parts, lines = plan(url)
    output.result({"parts": parts}, *lines)
    if not parts:
        output.message("already up to date")
    return 0


@commands.command(rich_help_panel="Try")
def sandbox(
    context: typer.Context,
    *,
    port: Port = 0,
    books: Annotated[Path | None, typer.Option(help="A CSV of books, gzipped or not.", exists=True)] = None,
    seed: Annotated[int, typer.Option(help="Random seed: equal seeds give equal answers.")] = 1,
    faults: Faults = "none",
    latency_scale: Annotated[float, typer.Option(min=0, help="Factor of the providers' usual latency.")] = 1.0,
    rates: Annotated[str, typer.Option(metavar="NAME=N,...", help="Requests per second, by provider.")] = "",
    while_stdin: WhileStdin = False,
) -> int:
    """Run a server that answers like the providers, over real books. No keys, no cost."""
    from alexandria.cli.runtime.signals import Stopping
    from alexandria.sandbox import SandboxSettings, environment, serve
    from alexandria.sandbox.settings import SAMPLE

    settings = SandboxSettings(
        books=books or SAMPLE, seed=seed, faults=faults, latency_scale=latency_scale, rates=read_rates(rates)
    )
    output = output_of(context)
    with Stopping(while_stdin=while_stdin) as stopping:
        serve(settings, port, announce=lambda url: _announce_sandbox(output, environment(settings, url), url))
    return stopping.exit_code


def _announce_sandbox(output: Output, variables: dict[str, str], url: str) -> None:
    output.result({"url": url, "environment": variables}, *(f"{name}={value}" for name, value in variables.items()))
    output.message(f"The sandbox answers at {url}; these variables lead alexandria to it.")
