"""Actions of the dashboard: schedule, seed, retry, pause, resume, and steer the rollout. Each reports what it did."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from alexandria.core.grammar import counted
from alexandria.core.month import Month
from alexandria.operations import backfill, control, rollout, rollout_schemas, schemas
from alexandria.operations.system import System
from alexandria.web.dashboard.forms import (
    AUDIT_NAME,
    MAX_ID_DIGITS,
    VisitorName,
    number,
    read,
    return_path,
    selection,
    sentence,
)
from alexandria.web.dashboard.rendering import (
    ActionRoute,
    FormFields,
    ReadingRoute,
    provider_name,
    redirect_with_message,
    render,
)
from alexandria.web.routing import Running

ROLLOUT_ACTIONS: dict[str, tuple[type[rollout_schemas.RolloutRequest], str]] = {
    "start": (rollout_schemas.StartRequest, "Started"),
    "hold": (rollout_schemas.ReasonedRequest, "Held"),
    "release": (rollout_schemas.ReleaseRequest, "Released"),
    "approve": (rollout_schemas.ApproveRequest, "Approved"),
    "override": (rollout_schemas.ReasonedRequest, "Overridden"),
}
MAX_LISTED_MONTHS = 6  # in a message
MAX_EXPLAINED_MONTHS = 3  # in a message, each with a reason

router = APIRouter(route_class=ActionRoute, include_in_schema=False)
previews = APIRouter(route_class=ReadingRoute, include_in_schema=False)


@previews.get("/schedule")
async def preview_schedule(request: Request, system: Running) -> Response:
    """The months that would be scheduled, with a button to confirm; of a selection also those that would not, and why."""
    if "selected" in request.query_params:
        return await _preview_selection(request, system, selection(request.query_params["selected"]))
    wanted = read(schemas.ScheduleRequest, batch_size=number(request.query_params.get("months", "10")), dry_run=True)
    return render(request, "schedule.html", found=await backfill.schedule(system, wanted, AUDIT_NAME))


async def _preview_selection(request: Request, system: System, months: list[str]) -> Response:
    found = await backfill.schedule(system, read(schemas.ScheduleRequest, months=months, dry_run=True), AUDIT_NAME)
    retried = await control.retry(system, read(schemas.RetryRequest, months=months, dry_run=True), AUDIT_NAME)
    selected = {"selected": " ".join(months)}
    return render(request, "selection.html", months=months, found=found, retried=retried, selected=selected)


@router.post("/schedule")
async def schedule(request: Request, form: FormFields, system: Running) -> Response:
    """Schedule the months of the preview, those of a selection, or the one of the page."""
    if "selected" in form:
        return await _schedule_selection(request, form, system)
    if form.get("month"):
        named = read(schemas.ScheduleRequest, months=[form["month"]])
        found = await backfill.schedule(system, named, AUDIT_NAME)
        left = [f"Not scheduled: {each.month} is {each.reason}." for each in found.skipped or ()]
        return redirect_with_message(request, return_path(form), " ".join(left) or f"Scheduled {form['month']}.")
    wanted = read(schemas.ScheduleRequest, batch_size=number(form.get("months", "")), plan=form.get("plan", ""))
    scheduled = await backfill.schedule(system, wanted, AUDIT_NAME)
    listed = _list([f"{each.year}-{each.month:02d}" for each in scheduled.months])
    return redirect_with_message(request, "/", f"Scheduled {counted(scheduled.months_selected, 'month')}{listed}.")


async def _schedule_selection(request: Request, form: dict[str, str], system: System) -> Response:
    plan = {"plan": form["plan"]} if form.get("plan") else {}
    named = read(schemas.ScheduleRequest, months=selection(form["selected"]), **plan)
    found = await backfill.schedule(system, named, AUDIT_NAME)
    done = _list([f"{each.year}-{each.month:02d}" for each in found.months])
    message = f"Scheduled {counted(found.months_selected, 'month')}{done}."
    if found.skipped:
        left = [f"{each.month} is {each.reason}" for each in found.skipped[:MAX_EXPLAINED_MONTHS]]
        more = f"; and {len(found.skipped) - len(left)} more" if len(found.skipped) > len(left) else ""
        message += f" Not scheduled: {'; '.join(left)}{more}."
    return redirect_with_message(request, "/", message)


@router.post("/seed")
async def seed(request: Request, form: FormFields, system: Running) -> Response:
    """Add the months of some years."""
    wanted = read(schemas.SeedRequest, year_start=number(form.get("start", "")), year_end=number(form.get("end", "")))
    answer = await backfill.seed(system, wanted)
    return redirect_with_message(request, "/", f"{answer.message}. Next: schedule some of them.")


@router.post("/retry")
async def retry(request: Request, form: FormFields, system: Running) -> Response:
    """Retry one month, those of a selection, the failed months with one reason, or all failed months."""
    listed = [str(Month.parse(form["month"]))] if form.get("month") else []
    if "selected" in form:
        listed = selection(form["selected"])
    failed = {} if listed else {"status": "failed"}
    reason = {"reason": form["reason"]} if form.get("reason") else {}
    wanted = read(schemas.RetryRequest, months=listed, **failed, **reason)
    answer = await control.retry(system, wanted, AUDIT_NAME)
    parts = []
    if answer.reopened:
        reset = f"{counted(len(answer.reopened), 'month')} reset to pending{_list(answer.reopened)}."
        parts.append(f"{reset} Next: schedule {'it' if len(answer.reopened) == 1 else 'them'}.")
    if answer.woken:
        parts.append(f"{counted(len(answer.woken), 'waiting month')} retried now{_list(answer.woken)}.")
    if parts and answer.left:
        parts.append(
            f"{counted(len(answer.left), 'month')} left as they are{_list([each.month for each in answer.left])}."
        )
    message = " ".join(parts) or "Nothing to retry: no such month is failed, completed or waiting."
    return redirect_with_message(request, return_path(form), message)


@router.post("/pause")
async def pause(request: Request, form: FormFields, system: Running) -> Response:
    """Pause the backfill."""
    answer = await control.pause(system, read(schemas.PauseRequest, reason=form.get("why", "")), AUDIT_NAME)
    return redirect_with_message(request, "/", sentence(answer.message))


@router.post("/resume")
async def resume(request: Request, form: FormFields, system: Running) -> Response:
    """Resume the backfill, or requests to one provider."""
    provider = form.get("provider", "")
    wanted = read(schemas.ResumeRequest, **({"provider": provider} if provider else {}))
    message = (await control.resume(system, wanted, AUDIT_NAME)).message
    if provider:
        message = message.replace(provider, provider_name(provider), 1)
    return redirect_with_message(request, "/", sentence(message))


@router.post("/rollout/{action}")
async def steer_rollout(action: str, request: Request, form: FormFields, system: Running) -> Response:
    """Start, hold, release, approve or override, in the name that the visitor enters."""
    if action not in ROLLOUT_ACTIONS:
        raise HTTPException(404)
    body, done = ROLLOUT_ACTIONS[action]
    target = {
        name: number(form[name], MAX_ID_DIGITS)
        for name in ("phase", "rollout", *(["hold"] if action == "release" else []))
        if form.get(name) and action != "start"
    }
    wanted = read(body, why=form.get("why", ""), **target)
    name = read(VisitorName, name=form.get("who", "").strip()).name
    who = f"{name} by {AUDIT_NAME}" if name else AUDIT_NAME
    if isinstance(wanted, rollout_schemas.ActRequest):
        answer = await rollout.act(system, action, wanted, who)
    else:
        assert isinstance(wanted, rollout_schemas.StartRequest)
        answer = await rollout.start(system, wanted, who)
    return redirect_with_message(request, "/", f"{done}: {answer.message}.")


def _list(months: list[str]) -> str:
    if not months:
        return ""
    more = f" and {len(months) - MAX_LISTED_MONTHS} more" if len(months) > MAX_LISTED_MONTHS else ""
    return f": {', '.join(months[:MAX_LISTED_MONTHS])}{more}"
