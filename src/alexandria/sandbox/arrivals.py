"""Who knocked, and when? Every request is stamped before anything else happens to it, and its answer noted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alexandria.sandbox.clock import Clock


@dataclass(slots=True)
class Arrival:
    """One request. `monotonic` and `wall` are seconds; `status` stays None while no answer has begun.

    `units` is what it cost of a quota, 0 if it was refused or is free."""

    provider: str
    route: str
    monotonic: float
    wall: float
    status: int | None = None
    units: int = 0

    @property
    def accepted(self) -> bool:
        return self.status is not None and self.status < 400


class Arrivals:
    """All arrivals since the last reset."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.forget()

    def forget(self) -> None:
        self._since = self._clock.now()
        self._all: list[Arrival] = []

    def stamp(self, provider: str, route: str) -> Arrival:
        arrival = Arrival(provider, route, self._clock.monotonic(), self._clock.now().timestamp())
        self._all.append(arrival)
        return arrival

    def stats(self, providers: Sequence[str]) -> dict[str, Any]:
        """JSON-ready; times are seconds, wall times since 1970 (UTC)."""
        by_provider: dict[str, list[Arrival]] = defaultdict(list)
        for arrival in self._all:
            by_provider[arrival.provider].append(arrival)
        return {
            "since": self._since.astimezone(UTC).isoformat(),
            "providers": {name: _summary(by_provider[name]) for name in providers},
        }


def _summary(arrivals: Sequence[Arrival]) -> dict[str, Any]:
    accepted = [arrival for arrival in arrivals if arrival.accepted]
    refused = Counter(str(a.status) for a in arrivals if a.status is not None and not a.accepted)
    return {
        "arrivals": len(arrivals),
        "accepted": len(accepted),
        "refused": dict(refused),
        "unanswered": sum(arrival.status is None for arrival in arrivals),
        "units": sum(arrival.units for arrival in arrivals),
        "peak_per_second": peak([arrival.monotonic for arrival in arrivals]),
        "peak_accepted_per_second": peak([arrival.monotonic for arrival in accepted]),
        "times": {
            "monotonic": [arrival.monotonic for arrival in arrivals],
            "wall": [arrival.wall for arrival in arrivals],
        },
        "statuses": [arrival.status for arrival in arrivals],
        "routes": [arrival.route for arrival in arrivals],
    }


def peak(times: Sequence[float], window: float = 1.0) -> int:
    """The most of `times` (seconds, in order) that fall into any half-open window of `window` seconds."""
    most = oldest = 0
    for newest, time in enumerate(times):
        while times[oldest] <= time - window:
            oldest += 1
        most = max(most, newest - oldest + 1)
    return most


class Stamped:
    """The outermost layer of the app: stamps requests to providers, and notes the status when the answer begins."""

    def __init__(self, app: ASGIApp, arrivals: Arrivals, providers: Container[str]) -> None:
        self._app, self._arrivals, self._providers = app, arrivals, providers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        provider, _, rest = scope.get("path", "")[1:].partition("/")
        if scope["type"] != "http" or provider not in self._providers:
            await self._app(scope, receive, send)
            return
        arrival = self._arrivals.stamp(provider, f"{scope['method']} /{rest}")
        scope["arrival"] = arrival

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                arrival.status = message["status"]
            await send(message)

        await self._app(scope, receive, noting)
