"""What does a caller see when something is wrong? One error shape, and the status of every error of ours."""

from __future__ import annotations

import difflib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Scope

from alexandria.core import errors
from alexandria.operations import rollout_schemas, schemas
from alexandria.rollout.plan import Gate, Phase, Plan

log = structlog.get_logger(__name__)

UNAUTHORIZED = "Unauthorized: Invalid or missing X-Cron-Secret"
STATUSES: dict[type[errors.AlexandriaError], int] = {  # the nearest class counts
    errors.AlexandriaError: 500,
    errors.BadInput: 422,
    errors.Unknown: 404,
    errors.PlanChanged: 409,
    errors.AttemptLost: 409,
    errors.NotNow: 409,
    errors.Paused: 409,
    errors.DatabaseUnavailable: 503,
    errors.NotMigrated: 503,
    errors.ProviderError: 502,
    errors.NoBooks: 502,
    errors.NoSources: 502,
}
REFUSALS = {  # what the framework refuses: code, message, hint
    400: ("malformed_json", "the body is not JSON", "send one JSON object in UTF-8"),
    404: ("not_found", "there is nothing at this path", "GET /docs lists what there is"),
    405: ("method_not_allowed", "this path does not take this method", "GET /docs lists what it takes"),
    413: ("too_large", "the body is too large", "a body may have 64 KiB"),
    415: ("unsupported_media_type", "the body is not declared as JSON", "add: -H 'Content-Type: application/json'"),
    429: ("too_many_failures", "too many requests with a wrong secret", "wait for Retry-After seconds, then send the right one"),
}  # fmt: skip
DESCRIPTIONS = {
    400: "malformed JSON", 401: "missing or wrong secret", 404: "unknown", 409: "paused, the plan can no longer be carried out, or the state does not allow it",
    413: "over 64 KiB", 415: "not declared as JSON", 422: "a field or parameter is wrong or unknown",
    429: "too many wrong secrets", 500: "a defect of ours", 503: "the database or the workers are away",
}  # fmt: skip
MOST_PROBLEMS = 10
LONGEST_NAME = 100
REQUESTS = (schemas.ScheduleRequest, schemas.SeedRequest, schemas.YearRange, schemas.RetryRequest, schemas.PauseRequest,
            rollout_schemas.StartRequest, Plan, Phase, Gate)  # fmt: skip
FIELDS = {name for body in REQUESTS for name in body.model_fields}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: its id, and when it came by the monotonic clock."""

    request_id: str
    came: float


def meta(scope: Scope) -> schemas.Meta:
    visit: Visit = scope["state"]["visit"]
    latency = round((time.monotonic() - visit.came) * 1000, 1)
    return schemas.Meta(request_id=visit.request_id, timestamp=datetime.now(UTC), latency_ms=latency)


class _Answer(JSONResponse):
    """JSON that can be encoded whatever a caller put into a field's name."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def problem(
    scope: Scope,
    status: int,
    code: str,
    message: str,
    details: dict[str, Any] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer of `status` in the one shape."""
    error = {"code": code, "message": message, "details": details}
    return _Answer({"success": False, "error": error, "meta": meta(scope).model_dump(mode="json")}, status, headers)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for its OpenAPI description."""
    return {
        status: {
            "description": DESCRIPTIONS[status],
            "model": schemas.Unauthorized if status == HTTPStatus.UNAUTHORIZED else schemas.Problem,
        }
        for status in statuses
    }


def refusal(scope: Scope, status: int, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer to what the framework or the guard refuses."""
    code, message, hint = REFUSALS[status]
    return problem(scope, status, code, message, {"hint": hint}, headers=headers)


def install(app: FastAPI) -> None:
    """Answer every refusal in the one shape; see `unexpected` for what is nobody's refusal."""
    app.add_exception_handler(errors.AlexandriaError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)


async def unexpected(request: Request, error: Exception) -> JSONResponse:
    """A defect of ours: the caller learns the request's id, the log the rest."""
    log.error("unexpected error", method=request.method, path=request.scope["path"], exc_info=error)
    message = "something went wrong that is not your fault"
    return problem(request.scope, 500, "unexpected", message, {"hint": "search the server's log for meta.request_id"})


async def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.AlexandriaError)
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return await unexpected(request, error)
    if isinstance(error, errors.DatabaseUnavailable):
        request.app.state.healer.start()
    details = {"hint": error.hint} if error.hint else {}
    details |= error.details or {}
    headers = {"Retry-After": "5"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return problem(request.scope, status, error.code, error.message, details or None, headers=headers)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        return JSONResponse({"error": UNAUTHORIZED}, error.status_code, error.headers)
    return refusal(request.scope, error.status_code, error.headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if found[0]["type"] == "json_invalid":
        code, message, hint = REFUSALS[400]
        why, at = found[0]["ctx"]["error"], found[0]["loc"][-1]
        return problem(request.scope, 400, code, f"{message}: {why} (character {at})", {"hint": hint})
    problems = [_explain(one) for one in found[:MOST_PROBLEMS]]
    field, said = problems[0].values()
    message = said if field == "body" else f"{field}: {said}"
    return problem(request.scope, 422, errors.BadInput.code, message, {"problems": problems})


def _explain(one: dict[str, Any]) -> dict[str, str]:
    """{field, message} of one violation; the value itself is not repeated."""
    where, *path = one["loc"]
    field = ".".join(str(part)[:LONGEST_NAME] for part in path) or where
    match one["type"]:
        case "extra_forbidden":
            known = one.get("ctx", {}).get("known", FIELDS)
            near = difflib.get_close_matches(str(path[-1])[:LONGEST_NAME], known, 1)
            said = f"there is no such {'parameter' if where == 'query' else 'field'}"
            said += f"; did you mean {near[0]}?" if near else "; GET /docs lists them"
        case "missing" if not path:
            said = "the body is missing; {} takes every default"
        case _:
            said = errors.in_words(one)
    return {"field": field, "message": said}
