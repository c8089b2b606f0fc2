"""The command that forgets what providers have answered: answers purge."""

from __future__ import annotations

from typing import Annotated

import typer

from alexandria.cli import completion
from alexandria.cli.exit_codes import NOTHING
from alexandria.cli.options import DryRun
from alexandria.cli.output.console import output_of

group = typer.Typer(name="answers", help="What providers have answered, kept so that nothing is paid twice.",
                    no_args_is_help=True)  # fmt: skip


@group.callback()
def _group() -> None:
    """What providers have answered, kept so that nothing is paid twice."""


@group.command()
def purge(
    context: typer.Context,
    provider: Annotated[
        str, typer.Argument(help="gemini, isbndb, open_library and so on.", autocompletion=completion.providers)
    ],
    dry_run: DryRun = False,
) -> int:
    """Forget all answers of one provider, as its terms may ask. What is needed again is asked, and paid, again."""
    from alexandria.cli.requests import operator_name
    from alexandria.cli.runtime.system import on_system
    from alexandria.operations import control

    output = output_of(context)
    count = on_system(output, lambda system: control.clear_cache(system, provider, operator_name(), dry_run=dry_run))
    said = f"{count} answers of {provider} {'would be' if dry_run else 'are'} forgotten"
    output.result({"dry_run": dry_run, "provider": provider, "answers": count}, said)
    return 0 if count else NOTHING
