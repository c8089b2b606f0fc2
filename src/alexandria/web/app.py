"""The application: every route, behind the guard, over one running system."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version

import structlog
from fastapi import FastAPI
from starlette.middleware.exceptions import ExceptionMiddleware

from alexandria.core.errors import AlexandriaError, DatabaseUnavailable, NotMigrated
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.operations.alerts.monitor import EVERY
from alexandria.operations.system import System
from alexandria.web import errors
from alexandria.web.api import backfill, control, health, metrics, quota, reference, rollout
from alexandria.web.auth import login
from alexandria.web.auth.secret import SecretAuth
from alexandria.web.auth.session import SessionAuth
from alexandria.web.dashboard import actions, rendering
from alexandria.web.dashboard import pages as dashboard
from alexandria.web.dashboard.stream import SnapshotCache
from alexandria.web.middleware import RequestMiddleware

log = structlog.get_logger(__name__)

DESCRIPTION = "Fill a book catalogue month by month with ISBNs you can trust."


class DatabaseReconnector:
    """Brings a lost database back in the background, so that one of the next requests finds it."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Does nothing while it is already at it."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._heal())

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _heal(self) -> None:
        try:
            await self._system.reconnect()
        except AlexandriaError as lost:
            log.warning("database still away", reason=lost.message)
        else:
            log.info("database answers")


async def _watch(system: System, over: asyncio.Event) -> None:
    """Where no worker is alive, it falls to us to say so."""
    while not over.is_set():
        try:
            await system.alerts.watch()
        except (DatabaseUnavailable, NotMigrated) as hindered:
            log.warning("cannot look for incidents", reason=hindered.message)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), EVERY)


def create_app(system: System, secrets: WebhookSecrets, stop: asyncio.Event | None = None) -> FastAPI:
    """The ASGI application over `system`, which the caller has opened in the event loop that serves it.

    Once `stop` is set, streams end, which would never end by themselves.
    """
    healer = DatabaseReconnector(system)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        over = asyncio.Event()
        watching = asyncio.create_task(_watch(system, over))
        yield
        over.set()
        watching.cancel()
        await asyncio.wait({watching})
        await healer.aclose()

    app = FastAPI(
        title="Alexandria Backfill",
        version=version("alexandria-backfill"),
        description=DESCRIPTION,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.state.system, app.state.healer = system, healer
    app.state.door = SecretAuth(secrets, database=lambda: system.database)
    app.state.tally = metrics.Tally()
    app.state.entrance = SessionAuth(secrets, lambda: system.settings.dashboard_public)
    app.state.lookout = SnapshotCache(system, stop or asyncio.Event())
    for part in (backfill, control, rollout, quota, health, metrics, reference):
        app.include_router(part.router)
    for pages in (rendering.router, dashboard.router, login.router, login.acting, actions.asking, actions.router):
        app.include_router(pages)
    errors.install(app)
    # The last one added is the outermost: what nobody expected still gets the guard's headers and count.
    app.add_middleware(ExceptionMiddleware, handlers={Exception: errors.unexpected})
    app.add_middleware(RequestMiddleware, requests=app.state.tally.requests)
    return app
