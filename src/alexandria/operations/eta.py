"""What does the run do now, when will it be done, and what is it waiting for? In words that say no more than is known."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from alexandria.forecast.forecaster import ForecastReport
from alexandria.operations.progress import Cell, Pace
from alexandria.operations.status_style import BLOCKED, PALETTE

ENOUGH = 5  # months done within an hour, below which nothing is said about the rest
WIDTH = 1.28  # standard deviations either way that hold four of five outcomes


@dataclass(frozen=True, slots=True)
class Outlook:
    """A few words, and a sentence that says why."""

    headline: str
    why: str


@dataclass(frozen=True, slots=True)
class Standing:
    """In a word what the run does now, why in a sentence, and the state whose sign and colour say the same."""

    word: str
    why: str
    sign: str

    @property
    def glyph(self) -> str:
        return PALETTE[self.sign].glyph


def standing(cells: Sequence[Cell], paused: str, workers: int) -> Standing:
    """`paused` tells the pause that lasts, or is empty; `workers` have beaten lately."""
    counted = Counter(cell.state for cell in cells)
    at_work, waiting = counted["processing"], counted["retry"] + counted[BLOCKED]
    if not cells:
        return Standing("Nothing to do", "There are no months yet.", "pending")
    if paused:
        return Standing("Paused", f"{paused.removeprefix('paused ')}.", BLOCKED)
    if not at_work + waiting + counted["pending"]:
        ended = ("Ended with failures", "failed") if counted["failed"] else ("Finished", "completed")
        return Standing(ended[0], f"{_nothing_left(counted)}.", ended[1])
    if not at_work + waiting:
        return Standing("Idle", f"{counted['pending']} months wait for somebody to schedule them.", "pending")
    if not workers:
        return Standing("Standing still", "No worker is alive. Start one: alexandria work", "failed")
    if not at_work:
        return Standing("Waiting", f"{_limit(cells) or f'{waiting} months are tried again later'}.", "retry")
    return Standing("Running", f"{at_work} months in work, {waiting} wait to be tried again.", "processing")


def outlook(cells: Sequence[Cell], pace: Pace, paused: str, workers: int, planned: Outlook | None = None) -> Outlook:
    """`paused` tells the pause that lasts, or is empty; `workers` have beaten lately; `planned` is by a rollout."""
    counted = Counter(cell.status for cell in cells)
    left = len(cells) - counted["completed"] - counted["failed"]
    if not left:
        ended = "Ended" if counted["failed"] else "Done"
        return Outlook(ended if cells else "Nothing seeded", _nothing_left(counted))
    if paused:
        return Outlook("On hold", f"{left} months are left when the run is resumed")
    if planned:
        return planned
    if not pace.under_way:
        return Outlook("Not scheduled", f"{left} months wait for somebody to schedule them")
    if not workers:
        return Outlook("Not known", f"{pace.under_way} months are under way and nobody works on them")
    if pace.last_hour < ENOUGH:
        return Outlook("Estimating", f"until {ENOUGH} months are done within an hour. {_limit(cells)}".strip())
    later = f", {counted['pending']} of them not scheduled yet" if counted["pending"] else ""
    return Outlook(
        _range(left, pace), f"if the last hour's pace holds for {left} months{later}. {_limit(cells)}".strip()
    )


def foreseen(report: ForecastReport) -> Outlook:
    """The finish of a rollout by its forecast: the range of 80 % of the simulations, and the limiting factor."""
    now = report.forecast
    if now.early is None or now.late is None:
        return Outlook(
            "Needs action", f"will not finish without approval at gate '{now.stuck_at}'. {report.assumed}".strip()
        )
    stops = f" {now.stuck:.0%} of the simulations stop at gate '{now.stuck_at}'." if now.stuck else ""
    why = f"80 % likely. Limiting factor: {now.limit.description}.{stops} {report.assumed}".strip()
    return Outlook(_between(now.early.astimezone(UTC), now.late.astimezone(UTC)), why)


def by_pace(ends: tuple[date, date] | None) -> Outlook | None:
    """By the days of a plan's fastest and slowest pace."""
    if ends is None:
        return None
    told = " to ".join(dict.fromkeys(f"{day.day} {day:%b}" for day in ends))
    return Outlook(told, "by the plan's pace, if no gate shuts and the quota lasts")


def _nothing_left(counted: Counter[str]) -> str:
    if not counted:
        return "next: alexandria seed 2000..2024"
    failed = counted["failed"]
    return f"{counted['completed']} months completed" + (f", {failed} failed" if failed else "")


def _range(left: int, pace: Pace) -> str:
    """From when to when, from the time between the first completion of the hour and now."""
    assert pace.first_of_hour is not None
    seconds = max((pace.at - pace.first_of_hour).total_seconds(), 1.0)
    count = pace.last_hour - 1
    doubt = WIDTH * math.sqrt(count)
    early, late = (
        pace.at + timedelta(seconds=left * seconds / rate) for rate in (count + doubt, max(count - doubt, 0.5))
    )
    return _between(early.astimezone(UTC), late.astimezone(UTC))


def _between(early: datetime, late: datetime) -> str:
    if late - early > timedelta(days=4):
        return f"{early:%d %b}–{late:%d %b}"
    if early.date() == late.date():
        return f"{early:%d %b %H:%M}–{late:%H:%M} UTC"
    return f"{early:%d %b %H:%M}–{late:%d %b %H:%M} UTC"


def _limit(cells: Sequence[Cell]) -> str:
    """What most of the waiting months wait for."""
    blocked = Counter(cell.blocked_reason for cell in cells if cell.blocked_reason)
    if not blocked:
        return ""
    reason, months = blocked.most_common(1)[0]
    return f"{months} months wait: {reason}"
