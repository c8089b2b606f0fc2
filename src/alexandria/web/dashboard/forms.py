"""Reads the fields of the dashboard's forms: requests as the API would read them, with the labels of the form in errors."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, Field, ValidationError

from alexandria.core.errors import BadInput, in_words
from alexandria.core.lazy_model import LazyModel
from alexandria.core.month import months_in
from alexandria.operations import schemas
from alexandria.web.auth.login import OWN_PATH

Body = TypeVar("Body", bound=BaseModel)
AUDIT_NAME = "dashboard"
FIELD_HINTS = {  # field of a request -> its label in the form, and its valid values
    "batch_size": ("Months", "a number from 1 to 50"),
    "months": ("The month", "a month from 1900-01 to 2100-12, such as 2019-07"),
    "year_start": ("From", "a year from 1900 to 2100"),
    "year_end": ("To", "a year from 1900 to 2100"),
    "plan": ("The plan", "preview the months again, then confirm"),
    "why": ("Reason", "one line of at most 300 characters"),
    "name": ("Your name", "one line of at most 60 characters"),
    "who": ("Your name", "one line of at most 100 characters"),
    "phase": ("The phase", "reload the page"),
    "rollout": ("The rollout", "reload the page"),
    "hold": ("The hold", "reload the page"),
    "reason": ("Reason", "one line of at most 300 characters"),
    "act": ("The decision", "use the buttons of the list"),
    "books": ("The selected books", "select from 1 to 100 of the list"),
    "isbn13": ("ISBN", "13 digits, with or without hyphens"),
    "month": ("Month", "a month that named the book, such as 2019-07"),
    "isbns": ("The editions", "select those that are of the other book, at most 100"),
    "title": ("Title of the new book", "one line of at most 300 characters"),
    "contributors": ("Contributors of the new book", "names, separated by semicolons, of at most 300 characters"),
    "field": ("Field", "one of the list"),
    "value": ("Value", "one line of at most 300 characters"),
    "other_work_id": ("The other book", "its number, which is in the address of its page"),
    "expected": ("The state of the book", "reload the page"),
}
MAX_ID_DIGITS = 18
SELECTION_HINT = "select cells of the table, or enter months such as 2019-07 2018-01..2018-06"


class VisitorName(LazyModel):
    """The name that a visitor enters. All visitors have the same secret, so that it cannot be verified."""

    name: Annotated[schemas.ShortText, Field(max_length=60)]


def read(body: type[Body], **fields: object) -> Body:
    """The request that the API would read. Raises BadInput as the API would, with the labels of the form."""
    try:
        return body.model_validate(fields)
    except ValidationError as invalid:
        first = invalid.errors(include_input=False, include_url=False)[0]
        label, hint = FIELD_HINTS.get(str(first["loc"][0]) if first["loc"] else "", ("", ""))
        reason = in_words(first)
        raise BadInput(f"{label}: {reason}" if label else reason, hint=hint) from None


def number(text: str, max_digits: int = 5) -> int | str:
    """The number of a field, or the text, which its request then refuses."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= max_digits else text


def selection(text: str) -> list[str]:
    """The months of a selection such as "2019-07 2018-01..2018-06", each once, the newest first. Raises BadInput."""
    months: dict[str, None] = {}
    for part in text.replace(",", " ").split():
        months |= dict.fromkeys(map(str, months_in(part)))
        if len(months) > schemas.MAX_NAMED_MONTHS:
            raise BadInput(f"Months: more than {schemas.MAX_NAMED_MONTHS} are selected", hint="select fewer at a time")
    if not months:
        raise BadInput("Months: none is selected", hint=SELECTION_HINT)
    return sorted(months, reverse=True)


def return_path(form: dict[str, str], default: str = "/") -> str:
    """Where the visitor goes after the action: the page of the form, never another site."""
    path = form.get("back", default)
    return path if OWN_PATH.fullmatch(path) else default


def sentence(message: str) -> str:
    """A message as a sentence of its own."""
    return f"{message[:1].upper()}{message[1:]}."
