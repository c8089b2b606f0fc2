"""How does Gemini's generateContent speak? Both path versions, structured output as JSON text, thinking tokens apart."""

from __future__ import annotations

import json
import math
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from alexandria.sandbox.behaviour import Latency, Service
from alexandria.sandbox.models import name_books

RETIRED = ("gemini-1", "gemini-2.0")
TYPE = "type.googleapis.com/google.rpc."
DOCUMENTATION = "https://ai.google.dev/gemini-api/docs/rate-limits"


class Gemini(Service):
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
            said = "Method doesn't allow unregistered callers (callers without established identity)."
            return _refusal(
                403, "PERMISSION_DENIED", f"{said} Please use API Key or other form of API consumer identity."
            )
        if key != self.world.settings.key(self.name):
            said = "API key not valid. Please pass a valid API key."
            info = {"@type": f"{TYPE}ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
            info["metadata"] = {"service": "generativelanguage.googleapis.com"}  # type: ignore[assignment] # nested JSON
            return _refusal(400, "INVALID_ARGUMENT", said, [info])
        return None

    def too_fast(self, request: Request, wait: float) -> Response:
        return self._quota(request, "GenerateRequestsPerMinutePerProjectPerModel", int(self.rate(request) * 60), wait)

    def exhausted(self, request: Request) -> Response:
        now = self.world.clock.now()
        rest = 86400.0 - (now.hour * 3600 + now.minute * 60 + now.second)
        return self._quota(request, "GenerateRequestsPerDayPerProjectPerModel", self.daily_limit or 0, rest)

    def _quota(self, request: Request, quota: str, value: int, wait: float) -> Response:
        model = _model(request)[0]
        seconds = math.ceil(wait * 1000) / 1000
        metric = "generativelanguage.googleapis.com/generate_content_paid_tier_requests"
        violation = {"quotaMetric": metric, "quotaId": f"{quota}-PaidTier", "quotaValue": str(value)}
        said = f"You exceeded your current quota. * Quota exceeded for metric: {metric}, limit: {value}, model: {model}"
        details = [
            {"@type": f"{TYPE}QuotaFailure", "violations": [violation | {"quotaDimensions": {"model": model, "location": "global"}}]},
            {"@type": f"{TYPE}Help", "links": [{"description": "Learn more about quotas", "url": DOCUMENTATION}]},
            {"@type": f"{TYPE}RetryInfo", "retryDelay": f"{seconds:g}s"},
        ]  # fmt: skip
        return _refusal(429, "RESOURCE_EXHAUSTED", f"{said}\nPlease retry in {seconds:g}s.", details)

    async def _generate(self, request: Request) -> Response:
        model, method = _model(request)
        if method != "generateContent" or not model.startswith("gemini-") or model.startswith(RETIRED):
            said = f"models/{model} is not found for API version v1beta, or is not supported for {method}."
            return _refusal(404, "NOT_FOUND", said)
        try:
            body = json.loads(await request.body())
            texts = [*_texts(body["contents"][-1:]), *_texts([body.get("systemInstruction") or {}])]
        except (ValueError, KeyError, TypeError, AttributeError):
            return _refusal(400, "INVALID_ARGUMENT", "Invalid JSON payload received.")
        rng = self.draw(request, "books")
        answer = json.dumps({"books": name_books(self.world, self.name, texts, rng)}, ensure_ascii=False)
        return JSONResponse(
            _completion(model, texts, answer, thoughts=rng.randint(80, 900), id_=f"{rng.getrandbits(60):x}")
        )


def _model(request: Request) -> tuple[str, str]:
    model, _, method = str(request.path_params["call"]).partition(":")
    return model, method


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


def _refusal(code: int, status: str, message: str, details: list[Any] | None = None) -> Response:
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = details
    return JSONResponse({"error": error}, code)
