"""How do we speak to the outside world? One HTTP client for all providers: pacing, time-outs, Retry-After,
redaction and stored answers. Every request that leaves is paced by a lane and leaves a `call` row."""

from __future__ import annotations

import contextlib
import email.utils
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

import httpx2
import stamina

from alexandria import __name__ as product
from alexandria import errors
from alexandria.config import ProviderSettings
from alexandria.month import Month

T = TypeVar("T")

TRIES = 3  # sends of one request before its error is reported
LONGEST_WAIT = 30.0  # seconds that a caller waits in place for a provider's hint; longer hints go to the caller
NEGATIVE_LIFE = timedelta(hours=20)  # "not found" may be true tomorrow


class Slot(Protocol):
    """Leave to send `granted` units now."""

    granted: int

    def unsent(self) -> None:
        """Nothing left this machine: give the units back."""


class Lanes(Protocol):
    """The paced, metered ways to the providers, shared by every worker on every machine."""

    def slot(self, provider: str, units: int = 1) -> AbstractAsyncContextManager[Slot]:
        """Waits for the provider's pace. Raises QuotaSpent or RateLimited when the wait would be long."""

    async def pause(self, provider: str, until: datetime, reason: str) -> None:
        """Nobody sends to `provider` before `until`."""


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


_charged: ContextVar[tuple[Month, UUID] | None] = ContextVar("charged", default=None)


@contextlib.contextmanager
def charged_to(month: Month, attempt_token: UUID) -> Iterator[None]:
    """Calls made inside, in tasks started inside too, are charged to this attempt of this month."""
    token = _charged.set((month, attempt_token))
    try:
        yield
    finally:
        _charged.reset(token)


class _Metered(httpx2.AsyncBaseTransport):
    """Sends one request: waits for the lane, times it, records it. Used by our clients and by the models' SDKs."""

    def __init__(self, provider: str, lanes: Lanes, answers: Answers, inner: httpx2.AsyncBaseTransport) -> None:
        self._provider, self._lanes, self._answers, self._inner = provider, lanes, answers, inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        units = int(request.extensions.get("units", 1))
        async with self._lanes.slot(self._provider, units) as slot:
            sent_at, began = datetime.now(UTC), time.monotonic()
            status: int | None = None
            error = "cancelled"
            try:
                response = await self._inner.handle_async_request(request)
                status, error = response.status_code, ""
                return response
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as unsent:
                slot.unsent()
                error = type(unsent).__name__
                raise
            except httpx2.HTTPError as failed:
                error = type(failed).__name__
                raise
            finally:
                month, attempt_token = _charged.get() or (None, None)
                ms = round((time.monotonic() - began) * 1000)
                call = Call(self._provider, request.url.path, sent_at, ms, units, status, error, month, attempt_token)
                if error not in {"ConnectError", "ConnectTimeout"}:
                    await self._answers.record(call)

    async def aclose(self) -> None:
        await self._inner.aclose()


class Transport:
    """The way to one provider."""

    def __init__(
        self, settings: ProviderSettings, lanes: Lanes, answers: Answers, *, contact: str, version: str
    ) -> None:
        self.settings = settings
        self.name = settings.name
        self._lanes, self._answers = lanes, answers
        agent = f"{product.capitalize()}/{version}" + (f" ({contact})" if contact else "")
        self.client = httpx2.AsyncClient(
            transport=_Metered(self.name, lanes, answers, httpx2.AsyncHTTPTransport()),
            base_url=settings.base_url,
            timeout=httpx2.Timeout(settings.timeout, connect=5.0),
            headers={"User-Agent": agent},
            follow_redirects=True,
        )

    async def aclose(self) -> None:
        await self.client.aclose()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        read: Callable[[httpx2.Response], T],
        explain: Callable[[httpx2.Response], errors.ProviderError | None],
        params: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        units: int = 1,
        life: timedelta | None = None,
        empty: Callable[[Any], bool] = lambda parsed: not parsed,
    ) -> tuple[Any, datetime]:
        """A stored answer, or a fresh one that is stored before it is returned, with its time of fetching (UTC).

        `explain` turns a refusing response into one of our errors, or None if the response is an answer;
        `read` turns an answer into plain JSON data, raising BadAnswer if it cannot. Headers (keys) are no part of
        the storage key. `life` limits how long the answer serves; one that is `empty` serves NEGATIVE_LIFE.
        Tries again on ProviderDown, BadAnswer and short waits, TRIES sends in all.
        """
        request = {"method": method, "path": path, "params": dict(params or {}), "body": body}
        key = storage_key(request)
        stored = await self._answers.read(self.name, key)
        if stored is not None:
            return stored
        parsed: Any = None
        async for attempt in stamina.retry_context(on=_wait_before_next_try, attempts=TRIES, timeout=None):
            with attempt:
                parsed = await self._send(request, headers, units, read, explain)
        if empty(parsed):
            life = NEGATIVE_LIFE
        return parsed, await self._answers.write(self.name, key, request, parsed, life)

    async def _send(
        self,
        request: dict[str, Any],
        headers: Mapping[str, str] | None,
        units: int,
        read: Callable[[httpx2.Response], T],
        explain: Callable[[httpx2.Response], errors.ProviderError | None],
    ) -> T:
        async with self.watched():
            response = await self.client.request(
                request["method"],
                request["path"],
                params=request["params"],
                json=request["body"],
                headers=dict(headers or {}),
                extensions={"units": units},
            )
            problem = explain(response)
            if problem is not None:
                raise problem
            return read(response)

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Connection errors inside become ProviderDown; a refusal for speed or quota pauses the lane for everybody."""
        try:
            yield
        except httpx2.TimeoutException as slow:
            raise errors.ProviderDown(self.name, f"no answer within {self.settings.timeout:g} s") from slow
        except httpx2.HTTPError as broken:
            raise errors.ProviderDown(self.name, f"connection failed ({type(broken).__name__})") from broken
        except errors.RateLimited as refused:
            until = datetime.now(UTC) + timedelta(seconds=refused.retry_after or 1.0)
            await self._lanes.pause(self.name, until, refused.message)
            raise
        except errors.QuotaSpent as spent:
            await self._lanes.pause(self.name, spent.until, spent.message)
            raise


def _wait_before_next_try(error: Exception) -> bool | float:
    """Stamina's question: try again, and after how many seconds exactly?"""
    match error:
        case errors.RateLimited(retry_after=float(hint)):
            return hint if hint <= LONGEST_WAIT else False
        case errors.RateLimited() | errors.ProviderDown() | errors.BadAnswer():
            return True
        case _:
            return False


def storage_key(request: Any) -> str:
    """A content address: equal requests have equal keys, whoever sends them."""
    return hashlib.sha256(json.dumps(request, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def retry_after(response: httpx2.Response) -> float | None:
    """Seconds from a Retry-After header, given as seconds or as a date; None if absent or unreadable."""
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    with contextlib.suppress(ValueError):
        return max(float(value), 0.0)
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max((at - datetime.now(UTC)).total_seconds(), 0.0)


def json_of(provider: str, response: httpx2.Response) -> Any:
    """The JSON body, or BadAnswer saying what came instead; never the body itself, which may hold secrets."""
    try:
        return response.json()
    except ValueError as broken:
        kind = response.headers.get("content-type", "no content type")
        raise errors.BadAnswer(provider, f"answered {response.status_code} with {kind} that is not JSON") from broken
