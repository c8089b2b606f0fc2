"""Treats clients as a provider does: keys, rate limit, daily quota and latency, the same for all, worded by each."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from random import Random
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from alexandria.sandbox.fault_bodies import of_bodies, of_machines_between
from alexandria.sandbox.fault_responses import Proper, Strike, everywhere
from alexandria.sandbox.request_log import Arrival
from alexandria.sandbox.state import SandboxState

CONTACT = re.compile(r"\([^)]*(@|://|www\.)[^)]*\)")  # of a User-Agent: whom to write to

Answer = Callable[[Request], Awaitable[Response]]
Cost = Callable[[Request], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Latency:
    """Log-normal: half of the answers take less than `median` seconds; `spread` is the deviation of the logarithm."""

    median: float
    spread: float

    def draw(self, rng: Random) -> float:
        return min(self.median * math.exp(rng.gauss(0, self.spread)), 5 * self.median)


class RateWindow:
    """Admits `rate` requests a second in every window, wherever it begins: stricter than a token bucket of that size,
    and than a window fixed to the clock, so a client tuned to either of them is caught."""

    def __init__(self, rate: float) -> None:
        self._size = max(int(rate), 1)
        self._seconds = self._size / rate
        self._admitted: deque[float] = deque(maxlen=self._size)

    def wait(self, at: float) -> float:
        """Return 0 if a request that arrived at `at` (monotonic seconds) is admitted, else the seconds until one will be."""
        if len(self._admitted) == self._size and at - self._admitted[0] < self._seconds:
            return self._admitted[0] + self._seconds - at
        self._admitted.append(at)
        return 0.0

    @property
    def policy(self) -> tuple[int, float]:
        """Requests, and the seconds of their window."""
        return self._size, self._seconds


async def one_unit(_: Request) -> int:
    return 1


async def free(_: Request) -> int:
    return 0


class ProviderSandbox(ABC):
    """One provider. A subclass names its routes and words its refusals; `endpoint` does the rest.

    `latency` is that of most routes; `coverage` is the share of all books that a source knows with their ISBN.
    `usual_rate` (requests/s) is that of its clients unless the sandbox is started with another; None: as published.

    What an answer holds may depend on the request and on `draw`, never on earlier requests; faults alone count them.
    """

    name: ClassVar[str]
    latency: ClassVar[Latency]
    coverage: ClassVar[float] = 0.0
    usual_rate: ClassVar[float | None] = None

    def __init__(self, state: SandboxState) -> None:
        self.state = state
        self._paces: dict[str, RateWindow] = {}
        self._spent: Counter[tuple[str, date]] = Counter()
        scale = state.settings.latency_scale
        others = everywhere(state.clock, scale, self.too_fast)
        self._strikes = {**others, **of_machines_between(), **of_bodies(), **self.faults()}

    @abstractmethod
    def routes(self) -> list[BaseRoute]:
        """The service's own paths."""

    @abstractmethod
    def client(self, request: Request) -> str:
        """Return the client of a request, whose rate and quota it counts against."""

    @abstractmethod
    def stranger(self, request: Request) -> Response | None:
        """Return the refusal of a request without the right to ask, or None."""

    @abstractmethod
    def too_fast(self, request: Request, wait: float) -> Response:
        """The refusal of a request that came `wait` seconds too early."""

    @abstractmethod
    def exhausted(self, request: Request) -> Response:
        """The refusal of a request for which the day's quota does not suffice."""

    def rate(self, request: Request) -> float:  # noqa: ARG002 # some services have faster and slower clients
        """Requests per second that this client may send."""
        return self.state.settings.rate(self.name)

    def headers(self, request: Request) -> dict[str, str]:  # noqa: ARG002 # most services send none
        """What the service puts on all its responses."""
        return {}

    def faults(self) -> Mapping[str, Strike]:
        """What can go wrong here and nowhere else, by its name in the catalogue."""
        return {}

    async def month(self, request: Request) -> str:  # noqa: ARG002 # only a model is asked about months
        """The month (YYYY-MM) that a request is about, or ""."""
        return ""

    def endpoint(self, answer: Answer, cost: Cost = one_unit, latency: Latency | None = None) -> Answer:
        """`answer` behind key, pace, faults, quota and latency, which is the service's own if it is not given."""

        async def handle(request: Request) -> Response:
            response = self.stranger(request) or self._too_fast(request)
            arrival = _arrival(request)
            arrival.client = sha256(self.client(request).encode()).hexdigest()[
                :8
            ]  # visible to every reader of the stats
            request.state.text = await _text(request)
            arrival.asked, arrival.month = await cost(request), await self.month(request)
            if response is None:
                response = await self._strike(request, lambda: self._proper(request, answer, latency or self.latency))
            response.headers.update(self.headers(request))
            return response

        return handle

    def draw(self, request: Request, purpose: str) -> Random:
        """Chance that depends on the seed, this service, the request's content and `purpose`."""
        return self.state.draw(self.name, purpose, request.state.text)

    def pace(self, request: Request) -> RateWindow:
        return self._paces.setdefault(self.client(request), RateWindow(self.rate(request)))

    def spent(self, request: Request) -> int:
        """Units that this client has used on the service's day on which this request came."""
        return self._spent[self.client(request), self._day(request)]

    @property
    def daily_limit(self) -> int | None:
        return self.state.settings.daily_limit(self.name)

    def _day(self, request: Request) -> date:
        return datetime.fromtimestamp(_arrival(request).wall, self.state.settings.zone(self.name)).date()

    def _too_fast(self, request: Request) -> Response | None:
        wait = self.pace(request).wait(_arrival(request).monotonic)
        return self.too_fast(request, wait) if wait else None

    async def _strike(self, request: Request, proper: Proper) -> Response:
        arrival = _arrival(request)
        path = arrival.route.partition(" /")[2]
        fault = self.state.faults.strike(self.name, path, request.state.text)
        if fault == "none":
            return await proper()
        arrival.fault = fault
        return await self._strikes[fault](request, proper)

    async def _proper(self, request: Request, answer: Answer, latency: Latency) -> Response:
        """What is due without a fault, after the time that it takes."""
        refused = self._exhausted(request)
        if refused:
            return refused
        response = await answer(request)
        seconds = latency.draw(self.draw(request, "latency"))
        await self.state.clock.sleep(seconds * self.state.settings.latency_scale)
        return response

    def _exhausted(self, request: Request) -> Response | None:
        arrival = _arrival(request)
        if self.daily_limit is not None and self.spent(request) + arrival.asked > self.daily_limit:
            return self.exhausted(request)
        self._spent[self.client(request), self._day(request)] += arrival.asked
        arrival.units = arrival.asked
        return None


def _arrival(request: Request) -> Arrival:
    arrival: Arrival = request.scope["arrival"]
    return arrival


async def _text(request: Request) -> str:
    """The content of a request in one string: equal requests have equal texts, whatever their keys."""
    params = sorted((name, value) for name, value in request.query_params.multi_items() if name != "key")
    body = (await request.body()).decode(errors="replace")
    return f"{request.method} {request.url.path} {params} {body}"
