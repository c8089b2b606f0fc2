"""Forms by which visitors decide about books. A decision that another person forestalled is shown beside the other one."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from alexandria.core.errors import BadInput, DecisionConflict
from alexandria.operations import books, bulk_curation, curation
from alexandria.operations.bulk_curation import BulkRequest
from alexandria.operations.curation import CurationRequest
from alexandria.operations.decision_schemas import summary
from alexandria.web.dashboard.forms import AUDIT_NAME, MAX_ID_DIGITS, number, read, return_path, sentence
from alexandria.web.dashboard.rendering import ActionRoute, FormFields, redirect_with_message, render
from alexandria.web.routing import Running

router = APIRouter(route_class=ActionRoute, include_in_schema=False)
SELECTED = "book-"  # begins the field of a selected book, of which the rest is its number; the value is its ISBN
EDITION = "edition-"  # begins the field of a selected edition, of which the rest is its ISBN
NUMBERS = ("expected", "other_work_id")  # fields of the forms that are numbers


@router.post("/works/{id}/decisions")
async def decide(id: str, request: Request, form: FormFields, system: Running) -> Response:  # noqa: A002 # the name in the path
    """Decide about a book; the field `act` says how."""
    work_id, name = books.read_work_id(id), form.get("act", "")
    if name not in curation.ACTS:
        raise HTTPException(404)
    body, act = curation.ACTS[name]
    given = {field: form[field].strip() for field in body.model_fields if form.get(field, "").strip()}
    given |= {"value": ""} if "value" in body.model_fields and "value" not in given else {}
    wanted = read(body, **given | _numbers(body, given) | _editions(body, form))
    target = books.read_work_id(form.get("decision", "")) if name == "undo" else work_id
    try:
        answer = await act(system, target, wanted, AUDIT_NAME)
    except DecisionConflict as conflict:
        again = {field: text for field, text in form.items() if field != "expected"}
        return render(request, "conflict.html", 409, found=conflict.details, again=again)
    done = sentence(f"{summary(answer.decision)[:200]} by {answer.decision.who}")
    return redirect_with_message(request, return_path(form, f"/works/{answer.work_id}"), done)


@router.post("/books/decisions")
async def decide_on_books(request: Request, form: FormFields, system: Running) -> Response:
    """Decide about the books that are selected in the list."""
    chosen = [f"{field.removeprefix(SELECTED)}={isbn}" for field, isbn in form.items() if field.startswith(SELECTED)]
    if not chosen:
        raise BadInput("No book is selected", hint="tick the books that the decision is about")
    given = {field: form[field].strip() for field in ("act", "why", "who", "month") if form.get(field, "").strip()}
    if given.get("act") != "exclude":
        given.pop("month", None)
    if given.get("act") == "not_notable":
        given["act"] = "exclude"
    expected = number(form.get("expected", ""), MAX_ID_DIGITS)
    wanted = read(BulkRequest, books=bulk_curation.read_selection(chosen), expected=expected, **given)
    try:
        answer = await bulk_curation.decide(system, wanted, AUDIT_NAME)
    except DecisionConflict as conflict:
        return render(request, "conflict.html", 409, found=conflict.details, again=None)
    return redirect_with_message(request, return_path(form, "/books"), sentence(answer.message[:300]))


def _numbers(body: type[CurationRequest], given: dict[str, str]) -> dict[str, object]:
    """The fields of a form that are numbers; one that is left empty stands for itself where it is required."""
    wanted = [name for name in NUMBERS if name in body.model_fields]
    return {
        name: number(given.get(name, ""), MAX_ID_DIGITS)
        for name in wanted
        if name in given or body.model_fields[name].is_required()
    }


def _editions(body: type[CurationRequest], form: dict[str, str]) -> dict[str, list[str]]:
    """The editions that are selected on the page of a book, where an act is about several."""
    if "isbns" not in body.model_fields:
        return {}
    return {"isbns": [name.removeprefix(EDITION) for name in form if name.startswith(EDITION)]}
