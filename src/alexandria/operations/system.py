"""The running system of one process, as bootstrap composes it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from alexandria.backfill.control import Control
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.scheduler import Backfill
from alexandria.core.config import Settings
from alexandria.core.errors import Misconfigured
from alexandria.database.pool import Database
from alexandria.database.server import Server
from alexandria.forecast.forecaster import Forecaster
from alexandria.operations.alerts.monitor import AlertMonitor
from alexandria.operations.maintenance import Maintenance
from alexandria.providers.client import ProviderClient
from alexandria.providers.limits.rate import RateLimiter
from alexandria.providers.response_cache import ResponseCache
from alexandria.rollout.controller import RolloutController

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class System:
    """One process's view of the running system: what operations, pages and commands work with."""

    settings: Settings
    server: Server
    database: Database
    answers: ResponseCache
    lanes: RateLimiter
    jobs: JobQueue
    backfill: Backfill
    control: Control
    upkeep: Maintenance
    watch: AlertMonitor
    steward: RolloutController
    prospect: Forecaster
    transports: Mapping[str, ProviderClient] = field(default_factory=dict)

    def reread(self) -> None:
        """Take over keys that have changed. A configuration that cannot be read leaves the present ones in force."""
        try:
            changed = [name for name, transport in self.transports.items() if transport.reload_key()]
        except Misconfigured as broken:
            log.warning("keys not read again", reason=broken.message)
        else:
            log.info("keys read again", changed=changed)

    async def reconnect(self) -> None:
        """The database answers again when this returns. Raises DatabaseUnavailable."""
        await asyncio.to_thread(self.server.ensure)
        await self.database.ping()
