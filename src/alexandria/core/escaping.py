"""What may reach a terminal or a log? Text from models and providers is data: nothing in it may act."""

from __future__ import annotations

import re

# Control characters but for tab and newline, and those that turn the direction of writing around.
ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
BREAKS = re.compile(r"[\t\n]")


def inert(text: str) -> str:
    r"""The same, with every character that would act written out, as in \x1b."""
    return ACTIVE.sub(_written_out, text)


def inert_line(text: str) -> str:
    """As `inert`, on one line, so that no text can pretend to be several."""
    return BREAKS.sub(" ", inert(text))


def inert_json(text: str) -> str:
    """The same JSON text, with JSON's own escapes for what would act."""
    return ACTIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
