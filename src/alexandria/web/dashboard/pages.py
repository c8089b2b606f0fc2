"""Where does the backfill stand? The page that shows all of it, a month's page, and the stream that keeps it current."""

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
from alexandria.operations.event_log import Wanted
from alexandria.operations.overview import take_snapshot
from alexandria.operations.status_style import PALETTE, state
from alexandria.web.auth.secret import client
from alexandria.web.auth.session import entrance_of
from alexandria.web.dashboard.rendering import Guest, ReadingRoute, render
from alexandria.web.dashboard.stream import SnapshotCache, Told, stream
from alexandria.web.routing import Running

router = APIRouter(route_class=ReadingRoute, include_in_schema=False)
SINCE = re.compile(r"(\d{1,12})-(\d{1,5})", re.ASCII)
LOGGED = 200  # lines of the log on a month's page
POLL = 10  # seconds between two looks of a browser that gets no stream


@router.get("/")
async def overview(request: Request, system: Running) -> HTMLResponse:
    view = await take_snapshot(system)
    asked = request.query_params.get("show")
    show = asked if asked in PALETTE else None
    since = f"{int(view.at.timestamp())}-{len(view.cells)}"
    return render(request, "dashboard.html", view=view, show=show, since=since, poll=POLL)


@router.get("/months/{month}")
async def one_month(month: str, request: Request, system: Running) -> HTMLResponse:
    key = Month.parse(month)
    found = await backfill.show_month(system, key)
    async with system.database.transaction() as connection:
        logged = await event_log.newest(connection, Wanted(key, "info"), LOGGED)
    return render(
        request,
        "month.html",
        month=key,
        found=found,
        logged=logged[::-1],
        state=state(found.status, found.blocked_reason),
        earlier=_beside(key, -1),
        later=_beside(key, 1),
        now=datetime.now(UTC),
    )


@router.get("/events")
async def events(request: Request, visitor: Guest) -> Response:
    """What has changed since the page was made; as one answer if this visitor has many streams open already."""
    given = SINCE.fullmatch(request.query_params.get("since", ""))
    if given is None:
        raise HTTPException(404)
    told = Told(datetime.fromtimestamp(int(given[1]), UTC), int(given[2]), visitor)
    lookout: SnapshotCache = request.app.state.lookout
    who = visitor.id if visitor and visitor.admitted else client(request)
    if lookout.full(who) or "once" in request.query_params:
        return HTMLResponse(told.news(await lookout.look()))
    entrance = entrance_of(request)
    news = stream(lookout, told, who, lambda: entrance.may_look(entrance.visitor(request)))
    return EventSourceResponse(news, headers={"X-Accel-Buffering": "no"})


def _beside(month: Month, by: int) -> Month | None:
    year, index = divmod(month.year * 12 + month.month - 1 + by, 12)
    return Month(year, index + 1) if FIRST_YEAR <= year <= LAST_YEAR else None
