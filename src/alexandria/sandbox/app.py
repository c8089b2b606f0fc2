"""Assembles the providers into one server, each under a path of its own, beside the pages of the sandbox."""

from __future__ import annotations

import gc
import logging
import socket
from collections.abc import Callable, Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from alexandria.catalogue.models import Isbn13
from alexandria.core.errors import BadInput
from alexandria.core.provider_facts import key_settings
from alexandria.sandbox.clock import Clock
from alexandria.sandbox.fault_rules import CATALOGUE, PRESETS
from alexandria.sandbox.parts import part, provider_names
from alexandria.sandbox.request_log import Stamped
from alexandria.sandbox.settings import SandboxSettings
from alexandria.sandbox.state import SandboxState


def create_app(settings: SandboxSettings, clock: Clock | None = None) -> ASGIApp:
    """The ASGI app: provider NAME under /NAME, so a base URL ends in its name; /__sandbox/ reports what happened.

    Raises BadInput when the books cannot be read.
    """
    state = SandboxState.of(settings, clock or Clock())
    mounts = [Mount(f"/{name}", routes=part(name)(state).routes()) for name in provider_names()]
    routes: list[BaseRoute] = [*mounts, Mount("/__sandbox", routes=_own_routes(state))]
    return Stamped(Starlette(routes=routes), state.arrivals, provider_names())


def serve(
    settings: SandboxSettings, port: int = 0, *, announce: Callable[[str], None], host: str = "127.0.0.1"
) -> None:
    """Serves until SIGINT or SIGTERM. Port 0 takes a free one; `announce` gets the URL once it answers.

    Raises BadInput when the books cannot be read or the port is taken.
    """
    app = create_app(settings)
    try:
        listening = socket.create_server((host, port))
    except OSError as taken:
        hint = "choose another --port; 0 takes a free one"
        raise BadInput(f"the sandbox cannot listen on {host}:{port}: {taken.strerror}", hint=hint) from taken
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it; asyncio would not set it
    gc.collect()
    gc.freeze()  # a pause for counting books would show up as a late stamp
    logging.getLogger("uvicorn.error").addFilter(_unintended)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=2
    )
    _Announcing(config, lambda: announce(f"http://{host}:{listening.getsockname()[1]}")).run(sockets=[listening])


def environment(settings: SandboxSettings, url: str) -> dict[str, str]:
    """Return the variables that make `alexandria` use the sandbox at `url` instead of the providers."""
    places = {f"ALEXANDRIA_{name.upper()}_BASE_URL": f"{url}/{name}" for name in provider_names()}
    return places | {key: settings.key(name) for name, key in key_settings().items() if name in provider_names()}


def _unintended(record: logging.LogRecord) -> bool:
    """Return whether a log line reports more than an answer that a fault broke off."""
    return "returned without completing response" not in record.getMessage()


class _Announcing(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: Sequence[socket.socket] | None = None) -> None:
        await super().startup(list(sockets) if sockets else None)
        self._announce()


def _own_routes(state: SandboxState) -> list[BaseRoute]:
    async def stats(_: Request) -> Response:
        return JSONResponse(state.arrivals.stats({name: state.settings.zone(name) for name in provider_names()}))

    async def truth(request: Request) -> Response:
        asked = request.query_params
        if "title" not in asked:
            return JSONResponse(state.truth.whole())
        facts = state.truth.of(asked["title"], asked.get("author", ""))
        return JSONResponse(facts) if facts else JSONResponse({"error": "no model named it, no library holds it"}, 404)

    async def truth_of_isbn(request: Request) -> Response:
        isbn = Isbn13.read(request.path_params["isbn"])
        facts = state.truth.of_isbn(isbn) if isbn else None
        return JSONResponse(facts) if facts else JSONResponse({"error": "no such ISBN in the library"}, 404)

    async def reset(_: Request) -> Response:
        state.arrivals.forget()
        return JSONResponse({"reset": True})

    async def faults(_: Request) -> Response:
        known = {name: {"meaning": fault.meaning, "providers": fault.providers} for name, fault in CATALOGUE.items()}
        return JSONResponse({"faults": state.faults.text, "known": known, "presets": PRESETS})

    async def set_faults(request: Request) -> Response:
        try:
            state.faults.set((await request.body()).decode(errors="replace"))
        except BadInput as refused:
            return JSONResponse({"error": refused.message, "hint": refused.hint}, 400)
        return JSONResponse({"faults": state.faults.text})

    return [
        Route("/stats", stats),
        Route("/faults", faults),
        Route("/faults", set_faults, methods=["POST"]),
        Route("/truth", truth),
        Route("/truth/isbn/{isbn}", truth_of_isbn),
        Route("/reset", reset, methods=["POST"]),
    ]
