"""The daily checks of the backfill, each with its figures and the fix."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from alexandria.backfill.repositories import months
from alexandria.cli.doctor.checks import Check
from alexandria.core.errors import Unknown
from alexandria.database.pool import Row
from alexandria.operations import quota, rollout, schemas
from alexandria.operations.alerts.rules import Incident, IncidentKind
from alexandria.operations.rollout_schemas import RolloutAnswer
from alexandria.operations.system import System

# Which incidents belong to which line; what is new is a line of its own.
OF_COMPLETION = {IncidentKind.NO_WORKER, IncidentKind.MONTHS_BLOCKED, IncidentKind.PAUSED}
OF_QUOTA = {IncidentKind.QUOTA_SPENT, IncidentKind.LANE_PAUSED}
OF_FAILURES = {IncidentKind.MONTHS_FAILING}
OF_ROLLOUT = {IncidentKind.ROLLOUT_SHUT, IncidentKind.ROLLOUT_WAITS}
HALTED = {"shut", "approval", "held"}  # where a rollout waits for a person


@dataclass(frozen=True, slots=True)
class DailyCheck:
    """`figures` are what `said` says, for programs; `cure` is empty if all is well."""

    name: str
    ok: bool
    said: str
    figures: dict[str, Any] = field(default_factory=dict)
    cure: str = ""


async def checklist(system: System, least_resolved: float) -> list[DailyCheck]:
    """In the guide's order. `least_resolved` percent of books is well."""
    async with system.database.transaction() as connection:
        counted = await months.daily(connection)
    incidents = await system.alerts.current_incidents()
    spent = await quota.show(system)
    found = [
        _completion(counted, _of(incidents, OF_COMPLETION)),
        _resolution(counted, least_resolved),
        _quota(spent, system.alerts.in_use, _of(incidents, OF_QUOTA)),
        _failures(counted, _of(incidents, OF_FAILURES)),
        _stuck(counted),
    ]
    with contextlib.suppress(Unknown):  # none was started
        found.append(_rollout(await rollout.show(system), _of(incidents, OF_ROLLOUT)))
    others = [each for each in incidents if each.kind not in OF_COMPLETION | OF_QUOTA | OF_FAILURES | OF_ROLLOUT]
    return [*found, *(DailyCheck(each.kind.value, False, each.reason, cure="alexandria doctor") for each in others)]


def _of(incidents: Sequence[Incident], kinds: set[IncidentKind]) -> str:
    return "; ".join(each.reason for each in incidents if each.kind in kinds)


def _completion(counted: Row, wrong: str) -> DailyCheck:
    names = ("total", "completed", "completed_lately", "processing", "retry", "pending", "failed")
    said = (
        f"{counted['completed']} of {counted['total']} months completed, {counted['completed_lately']} within a day; "
        f"{counted['processing']} processing, {counted['retry']} to be retried, {counted['pending']} pending"
    )
    figures = {name: counted[name] for name in names}
    return DailyCheck("completion", not wrong, _with(said, wrong), figures, "alexandria doctor" if wrong else "")


def _resolution(counted: Row, least: float) -> DailyCheck:
    rate, lately = counted["resolution"], counted["resolution_lately"]
    figures = {"percent": rate, "percent_lately": lately, "least": least}
    if rate is None:
        return DailyCheck("resolution", True, "no month is completed yet", figures)
    within = "" if lately is None else f", {lately} % within a day"
    ok = float(rate) >= least
    said = f"{rate} % of a month's books have an ISBN{within}; {least:g} % or more is well"
    return DailyCheck(
        "resolution", ok, said, figures, "" if ok else "alexandria months, and of a poor one: alexandria month"
    )


def _quota(found: schemas.QuotaStatus, in_use: frozenset[str], wrong: str) -> DailyCheck:
    limited = {name: each for name, each in found.providers.items() if each.safety_limit is not None and name in in_use}
    used = {name: each.percentage_used for name, each in limited.items()}
    said = ", ".join(f"{name} {each.percentage_used:g} % of {each.safety_limit}" for name, each in limited.items())
    said = said or "no provider in use has a daily limit"
    return DailyCheck(
        "quota", not wrong, _with(said, wrong), {"percentage_used": used}, "alexandria quota" if wrong else ""
    )


def _failures(counted: Row, wrong: str) -> DailyCheck:
    failed = counted["failed"]
    said = f"{failed} months failed, {counted['failed_lately']} within a day" if failed else "none"
    cure = "alexandria months --status failed, and when the cause is gone: alexandria retry --failed" if failed else ""
    figures = {"failed": failed, "failed_lately": counted["failed_lately"]}
    return DailyCheck("failures", not failed, _with(said, wrong), figures, cure)


def _stuck(counted: Row) -> DailyCheck:
    stuck = counted["stuck"]
    said = f"{stuck} months have been processing for over an hour" if stuck else "none is processing for over an hour"
    cure = "alexandria doctor; if a worker runs, they go on by themselves" if stuck else ""
    return DailyCheck("stuck", not stuck, said, {"stuck": stuck}, cure)


def _rollout(answer: RolloutAnswer, wrong: str) -> DailyCheck:
    halted = wrong or (answer.ended_at is None and answer.next.kind in HALTED)
    figures = {"phase": answer.phase, "verdict": answer.gate.verdict, "next": answer.next.kind}
    return DailyCheck("rollout", not halted, answer.message, figures, "alexandria rollout status" if halted else "")


def _with(said: str, wrong: str) -> str:
    return f"{said}; {wrong}" if wrong else said


def drawn(found: Sequence[DailyCheck | Check]) -> Iterator[str]:
    """A line for each check, and below it the fix."""
    for each in found:
        yield f"{'ok  ' if each.ok else 'FAIL'} {each.name}: {each.said}"
        if each.cure:
            yield f"      fix: {each.cure}"
