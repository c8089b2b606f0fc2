"""The operator's contact, which providers find in the User-Agent of each request."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

MAX_CONTACT_LENGTH = 200  # characters; a mail address or a URL


def _for_a_header(value: str) -> str:
    """Return the contact without blanks around it. Raises ValueError for one that no header can carry."""
    plain = value.strip()
    if not (plain.isascii() and plain.isprintable()):
        raise ValueError("a header carries one line of ASCII; write the other letters of a domain as xn--...")
    if len(plain) > MAX_CONTACT_LENGTH:
        raise ValueError(f"longer than {MAX_CONTACT_LENGTH} characters; one mail address or URL is enough")
    return plain


Contact = Annotated[str, AfterValidator(_for_a_header)]
