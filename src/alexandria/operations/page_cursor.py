"""Writes the end of a page of a list as the text that asks for the next page, and reads it."""

from __future__ import annotations

import base64
import json
from typing import Any

from alexandria.core.errors import BadInput


def cursor(*values: str | int) -> str:
    """The text for `next`, safe in an address."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def values_of(after: str, count: int) -> list[Any]:
    """The values of a cursor, which may be of any type. Raises BadInput if they are not `count`."""
    try:
        values: Any = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
    except (ValueError, TypeError, RecursionError):
        raise wrong_cursor() from None
    if not isinstance(values, list) or len(values) != count:
        raise wrong_cursor()
    return values


def wrong_cursor() -> BadInput:
    return BadInput(
        "after: it is not the end of a page in this order", hint="send `next` of the page before, or leave it out"
    )
