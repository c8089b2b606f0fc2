"""How does a whole rollout go? The production decisions on a virtual clock, in a world made by seed: equal seeds, equal logs."""

from __future__ import annotations

import heapq
import itertools
import json
import math
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from alexandria.backfill import status
from alexandria.backfill.status import Status
from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.forecast.attempts import METERED, Books, Lost, SimulatedAttempts
from alexandria.forecast.history import Attempt, Past
from alexandria.forecast.scenario import Person, World
from alexandria.providers.limits.quota_day import calendar
from alexandria.rollout import decisions
from alexandria.rollout.decisions import Advance, Kind, Outcome, Rest, Schedule, View
from alexandria.rollout.plan import Plan, members

HORIZON = 400  # days after which a campaign is given up
TICK = 60.0  # seconds between two looks of the periodic task


class Limit(StrEnum):
    """What keeps a campaign from being done sooner."""

    CADENCE = "cadence"
    QUOTA = "quota"
    RATE = "rate"
    GATE = "gate"
    HOLD = "hold"

    @property
    def told(self) -> str:
        return _TOLD[self]


_TOLD = {
    Limit.CADENCE: "the plan's pace: its months a day and its hours",
    Limit.QUOTA: "the share of ISBNdb's day that the plan may spend",
    Limit.RATE: "the pace of providers and workers",
    Limit.GATE: "gates that are not open",
    Limit.HOLD: "a person who holds it",
}
LIMITS = {
    Kind.DAY: Limit.CADENCE,
    Kind.BUDGET: Limit.QUOTA,
    Kind.WORK: Limit.RATE,
    Kind.MISSING: Limit.GATE,
    Kind.APPROVAL: Limit.GATE,
    Kind.SHUT: Limit.GATE,
    Kind.HELD: Limit.HOLD,
    Kind.PAUSED: Limit.HOLD,
    Kind.FINISHED: Limit.GATE,
}


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the audit log."""

    at: datetime
    act: str
    detail: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.at.isoformat(timespec='microseconds')} {self.act} {json.dumps(self.detail, sort_keys=True)}"


class RolloutSimulation:
    """One campaign, from what was `past` to its end. `decide` is the production decision; tests pass broken ones."""

    def __init__(
        self,
        plan: Plan,
        world: World,
        seed: int,
        past: Past,
        *,
        decide: Callable[..., decisions.Decision] = decisions.decide,
    ) -> None:
        self.plan, self.world = plan, world
        self.fortune = SimulatedAttempts(world, seed, past.at.timestamp(), HORIZON, past.spent)
        self._decide, self._rng = decide, Random(f"campaign {seed}")  # noqa: S311 # chance that can be repeated
        self.now = past.at.timestamp()
        self.standing = past.standing
        self.months = [month for months in members(plan) for month in months]
        self.outcomes: dict[Month, Outcome] = {m: past.outcomes.get(m, Outcome()) for m in self.months}
        self.log: list[Event] = []
        self.attempts: list[Attempt] = list(past.attempts)
        self.spent_in: dict[Limit, float] = dict.fromkeys(Limit, 0.0)
        self.waits: list[float] = list(past.waits)
        self.failed: Counter[Month] = Counter(past.failed)
        self.due: dict[Month, float] = {month: at.timestamp() for month, at in past.due.items()}
        self.finished_at: datetime | None = None
        self._before = Counter(past.calls)
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._number = itertools.count()
        self._queue: deque[Month] = deque()
        self._running = 0
        self._reopened: set[Month] = set()
        self._open = 0
        self._rest: Rest | None = None
        self._rest_since = self.now
        self._tick_at = float("inf")
        self._take_up()

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    @property
    def ended(self) -> int:
        """Months that are completed or failed."""
        return len(self.months) - self._open

    def run(self, stop: Callable[[RolloutSimulation], bool] = lambda _: False) -> None:
        """Until the rollout has finished, nothing more can happen, or `stop` says so."""
        last = self.now + HORIZON * 86400
        while self._heap and not self.standing.finished and not stop(self):
            at, _, act, arguments = heapq.heappop(self._heap)
            if at > last:
                return
            self._pass(at)
            act(*arguments)

    def past(self) -> Past:
        """What a database would remember now."""
        return Past(
            self.at,
            self.standing,
            dict(self.outcomes),
            dict(self.failed),
            {month: datetime.fromtimestamp(at, UTC) for month, at in self.due.items()},
            tuple(self.attempts),
            self._before + self.fortune.calls,
            self.fortune.spent(self.now),
            tuple(self.waits),
        )

    def _take_up(self) -> None:
        """Go on from where the past ends: attempts under way begin anew, with their lists named."""
        for month in self.months:
            match self.outcomes[month].status:
                case Status.RETRY:
                    self._open += 1
                    self._push(max(self.due.get(month, self.now), self.now), self._wake, month)
                case Status.PROCESSING:
                    self._open += 1
                    self.fortune.named(month)
                    self._queue.append(month)
                case Status.PENDING:
                    self._open += 1
                case _:
                    pass
        if not self._open:
            self.finished_at = self.at
        if self.world.person is not None:
            self._push(self.now + self._look_after(self.world.person), self._look)
        self._tick_again(self.now)
        self._push(self.now, self._start)

    def _push(self, at: float, act: Callable[..., None], *arguments: Any) -> None:
        heapq.heappush(self._heap, (at, next(self._number), act, arguments))

    def _pass(self, at: float) -> None:
        """Let time go by, charged to what was waited for."""
        if self._open and at > self.now:
            working = self._running or self._queue or self._rest is None
            self.spent_in[Limit.RATE if working or self._rest is None else LIMITS[self._rest.kind]] += at - self.now
        self.now = at

    def _note(self, act: str, **detail: Any) -> None:
        self.log.append(Event(self.at, act, detail))

    def _tick_again(self, at: float) -> None:
        """At the next time that the periodic task comes round."""
        at = math.ceil(at / TICK) * TICK
        if at < self._tick_at:
            self._tick_at = at
            self._push(at, self._tick, at)

    def _tick(self, meant: float) -> None:
        """What the periodic task does: follow the decision until it rests."""
        if meant != self._tick_at:
            return
        self._tick_at = float("inf")
        back = self.fortune.out(self.now, "database")
        if back:
            self._tick_again(back)
            return
        while not self.standing.finished:
            step = self._decided().step
            if isinstance(step, Rest):
                self._rests(step)
                return
            self._follow(step)

    def _decided(self, *, approved: bool = False) -> decisions.Decision:
        return self._decide(
            self.plan, self.standing, View(self.at, self.outcomes, self.fortune.quota(self.now)), approved=approved
        )

    def _follow(self, step: Schedule | Advance) -> None:
        if isinstance(step, Schedule):
            self._rest = None
            self._note("schedule", phase=self.standing.phase, months=[str(month) for month in step.months])
            for month in step.months:
                self.outcomes[month] = replace(self.outcomes[month], status=Status.PROCESSING, day=self.at.date())
                self._queue.append(month)
            self._start()
        else:
            self._note("advance", phase=self.standing.phase, why=step.reason, overridden=self.standing.overridden)
            self.standing = step.standing

    def _rests(self, rest: Rest) -> None:
        if self._rest is None or rest.kind is not self._rest.kind:
            self._note("rest", phase=self.standing.phase, kind=rest.kind.value, why=rest.reason)
            self._rest_since = self.now
        self._rest = rest
        midnight = calendar(self.now, ZoneInfo("UTC")).ends
        waits = rest.kind in {Kind.WORK, Kind.MISSING} and self._running == 0
        if rest.until is not None:
            self._tick_again(rest.until.timestamp())
        elif waits and self.now < self._rest_since + 7 * 86400:
            self._tick_again(midnight)  # the day's quota, and further looks

    def _start(self) -> None:
        """Workers take what waits."""
        while self._queue and self._running < self.world.at_once:
            back = self.fortune.out(self.now, "database")
            if back:
                self._push(back, self._start)
                return
            month = self._queue.popleft()
            self._running += 1
            ends, result = self.fortune.attempt(month, self.now)
            self._push(ends, self._end, month, self.now, result)

    def _wake(self, month: Month) -> None:
        self.due.pop(month, None)
        self.outcomes[month] = replace(self.outcomes[month], status=Status.PROCESSING)
        self._queue.append(month)
        self._start()

    def _end(self, month: Month, began: float, result: Books | Exception) -> None:
        """What the worker's edge does with an attempt: books are recorded, of an error follows what `status` decides."""
        back = self.fortune.out(self.now, "database")
        if back:  # nothing could be written: the attempt is made again, from stored answers
            self._push(back, self._end, month, began, errors.DatabaseUnavailable("the database was away"))
            return
        self._running -= 1
        if isinstance(result, Books):
            self._complete(month, began, result)
        else:
            self._postpone(month, began, result)
        self._start()
        if self._rest is None or self._rest.kind is not Kind.DAY:
            self._tick_again(self.now)

    def _complete(self, month: Month, began: float, books: Books) -> None:
        self._ended(month, began, "completed")
        before = self.outcomes[month]
        resolved = books.resolved
        confirmed = sum(self._rng.random() < self.world.confirmed for _ in range(resolved))
        self.outcomes[month] = replace(
            before,
            status=Status.COMPLETED,
            calls=before.calls + books.calls.get(METERED, 0),
            resolved=resolved,
            unresolved=books.unresolved,
            hindered=books.hindered,
            confirmed=confirmed,
            contradicted=resolved - confirmed,
        )
        self._note(
            "completed",
            month=str(month),
            began=datetime.fromtimestamp(began, UTC).isoformat(timespec="microseconds"),
            resolved=resolved,
            unresolved=books.unresolved,
            hindered=books.hindered,
            calls=books.calls,
        )
        self._close(month)
        self._look_later(month, books.hindered, books.late)

    def _postpone(self, month: Month, began: float, error: Exception) -> None:
        if isinstance(error, Lost):
            decision = status.decide_lost(self.failed[month], self.at, outage=False)
        else:
            decision = status.decide(error, self.failed[month], self.at, self._rng)
        match decision:
            case status.GiveUp():
                outcome, state = "failed", Status.FAILED
            case status.Retry(at=at):
                self.failed[month] += 1
                outcome, state = ("lost" if isinstance(error, Lost) else "retry"), Status.RETRY
                self.due[month] = at.timestamp()
            case status.Snooze(until=until):
                outcome, state = "snoozed", Status.RETRY
                self.due[month] = until.timestamp()
        self._ended(month, began, outcome, decision.code)
        self._note(outcome, month=str(month), code=decision.code, reason=decision.reason)
        self.outcomes[month] = replace(self.outcomes[month], status=state)
        if state is Status.FAILED:
            self._close(month)
        else:
            self._push(self.due[month], self._wake, month)

    def _ended(self, month: Month, began: float, outcome: str, code: str = "") -> None:
        self.attempts.append(Attempt(month, datetime.fromtimestamp(began, UTC), self.at, outcome, code))

    def _close(self, month: Month) -> None:
        self._open -= 1
        self.failed.pop(month, None)
        self.due.pop(month, None)
        if not self._open:
            self.finished_at = self.at

    def _look_later(self, month: Month, hindered: int, late: int) -> None:
        """Books that a source could not be asked about are looked up when the providers' new day has begun."""
        again = status.look_again(1, bool(hindered), self.at)
        if hindered and again is not None:
            self._push(again.timestamp(), self._look_again, month, hindered, late)

    def _look_again(self, month: Month, hindered: int, late: int) -> None:
        outcome = self.outcomes[month]
        if outcome.status is not Status.COMPLETED or outcome.hindered != hindered:
            return  # it was done again meanwhile
        if not self.fortune.look_again(hindered, self.now):
            self._look_later(month, hindered, late)
            return
        self.outcomes[month] = replace(
            outcome, resolved=outcome.resolved + late, unresolved=outcome.unresolved + hindered - late, hindered=0
        )
        self._note("look again", month=str(month), books=hindered, resolved=late)
        if self._rest is not None and self._rest.kind is not Kind.DAY:
            self._tick_again(self.now)

    def _look_after(self, person: Person) -> float:
        return person.hours * 3600 * self._rng.uniform(0.5, 1.5)

    def _look(self) -> None:
        """A person approves what waits for that, has failed months done again once, and may override a shut gate."""
        person = self.world.person
        assert person is not None
        self._push(self.now + self._look_after(person), self._look)
        if self.fortune.out(self.now, "database") or self._rest is None:
            return
        failed = person.retries and self._to_be_done_again()
        if failed:
            self._reopen(failed)
        elif self._rest.kind is Kind.APPROVAL:
            step = self._decided(approved=True).step
            if isinstance(step, Advance):
                self.waits.append((self.now - self._rest_since) / 3600)
                self._note("approve", phase=self.standing.phase)
                self._follow(step)
        elif self._rest.kind in {Kind.SHUT, Kind.MISSING} and self._rng.random() < person.overrides:
            self._note("override", phase=self.standing.phase)
            self.standing = replace(self.standing, overridden=True)
        else:
            return
        self._tick_again(self.now)

    def _to_be_done_again(self) -> list[Month]:
        return [m for m in self.months if self.outcomes[m].status is Status.FAILED and m not in self._reopened]

    def _reopen(self, months: Sequence[Month]) -> None:
        self._note("retry", months=[str(month) for month in months])
        self._reopened.update(months)
        self._open += len(months)
        self.finished_at = None
        for month in months:
            self.outcomes[month] = replace(self.outcomes[month], status=Status.PENDING)
