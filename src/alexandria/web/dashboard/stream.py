"""Streams the changes of the dashboard to browsers: one snapshot for all, to each the parts that differ."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.types import Receive, Scope, Send

from alexandria.core.errors import AlexandriaError
from alexandria.operations.overview import Snapshot, take_snapshot
from alexandria.operations.progress import MonthCell
from alexandria.operations.system import System
from alexandria.web.auth.session import Visitor
from alexandria.web.dashboard.rendering import FORM_KEY, templates

REFRESH_INTERVAL = 1.0  # seconds
HEARTBEAT_INTERVAL = 5.0  # seconds without changes after which a message without changes is sent
MAX_STREAMS_PER_VISITOR = 4  # browsers open six connections to a host, and actions need some of them
CALL_KEY_VALUE = re.compile(rf'(?<=name="{FORM_KEY}" value=")[^"]*')
MAX_TRANSACTION_TIME = timedelta(seconds=60)  # a row has the time of its transaction's start, and is visible at its end


@dataclass(slots=True)
class SnapshotCache:
    """Takes one snapshot per interval for all streams, and counts the streams of each viewer. `stop` ends them."""

    system: System
    stop: asyncio.Event
    _snapshot: asyncio.Task[Snapshot] | None = None
    _taken: float = -math.inf
    _streams: Counter[str] = field(default_factory=Counter)

    async def get(self) -> Snapshot:
        """The latest snapshot, which may be under way: a caller that is cancelled does not cancel it for others."""
        if self._snapshot is None or time.monotonic() - self._taken > REFRESH_INTERVAL / 2:
            self._snapshot, self._taken = asyncio.create_task(take_snapshot(self.system)), time.monotonic()
        return await asyncio.shield(self._snapshot)

    def open_stream(self, viewer: str) -> bool:
        """Count one more stream of this viewer, until `close_stream`; False if there are as many as one may have.

        It is counted when it is asked for, not when it begins: many requests at once do not pass.
        """
        if self._streams[viewer] >= MAX_STREAMS_PER_VISITOR:
            return False
        self._streams[viewer] += 1
        return True

    def close_stream(self, viewer: str) -> None:
        """Forget one stream of this viewer."""
        self._streams[viewer] -= 1
        self._streams += Counter()  # drops viewers without a stream

    async def wait(self) -> None:
        """Wait for the next refresh, or for `stop`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), REFRESH_INTERVAL)


@dataclass(slots=True)
class PageUpdates:
    """What one browser has on its page, so that it gets only what differs. The page was complete at `since`."""

    since: datetime
    months: int
    visitor: Visitor | None
    root: str = ""  # the prefix of the links
    cells: dict[tuple[int, int], str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)

    def since_last(self, view: Snapshot) -> str:
        """The parts of the page that differ, each with its target; empty if none does."""
        changed = list(self._parts(view))
        if len(view.cells) != self.months:
            changed.append(_partial("grid", _macro(self.root, "grid", view)))
            self.months, self.cells = len(view.cells), self._keys(view)
        else:
            changed += self._cells(view)
        return "".join(changed)

    def _parts(self, view: Snapshot) -> Iterator[str]:
        for name in ("run", "incidents", "rollout", "tiles", "providers", "first", "legend", "failures", "log"):
            rendered = _macro(self.root, name, view, self.visitor)
            content = CALL_KEY_VALUE.sub(
                "", rendered
            )  # each rendering has new ones, and is sent for other changes only
            if self.parts.get(name) != content:
                self.parts[name] = content
                yield _partial(name, rendered)

    def _cells(self, view: Snapshot) -> Iterator[str]:
        first, before = not self.cells, self.cells
        self.cells = self._keys(view)
        changed = [
            cell
            for cell in view.cells
            if (
                cell.updated_at >= self.since - MAX_TRANSACTION_TIME
                if first
                else before[cell.year, cell.month] != _content(cell)
            )
        ]
        for cell in changed:
            yield _partial(f"m{cell.key}", _macro(self.root, "cell", cell))
        for year in {cell.year for cell in changed}:
            yield _partial(f"y{year}", _macro(self.root, "total", year, view.years[year]))

    def _keys(self, view: Snapshot) -> dict[tuple[int, int], str]:
        return {(cell.year, cell.month): _content(cell) for cell in view.cells}


class StreamResponse(EventSourceResponse):
    """The stream of one viewer, which was counted by `open_stream`; however it ends, it is counted no more."""

    def __init__(
        self, snapshots: SnapshotCache, updates: PageUpdates, viewer: str, may_view: Callable[[], bool]
    ) -> None:
        super().__init__(stream(snapshots, updates, may_view), headers={"X-Accel-Buffering": "no"})
        self._close = functools.partial(snapshots.close_stream, viewer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._close()


async def stream(snapshots: SnapshotCache, updates: PageUpdates, may_view: Callable[[], bool]) -> AsyncIterator[bytes]:
    """The changes as server-sent events, while the visitor `may_view` and until the server stops."""
    quiet = 0.0
    while not snapshots.stop.is_set() and may_view():
        try:
            view = await snapshots.get()
        except AlexandriaError as failed:
            yield format_sse_event(event="away", data_str=failed.message)
        else:
            changed = updates.since_last(view)
            if changed or quiet >= HEARTBEAT_INTERVAL or not quiet:
                partial = _partial("updated", _macro(updates.root, "updated", view))
                yield format_sse_event(data_str=changed + partial)
                quiet = 0.0
        quiet += REFRESH_INTERVAL
        await snapshots.wait()


def _content(cell: MonthCell) -> str:
    return f"{cell.state} {cell.error_code} {cell.next_attempt_at} {cell.resolution_rate}"


def _macro(root: str, name: str, *arguments: object) -> str:
    return str(getattr(templates(root).get_template("parts.html").module, name)(*arguments))


def _partial(target: str, content: str) -> str:
    return f'<hx-partial hx-target="#{target}" hx-swap="outerMorph">{content}</hx-partial>'
