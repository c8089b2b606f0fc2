"""Writes an answer of Gemini in the plain form that the SDK takes: one candidate, its texts, and what was counted.

The SDK parses the text of an answer as JSON. It stumbles over nesting without end and over a number of 4,300 digits, and
the answer that was paid for is lost. UNPARSED before a text keeps it from that.
"""

from __future__ import annotations

from typing import Any

UNPARSED = "\0"  # no JSON begins with it, and no answer of ours may contain it
MAX_TEXT_LENGTH = 1_000_000  # characters of an answer that are kept; a list of 100 books has 20,000
MAX_CANDIDATES = 10  # of an answer that are read; one is asked for
MAX_PARTS = 1000  # of a candidate
KEPT = ("modelVersion", "responseId", "finishMessage")
# Reasons are added at any time; the SDK warns of one that it does not know, and refuses one that is no text.
FINISH_REASONS = frozenset({
    "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "LANGUAGE", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII",
    "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL",
})  # fmt: skip
BLOCK_REASONS = frozenset({"SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT"})
MAX_COUNT = 10**12  # of tokens


def plain_response(body: Any) -> dict[str, Any] | None:
    """The response with its first candidate that has a text, else its first, and texts that are not parsed; None if the body is no response."""
    if not isinstance(body, dict):
        return None
    candidates = body.get("candidates")
    listed = candidates[:MAX_CANDIDATES] if isinstance(candidates, list) else []
    first = [candidate for candidate in listed if _has_text(candidate)][:1] or listed[:1]
    if not all(isinstance(candidate, dict) for candidate in first):
        return None
    kept = _texts_of(body)
    feedback, usage = body.get("promptFeedback"), body.get("usageMetadata")
    if isinstance(feedback, dict) and feedback.get("blockReason"):
        reason = str(feedback["blockReason"])
        kept["promptFeedback"] = {"blockReason": reason if reason in BLOCK_REASONS else "OTHER"}
    if isinstance(usage, dict):
        kept["usageMetadata"] = {name: count for name, count in usage.items() if _is_count(count)}
    return kept | ({"candidates": [_plain_candidate(candidate) for candidate in first]} if first else {})


def parsed_no_more(text: str) -> str:
    """The text of an answer as it came."""
    return text.replace(UNPARSED, "")


def _plain_candidate(candidate: dict[str, Any]) -> dict[str, Any]:
    plain = _texts_of(candidate)
    if str(candidate.get("finishReason")) in FINISH_REASONS:
        plain["finishReason"] = candidate["finishReason"]
    content = candidate.get("content")
    if isinstance(content, dict):
        parts = content.get("parts")
        texts = [part for part in parts[:MAX_PARTS] if _is_text(part)] if isinstance(parts, list) else []
        plain["content"] = {"role": "model"} | ({"parts": [_plain_part(part) for part in texts]} if texts else {})
    return plain


def _texts_of(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in KEPT if isinstance(body.get(name), str)}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_COUNT


def _has_text(candidate: Any) -> bool:
    content = candidate.get("content") if isinstance(candidate, dict) else None
    parts = content.get("parts") if isinstance(content, dict) else None
    return isinstance(parts, list) and any(_is_text(part) and part["text"] for part in parts[:MAX_PARTS])


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("text"), str)


def _plain_part(part: dict[str, Any]) -> dict[str, Any]:
    text = UNPARSED + part["text"][: MAX_TEXT_LENGTH + 1]
    return {"text": text} | ({"thought": True} if part.get("thought") is True else {})
