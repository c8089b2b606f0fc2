"""Pages of the dashboard: the overview, one month, and the stream that keeps the overview current."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from alexandria.core.month import FIRST_YEAR, LAST_YEAR, Month
from alexandria.operations import backfill, event_log
from alexandria.operations.event_log import LogFilter
from alexandria.operations.overview import take_snapshot
from alexandria.operations.status_style import STYLES, display_state
from alexandria.web.auth.secret import client_address
from alexandria.web.auth.session import session_auth_of
from alexandria.web.dashboard.rendering import CurrentVisitor, ReadingRoute, render
from alexandria.web.dashboard.stream import PageUpdates, SnapshotCache, stream
from alexandria.web.routing import Running

router = APIRouter(route_class=ReadingRoute, include_in_schema=False)
SINCE = re.compile(r"(\d{1,12})-(\d{1,5})", re.ASCII)
MAX_LOG_LINES = 200  # on a month's page
POLL_INTERVAL = 10  # seconds, for a browser that gets no stream


@router.get("/")
async def overview(request: Request, system: Running) -> HTMLResponse:
    """The whole backfill on one page."""
    snapshot = await take_snapshot(system)
    state = request.query_params.get("show")
    show = state if state in STYLES else None
    since = f"{int(snapshot.at.timestamp())}-{len(snapshot.cells)}"
    return render(request, "dashboard.html", view=snapshot, show=show, since=since, poll=POLL_INTERVAL)


@router.get("/months/{month}")
async def one_month(month: str, request: Request, system: Running) -> HTMLResponse:
    """One month in full."""
    key = Month.parse(month)
    found = await backfill.show_month(system, key)
    async with system.database.transaction() as connection:
        logged = await event_log.newest(connection, LogFilter(key, "info"), MAX_LOG_LINES)
    return render(
        request,
        "month.html",
        month=key,
        found=found,
        logged=logged[::-1],
        state=display_state(found.status, found.blocked_reason),
        earlier=_neighbour(key, -1),
        later=_neighbour(key, 1),
        now=datetime.now(UTC),
    )


@router.get("/events")
async def events(request: Request, visitor: CurrentVisitor) -> Response:
    """What has changed since the page was rendered; one response if this visitor has many streams open already."""
    since = SINCE.fullmatch(request.query_params.get("since", ""))
    if since is None:
        raise HTTPException(404)
    updates = PageUpdates(datetime.fromtimestamp(int(since[1]), UTC), int(since[2]), visitor)
    snapshots: SnapshotCache = request.app.state.snapshots
    viewer = visitor.id if visitor and visitor.admitted else client_address(request)
    if snapshots.has_max_streams(viewer) or "once" in request.query_params:
        return HTMLResponse(updates.since_last(await snapshots.get()))
    auth = session_auth_of(request)
    messages = stream(snapshots, updates, viewer, lambda: auth.may_view(auth.visitor(request)))
    return EventSourceResponse(messages, headers={"X-Accel-Buffering": "no"})


def _neighbour(month: Month, by: int) -> Month | None:
    year, index = divmod(month.year * 12 + month.month - 1 + by, 12)
    return Month(year, index + 1) if FIRST_YEAR <= year <= LAST_YEAR else None
