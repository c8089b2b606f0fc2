"""Writes requests in OpenAI's dialect, and reads the chat completions of any server that speaks it.

Servers leave fields out, add others, call the same end differently and put the answer where the thinking belongs.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from alexandria.providers.model_answer import ModelAnswer, token_count

CHAT_PATH = "/chat/completions"

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
TOKEN_FIELDS = (  # of input and of output
    ("prompt_tokens", "input_tokens", "prompt_eval_count"),
    ("completion_tokens", "output_tokens", "eval_count"),
)
OPENING = re.compile(r"[\[{]")
THOUGHT_BEGINS, THOUGHT_ENDS = "<think>", "</think>"


def complete_url(url: str) -> str:
    """The base of a server's addresses: a URL with a path is complete, to another "/v1" is added.

    The path of the chat completions themselves may end it.
    """
    plain = re.split(r"[?#]", url, maxsplit=1)[0].rstrip("/").removesuffix(CHAT_PATH).rstrip("/")
    return plain if urlsplit(plain).path else f"{plain}/v1"


def query_of(url: str) -> dict[str, str]:
    """The parameters in a server's URL, such as Azure's api-version, without those that are blank."""
    return dict(parse_qsl(urlsplit(url).query))


def response_formats(name: str, schema: dict[str, Any]) -> tuple[dict[str, Any] | None, ...]:
    """What is requested for the form of the answer, the strictest first; the next is tried when a server refuses it."""
    described = {"name": name, "schema": _closed(schema), "strict": False}
    return {"type": "json_schema", "json_schema": described}, {"type": "json_object"}, None


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with no other properties than those it names: some servers take only such a one."""
    inner = {name: _closed(value) if isinstance(value, dict) else value for name, value in schema.items()}
    return inner | ({"additionalProperties": False} if schema.get("type") == "object" else {})


def request_body(
    model: str, prompt: str, form: dict[str, Any] | None, settings: dict[str, Any] | None
) -> dict[str, Any]:
    """A request for one answer; `form` is one of `response_formats`, and the `settings` are those of `llm_thinking`."""
    body = {"model": model, "stream": False, "messages": [{"role": "user", "content": prompt}]} | (settings or {})
    return body if form is None else body | {"response_format": form}


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


def read_completion(body: Any, *, thinking_apart: bool = False) -> ModelAnswer | None:
    """The answer in a completion; None if the body is none.

    `thinking_apart`: the server does not count the tokens of thinking among those of the completion.
    """
    choice = _first_choice(body)
    if choice is None:
        return None
    message = choice.get("message") or choice.get("delta") or {"content": choice.get("text")}
    if not isinstance(message, dict):
        return None
    tokens = _tokens(body, thinking_apart=thinking_apart)
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        return ModelAnswer("", "content_filter", "refusal", *tokens)
    finish = _finish_reason(choice)
    text = _without_thoughts(_answer_in(message, cut_off=finish == "length"))
    return ModelAnswer(text, finish, finish if finish == "content_filter" else "", *tokens)


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


def _answer_in(message: dict[str, Any], *, cut_off: bool) -> str:
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
    return content


def _without_thoughts(content: str) -> str:
    """The content without thoughts between tags, a blank line in the place of each; of an open one, without its tag."""
    kept, at = [], 0
    while (begin := content.find(THOUGHT_BEGINS, at)) >= 0:
        end = content.find(THOUGHT_ENDS, begin)
        if end < 0:
            kept.append(content[at:begin] + content[begin + len(THOUGHT_BEGINS) :])
            break
        kept.append(content[at:begin])
        at = end + len(THOUGHT_ENDS)
    else:
        kept.append(content[at:])
    return "\n\n".join(filter(None, kept))


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


def _tokens(body: dict[str, Any], *, thinking_apart: bool) -> tuple[int, int]:
    """The tokens of input and output that are reported."""
    given = body.get("usage")
    counts = given if isinstance(given, dict) else body
    spent, written = (
        next((count for name in names if (count := token_count(counts.get(name)))), 0) for names in TOKEN_FIELDS
    )
    details = counts.get("completion_tokens_details")
    if thinking_apart and (spent or written) and isinstance(details, dict):
        written += token_count(details.get("reasoning_tokens"))
    return spent, written
