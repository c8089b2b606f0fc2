"""Joins the pieces of a completion that a server has sent as a stream, although none was asked for.

The pieces are server-sent events or JSON lines, in OpenAI's dialect or in Ollama's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from alexandria.providers.chat_dialect import THOUGHT_FIELDS

MAX_PIECES = 20_000  # of a stream; a list of 100 books has some thousands
STREAM = re.compile(r"\s*(?:(?:data|event|id|retry)?:|\{[^\n]*\}\r?\n\s*\{)")
PARTED = {"choices", "message"}
TEXTS = ("content", "refusal", *THOUGHT_FIELDS)


def joined(text: str) -> dict[str, Any] | None:
    """Return the completion that a stream amounts to, or the error in it; None if the text is no stream."""
    plain = text.lstrip("\ufeff \r\n")
    if not STREAM.match(plain):
        return None
    lines = plain.splitlines()[:MAX_PIECES]
    try:
        pieces = [piece for piece in map(json.loads, _data(lines)) if isinstance(piece, dict)]
    except (ValueError, RecursionError):
        return None
    failed = next((piece for piece in pieces if piece.get("error")), None)
    return failed or (_completion(pieces) if any(map(_part, pieces)) else None)


def _data(lines: list[str]) -> Iterator[str]:
    """What the lines hold, without the marks and comments of server-sent events."""
    for line in lines:
        data = line.removeprefix("data:").strip()
        if data and data != "[DONE]" and not line.startswith((":", "event:", "id:", "retry:")):
            yield data


def _completion(pieces: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {}
    whole: dict[str, Any] = {}
    finish: Any = None
    for piece in pieces:
        whole |= {name: value for name, value in piece.items() if value is not None and name not in PARTED}
        choice = _choice(piece)
        finish = choice.get("finish_reason") or choice.get("done_reason") or finish
        part = _part(piece)
        for name in TEXTS:
            if isinstance(part.get(name), str):
                message[name] = message.get(name, "") + part[name]
    return whole | {"choices": [{"message": message, "finish_reason": finish}]}


def _choice(piece: dict[str, Any]) -> dict[str, Any]:
    """The first choice of a piece; of Ollama's own dialect, the piece itself."""
    choices = piece.get("choices")
    if not isinstance(choices, list):
        return piece
    return choices[0] if choices and isinstance(choices[0], dict) else {}


def _part(piece: dict[str, Any]) -> dict[str, Any]:
    """The part of the message in a piece. A whole message beside "choices" is no part of one."""
    part = _choice(piece).get("delta" if "choices" in piece else "message")
    return part if isinstance(part, dict) else {}
