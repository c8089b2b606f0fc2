"""The daily checks of the backfill, each with its figures and the fix."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from alexandria.backfill.repositories import months
from alexandria.core.errors import Unknown
from alexandria.core.grammar import counted
from alexandria.core.lazy_model import LazyModel
from alexandria.database.pool import Row
from alexandria.operations import quota, quota_schemas, rollout
from alexandria.operations.alerts.rules import Incident, IncidentKind
from alexandria.operations.rollout_schemas import RolloutAnswer
from alexandria.operations.system import System

# Which incidents belong to which line; what is new is a line of its own.
OF_COMPLETION = {
    IncidentKind.NO_WORKER,
    IncidentKind.MONTHS_BLOCKED,
    IncidentKind.PROVIDERS_DOWN,
    IncidentKind.PAUSED,
}
OF_QUOTA = {IncidentKind.QUOTA_SPENT, IncidentKind.LANE_PAUSED}
OF_FAILURES = {IncidentKind.MONTHS_FAILING}
OF_ROLLOUT = {IncidentKind.ROLLOUT_SHUT, IncidentKind.ROLLOUT_WAITS}
HALTED = {"shut", "approval", "held"}  # where a rollout waits for a person
MIN_RESOLUTION_RATE = 90.0  # percent, as in the guide


@dataclass(frozen=True, slots=True)
class DailyCheck:
    """One line of the report. `figures` has the numbers of `message` for programs; `fix` is empty if the check passed."""

    name: str
    ok: bool
    message: str
    figures: dict[str, Any] = field(default_factory=dict)
    fix: str = ""


class DailyCheckRow(LazyModel):
    """One daily check."""

    name: str
    ok: bool
    message: str
    figures: Annotated[dict[str, Any], Field(description="the numbers of the message")]
    fix: Annotated[str, Field(description="what to do; empty if the check passed")]


class DailyChecksAnswer(LazyModel):
    """The daily checks, in the guide's order."""

    ok: Annotated[bool, Field(description="whether every check passed")]
    checks: list[DailyCheckRow]


async def show(system: System, least_resolved: float) -> DailyChecksAnswer:
    """All daily checks as the API has them."""
    found = await checklist(system, least_resolved)
    rows = [DailyCheckRow.model_validate(each, from_attributes=True) for each in found]
    return DailyChecksAnswer(ok=all(each.ok for each in found), checks=rows)


async def checklist(system: System, least_resolved: float) -> list[DailyCheck]:
    """All daily checks, in the guide's order. `least_resolved` is the lowest passing percentage of books with an ISBN."""
    async with system.database.transaction() as connection:
        counts = await months.daily(connection)
    incidents = await system.alerts.current_incidents()
    spent = await quota.show(system)
    found = [
        _completion(counts, _of(incidents, OF_COMPLETION)),
        _resolution(counts, least_resolved),
        _quota(spent, system.alerts.in_use, _of(incidents, OF_QUOTA)),
        _failures(counts, _of(incidents, OF_FAILURES)),
        _stuck(counts),
    ]
    with contextlib.suppress(Unknown):  # none was started
        found.append(_rollout(await rollout.show(system), _of(incidents, OF_ROLLOUT)))
    others = [each for each in incidents if each.kind not in OF_COMPLETION | OF_QUOTA | OF_FAILURES | OF_ROLLOUT]
    return [*found, *(DailyCheck(each.kind.value, False, each.reason, fix="alexandria doctor") for each in others)]


def _of(incidents: Sequence[Incident], kinds: set[IncidentKind]) -> str:
    return "; ".join(each.reason for each in incidents if each.kind in kinds)


def _completion(counts: Row, wrong: str) -> DailyCheck:
    names = ("total", "completed", "completed_lately", "adopted", "processing", "retry", "pending", "failed")
    message = (
        f"{counts['completed']} of {counted(counts['total'], 'month')} completed, {counts['completed_lately']} within a day; "
        f"{counts['processing']} processing, {counts['retry']} in retry, {counts['pending']} pending"
    )
    figures = {name: counts[name] for name in names}
    if counts["adopted"]:
        message += f"; {counted(counts['adopted'], 'completed month')} adopted from an earlier scheduler"
    return DailyCheck("completion", not wrong, _with(message, wrong), figures, "alexandria doctor" if wrong else "")


def _resolution(counts: Row, least: float) -> DailyCheck:
    rate, lately = counts["resolution"], counts["resolution_lately"]
    figures = {"percent": rate, "percent_lately": lately, "least": least}
    if rate is None:
        done = "no month completed here yet" if counts["adopted"] else "no month completed yet"
        return DailyCheck("resolution", True, done, figures)
    within = "" if lately is None else f", {lately} % within a day"
    ok = float(rate) >= least
    message = f"{rate} % of a month's books have an ISBN{within}; {least:g} % required"
    return DailyCheck(
        "resolution", ok, message, figures, "" if ok else "alexandria months, then alexandria month for a poor one"
    )


def _quota(found: quota_schemas.QuotaStatus, in_use: frozenset[str], wrong: str) -> DailyCheck:
    limited = {name: each for name, each in found.providers.items() if each.safety_limit is not None and name in in_use}
    used = {name: each.percentage_used for name, each in limited.items()}
    message = ", ".join(f"{name} {each.percentage_used:g} % of {each.safety_limit}" for name, each in limited.items())
    message = message or "no provider in use has a daily limit"
    return DailyCheck(
        "quota", not wrong, _with(message, wrong), {"percentage_used": used}, "alexandria quota" if wrong else ""
    )


def _failures(counts: Row, wrong: str) -> DailyCheck:
    failed = counts["failed"]
    message = f"{counted(failed, 'month')} failed, {counts['failed_lately']} within a day" if failed else "none"
    fix = "alexandria months --status failed, and once the cause is fixed: alexandria retry --failed" if failed else ""
    figures = {"failed": failed, "failed_lately": counts["failed_lately"]}
    return DailyCheck("failures", not failed, _with(message, wrong), figures, fix)


def _stuck(counts: Row) -> DailyCheck:
    stuck = counts["stuck"]
    message = (
        f"{counted(stuck, 'month')} processing for over an hour" if stuck else "no month processing for over an hour"
    )
    fix = "alexandria doctor; a running worker rescues them by itself" if stuck else ""
    return DailyCheck("stuck", not stuck, message, {"stuck": stuck}, fix)


def _rollout(answer: RolloutAnswer, wrong: str) -> DailyCheck:
    halted = wrong or (answer.ended_at is None and answer.next.kind in HALTED)
    figures = {"phase": answer.phase, "verdict": answer.gate.verdict, "next": answer.next.kind}
    return DailyCheck("rollout", not halted, answer.message, figures, "alexandria rollout status" if halted else "")


def _with(message: str, wrong: str) -> str:
    return f"{message}; {wrong}" if wrong else message
