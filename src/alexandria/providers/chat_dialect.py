"""Reads the chat completions of any server that speaks OpenAI's dialect, and writes them in OpenAI's own form.

Servers leave fields out, add others, call the same end differently and put the answer where the thinking belongs. The
SDK beneath pydantic-ai takes none of that, so that it is given the plain form.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

CHAT_PATH = "/chat/completions"
# What is requested for the form of the answer, the strictest first; the next one is tried when a server refuses it.
RESPONSE_FORMATS: tuple[dict[str, Any] | None, ...] = ({"type": "json_schema"}, {"type": "json_object"}, None)

FINISH_REASONS = {
    "length": "length", "max_tokens": "length", "maxtokens": "length", "max_output_tokens": "length",
    "model_length": "length", "max_length": "length", "token_limit": "length", "incomplete": "length",
    "insufficient_system_resource": "length",
    "content_filter": "content_filter", "contentfilter": "content_filter", "safety": "content_filter",
    "recitation": "content_filter", "prohibited_content": "content_filter", "blocklist": "content_filter",
    "sensitive": "content_filter", "refusal": "content_filter", "moderation": "content_filter",
    "guardrail_intervened": "content_filter", "blocked": "content_filter",
}  # fmt: skip
ERROR_FIELDS = ("error_code", "error_msg", "error_message", "errorMessage", "errors")
THOUGHT_FIELDS = ("reasoning_content", "reasoning", "thinking", "thoughts", "reasoning_details")
MAX_CHOICES = 10  # of an answer that are read; one is asked for
TOKEN_FIELDS = {
    "prompt_tokens": ("prompt_tokens", "input_tokens", "prompt_eval_count"),
    "completion_tokens": ("completion_tokens", "output_tokens", "eval_count"),
}
OPENING = re.compile(r"[\[{]")


def complete_url(url: str) -> str:
    """The base of a server's addresses: a URL with a path is complete, to another "/v1" is added.

    The path of the chat completions themselves may end it.
    """
    plain = url.partition("?")[0].rstrip("/").removesuffix(CHAT_PATH).rstrip("/")
    return plain if urlsplit(plain).path else f"{plain}/v1"


def error_in(body: Any) -> Any:
    """The error that a body reports in the place of an answer, or None."""
    if not isinstance(body, dict):
        return None
    choices = body.get("choices")
    if isinstance(choices, list) and choices:
        first = choices[0] if isinstance(choices[0], dict) else {}
        return first.get("error") or None
    return body.get("error") or (body if _is_error(body) else None)


def _is_error(body: dict[str, Any]) -> bool:
    """Whether a body without choices is an error, in any of the forms in which servers write one beneath a 200."""
    state = body.get("base_resp")
    failed = isinstance(state, dict) and state.get("status_code") not in {0, "0", None}
    return failed or body.get("object") == "error" or body.get("success") is False or any(map(body.get, ERROR_FIELDS))


def plain_completion(body: Any) -> dict[str, Any] | None:
    """The completion in OpenAI's own form; None if the body is none."""
    choice = _first_choice(body)
    if choice is None:
        return None
    message = choice.get("message") or choice.get("delta") or {"content": choice.get("text")}
    if not isinstance(message, dict):
        return None
    finish = _finish_reason(choice)
    refusal = message.get("refusal")
    plain = {
        "role": "assistant",
        "content": _answer_in(message, cut_off=finish == "length"),
        "refusal": refusal if isinstance(refusal, str) and refusal.strip() else None,
    }
    completion = {
        "id": str(body.get("id") or "none"),
        "object": "chat.completion",
        "created": 0,
        "model": str(body.get("model") or "unknown"),
        "choices": [{"index": 0, "finish_reason": finish, "message": plain}],
    }
    usage = _usage(body)
    return completion | ({"usage": usage} if usage else {})


def _first_choice(body: Any) -> dict[str, Any] | None:
    """The first choice; of Ollama's own dialect, the answer itself."""
    if not isinstance(body, dict):
        return None
    choices = body.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return next((choice for choice in choices[:MAX_CHOICES] if _has_content(choice)), choices[0])
    return body if isinstance(body.get("message"), dict) else None


def _has_content(choice: Any) -> bool:
    message = choice.get("message") if isinstance(choice, dict) else None
    return isinstance(message, dict) and bool(_text_of(message.get("content")).strip())


def _finish_reason(choice: dict[str, Any]) -> str:
    reason = choice.get("finish_reason") or choice.get("done_reason") or ""
    plain = str(reason).strip().lower().replace("-", "_").replace(" ", "_")
    return FINISH_REASONS.get(plain, "stop")


def _answer_in(message: dict[str, Any], *, cut_off: bool) -> str | None:
    """The text of the answer: the content, or the thinking if only that has a list in it.

    Of an answer that was cut off the thinking counts only if it begins with the list: else it is a draft.
    """
    content = _text_of(message.get("content"))
    if OPENING.search(content):
        return content
    called = _arguments_in(message)
    if called:
        return called
    for name in THOUGHT_FIELDS:
        thought = _text_of(message.get(name))
        bare = re.sub(r"^\s*```\w*", "", thought).lstrip()
        if OPENING.match(bare) if cut_off else OPENING.search(thought):
            return thought
    return content or None


def _arguments_in(message: dict[str, Any]) -> str:
    """The answer where a server has put it as data, or into a call of a function although none was offered; else ""."""
    calls = message.get("tool_calls")
    functions = [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    given = [
        function.get("arguments")
        for function in (*functions, message.get("function_call"))
        if isinstance(function, dict)
    ]
    return next(filter(OPENING.search, map(_text_of, (message.get("parsed"), *given))), "")


def _text_of(content: Any) -> str:
    """The text of a content, which may also come in parts or as JSON that has been parsed already."""
    match content:
        case str():
            return content
        case list() if content and all(_is_part(part) for part in content):
            parts = [part if isinstance(part, str) else part.get("text") for part in content]
            return "".join(part for part in parts if isinstance(part, str))
        case dict() | list():
            return json.dumps(content)
    return ""


def _is_part(part: Any) -> bool:
    return isinstance(part, str) or (isinstance(part, dict) and "type" in part and "title" not in part)


def _usage(body: dict[str, Any]) -> dict[str, Any]:
    """The tokens that were counted, without what is not a count; {} if none are reported."""
    given = body.get("usage")
    counts = given if isinstance(given, dict) else body
    usage: dict[str, Any] = {}
    for name, others in TOKEN_FIELDS.items():
        usage[name] = next((count for other in others if (count := _count(counts.get(other)))), 0)
    if not any(usage.values()):
        return {}
    usage["total_tokens"] = _count(counts.get("total_tokens")) or sum(usage.values())
    for name in ("prompt_tokens_details", "completion_tokens_details"):
        details = counts.get(name)
        if isinstance(details, dict):
            usage[name] = {key: _count(value) for key, value in details.items() if _count(value)}
    return usage


def _count(value: Any) -> int:
    """A count of tokens; 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        return 0
    return int(value)
