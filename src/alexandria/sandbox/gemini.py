"""Serves Gemini's generateContent: both path versions, structured output as JSON text, thinking tokens separate."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from alexandria.sandbox.fault_dialects import of_gemini
from alexandria.sandbox.fault_responses import Strike, changed, instead
from alexandria.sandbox.llm import TEXT_FAULTS, cut_off, month_of, name_books, off_schema
from alexandria.sandbox.provider import Latency, ProviderSandbox

RETIRED = ("gemini-1", "gemini-2.0")
TYPE = "type.googleapis.com/google.rpc."
DOCUMENTATION = "https://ai.google.dev/gemini-api/docs/rate-limits"
HELP = {"@type": f"{TYPE}Help", "links": [{"description": "Learn more about quotas", "url": DOCUMENTATION}]}
DAILY_QUOTA = "GenerateRequestsPerDayPerProjectPerModel"
DEFAULT_HINT_SECONDS = 46.1  # seconds
DEFAULT_DAILY_LIMIT = 10_000  # requests, reported by a 429 without a configured limit
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)  # what a body without a prompt raises


class GeminiSandbox(ProviderSandbox):
    name: ClassVar[str] = "gemini"
    latency: ClassVar[Latency] = Latency(6.0, 0.4)

    def routes(self) -> list[BaseRoute]:
        return [
            Route(f"/{version}/models/{{call}}", self.endpoint(self._generate), methods=["POST"])
            for version in ("v1", "v1beta")
        ]

    def client(self, request: Request) -> str:
        return request.headers.get("x-goog-api-key") or request.query_params.get("key", "")

    def stranger(self, request: Request) -> Response | None:
        key = self.client(request)
        if not key:
            message = "Method doesn't allow unregistered callers (callers without established identity)."
            return _refusal(
                403, "PERMISSION_DENIED", f"{message} Please use API Key or other form of API consumer identity."
            )
        if key != self.state.settings.key(self.name):
            message = "API key not valid. Please pass a valid API key."
            info = {"@type": f"{TYPE}ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
            info["metadata"] = {"service": "generativelanguage.googleapis.com"}  # type: ignore[assignment] # nested JSON
            return _refusal(400, "INVALID_ARGUMENT", message, [info])
        return None

    def too_fast(self, request: Request, wait: float) -> Response:
        return self._quota(request, "GenerateRequestsPerMinutePerProjectPerModel", int(self.rate(request) * 60), wait)

    def exhausted(self, request: Request) -> Response:
        now = self.state.clock.now()
        rest = 86400.0 - (now.hour * 3600 + now.minute * 60 + now.second)
        limit = DEFAULT_DAILY_LIMIT if self.daily_limit is None else self.daily_limit
        return self._quota(request, DAILY_QUOTA, limit, rest)

    def faults(self) -> Mapping[str, Strike]:
        return {
            "429_retryinfo": instead(lambda request: self.too_fast(request, self._hint)),
            "429_no_hint": instead(
                lambda _: _refusal(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted.", [HELP])
            ),
            "429_daily": instead(self.exhausted),
            **of_gemini(),
            "429_no_credit": instead(lambda request: self._quota(request, DAILY_QUOTA, 0, self._hint)),
            "503_overloaded": instead(lambda _: _refusal(503, "UNAVAILABLE", "The model is overloaded.")),
            "500_internal": instead(lambda _: _refusal(500, "INTERNAL", "An internal error has occurred.")),
            "safety_prompt": changed(lambda answer: _blocked(answer, "PROHIBITED_CONTENT")),
            "safety_candidate": changed(lambda answer: _withheld(answer, "SAFETY", {})),
            "recitation": changed(lambda answer: _withheld(answer, "RECITATION", None)),
            "max_tokens": changed(lambda answer: _stopped(_with_text(answer, cut_off), "MAX_TOKENS")),
            "max_tokens_thinking": changed(lambda answer: _withheld(answer, "MAX_TOKENS", {"role": "model"})),
            "empty_candidate": changed(lambda answer: _withheld(answer, "STOP", {"role": "model"})),
            "schema_violation_once": changed(lambda answer: _with_text(answer, off_schema)),
            **{name: changed(partial(_with_text, change=change)) for name, change in TEXT_FAULTS.items()},
        }

    @property
    def _hint(self) -> float:
        """Return the seconds that a refused client has to wait; a scaled-down sandbox asks for fewer."""
        return max(DEFAULT_HINT_SECONDS * self.state.settings.latency_scale, 0.5)

    async def month(self, request: Request) -> str:
        try:
            return month_of(_prompt(await request.body()))
        except UNREADABLE:
            return ""

    def _quota(self, request: Request, quota: str, value: int, wait: float) -> Response:
        model = _model(request)[0]
        seconds = math.ceil(wait * 1000) / 1000
        metric = "generativelanguage.googleapis.com/generate_content_paid_tier_requests"
        violation = {"quotaMetric": metric, "quotaId": f"{quota}-PaidTier", "quotaValue": str(value)}
        message = (
            f"You exceeded your current quota. * Quota exceeded for metric: {metric}, limit: {value}, model: {model}"
        )
        details = [
            {"@type": f"{TYPE}QuotaFailure", "violations": [violation | {"quotaDimensions": {"model": model, "location": "global"}}]},
            HELP,
            {"@type": f"{TYPE}RetryInfo", "retryDelay": f"{seconds:g}s"},
        ]  # fmt: skip
        return _refusal(429, "RESOURCE_EXHAUSTED", f"{message}\nPlease retry in {seconds:g}s.", details)

    async def _generate(self, request: Request) -> Response:
        model, method = _model(request)
        if method != "generateContent" or not model.startswith("gemini-") or model.startswith(RETIRED):
            message = f"models/{model} is not found for API version v1beta, or is not supported for {method}."
            return _refusal(404, "NOT_FOUND", message)
        try:
            texts = _prompt(await request.body())
        except UNREADABLE:
            return _refusal(400, "INVALID_ARGUMENT", "Invalid JSON payload received.")
        rng = self.draw(request, "books")
        answer = json.dumps({"books": name_books(self.state, self.name, texts, rng)}, ensure_ascii=False)
        return JSONResponse(
            _completion(model, texts, answer, thoughts=rng.randint(80, 900), id_=f"{rng.getrandbits(60):x}")
        )


def _model(request: Request) -> tuple[str, str]:
    model, _, method = str(request.path_params["call"]).partition(":")
    return model, method


def _prompt(body: bytes) -> list[str]:
    """The last prompt, then the system instruction. Raises one of UNREADABLE."""
    asked = json.loads(body)
    return [*_texts(asked["contents"][-1:]), *_texts([asked.get("systemInstruction") or {}])]


def _texts(contents: list[dict[str, Any]]) -> list[str]:
    return [str(part.get("text", "")) for content in contents for part in content.get("parts", ())]


def _completion(model: str, texts: list[str], answer: str, *, thoughts: int, id_: str) -> dict[str, Any]:
    """Tokens are counted as a quarter of the characters; thoughts are no part of the candidate's."""
    prompt, candidate = sum(map(len, texts)) // 4 + 1, len(answer) // 4 + 1
    part = {"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [{"text": answer}]}}
    usage = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": candidate,
        "thoughtsTokenCount": thoughts,
        "totalTokenCount": prompt + candidate + thoughts,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
    }
    return {"candidates": [part], "usageMetadata": usage, "modelVersion": model, "responseId": id_}


