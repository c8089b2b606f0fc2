"""Writes requests to Gemini's API and reads its answers."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from alexandria.providers.model_answer import MAX_TEXT_LENGTH, ModelAnswer, token_count

MAX_CANDIDATES = 10  # of an answer that are read; one is asked for
MAX_PARTS = 1000  # of a candidate
COLLECTIONS = ("models/", "tunedModels/")  # that may begin the name of a model
# Reasons are added at any time; one that is not here is none.
FINISH_REASONS = {
    "STOP": "stop", "MAX_TOKENS": "length",
    "SAFETY": "content_filter", "RECITATION": "content_filter", "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter", "SPII": "content_filter",
    "LANGUAGE": "error", "MALFORMED_FUNCTION_CALL": "error", "UNEXPECTED_TOOL_CALL": "error",
}  # fmt: skip
BLOCK_REASONS = frozenset({"SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT"})
INPUT_COUNTS = ("promptTokenCount", "toolUsePromptTokenCount")
OUTPUT_COUNTS = ("candidatesTokenCount", "thoughtsTokenCount")


def request_url(base_url: str, model: str) -> str:
    """The address that answers the prompts of a model."""
    name = quote(model if model.startswith(COLLECTIONS) else f"models/{model}", errors="replace")
    return f"{base_url}/v1beta/{name}:generateContent"


def request_body(prompt: str, schema: dict[str, Any], settings: dict[str, Any] | None) -> dict[str, Any]:
    """A request for an answer by a JSON schema; the `settings` are those of `llm_thinking`."""
    generation = {"responseMimeType": "application/json", "responseJsonSchema": schema, "responseModalities": ["TEXT"]}
    return {
        "contents": [{"role": "user", "parts": [{"text": prompt}]}],
        "generationConfig": generation | (settings or {}),
    }


def read_response(body: Any) -> ModelAnswer | None:
    """The answer in the first candidate that has a text, else in the first; None if the body is no response."""
    if not isinstance(body, dict):
        return None
    candidates = body.get("candidates")
    listed = candidates[:MAX_CANDIDATES] if isinstance(candidates, list) else []
    candidate = next((each for each in listed if any(map(_text_of, _parts_of(each)))), listed[0] if listed else None)
    if candidate is None:
        declined = _block_reason(body.get("promptFeedback"))
        text, finish = "", "content_filter" if declined else ""
    elif isinstance(candidate, dict):
        text = _answer_of(candidate)
        reason = str(candidate.get("finishReason"))
        finish = FINISH_REASONS.get(reason, "")
        declined = reason if finish == "content_filter" else ""
    else:
        return None
    usage = body.get("usageMetadata")
    return ModelAnswer(text, finish, declined, _sum_of(usage, INPUT_COUNTS), _sum_of(usage, OUTPUT_COUNTS))


def _block_reason(feedback: Any) -> str:
    """Why the prompt was refused; "" if it was not."""
    if not (isinstance(feedback, dict) and feedback.get("blockReason")):
        return ""
    reason = str(feedback["blockReason"])
    return reason if reason in BLOCK_REASONS else "OTHER"


def _answer_of(candidate: dict[str, Any]) -> str:
    """The texts that are no thoughts; where a thought stands between two of them, a blank line."""
    runs = [""]
    for part in _parts_of(candidate):
        if part.get("thought") is True:
            runs.append("")
        else:
            runs[-1] += _text_of(part)[: MAX_TEXT_LENGTH + 1]
    return "\n\n".join(filter(None, runs))


def _parts_of(candidate: Any) -> list[dict[str, Any]]:
    content = candidate.get("content") if isinstance(candidate, dict) else None
    parts = content.get("parts") if isinstance(content, dict) else None
    return [part for part in parts[:MAX_PARTS] if isinstance(part, dict)] if isinstance(parts, list) else []


def _text_of(part: dict[str, Any]) -> str:
    text = part.get("text")
    return text if isinstance(text, str) else ""


def _sum_of(usage: Any, names: tuple[str, ...]) -> int:
    return sum(token_count(usage.get(name)) for name in names) if isinstance(usage, dict) else 0
