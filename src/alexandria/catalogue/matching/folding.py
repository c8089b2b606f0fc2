"""Folds the spelling of titles and names away: case, accents, typographic variants, scripts."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

CACHE_SIZE = 1 << 14
MAX_TEXT_LENGTH = 4000  # characters of a title or name that are read; none comes near

# The ALA-LC tables write soft signs, ayn and hamza with letters of their own.
_PLAIN = str.maketrans({
    "’": "'", "‘": "'", "`": "'", "´": "'", "ʼ": "'", "ʻ": "'", "ʹ": "'", "ʾ": "'", "ʿ": "'", "ʺ": "'", "“": '"', "”": '"',
    "–": "-", "—": "-", "‒": "-", "‑": "-", "‐": "-", "―": "-",
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ß": "ss", "ħ": "h", "：": ":",
    "（": "(", "）": ")", "【": "[", "】": "]", "。": ".", "．": ".",
})  # fmt: skip
# Accents, halves of ligatures, Hebrew points, Arabic vowel signs and marks of direction are optional in writing; vowel
# signs of other scripts are not.
_OPTIONAL_MARKS = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0640\u064b-\u065f\u0670\u1dc0-\u1dff\u200b-\u200f\u2060\u20d0-\u20ff\ufe20-\ufe2f\ufeff]"
)


@lru_cache(CACHE_SIZE)
def fold(text: str) -> str:
    """Lower case, without accents and typographic variants, spaces single. `fold(fold(x)) == fold(x)`.

    At most MAX_TEXT_LENGTH characters: to sort a long row of accents, as normalization does, takes quadratic time.
    """
    text = text[:MAX_TEXT_LENGTH]
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).casefold().translate(_PLAIN)
        text = unicodedata.normalize("NFC", _OPTIONAL_MARKS.sub("", unicodedata.normalize("NFKD", text)))
    return " ".join(text.lower().split())[:MAX_TEXT_LENGTH].rstrip()


@lru_cache(CACHE_SIZE)
def romanized(text: str) -> str:
    """Latin letters for whatever script, for comparing across scripts only."""
    return "".join(character for character in fold(anyascii(text)) if character.isalnum())
