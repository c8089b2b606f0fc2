"""What each request leaves behind: the moment it is on the wire, its record, and its span in a trace."""

import asyncio
import contextlib
from uuid import uuid4

import httpx2
import pytest

from alexandria.core import errors, tracing
from alexandria.core.config import ProviderSettings
from alexandria.core.month import Month
from alexandria.core.provider_facts import PROVIDERS
from alexandria.providers.charging import charged_to
from alexandria.providers.client import CONNECTION_LIMITS, ProviderClient, Request

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class FarEnd:
    """A server on this machine that reads a request at a time, and answers when it is allowed to."""

    def __init__(self):
        self.arrived, self.answer, self.connections = asyncio.Event(), asyncio.Event(), []

    async def serve(self, reader, writer):
        self.connections.append(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                self.arrived.set()
                await self.answer.wait()
                writer.write(ANSWER)
                await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def far_end():
    return FarEnd()


@pytest.fixture
async def wire(far_end, limiter, answers):
    """A client of `far_end` over a real connection."""
    server = await asyncio.start_server(far_end.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    defaults = PROVIDERS["open_library"].limits.model_dump() | {"base_url": f"http://127.0.0.1:{port}", "timeout": 30.0}
    settings = ProviderSettings(name="open_library", **defaults, key=None)
    client = ProviderClient(settings, limiter, answers, contact="", version="1")
    yield client
    far_end.answer.set()
    await client.aclose()
    await asyncio.gather(*far_end.connections)
    server.close()
    await server.wait_closed()


def send(client, path="/x", **wish):
    return client.fetch_uncached(Request("GET", path, **wish), lambda response: response.status_code)


async def test_the_limiter_learns_when_the_request_is_on_the_wire_and_before_it_is_answered(wire, far_end, limiter):
    """Once for each request, on a new connection and on one that is open."""
    for number in (1, 2):
        far_end.arrived.clear()
        far_end.answer.clear()
        asking = asyncio.create_task(send(wire))
        async with asyncio.timeout(20):
            await far_end.arrived.wait()
            await limiter.reported.wait()
        assert not asking.done()
        assert limiter.inside == 1
        assert limiter.on_the_wire == [*range(1, number + 1)]
        limiter.reported.clear()
        far_end.answer.set()
        assert await asking == 200
    assert limiter.on_the_wire == [1, 2]
    assert limiter.announced == [True, True]
    assert len(far_end.connections) == 1


async def test_a_connection_idle_for_two_seconds_is_not_used_again(wire):
    """Servers close theirs after five or more; the one that closes first costs a request."""
    assert CONNECTION_LIMITS.keepalive_expiry == 2.0
    assert wire.http._transport._inner._pool._keepalive_expiry == 2.0


async def test_a_refused_connection_is_not_reported_as_sent(wire, limiter, answers):
    wire.http.base_url = "http://127.0.0.1:1"
    with pytest.raises(errors.ProviderDown):
        await send(wire)
    assert (limiter.on_the_wire, answers.calls) == ([], [])
    assert limiter.refunded == len(limiter.permits) == 3


async def test_a_plain_request_costs_one_unit_and_is_timed(reach, limiter, answers):
    async def far_end(_):
        await asyncio.sleep(0.05)
        return httpx2.Response(200)

    client = reach("gemini", far_end)
    await client.http.get("/models")
    assert limiter.permits == [("gemini", 1)]
    [call] = answers.calls
    assert (call.units, call.status) == (1, 200)
    assert 50 <= call.ms < 20_000


class Body(httpx2.AsyncByteStream):
    def __init__(self, breaks):
        self._breaks, self.closed = breaks, False

    async def __aiter__(self):
        yield b"{}"
        if self._breaks:
            raise httpx2.ReadError("reset")

    async def aclose(self):
        self.closed = True


@pytest.mark.parametrize("breaks", [False, True])
async def test_a_body_is_closed_whether_or_not_it_breaks_off(reach, breaks):
    bodies = []

    def far_end(_):
        bodies.append(Body(breaks))
        return httpx2.Response(200, stream=bodies[-1])

    with contextlib.suppress(errors.ProviderDown):
        await send(reach("isbndb", far_end))
    assert bodies
    assert all(body.closed for body in bodies)


async def test_closing_the_transport_closes_what_it_sends_with(limiter, answers):
    class Inner(httpx2.MockTransport):
        closed = False

        async def aclose(self):
            self.closed = True

    inner = Inner(lambda _: httpx2.Response(200))
    settings = ProviderSettings(name="isbndb", **PROVIDERS["isbndb"].limits.model_dump(), key="canary-key")
    client = ProviderClient(settings, limiter, answers, contact="", version="1", inner=inner)
    await client.aclose()
    assert inner.closed
    assert client.http.is_closed


@pytest.fixture
def spans():
    """What has been exported."""
    export = pytest.importorskip("opentelemetry.sdk.trace.export", reason="the extra otel is not installed")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter").InMemorySpanExporter()
    with tracing.tracing(export.SimpleSpanProcessor(memory)):
        yield memory.get_finished_spans


@pytest.mark.parametrize(
    ("answer", "status", "failure"),
    [
        (200, 200, None),
        (399, 399, None),
        (404, 404, None),
        (400, 400, "400"),
        (500, 500, "500"),
        (None, None, "ReadError"),
    ],
)
async def test_a_span_has_the_status_and_fails_with_what_is_no_answer(reach, spans, answer, status, failure):
    """Not found is an answer. Month, attempt and units are those of the request."""

    def far_end(request):
        if answer is None:
            raise httpx2.ReadError("reset", request=request)
        return httpx2.Response(answer)

    month, token = Month(2023, 11), uuid4()
    client = reach("open_library", far_end)
    with charged_to(month, token), contextlib.suppress(errors.ProviderError):
        await send(client, units=2)
    span = spans()[0]
    data = {name.removeprefix("alexandria."): value for name, value in span.attributes.items()}
    assert data.pop("waited_ms") >= 0
    expected = {"provider": "open_library", "answer": "sent", "path": "/prefix/x", "month": "2023-11", "units": 2}
    expected |= (
        {"attempt": str(token)} | ({"status": status} if status else {}) | ({"error": failure} if failure else {})
    )
    assert data == expected
    assert span.status.is_ok == (failure is None)


async def test_a_span_without_an_attempt_has_neither_month_nor_attempt(reach, spans):
    await send(reach("open_library", httpx2.Response(200)))
    with charged_to(Month(2023, 11), None):
        await send(reach("open_library", httpx2.Response(200)))
    answer = [{"alexandria.month", "alexandria.attempt"} & set(span.attributes) for span in spans()]
    assert answer == [set(), {"alexandria.month"}]
