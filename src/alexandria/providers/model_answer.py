"""The answer of a language model as all dialects are read: its text, why it ended, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MAX_TEXT_LENGTH = 1_000_000  # characters of an answer that are kept; a list of 100 books has 20,000
MAX_TOKENS = 10**12  # of one answer; a larger number is no count


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """An answer. `finish` is "stop", "length", "content_filter", "error" or "" if no reason is known.

    `declined` is the reason, in the server's words, if `finish` is "content_filter".
    """

    text: str
    finish: str
    declined: str = ""
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether it has no text, no end and no cost."""
        return not (self.text or self.finish or self.input_tokens or self.output_tokens)

    def stored(self) -> dict[str, Any]:
        """The answer as JSON data, cut off at MAX_TEXT_LENGTH."""
        return {
            "text": self.text[:MAX_TEXT_LENGTH],
            "finish": "length" if len(self.text) > MAX_TEXT_LENGTH else self.finish,
            "declined": self.declined,
            "tokens": {"input": self.input_tokens, "output": self.output_tokens},
        }


def token_count(value: Any) -> int:
    """A count of tokens; 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MAX_TOKENS:
        return 0
    return int(value)
