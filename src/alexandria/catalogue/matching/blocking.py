"""Makes keys that spellings of one work share, to select the works of a large catalogue that are worth comparing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from alexandria.catalogue.keys import MAX_KEY_BYTES, bounded
from alexandria.catalogue.matching import names, titles
from alexandria.catalogue.matching.folding import CACHE_SIZE, romanized

KEY_VERSION = 1  # of the keys below; a new number for each change, after which a bibliography has to be loaded again
START_LENGTH, END_LENGTH = 4, 3  # letters of a word that one slip of the pen seldom touches both of
_SHORT_LENGTH = MAX_KEY_BYTES // 4  # characters; a shorter key needs no bound
_SMALL = frozenset(
    titles.words_of("in the of and a an to for on with by at from der die das le la les de el un une und et")
)


def blocks(name: str, authors: Sequence[str]) -> list[str]:
    """Keys of a work: its title with each initial, and each family name with the start and end of each telling word.

    Two spellings of one work share a key although a word, a letter or the order of the author's names differs.
    """
    latin = [
        plain
        for word in titles.words(name)
        if (plain := word if word.isalnum() and word.isascii() else romanized(word))
    ]
    telling = [word for word in latin if word.isdigit() or (len(word) >= END_LENGTH and word not in _SMALL)] or latin
    initials, families = _people(tuple(authors))
    title = f"= {''.join(latin)} "
    parts = {word[:START_LENGTH] for word in telling}
    parts.update([f"-{word[-END_LENGTH:]}" for word in telling if len(word) > END_LENGTH])
    keys = [title + initial for initial in initials]
    for family in families:
        keys += [f"{family} {part}" for part in parts]
    if len(max(keys, key=len)) >= _SHORT_LENGTH:
        keys = [bounded(key) for key in keys]
    keys.sort()
    return keys


@lru_cache(CACHE_SIZE)
def _people(authors: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """The initials of all names, and the family names, in Latin letters."""
    people = names.people(authors)
    initials = {_latin(token)[:1] for found in people for token in found.tokens} or {""}
    return frozenset(initials), frozenset({_latin(found.family) for found in people})


def _latin(word: str) -> str:
    """As `romanized`, at once for what is Latin already."""
    return word if word.isascii() and word.isalnum() else romanized(word)
