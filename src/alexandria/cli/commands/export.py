"""The command export: writes the catalogue as JSON Lines, CSV or MARC 21."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from alexandria.catalogue.export import Format
from alexandria.cli.exit_codes import NOTHING
from alexandria.cli.output.console import Output, let_go, output_of
from alexandria.core.errors import BadInput
from alexandria.core.grammar import counted

if TYPE_CHECKING:
    from alexandria.operations.system import System

commands = typer.Typer()
OUTPUT_FILE_MODE = 0o644  # a temporary file is its owner's alone


@commands.command(rich_help_panel="Inspect")
def export(
    context: typer.Context,
    form: Annotated[Format, typer.Option("--format", help="How each edition is written.")] = Format.JSONL,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"],
            metavar="DATE",
            help="Only editions added or changed since then; YYYY-MM-DD, or with a time (UTC if it has no offset).",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="A file instead of standard output.")] = None,
) -> int:
    """Export the catalogue as JSON Lines, CSV or MARC 21."""
    from alexandria.catalogue.export.query import editions
    from alexandria.catalogue.export.writer import written
    from alexandria.cli.runtime.system import on_system

    begin = since if since is None or since.tzinfo else since.replace(tzinfo=UTC)
    output = output_of(context)

    async def act(system: System) -> int:
        return await write(written(editions(system.database, begin), form), out)

    return finish(output, lambda: on_system(output, act), "edition", out)


def finish(output: Output, act: Callable[[], int], noun: str, out: Path | None) -> int:
    """Carry out an export, and print how many of `noun` it wrote; a reader that has enough ends it. Returns the exit code."""
    try:
        count = act()
        sys.stdout.flush()
    except BrokenPipeError:
        let_go()
        return 0
    if out is not None:
        output.result({f"{noun.rpartition(' ')[2]}s": count, "file": str(out) if count else None})
    output.message(counted(count, noun) + (f" in {out}" if out and count else ""))
    return 0 if count else NOTHING


async def write(pieces: AsyncGenerator[bytes], out: Path | None) -> int:
    """Write all pieces; returns how many."""
    count = 0
    with whole(out) if out else nullcontext(sys.stdout.buffer) as file:
        async with aclosing(pieces):
            async for piece in pieces:
                file.write(piece)
                count += 1
    return count


@contextmanager
def whole(out: Path) -> Iterator[IO[bytes]]:
    """A file that appears under its name when it is complete, and not at all if it is empty or anything goes wrong.

    A link stays, and its target is written. A device or a pipe is no file that could be replaced: it is written directly.
    """
    name = None
    try:
        out = out.resolve()
        if out.exists() and not out.is_file():
            with out.open("wb") as stream:
                yield stream
            return
        handle, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
        with os.fdopen(handle, "wb") as file:
            yield file
            size = file.tell()
            file.flush()
            os.fsync(handle)
        if size:
            Path(name).chmod(OUTPUT_FILE_MODE)
            Path(name).replace(out)
    except OSError as refused:
        hint = "--out FILE names a file in a folder that can be written"
        raise BadInput(f"{out} cannot be written: {refused.strerror}", hint=hint) from None
    finally:
        if name is not None:
            Path(name).unlink(missing_ok=True)
