"""Pages to log in with the secret, and to log out."""

from __future__ import annotations

import re

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from alexandria.web.auth.secret import SecretAuth
from alexandria.web.auth.session import read_form, session_auth_of, set_session_cookie
from alexandria.web.dashboard.rendering import ActionRoute, CurrentVisitor, PageRoute, redirect, render

router = APIRouter(route_class=PageRoute, include_in_schema=False)
authenticated = APIRouter(route_class=ActionRoute, include_in_schema=False)
OWN_PATH = re.compile(r"/(months/\d{4}-\d{2}|books|works/\d{1,19}|isbn/[\dX-]{10,17})?", re.ASCII)


@router.get("/login")
async def show_login(request: Request, visitor: CurrentVisitor) -> Response:
    if visitor is not None and visitor.admitted:
        return redirect(request, "/")
    return _form(request, request.query_params.get("to", "/"), wrong=False)


@router.post("/login")
async def log_in(request: Request, visitor: CurrentVisitor) -> Response:
    """Wrong secrets count like those of the API: after too many the answer is 429."""
    fields = await read_form(request, visitor)
    auth: SecretAuth = request.app.state.secret_auth
    to = fields.get("to", "/")
    secret = fields.get("secret", "").strip()
    try:
        await auth.admit(request, secret)
    except HTTPException as rejected:
        if rejected.status_code != 401:
            raise
        return _form(request, to, wrong=True)
    response = redirect(request, _own_path(to))
    set_session_cookie(response, request, session_auth_of(request).new_session(secret))
    return response


@authenticated.post("/logout")
async def log_out(request: Request) -> Response:
    response = redirect(request, "/")
    set_session_cookie(response, request, "")
    return response


def _form(request: Request, to: str, *, wrong: bool) -> Response:
    """The login form. A new visitor gets a guest session, so that a form of another site is recognised."""
    session = ""
    if request.state.visitor is None:
        request.state.visitor, session = session_auth_of(request).new_guest()
    response = render(request, "login.html", 401 if wrong else 200, wrong=wrong, to=_own_path(to))
    if session:
        set_session_cookie(response, request, session)
    return response


def _own_path(to: str) -> str:
    """`to` if it is a page of the dashboard, else the overview: a link must not lead to another site."""
    return to if OWN_PATH.fullmatch(to) else "/"
