"""The command that deletes cached provider responses: cache clear."""

from __future__ import annotations

from typing import Annotated

import typer

from alexandria.cli import completion
from alexandria.cli.exit_codes import NOTHING
from alexandria.cli.options import DryRun
from alexandria.cli.output.console import output_of
from alexandria.core.grammar import counted

group = typer.Typer(name="cache", help="Manage cached provider responses.")


@group.callback()
def _group() -> None:
    """Manage cached provider responses, which are kept so that nothing is paid twice."""


@group.command()
def clear(
    context: typer.Context,
    provider: Annotated[
        str, typer.Argument(help="gemini, isbndb, open_library, ...", autocompletion=completion.providers)
    ],
    dry_run: DryRun = False,
) -> int:
    """Delete all cached responses of a provider, if its terms require it. Later requests are sent, and paid, again."""
    from alexandria.cli.requests import operator_name
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import control

    output = output_of(context)
    count = on_system(output, lambda system: control.clear_cache(system, provider, operator_name(), dry_run=dry_run))
    text = f"{'would delete' if dry_run else 'deleted'} {counted(count, 'cached response')} of {provider}"
    output.result({"dry_run": dry_run, "provider": provider, "answers": count}, text)
    return 0 if count else NOTHING


# The earlier names, for scripts.
earlier_group = typer.Typer(name="answers")
earlier_group.callback()(_group)
earlier_group.command("purge")(clear)
