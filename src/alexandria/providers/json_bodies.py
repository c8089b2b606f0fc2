"""Reads the JSON of a response's body, whatever its content type, its encoding and what a server adds around it."""

from __future__ import annotations

import json
from typing import Any

import httpx2

MARKUP_BEHIND = "<"  # what proxies and servers add behind the JSON begins with it

_decoder = json.JSONDecoder()


def json_in(response: httpx2.Response) -> Any:
    """Return the JSON value of a body. Raises ValueError or RecursionError.

    It is UTF-8, UTF-16 or UTF-32 with or without a byte order mark, or else in the encoding that the response names.
    Markup behind the value is no part of it.
    """
    try:
        return response.json()
    except UnicodeDecodeError:
        text = response.content.decode(_encoding(response), "replace")
    except json.JSONDecodeError as broken:
        if broken.msg != "Extra data":
            raise
        text = response.text
    text = text.lstrip("\ufeff \t\r\n")
    value, end = _decoder.raw_decode(text)
    rest = text[end:].strip(" \t\r\n\0")
    if rest and not rest.startswith(MARKUP_BEHIND):
        raise ValueError("something follows the JSON")
    return value


def _encoding(response: httpx2.Response) -> str:
    """The encoding that a response names if it is a known one, else that of most bytes that are no UTF-8."""
    named = response.charset_encoding or ""
    try:
        "".encode(named)
    except (LookupError, ValueError):
        return "latin-1"
    return "latin-1" if named.lower().replace("-", "").replace("_", "") in {"", "utf8", "ascii", "usascii"} else named
