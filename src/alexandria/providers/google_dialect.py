"""Writes an answer of Gemini in the plain form that the SDK takes: one candidate, its texts, and what was counted.

The SDK parses the text of an answer as JSON. It stumbles over nesting without end and over a number of 4,300 digits, and
the answer that was paid for is lost. UNPARSED before a text keeps it from that.
"""

from __future__ import annotations

from typing import Any

UNPARSED = "\0"  # no JSON begins with it, and no answer of ours may contain it
MAX_TEXT_LENGTH = 1_000_000  # characters of an answer that are kept; a list of 100 books has 20,000
MAX_PARTS = 1000  # of a candidate
KEPT = ("promptFeedback", "usageMetadata", "modelVersion", "responseId")
KEPT_OF_CANDIDATE = ("index", "finishReason", "finishMessage", "safetyRatings")


def plain_response(body: Any) -> dict[str, Any] | None:
    """The response with its first candidate, and texts that are not parsed; None if the body is no response."""
    if not isinstance(body, dict):
        return None
    candidates = body.get("candidates")
    first = candidates[:1] if isinstance(candidates, list) else []
    if not all(isinstance(candidate, dict) for candidate in first):
        return None
    kept = {name: body[name] for name in KEPT if name in body}
    return kept | ({"candidates": [_plain_candidate(candidate) for candidate in first]} if first else {})


def parsed_no_more(text: str) -> str:
    """The text of an answer as it came."""
    return text.replace(UNPARSED, "")


def _plain_candidate(candidate: dict[str, Any]) -> dict[str, Any]:
    plain = {name: candidate[name] for name in KEPT_OF_CANDIDATE if name in candidate}
    content = candidate.get("content")
    if isinstance(content, dict):
        parts = content.get("parts")
        texts = [part for part in parts[:MAX_PARTS] if _is_text(part)] if isinstance(parts, list) else []
        plain["content"] = {"role": "model"} | ({"parts": [_plain_part(part) for part in texts]} if texts else {})
    return plain


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("text"), str)


def _plain_part(part: dict[str, Any]) -> dict[str, Any]:
    text = UNPARSED + part["text"][: MAX_TEXT_LENGTH + 1]
    return {"text": text} | ({"thought": True} if part.get("thought") is True else {})
