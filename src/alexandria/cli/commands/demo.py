"""The command `demo`: fills months in a sandbox and shows what was found and whether it is right."""

from __future__ import annotations

from typing import Annotated

import typer

from alexandria.cli.exit_codes import SOME_FAILED
from alexandria.cli.options import Faults, Port
from alexandria.cli.output.console import output_of

commands = typer.Typer()


@commands.command(rich_help_panel="Try")
def demo(
    context: typer.Context,
    *,
    year: Annotated[int, typer.Option(min=2000, max=2024, help="Fill months up to the end of this year.")] = 2023,
    months: Annotated[int, typer.Option(min=1, max=50, help="Number of months.")] = 12,
    faults: Faults = "none",
    keep: Annotated[
        bool, typer.Option("--keep", help="Continue with the database of the last demo, and keep it.")
    ] = False,
    leave: Annotated[bool, typer.Option("--exit", help="End when the months are done.")] = False,
    port: Port = 0,
    bibliography: Annotated[
        int,
        typer.Option(
            metavar="PERCENT", min=0, max=100, help="Load so many percent of the books as a bibliography first."
        ),
    ] = 0,
    offline_sources: Annotated[
        bool,
        typer.Option(
            "--offline-sources", help="No provider answers: a bibliography of all books names and finds them."
        ),
    ] = False,
) -> int:
    """Run the whole system on real books with sandboxed providers. No keys, no cost, half a minute."""
    from alexandria.cli.output import demo_report
    from alexandria.cli.runtime.demo import DemoOptions

    output = output_of(context)
    options = DemoOptions(year, months, faults, keep, leave, port, bibliography, offline_sources)
    return SOME_FAILED if demo_report.show(output, options) else 0
