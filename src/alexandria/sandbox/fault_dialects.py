"""The refusals and answers in which the servers of language models differ: limits, money, places, forms of an answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from alexandria.sandbox.fault_responses import HINT_SECONDS, Proper, Strike, changed, instead

BILLING = "https://console.example/settings/billing"
LIMIT = "tokens per minute (TPM) limit 6000 reached; try again in {}. More tokens: upgrade at {}"


def of_compatible_servers(team: Callable[[], str]) -> Mapping[str, Strike]:
    """Return the faults of servers with OpenAI's dialect. `team` is the name of xAI's customer."""

    def no_permission(error: str) -> Callable[[Request], Response]:
        code = "The caller does not have permission to execute the specified operation"
        return lambda _: JSONResponse({"code": code, "error": error.format(team=team())}, 403)

    return {
        "429_billing_link": instead(lambda _: _limit(f"{HINT_SECONDS}s", "tokens")),
        "429_reset_header": instead(_reset),
        "402_balance": instead(lambda _: _error(402, "Insufficient Balance", code="invalid_request_error")),
        "403_new_team": instead(no_permission("Your newly created team {team} has no credits or licenses yet.")),
        "403_credits_used": instead(
            no_permission("Your team {team} has used all its credits or is at its monthly spending limit.")
        ),
        "403_content": instead(no_permission("Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO")),
        "400_model_crashed": instead(lambda _: _error(400, "The model has crashed. (Exit code: 1)")),
        "404_wrong_path": instead(lambda _: PlainTextResponse("404 page not found", 404)),
        "400_response_format": _refuse_format(("json_schema",)),
        "400_any_response_format": _refuse_format(("json_schema", "json_object")),
        "400_thinking": _refuse_thinking,
        "429_hourly": instead(lambda _: _error(429, f"You've reached your hourly usage limit, upgrade at {BILLING}")),
        "429_weekly": instead(lambda _: _error(429, f"You have reached your weekly usage limit, upgrade at {BILLING}")),
        "200_with_error": instead(lambda _: _limit(f"{HINT_SECONDS} seconds", "requests", status=200)),
        "reasoning_content": changed(lambda answer: _moved(answer, "reasoning_content")),
        "reasoning": changed(lambda answer: _moved(answer, "reasoning")),
        "finish_reason_empty": changed(lambda answer: _finished(answer, "")),
        "no_usage": changed(lambda answer: {name: value for name, value in answer.items() if name != "usage"}),
    }


def of_gemini() -> Mapping[str, Strike]:
    """Return the refusals for money and place in Google's form, of which none says when to ask again."""

    def refused(code: int, status: str, message: str) -> Strike:
        return instead(lambda _: JSONResponse({"error": {"code": code, "message": message, "status": status}}, code))

    depleted = "Your prepayment credits are depleted. Manage your project and billing in the console."
    capped = "Your billing account is over its monthly spending cap."
    return {
        "429_prepay_depleted": refused(429, "RESOURCE_EXHAUSTED", depleted),
        "429_spending_cap": refused(429, "RESOURCE_EXHAUSTED", capped),
        "400_location": refused(400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
    }


def _error(status: int, message: str, **error: str) -> Response:
    known = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": known | error}, status)


def _limit(wait: str, kind: str, status: int = 429) -> Response:
    """A refusal for speed that links to a page for payments, as of Groq or a free account of OpenAI."""
    error = {"message": LIMIT.format(wait, BILLING), "type": kind, "code": "rate_limit_exceeded"}
    return JSONResponse({"error": error if status == 429 else error | {"code": 429}}, status)


def _reset(_: Request) -> Response:
    response = _error(429, f"Too many requests, see {BILLING}", type="requests")
    response.headers["x-ratelimit-remaining-requests"] = "0"
    response.headers["x-ratelimit-reset-requests"] = f"{HINT_SECONDS}s"
    return response


def _refuse_format(kinds: tuple[str, ...]) -> Strike:
    async def strike(request: Request, proper: Proper) -> Response:
        asked = json.loads(await request.body()).get("response_format") or {}
        if asked.get("type") in kinds:
            return _error(400, "response_format of this type cannot be used", code="invalid_request_error")
        return await proper()

    return strike


async def _refuse_thinking(request: Request, proper: Proper) -> Response:
    if "reasoning_effort" in json.loads(await request.body()):
        return _error(400, "'reasoning_effort' is not supported with this model.")
    return await proper()


def _moved(answer: dict[str, Any], field: str) -> dict[str, Any]:
    """The answer where other servers keep the thinking."""
    message = answer["choices"][0]["message"]
    message |= {"content": "", field: message["content"]}
    return answer


def _finished(answer: dict[str, Any], reason: str) -> dict[str, Any]:
    answer["choices"][0]["finish_reason"] = reason
    return answer