def _with_text(answer: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """The same answer with its text changed."""
    part = answer["candidates"][0]["content"]["parts"][0]
    part["text"] = change(part["text"])
    return answer


def _stopped(answer: dict[str, Any], reason: str) -> dict[str, Any]:
    answer["candidates"][0]["finishReason"] = reason
    return answer


def _withheld(answer: dict[str, Any], reason: str, content: dict[str, Any] | None) -> dict[str, Any]:
    """An answer with only `content`; None: without any."""
    candidate = answer["candidates"][0]
    del candidate["content"], answer["usageMetadata"]["candidatesTokenCount"]
    candidate |= {} if content is None else {"content": content}
    return _stopped(answer, reason)


def _blocked(answer: dict[str, Any], reason: str) -> dict[str, Any]:
    """The answer to a prompt that no model was given."""
    tokens = answer["usageMetadata"]["promptTokenCount"]
    usage = {"promptTokenCount": tokens, "totalTokenCount": tokens}
    answered = {"promptFeedback": {"blockReason": reason, "safetyRatings": []}, "usageMetadata": usage}
    return answered | {name: answer[name] for name in ("modelVersion", "responseId")}


def _refusal(code: int, status: str, message: str, details: list[Any] | None = None) -> Response:
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = details
    return JSONResponse({"error": error}, code)
