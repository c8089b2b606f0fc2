"""Reads the values that persons give to fields of editions and works."""

from __future__ import annotations

from alexandria.catalogue.models import PartialDate
from alexandria.catalogue.repository import EDITION_FIELDS
from alexandria.core.errors import BadInput

MAX_PAGES = 100_000
NUMBER_FIELDS, DATE_FIELDS = ("pages",), ("published",)


def read_value(name: str, text: str) -> str | int | None:
    """Return a field's value from text; the empty text is no value. Raises BadInput."""
    if name not in EDITION_FIELDS:
        raise BadInput(f"field: {name!r} is not one of {', '.join(EDITION_FIELDS)}")
    if name in NUMBER_FIELDS:
        if text and not (text.isascii() and text.isdecimal() and 0 < int(text[:7]) <= MAX_PAGES and len(text) <= 6):
            raise BadInput(f"value: {name} is a number from 1 to {MAX_PAGES:,}")
        return int(text) if text else None
    if name in DATE_FIELDS:
        return read_date(name, text) or None
    if name == "title" and not text.strip():
        raise BadInput("value: a title cannot be empty")
    return text


def read_date(name: str, text: str) -> str:
    """Return a date such as 2023-11 as it is stored; the empty text is none. Raises BadInput."""
    try:
        known = not text or str(PartialDate.parse(text)) == text
    except (ValueError, TypeError):
        known = False
    if not known:
        raise BadInput(f"value: {name} is a date such as 2023, 2023-11 or 2023-11-24")
    return text
