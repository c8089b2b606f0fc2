"""Page that documents the API, generated from its OpenAPI description, without scripts or other hosts."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader
from starlette.requests import Request

from alexandria.web.auth.secret import HEADER

router = APIRouter()
_pages = Environment(loader=PackageLoader("alexandria.web"), autoescape=True, trim_blocks=True, lstrip_blocks=True)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a body, or a parameter. `kind` is its type and bounds in words, `default` JSON or ''."""

    name: str
    kind: str
    default: str
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one path, with a command that calls it. `secret` names the header it needs, or is ''."""

    id: str
    method: str
    path: str
    summary: str
    secret: str
    fields: tuple[Field, ...]
    curl: str
    responses: dict[str, dict[str, str]]


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    description, nonce = request.app.openapi(), secrets.token_urlsafe(16)
    schemas = description["components"]["schemas"]
    page = _pages.get_template("reference.html").render(
        info=description["info"],
        nonce=nonce,
        operations=list(operations(description, str(request.base_url).rstrip("/"))),
        models={name: tuple(_fields(schema)) for name, schema in schemas.items() if "properties" in schema},
    )
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})


def operations(description: dict[str, Any], base: str) -> Iterator[Operation]:
    """The operations of an OpenAPI `description` that is served at `base`."""
    schemas = description["components"]["schemas"]
    for path, methods in description["paths"].items():
        for method, details in methods.items():
            parameters = tuple(
                _field(p["name"], p["schema"], p.get("description", "")) for p in details.get("parameters", [])
            )
            body = details.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            schema = schemas[_model(body)] if body else {"properties": {}}
            fields = parameters + tuple(_fields(schema))
            secret = HEADER if details.get("security") else ""
            yield Operation(
                id=details["operationId"],
                method=method.upper(),
                path=path,
                summary=details["summary"],
                secret=secret,
                fields=fields,
                curl=_curl(method.upper(), base + path, secret, schema.get("examples", [])),
                responses={status: _response(response) for status, response in sorted(details["responses"].items())},
            )


def _curl(method: str, url: str, secret: str, examples: list[Any]) -> str:
    parts = [f"curl '{url}'" if method == "GET" else f"curl -X {method} '{url}'"]
    if secret:
        parts.append(f'-H "{secret}: $ALEXANDRIA_WEBHOOK_SECRET"')
    if examples:
        parts += ["-H 'Content-Type: application/json'", f"--data '{json.dumps(examples[0])}'"]
    return " \\\n  ".join(parts)


def _response(response: dict[str, Any]) -> dict[str, str]:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    return {"description": response["description"], "model": _model(schema)}


def _fields(schema: dict[str, Any]) -> Iterator[Field]:
    for name, field in schema["properties"].items():
        yield _field(name, field, field.get("description", ""))


def _field(name: str, schema: dict[str, Any], description: str) -> Field:
    default = json.dumps(schema["default"]) if schema.get("default") is not None else ""
    return Field(name, _kind(schema), default, description)


def _kind(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_kind(option) for option in schema["anyOf"])
    if "items" in schema:
        return f"list of {_kind(schema['items'])}"
    kind = str(schema.get("type", _model(schema)))
    if "minimum" in schema or "maximum" in schema:
        kind += f", {schema.get('minimum', -math.inf):g} to {schema.get('maximum', math.inf):g}"
    return kind + "".join(f", {schema[key]}" for key in ("format", "pattern") if key in schema)


def _model(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]
