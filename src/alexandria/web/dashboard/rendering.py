"""Renders the pages: templates, static files, security headers, and errors as pages."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import Annotated, Any
from urllib.parse import quote, unquote

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alexandria.core import provider_facts
from alexandria.core.errors import AlexandriaError, BadInput, DatabaseUnavailable, Unknown, UnknownBook
from alexandria.core.escaping import isolated
from alexandria.core.grammar import counted
from alexandria.operations.idempotency import IdempotentCall
from alexandria.operations.provider_states import CONDITION_STYLES
from alexandria.operations.rollout_summary import describe_default_plan
from alexandria.operations.status_style import QUALITY_STYLES, STYLES, describe_score
from alexandria.web.auth.session import Visitor, cookie_path, read_form, session_auth_of
from alexandria.web.dashboard.charts import year_line
from alexandria.web.dashboard.moments import mark_moments
from alexandria.web.errors import STATUSES, error_as_response
from alexandria.web.idempotency import OnceOnly
from alexandria.web.routing import Handler, root_path, route_path

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
HATCH = "repeating-linear-gradient(135deg,#0000 0 4px,var(--hatch) 4px 7px)"
FADED = "background:var(--card);color:var(--soft);border-color:var(--line)"
MESSAGE_COOKIE = "alexandria_said"
MAX_FAILURE_REASONS, MAX_MONTHS_PER_REASON = 6, 6  # that the overview lists
HTTP_ERRORS = {  # status: title, message, hint
    401: ("Login required", "Your session has ended.", "log in and try again"),
    403: ("Form expired", "This form has expired.", "reload the page and try again"),
    404: ("Page not found", "There is no such page.", "open the overview, which lists every month"),
    405: ("Not a page", "This address only accepts forms.", "use the buttons on the overview"),
    415: ("Not a form", "This address accepts only the forms of these pages.", "use the buttons on the page"),
    429: ("Too many attempts", "Too many wrong secrets from your address.", "wait a minute and enter the right one"),
}  # fmt: skip

PROGRAMS_PATHS = ("/api/", "/health/", "/metrics", "/static/")  # whose answers are never pages
FORM_KEY = "call"  # the field of a form that has its idempotency key
VALID_FORM_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
DOUBLE_CLICK_TIMEOUT = 5.0  # seconds that the second click waits for the end of the first

MAX_KEPT_PARTS = 5000  # rendered months and years; some versions of each

router = APIRouter(include_in_schema=False)


class PageRoute(APIRoute):
    """A route for everybody, whose errors are rendered as pages."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            request.state.visitor, request.state.form = session_auth_of(request).visitor(request), {}
            try:
                return await self.admit(request) or await self.run(handle, request)
            except (AlexandriaError, HTTPException) as error:
                return _error_as_page(request, error)

        return handler

    async def run(self, handle: Handler, request: Request) -> Response:
        """The response to a request that was admitted."""
        return await handle(request)

    async def admit(self, request: Request) -> Response | None:  # noqa: ARG002 # the subclasses use it
        """None if the visitor may use this route, else the response instead."""
        return None


class ReadingRoute(PageRoute):
    """A route for visitors who may view the pages."""

    async def admit(self, request: Request) -> Response | None:
        if session_auth_of(request).may_view(request.state.visitor):
            return None
        to = route_path(request)
        return redirect(request, "/login" + (f"?to={quote(to)}" if to != "/" else ""))


class ActionRoute(PageRoute):
    """A route for forms of visitors who have logged in.

    A form that is sent twice, as by a double click, is carried out once; the second time has the response of the first.
    """

    async def admit(self, request: Request) -> Response | None:
        visitor: Visitor | None = request.state.visitor
        if visitor is None or not visitor.admitted:
            raise HTTPException(401)
        request.state.form = await read_form(request, visitor)
        return None

    async def run(self, handle: Handler, request: Request) -> Response:
        form, visitor = await form_of(request), await visitor_of(request)
        key = form.pop(FORM_KEY, "")
        if visitor is None or not VALID_FORM_KEY.fullmatch(key):
            return await handle(request)

        async def answer() -> Response:
            try:
                return await handle(request)
            except (AlexandriaError, HTTPException) as error:
                return _error_as_page(request, error)

        fields = json.dumps(form, sort_keys=True)
        # Its fields are a part of the key: a form that is sent again with other input is another call.
        call = IdempotentCall.of(visitor.token, route_path(request), f"{key}\n{fields}", fields.encode())
        once: OnceOnly = request.app.state.once
        return await once.run(call, answer, patience=DOUBLE_CLICK_TIMEOUT)


