"""Runs the jobs of one queue; a statement that PostgreSQL refuses neither stops the queue nor leaves a job half done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog
from procrastinate import job_context, jobs, retry
from procrastinate.exceptions import ConnectorException
from procrastinate.periodic import PeriodicDeferrer, TaskAtTime
from procrastinate.worker import Worker
from psycopg.errors import ForeignKeyViolation, RaiseException

from alexandria.core.errors import origin
from alexandria.database.failures import is_lost, reason_of

log = structlog.get_logger(__name__)

MAX_MISSED_HEARTBEATS = 3  # in a row, after which the queue starts again
PERSIST_RETRY_DELAYS = (0.2, 0.5, 1.0, 2.0)  # seconds before a job's end is written again


class QueueWorker(Worker):
    """A worker that outlives refused statements: a full disk, a serialization failure, a lock of another session.

    If the connection is lost, or another worker has taken this one for dead, it ends and the caller starts another.
    """

    async def _periodic_deferrer(self) -> None:
        if not self.app.periodic_registry.periodic_tasks:
            await asyncio.Event().wait()  # the first side task that ends would end the watch over the others
        await _SteadyDeferrer(registry=self.app.periodic_registry, **self.app.periodic_defaults).worker()

    async def _update_heartbeat(self) -> None:
        missed = 0
        while True:
            await asyncio.sleep(self.update_heartbeat_interval)
            assert self.worker_id is not None
            try:
                await self.app.job_manager.update_heartbeat(self.worker_id)
            except ConnectorException:
                missed += 1
                if missed == MAX_MISSED_HEARTBEATS:
                    raise
            else:
                missed = 0

    async def _fetch_and_process_jobs(self) -> None:
        try:
            await super()._fetch_and_process_jobs()  # type: ignore[no-untyped-call] # procrastinate leaves it out
        except ConnectorException as refused:
            cause = origin(refused)
            if is_lost(cause) or isinstance(cause, ForeignKeyViolation):
                raise
            log.warning("no job fetched", reason=reason_of(cause), hint="it is tried again every second")

    async def _persist_job_status(
        self,
        job: jobs.Job,
        status: jobs.Status,
        retry_decision: retry.RetryDecision | None,
        context: job_context.JobContext,
        job_result: job_context.JobResult | None,
    ) -> None:
        """A job whose end is not written seems to run for as long as this worker lives, and would not be repeated."""
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


class _SteadyDeferrer(PeriodicDeferrer):
    """Enqueues periodic tasks; one that is refused is enqueued at its next tick, and the others are not affected."""

    async def defer_jobs(self, jobs_to_defer: Iterable[TaskAtTime]) -> None:
        for each in jobs_to_defer:
            try:
                await super().defer_jobs([each])
            except ConnectorException as refused:
                cause = origin(refused)
                if is_lost(cause):
                    raise
                log.warning("periodic task not enqueued", task=each[0].task.name, reason=reason_of(cause))
