"""What may a person do from the page? Schedule, retry, pause and resume, each answered with what was done."""

from __future__ import annotations

from typing import Annotated, TypeVar

from fastapi import APIRouter
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from alexandria.core.errors import BadInput, in_words
from alexandria.core.month import Month
from alexandria.operations import backfill, control, rollout, rollout_schemas, schemas
from alexandria.web.auth.login import OURS
from alexandria.web.dashboard.rendering import ActingRoute, Form, ReadingRoute, done, provider, render
from alexandria.web.routing import Running

WHO = "dashboard"
Body = TypeVar("Body", bound=BaseModel)
CURES = {  # field of a body -> what the form calls it, and what may be there
    "batch_size": ("Months", "a number from 1 to 50"),
    "year_start": ("From", "a year from 1900 to 2100"),
    "year_end": ("To", "a year from 1900 to 2100"),
    "plan": ("The plan", "look at the months anew, then confirm"),
    "why": ("Why", "one line of at most 300 characters that says why"),
    "name": ("Your name", "one line of at most 60 characters"),
    "reason": ("The reason", "one line of at most 300 characters"),
}
ROLLOUT_ACTS: dict[str, tuple[type[rollout_schemas.Act], str]] = {
    "start": (rollout_schemas.StartRequest, "Started"),
    "hold": (rollout_schemas.ReasonedRequest, "Held"),
    "release": (rollout_schemas.ReleaseRequest, "Released"),
    "approve": (rollout_schemas.ApproveRequest, "Approved"),
    "override": (rollout_schemas.ReasonedRequest, "Overridden"),
}
NAMED = 6  # months that an answer lists before it counts


class Name(BaseModel):
    """Who somebody says to be. Everybody comes with the same secret, so that nobody can tell."""

    name: Annotated[schemas.Line, Field(max_length=60)]


router = APIRouter(route_class=ActingRoute, include_in_schema=False)
asking = APIRouter(route_class=ReadingRoute, include_in_schema=False)


@asking.get("/schedule")
async def ask_schedule(request: Request, system: Running) -> Response:
    """Which months would be taken, to be confirmed."""
    number = request.query_params.get("months", "10")
    wanted = _read(schemas.ScheduleRequest, batch_size=_number(number), dry_run=True)
    return render(request, "schedule.html", found=await backfill.schedule(system, wanted, WHO))


@router.post("/schedule")
async def schedule(form: Form, system: Running) -> Response:
    wanted = _read(schemas.ScheduleRequest, batch_size=_number(form.get("months", "")), plan=form.get("plan", ""))
    taken = await backfill.schedule(system, wanted, WHO)
    named = _named([f"{each.year}-{each.month:02d}" for each in taken.months])
    return done("/", f"Scheduled {_months(taken.months_selected)}{named}.")


@router.post("/seed")
async def seed(form: Form, system: Running) -> Response:
    wanted = _read(
        schemas.SeedRequest, year_start=_number(form.get("start", "")), year_end=_number(form.get("end", ""))
    )
    answer = await backfill.seed(system, wanted)
    return done("/", f"{answer.message}. Schedule some of them to begin.")


@router.post("/retry")
async def retry(form: Form, system: Running) -> Response:
    """One month, the failed months of a reason, or all that failed."""
    listed = [str(Month.parse(form["month"]))] if form.get("month") else []
    failed = {} if listed else {"status": "failed"}
    reason = {"reason": form["reason"]} if form.get("reason") else {}
    answer = await control.retry(system, _read(schemas.RetryRequest, months=listed, **failed, **reason), WHO)
    parts = []
    if answer.reopened:
        parts.append(f"{_months(len(answer.reopened))} pending again{_named(answer.reopened)}; schedule to begin.")
    if answer.woken:
        parts.append(f"{_months(len(answer.woken))} in retry going on at once{_named(answer.woken)}.")
    return done(_back(form), " ".join(parts) or "Nothing to retry: no such month is failed, completed or waiting.")


@router.post("/pause")
async def pause(form: Form, system: Running) -> Response:
    answer = await control.pause(system, _read(schemas.PauseRequest, reason=form.get("why", "")), WHO)
    return done("/", f"{answer.message[:1].upper()}{answer.message[1:]}.")


@router.post("/resume")
async def resume(form: Form, system: Running) -> Response:
    """The whole run, or the lane of a provider."""
    named = {"provider": form["provider"]} if form.get("provider") else {}
    answer = await control.resume(system, _read(schemas.ResumeRequest, **named), WHO)
    message = answer.message
    if named:
        name = named["provider"]
        message = message.replace(name, provider(name), 1)
    return done("/", f"{message[:1].upper()}{message[1:]}.")


@router.post("/rollout/{act}")
async def steer_rollout(act: str, form: Form, system: Running) -> Response:
    """Start, hold, release, approve or override, by whoever says so and why."""
    if act not in ROLLOUT_ACTS:
        raise HTTPException(404)
    body, done_ = ROLLOUT_ACTS[act]
    wanted = _read(body, why=form.get("why", ""))
    who = f"{name} by dashboard" if (name := _read(Name, name=form.get("who", "").strip()).name) else WHO
    if isinstance(wanted, rollout_schemas.StartRequest):
        answer = await rollout.start(system, wanted, who)
    else:
        answer = await rollout.act(system, act, wanted, who)
    return done("/", f"{done_}: {answer.message}.")


def _read(body: type[Body], **fields: object) -> Body:
    """The same body as the API's. Raises BadInput as the API would, in the words of the form."""
    try:
        return body.model_validate(fields)
    except ValidationError as invalid:
        first = invalid.errors(include_input=False, include_url=False)[0]
        label, cure = CURES.get(str(first["loc"][0]) if first["loc"] else "", ("", ""))
        why = in_words(first)
        raise BadInput(f"{label}: {why}" if label else why, hint=cure) from None


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() and len(text) < 6 else text


def _back(form: dict[str, str]) -> str:
    back = form.get("back", "/")
    return back if OURS.fullmatch(back) else "/"


def _months(count: int) -> str:
    return "1 month" if count == 1 else f"{count} months"


def _named(months: list[str]) -> str:
    if not months:
        return ""
    more = f" and {len(months) - NAMED} more" if len(months) > NAMED else ""
    return f": {', '.join(months[:NAMED])}{more}"
