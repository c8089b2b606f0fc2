"""Makes keys that spellings of one work share, to select the works of a large catalogue that are worth comparing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from alexandria.catalogue.keys import MAX_KEY_BYTES, bounded
from alexandria.catalogue.matching import names, titles
from alexandria.catalogue.matching.folding import CACHE_SIZE, fold, repaired, romanized
from alexandria.catalogue.matching.tongues import LEADING

START_LENGTH, END_LENGTH = 4, 3  # letters of a word that one slip of the pen seldom touches both of
WORD_CACHE_SIZE = 1 << 16
_SHORT_LENGTH = MAX_KEY_BYTES // 4  # characters or bytes of the first part of a key; one with a shorter needs no bound
_SMALL = frozenset(
    titles.words_of("in the of and a an to for on with by at from der die das la le les de el un une und et")
)
_NOTHING = frozenset[bytes]()
_PRINTED_WORD = re.compile(r"([a-z']{1,60}|[0-9]{1,9})[,!?]?")
_SPLITTING_HYPHEN = re.compile(r"\s-|-\s|\d")


class Blocks(NamedTuple):
    """The keys of a work by their parts: `title` with each of `initials`, each of `families` with each of `words`.

    Parts are encoded as keys are. `is_short`: no key is so long that it has to be bounded.
    """

    title: bytes
    initials: tuple[bytes, ...]
    families: tuple[bytes, ...]
    words: frozenset[bytes]
    is_short: bool

    def keys(self) -> list[str]:
        """The keys themselves, in order."""
        whole = [self.title + initial for initial in self.initials]
        for family in self.families:
            whole += [family + word for word in self.words]
        keys = [key.decode(errors="surrogatepass") for key in whole]
        if not self.is_short:
            keys = [bounded(key) for key in keys]
        keys.sort()
        return keys


def blocks(name: str, authors: Sequence[str]) -> list[str]:
    """Keys of a work: its title with each initial, and each family name with the start and end of each telling word.

    Two spellings of one work share a key although a word, a letter or the order of the author's names differs.
    """
    return parts(name, tuple(authors)).keys()


def parts(name: str, authors: tuple[str, ...]) -> Blocks:
    """The keys of `blocks` by their parts."""
    initials, families, are_short = _people(authors)
    found = _simple(name) or _words(name)
    ends = _NOTHING.union(*[word.telling for word in found]) or _NOTHING.union(*[word.ends for word in found])
    title = f"= {''.join([word.latin for word in found])} ".encode("utf-8", "surrogatepass")
    return Blocks(title, initials, families, ends, are_short and len(title) < _SHORT_LENGTH)


def encoded(key: str) -> bytes:
    """A key, or a part of one, as bytes; half a character, which some titles hold, too."""
    return key.encode("utf-8", "surrogatepass")


class _Word(NamedTuple):
    """A word in Latin letters, its start and end as keys have them, again if it tells more than little words do, its kind."""

    latin: str
    ends: tuple[bytes, ...]
    telling: tuple[bytes, ...]
    kind: int


_SURROUNDED_CODE = 4  # the kind of a word that is read in its surroundings only


class _PrintedWords(dict[str, _Word]):
    """Words by how ASCII titles in lower case print them."""

    def __missing__(self, printed: str) -> _Word:
        read = _PRINTED_WORD.fullmatch(printed)
        word = read[1].replace("'", "") if read else "and" * (printed == "&")
        kind = titles.kind_of_word(word)
        found = _word(titles.SHORT_FORMS.get(word, word), _SURROUNDED_CODE if kind is None else kind)
        if len(self) < WORD_CACHE_SIZE:
            self[printed] = found
        return found


_printed_words = _PrintedWords()


def _simple(name: str) -> list[_Word]:
    """The words of a title without subtitle, series, parentheses and dots; [] for any other title."""
    text = name.lower() if name.isascii() else fold(repaired(name))
    if not text.isascii() or len(text) >= _SHORT_LENGTH:
        return []
    printed = text.split()
    if len(printed) > 1 and printed[-1] == "the" and printed[-2][-1].isalnum():
        printed.pop()  # an article that was moved behind the title
    if "-" in text:
        if _SPLITTING_HYPHEN.search(text):
            return []
        printed = " ".join(printed).replace("-", " ").split()
    if not printed or printed[-1] == "the" or (len(printed) > 1 and printed[-2][-1] == ","):
        return []
    found, kinds = [], 0
    for each in printed:
        word = _printed_words[each]
        found.append(word)
        kinds |= word.kind
    if kinds:
        if kinds & _SURROUNDED_CODE or kinds == titles.NUMERAL_CODE | titles.MARK_CODE:
            return []
        if kinds == titles.NUMERAL_CODE:
            return [_word(word) for word in titles.in_words([word.latin for word in found])]
    if len(found) > 1 and found[0].latin in LEADING:
        del found[0]
    return found


def _words(name: str) -> list[_Word]:
    """The words of any title."""
    latin = (word if word.isalnum() and word.isascii() else romanized(word) for word in titles.words(name))
    return [_word(word) for word in latin if word]


@lru_cache(CACHE_SIZE)
def _word(latin: str, kind: int = 0) -> _Word:
    start = encoded(latin[:START_LENGTH])
    ends = (start, encoded(f"-{latin[-END_LENGTH:]}")) if len(latin) > END_LENGTH else (start,)
    tells = latin.isdigit() or (len(latin) >= END_LENGTH and latin not in _SMALL)
    return _Word(latin, ends, ends if tells else (), kind)


@lru_cache(CACHE_SIZE)
def _people(authors: tuple[str, ...]) -> tuple[tuple[bytes, ...], tuple[bytes, ...], bool]:
    """The initials of all names, and the family names with a blank, in Latin letters; whether these are short."""
    if len(authors) == 1 and (tokens := names.plain_tokens(authors[0])):
        initials, families = {token[0] for token in tokens}, {tokens[-1]}
    else:
        people = names.people(authors)
        initials = {_latin(token)[:1] for found in people for token in found.tokens} or {""}
        families = {_latin(found.family) for found in people}
    beginnings = tuple([encoded(f"{family} ") for family in families])
    are_short = max(map(len, beginnings), default=0) < _SHORT_LENGTH
    return tuple([encoded(initial) for initial in initials]), beginnings, are_short


def _latin(word: str) -> str:
    """As `romanized`, at once for what is Latin already."""
    return word if word.isascii() and word.isalnum() else romanized(word)
