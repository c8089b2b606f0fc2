"""The commands for the webhook secret: where it is, and a new one without a refused request: secret show-path, rotate."""

from __future__ import annotations

from typing import Annotated

import typer

from alexandria.cli.exit_codes import NOTHING
from alexandria.cli.options import DryRun
from alexandria.cli.output.console import output_of

group = typer.Typer(name="secret", help="The secret that callers send as X-Cron-Secret.")


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
