"""Sends one request at a time within the provider's limits, times it and records it as a call."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2

from alexandria.core import tracing
from alexandria.core.config import ProviderSettings
from alexandria.core.errors import Stalled
from alexandria.core.stall import StallMonitor
from alexandria.providers.base import Call
from alexandria.providers.bodies import AnswerTooLarge, read_whole
from alexandria.providers.charging import charge_attributes, charged, place
from alexandria.providers.front_pages import in_place_of_answer, wall_before
from alexandria.providers.limits.breaker import CircuitBreaker
from alexandria.providers.limits.concurrency import ConcurrencyLimiter
from alexandria.providers.limits.rate import Permit, RateLimiter
from alexandria.providers.response_cache import ResponseCache

CONNECT_TIMEOUT = 5.0  # seconds
NO_ANSWER_STATUSES = frozenset({407, 408, 425})  # beside the server errors: the provider did not take the request
# A proxy that refuses to connect has not passed the request on.
NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)


class PartlyGranted(Exception):
    """The day's quota has room for `granted` units only, fewer than the request costs. Nothing was sent."""

    def __init__(self, granted: int) -> None:
        super().__init__(f"only {granted} units granted")
        self.granted = granted


class MeteredTransport(httpx2.AsyncBaseTransport):
    """Waits for the provider's limits, sends the request, times it and records the call."""

    def __init__(
        self,
        settings: ProviderSettings,
        rate_limiter: RateLimiter,
        cache: ResponseCache,
        inner: httpx2.AsyncBaseTransport,
        concurrency_limiter: ConcurrencyLimiter | None,
        *,
        breaker: CircuitBreaker | None = None,
        stall: StallMonitor | None = None,
    ) -> None:
        self._breaker, self._stall = breaker, stall or StallMonitor()
        self._provider, self._inner = settings.lane, inner
        self._rate_limiter, self._concurrency_limiter, self._cache = rate_limiter, concurrency_limiter, cache
        self._seconds = settings.timeout
        self._timeout = httpx2.Timeout(settings.timeout, connect=min(CONNECT_TIMEOUT, settings.timeout)).as_dict()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        with tracing.answer(self._provider, answer="sent", path=request.url.path, **charge_attributes()):
            return await self._within_limits(request)

    async def _within_limits(self, request: httpx2.Request) -> httpx2.Response:
        wanted_at = time.monotonic()
        units = int(request.extensions.get("units", 1))
        request.extensions = {**request.extensions, "timeout": self._timeout}
        # Concurrency first: once the rate limiter has given its permit, the request must leave at once.
        concurrent = (
            contextlib.nullcontext() if self._concurrency_limiter is None else self._concurrency_limiter.permit()
        )
        async with (
            concurrent,
            self._room(),
            self._rate_limiter.permit(self._provider, units, reports_sent=True, place=place()) as permit,
        ):
            request.extensions["trace"] = _report_sent(permit)
            if permit.granted < units:
                permit.refund()
                raise PartlyGranted(permit.granted)
            tracing.note(units=units, waited_ms=round((time.monotonic() - wanted_at) * 1000))
            return await self._send_and_report(request, permit, units)

    def _room(self) -> contextlib.AbstractAsyncContextManager[None]:
        return contextlib.nullcontext() if self._breaker is None else self._breaker.unanswered.room()

    async def _send_and_report(self, request: httpx2.Request, permit: Permit, units: int) -> httpx2.Response:
        """Send, and report whether the provider answers. What fails while this process stands still proves nothing."""
        began = self._stall.now()
        try:
            response = await self._send(request, permit, units)
        except httpx2.HTTPError as failed:
            if self._stall.stalled_since(began):
                raise Stalled("this process stood still during a request") from failed
            await self._report(permit, _why(failed))
            raise
        except AnswerTooLarge:
            await self._report(permit, "")
            raise
        await response.aread()
        await self._report(permit, _unanswered(response), busy=response.status_code == 503)
        return response

    async def _report(self, permit: Permit, failure: str, *, busy: bool = False) -> None:
        """Report to the circuit breaker that the provider has answered, or why it has not."""
        if self._breaker is None:
            return
        probe, permit.probe = permit.probe, None
        if failure:
            await self._breaker.failed(probe, failure, busy=busy)
        else:
            await self._breaker.answered(probe)

    async def _send(self, request: httpx2.Request, permit: Permit, units: int) -> httpx2.Response:
        sent_at, began = datetime.now(UTC), time.monotonic()
        status, error, sent = None, "cancelled", True
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._inner.handle_async_request(request)
                status = response.status_code
                response = await read_whole(self._provider, response)
            error = ""
            return response
        except NEVER_SENT:
            sent = False
            permit.refund()
            raise
        except TimeoutError:
            error = "ReadTimeout"
            raise httpx2.ReadTimeout("the answer took too long", request=request) from None
        except (httpx2.HTTPError, AnswerTooLarge) as failed:
            error = type(failed).__name__
            raise
        finally:
            _trace_outcome(status, error)
            if sent:
                ms = round((time.monotonic() - began) * 1000)
                await self._cache.record(
                    Call(self._provider, request.url.path, sent_at, ms, units, status, error, *charged())
                )

    async def aclose(self) -> None:
        await self._inner.aclose()


def _unanswered(response: httpx2.Response) -> str:
    """Why the provider has not answered, although a response came; "" if it has."""
    status = response.status_code
    if status >= 500 or status in NO_ANSWER_STATUSES:
        return f"answered {status}"
    page = in_place_of_answer(response) if status == 200 else wall_before(response) if status in {401, 403} else ""
    return f"answered {status} with {page}" if page else ""


def _why(failed: httpx2.HTTPError) -> str:
    return "no answer in time" if isinstance(failed, httpx2.TimeoutException) else f"{type(failed).__name__}"


def _trace_outcome(status: int | None, error: str) -> None:
    if status is not None:
        tracing.note(status=status)
    if error or ((status or 0) >= 400 and status != 404):
        tracing.failed(error or str(status))


def _report_sent(permit: Permit) -> Callable[[str, Mapping[str, Any]], Awaitable[None]]:
    """A trace hook that reports when the request is on the wire, as connecting may take longer than the limiter's gap."""
    connecting = False  # to the provider by a proxy, which is a request of its own

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        nonlocal connecting
        if event.endswith("send_request_body.started"):
            connecting = info["request"].method == b"CONNECT"
        elif event.endswith("send_request_body.complete") and not connecting:
            permit.sent()

    return trace
