"""Error responses: one shape for all, and the HTTP status of every AlexandriaError."""

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
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Scope

from alexandria.core import errors
from alexandria.operations import rollout_schemas, schemas
from alexandria.rollout.plan import Gate, Phase, Plan

log = structlog.get_logger(__name__)

UNAUTHORIZED = "Unauthorized: Invalid or missing X-Cron-Secret"
STATUSES: dict[type[errors.AlexandriaError], int] = {  # an error without a row has the status of its base class
    errors.AlexandriaError: 500,
    errors.BadInput: 422,
    errors.Unknown: 404,
    errors.PlanChanged: 409,
    errors.AttemptLost: 409,
    errors.NotNow: 409,
    errors.Paused: 409,
    errors.DatabaseUnavailable: 503,
    errors.DatabaseBusy: 503,
    errors.BadData: 422,
    errors.NotMigrated: 503,
    errors.ProviderError: 502,
    errors.NoBooks: 502,
    errors.NoSources: 502,
}
HTTP_ERRORS = {  # errors of the framework: code, message, hint
    400: ("malformed_json", "the body is not valid JSON", "send one JSON object in UTF-8"),
    404: ("not_found", "no such path", "GET /docs lists the paths"),
    408: ("too_slow", "the request did not arrive in time", "send the headers within 10 seconds and the body within 15"),
    405: ("method_not_allowed", "this path does not support this method", "GET /docs lists the methods"),
    413: ("too_large", "the body is too large", "the limit is 64 KiB"),
    415: ("unsupported_media_type", "the Content-Type is not application/json", "add: -H 'Content-Type: application/json'"),
    429: ("too_many_failures", "too many requests with a wrong secret", "wait Retry-After seconds, then send the right one"),
}  # fmt: skip
DESCRIPTIONS = {
    400: "malformed JSON", 401: "missing or wrong secret", 404: "not found",
    409: "paused, the plan can no longer be carried out, the state does not allow it, or the first call with this Idempotency-Key has not ended",
    413: "over 64 KiB", 415: "Content-Type is not application/json",
    422: "a field or parameter is invalid or unknown, or the Idempotency-Key came before with another body",
    429: "too many wrong secrets", 500: "internal error", 503: "no database or no worker",
}  # fmt: skip
_SCHEMA_PATH = "#/components/schemas/{model}"
MAX_PROBLEMS = 10
MAX_FIELD_NAME_LENGTH = 100  # characters
REQUESTS = (schemas.ScheduleRequest, schemas.SeedRequest, schemas.YearRange, schemas.RetryRequest, schemas.PauseRequest,
            rollout_schemas.StartRequest, Plan, Phase, Gate)  # fmt: skip
FIELDS = {name for body in REQUESTS for name in body.model_fields}


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """One request: its id, and when it arrived by the monotonic clock."""

    request_id: str
    arrived: float


def meta(scope: Scope) -> schemas.Meta:
    """The `meta` part of a response."""
    info: RequestInfo = scope["state"]["request_info"]
    latency = round((time.monotonic() - info.arrived) * 1000, 1)
    return schemas.Meta(request_id=info.request_id, timestamp=datetime.now(UTC), latency_ms=latency)


class _ErrorResponse(JSONResponse):
    """JSON that can be encoded whatever a client put into a field's name."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def error_response(
    scope: Scope,
    status: int,
    code: str,
    message: str,
    details: dict[str, Any] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """An error response in the common shape."""
    error = {"code": code, "message": message, "details": details}
    return _ErrorResponse(
        {"success": False, "error": error, "meta": meta(scope).model_dump(mode="json")}, status, headers
    )


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for its OpenAPI description. They refer to `error_schemas`: given a model for each error,
    FastAPI would build the same serializer more than a hundred times at start.
    """
    return {
        status: {
            "description": DESCRIPTIONS[status],
            "content": {
                "application/json": {"schema": {"$ref": _SCHEMA_PATH.format(model=_model_of(status).__name__)}}
            },
        }
        for status in statuses
    }


