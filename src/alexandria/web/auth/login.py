"""How does a person get in and out? The secret for a pass, and the pass taken away again."""

from __future__ import annotations

import re

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from alexandria.web.auth.secret import SecretAuth
from alexandria.web.auth.session import entrance_of, hand_over, read_form
from alexandria.web.dashboard.rendering import ActingRoute, Guest, PageRoute, render

router = APIRouter(route_class=PageRoute, include_in_schema=False)
acting = APIRouter(route_class=ActingRoute, include_in_schema=False)
OURS = re.compile(r"/(months/\d{4}-\d{2})?", re.ASCII)


@router.get("/login")
async def show_login(request: Request, visitor: Guest) -> Response:
    if visitor is not None and visitor.admitted:
        return RedirectResponse("/", 303)
    return _form(request, request.query_params.get("to", "/"), wrong=False)


@router.post("/login")
async def log_in(request: Request, visitor: Guest) -> Response:
    """Wrong secrets are counted with those of the API: 429 when there were too many."""
    fields = await read_form(request, visitor)
    door: SecretAuth = request.app.state.door
    to = fields.get("to", "/")
    shown = fields.get("secret", "").strip()
    try:
        await door.admit(request, shown)
    except HTTPException as refused:
        if refused.status_code != 401:
            raise
        return _form(request, to, wrong=True)
    response = RedirectResponse(_ours(to), 303)
    hand_over(response, request, entrance_of(request).admit(shown))
    return response


@acting.post("/logout")
async def log_out(request: Request) -> Response:
    response = RedirectResponse("/", 303)
    hand_over(response, request, "")
    return response


def _form(request: Request, to: str, *, wrong: bool) -> Response:
    """The login. Who has no pass yet gets one that admits nowhere, so that the form can be told from another site's."""
    text = ""
    if request.state.visitor is None:
        request.state.visitor, text = entrance_of(request).greet()
    response = render(request, "login.html", 401 if wrong else 200, wrong=wrong, to=_ours(to))
    if text:
        hand_over(response, request, text)
    return response


def _ours(to: str) -> str:
    """A page of ours, whatever was asked for."""
    return to if OURS.fullmatch(to) else "/"
