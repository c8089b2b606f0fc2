"""Creates the web application: every route, with its middleware, over one running system."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import ClientDisconnect

from alexandria.core.errors import AlexandriaError, DatabaseUnavailable, NotMigrated
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.operations.alerts.monitor import CHECK_INTERVAL
from alexandria.operations.system import System
from alexandria.web import errors
from alexandria.web.api import (
    backfill,
    catalogue,
    control,
    curation,
    forecast,
    health,
    incidents,
    metrics,
    quota,
    reference,
    review,
    rollout,
    terminal,
    trends,
)
from alexandria.web.auth import login
from alexandria.web.auth.secret import SecretAuth
from alexandria.web.auth.session import SessionAuth
from alexandria.web.dashboard import (
    actions,
    catalogue_pages,
    chart_pages,
    curation_actions,
    pages,
    rendering,
    review_pages,
)
from alexandria.web.dashboard.chart_pages import TrendsCache
from alexandria.web.dashboard.stream import SnapshotCache
from alexandria.web.idempotency import OnceOnly
from alexandria.web.middleware import RequestMiddleware

log = structlog.get_logger(__name__)

DESCRIPTION = "Fill a book catalogue month by month with ISBNs you can trust."


class DatabaseReconnector:
    """Reconnects to a lost database in the background, so that one of the next requests succeeds."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start to reconnect, unless that is under way."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._reconnect())

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _reconnect(self) -> None:
        try:
            await self._system.reconnect()
        except AlexandriaError as failed:
            log.warning("database still unavailable", reason=failed.message)
        else:
            log.info("database available again")


async def _check_for_incidents(system: System, stop: asyncio.Event) -> None:
    """Report incidents, as workers do: where none is alive, nothing else could report that."""
    check = system.alerts.check
    while not stop.is_set():
        try:
            await check()
        except (DatabaseUnavailable, NotMigrated) as failed:
            log.warning("incidents not checked", reason=failed.message)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), CHECK_INTERVAL)
        check = system.alerts.check_if_due  # a worker may do it


class Application(FastAPI):
    """The application; its OpenAPI description holds the schemas of errors, which routes only refer to."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            components = super().openapi().setdefault("components", {})
            components["schemas"] = dict(sorted({**components.get("schemas", {}), **errors.error_schemas()}.items()))
        return super().openapi()


def _install_errors(app: FastAPI) -> None:
    errors.install(app)
    for status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        app.add_exception_handler(status, rendering.unknown_page)
    app.add_middleware(
        ExceptionMiddleware, handlers={ClientDisconnect: errors.client_gone, Exception: errors.unexpected}
    )


def create_app(
    system: System,
    secrets: WebhookSecrets,
    stop: asyncio.Event | None = None,
    *,
    root_path: str = "",
    local_token: str = "",
) -> FastAPI:
    """The ASGI application over `system`, which the caller has opened in the event loop that serves it.

    `stop` ends the streams, which would not end otherwise. `root_path` is the prefix that a proxy publishes it under.
    `local_token` lets commands of this account read the state that they print.
    """
    reconnector = DatabaseReconnector(system)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        shutdown = asyncio.Event()
        checking = asyncio.create_task(_check_for_incidents(system, shutdown))
        yield
        shutdown.set()
        checking.cancel()
        await asyncio.wait({checking})
        await reconnector.aclose()

    app = Application(
        title="Alexandria Backfill",
        version=version("alexandria-backfill"),
        description=DESCRIPTION,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        servers=[{"url": root_path}] if root_path else None,
        root_path_in_servers=False,
    )
    app.state.system, app.state.reconnector = system, reconnector
    app.state.local_token = local_token
    app.state.secret_auth = SecretAuth(secrets, database=lambda: system.database)
    app.state.session_auth = SessionAuth(secrets, lambda: system.settings.dashboard_public)
    app.state.once = OnceOnly(lambda: system.database)
    app.state.request_metrics = metrics.RequestMetrics()
    app.state.readiness = health.ReadinessCache(system)
    app.state.snapshots = SnapshotCache(system, stop or asyncio.Event())
    app.state.trends = TrendsCache(system)
    app.state.forecasting = asyncio.Lock()
    # An included router would be analysed a second time, at the first request: routes are complete as they are.
    for part in (
        *(backfill, control, curation, rollout, forecast, quota, incidents, trends, catalogue, review, health, metrics),
        *(terminal, reference, rendering, pages, catalogue_pages, chart_pages, review_pages),
    ):
        app.router.routes.extend(part.router.routes)
    for router in (login.router, login.authenticated, actions.previews, actions.router, curation_actions.router):
        app.router.routes.extend(router.routes)
    app.router.routes.extend(review_pages.actions.routes)
    _install_errors(app)
    # The last one added is the outermost: an unexpected error still gets the middleware's headers and count.
    app.add_middleware(RequestMiddleware, requests=app.state.request_metrics.requests, root_path=root_path)
    return app
