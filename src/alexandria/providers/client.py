"""How do we speak to the outside world? One HTTP client for all providers: pacing, time-outs, Retry-After,
redaction and stored answers. Every request that leaves is paced by a lane and leaves a `call` row."""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import hashlib
import json
import math
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx2
import stamina
from pydantic import SecretStr

from alexandria import __name__ as product
from alexandria.core import errors, tracing
from alexandria.core.config import KEYS, ProviderSettings
from alexandria.core.month import Month
from alexandria.core.tls import authorities
from alexandria.providers.ways import ConcurrencyLimiter, Permit, RateLimiter

T = TypeVar("T")

IDLE = httpx2.Limits(keepalive_expiry=2.0)  # seconds; a server that closes first costs a request that nobody saw
TRIES = 3  # sends of one request before its error is reported
CONNECT_TIMEOUT = 5.0  # seconds
SHORTEST_PAUSE = 1.0  # seconds that a lane rests after a refusal, whatever the provider says
LONGEST_WAIT = 30.0  # seconds that a caller waits in place for a provider's hint; longer hints go to the caller
NEGATIVE_LIFE = timedelta(hours=20)  # "not found" may be true tomorrow
NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request that was sent. `status` is None when no answer came; `error` then says why. `ms` milliseconds."""

    provider: str
    route: str
    sent_at: datetime
    ms: int
    units: int
    status: int | None = None
    error: str = ""
    month: Month | None = None
    attempt_token: UUID | None = None


class Answers(Protocol):
    """Answers that were paid for, kept until they expire, and the record of every call."""

    async def read(self, provider: str, key: str) -> tuple[Any, datetime] | None:
        """The stored body and when it was fetched, unless it is unknown or expired."""

    async def write(self, provider: str, key: str, request: Any, body: Any, life: timedelta | None) -> datetime:
        """Store `body`; returns when."""

    async def record(self, call: Call) -> None: ...


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask. `path` starts at the provider's base URL; `body` is JSON data; `units` is what it costs.

    `sign` adds the key to the request on its way out; neither it nor `headers` is part of the storage key.
    `explain` turns a refusing response into one of our errors, or None if the response is an answer.
    """

    method: str
    path: str
    params: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    units: int = 1
    sign: Callable[[httpx2.Request], httpx2.Request] | None = None
    explain: Callable[[httpx2.Response], errors.ProviderError | None] | None = None

    @property
    def content(self) -> dict[str, Any]:
        """What makes it this request and no other; JSON data."""
        return {"method": self.method, "path": self.path, "params": dict(self.params), "body": self.body}


class PartlyGranted(Exception):
    """The day's quota has room for `granted` units only, fewer than the request costs. Nothing was sent."""

    def __init__(self, granted: int) -> None:
        super().__init__(f"only {granted} units granted")
        self.granted = granted


_charged: ContextVar[tuple[Month, UUID | None] | None] = ContextVar("charged", default=None)


@contextlib.contextmanager
def charged_to(month: Month, attempt_token: UUID | None) -> Iterator[None]:
    """Calls made inside, in tasks started inside too, are charged to this attempt of this month (None: to no attempt)."""
    token = _charged.set((month, attempt_token))
    try:
        yield
    finally:
        _charged.reset(token)


class _Metered(httpx2.AsyncBaseTransport):
    """Sends one request: waits for the lane, times it, records it. Used by our clients and by the models' SDKs."""

    def __init__(
        self,
        settings: ProviderSettings,
        lanes: RateLimiter,
        answers: Answers,
        inner: httpx2.AsyncBaseTransport,
        places: ConcurrencyLimiter | None,
    ) -> None:
        self._provider, self._lanes, self._answers, self._inner = settings.name, lanes, answers, inner
        self._places = places
        self._seconds = settings.timeout
        self._timeout = httpx2.Timeout(settings.timeout, connect=min(CONNECT_TIMEOUT, settings.timeout)).as_dict()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        with tracing.answer(self._provider, answer="sent", path=request.url.path, **_whose()):
            return await self._pace(request)

    async def _pace(self, request: httpx2.Request) -> httpx2.Response:
        wanted_at = time.monotonic()
        units = int(request.extensions.get("units", 1))
        request.extensions = {**request.extensions, "timeout": self._timeout}  # the SDKs would set their own
        # The place first: once the lane has given leave, the request must go.
        place = contextlib.nullcontext() if self._places is None else self._places.place()
        async with place, self._lanes.slot(self._provider, units, tells=True) as slot:
            request.extensions["trace"] = _departure(slot)
            if slot.granted < units:
                slot.unsent()
                raise PartlyGranted(slot.granted)
            tracing.note(units=units, waited_ms=round((time.monotonic() - wanted_at) * 1000))
            return await self._send(request, slot, units)

    async def _send(self, request: httpx2.Request, slot: Permit, units: int) -> httpx2.Response:
        sent_at, began = datetime.now(UTC), time.monotonic()
        status, error, sent = None, "cancelled", True
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._inner.handle_async_request(request)
                status = response.status_code
                response = await _whole(response)
            error = ""
            return response
        except NEVER_SENT:
            sent = False
            slot.unsent()
            raise
        except TimeoutError:
            error = "ReadTimeout"
            raise httpx2.ReadTimeout("the answer took too long", request=request) from None
        except httpx2.HTTPError as failed:
            error = type(failed).__name__
            raise
        finally:
            _tell(status, error)
            if sent:
                ms = round((time.monotonic() - began) * 1000)
                who = _charged.get() or (None, None)
                await self._answers.record(
                    Call(self._provider, request.url.path, sent_at, ms, units, status, error, *who)
                )

    async def aclose(self) -> None:
        await self._inner.aclose()


