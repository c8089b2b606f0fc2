"""Makes keys that spellings of one work share, to select the works of a large catalogue that are worth comparing."""

from __future__ import annotations

from collections.abc import Sequence

from alexandria.catalogue.keys import bounded
from alexandria.catalogue.matching import names, titles
from alexandria.catalogue.matching.folding import romanized

START_LENGTH, END_LENGTH = 4, 3  # letters of a word that one slip of the pen seldom touches both of
_SMALL = frozenset(
    titles.words_of("in the of and a an to for on with by at from der die das le la les de el un une und et")
)


def blocks(name: str, authors: Sequence[str]) -> list[str]:
    """Keys of a work: its title with each initial, and each family name with the start and end of each telling word.

    Two spellings of one work share a key although a word, a letter or the order of the author's names differs.
    """
    words = titles.read(name).words
    latin = [plain for word in words if (plain := romanized(word))]
    telling = [word for word in latin if word.isdigit() or (len(word) >= END_LENGTH and word not in _SMALL)] or latin
    people = names.people(tuple(authors))
    initials = {romanized(token)[:1] for found in people for token in found.tokens} or {""}
    keys = {f"= {''.join(latin)} {initial}" for initial in initials}
    for family in {romanized(found.family) for found in people}:
        keys |= {f"{family} {word[:START_LENGTH]}" for word in telling}
        keys |= {f"{family} -{word[-END_LENGTH:]}" for word in telling if len(word) > END_LENGTH}
    return sorted(map(bounded, keys))
