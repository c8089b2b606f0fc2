"""What does the forecast of this installation rest on? Its settings, its history and the prices of its models."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from alexandria.backfill.repositories import months, pauses
from alexandria.backfill.source_selection import Policy
from alexandria.core.config import KEYS, Settings
from alexandria.core.errors import AlexandriaError
from alexandria.database.pool import Database
from alexandria.forecast import repository
from alexandria.forecast.estimate import SWIFT_EVERY, Estimator, Forecast
from alexandria.forecast.repository import Tokens
from alexandria.forecast.scenario import Lane, World
from alexandria.providers.limits.rate import LaneStatus
from alexandria.providers.llm import GeneratorSpec, parse_generators
from alexandria.rollout import plan as plans
from alexandria.rollout import repository as rollouts
from alexandria.rollout.decisions import Standing
from alexandria.rollout.plan import Plan
from alexandria.rollout.repository import Rollout

log = structlog.get_logger(__name__)

# What is expected until it has been measured: the share of all books that a source knows, and seconds for an answer.
KNOWS = {"isbndb": 0.9, "google_books": 0.7, "open_library": 0.6, "internet_archive": 0.3, "wikidata": 0.15}
SECONDS = {"gemini": 15.0, "xai": 15.0, "openai": 60.0, "wikidata": 2.0, "isbndb": 0.5, "internet_archive": 1.5}
DECLINE = 0.001  # of the share of named books that can be found, for each year back
PAID = ("isbndb",)
LIST = Tokens(600, 2500)  # of one list, thinking included
VENDORS = {"gemini": "google", "xai": "x-ai"}  # as the list of prices calls them
RUNS = 40  # campaigns for whoever looks at the page
FRESH = timedelta(minutes=5)  # how long a forecast is shown before it is made anew
BEATEN = 60.0  # seconds within which a worker that runs has been heard
AFTER_FAILURE = timedelta(minutes=1)  # before the next try
SILENCE = timedelta(hours=1)  # after which one that could not be made anew is not shown any more


@dataclass(frozen=True, slots=True)
class Told:
    """A forecast of the plan `name`; `started`: its rollout runs. `notes` say what was taken for granted."""

    forecast: Forecast
    name: str
    started: bool
    notes: tuple[str, ...]


@dataclass(slots=True)
class Forecaster:
    """Makes forecasts, and keeps the last one for those who cannot wait."""

    database: Database
    settings: Settings
    allowances: Callable[[], Awaitable[Sequence[LaneStatus]]]
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _last: Told | None = None
    _making: asyncio.Task[None] | None = None
    _not_before: datetime | None = None

    async def tell(self, plan: Plan | None = None, *, runs: int = 100, seed: int = 1) -> Told:
        """Of the rollout that runs; of `plan` as if it began now; or of the plan that comes with the product."""
        now, lanes = self.now(), await self.allowances()
        async with self.database.transaction() as connection:
            newest = await rollouts.newest(connection)
            started = plan is None and newest is not None and newest.ended_at is None
            rollout = newest if started and newest is not None else _unstarted(plan, now)
            spent = {lane.name: lane.used + lane.reserved for lane in lanes}
            past = await repository.past(connection, rollout, spent, now)
            tokens = await repository.tokens(connection)
            pause = await pauses.paused(connection)
            workers = (await months.workers(connection, BEATEN))["beating"]
        notes = [] if started else ["as if it began now, for no such rollout runs"]
        if past.standing.held:
            notes.append(f"as if it were released; it is held by {past.standing.held}")
            past = dataclasses.replace(past, standing=dataclasses.replace(past.standing, held=""))
        if pause is not None:
            notes.append(f"as if it were resumed; {pause}")
        if started and not workers:
            notes.append("as if a worker ran; none does")
        if lacking := [name for name in self.settings.sources if not _keyed(self.settings, name)]:
            notes.append(f"without {' and '.join(lacking)}, for which there is no key")
        world = usual(self.settings, lanes, max(workers, 1))
        priced = prices(parse_generators(self.settings.generators), tokens)
        trial = Estimator(rollout.plan, past, world, seed)
        for number in range(runs):  # one by one, so that others get on and whoever leaves need not wait
            await asyncio.to_thread(trial.run, swift=number % SWIFT_EVERY == 0)
        return Told(trial.told(priced), rollout.plan.name, started, tuple(notes))

    def latest(self, *, started: bool) -> Told | None:
        """The last forecast at once, if there is one of late; a new one is made behind the caller's back when it is due.

        One from before a rollout was `started`, or ended, is none.
        """
        now = self.now()
        age = None if self._last is None or self._last.started is not started else now - self._last.forecast.at
        idle = self._making is None or self._making.done()
        if (age is None or age > FRESH) and idle and (self._not_before is None or now >= self._not_before):
            self._making = asyncio.create_task(self._make())
        return self._last if age is not None and age < SILENCE else None

    async def aclose(self) -> None:
        """Nobody waits for the one that is being made."""
        if self._making is not None:
            self._making.cancel()
            await asyncio.wait({self._making})

    async def _make(self) -> None:
        try:
            self._last = await self.tell(runs=RUNS)
        except AlexandriaError as failed:
            self._not_before = self.now() + AFTER_FAILURE
            log.warning("no forecast", reason=failed.message)


def usual(settings: Settings, lanes: Sequence[LaneStatus], workers: int = 1) -> World:
    """What these settings lead us to expect; limits that the providers have told go before the settings'."""
    caps = {lane.name: lane.cap for lane in lanes}

    def lane(name: str) -> Lane:
        told = settings.providers[name]
        return Lane(
            name,
            told.rate,
            caps.get(name, told.daily_cap),
            told.zone,
            SECONDS.get(name, 1.0),
            paid=name in PAID or name in VENDORS,
            knows=KNOWS.get(name, 0.5),
        )

    generators = dict.fromkeys(spec.provider for spec in parse_generators(settings.generators))
    keyed = [name for name in settings.sources if _keyed(settings, name)]
    return World(
        tuple(map(lane, generators)),
        tuple(map(lane, keyed or settings.sources)),
        policy=Policy(settings.policy),
        at_once=settings.concurrency * workers,
        decline=DECLINE,
    )


def _keyed(settings: Settings, name: str) -> bool:
    """Whether a source can be asked: it needs no key, or has one."""
    return name not in KEYS or settings.providers[name].key is not None


def prices(specs: Sequence[GeneratorSpec], tokens: Mapping[str, Tokens]) -> dict[str, float]:
    """Dollars for a month's lists by provider, as far as prices are known; those of our own models are none."""
    from genai_prices import Usage, calc_price  # noqa: PLC0415 # a long list, needed for forecasts alone

    found: dict[str, float] = {}
    for spec in specs:
        if spec.provider not in VENDORS:
            continue
        used = tokens.get(spec.label, LIST)
        usage = Usage(input_tokens=round(used.input), output_tokens=round(used.output))
        try:
            price = calc_price(usage, model_ref=spec.model, provider_id=VENDORS[spec.provider])
        except LookupError:
            continue
        found[spec.provider] = found.get(spec.provider, 0.0) + float(price.total_price)
    return found


def _unstarted(plan: Plan | None, now: datetime) -> Rollout:
    standing = Standing(now.astimezone(UTC).date())
    return Rollout(0, plan or plans.read(plans.example()), standing, now, "")
