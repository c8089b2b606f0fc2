"""Folds the spelling of titles and names away: case, accents, typographic variants, scripts."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

CACHE_SIZE = 1 << 14
MAX_TEXT_LENGTH = 4000  # characters of a title or name that are read; none comes near
MAX_GROWTH = 40  # characters by which folding makes a text longer; a sign of a unit, such as ㌖, becomes six
MAX_DECOMPOSED = 4  # characters that an accented letter or a Korean syllable is at most while its accents are apart

# The ALA-LC tables write soft signs, ayn and hamza with letters of their own.
_PLAIN = str.maketrans({
    "’": "'", "‘": "'", "`": "'", "´": "'", "ʼ": "'", "ʻ": "'", "ʹ": "'", "ʾ": "'", "ʿ": "'", "ʺ": "'", "“": '"', "”": '"',
    "–": "-", "—": "-", "‒": "-", "‑": "-", "‐": "-", "―": "-",
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ß": "ss", "ħ": "h", "：": ":",
    "（": "(", "）": ")", "【": "[", "】": "]", "。": ".", "．": ".",
})  # fmt: skip
# Marks of trade, and blessings behind a name in one sign, which would become a phrase of up to 18 letters.
_OMITTED = str.maketrans(dict.fromkeys("™®℠©ﷺﷻ"))
# Accents, halves of ligatures, Hebrew points, Arabic vowel signs and marks of direction are optional in writing; vowel
# signs of other scripts are not.
_OPTIONAL_MARKS = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0640\u064b-\u065f\u0670\u1dc0-\u1dff\u200b-\u200f\u2060\u20d0-\u20ff\ufe20-\ufe2f\ufeff]"
)
# What the first byte of an accented letter looks like if it is read as a letter of its own.
_MISREAD = re.compile(
    "[\u00c2-\u00c5\u00d0\u00d1\u00d7\u00d8\u00d9\u00e2-\u00e9][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u2013-\u203a\u20ac\u2122]"
)


@lru_cache(CACHE_SIZE)
def fold(text: str) -> str:
    """Lower case, without accents and typographic variants, spaces single. `fold(fold(x)) == fold(x)`.

    At most MAX_TEXT_LENGTH characters: to sort a long row of accents, as normalization does, takes quadratic time.
    """
    text = text[:MAX_TEXT_LENGTH]
    length = min(len(text) + MAX_GROWTH, MAX_TEXT_LENGTH)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(_OMITTED))[: len(text) * MAX_DECOMPOSED + MAX_GROWTH]
        text = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN))
        text = unicodedata.normalize("NFC", _OPTIONAL_MARKS.sub("", text))
    return " ".join(text.lower().split())[:length].rstrip()


def repaired(text: str) -> str:
    """Return a text whose UTF-8 was read as Latin-1 as it was meant: "Misérables" for "MisÃ©rables"."""
    if not _MISREAD.search(text):
        return text
    for encoding in ("cp1252", "latin-1"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return text


@lru_cache(CACHE_SIZE)
def romanized(text: str) -> str:
    """Latin letters for whatever script, for comparing across scripts only."""
    plain = fold(anyascii(text[:MAX_TEXT_LENGTH]))
    return plain if plain.isalnum() else "".join(filter(str.isalnum, plain))
