"""Knows the words of English, so that a slip of the pen can be told from another word, and an English title from others."""

from __future__ import annotations

from functools import lru_cache

from spellchecker import SpellChecker

RAREST_COUNT = 50  # of the rarest words of the dictionary, among which are slips and names


def is_english(word: str) -> bool:
    """Return whether a folded word is in the English dictionary, also as a genitive without its apostrophe."""
    words = _words()
    return word in words or (word.endswith("s") and word[:-1] in words)


def may_be_english(word: str) -> bool:
    """Return whether a folded word is in the English dictionary or among its rare words, some of which are names."""
    return word in _rare_words() or is_english(word)


@lru_cache(1)
def _words() -> frozenset[str]:
    return frozenset(word for word, count in _counted().items() if count > RAREST_COUNT)


@lru_cache(1)
def _rare_words() -> frozenset[str]:
    return frozenset(_counted())


@lru_cache(1)
def _counted() -> dict[str, int]:
    return dict(SpellChecker(language="en", distance=1).word_frequency.items())
