"""Route classes: they reject unknown parameters and ambiguous JSON, and check the secret before anything else."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Security
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from alexandria.core.errors import AlexandriaError
from alexandria.operations.idempotency import IdempotentCall
from alexandria.operations.system import System
from alexandria.web import idempotency
from alexandria.web.auth.secret import HEADER, SecretAuth
from alexandria.web.auth.session import session_auth_of
from alexandria.web.errors import documented, error_as_response

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
WRITING_METHODS = {"POST", "PUT", "PATCH", "DELETE"}
JSON_CONTENT_TYPE = re.compile(r'application/json\s*(;\s*charset="?utf-8"?\s*)?', re.ASCII | re.IGNORECASE)


async def system_of(request: Request) -> System:
    """The system that the application serves; a coroutine, as FastAPI hands plain functions to a thread."""
    system: System = request.app.state.system
    return system


Running = Annotated[System, Depends(system_of)]


def route_path(request: Request) -> str:
    """The path of the request within the application, without the prefix that it is served under."""
    path: str = request.scope["path"]
    return path.removeprefix(root_path(request))


def root_path(request: Request) -> str:
    """The prefix that the application is served under, such as /library; "" without one."""
    return str(request.scope.get("root_path", ""))


class ApiRoute(APIRoute):
    """Rejects unknown query parameters, those that are sent twice, and bodies whose Content-Type is not JSON."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        known = {
            name
            for parameter in self.dependant.query_params
            for name in _names(parameter.alias, parameter.field_info.annotation)
        }

        async def handler(request: Request) -> Response:
            unknown = [name for name in request.query_params if name not in known]
            if unknown:
                raise RequestValidationError([_unknown_parameter(name, known) for name in unknown])
            repeated = [
                name
                for name, count in Counter(name for name, _ in request.query_params.multi_items()).items()
                if count > 1
            ]
            if repeated:
                raise RequestValidationError([_repeated_parameter(name) for name in repeated])
            if self.body_field is not None and not JSON_CONTENT_TYPE.fullmatch(request.headers.get("content-type", "")):
                raise HTTPException(415)
            return await self.run(handle, _JsonRequest(request.scope, request.receive))

        return handler

    async def run(self, handle: Handler, request: Request) -> Response:
        """The response to a request whose parameters and Content-Type are known to be right."""
        return await handle(request)


def _names(alias: str, kind: object) -> set[str]:
    """The names that a query parameter has in the address: those of its fields, if it is a model."""
    return set(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else {alias}


def _unknown_parameter(name: str, known: set[str]) -> dict[str, Any]:
    return {"type": "extra_forbidden", "loc": ("query", name), "ctx": {"known": known}}


def _repeated_parameter(name: str) -> dict[str, Any]:
    return {"type": "repeated", "loc": ("query", name), "msg": "it is sent more than once"}


class ViewingRoute(ApiRoute):
    """A route for visitors who may view the pages, and for callers with the secret."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            sessions = session_auth_of(request)
            if not sessions.may_view(sessions.visitor(request)):
                secrets: SecretAuth = request.app.state.secret_auth
                await secrets.check(request)
            return await handle(request)

        return handler


class InternalRoute(ApiRoute):
    """A route that needs the secret, which is checked before anything else.

    A writing call with an Idempotency-Key is carried out once for each secret, path and key.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self._writes = WRITING_METHODS & {*options.get("methods", ())}
        if self._writes:
            options["openapi_extra"] = {"parameters": [idempotency.PARAMETER]}
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            auth: SecretAuth = request.app.state.secret_auth
            await auth.check(request)
            return await handle(request)

        return handler

    async def run(self, handle: Handler, request: Request) -> Response:
        key = idempotency.read_key(request) if self._writes else None
        if key is None:
            return await handle(request)

        async def answer() -> Response:
            try:
                return await handle(request)
            except (AlexandriaError, RequestValidationError, HTTPException) as error:
                return await error_as_response(request, error)

        body = idempotency.canonical_json(await request.body())
        call = IdempotentCall.of(request.headers[HEADER], route_path(request), key, body)
        once: idempotency.OnceOnly = request.app.state.once
        return await once.run(call, answer)


# For the OpenAPI description only; InternalRoute and ViewingRoute check the secret.
DESCRIBED_SECRET = APIKeyHeader(name=HEADER, auto_error=False, description="the webhook secret")
WRITES = documented(400, 409, 413, 415)
AUDIT_NAME = "api"  # of every caller, as all have the same secret


def internal_router() -> APIRouter:
    """The router of the backfill's routes."""
    return secret_router("/api/internal", "backfill")


def secret_router(prefix: str, tag: str) -> APIRouter:
    """A router whose routes need the secret. Routes with a body add WRITES to their responses."""
    return APIRouter(
        prefix=prefix,
        route_class=InternalRoute,
        dependencies=[Security(DESCRIBED_SECRET)],
        responses=documented(401, 422, 429, 500, 503),
        tags=[tag],
    )


class _JsonRequest(Request):
    async def json(self) -> Any:
        return read_json(await self.body())


def read_json(body: bytes) -> Any:
    """Decode JSON. Raises JSONDecodeError, also for duplicate fields, NaN and invalid UTF-8."""
    try:
        text = body.decode()
    except UnicodeDecodeError as broken:
        raise json.JSONDecodeError("not UTF-8", "", broken.start) from None

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name, value in pairs:
            if name in fields:
                raise json.JSONDecodeError(f"{name[:100]} is a duplicate field", text, text.rfind(f'"{name}"'))
            fields[name] = value
        return fields

    def reject(constant: str) -> Any:
        raise json.JSONDecodeError(f"{constant} is not a number", text, text.find(constant))

    return json.loads(text, object_pairs_hook=unique, parse_constant=reject)
