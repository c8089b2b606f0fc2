"""Serves xAI: the OpenAI format of chat completions, with flat errors and reasoning tokens counted separately."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from alexandria.sandbox.fault_dialects import of_compatible_servers
from alexandria.sandbox.fault_responses import Strike, changed, instead
from alexandria.sandbox.llm import TEXT_FAULTS, cut_off, month_of, name_books, off_schema
from alexandria.sandbox.provider import Latency, ProviderSandbox

ANSWERED_SECONDS = (
    1_767_225_600,
    1_798_761_600,
)  # seconds since 1970: drawn, so that an answer depends on its request alone
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)  # what a body without a prompt raises
RETIRED = ("grok-4-1-fast", "grok-4-fast", "grok-3", "grok-2", "grok-beta")


class XAISandbox(ProviderSandbox):
    name: ClassVar[str] = "xai"
    latency: ClassVar[Latency] = Latency(5.0, 0.45)

    def routes(self) -> list[BaseRoute]:
        return [Route("/v1/chat/completions", self.endpoint(self._complete), methods=["POST"])]

    def client(self, request: Request) -> str:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else ""

    def stranger(self, request: Request) -> Response | None:
        key = self.client(request)
        if not key:
            text = "No API key provided. Please provide a valid API key in the Authorization header."
            return _refusal(401, "The request does not have valid authentication credentials", text)
        if key != self.state.settings.key(self.name):
            text = f"Incorrect API key provided: {key[:2]}***. You can obtain an API key from https://console.x.ai."
            return _refusal(400, "Client specified an invalid argument", text)
        return None

    def too_fast(self, request: Request, wait: float) -> Response:  # noqa: ARG002 # xAI gives no hint when to return
        limit = self.rate(request)
        text = f"Too many requests for team {self._team}. Your team's rate limit is"
        text = f"{text} — Requests per Second (actual/limit): {int(limit) + 1}/{limit:g}"
        return _refusal(429, "Some resource has been exhausted", text)

    def exhausted(self, request: Request) -> Response:  # noqa: ARG002 # the same for every request
        text = f"Your team {self._team} has either used all available credits or reached its monthly spending limit."
        return _refusal(429, "Some resource has been exhausted", text)

    def faults(self) -> Mapping[str, Strike]:
        unavailable = ("The service is currently unavailable", "The model is at capacity. Please try again later.")
        return {
            "429_no_credit": instead(self.exhausted),
            **of_compatible_servers(lambda: self._team),
            "503_overloaded": instead(lambda _: _refusal(503, *unavailable)),
            "refusal": changed(lambda answer: _with_content(answer, None, refusal="I can't help with that.")),
            "max_tokens": changed(lambda answer: _with_text(answer, cut_off, "length")),
            "max_tokens_thinking": changed(lambda answer: _with_text(answer, lambda _: "", "length")),
            "empty_candidate": changed(lambda answer: _with_content(answer, "")),
            "schema_violation_once": changed(lambda answer: _with_text(answer, off_schema)),
            **{name: changed(partial(_with_text, change=change)) for name, change in TEXT_FAULTS.items()},
            "no_choices": changed(lambda answer: {name: value for name, value in answer.items() if name != "choices"}),
        }

    async def month(self, request: Request) -> str:
        try:
            return month_of(_prompt(await request.body())[1])
        except UNREADABLE:
            return ""

    @property
    def _team(self) -> str:
        return str(uuid.UUID(int=self.state.draw(self.name, "team").getrandbits(128), version=4))

    async def _complete(self, request: Request) -> Response:
        try:
            model, texts = _prompt(await request.body())
        except UNREADABLE:
            return _refusal(422, "Client specified an invalid argument", "Failed to deserialize the JSON body.")
        if not model.startswith("grok-") or model.startswith(RETIRED):
            text = f"The model {model} does not exist or your team {self._team} does not have access to it."
            return _refusal(404, "Some requested entity was not found", text)
        rng = self.draw(request, "books")
        answer = json.dumps({"books": name_books(self.state, self.name, texts, rng)}, ensure_ascii=False)
        return JSONResponse(_completion(model, texts, answer, rng))


def _prompt(body: bytes) -> tuple[str, list[str]]:
    """The requested model, and the texts of the messages. Raises one of UNREADABLE."""
    asked = json.loads(body)
    return str(asked["model"]), _texts(asked["messages"])


def _texts(messages: list[dict[str, Any]]) -> list[str]:
    """The texts of the messages, the newest first. Content is a text or a list of parts."""
    texts = []
    for message in reversed(messages):
        content = message.get("content") or ""
        parts = [content] if isinstance(content, str) else [str(part.get("text", "")) for part in content]
        texts += parts
    return texts


def _completion(model: str, texts: list[str], answer: str, rng: Random) -> dict[str, Any]:
    """Tokens are counted as a quarter of the characters; the total includes reasoning, the completion does not."""
    reasoning = rng.randint(60, 700)
    prompt, completion = sum(map(len, texts)) // 4 + 1, len(answer) // 4 + 1
    message = {"role": "assistant", "content": answer, "refusal": None}
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion + reasoning,
        "prompt_tokens_details": {"text_tokens": prompt, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
        "num_sources_used": 0,
    }
    return {
        "id": f"{rng.getrandbits(60):x}",
        "object": "chat.completion",
        "created": rng.randrange(*ANSWERED_SECONDS),
        "model": model,
        "system_fingerprint": "fp_sandbox",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": usage,
    }


def _with_content(answer: dict[str, Any], content: str | None, refusal: str | None = None) -> dict[str, Any]:
    answer["choices"][0]["message"] |= {"content": content, "refusal": refusal}
    return answer


def _with_text(answer: dict[str, Any], change: Callable[[str], str], reason: str = "stop") -> dict[str, Any]:
    """The same answer with its text changed."""
    answer["choices"][0]["finish_reason"] = reason
    return _with_content(answer, change(answer["choices"][0]["message"]["content"]))


def _refusal(status: int, code: str, error: str) -> Response:
    return JSONResponse({"code": code, "error": error}, status)
