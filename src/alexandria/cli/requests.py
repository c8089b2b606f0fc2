"""Builds what commands pass to operations: requests checked as the HTTP API checks them, and the operator's name."""

from __future__ import annotations

import contextlib
import os
import pwd
from typing import TYPE_CHECKING, Any, TypeVar

from alexandria.core.errors import BadInput, in_words

if TYPE_CHECKING:
    from pydantic import BaseModel

Body = TypeVar("Body", bound="BaseModel")


def read_request(body: type[Body], fields: dict[str, Any]) -> Body:
    """The request that the HTTP API would read from these fields. Raises BadInput."""
    from pydantic import ValidationError

    try:
        return body.model_validate(fields)
    except ValidationError as invalid:
        problem = invalid.errors(include_input=False, include_url=False)[0]
        raise BadInput(f"{problem['loc'][0] if problem['loc'] else 'options'}: {in_words(problem)}") from None


def operator_name() -> str:
    """The name of the user who runs this command, for the audit; the number of a user without a name."""
    with contextlib.suppress(KeyError):
        return f"cli {os.environ.get('USER') or pwd.getpwuid(os.getuid()).pw_name}"
    return f"cli {os.getuid()}"
