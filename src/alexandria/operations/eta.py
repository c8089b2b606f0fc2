"""Describes the state of the run and when it will be done, no more precisely than is known."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from alexandria.core.grammar import counted
from alexandria.forecast.forecaster import ForecastReport
from alexandria.operations.progress import CompletionRate, MonthCell
from alexandria.operations.status_style import BLOCKED, STYLES
from alexandria.rollout.controller import RolloutSnapshot
from alexandria.rollout.decisions import Wait, WaitKind

MIN_COMPLETED_PER_HOUR = 5  # months, below which no finish is estimated
DEVIATIONS_FOR_80_PERCENT = 1.28  # standard deviations either way that hold 80 % of the outcomes
MAX_WAIT_IN_SECONDS = 90  # a longer wait is written in minutes


@dataclass(frozen=True, slots=True)
class Eta:
    """When the run will be done: a few words, and a sentence with the reason."""

    headline: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunState:
    """What the run does now in a word or two, why in a sentence, and the month status with the same glyph and colour."""

    label: str
    reason: str
    status: str

    @property
    def glyph(self) -> str:
        return STYLES[self.status].glyph


def run_state(
    cells: Sequence[MonthCell], now: datetime, *, paused: str, workers: int, rollout: RolloutSnapshot | None
) -> RunState:
    """What the run does at `now`.

    `paused` describes the pause that lasts, or is empty; `workers` are alive; `rollout` is the one that runs.
    """
    totals = Counter(cell.state for cell in cells)
    at_work, waiting = totals["processing"], totals["retry"] + totals[BLOCKED]
    if not cells:
        return RunState("Nothing to do", "There are no months yet.", "pending")
    if paused:
        return RunState("Paused", f"{paused.removeprefix('paused ')}.", BLOCKED)
    if not at_work + waiting + totals["pending"]:
        ended = ("Ended with failures", "failed") if totals["failed"] else ("Finished", "completed")
        return RunState(ended[0], f"{_ended_months(totals)}.", ended[1])
    if not workers and (at_work + waiting or rollout is not None):  # a rollout goes on in workers too
        return RunState("Stalled", "No worker is running. Start one: alexandria work", "failed")
    if not at_work + waiting:
        return _idle(totals["pending"], now, rollout)
    if not at_work:
        return RunState("Waiting", _waiting(cells, waiting, now), "retry")
    more = f", {waiting} waiting to retry" if waiting else ""
    return RunState("Running", f"{counted(at_work, 'month')} in progress{more}.", "processing")


def eta(
    cells: Sequence[MonthCell], rate: CompletionRate, *, paused: str, workers: int, planned: Eta | None = None
) -> Eta:
    """When the run will be done; `planned` is the estimate for a rollout that runs."""
    totals = Counter(cell.status for cell in cells)
    left = len(cells) - totals["completed"] - totals["failed"]
    if not left:
        ended = "Ended" if totals["failed"] else "Done"
        return Eta(ended if cells else "No months", _ended_months(totals))
    if paused:
        return Eta("Paused", f"{counted(left, 'month')} left when the run resumes")
    if planned:
        return planned
    if not rate.under_way:
        return Eta("Not scheduled", f"{counted(left, 'month')} to schedule")
    if not workers:
        return Eta("Unknown", f"{counted(rate.under_way, 'month')} under way, but no worker is running")
    if rate.last_hour < MIN_COMPLETED_PER_HOUR:
        reason = f"needs {MIN_COMPLETED_PER_HOUR} months completed within an hour. {_most_common_wait(cells)}"
        return Eta("Estimating", reason.strip())
    later = f", {totals['pending']:,} of them not scheduled yet" if totals["pending"] else ""
    reason = f"if {counted(left, 'month')}{later} go on at the last hour's rate. {_most_common_wait(cells)}"
    return Eta(_range(left, rate), reason.strip())


def eta_from_forecast(report: ForecastReport) -> Eta:
    """The finish of a rollout by its forecast: the range of 80 % of the simulations, and the limiting factor."""
    now = report.forecast
    if now.early is None or now.late is None:
        reason = f"will not finish until a person acts at gate '{now.stuck_at}'. {report.assumed}".strip()
        return Eta("Needs action", reason)
    stops = f" {now.stops}." if now.stops else ""
    reason = f"{now.likelihood}.{stops} Limiting factor: {now.limit.description}. {report.assumed}".strip()
    return Eta(_between(now.early.astimezone(UTC), now.late.astimezone(UTC)), reason)


def eta_from_plan(days: tuple[date, date] | None) -> Eta | None:
    """When a rollout will be done: the days by its fastest and its slowest pace, or None."""
    if days is None:
        return None
    headline = " to ".join(dict.fromkeys(f"{day.day} {day:%b}" for day in days))
    return Eta(headline, "by the plan's pace, if every gate passes and the quota suffices")


def _idle(pending: int, now: datetime, rollout: RolloutSnapshot | None) -> RunState:
    """No month is in progress: the rollout schedules the next ones, or an operator must."""
    if rollout is None:
        return RunState(
            "Idle", f"{counted(pending, 'month')} not scheduled. Start some: alexandria schedule", "pending"
        )
    step = rollout.decision.step
    if not isinstance(step, Wait):
        return RunState("Rollout on", "The next months start within a minute.", "pending")
    if step.kind in {WaitKind.DAY, WaitKind.BUDGET} and step.until is not None:
        until = step.until.astimezone(UTC)
        day = "" if until.date() == now.astimezone(UTC).date() else f"{until.day} {until:%b} "
        return RunState("Rollout on", f"Next months: {day}{until:%H:%M} UTC.", "pending")
    return RunState("Rollout waiting", f"{step.reason[:1].upper()}{step.reason[1:]}.", BLOCKED)


def _waiting(cells: Sequence[MonthCell], waiting: int, now: datetime) -> str:
    blocked = _most_common_wait(cells)
    if blocked:
        return f"{blocked}."
    times = [cell.next_attempt_at for cell in cells if cell.next_attempt_at is not None]
    following = f" (next {_in(min(times) - now)})" if times else ""
    return f"{counted(waiting, 'month')} waiting to retry{following}."


def _in(wait: timedelta) -> str:
    seconds = wait.total_seconds()
    if seconds <= 1:
        return "now"
    if seconds < MAX_WAIT_IN_SECONDS:
        return f"in {seconds:.0f} s"
    minutes = math.ceil(seconds / 60)
    return f"in {minutes} min" if minutes < 60 else f"in {minutes // 60} h {minutes % 60} min"


def _ended_months(totals: Counter[str]) -> str:
    if not totals:
        return "next: alexandria seed 2000..2024"
    failed = f", {totals['failed']:,} failed" if totals["failed"] else ""
    return f"{counted(totals['completed'], 'month')} completed{failed}"


def _range(left: int, rate: CompletionRate) -> str:
    """The earliest and latest finish, from the time between the first completion of the hour and now."""
    assert rate.first_of_hour is not None
    seconds = max((rate.at - rate.first_of_hour).total_seconds(), 1.0)
    count = rate.last_hour - 1
    doubt = DEVIATIONS_FOR_80_PERCENT * math.sqrt(count)
    early, late = (
        rate.at + timedelta(seconds=left * seconds / completed)
        for completed in (count + doubt, max(count - doubt, 0.5))
    )
    return _between(early.astimezone(UTC), late.astimezone(UTC))


def _between(early: datetime, late: datetime) -> str:
    if late - early > timedelta(days=4):
        return f"{early:%d %b}–{late:%d %b}"
    if early.date() == late.date():
        return f"{early:%d %b %H:%M}–{late:%H:%M} UTC"
    return f"{early:%d %b %H:%M}–{late:%d %b %H:%M} UTC"


def _most_common_wait(cells: Sequence[MonthCell]) -> str:
    """What most of the blocked months wait for, or ""."""
    blocked = Counter(cell.blocked_reason for cell in cells if cell.blocked_reason)
    if not blocked:
        return ""
    reason, months = blocked.most_common(1)[0]
    return f"{counted(months, 'month')} waiting: {reason}"