async def visitor_of(request: Request) -> Visitor | None:
    """The visitor, if there is a session."""
    visitor: Visitor | None = request.state.visitor
    return visitor


async def form_of(request: Request) -> dict[str, str]:
    """The fields of the submitted form."""
    form: dict[str, str] = request.state.form
    return form


CurrentVisitor = Annotated[Visitor | None, Depends(visitor_of)]
FormFields = Annotated[dict[str, str], Depends(form_of)]


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file; `path` changes with its content, so that browsers may cache it for ever."""

    body: bytes
    media_type: str
    path: str


def palette_css() -> str:
    """One CSS class for each month state, for light and dark mode."""
    return "\n".join(
        [
            *(_rule(name, style.fill, style.ink, style.border or style.fill) for name, style in STYLES.items()),
            *(
                f".chip.{name},#grid .{name}>a{{background-image:{HATCH}}}"
                for name, style in STYLES.items()
                if style.hatched
            ),
            *(_rule(name, style.fill, style.ink, style.border or style.fill) for name, style in QUALITY_STYLES.items()),
            "@media (prefers-color-scheme: dark) {",
            *(_rule(name, *style.dark) for name, style in (STYLES | QUALITY_STYLES).items() if style.dark),
            "}",
            *(f"[data-show={name}] #grid td:not(.{name})>a{{{FADED}}}" for name in STYLES),
        ]
    )


def _rule(name: str, fill: str, ink: str, border: str) -> str:
    return f".chip.{name},#grid .{name}>a,#grid a.{name}{{background-color:{fill};color:{ink};border-color:{border}}}"


@functools.cache
def assets() -> dict[str, Asset]:
    """The static files by name."""
    folder = resources.files("alexandria.web") / "static"
    files = {file.name: file.read_bytes() for file in folder.iterdir() if file.name.rpartition(".")[2] in MEDIA_TYPES}
    files["palette.css"] = palette_css().encode()
    return {
        name: Asset(
            body, MEDIA_TYPES[name.rpartition(".")[2]], f"/static/{name}?v={hashlib.sha256(body).hexdigest()[:12]}"
        )
        for name, body in files.items()
    }


@router.get("/static/{name}")
async def static(name: str) -> Response:
    asset = assets().get(name)
    if asset is None:
        raise HTTPException(404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(asset.body, media_type=asset.media_type, headers=headers)


@functools.cache
def templates(root: str = "") -> Environment:
    """The templates for pages under the prefix `root`, with the functions that they use."""
    environment = Environment(
        loader=PackageLoader("alexandria.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_isolated,
    )
    environment.globals |= {
        "root": root,
        "asset": lambda name: root + assets()[name].path,
        "styles": STYLES,
        "condition_styles": CONDITION_STYLES,
        "year_line": year_line,
        "max_reasons": MAX_FAILURE_REASONS,
        "max_months": MAX_MONTHS_PER_REASON,
        "record_page": provider_facts.record_page,
        "kept": _kept(environment),
        "call_key": lambda: secrets.token_urlsafe(16),
        "describe_default_plan": functools.cache(describe_default_plan),
    }
    environment.filters |= {
        "time": format_time,
        "date_time": format_date_time,
        "distance": format_distance,
        "moments": mark_moments,
        "number": "{:,}".format,
        "counted": counted,
        "provider": provider_name,
        "score": describe_score,
    }
    return environment


def _kept(environment: Environment) -> Callable[..., Markup]:
    """A function of templates: renders a macro of parts.html, whose result it keeps for equal arguments.

    Most of a page are three hundred months, of which few change between two requests.
    """

    @functools.lru_cache(MAX_KEPT_PARTS)
    def kept(name: str, *arguments: Any) -> Markup:
        return Markup(getattr(environment.get_template("parts.html").module, name)(*arguments))  # noqa: S704 # a macro escapes

    return kept


def render(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page for the request's visitor, with the message of the last action."""
    text = unquote(request.cookies.get(MESSAGE_COOKIE, ""))
    page = templates(root_path(request)).get_template(template).render(
        visitor=request.state.visitor, public=session_auth_of(request).public, last_message=text, **context
    )  # fmt: skip
    response = HTMLResponse(page, status, {"Content-Security-Policy": POLICY, "Vary": "Cookie"})
    if text:
        response.delete_cookie(MESSAGE_COOKIE, path=cookie_path(request), httponly=True, samesite="strict")
    return response


