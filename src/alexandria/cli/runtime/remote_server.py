"""Asks a server on another machine over HTTP, for commands that only look at a system.

What needs its keys or its database stays on its machine: neither is sent. The secret goes to the address that was given, and
is not sent on by a redirect.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from alexandria.core import errors
from alexandria.core.errors import BadInput, Misconfigured, ServerBusy, ServerRefused, ServerUnavailable

if TYPE_CHECKING:
    import httpx2

    from alexandria.cli.output.console import Output

CONNECT_TIMEOUT = 5.0  # seconds
ANSWER_TIMEOUT = 20.0  # seconds for an answer that is ready
FORECAST_TIMEOUT = 120.0  # seconds for one that is computed
COMMANDS = frozenset({"status", "forecast", "doctor"})  # that a server on another machine can answer
NOT_FOR_OTHERS = (
    "over HTTP there are status, forecast and doctor; the others need the keys or the database of the server, which stay on "
    "its machine: run them there"
)
SECRET_SETTING = "ALEXANDRIA_WEBHOOK_SECRET"  # noqa: S105 # its name
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_QUOTED_LENGTH = 200  # characters of what a server says


@dataclass(frozen=True, slots=True)
class RemoteAnswer:
    """What a server answered. `clock` is its time as it wrote it into the answer, if it did."""

    status: int
    body: dict[str, Any]
    clock: datetime | None


@dataclass(frozen=True, slots=True)
class RemoteServer:
    """A server at `url`, which has no / at its end. `secret` is "" if this terminal has none."""

    url: str
    secret: str = field(default="", repr=False)

    @property
    def exposes_secret(self) -> bool:
        """Whether the secret crosses a network unencrypted."""
        parts = urlsplit(self.url)
        return bool(self.secret) and parts.scheme == "http" and parts.hostname not in LOCAL_NAMES

    def get(self, path: str, *, timeout: float = ANSWER_TIMEOUT, **query: Any) -> dict[str, Any]:
        """The body of the answer to a request that needs the secret.

        Raises ServerUnavailable, ServerRefused, and the errors that the server reports.
        """
        import asyncio

        return asyncio.run(self.fetch(path, timeout=timeout, **query))

    async def fetch(self, path: str, *, timeout: float = ANSWER_TIMEOUT, **query: Any) -> dict[str, Any]:  # noqa: ASYNC109 # of one request
        """The same within an event loop."""
        if not self.secret:
            raise Misconfigured(f"setting {SECRET_SETTING}: not set here", hint=self._where_secret)
        answer = await self.ask(path, timeout=timeout, **query)
        if answer.status == 200:
            return answer.body
        raise self._refusal(answer)

    async def ask(self, path: str, *, timeout: float = ANSWER_TIMEOUT, **query: Any) -> RemoteAnswer:  # noqa: ASYNC109 # of one request
        """The answer to one request, whatever its status, if it is JSON. Raises ServerUnavailable."""
        import asyncio

        import httpx2

        from alexandria.core.proxies import EnvironmentTransport
        from alexandria.providers.bodies import ACCEPT_ENCODING, read_whole

        headers = {"Accept": "application/json", "Accept-Encoding": ACCEPT_ENCODING}
        headers |= {"X-Cron-Secret": self.secret} if self.secret else {}
        known = {name: value for name, value in query.items() if value is not None}
        times = httpx2.Timeout(timeout, connect=CONNECT_TIMEOUT)
        try:
            async with (
                asyncio.timeout(timeout + CONNECT_TIMEOUT),
                httpx2.AsyncClient(transport=EnvironmentTransport(), timeout=times) as client,
                client.stream("GET", f"{self.url}{path}", params=known, headers=headers) as stream,
            ):
                whole = await read_whole("server", stream)
                await whole.aread()
                return self._read(whole)
        except (httpx2.HTTPError, httpx2.InvalidURL, errors.ProviderError, TimeoutError, UnicodeError) as failed:
            raise ServerUnavailable(
                f"no answer from {self.url}: {_reason(failed)}", hint="check the address, the network, and that it runs"
            ) from None

    def _read(self, response: httpx2.Response) -> RemoteAnswer:
        try:
            body = json.loads(response.content)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise ServerUnavailable(
                f"{self.url} answered {response.status_code} without JSON",
                hint="is it the address of alexandria itself?",
            )
        return RemoteAnswer(response.status_code, body, _clock(response.headers.get("date", "")))

    @property
    def _where_secret(self) -> str:
        return f"set {SECRET_SETTING} to the secret of {self.url}; on its machine: alexandria secret show-path"

    def _refusal(self, answer: RemoteAnswer) -> errors.AlexandriaError:
        """The error of an answer that is none of success."""
        found = answer.body.get("error")
        error = found if isinstance(found, dict) else {}
        message = str(error.get("message") or "")[:MAX_QUOTED_LENGTH]
        details = error.get("details")
        hint = str(details.get("hint") or "")[:MAX_QUOTED_LENGTH] if isinstance(details, dict) else ""
        match answer.status:
            case 401:
                return ServerRefused(f"{self.url} refuses the secret", hint=self._where_secret)
            case 404 if message == "no such path":
                return ServerUnavailable(f"{self.url} has no such route", hint="it is of another version")
            case 422:
                return BadInput(message or f"{self.url} refuses the request", hint=hint)
            case 429:
                return ServerBusy(f"{self.url} has had too many wrong secrets from here", hint="wait a minute")
            case _:
                return ServerUnavailable(
                    f"{self.url} answered {answer.status}{f': {message}' if message else ''}", hint=hint
                )


def remote_of(output: Output) -> RemoteServer | None:
    """The server on another machine that the command was pointed at, or None. Warns where its secret is sent unencrypted."""
    if not output.options.remote:
        return None
    from alexandria.cli.settings import settings_of

    given = settings_of(output).webhook_secret
    server = RemoteServer(output.options.remote, given.get_secret_value() if given else "")
    if server.exposes_secret:
        output.message(f"hint: the secret is sent to {server.url} unencrypted; use https")
    return server


def address_of(text: str) -> str:
    """The address of a server as it was given, with its scheme and without a / at its end. Raises BadInput."""
    written = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(written)
        usable = bool(parts.hostname) and parts.scheme in {"http", "https"} and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or not written.isprintable() or " " in written:
        raise BadInput(f"--server: {text[:80]!r} is not an address", hint="example: https://books.example.org")
    if parts.username is not None or parts.password is not None:
        raise BadInput(
            "--server: an address must not hold a user name or password", hint=f"set {SECRET_SETTING} instead"
        )
    return written.rstrip("/")


def _clock(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime

    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _reason(failed: BaseException) -> str:
    if isinstance(failed, TimeoutError) or "Timeout" in type(failed).__name__:
        return "it took too long"
    return str(failed)[:MAX_QUOTED_LENGTH] or type(failed).__name__
