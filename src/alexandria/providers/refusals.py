"""Extracts a provider's own sentence from the body of a refusal, for people who have to act on it.

The sentence is masked, on one line and short. A body without one, such as a page for people, gives "".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx2

from alexandria.core.escaping import inert_line
from alexandria.core.redaction import masked

MAX_SENTENCE_LENGTH = 200  # characters
MAX_BODY_LENGTH = 65_536  # characters of a body that are searched
MAX_DEPTH = 6  # levels of lists and objects that are searched
# The fields that hold a sentence, in small letters, the most telling first: one service has several of them.
SENTENCE_FIELDS = (
    "message",
    "errormessage",
    "error_message",
    "error_description",
    "detail",
    "error",
    "errors",
    "msg",
    "error_msg",
    "status_msg",
    "base_resp",
    "response",
    "info",
    "title",
)
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,500})</title", re.IGNORECASE)
_MARKUP = re.compile(r"\s*<")


def sentence_of(response: httpx2.Response) -> str:
    """Return the provider's sentence in the body of a response, or ""."""
    text = response.text[:MAX_BODY_LENGTH].removeprefix("\ufeff")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return _shortened(_sentence_in_text(text, response.status_code))
    return sentence_in(body)


def sentence_in(body: object) -> str:
    """Return the provider's sentence in the body of an error as decoded from JSON, or ""."""
    if isinstance(body, str):
        return _shortened(_sentence_in_text(body, None))
    return _shortened(next(_sentences(body, MAX_DEPTH), ""))


def with_sentence(summary: str, sentence: str) -> str:
    """Return our summary of an error, followed by the provider's sentence if there is one."""
    return f"{summary}: {sentence}" if sentence else summary


def _sentences(body: Any, depth: int) -> Iterator[str]:
    """The sentences in a body, the most telling first."""
    if depth == 0:
        return
    match body:
        case str() if body.strip():
            yield body
        case list():
            for item in body[:MAX_DEPTH]:
                yield from _sentences(item, depth - 1)
        case dict():
            by_name = {str(name).lower(): value for name, value in body.items()}
            for field in SENTENCE_FIELDS:
                yield from _sentences(by_name.get(field), depth - 1)


def _sentence_in_text(text: str, status: int | None) -> str:
    """The sentence of a body that is no JSON: its first line if that has words, or the title of a page."""
    if _MARKUP.match(text):
        title = _TITLE.search(text)
        words = unescape(title[1]).strip() if title else ""
        return "" if status is not None and words.startswith(str(status)) else words  # the status is known already
    line = next(iter(text.strip().splitlines()), "")
    return line if " " in line.strip() else ""  # a single word may be anything, also a secret


def _shortened(sentence: str) -> str:
    """The sentence as it may be shown. It is masked before it is cut, so that no part of a secret is left."""
    shown = " ".join(inert_line(masked(sentence.encode("utf-8", "replace").decode())).split())
    return shown if len(shown) <= MAX_SENTENCE_LENGTH else f"{shown[: MAX_SENTENCE_LENGTH - 3].rstrip()}..."
