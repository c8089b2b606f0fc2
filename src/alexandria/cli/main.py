"""The commands, the global options, and the exit code of each kind of error."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from types import FrameType
from typing import Annotated, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_command_name
from typer.models import TyperInfo

from alexandria.cli.commands import (
    adopt,
    bibliography,
    books,
    cache,
    control,
    curate,
    demo,
    doctor,
    enrich,
    export,
    forecast,
    health,
    logs,
    psql,
    resolve,
    review,
    rollout,
    schedule,
    secret,
    serve,
    status,
)
from alexandria.cli.exit_codes import BLOCKED, DONE, INTERRUPTED, NO_DATABASE, NOTHING, UNEXPECTED, USAGE
from alexandria.cli.output.console import Options, Output
from alexandria.core import errors

# Every kind of error with its exit code and the command that helps; a kind that is not here is its base's.
ENDINGS: dict[type[errors.AlexandriaError], tuple[int, str]] = {
    errors.AlexandriaError: (UNEXPECTED, "alexandria doctor"),
    errors.BadInput: (USAGE, "alexandria {command} --help"),
    errors.Misconfigured: (USAGE, "alexandria config"),
    errors.KeyMissing: (USAGE, "alexandria doctor"),
    errors.Unknown: (NOTHING, "alexandria months"),
    errors.UnknownBook: (NOTHING, "alexandria books"),
    errors.PlanChanged: (BLOCKED, "alexandria schedule --dry-run"),
    errors.Paused: (BLOCKED, "alexandria resume"),
    errors.NotNow: (BLOCKED, "alexandria rollout status"),
    errors.StillInUse: (BLOCKED, "alexandria {command} --help"),
    errors.QuotaSpent: (BLOCKED, "alexandria quota"),
    errors.RateLimited: (BLOCKED, "alexandria quota"),
    errors.NoCredit: (BLOCKED, "alexandria quota"),
    errors.DatabaseUnavailable: (NO_DATABASE, "alexandria doctor"),
    errors.DatabaseBusy: (BLOCKED, "alexandria status"),
    errors.NotMigrated: (NO_DATABASE, "alexandria migrate"),
    errors.DatabaseNotPrepared: (NO_DATABASE, "alexandria doctor"),
    errors.ProgramTooOld: (NO_DATABASE, "alexandria doctor"),
    errors.ServerUnavailable: (NO_DATABASE, "alexandria doctor --server URL"),
    errors.ServerRefused: (USAGE, "alexandria doctor --server URL"),
    errors.ServerBusy: (BLOCKED, "alexandria doctor --server URL"),
}

OWN_OPTIONS = "psql"  # whatever follows this command is for another program
COMPLETION = "_ALEXANDRIA_COMPLETE"  # the variable by which a shell asks for completions
STARTING = {"up", "serve", "work", "demo", "sandbox"}  # commands that start a system of their own
# Commands that prepare one, by the settings of the terminal.
OWN_SETTINGS = STARTING | {"migrate", "secret", "config", "health"}
VALUES = ("--database", "--server")  # global options with a value
FLAGS = {"--demo", "--json", "--no-color", "--no-input", "-q", "--quiet", "-v", "--verbose"}

app = typer.Typer(
    name="alexandria",
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="These options can be given before or after the command. Year ranges: A..B or one year.",
)
for part in (
    demo,
    serve,
    schedule,
    adopt,
    control,
    status,
    books,
    forecast,
    logs,
    resolve,
    enrich,
    export,
    psql,
    doctor,
    health,
):
    app.add_typer(part.commands)
app.add_typer(secret.group, rich_help_panel="Prepare")
app.add_typer(bibliography.group, rich_help_panel="Prepare")
app.add_typer(rollout.group, rich_help_panel="Work")
app.add_typer(curate.group, rich_help_panel="Work")
app.add_typer(review.group, rich_help_panel="Work")
app.add_typer(cache.group, rich_help_panel="Work")
app.add_typer(cache.earlier_group, hidden=True)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        Output(Options()).result(None, version("alexandria-backfill"))
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    *,
    database: Annotated[str | None, typer.Option(metavar="URL", help="Database URL (overrides DATABASE_URL).")] = None,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Use the settings of the server here that answers at this address (default: of the data folder). "
            "On another machine it is asked over HTTP, by status, forecast and doctor.",
        ),
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Use the demo that runs, or that was kept.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only data and errors.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more, and show tracebacks.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours (same as NO_COLOR=1).")] = False,
    no_input: Annotated[bool, typer.Option("--no-input", help="No prompts.")] = False,
    version: Annotated[  # noqa: ARG001 # its callback acts
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Fill the gaps of a book catalogue, month by month, with ISBNs you can trust."""
    options = Options(json, quiet, verbose, not no_color, no_input, database, server, demo)
    context.obj = Output(_with_server(context, options))


