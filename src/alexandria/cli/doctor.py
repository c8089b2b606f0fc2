"""The command that says what ails the system, a line each, with the cure."""

from __future__ import annotations

import typer

from alexandria.cli.codes import UNEXPECTED
from alexandria.cli.output import output_of

commands = typer.Typer()


@commands.command(rich_help_panel="Look")
def doctor(context: typer.Context) -> int:
    """Database, migrations, worker, keys, providers, clock, disk: what is wrong, and the cure. Takes seconds."""
    from alexandria.cli import checks
    from alexandria.cli.configured import settings_of

    output = output_of(context)
    found = checks.all_of(settings_of(output))
    output.result(
        found,
        *(
            f"{'ok  ' if c.ok else 'BAD '} {c.name}: {c.said}" + (f"\n      cure: {c.cure}" if c.cure else "")
            for c in found
        ),
    )
    return 0 if all(check.ok for check in found) else UNEXPECTED