def redirect(request: Request, path: str) -> Response:
    """A redirect to another page; `path` is without the prefix that the application is served under."""
    return RedirectResponse(root_path(request) + path, 303)


def redirect_with_message(request: Request, path: str, message: str) -> Response:
    """After an action: a redirect to a page that shows `message`. A reload does not repeat the action."""
    response = redirect(request, path)
    response.set_cookie(
        MESSAGE_COOKIE, quote(message), max_age=60, path=cookie_path(request), httponly=True, samesite="strict"
    )
    return response


def _isolated(value: Any) -> Any:
    """What a template prints: text of others cannot change the direction of what surrounds it."""
    return isolated(value) if isinstance(value, str) and not isinstance(value, Markup) else value


async def unknown_page(request: Request, error: Exception) -> Response:
    """The response to a path that does not exist, or takes forms alone: a page for browsers, JSON for programs."""
    if route_path(request).startswith(PROGRAMS_PATHS) or "text/html" not in request.headers.get("accept", ""):
        return await error_as_response(request, error)
    assert isinstance(error, HTTPException)
    request.state.visitor = session_auth_of(request).visitor(request)
    return _error_as_page(request, error)


def _error_as_page(request: Request, error: AlexandriaError | HTTPException) -> Response:
    """The page for an error. Raises it again if there is none."""
    if isinstance(error, AlexandriaError):
        return _application_error(request, error)
    if error.status_code not in HTTP_ERRORS:
        raise error
    title, message, hint = HTTP_ERRORS[error.status_code]
    response = _error_page(request, error.status_code, title, message, hint)
    response.headers.update(error.headers or {})
    return response


def _application_error(request: Request, error: AlexandriaError) -> Response:
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    if status == 500:
        raise error
    if isinstance(error, DatabaseUnavailable):
        request.app.state.reconnector.start()
    return _error_page(request, status, _title(request, error, status), error.message, error.hint)


def _title(request: Request, error: AlexandriaError, status: int) -> str:
    if isinstance(error, UnknownBook):
        return "Book not found"
    if isinstance(error, Unknown):
        return "Month not found" if route_path(request).startswith("/months/") else "Not found"
    if isinstance(error, BadInput):
        return "Invalid input"
    return "Temporarily unavailable" if status == 503 else "Not possible"


def _error_page(request: Request, status: int, title: str, message: str, hint: str | None) -> Response:
    return render(request, "error.html", status, title=title, message=message, hint=hint)


def provider_name(name: str) -> str:
    """The provider's name as its makers write it."""
    return provider_facts.label(name)


def format_time(at: datetime) -> str:
    """The time of day in UTC."""
    return f"{at.astimezone(UTC):%H:%M:%S}"


def format_date_time(at: datetime) -> str:
    """The date and time in UTC."""
    return f"{at.astimezone(UTC):%d %b %Y %H:%M:%S} UTC"


def format_distance(one: datetime, other: datetime) -> str:
    """The time between two instants, in either order, in one or two units."""
    minutes = math.floor(abs((other - one).total_seconds()) / 60)
    if minutes < 60:
        return f"{minutes} min" if minutes else "less than a minute"
    if minutes < 48 * 60:
        return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")
    return counted(minutes // 1440, "day")
