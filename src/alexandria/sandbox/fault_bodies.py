"""Makes what stands in the way of an answer, or around it: pages of other machines, and odd forms of a body."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from alexandria.sandbox.fault_responses import HINT_SECONDS, UNAVAILABLE, Delivered, Proper, Strike, instead

MAINTENANCE = "<!DOCTYPE html>\n<title>Scheduled maintenance</title><p>We will be back soon.</p>\n"
PORTAL = "<!DOCTYPE html>\n<title>Guest Wi-Fi</title><form>Sign in to the network, and accept the terms.</form>\n"
TIMED_OUT = "<!DOCTYPE html>\n<title>books.example | 524: A timeout occurred</title><p>Error code 524</p>\n"
BROWSER_CHECK = (
    "<!DOCTYPE html>\n<title>Just a moment...</title><script src='/cdn-cgi/challenge-platform/x'></script>\n"
)
FILTERED = "<!DOCTYPE html>\n<title>Web filter</title><p>This site is blocked by your organisation.</p>\n"
PROXY_LOGIN = "<!DOCTYPE html>\n<title>Cache access denied</title><p>Sign in to the proxy server.</p>\n"
BEHIND = b"\n<!-- served by cache 7 -->\n<script src='/metrics.js'></script>\n"


def of_machines_between() -> Mapping[str, Strike]:
    """Return the answers of machines in front of a provider, and those without a body."""
    hint = {"retry-after": str(HINT_SECONDS)}
    return {
        "503_retry_after": instead(lambda _: HTMLResponse(UNAVAILABLE, 503, headers=hint)),
        "maintenance_200": instead(lambda _: HTMLResponse(MAINTENANCE)),
        "portal_200": instead(lambda _: HTMLResponse(PORTAL)),
        "timed_out_524": instead(lambda _: HTMLResponse(TIMED_OUT, 524)),
        "browser_check_403": instead(lambda _: HTMLResponse(BROWSER_CHECK, 403, headers={"cf-mitigated": "challenge"})),
        "filter_403": instead(lambda _: HTMLResponse(FILTERED, 403)),
        "proxy_407": instead(lambda _: HTMLResponse(PROXY_LOGIN, 407, headers={"proxy-authenticate": "Basic"})),
        "login_302": instead(
            lambda _: Response(status_code=302, headers={"location": "https://login.example/?next=/"})
        ),
        "empty_200": instead(lambda _: Response(b"", media_type="application/json")),
        "nothing_204": instead(lambda _: Response(status_code=204)),
    }


def of_bodies() -> Mapping[str, Strike]:
    """Return proper answers in odd forms; they are paid for."""
    return {
        "byte_order_mark": _with_body(lambda body: b"\xef\xbb\xbf" + body),
        "other_encoding": _with_body(_in_latin_1, "application/json; charset=iso-8859-1"),
        "other_type": _with_body(lambda body: body, "text/html; charset=us-ascii"),
        "markup_behind": _with_body(lambda body: body + BEHIND, "text/html"),
        "odd_charset": _with_body(lambda body: body, "application/json; charset=hex"),
        "odd_cookie": _with_header("set-cookie", "caf\xe9=1; Path=/"),
        "latin_1_header": _with_header("x-served-by", "caf\xe9"),
        "json_lines": _with_body(lambda body: b"%b\n%b\n" % (body, body), "application/x-ndjson"),
        "gzip_unnamed": _with_body(gzip.compress),
        "gzip_untrue": _with_body(lambda body: body, coding="gzip"),
        "chunks_broken_off": _broken_chunks,
    }


def _in_latin_1(body: bytes) -> bytes:
    return body.decode().encode("latin-1", "replace")


def _with_body(change: Callable[[bytes], bytes], media_type: str = "", coding: str = "") -> Strike:
    async def strike(_: Request, proper: Proper) -> Response:
        response = await proper()
        headers = {"content-encoding": coding} if coding else {}
        kind = media_type or response.headers.get("content-type")
        return Response(change(bytes(response.body)), response.status_code, headers, kind)

    return strike


def _with_header(name: str, value: str) -> Strike:
    async def strike(_: Request, proper: Proper) -> Response:
        response = await proper()
        response.headers[name] = value
        return response

    return strike


async def _broken_chunks(_: Request, proper: Proper) -> Response:
    return _BrokenChunks(await proper())


class _BrokenChunks(Delivered):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 # ASGI's three
        """Send half of an answer whose length is not announced: the server closes it without the last chunk."""
        headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        await send({**self.start, "headers": headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
