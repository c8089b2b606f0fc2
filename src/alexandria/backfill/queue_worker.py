"""Runs the jobs of the queues; a statement that PostgreSQL refuses neither stops them nor leaves a job half done."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

import structlog
from procrastinate import App, job_context, jobs, retry
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker
from psycopg.errors import ForeignKeyViolation, RaiseException

from alexandria.backfill.repositories.worker_beats import Heard
from alexandria.core.errors import DatabaseFailed, NotMigrated, origin
from alexandria.database.failures import is_lost, reason_of

log = structlog.get_logger(__name__)

HEARTBEAT_INTERVAL = 2.0  # seconds between a worker's heartbeats; due jobs are seen by them at the latest
MAX_MISSED_HEARTBEATS = 2  # in a row, after which the queues start again
LOSS_MARGIN = 0.02  # seconds after which a worker that counts as dead from some instant is seen as such
POLL_INTERVAL = 3600.0  # seconds between the queue's own queries for jobs; heartbeats and notifications come before
ROOM_POLL_INTERVAL = 0.25  # seconds between two checks whether there is room for another job
ENDED = object()  # returned by a job that has ended itself
PERSIST_RETRY_DELAYS = (0.2, 0.5, 1.0, 2.0)  # seconds before a job's end is written again


class QueueWorker(Worker):
    """A worker that outlives refused statements: a full disk, a serialization failure, a lock of another session.

    It runs jobs of several queues, of each at most so many `at_once`, and another one beside those that run only if its
    `room`, if it has one, allows that. `beat` gets its number, stores a heartbeat and returns what
    that found. If the connection is lost, or another worker has taken this one for dead, it ends and the caller starts
    another.
    """

    def __init__(
        self,
        app: App,
        name: str,
        at_once: Mapping[str, int],
        beat: Callable[[int], Awaitable[Heard | None]],
        room: Mapping[str, Callable[[int], bool]],
    ) -> None:
        super().__init__(
            app,
            queues=[*at_once],
            name=name,
            concurrency=sum(at_once.values()),
            fetch_job_polling_interval=POLL_INTERVAL,
            abort_job_polling_interval=POLL_INTERVAL,
            shutdown_graceful_timeout=0.0,
            install_signal_handlers=False,
            delete_jobs="always",
        )
        self._at_once, self._beat, self._room = at_once, beat, room
        self._waits_for_room: asyncio.TimerHandle | None = None
        self._empty: set[str] = (
            set()
        )  # queues without a due job when they were asked last, of which nothing was heard since
        self._times_heard = 0

    async def _periodic_deferrer(self) -> None:
        # The queue has no periodic tasks of its own, and a side task that ends would end the watch over the others.
        await asyncio.Event().wait()

    async def _update_heartbeat(self) -> None:
        missed = 0
        while True:
            pause = HEARTBEAT_INTERVAL
            assert self.worker_id is not None
            try:
                heard = await self._beat(self.worker_id)
            except (DatabaseFailed, NotMigrated):
                missed += 1
                if missed == MAX_MISSED_HEARTBEATS:
                    raise
            else:
                missed = 0
                if heard is not None and not heard.registered:
                    log.warning("taken for dead by another worker")
                    self.stop()  # type: ignore[no-untyped-call] # procrastinate leaves it out
                    return
                if heard is not None:
                    self._expect(heard.next_job)
                    if (
                        heard.next_loss is not None
                    ):  # a worker that is dead loses its months at once, not a heartbeat later
                        pause = min(pause, heard.next_loss + LOSS_MARGIN)
            await asyncio.sleep(pause)

    def _expect(self, next_job: float | None) -> None:
        """Fetch a job when it is due, unless that is after the next heartbeat."""
        if next_job is not None and next_job < HEARTBEAT_INTERVAL:
            asyncio.get_running_loop().call_later(max(next_job, 0.0), self._hear_of_job)

    async def _handle_notification(self, *, channel: str, notification: jobs.Notification) -> None:
        if notification["type"] == "job_inserted":
            self._hear_of_job()
        else:
            await super()._handle_notification(channel=channel, notification=notification)

    def _hear_of_job(self) -> None:
        self._times_heard += 1
        self._empty.clear()
        self._new_job_event.set()

    async def _fetch_and_process_jobs(self) -> None:
        """Start jobs until none is due, or no queue that has one may run another. Queues known to be empty are not asked."""
        assert self.worker_id is not None
        self._new_job_event.clear()  # before the query, so that a job that comes meanwhile is seen
        try:
            while not self._stop_event.is_set() and (queues := self._free_queues()):
                heard = self._times_heard
                job = await self.app.job_manager.fetch_job(queues=queues, worker_id=self.worker_id)
                if job is None:
                    if heard == self._times_heard:
                        self._empty.update(queues)
                    return
                self._start(job)
        except ConnectorException as refused:
            cause = origin(refused)
            if is_lost(cause) or isinstance(cause, ForeignKeyViolation):
                raise
            log.warning("no job fetched", reason=reason_of(cause), hint="it is tried again with every heartbeat")

    def _free_queues(self) -> list[str]:
        running = Counter(context.job.queue for context in self._running_jobs.values())
        asked = [queue for queue, limit in self._at_once.items() if running[queue] < limit and queue not in self._empty]
        free = [queue for queue in asked if queue not in self._room or self._room[queue](running[queue])]
        if len(free) < len(asked):
            self._ask_for_room_later()
        return free

    def _ask_for_room_later(self) -> None:
        """Nothing notifies of room: look again soon, which costs no query while there is none."""
        if self._waits_for_room is None or self._waits_for_room.when() <= asyncio.get_running_loop().time():
            self._waits_for_room = asyncio.get_running_loop().call_later(ROOM_POLL_INTERVAL, self._new_job_event.set)

    def _start(self, job: jobs.Job) -> None:
        context = job_context.JobContext(
            app=self.app,
            worker_name=self.worker_name,
            worker_queues=self.queues,
            job=job,
            abort_reason=lambda: self._job_ids_to_abort.get(job.id or 0),
            start_timestamp=time.time(),
        )
        running = asyncio.create_task(self._process_job(context))
        self._running_jobs[running] = context
        running.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Its queue may run another job."""
        del self._running_jobs[task]
        self._new_job_event.set()

    async def _persist_job_status(
        self,
        job: jobs.Job,
        status: jobs.Status,
        retry_decision: retry.RetryDecision | None,
        context: job_context.JobContext,
        job_result: job_context.JobResult | None,
    ) -> None:
        """A job whose end is not written seems to run for as long as this worker lives, and would not be repeated.

        One that returns ENDED has written it, in the transaction of its work.
        """
        if job_result is not None and job_result.result is ENDED:
            return
        for delay in (*PERSIST_RETRY_DELAYS, None):
            try:
                await super()._persist_job_status(job, status, retry_decision, context, job_result)
            except ConnectorException as refused:
                if isinstance(origin(refused), RaiseException):  # it is gone: written before, or taken over
                    return
                if delay is None or self._stop_event.is_set():
                    # The next worker has another number, so this one's jobs are found.
                    self.stop()  # type: ignore[no-untyped-call] # procrastinate leaves it out
                    raise
                await asyncio.sleep(delay)
            else:
                return
