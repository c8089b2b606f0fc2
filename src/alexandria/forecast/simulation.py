"""Simulates a whole rollout: the production decisions on a virtual clock, in a scenario drawn by seed.

Equal seeds give equal logs.
"""

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

from alexandria.backfill import retry_policy
from alexandria.backfill.status import Status
from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.forecast.attempts import AttemptResult, SimulatedAttempts, WorkerLost
from alexandria.forecast.history import History, OtherUse, PastAttempt
from alexandria.forecast.scenario import Operator, Scenario, draw_hits
from alexandria.rollout import decisions
from alexandria.rollout.decisions import Advance, Schedule, Wait, WaitKind
from alexandria.rollout.gates import METERED_SOURCE, MonthOutcome, OutcomeTally, RolloutInputs
from alexandria.rollout.plan import Plan, members

HOUR, DAY = 3600, 86400  # seconds
UNDER_WAY = {Status.PROCESSING, Status.RETRY}
HORIZON_DAYS = 400  # and one for each month, after which a simulation is given up
STALLED_DAYS = 7  # for which a gate without data is checked every midnight
MIN_REVIEW_FACTOR, MAX_REVIEW_FACTOR = 0.5, 1.5  # of the operator's average time between two reviews


class Limit(StrEnum):
    """What keeps a rollout from finishing sooner."""

    CADENCE = "cadence"
    QUOTA = "quota"
    RATE = "rate"
    GATE = "gate"
    HOLD = "hold"

    @property
    def description(self) -> str:
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    Limit.CADENCE: "months per day and hours set in the plan",
    Limit.QUOTA: "share of the ISBNdb quota set in the plan",
    Limit.RATE: "speed of providers and workers",
    Limit.GATE: "gates that have not passed",
    Limit.HOLD: "a hold or pause",
}
LIMITS = {
    WaitKind.DAY: Limit.CADENCE,
    WaitKind.BUDGET: Limit.QUOTA,
    WaitKind.WORK: Limit.RATE,
    WaitKind.MISSING: Limit.GATE,
    WaitKind.APPROVAL: Limit.GATE,
    WaitKind.SHUT: Limit.GATE,
    WaitKind.HELD: Limit.HOLD,
    WaitKind.PAUSED: Limit.HOLD,
    WaitKind.FINISHED: Limit.GATE,
}


@dataclass(frozen=True, slots=True)
class SimulationEvent:
    """A line of the simulation's log."""

    at: datetime
    act: str
    detail: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.at.isoformat(timespec='microseconds')} {self.act} {json.dumps(self.detail, sort_keys=True)}"