def _model_of(status: int) -> type[BaseModel]:
    return schemas.Unauthorized if status == HTTPStatus.UNAUTHORIZED else schemas.ErrorAnswer


def error_schemas() -> dict[str, Any]:
    """The schemas of the OpenAPI description that `documented` refers to, by name."""
    _, found = models_json_schema(
        [(schemas.ErrorAnswer, "serialization"), (schemas.Unauthorized, "serialization")], ref_template=_SCHEMA_PATH
    )
    described: dict[str, Any] = found["$defs"]
    return described


def http_error_response(scope: Scope, status: int, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The response to an error of the framework or the middleware."""
    code, message, hint = HTTP_ERRORS[status]
    return error_response(scope, status, code, message, {"hint": hint}, headers=headers)


def install(app: FastAPI) -> None:
    """Register the handlers that give every error the common shape; `unexpected` is middleware."""
    app.add_exception_handler(errors.AlexandriaError, _application_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)


async def unexpected(request: Request, error: Exception) -> JSONResponse:
    """The response to an unexpected error: it has the request's id, and the log the rest."""
    log.error("unexpected error", method=request.method, path=request.scope["path"], exc_info=error)
    hint = {"hint": "search the server's log for meta.request_id"}
    return error_response(request.scope, 500, "unexpected", "internal error", hint)


async def client_gone(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001 # the signature of handlers
    """The response to a client that went away before its body was complete, and gets none."""
    return http_error_response(request.scope, 400)


async def error_as_response(request: Request, error: Exception) -> JSONResponse:
    """The response to an error that a route raised, in the common shape."""
    match error:
        case errors.AlexandriaError():
            return await _application_error(request, error)
        case RequestValidationError():
            return await _validation_error(request, error)
        case HTTPException():
            return await _http_error(request, error)
        case _:
            raise error


async def _application_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.AlexandriaError)
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return await unexpected(request, error)
    if isinstance(error, errors.DatabaseUnavailable):
        request.app.state.reconnector.start()
    details = {"hint": error.hint} if error.hint else {}
    details |= error.details or {}
    return error_response(
        request.scope, status, error.code, error.message, details or None, headers=retry_after(error, status)
    )


def retry_after(error: errors.AlexandriaError, status: int) -> dict[str, str] | None:
    """The header that names when to try again, for errors that end by themselves."""
    if isinstance(error, errors.CallInProgress):
        return {"Retry-After": "1"}
    return {"Retry-After": "5"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        return JSONResponse({"error": UNAUTHORIZED}, error.status_code, error.headers)
    return http_error_response(request.scope, error.status_code, error.headers)


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if found[0]["type"] == "json_invalid":
        code, message, hint = HTTP_ERRORS[400]
        why, at = found[0]["ctx"]["error"], found[0]["loc"][-1]
        return error_response(request.scope, 400, code, f"{message}: {why} (character {at})", {"hint": hint})
    problems = [_field_problem(violation) for violation in found[:MAX_PROBLEMS]]
    field, reason = problems[0].values()
    message = reason if field == "body" else f"{field}: {reason}"
    return error_response(request.scope, 422, errors.BadInput.code, message, {"problems": problems})


def _field_problem(violation: dict[str, Any]) -> dict[str, str]:
    """{field, message} of one violation; the value itself is not repeated."""
    where, *path = violation["loc"]
    field = ".".join(str(part)[:MAX_FIELD_NAME_LENGTH] for part in path) or where
    match violation["type"]:
        case "extra_forbidden":
            known = violation.get("ctx", {}).get("known", FIELDS)
            name = str(path[-1])[:MAX_FIELD_NAME_LENGTH]
            near = difflib.get_close_matches(name, known - {name}, 1)
            message = f"unknown {'parameter' if where == 'query' else 'field'}"
            message += f"; did you mean {near[0]}?" if near else "; GET /docs lists them"
        case "missing" if not path:
            message = "the body is missing; {} takes every default"
        case _:
            message = errors.in_words(violation)
    return {"field": field, "message": message}
