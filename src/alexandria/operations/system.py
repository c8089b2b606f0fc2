"""The running system of one process, as bootstrap composes it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from alexandria.backfill.control import Control
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.scheduler import Scheduler
from alexandria.core.config import Settings
from alexandria.core.errors import Misconfigured
from alexandria.database.pool import Database
from alexandria.database.server import Server
from alexandria.forecast.forecaster import Forecaster
from alexandria.operations.alerts.monitor import AlertMonitor
from alexandria.operations.maintenance import Maintenance
from alexandria.providers.limits.rate import RateLimiter
from alexandria.providers.response_cache import ResponseCache
from alexandria.rollout.controller import RolloutController

if TYPE_CHECKING:
    from alexandria.backfill.composition import Backfill
    from alexandria.providers.client import ProviderClient

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class System:
    """The parts of the running system that operations, pages and commands work with.

    `filling` is None in a process that asks no providers.
    """

    settings: Settings
    server: Server
    database: Database
    cache: ResponseCache
    limiter: RateLimiter
    queue: JobQueue
    scheduler: Scheduler
    filling: Backfill | None
    control: Control
    maintenance: Maintenance
    alerts: AlertMonitor
    rollout: RolloutController
    forecaster: Forecaster
    clients: Mapping[str, ProviderClient]

    @property
    def backfill(self) -> Backfill:
        """All that happens to months, in a process that fills them."""
        assert self.filling is not None, "only Mode.WORK and Mode.ASK have it"
        return self.filling

    def reread(self) -> None:
        """Read the providers' keys again. A configuration that cannot be read leaves the present keys in force."""
        try:
            changed = [name for name, client in self.clients.items() if client.reload_key()]
        except Misconfigured as broken:
            log.warning("keys not read again", reason=broken.message)
        else:
            log.info("keys read again", changed=changed)

    async def reconnect(self) -> None:
        """Restart the server if it is ours, and wait until the database answers. Raises DatabaseUnavailable."""
        await asyncio.to_thread(self.server.ensure)
        await self.database.ping()
