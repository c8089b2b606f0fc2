"""Reads the usable books from a model's list. Each item is checked alone, so that a bad item never costs the list."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from alexandria.catalogue.matching.names import PLACEHOLDERS
from alexandria.catalogue.models import Candidate
from alexandria.core import errors
from alexandria.core.lazy_model import LazyModel
from alexandria.core.month import Month
from alexandria.providers import fields, model_json
from alexandria.providers.base import SuggestResult
from alexandria.providers.named_lists import AUTHOR_NAMES, TITLE_NAMES

MAX_TITLE_LENGTH, MAX_AUTHOR_LENGTH = 300, 200  # characters; longer is prose, not a name

MAX_TITLE_NUMBER = 10**9  # a title like 1984 may come as a number

# Loose on purpose: a model that breaks a strict schema costs the whole paid answer.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "books": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "title": {"type": "string"},
                    "author": {"type": "string"},
                    "publisher": {"type": "string"},
                    "format": {"type": "string"},
                    "year": {"type": "integer"},
                },
                "required": ["title", "author"],
            },
        }
    },
    "required": ["books"],
}


def _people(value: object) -> str:
    people = value[: fields.MAX_VALUES] if isinstance(value, list) else [value]
    named = [person.get("name") if isinstance(person, dict) else person for person in people]
    joined = ", ".join(fields.texts(named))
    return "" if joined.lower().strip(".") in PLACEHOLDERS else joined


def _name(value: object) -> str:
    number = isinstance(value, int) and not isinstance(value, bool) and abs(value) < MAX_TITLE_NUMBER
    plain = str(value) if number else fields.text(value)
    return "" if plain.lower() in PLACEHOLDERS else plain


Title = Annotated[str, BeforeValidator(_name), StringConstraints(min_length=1, max_length=MAX_TITLE_LENGTH)]
People = Annotated[str, BeforeValidator(_people), StringConstraints(min_length=1, max_length=MAX_AUTHOR_LENGTH)]


class _ListedBook(LazyModel):
    """One item as models write it: a year may be a text, an author a list, anything but the title may be absent."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    title: Title = Field(validation_alias=AliasChoices(*TITLE_NAMES))
    author: People = Field(validation_alias=AliasChoices(*AUTHOR_NAMES))
    publisher: fields.Text = ""
    format: fields.Text = ""
    year: fields.Year = None


def list_in(provider: str, text: str, *, cut_off: bool, month: Month | None = None) -> list[Any]:
    """The items of the list in a model's answer: an object with "books", or the bare list, whatever stands around it.

    Of lists under the names of months that of `month` counts.

    Of an answer that was `cut_off` the complete items count. Raises BadAnswer if there is no list to be read.
    """
    try:
        items = model_json.find_items(text, month)
    except model_json.NoList as absent:
        if not cut_off:
            raise errors.BadAnswer(provider, str(absent)) from None
        items = []
    if cut_off:
        items = [item for item in items if isinstance(item, dict)]
        if not items:
            raise errors.BadAnswer(provider, "the model's answer was cut off before the first book was complete")
    return items


def judge(items: list[Any], month: Month, count: int, generator: str) -> SuggestResult:
    """At most `count` candidates of `month`, and why each of the other items was dropped."""
    candidates: list[Candidate] = []
    dropped: list[str] = []
    for item in items:
        if len(candidates) == count:
            dropped.append(f"{_called(item)}: beyond the {count} asked for")
            continue
        try:
            candidates.append(_candidate(_ListedBook.model_validate(_plain_names(item)), month, generator))
        except ValidationError as invalid:
            dropped.append(f"{_called(item)}: {_why(invalid)}")
    return SuggestResult(tuple(candidates), tuple(dropped))


def _plain_names(item: Any) -> Any:
    """The item with the names of its fields in small letters; one that is written so already counts."""
    if not isinstance(item, dict):
        return item
    return {name.lower(): value for name, value in item.items()} | item


def _candidate(book: _ListedBook, month: Month, generator: str) -> Candidate:
    """A model that names another year than it was asked for has contradicted itself on the month."""
    year = book.year or month.year
    return Candidate(
        title=book.title,
        author=book.author,
        year=year,
        month=month.month if year == month.year else None,
        publisher=book.publisher,
        format=book.format,
        named_by=(generator,),
    )


def _called(item: Any) -> str:
    """What to call an item in a reason: its title, if it has one, on a short line."""
    title = fields.text(_plain_names(item).get("title")) if isinstance(item, dict) else ""
    return json.dumps(title[:80], ensure_ascii=False) if title else "an item without title"


def _why(invalid: ValidationError) -> str:
    problem = invalid.errors(include_input=False, include_url=False, include_context=False)[0]
    where = problem["loc"][0] if problem["loc"] else "item"
    match problem["type"]:
        case "missing" | "too_short" | "string_too_short":
            return f"no {where}"
        case "too_long" | "string_too_long":
            return f"{where} too long"
        case "model_type":
            return "not an object"
        case kind:
            return f"{where} unusable ({kind})"
