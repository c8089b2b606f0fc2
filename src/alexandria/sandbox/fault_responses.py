"""Makes the responses of faults: those that every provider can have, and the means to make others."""

from __future__ import annotations

import functools
import json
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from alexandria.sandbox.clock import Clock

Proper = Callable[[], Awaitable[Response]]  # what the provider would answer
Strike = Callable[[Request, Proper], Awaitable[Response]]  # what it answers now

SLOW_SECONDS = 20.0  # seconds of a slow answer, times the scale of the latency
CHUNK_COUNT = 10  # of an answer that dribbles
HINT_SECONDS = 2  # seconds until a refused client may return
BOMB_BYTES = 64 * 2**20  # bytes of a bomb when it is unpacked, several times what any client should accept
UNAVAILABLE = (
    "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n"
)
PAGE = "<!DOCTYPE html>\n<html><head><title>One moment</title></head><body>Checking your browser.</body></html>\n"


def everywhere(clock: Clock, scale: float, too_fast: Callable[[Request, float], Response]) -> Mapping[str, Strike]:
    """Return the faults that all providers have. `too_fast` is the provider's own refusal for speed."""

    def hinted(hint: Callable[[], str] | None) -> Callable[[Request], Response]:
        def refuse(request: Request) -> Response:
            response = too_fast(request, float(HINT_SECONDS))
            if hint:
                response.headers["retry-after"] = hint()
            elif "retry-after" in response.headers:
                del response.headers["retry-after"]
            return response

        return refuse

    async def slow_headers(_: Request, proper: Proper) -> Response:
        await clock.sleep(SLOW_SECONDS * scale)
        return await proper()

    async def slow_body(_: Request, proper: Proper) -> Response:
        return _Dribbling(await proper(), clock, SLOW_SECONDS * scale / CHUNK_COUNT)

    async def reset_mid_body(_: Request, proper: Proper) -> Response:
        return _Broken(await proper())

    async def truncated_200(_: Request, proper: Proper) -> Response:
        response = await proper()
        half = bytes(response.body)[: len(response.body) // 2]
        return Response(half, response.status_code, media_type=response.headers["content-type"])

    def later() -> str:
        return format_datetime(clock.now() + timedelta(seconds=HINT_SECONDS), usegmt=True)

    def instant(per_second: int) -> int:
        """When to return, counted since 1970, where the seconds to wait belong."""
        return round((clock.now().timestamp() + HINT_SECONDS) * per_second)

    return {
        "down": instead(lambda _: HTMLResponse(UNAVAILABLE, 503)),
        "hang": instead(lambda _: _Silent()),
        "slow_headers": slow_headers,
        "slow_body": slow_body,
        "reset_mid_body": reset_mid_body,
        "500_internal": instead(lambda _: Response("Internal Server Error", 500, media_type="text/plain")),
        "html_200": instead(lambda _: HTMLResponse(PAGE)),
        "bomb": instead(
            lambda _: Response(_bomb(), media_type="application/json", headers={"content-encoding": "gzip"})
        ),
        "truncated_200": truncated_200,
        "429_seconds": instead(hinted(lambda: str(HINT_SECONDS))),
        "429_date": instead(hinted(later)),
        "429_no_hint": instead(hinted(None)),
        "429_epoch": instead(hinted(lambda: str(instant(1)))),
        "429_epoch_ms": instead(hinted(lambda: str(instant(1000)))),
        "429_huge": instead(hinted(lambda: "1e300")),
        "429_year_99999": instead(hinted(lambda: "Fri, 31 Dec 99999 23:59:59 GMT")),
    }


@functools.cache
def _bomb() -> bytes:
    """A gzip of blanks without its last bytes: blocks that are alike need to be packed once."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    blanks = b" " * 2**20
    first, another = (packer.compress(blanks) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + another * (BOMB_BYTES // len(blanks) - 1)


def instead(answer: Callable[[Request], Response]) -> Strike:
    """A fault that is answered at once: it is not paid for."""

    async def strike(request: Request, _: Proper) -> Response:
        return answer(request)

    return strike


def changed(change: Callable[[Any], Any]) -> Strike:
    """A fault in the data of a proper answer, which is paid for."""

    async def strike(_: Request, proper: Proper) -> Response:
        response = await proper()
        if response.status_code != 200 or not _is_json(response):
            return response
        return JSONResponse(change(json.loads(bytes(response.body))))

    return strike


def _is_json(response: Response) -> bool:
    return "json" in response.headers.get("content-type", "")


class Delivered(Response):
    """A proper answer that arrives in another way."""

    def __init__(self, proper: Response) -> None:
        super().__init__(bytes(proper.body), proper.status_code, proper.headers)

    @property
    def start(self) -> Message:
        return {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}


class _Dribbling(Delivered):
    def __init__(self, proper: Response, clock: Clock, pause: float) -> None:
        super().__init__(proper)
        self._clock, self._pause = clock, pause

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 # ASGI's three
        await send(self.start)
        for piece in _pieces(bytes(self.body)):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await self._clock.sleep(self._pause)
        await send({"type": "http.response.body", "body": b""})


class _Broken(Delivered):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 # ASGI's three
        """Send half of what the header promises: the server closes an answer that is never completed."""
        await send(self.start)
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


class _Silent(Response):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 # ASGI's three
        while (await receive())["type"] != "http.disconnect":
            pass


def _pieces(body: bytes) -> Iterable[bytes]:
    size = len(body) // CHUNK_COUNT + 1
    return (body[at : at + size] for at in range(0, len(body), size))
