"""HTTP route that renders the state for the terminal of a command on the server's machine."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from alexandria.operations.terminal import STATUS_PATH, TOKEN_HEADER
from alexandria.operations.terminal.formatting import TerminalFeatures, json_line, rendered
from alexandria.operations.terminal.status_report import take_report
from alexandria.web.routing import ApiRoute, Running

MAX_COLUMNS = 1000
TerminalName = Annotated[str, Query(max_length=50)]

router = APIRouter(route_class=ApiRoute, include_in_schema=False)


@router.get(STATUS_PATH)
async def status(
    request: Request,
    system: Running,
    *,
    columns: Annotated[int, Query(ge=1, le=MAX_COLUMNS)] = 80,
    terminal: TerminalName = "",
    colors: TerminalName = "",
    colored: bool = True,
    as_json: bool = False,
) -> Response:
    """What `alexandria status` prints: on a `terminal` of this kind, or without one for programs and files.

    It is for commands of the account that the server runs under; for others there is no such path.
    """
    token: str = request.app.state.local_token
    given = request.headers.get(TOKEN_HEADER, "")
    if not token or not secrets.compare_digest(given.encode(), token.encode()):
        raise HTTPException(404)
    report = await take_report(system)
    if as_json:
        return PlainTextResponse(json_line({"ok": True, "data": report.data()}))
    features = TerminalFeatures(columns, terminal, colors, colored) if terminal else None
    return PlainTextResponse(rendered(report.render(), features))