class RolloutSimulation:
    """One rollout, from its `history` to its end. `decide` is the production's next step; tests pass broken ones.

    Without `keeps_log` it is faster.
    """

    def __init__(
        self,
        plan: Plan,
        scenario: Scenario,
        seed: int,
        history: History,
        *,
        decide: Callable[..., decisions.Step] = decisions.next_step,
        keeps_log: bool = True,
    ) -> None:
        self._keeps_log = keeps_log
        self.plan, self.scenario = plan, scenario
        self.months = [month for months in members(plan) for month in months]
        at, by_months = history.at.timestamp(), history.spent_by_months
        self._horizon_days = HORIZON_DAYS + len(self.months)
        self.simulated = SimulatedAttempts(scenario, seed, at, self._horizon_days, history.spent, by_months=by_months)
        self._decide, self._rng = decide, Random(f"campaign {seed}")  # noqa: S311 # chance that can be repeated
        self.now = history.at.timestamp()
        self.state = history.state
        pending = MonthOutcome()
        self.outcomes = OutcomeTally(plan, {month: history.outcomes.get(month, pending) for month in self.months})
        self.log: list[SimulationEvent] = []
        self._attempts: list[tuple[Month, float, float, str, str]] = []
        self.seconds_by_limit: dict[Limit, float] = dict.fromkeys(Limit, 0.0)
        self.approval_hours: list[float] = list(history.approval_hours)
        self.failed: Counter[Month] = Counter(history.failed)
        self._waited: Counter[Month] = Counter()
        self.due: dict[Month, float] = {month: at.timestamp() for month, at in history.due.items()}
        self.finished_at: datetime | None = None
        self._history = history
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._number = itertools.count()
        self._queue: deque[Month] = deque()
        self._running = 0
        self._reopened: set[Month] = set()
        self._open = 0
        self._under_way = 0  # months in progress or in retry
        self._begun_here = 0  # months, on the first day
        self._waiting: Wait | None = None
        self._waiting_since = self.now
        self._tick_at = math.inf
        self._resume()

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    @property
    def attempts(self) -> tuple[PastAttempt, ...]:
        """The attempts that have ended, those of the history first."""
        return self._history.attempts + tuple(
            PastAttempt(month, datetime.fromtimestamp(began, UTC), datetime.fromtimestamp(ended, UTC), outcome, code)
            for month, began, ended, outcome, code in self._attempts
        )

    @property
    def ended(self) -> int:
        """Months that are completed or failed."""
        return len(self.months) - self._open

    @property
    def stuck(self) -> bool:
        """Whether the rollout has not finished and waits for a person, who does nothing about it in this scenario."""
        if self.state.finished or self._waiting is None:
            return False
        operator = self.scenario.operator
        acts = operator is not None and (operator.override_chance > 0 or operator.retries_failed)
        match self._waiting.kind:
            case WaitKind.SHUT:
                return not acts
            case WaitKind.MISSING:
                return not acts and self.now >= self._waiting_since + STALLED_DAYS * DAY
            case WaitKind.APPROVAL:
                return operator is None
            case _:
                return False

    def requests(self) -> Counter[str]:
        """Requests by provider for all months of the plan, with those of the history."""
        found = Counter(self._history.requests)
        for each in (self._history.unfinished_requests, *self.simulated.requests.values()):
            found.update(each)
        return found

    def run(self, stop: Callable[[RolloutSimulation], bool] = lambda _: False) -> None:
        """Run until the rollout and its months have ended, nothing more can happen, or `stop` returns true."""
        last = self.now + self._horizon_days * DAY
        while self._heap and not (self.state.finished and not self._under_way) and not stop(self):
            at, _, act, arguments = heapq.heappop(self._heap)
            if at > last:
                return
            self._pass_time(at)
            act(*arguments)

    def history(self) -> History:
        """What a database would remember now."""
        completed = Counter(self._history.requests)
        for month, requests in self.simulated.requests.items():
            if self.outcomes[month].status is Status.COMPLETED:
                completed.update(requests)
        return History(
            self.at,
            self.state,
            dict(self.outcomes),
            dict(self.failed),
            {month: datetime.fromtimestamp(at, UTC) for month, at in self.due.items()},
            self.attempts,
            completed,
            self.requests() - completed,
            self.simulated.spent(self.now),
            self.simulated.spent_by_months(self.now),
            self._other_use(),
            begun=self._begun(),
            listed=frozenset(
                month
                for month in self.months
                if month in self.simulated.listed and self.outcomes[month].status in UNDER_WAY
            ),
            approval_hours=tuple(self.approval_hours),
            others=self._history.others,
        )

    def _other_use(self) -> dict[str, tuple[OtherUse, ...]]:
        before, since = self._history.other_use, self.simulated.other_use(self.now)
        return {name: before.get(name, ()) + since.get(name, ()) for name in {**before, **since}}

    def _resume(self) -> None:
        """Continue from the end of the history: interrupted attempts begin again, with the book lists that were bought."""
        for month in self._history.listed:
            self.simulated.mark_listed(month)
        for month, outcome in self.outcomes.items():
            match outcome.status:
                case Status.RETRY:
                    self._open += 1
                    self._under_way += 1
                    self._push(max(self.due.get(month, self.now), self.now), self._wake, month)
                case Status.PROCESSING:
                    self._open += 1
                    self._under_way += 1
                    self._queue.append(month)
                case Status.PENDING:
                    self._open += 1
                case _:
                    pass
        if not self._open:
            self.finished_at = self.at
        if self.scenario.operator is not None:
            self._push(self.now + self._until_review(self.scenario.operator), self._review)
        self._tick_again(self.now)
        self._push(self.now, self._start)

    def _push(self, at: float, act: Callable[..., None], *arguments: Any) -> None:
        heapq.heappush(self._heap, (at, next(self._number), act, arguments))

    def _pass_time(self, at: float) -> None:
        """Advance the clock and charge the time to what the rollout waited for."""
        if self._open and at > self.now:
            working = self._running or self._queue or self._waiting is None
            limit = Limit.RATE if working or self._waiting is None else LIMITS[self._waiting.kind]
            self.seconds_by_limit[limit] += at - self.now
        self.now = at

    def _note(self, act: str, **detail: Any) -> None:
        if self._keeps_log:
            self.log.append(SimulationEvent(self.at, act, detail))

    def _tick_again(self, at: float) -> None:
        """Schedule the first tick of the periodic task at or after `at`."""
        at = math.ceil(at / decisions.TICK_SECONDS) * decisions.TICK_SECONDS
        if at < self._tick_at:
            self._tick_at = at
            self._push(at, self._tick, at)

    def _tick(self, planned_at: float) -> None:
        """Run the periodic task: follow the decisions until one is to wait."""
        if planned_at != self._tick_at:
            return
        self._tick_at = math.inf
        back = self.simulated.outage_end(self.now, "database")
        if back:
            self._tick_again(back)
            return
        while not self.state.finished:
            step = self._decided()
            if isinstance(step, Wait):
                self._wait(step)
                return
            self._follow(step)

    def _decided(self, *, approved: bool = False) -> decisions.Step:
        return self._decide(
            self.plan,
            self.state,
            RolloutInputs(self.at, self.outcomes, self.simulated.quota(self.now), begun=self._begun()),
            approved=approved,
        )

    def _begun(self) -> int:
        """How many months have begun today. On the first day other rollouts may have begun some, too."""
        if self.at.date() != self._history.at.date():
            return 0
        return self._history.begun + self._begun_here

    def _follow(self, step: Schedule | Advance) -> None:
        if isinstance(step, Schedule):
            today = self.at.date()
            self._waiting = None
            self._under_way += len(step.months)
            self._begun_here += len(step.months) * (today == self._history.at.date())
            if self._keeps_log:
                self._note("schedule", phase=self.state.phase, months=[str(month) for month in step.months])
            for month in step.months:
                before = self.outcomes[month]
                self.outcomes[month] = MonthOutcome(
                    Status.PROCESSING, today, before.calls, failed_days=before.failed_days, begun=before.begun
                )
                self._queue.append(month)
            self._start()
        else:
            self._note("advance", phase=self.state.phase, why=step.reason, overridden=self.state.overridden)
            self.state = step.state

    def _wait(self, step: Wait) -> None:
        if self._waiting is None or step.kind is not self._waiting.kind:
            self._note("wait", phase=self.state.phase, kind=step.kind.value, why=step.reason)
            self._waiting_since = self.now
        self._waiting = step
        idle = step.kind in {WaitKind.WORK, WaitKind.MISSING} and self._running == 0
        if step.until is not None:
            self._tick_again(step.until.timestamp())
        elif idle and self.now < self._waiting_since + STALLED_DAYS * DAY:
            midnight = (self.now // DAY + 1) * DAY  # UTC
            self._tick_again(midnight)  # the day's quota and rechecks may bring what is missing

    def _start(self) -> None:
        """Start queued months on the free workers."""
        while self._queue and self._running < self.scenario.concurrency:
            back = self.simulated.outage_end(self.now, "database")
            if back:
                self._push(back, self._start)
                return
            month = self._queue.popleft()
            self._running += 1
            ends, result = self.simulated.attempt(month, self.now)
            self._push(ends, self._end, month, self.now, result)

    def _wake(self, month: Month) -> None:
        self.due.pop(month, None)
        self.outcomes[month] = replace(self.outcomes[month], status=Status.PROCESSING)
        self._queue.append(month)
        self._start()

    def _end(self, month: Month, began: float, result: AttemptResult | Exception) -> None:
        """End an attempt as the worker does: record its books, or follow the retry policy for its error."""
        back = self.simulated.outage_end(self.now, "database")
        if back:  # nothing could be written: the attempt is made again, from stored answers
            self._push(back, self._end, month, began, errors.DatabaseUnavailable("the database was unavailable"))
            return
        self._running -= 1
        if isinstance(result, AttemptResult):
            self._complete(month, began, result)
        else:
            self._postpone(month, began, result)
        self._start()
        if self._waiting is None or self._waiting.kind not in {WaitKind.DAY, WaitKind.WORK} or not self._under_way:
            self._tick_again(self.now)

    def _complete(self, month: Month, began: float, result: AttemptResult) -> None:
        self._record_attempt(month, began, "completed")
        before = self.outcomes[month]
        resolved = result.resolved
        dated = draw_hits(resolved, self.scenario.dated_share, self._rng)
        confirmed = draw_hits(dated, self.scenario.confirmed_share, self._rng)
        self.outcomes[month] = MonthOutcome(
            Status.COMPLETED,
            before.day,
            before.calls + result.requests.get(METERED_SOURCE, 0),
            resolved,
            result.unresolved,
            result.unchecked,
            confirmed,
            dated - confirmed,
            before.failed_days,
            before.begun,
        )
        if self._keeps_log:
            self._note(
                "completed",
                month=str(month),
                began=datetime.fromtimestamp(began, UTC).isoformat(timespec="microseconds"),
                resolved=resolved,
                unresolved=result.unresolved,
                unchecked=result.unchecked,
                requests=result.requests,
            )
        self._close(month)
        self._recheck_later(month, result.unchecked, result.late)

    def _postpone(self, month: Month, began: float, error: Exception) -> None:
        if isinstance(error, WorkerLost):
            decision = retry_policy.decide_lost(self.failed[month], self.at, outage=False)
        else:
            decision = retry_policy.decide(error, self.failed[month], self.at, self._rng, self._waited[month])
        match decision:
            case retry_policy.GiveUp():
                outcome, state = "failed", Status.FAILED
            case retry_policy.Retry(at=at):
                self.failed[month] += 1
                outcome, state = ("lost" if isinstance(error, WorkerLost) else "retry"), Status.RETRY
                self.due[month] = at.timestamp()
            case retry_policy.Snooze(until=until):
                outcome, state = "snoozed", Status.RETRY
                self.due[month] = until.timestamp()
                if decision.code == retry_policy.PROVIDERS_DOWN:
                    self._waited[month] += 1
                    self.due[month] = min(self.due[month], self._answers_again(error))
        self._record_attempt(month, began, outcome, decision.code)
        self._note(outcome, month=str(month), code=decision.code, reason=decision.reason)
        before = self.outcomes[month]
        failed_days = () if state is not Status.FAILED or before.day is None else (before.day,)
        self.outcomes[month] = replace(before, status=state, failed_days=before.failed_days + failed_days)
        if state is Status.FAILED:
            self._close(month)
        else:
            self._push(self.due[month], self._wake, month)

    def _answers_again(self, error: Exception) -> float:
        """When the circuit breaker finds that the providers of an error answer again, and wakes the months."""
        down = (
            [cause.provider for cause in error.causes] if isinstance(error, errors.NoBooks | errors.NoSources) else []
        )
        return self.simulated.answers_again(
            self.now, *down, "models" if isinstance(error, errors.NoBooks) else "sources"
        )

    def _record_attempt(self, month: Month, began: float, outcome: str, code: str = "") -> None:
        self._attempts.append((month, began, self.now, outcome, code))

    def _close(self, month: Month) -> None:
        self._open -= 1
        self._under_way -= 1
        self.failed.pop(month, None)
        self._waited.pop(month, None)
        self.due.pop(month, None)
        if not self._open:
            self.finished_at = self.at

    def _recheck_later(self, month: Month, unchecked: int, late: int) -> None:
        """Look up books whose sources were unavailable again when the providers' new day has begun."""
        again = retry_policy.recheck_at(1, bool(unchecked), self.at) if unchecked else None
        if again is not None:
            self._push(again.timestamp(), self._recheck, month, unchecked, late)

    def _recheck(self, month: Month, unchecked: int, late: int) -> None:
        outcome = self.outcomes[month]
        if outcome.status is not Status.COMPLETED or outcome.hindered != unchecked:
            return  # the month was processed again meanwhile
        if not self.simulated.recheck(month, unchecked, self.now):
            self._recheck_later(month, unchecked, late)
            return
        self.outcomes[month] = replace(
            outcome, resolved=outcome.resolved + late, unresolved=outcome.unresolved + unchecked - late, hindered=0
        )
        self._note("recheck", month=str(month), books=unchecked, resolved=late)
        if self._waiting is not None and self._waiting.kind is not WaitKind.DAY:
            self._tick_again(self.now)

    def _until_review(self, operator: Operator) -> float:
        return operator.review_hours * HOUR * self._rng.uniform(MIN_REVIEW_FACTOR, MAX_REVIEW_FACTOR)

    def _review(self) -> None:
        """The operator approves what waits for it, retries failed months once, and may override a failed gate."""
        operator = self.scenario.operator
        assert operator is not None
        self._push(self.now + self._until_review(operator), self._review)
        if self.simulated.outage_end(self.now, "database") or self._waiting is None:
            return
        failed = operator.retries_failed and self._failed_once()
        if failed:
            self._reopen(failed)
        elif self._waiting.kind is WaitKind.APPROVAL:
            step = self._decided(approved=True)
            if isinstance(step, Advance):
                self.approval_hours.append((self.now - self._waiting_since) / HOUR)
                self._note("approve", phase=self.state.phase)
                self._follow(step)
        elif self._waiting.kind in {WaitKind.SHUT, WaitKind.MISSING} and self._rng.random() < operator.override_chance:
            self._note("override", phase=self.state.phase)
            self.state = replace(self.state, overridden=True)
        else:
            return
        self._tick_again(self.now)

    def _failed_once(self) -> list[Month]:
        if not self.outcomes.states[Status.FAILED]:
            return []
        failed = (m for m, each in self.outcomes.items() if each.status is Status.FAILED and not each.adopted)
        return [m for m in failed if m not in self._reopened]

    def _reopen(self, months: Sequence[Month]) -> None:
        self._note("retry", months=[str(month) for month in months])
        self._reopened.update(months)
        self._open += len(months)
        self.finished_at = None
        for month in months:
            self.outcomes[month] = replace(self.outcomes[month], status=Status.PENDING)
