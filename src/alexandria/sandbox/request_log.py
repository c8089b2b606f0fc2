"""Logs every request: its time before anything else happens to it, and its status."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alexandria.sandbox.clock import Clock


@dataclass(slots=True)
class Arrival:
    """One request. `monotonic` and `wall` are seconds; `status` stays None while no answer has begun.

    `asked` is what it would cost of a quota, `units` what it did: 0 if it was refused or is free. `month` is the one
    that a model was asked about, `fault` what it met on its way, `client` a name for its key or User-Agent.
    """

    provider: str
    route: str
    monotonic: float
    wall: float
    status: int | None = None
    asked: int = 1
    units: int = 0
    month: str = ""
    fault: str = ""
    client: str = ""

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

    def stats(self, zones: Mapping[str, tzinfo]) -> dict[str, Any]:
        """JSON-ready, by the providers in `zones`, the time zone of each provider's day.

        Times are seconds, wall times since 1970 (UTC).
        """
        by_provider: dict[str, list[Arrival]] = defaultdict(list)
        for arrival in self._all:
            by_provider[arrival.provider].append(arrival)
        return {
            "since": self._since.astimezone(UTC).isoformat(),
            "providers": {name: _summary(by_provider[name], zone) for name, zone in zones.items()},
            "model_calls": {name: months for name in zones if (months := _by_month(by_provider[name]))},
        }


def _summary(arrivals: Sequence[Arrival], zone: tzinfo) -> dict[str, Any]:
    accepted = [arrival for arrival in arrivals if arrival.accepted]
    refused = Counter(str(a.status) for a in arrivals if a.status is not None and not a.accepted)
    return {
        "arrivals": len(arrivals),
        "accepted": len(accepted),
        "refused": dict(refused),
        "unanswered": sum(arrival.status is None for arrival in arrivals),
        "units": sum(arrival.units for arrival in arrivals),
        "faults": dict(Counter(arrival.fault for arrival in arrivals if arrival.fault)),
        "clients": dict(Counter(arrival.client for arrival in arrivals if arrival.client)),
        "days": _by_day(arrivals, UTC),
        "own_days": _by_day(arrivals, zone),
        "peak_per_second": peak([arrival.monotonic for arrival in arrivals]),
        "peak_accepted_per_second": peak([arrival.monotonic for arrival in accepted]),
        "times": {
            "monotonic": [arrival.monotonic for arrival in arrivals],
            "wall": [arrival.wall for arrival in arrivals],
        },
        "statuses": [arrival.status for arrival in arrivals],
        "routes": [arrival.route for arrival in arrivals],
    }


def _by_day(arrivals: Sequence[Arrival], zone: tzinfo) -> dict[str, dict[str, int]]:
    """By the day of arrival in `zone`: requests accepted and refused, units that all would cost and that were charged."""
    days: dict[str, Counter[str]] = defaultdict(Counter)
    for arrival in arrivals:
        outcome = "unanswered" if arrival.status is None else "accepted" if arrival.accepted else "refused"
        day = datetime.fromtimestamp(arrival.wall, zone).date().isoformat()
        days[day].update({outcome: 1, "asked": arrival.asked, "units": arrival.units})
    return {day: dict(counts) for day, counts in days.items()}


def _by_month(arrivals: Sequence[Arrival]) -> dict[str, dict[str, int]]:
    """By the month that a model was asked about: its requests, those it was paid for, and of these how many met a fault."""
    months: dict[str, Counter[str]] = defaultdict(Counter)
    for arrival in arrivals:
        if arrival.month:
            paid = arrival.accepted and arrival.units > 0
            months[arrival.month].update({"asked": 1, "paid": paid, "spoilt": paid and bool(arrival.fault)})
    return {month: dict(counts) for month, counts in months.items()}


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