def _whose() -> dict[str, str]:
    """Month and attempt that are charged now, for a span."""
    month, token = _charged.get() or (None, None)
    return {name: str(value) for name, value in (("month", month), ("attempt", token)) if value is not None}


def _tell(status: int | None, error: str) -> None:
    if status is not None:
        tracing.note(status=status)
    if error or ((status or 0) >= 400 and status != 404):
        tracing.failed(error or str(status))


def _departure(slot: Permit) -> Callable[[str, Mapping[str, Any]], Awaitable[None]]:
    """Tells the lane when the request is on the wire: a new connection may take longer than the lane's distances."""

    async def trace(event: str, _: Mapping[str, Any]) -> None:
        if event.endswith("send_request_body.complete"):
            slot.left()

    return trace


async def _whole(response: httpx2.Response) -> httpx2.Response:
    """The response with its body read, so that a body that breaks off or dribbles is this call's failure."""
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    try:
        body = b"".join([part async for part in response.stream])
    finally:
        await response.aclose()
    return httpx2.Response(
        response.status_code,
        headers=response.headers,
        stream=httpx2.ByteStream(body),
        extensions=response.extensions,
    )


class Transport:
    """The way to one provider. `reread` fetches the key anew when the provider refuses the present one.

    `places` bound the requests that are in flight at once.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        lanes: RateLimiter,
        answers: Answers,
        *,
        contact: str,
        version: str,
        reread: Callable[[], SecretStr | None] | None = None,
        inner: httpx2.AsyncBaseTransport | None = None,
        places: ConcurrencyLimiter | None = None,
    ) -> None:
        self.settings = settings
        self.name = settings.name
        self.key = settings.key
        self._reread = reread
        self._lanes, self._answers = lanes, answers
        agent = f"{product.capitalize()}/{version}" + (f" ({contact})" if contact else "")
        inner = inner or httpx2.AsyncHTTPTransport(verify=authorities(), limits=IDLE)
        self.client = httpx2.AsyncClient(
            transport=_Metered(settings, lanes, answers, inner, places),
            base_url=settings.base_url,
            timeout=settings.timeout,
            headers={"User-Agent": agent},
            follow_redirects=settings.key is None,  # a key is never carried to another place
        )

    async def aclose(self) -> None:
        await self.client.aclose()

    def secret(self) -> str:
        """The key in clear, for the one header or parameter that needs it."""
        if self.key is None:
            raise errors.KeyMissing(self.name, "no key is configured", hint=f"set {KEYS.get(self.name, 'its key')}")
        key = self.key.get_secret_value()
        if not (key.isascii() and key.isprintable()):
            raise errors.KeyRefused(self.name, "the key holds characters that no request can carry")
        return key

    async def ask(
        self,
        request: Request,
        read: Callable[[httpx2.Response], T],
        *,
        life: timedelta | None = None,
        empty: Callable[[T], bool] = lambda parsed: not parsed,
    ) -> tuple[T, datetime]:
        """A stored answer, or a fresh one that is stored before it is returned, with its time of fetching (UTC).

        `read` turns an answer into JSON data, raising BadAnswer if it cannot. `life`, `empty` and retries: see `stored`.
        """

        async def fetch() -> T:
            return await self._send(request, read)

        return await self.stored(request.content, fetch, life=life, empty=empty)

    async def send(self, request: Request, read: Callable[[httpx2.Response], T]) -> T:
        """As `ask`, for answers that are not stored as they come."""

        async def fetch() -> T:
            return await self._send(request, read)

        return await self._insist(fetch)

    async def stored(
        self,
        content: Any,
        fetch: Callable[[], Awaitable[T]],
        *,
        life: timedelta | None = None,
        empty: Callable[[T], bool] = lambda parsed: not parsed,
    ) -> tuple[T, datetime]:
        """The answer to `content` (JSON data) if it is stored, else what `fetch` returns (JSON data), stored first.

        `life` limits how long the answer serves; one that is `empty` serves NEGATIVE_LIFE. Fetches again on
        ProviderDown, BadAnswer, short waits and a changed key, TRIES times in all.
        """
        known = await self.recall(content)
        if known is not None:
            with tracing.answer(self.name, answer="stored", **_whose()):
                return known
        fresh = storable(await self._insist(fetch))
        return fresh, await self.keep(content, fresh, NEGATIVE_LIFE if empty(fresh) else life)

    async def recall(self, content: Any) -> tuple[Any, datetime] | None:
        """The stored answer to `content` and when it was fetched (UTC)."""
        return await self._answers.read(self.name, storage_key(self._here(content)))

    async def keep(self, content: Any, answer: Any, life: timedelta | None) -> datetime:
        """Store `answer` (JSON data) to `content`; returns when (UTC)."""
        asked = self._here(content)
        return await self._answers.write(self.name, storage_key(asked), asked, storable(answer), life)

    def _here(self, content: Any) -> dict[str, Any]:
        """What a sandbox answered must not be taken for the real provider's word."""
        return {"base": self.settings.base_url, **content}

    async def _insist(self, fetch: Callable[[], Awaitable[T]]) -> T:
        return await stamina.AsyncRetryingCaller(attempts=TRIES, timeout=None)(self._again, fetch)

    async def _send(self, request: Request, read: Callable[[httpx2.Response], T]) -> T:
        response = await self._reach(request)
        problem = refusal(self.name, response) if request.explain is None else request.explain(response)
        if problem is not None:
            await self.heed(problem)
            raise problem
        return read(response)

    async def heed(self, problem: errors.ProviderError) -> None:
        """A refusal for speed or quota by the provider itself rests the lane for everybody."""
        if isinstance(problem, errors.RateLimited):
            rest = max(problem.retry_after or 0.0, SHORTEST_PAUSE)
            await self._lanes.pause(self.name, datetime.now(UTC) + timedelta(seconds=rest), problem.message)
        elif isinstance(problem, errors.QuotaSpent):
            await self._lanes.pause(self.name, problem.until, problem.message)

    async def _reach(self, request: Request) -> httpx2.Response:
        try:
            return await self.client.request(
                request.method,
                request.path,
                params=dict(request.params),
                json=request.body,
                headers=dict(request.headers),
                auth=request.sign,
                extensions={"units": request.units},
            )
        except httpx2.TimeoutException:
            raise self.unreached("timeout") from None
        except httpx2.HTTPError as broken:
            raise self.unreached(type(broken).__name__) from None

    def unreached(self, why: str) -> errors.ProviderDown:
        """No answer came: why is "timeout" or the name of what broke."""
        if why == "timeout":
            return errors.ProviderDown(self.name, f"no answer within {self.settings.timeout:g} s")
        return errors.ProviderDown(self.name, f"connection failed ({why})")

    def _again(self, error: Exception) -> bool | float:
        """Stamina's question: try again, and after how many seconds exactly?"""
        match error:
            case errors.RateLimited(retry_after=float(hint)):
                return hint if hint <= LONGEST_WAIT else False
            case errors.RateLimited() | errors.ProviderDown() | errors.BadAnswer():
                return True
            case errors.KeyRefused():
                return 0.0 if self.reread() else False
            case _:
                return False

    def reread(self) -> bool:
        """Read the key anew; whether there is another one than before."""
        before = self.key
        if self._reread is not None:
            self.key = self._reread()
        return self.key is not None and self.key != before


