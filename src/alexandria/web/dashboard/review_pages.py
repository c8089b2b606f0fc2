"""The page of the review queue: what a person should look at first, and the form that answers it, by mouse or by keys."""

from __future__ import annotations

from typing import get_args
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from alexandria.core.errors import BadInput, NotNow, Unknown
from alexandria.operations import curation, review
from alexandria.operations.curation import CurationAnswer, CurationRequest
from alexandria.operations.decision_schemas import summary
from alexandria.operations.system import System
from alexandria.web.dashboard.forms import AUDIT_NAME, MAX_ID_DIGITS, number, read, sentence
from alexandria.web.dashboard.rendering import ActionRoute, FormFields, ReadingRoute, redirect_with_message, render
from alexandria.web.routing import Running, root_path

router = APIRouter(route_class=ReadingRoute, include_in_schema=False)
actions = APIRouter(route_class=ActionRoute, include_in_schema=False)
MAX_UNDOABLE = 20  # answers that the page can undo, one after the other
DEFAULT_REASON = "reviewed"
KEPT = ("reason", "after")  # what the page after an answer has of the one before


@router.get("/review")
async def show_queue(request: Request, system: Running) -> HTMLResponse:
    """The questions that wait. `at` is the one to begin with, `decided` what can be undone, the last one first."""
    given = {name: value for name, value in request.query_params.items() if value}
    at, decided = number(given.pop("at", "")), _decided(given.pop("decided", ""))
    query = review.read_query(given)
    found = await review.queue(system, query)
    address = f"{root_path(request)}/review?"
    return render(
        request,
        "review.html",
        query=query,
        found=found,
        decided=decided,
        answered=isinstance(at, int),
        at=min(at if isinstance(at, int) else 0, max(len(found.items) - 1, 0)),
        words=review.WORDS,
        reasons=[(reason, found.waiting[reason]) for reason in review.WORDS],
        address=address,
        following=address + urlencode(given | {"after": found.next}) if found.next else None,
        default_reason=DEFAULT_REASON,
    )


@actions.post("/review")
async def answer(request: Request, form: FormFields, system: Running) -> Response:
    """Answer a question, or undo an answer; a question that has changed meanwhile is shown again."""
    act, _, target = form.get("answer", "").partition(":")
    decided = _decided(form.get("decided", ""))
    try:
        made = await (_undo(system, form, target) if act == "undo" else _answer(system, form, act, target))
    except (NotNow, Unknown) as missed:
        said = f"Not stored: {missed.message}" + (f" ({missed.hint})" if missed.hint else "")
    else:
        said = sentence(f"{summary(made.decision)[:200]} by {made.decision.who}")
        undone = made.decision.undoes
        decided = [each for each in decided if each != undone] + ([made.decision.id] if undone is None else [])
    kept = {name: form[name] for name in KEPT if form.get(name)}
    kept |= {"at": form.get("at", "")} if form.get("at", "").isdecimal() else {"at": "0"}
    kept |= {"decided": ",".join(map(str, decided[-MAX_UNDOABLE:]))} if decided else {}
    return redirect_with_message(request, f"/review?{urlencode(kept)}", said)


async def _answer(system: System, form: dict[str, str], act: str, target: str) -> CurationAnswer:
    work, _, rest = target.partition(":")
    subject, _, expected = rest.partition(":")
    work_id = number(work, MAX_ID_DIGITS)
    if act not in get_args(review.AnswerToQuestion) or not isinstance(work_id, int):
        raise BadInput("answer: it is not one of the buttons", hint="reload the page")
    given = next(each for each in get_args(review.AnswerToQuestion) if each == act)
    return await review.answer(system, (work_id, subject), given, _request(form, expected), AUDIT_NAME)


async def _undo(system: System, form: dict[str, str], target: str) -> CurationAnswer:
    """Undo an answer; what else was decided on the book meanwhile does not matter, as it names one decision."""
    decision = number(target, MAX_ID_DIGITS)
    if not isinstance(decision, int):
        raise BadInput("answer: it is not one of the buttons", hint="reload the page")
    version = await curation.version_of(system, decision, of_decision=True)
    wanted = _request(form, str(version))
    return await curation.undo(system, decision, curation.UndoRequest(**wanted.model_dump()), AUDIT_NAME)


def _request(form: dict[str, str], expected: str) -> CurationRequest:
    why, who = form.get("why", "").strip() or DEFAULT_REASON, form.get("who", "").strip()
    return read(CurationRequest, why=why, who=who, expected=number(expected, MAX_ID_DIGITS))


def _decided(text: str) -> list[int]:
    """The decisions in an address, without what is none."""
    read_ids = [number(each, MAX_ID_DIGITS) for each in text.split(",")[-MAX_UNDOABLE:]]
    return [each for each in read_ids if isinstance(each, int)]
