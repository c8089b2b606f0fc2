"""Runs periodic tasks in the process of a worker. The database decides which worker runs which: no job, no leader."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from alexandria.backfill.repositories.worker_beats import Timetable
from alexandria.core.errors import origin
from alexandria.database.failures import reason_of

log = structlog.get_logger(__name__)

CANCEL_INTERVAL = (
    10.0  # seconds after which a task that still runs is cancelled again: Python 3.11 can lose a cancellation
)


@dataclass(frozen=True, slots=True)
class Periodic:
    """A task that one of the workers runs every `period` seconds, `shift` seconds after the multiples of it in UTC.

    Without a `period` each worker runs it when its heartbeat finds work for it. Of the tasks with the same `turn` a worker
    runs one at a time.
    """

    name: str
    act: Callable[[], Awaitable[object]]
    period: float | None = None
    shift: float = 0.0
    turn: str = ""


class PeriodicRunner:
    """The periodic tasks of one worker. One that still runs is not started again; what it raises is logged."""

    def __init__(self, tasks: Sequence[Periodic]) -> None:
        self._tasks = {task.name: task for task in tasks}
        self._turns = {task.turn: asyncio.Lock() for task in tasks if task.turn}
        self._running: dict[str, asyncio.Task[None]] = {}

    def timetable(self) -> Timetable:
        """The tasks with times that this worker could start now."""
        idle = [task for name, task in self._tasks.items() if name not in self._running]
        timed = [(task.name, float(task.period), float(task.shift)) for task in idle if task.period is not None]
        return Timetable(
            [name for name, *_ in timed], [period for _, period, _ in timed], [shift for *_, shift in timed]
        )

    def start(self, names: Iterable[str]) -> None:
        """Start those of these tasks that this worker has and that do not run already."""
        for name in names:
            if name in self._tasks and name not in self._running:
                self._running[name] = asyncio.create_task(self._run(name))
                self._running[name].add_done_callback(functools.partial(self._ended, name))

    async def aclose(self) -> None:
        """Cancel what runs, and wait for its end."""
        await cancel_all([*self._running.values()])

    async def _run(self, name: str) -> None:
        task = self._tasks[name]
        async with self._turns[task.turn] if task.turn else contextlib.nullcontext():
            await task.act()

    def _ended(self, name: str, ended: asyncio.Task[None]) -> None:
        del self._running[name]
        error = None if ended.cancelled() else ended.exception()
        if error is not None:
            cause = origin(error)
            log.warning("periodic task failed", task=name, cause=type(cause).__name__, reason=reason_of(cause))


async def cancel_all(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel these tasks, and wait until all of them have ended."""
    while going := [task for task in tasks if not task.done()]:
        for task in going:
            task.cancel()
        await asyncio.wait(going, timeout=CANCEL_INTERVAL)
