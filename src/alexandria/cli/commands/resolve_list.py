"""Resolves a list of titles: reads the input, writes the answers, reports progress, and continues a partly written file."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from alexandria.backfill import resolve_list
from alexandria.backfill.resolve_list import Line
from alexandria.catalogue.matching.scoring import ACCEPT, DOUBT, REFUSE
from alexandria.cli.output.console import Output
from alexandria.cli.runtime.system import asking_providers
from alexandria.core.errors import AlexandriaError, BadInput
from alexandria.operations.system import System

PROGRESS_INTERVAL = 10.0  # seconds between two lines about the progress, off a terminal
STREAM = Path("-")


@dataclass
class ListProgress:
    """What was answered so far: `before` in an earlier run, `verdicts` in this one."""

    total: int
    before: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)

    @property
    def done(self) -> int:
        return self.before + self.verdicts.total()

    def told(self) -> dict[str, int]:
        now = {name: self.verdicts[name] for name in (ACCEPT, DOUBT, REFUSE, resolve_list.REFUSED)}
        return {"lines": self.total, "answered": self.done, "answered_before": self.before, **now}

    @property
    def counts(self) -> str:
        named = {ACCEPT: "with an ISBN", DOUBT: "in doubt", REFUSE: "not found", resolve_list.REFUSED: "unreadable"}
        return ", ".join(f"{self.verdicts[name]} {words}" for name, words in named.items() if self.verdicts[name])

    def __str__(self) -> str:
        return f"{self.done} of {self.total} lines answered" + (f": {self.counts}" if self.counts else "")


def resolve(output: Output, source: Path, target: Path, sources: str | None) -> ListProgress:
    """Answer all lines of `source` that `target` does not answer yet. What was answered is kept whatever happens."""
    lines = resolve_list.lines_of(_read(source))
    if target != STREAM and target.exists() and source != STREAM and target.samefile(source):
        raise BadInput("--output must differ from --input", hint="name another file")
    tally = ListProgress(len(lines), 0 if target == STREAM else resolve_list.continued(target, lines))
    if tally.before:
        output.say(f"{target}: {tally.before} lines are answered already")
    try:
        moving = output.moving and target != STREAM
        with _opened(target) as file, _progress(output, tally, moving=moving) as tick:
            asking_providers(output, sources, lambda system: _answer(system, lines[tally.before :], file, tally, tick))
    except (AlexandriaError, KeyboardInterrupt):
        again = "" if target == STREAM else "; the same command goes on from there"
        output.say(f"{tally}{again}")
        raise
    output.say(str(tally))
    return tally


async def _answer(
    system: System, lines: Sequence[Line], file: IO[bytes], tally: ListProgress, tick: Callable[[], None]
) -> None:
    async with aclosing(resolve_list.answers(lines, system.backfill.runner.sources, system.database)) as answers:
        async for answer in answers:
            resolve_list.write(answer, file)
            tally.verdicts[answer.verdict] += 1
            tick()


@contextlib.contextmanager
def _progress(output: Output, tally: ListProgress, *, moving: bool) -> Iterator[Callable[[], None]]:
    """What to call after each answer: it moves a bar on a terminal, and says a line now and then off it."""
    if not moving:
        yield _Speaking(output, tally)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=output.err, transient=True) as bar:
        task = bar.add_task("", total=tally.total, completed=tally.before)
        yield lambda: bar.update(task, completed=tally.done, description=tally.counts)


class _Speaking:
    def __init__(self, output: Output, tally: ListProgress) -> None:
        self._output, self._tally = output, tally
        self._said = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._said >= PROGRESS_INTERVAL:
            self._said = time.monotonic()
            self._output.say(str(self._tally))


def _read(source: Path) -> bytes:
    if source == STREAM:
        return sys.stdin.buffer.read()
    try:
        return source.read_bytes()
    except OSError as refused:
        raise BadInput(
            f"{source} cannot be read: {refused.strerror}",
            hint="--input names a file of JSON lines, or - for standard input",
        ) from None


@contextlib.contextmanager
def _opened(target: Path) -> Iterator[IO[bytes]]:
    if target == STREAM:
        yield sys.stdout.buffer
        return
    try:
        file = target.open("ab")
    except OSError as refused:
        hint = "--output names a file in a folder that can be written, or - for standard output"
        raise BadInput(f"{target} cannot be written: {refused.strerror}", hint=hint) from None
    with file:
        yield file
