"""Escapes untrusted text for terminals and logs: no character of it may act as a command."""

from __future__ import annotations

import re

# Control characters other than tab and newline, and those that change the direction of writing.
ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
DIRECTION_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Letters that are written from right to left, and the invisible marks that act like one: U+200F and U+061C.
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]")
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
BREAKS = re.compile(r"[\t\n]")


def inert(text: str) -> str:
    r"""Return the text with every active character written out, as in \x1b."""
    return text.translate(_WRITTEN_OUT) if ACTIVE.search(text) else text


def inert_line(text: str) -> str:
    """Return the text as `inert` does, on one line: a text cannot pass for several log lines."""
    return BREAKS.sub(" ", inert(text))


def inert_json(text: str) -> str:
    """Return the same JSON text, with JSON's own escapes for active characters."""
    return text.translate(_JSON_ESCAPES) if ACTIVE.search(text) else text


def isolated(text: str) -> str:
    """Return the text so that it cannot change the direction of what is written around it.

    Marks that change the direction are written out, and text with letters from right to left is set apart by a pair of
    marks of ours.
    """
    harmless = DIRECTION_CONTROLS.sub(_written_out, text)
    return f"{FIRST_STRONG_ISOLATE}{harmless}{POP_ISOLATE}" if RIGHT_TO_LEFT.search(harmless) else harmless


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


_CODES = [code for code in range(0x2070) if ACTIVE.match(chr(code))]
_WRITTEN_OUT = {code: ACTIVE.sub(_written_out, chr(code)) for code in _CODES}
_JSON_ESCAPES = {code: f"\\u{code:04x}" for code in _CODES}
