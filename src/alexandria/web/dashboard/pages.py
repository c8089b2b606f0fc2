"""Pages of the dashboard: the overview, one month, and the stream that keeps the overview current."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from alexandria.core.errors import BadInput
from alexandria.core.month import FIRST_YEAR, LAST_YEAR, Month
from alexandria.operations import event_log
from alexandria.operations.earlier_results import show_earlier
from alexandria.operations.event_log import LogFilter
from alexandria.operations.month_detail import show_month
from alexandria.operations.overview import take_snapshot
from alexandria.operations.status_style import STYLES, display_state
from alexandria.web.auth.secret import client_address
from alexandria.web.auth.session import session_auth_of
from alexandria.web.dashboard.rendering import CurrentVisitor, ReadingRoute, render
from alexandria.web.dashboard.stream import PageUpdates, SnapshotCache, StreamResponse
from alexandria.web.routing import Running, root_path

router = APIRouter(route_class=ReadingRoute, include_in_schema=False)
SINCE = re.compile(r"(\d{1,12})-(\d{1,5})", re.ASCII)
MAX_TIMESTAMP = 253_402_300_799  # seconds since 1970, the end of the year 9999
MAX_LOG_LINES = 200  # on a month's page
MAX_EARLIER_SHOWN = 50  # results that later ones replaced, on a month's page
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
    found = await show_month(system, key)
    replaced = await show_earlier(system, key, limit=MAX_EARLIER_SHOWN)
    async with system.database.transaction() as connection:
        logged = await event_log.newest(connection, LogFilter(key, "info"), MAX_LOG_LINES)
    return render(
        request,
        "month.html",
        month=key,
        found=found,
        replaced=replaced,
        logged=logged[::-1],
        state=display_state(found.status, found.blocked_reason),
        earlier=_neighbour(key, -1),
        later=_neighbour(key, 1),
        now=datetime.now(UTC),
    )


@router.get("/events")
async def events(request: Request, visitor: CurrentVisitor) -> Response:
    """What has changed since the page was rendered; one response if this visitor has many streams open already."""
    since, months = _since(request.query_params.get("since", ""))
    updates = PageUpdates(since, months, visitor, root_path(request))
    snapshots: SnapshotCache = request.app.state.snapshots
    viewer = visitor.id if visitor and visitor.admitted else client_address(request)
    if "once" in request.query_params or not snapshots.open_stream(viewer):
        return HTMLResponse(updates.since_last(await snapshots.get()))
    auth = session_auth_of(request)
    return StreamResponse(snapshots, updates, viewer, lambda: auth.may_view(auth.visitor(request)))


def _since(text: str) -> tuple[datetime, int]:
    """When the page was rendered, and how many months it has. Raises BadInput."""
    found = SINCE.fullmatch(text)
    if found is None or int(found[1]) > MAX_TIMESTAMP:
        raise BadInput("since: not the time and months of a page", hint="reload the page")
    return datetime.fromtimestamp(int(found[1]), UTC), int(found[2])


def _neighbour(month: Month, by: int) -> Month | None:
    year, index = divmod(month.year * 12 + month.month - 1 + by, 12)
    return Month(year, index + 1) if FIRST_YEAR <= year <= LAST_YEAR else None
