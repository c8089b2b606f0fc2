"""The commands secret show-path and rotate, for the webhook secret, and secret add, for keys of providers."""

from __future__ import annotations

import getpass
import re
import sys
from typing import Annotated

import typer

from alexandria.cli import completion
from alexandria.cli.exit_codes import NOTHING
from alexandria.cli.options import DryRun
from alexandria.cli.output.console import output_of
from alexandria.core.errors import BadInput

KEY_OF_A_SERVER = re.compile(r"OPENAI_API_KEY_[A-Z0-9_]{1,200}")
MAX_KEY_LENGTH = 4096  # characters

group = typer.Typer(name="secret", help="The secret that callers send as X-Cron-Secret, and keys of providers.")


@group.command(name="show-path")
def show_path(context: typer.Context) -> int:
    """Print where the secret is read from: a file, or the environment."""
    from alexandria.cli.settings import listed, settings_of

    output = output_of(context)
    found = listed(settings_of(output), given=False)
    origin = next(each.origin for each in found if each.name == "ALEXANDRIA_WEBHOOK_SECRET")
    if origin == "default":
        output.message("there is none yet; it is created when the API starts: alexandria up")
        return NOTHING
    output.result({"from": origin}, origin)
    return 0


@group.command()
def add(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Such as GEMINI_API_KEY.", autocompletion=completion.keys)
    ],
    dry_run: DryRun = False,
) -> int:
    """Store a provider's key, typed or on standard input, in a file that only you can read."""
    from alexandria.core import secret_files
    from alexandria.core.config import origin
    from alexandria.core.provider_facts import key_settings

    setting, known = name.upper(), list(key_settings().values())
    if setting not in known and not KEY_OF_A_SERVER.fullmatch(setting):
        raise BadInput(f"{name[:60]!r} is not the name of a key", hint=f"keys: {', '.join(known)}")
    if origin(setting) == "environment":
        raise BadInput(f"{setting} is set in the environment, which counts before a file", hint=f"unset {setting}")
    output = output_of(context)
    if dry_run:
        path = secret_files.file_of(setting)
    else:
        path = secret_files.add(setting, _read_key(setting, prompts=not output.options.no_input))
    output.result({"dry_run": dry_run, "name": setting, "file": str(path)}, f"{setting}: {path}")
    if not dry_run:
        output.message(
            "running processes use it from their next request on; months that wait for it continue by themselves"
        )
    return 0


def _read_key(name: str, *, prompts: bool) -> str:
    """Read the key without showing it. Raises BadInput, which does not quote it."""
    if sys.stdin.isatty():
        if not prompts:
            raise BadInput("--no-input: the key would have to be typed", hint=f"alexandria secret add {name} < FILE")
        key = getpass.getpass(f"{name}: ")
    else:
        key = sys.stdin.readline(MAX_KEY_LENGTH + 2)
    key = key.strip()
    if not key or len(key) > MAX_KEY_LENGTH or not (key.isascii() and key.isprintable()) or " " in key:
        raise BadInput(f"{name}: a key is one word of at most {MAX_KEY_LENGTH} ASCII characters", hint="try again")
    return key


@group.command()
def rotate(
    context: typer.Context,
    finish: Annotated[
        bool, typer.Option("--finish", help="Finish the rotation: the old secret stops working.")
    ] = False,
    dry_run: DryRun = False,
) -> int:
    """Create a new secret; the old one stays valid until --finish. Running servers pick it up."""
    from alexandria.cli.settings import settings_of
    from alexandria.core import webhook_secrets

    output = output_of(context)
    settings = settings_of(output)
    if finish:
        webhook_secrets.finish(settings, dry_run=dry_run)
        text = f"the old secret {'would be' if dry_run else 'is'} no longer valid"
        output.result({"dry_run": dry_run, "finished": not dry_run}, text)
        return 0
    path = webhook_secrets.rotate(settings, dry_run=dry_run)
    output.result({"dry_run": dry_run, "from": path}, f"{'would be in' if dry_run else 'the new secret is in'} {path}")
    output.message("next: give it to all callers, then: alexandria secret rotate --finish")
    return 0