def refusal(provider: str, response: httpx2.Response) -> errors.ProviderError | None:
    """What a status means when the provider has no oddities of its own; None for an answer. Never shows the body."""
    status = response.status_code
    if status == 429:
        return errors.RateLimited(provider, "refuses for speed", retry_after=retry_after(response))
    if status in {401, 403}:
        return errors.KeyRefused(provider, f"refuses us with {status}")
    if status in {408, 425} or status >= 500:
        return errors.ProviderDown(provider, f"answered {status}")
    if status != 200:
        return errors.RequestRefused(provider, f"answered {status}")
    return None


def storage_key(request: Any) -> str:
    """A content address: equal requests have equal keys, whoever sends them."""
    return hashlib.sha256(json.dumps(request, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def storable(value: T) -> T:
    """JSON data without what PostgreSQL cannot hold: NUL characters, lone surrogates, numbers that are not finite."""
    plain: Any = value
    match value:
        case str():
            plain = value.replace("\0", "").encode("utf-8", "replace").decode()
        case float() if not math.isfinite(value):
            plain = None
        case dict():
            plain = {storable(key): storable(inner) for key, inner in value.items()}
        case list():
            plain = [storable(inner) for inner in value]
    return plain  # type: ignore[no-any-return]  # the shape is kept, which no type says


def retry_after(response: httpx2.Response) -> float | None:
    """Seconds from a Retry-After header, given as seconds or as a date; None if absent or unreadable."""
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    with contextlib.suppress(ValueError):
        seconds = float(value)
        return max(seconds, 0.0) if math.isfinite(seconds) else None
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max((at - datetime.now(UTC)).total_seconds(), 0.0)


def next_midnight(zone: str) -> datetime:
    """When the provider's next day begins, in UTC. `zone` is an IANA name."""
    local = datetime.now(ZoneInfo(zone))
    tomorrow = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return tomorrow.astimezone(UTC)


def json_of(provider: str, response: httpx2.Response) -> Any:
    """The JSON body, or BadAnswer saying what came instead; never the body itself, which may hold secrets."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        kind = response.headers.get("content-type", "no content type")
        raise errors.BadAnswer(provider, f"answered {response.status_code} with {kind} that is not JSON") from None
