"""Knows the words of English, to distinguish a slip of the pen from another word, and an English title from others."""

from __future__ import annotations

import gzip
import pkgutil
from functools import lru_cache

import msgspec

RAREST_COUNT = 50  # of the rarest words of the dictionary, among which are slips and names


def is_english(word: str) -> bool:
    """Return whether a folded word is in the English dictionary, also as a genitive without its apostrophe."""
    counted = _counted()
    if counted.get(word, 0) > RAREST_COUNT:
        return True
    return word.endswith("s") and counted.get(word[:-1], 0) > RAREST_COUNT


def may_be_english(word: str) -> bool:
    """Return whether a folded word is in the English dictionary or among its rare words, some of which are names."""
    return word in _counted() or is_english(word)


@lru_cache(1)
def _counted() -> dict[str, int]:
    """Return the dictionary of pyspellchecker, read without its checker, which takes four times as long to make."""
    packed = pkgutil.get_data("spellchecker", "resources/en.json.gz")
    assert packed is not None, "the package is installed as files"
    return msgspec.json.decode(gzip.decompress(packed), type=dict[str, int])
