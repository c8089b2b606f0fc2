"""What has changed on the dashboard since a browser last heard? Looked up once for all who look, sent to each in parts."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fastapi.sse import format_sse_event

from alexandria.core.errors import AlexandriaError
from alexandria.operations.overview import Snapshot, take_snapshot
from alexandria.operations.progress import Cell
from alexandria.operations.system import System
from alexandria.web.auth.session import Visitor
from alexandria.web.dashboard.rendering import templates

EVERY = 1.0  # seconds between two looks
BEAT = 5.0  # seconds of silence after which the browser is told that nothing has changed
STREAMS = 4  # at once for one visitor: browsers open six connections to a host, and acts need some of them
OVERLAP = timedelta(seconds=60)  # a row says when its transaction began, which may be long before others see it


@dataclass(slots=True)
class SnapshotCache:
    """Looks at most every EVERY seconds, however many watch; counts who watches. `stop` ends every stream."""

    system: System
    stop: asyncio.Event
    _looking: asyncio.Task[Snapshot] | None = None
    _when: float = -math.inf
    _watching: Counter[str] = field(default_factory=Counter)

    async def look(self) -> Snapshot:
        """What was seen lately, or is being looked up now: whoever leaves meanwhile takes it from nobody."""
        if self._looking is None or time.monotonic() - self._when > EVERY / 2:
            self._looking, self._when = asyncio.create_task(take_snapshot(self.system)), time.monotonic()
        return await asyncio.shield(self._looking)

    def full(self, who: str) -> bool:
        """Whether this visitor watches as many streams as one may."""
        return self._watching[who] >= STREAMS

    @contextlib.contextmanager
    def watched_by(self, who: str) -> Iterator[None]:
        self._watching[who] += 1
        try:
            yield
        finally:
            self._watching[who] -= 1
            self._watching += Counter()  # forgets who watches nothing

    async def rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), EVERY)


@dataclass(slots=True)
class Told:
    """What one browser has been told, so that it is told only what is new: the page had it all at `since`."""

    since: datetime
    months: int
    visitor: Visitor | None
    cells: dict[tuple[int, int], str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)

    def news(self, view: Snapshot) -> str:
        """The parts of the page that differ, each addressed to its place; empty if none does."""
        found = list(self._parts(view))
        if len(view.cells) != self.months:
            found.append(_partial("grid", _macro("grid", view)))
            self.months, self.cells = len(view.cells), self._drawn(view)
        else:
            found += self._cells(view)
        return "".join(found)

    def _parts(self, view: Snapshot) -> Iterator[str]:
        for name in ("run", "rollout", "tiles", "first", "legend", "failures", "log"):
            drawn = _macro(name, view, self.visitor)
            if self.parts.get(name) != drawn:
                self.parts[name] = drawn
                yield _partial(name, drawn)

    def _cells(self, view: Snapshot) -> Iterator[str]:
        first, before = not self.cells, self.cells
        self.cells = self._drawn(view)
        changed = [
            cell
            for cell in view.cells
            if (cell.updated_at >= self.since - OVERLAP if first else before[cell.year, cell.month] != _facts(cell))
        ]
        for cell in changed:
            yield _partial(f"m{cell.key}", _macro("cell", cell))
        for year in {cell.year for cell in changed}:
            yield _partial(f"y{year}", _macro("total", year, view.years[year]))

    def _drawn(self, view: Snapshot) -> dict[tuple[int, int], str]:
        return {(cell.year, cell.month): _facts(cell) for cell in view.cells}


async def stream(lookout: SnapshotCache, told: Told, who: str, may_look: Callable[[], bool]) -> AsyncIterator[bytes]:
    """News as server-sent events, while the visitor `may_look` and until the server stops."""
    quiet = 0.0
    with lookout.watched_by(who):
        while not lookout.stop.is_set() and may_look():
            try:
                view = await lookout.look()
            except AlexandriaError as away:
                yield format_sse_event(event="away", data_str=away.message)
            else:
                news = told.news(view)
                if news or quiet >= BEAT or not quiet:
                    yield format_sse_event(data_str=news + _partial("updated", _macro("updated", view)))
                    quiet = 0.0
            quiet += EVERY
            await lookout.rest()


def _facts(cell: Cell) -> str:
    return f"{cell.state} {cell.error_code} {cell.next_attempt_at} {cell.resolution_rate}"


def _macro(name: str, *arguments: object) -> str:
    return str(getattr(templates().get_template("parts.html").module, name)(*arguments))


def _partial(target: str, content: str) -> str:
    return f'<hx-partial hx-target="#{target}" hx-swap="outerMorph">{content}</hx-partial>'
