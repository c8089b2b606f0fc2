"""How does a page come to be? Templates, files that never change, headers, and what is refused, told as a page."""

from __future__ import annotations

import functools
import hashlib
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import Annotated, Any
from urllib.parse import quote, unquote

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alexandria.core import provider_facts
from alexandria.core.errors import AlexandriaError, DatabaseUnavailable
from alexandria.operations.rollout_summary import offered
from alexandria.operations.status_style import PALETTE
from alexandria.web.auth.session import Visitor, entrance_of, read_form
from alexandria.web.errors import STATUSES
from alexandria.web.routing import Handler

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
HATCH = "repeating-linear-gradient(135deg,#0000 0 4px,var(--hatch) 4px 7px)"
FADED = "background:var(--card);color:var(--soft);border-color:var(--line)"
SAID = "alexandria_said"
MOST_REASONS, MOST_MONTHS = 6, 6  # for which months failed, and months of each, that the overview lists
REFUSED = {
    401: ("Log in first", "The page's login has ended.", "log in and do it again"),
    403: ("Not done", "That form was not made for you, or is too old.", "go back, load the page anew, and try again"),
    404: ("Nothing here", "There is no such page.", "the overview lists every month"),
    415: ("Not done", "That was no form of ours.", "use the page's own buttons"),
    429: ("Wait", "Too many wrong secrets from your address.", "wait a minute, and show the right one"),
}  # fmt: skip

router = APIRouter(include_in_schema=False)


class PageRoute(APIRoute):
    """A route for people: what goes wrong is told as a page. Everybody may come."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            request.state.visitor, request.state.form = entrance_of(request).visitor(request), {}
            try:
                return await self.admit(request) or await handle(request)
            except AlexandriaError as error:
                return _told(request, error)
            except HTTPException as refused:
                if refused.status_code not in REFUSED:
                    raise
                title, message, hint = REFUSED[refused.status_code]
                response = _trouble(request, refused.status_code, title, message, hint)
                response.headers.update(refused.headers or {})
                return response

        return handler

    async def admit(self, request: Request) -> Response | None:  # noqa: ARG002 # for those who look closer
        """None, or what is answered instead."""
        return None


class ReadingRoute(PageRoute):
    """Only for who may look."""

    async def admit(self, request: Request) -> Response | None:
        if entrance_of(request).may_look(request.state.visitor):
            return None
        to = request.url.path
        return RedirectResponse("/login" + (f"?to={quote(to)}" if to != "/" else ""), 303)


class ActingRoute(PageRoute):
    """Only for forms of ours, sent by who was admitted."""

    async def admit(self, request: Request) -> Response | None:
        visitor: Visitor | None = request.state.visitor
        if visitor is None or not visitor.admitted:
            raise HTTPException(401)
        request.state.form = await read_form(request, visitor)
        return None


def visitor_of(request: Request) -> Visitor | None:
    visitor: Visitor | None = request.state.visitor
    return visitor


def form_of(request: Request) -> dict[str, str]:
    form: dict[str, str] = request.state.form
    return form


Guest = Annotated[Visitor | None, Depends(visitor_of)]
Form = Annotated[dict[str, str], Depends(form_of)]


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that the pages load; `path` changes with what is in it, so that browsers may keep it for good."""

    body: bytes
    kind: str
    path: str


def palette_css() -> str:
    """One class for each state, made from the palette; by night too."""
    return "\n".join(
        [
            *(_coloured(name, look.fill, look.ink, look.border or look.fill) for name, look in PALETTE.items()),
            *(
                f".chip.{name},#grid .{name}>a{{background-image:{HATCH}}}"
                for name, it in PALETTE.items()
                if it.hatched
            ),
            "@media (prefers-color-scheme: dark) {",
            *(_coloured(name, *look.night) for name, look in PALETTE.items() if look.night),
            "}",
            *(f"[data-show={name}] #grid td:not(.{name})>a{{{FADED}}}" for name in PALETTE),
        ]
    )


def _coloured(name: str, fill: str, ink: str, border: str) -> str:
    return f".chip.{name},#grid .{name}>a{{background-color:{fill};color:{ink};border-color:{border}}}"


@functools.cache
def assets() -> dict[str, Asset]:
    folder = resources.files("alexandria.web") / "static"
    files = {file.name: file.read_bytes() for file in folder.iterdir() if file.name.rpartition(".")[2] in KINDS}
    files["palette.css"] = palette_css().encode()
    return {
        name: Asset(body, KINDS[name.rpartition(".")[2]], f"/static/{name}?v={hashlib.sha256(body).hexdigest()[:12]}")
        for name, body in files.items()
    }


@router.get("/static/{name}")
async def static(name: str) -> Response:
    asset = assets().get(name)
    if asset is None:
        raise HTTPException(404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(asset.body, media_type=asset.kind, headers=headers)


@functools.cache
def templates() -> Environment:
    made = Environment(loader=PackageLoader("alexandria.web"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    made.globals |= {
        "asset": lambda name: assets()[name].path,
        "palette": PALETTE,
        "most_reasons": MOST_REASONS,
        "most_months": MOST_MONTHS,
        "offered": functools.cache(offered),
    }
    made.filters |= {"clock": clock, "moment": moment, "ago": ago, "many": many, "provider": provider}
    return made


def render(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page for the request's visitor, with what the last act said."""
    said = unquote(request.cookies.get(SAID, ""))
    page = templates().get_template(template).render(
        visitor=visitor_of(request), public=entrance_of(request).public, said=said, **context
    )  # fmt: skip
    response = HTMLResponse(page, status, {"Content-Security-Policy": POLICY, "Vary": "Cookie"})
    if said:
        response.delete_cookie(SAID, httponly=True, samesite="strict")
    return response


def done(back: str, said: str) -> Response:
    """After an act: back to a page of ours that tells what was done. A reload does not do it again."""
    response = RedirectResponse(back, 303)
    response.set_cookie(SAID, quote(said), max_age=60, httponly=True, samesite="strict")
    return response


def _told(request: Request, error: AlexandriaError) -> Response:
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    if status == 500:
        raise error
    if isinstance(error, DatabaseUnavailable):
        request.app.state.healer.start()
    return _trouble(request, status, "Not now" if status == 503 else "Not done", error.message, error.hint)


def _trouble(request: Request, status: int, title: str, message: str, hint: str | None) -> Response:
    return render(request, "trouble.html", status, title=title, message=message, hint=hint)


def many(count: int, one: str = "", more: str = "") -> str:
    """A count as people write it, with its noun: 1 month, 2 months, 5,412 months."""
    return f"{count:,}" + (f" {one if count == 1 else more or one + 's'}" if one else "")


def provider(name: str) -> str:
    """Its name as its makers write it."""
    return provider_facts.label(name)


def clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%H:%M:%S}"


def moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%d %b %Y %H:%M:%S} UTC"


def ago(then: datetime, now: datetime) -> str:
    """The distance of two instants, in whichever order, in one or two units."""
    minutes = math.floor(abs((now - then).total_seconds()) / 60)
    if minutes < 60:
        return f"{minutes} min" if minutes else "less than a minute"
    if minutes < 48 * 60:
        return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")
    return f"{minutes // 1440} days"
