"""What commands show of a server on another machine, read from its API."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from alexandria.cli.doctor.check import Check
from alexandria.cli.runtime.remote_server import FORECAST_TIMEOUT, SECRET_SETTING, RemoteServer
from alexandria.core.errors import AlexandriaError, ServerUnavailable
from alexandria.core.grammar import counted
from alexandria.operations.alerts.rules import fix_of
from alexandria.operations.daily_checks import DailyCheck, DailyChecksAnswer
from alexandria.operations.forecast import MAX_RUNS_BY_HTTP, ForecastAnswer
from alexandria.operations.incidents import IncidentsAnswer
from alexandria.operations.schemas import CurrentIncident, MonthsAnswer, ReadyAnswer
from alexandria.operations.stats_schemas import StatsAnswer
from alexandria.operations.terminal.status_report import StatusReport

INTERNAL = "/api/internal"
MAX_CLOCK_SKEW = 5.0  # seconds; the time of an answer has whole seconds, and it takes a while to arrive
READY_STATUSES = {200, 503}

Answer = TypeVar("Answer", bound=BaseModel)


async def status(server: RemoteServer) -> StatusReport:
    """The state of all months, as the pages of the server have it."""
    stats, months, incidents = await asyncio.gather(
        server.fetch(f"{INTERNAL}/backfill-stats"),
        server.fetch(f"{INTERNAL}/months"),
        server.fetch("/api/incidents"),
    )
    lasting = [each for each in _as(server, IncidentsAnswer, incidents).incidents if each.cleared_at is None]
    return StatusReport(
        datetime.now(UTC), _as(server, StatsAnswer, stats), _as(server, MonthsAnswer, months).months, lasting
    )


def forecast(server: RemoteServer, runs: int | None, seed: int) -> ForecastAnswer:
    """The forecast that the server makes. More simulations than it makes for a request are refused by it."""
    try:
        found = server.get(f"{INTERNAL}/forecast", timeout=FORECAST_TIMEOUT, runs=runs, seed=seed)
    except ServerUnavailable as failed:
        if runs is not None and runs > MAX_RUNS_BY_HTTP:
            failed.hint = f"a server makes at most {MAX_RUNS_BY_HTTP} simulations for a request"
        raise
    return _as(server, ForecastAnswer, found)


def daily_checks(server: RemoteServer, least_resolved: float) -> list[DailyCheck]:
    """The daily checks, made by the server."""
    found = server.get(f"{INTERNAL}/daily-checks", min_resolution_rate=least_resolved)
    return [
        DailyCheck(each.name, each.ok, each.message, each.figures, each.fix)
        for each in _as(server, DailyChecksAnswer, found).checks
    ]


def installation_checks(server: RemoteServer) -> list[Check]:
    """What can be seen of an installation from another machine: whether it answers, can work, and knows the secret."""
    return asyncio.run(_installation_checks(server))


async def _installation_checks(server: RemoteServer) -> list[Check]:
    try:
        ready = await server.ask("/health/ready")
    except ServerUnavailable as failed:
        return [Check("server", False, failed.message, failed.hint)]
    if ready.status not in READY_STATUSES:
        return [
            Check("server", False, f"{server.url} answered {ready.status}", "is it the address of alexandria itself?")
        ]
    found = [Check("server", True, f"{server.url} answers")]
    if ready.status == 200:
        state = _as(server, ReadyAnswer, ready.body)
        found.append(Check("ready", True, f"{counted(state.workers, 'worker')}, {state.months_in_work} in progress"))
        found += [_incident(each) for each in state.incidents]
    else:
        found_error = ready.body.get("error")
        error: dict[str, Any] = found_error if isinstance(found_error, dict) else {}
        details = error.get("details")
        hint = details.get("hint") if isinstance(details, dict) else None
        found.append(Check("ready", False, str(error.get("message") or "not ready"), str(hint or "see its log")))
    found.append(await _secret(server))
    if ready.clock is not None:
        skew = abs((datetime.now(UTC) - ready.clock).total_seconds())
        fix = "" if skew <= MAX_CLOCK_SKEW else "set both clocks by NTP"
        found.append(Check("clock", not fix, f"{skew:.0f} s apart from the server's", fix))
    return found


def _incident(found: CurrentIncident) -> Check:
    return Check(f"incident {found.kind}", False, found.reason, fix_of(found.kind, found.subject))


async def _secret(server: RemoteServer) -> Check:
    try:
        await server.fetch(f"{INTERNAL}/backfill-stats")
    except AlexandriaError as refused:
        return Check("secret", False, refused.message, refused.hint)
    return Check("secret", True, f"the server accepts {SECRET_SETTING}")


def _as(server: RemoteServer, model: type[Answer], body: dict[str, Any]) -> Answer:
    """The body as a model. Raises ServerUnavailable if it is another one."""
    try:
        return model.model_validate(body)
    except ValidationError as other:
        field = ".".join(map(str, other.errors(include_input=False, include_url=False)[0]["loc"]))[:100]
        raise ServerUnavailable(
            f"{server.url} answered in another form ({field})",
            hint="it is of another version: use that version here, too",
        ) from None