def _with_server(context: typer.Context, options: Options) -> Options:
    """Use the settings of the running server for the command, as far as it looks at a system or acts on one.

    Returns the options, with the address of a server on another machine.
    """
    chosen = options.demo or options.server is not None
    if sum((options.demo, options.server is not None, options.database is not None)) > 1:
        raise errors.BadInput("--database, --demo and --server exclude each other", hint="give one of them")
    if chosen and context.invoked_subcommand in STARTING:
        raise errors.BadInput(
            f"{context.invoked_subcommand} starts a system of its own", hint="leave out --demo and --server"
        )
    if options.database is not None or (context.invoked_subcommand in OWN_SETTINGS and not chosen):
        return options
    from alexandria.cli.runtime import remote_server
    from alexandria.cli.runtime.running_server import Wanted, runs_here, settings_of_server

    if (
        options.server is not None
        and context.invoked_subcommand in remote_server.COMMANDS
        and not runs_here(options.server)
    ):
        return replace(options, remote=remote_server.address_of(options.server))
    context.with_resource(settings_of_server(Output(options), Wanted(options.server, options.demo)))
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. An unexpected exception goes to `sys.excepthook`, which prints it in one line."""
    early, later = hoist(sys.argv[1:] if arguments is None else arguments)
    output = Output(_early_options(early))
    sys.excepthook = lambda _kind, error, _trace: output.unforeseen(error)
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        command = command_of(later[0] if later and COMPLETION not in os.environ else None)
        return int(
            command.main([*early, *(later or ["--help"])], prog_name="alexandria", standalone_mode=False) or DONE
        )
    except typer.TyperException as refused:
        where = getattr(refused, "ctx", None)
        hint = where.get_usage().strip() if where else ""
        if where is not None and where.parent is not None and isinstance(where.command, TyperGroup):
            known = [name for name, command in where.command.commands.items() if not command.hidden]
            hint = f"commands: {', '.join(known)}"
        output.fail(
            errors.BadInput(refused.format_message().replace(": Value error, ", ": ", 1), hint=hint),
            f"{where.command_path if where else 'alexandria'} --help",
        )
        return USAGE
    except errors.AlexandriaError as error:
        code, fix = ending(error)
        output.fail(error, fix.format(command=" ".join(later[:1])))
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, previous)


def ending(error: errors.AlexandriaError) -> tuple[int, str]:
    """The exit code for an error, and the command to try."""
    return next(ENDINGS[kind] for kind in type(error).__mro__ if kind in ENDINGS)


def hoist(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The global options, wherever they stand, and the other arguments in their order."""
    early: list[str] = []
    later: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--" or later == [OWN_OPTIONS]:
            return early, [*later, argument, *rest]
        if argument in FLAGS or argument.startswith(tuple(f"{name}=" for name in VALUES)):
            early.append(argument)
        elif argument in VALUES:
            early += [argument, *([following] if (following := next(rest, None)) is not None else [])]
        else:
            later.append(argument)
    return early, later


@functools.cache
def _commands(parts: tuple[int, ...]) -> TyperGroup:
    """Return the application with the parts at these places, made once in a process."""
    narrowed = copy(app)
    narrowed.registered_groups = [app.registered_groups[place] for place in parts]
    command = typer.main.get_command(narrowed)
    assert isinstance(command, TyperGroup), "there is more than one command"
    return command


def command_of(first: str | None) -> TyperGroup:
    """Return the application with only the part that has the command or group `first`; all of it if none has.

    The options of all commands take longer to read than most commands to run.
    """
    parts = range(len(app.registered_groups))
    chosen = tuple(place for place in parts if first in _names(app.registered_groups[place]))
    return _commands(chosen if chosen or first == "--version" else tuple(parts))


def _names(part: TyperInfo) -> set[str]:
    """Return what can be the first argument for this part: the name of a group, or those of commands without one."""
    typed = part.typer_instance
    assert typed is not None, "every part is made of a Typer"
    if isinstance(typed.info.name, str):
        return {typed.info.name}
    return {
        each.name or get_command_name(each.callback.__name__) for each in typed.registered_commands if each.callback
    }


def _early_options(early: Sequence[str]) -> Options:
    """The options that are needed even if the arguments are wrong."""
    asked = set(early)
    return Options("--json" in asked, bool(asked & {"-q", "--quiet"}), bool(asked & {"-v", "--verbose"}),
                   "--no-color" not in asked)  # fmt: skip


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
