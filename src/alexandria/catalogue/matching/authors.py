"""Compares authors: names in any order, with initials, titles, roles and dates, person by person."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from alexandria.catalogue.matching.titles import CACHED, fold, romanized, slip

# How well two names agree, best first.
SAME, INITIALS, MISSPELT, FAMILY_ONLY, UNKNOWN, OTHER = range(6)

_DATES = re.compile(r",?\s*\(?\b(?:b\.|d\.|fl\.|ca?\.)?\s*\d{3,4}\??\s*-?\s*(?:\d{3,4})?\??\)?")
_NOISE = re.compile(
    r"\([^)]*\)?|\[[^\]]*\]?|~\w+~|,?\s*\b(?:ph\.?\s?d|m\.?d|d\.?d\.?s|esq|r\.n|mba|editor|translator|illustrator|"
    r"narrator|jr|sr|[23](?:nd|rd)|ii|iii)\b\.?"
)
_BY = re.compile(r"^(?:by|from|edited by|written by|and|with)\s+")
_LIST = re.compile(r"\s*[;|/]\s*|\s+(?:&|and|with|et|und|y)\s+")
_TOKEN = re.compile(r"\w+")
# Short forms that do not begin as the full name does.
_FULL = {
    "bill": "william", "will": "william", "billy": "william", "bob": "robert", "bobby": "robert", "rob": "robert",
    "jim": "james", "jimmy": "james", "jack": "john", "tom": "thomas", "mike": "michael", "mick": "michael",
    "dick": "richard", "rick": "richard", "ted": "edward", "liz": "elizabeth", "beth": "elizabeth", "betty": "elizabeth",
    "peggy": "margaret", "kate": "katherine", "kathy": "katherine", "catherine": "katherine", "tony": "anthony",
    "chuck": "charles", "charlie": "charles", "harry": "henry", "hank": "henry", "larry": "lawrence",
    "jerry": "gerald", "joe": "joseph", "steve": "stephen", "steven": "stephen", "dave": "david", "andy": "andrew",
}  # fmt: skip
_PARTICLES = frozenset({"van", "von", "de", "di", "da", "du", "del", "des", "le", "la", "al", "el", "ter", "ten", "st"})
_NO_ONE = frozenset({"", "unknown", "anonymous", "various", "various authors", "n/a", "none", "na", "author unknown"})


@dataclass(frozen=True, slots=True)
class Person:
    """A name in natural order: `family` its last word, `given` the words before it, `initials` of those."""

    family: str
    given: tuple[str, ...]

    @property
    def tokens(self) -> tuple[str, ...]:
        return (*self.given, self.family)

    @property
    def key(self) -> str:
        """Family name and first initial, as most spellings of a name have them."""
        first = _FULL.get(self.given[0], self.given[0]) if self.given else ""
        return f"{self.family} {first[:1]}".rstrip()

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.given)


@lru_cache(CACHED)
def people(names: tuple[str, ...]) -> tuple[Person, ...]:
    """The persons in `names`, each possibly several, inverted or split; ambiguous commas are read both ways."""
    found: dict[Person, None] = {}
    for name in names:
        for person in _read(name):
            found.setdefault(person)
    if len(names) == 2 and all(not person.given for person in found) and len(found) == 2:
        (one, other) = found  # ["Smith", "Frank"]: one person over two entries
        found.setdefault(Person(one.family, (other.family,)))
        found.setdefault(Person(other.family, (one.family,)))
    return tuple(found)


@lru_cache(CACHED)
def _read(name: str) -> tuple[Person, ...]:
    folded = fold(name)
    if not folded.replace(".", "").replace("'", "").replace("-", "").replace(" ", "").isalpha():
        folded = _DATES.sub("", _NOISE.sub("", folded))
    if _BY.match(folded):
        folded = _BY.sub("", folded)
    if folded.strip(" .,") in _NO_ONE:
        return ()
    found = []
    for part in _LIST.split(folded):
        found += _commas([piece for piece in (piece.strip(" .") for piece in part.split(",")) if piece])
    return tuple(person for person in (_person(words) for words in found) if person)


def _commas(pieces: list[str]) -> list[str]:
    """Names in natural order, from what commas separated: "Brown, Dan" or "Dan Brown, Ann Lee" or, unsure, both."""
    if len(pieces) < 2:
        return pieces
    inverted = f"{pieces[1]} {pieces[0]}"
    if " " not in pieces[0] or " " not in pieces[1]:
        return [inverted, *pieces[2:]]
    if len(pieces) > 2:
        return pieces
    sure = pieces[1][-2] == " " or pieces[0].split()[0] in _PARTICLES
    return [inverted, *pieces] if sure else [*pieces, inverted]


def _person(words: str) -> Person | None:
    tokens = _TOKEN.findall(words.replace("'", "").removeprefix("the "))
    if len(tokens) > 1 and tokens[-1] in {"jr", "sr", "ii", "iii"}:
        tokens.pop()
    return Person(tokens[-1], tuple(tokens[:-1])) if tokens else None


@lru_cache(CACHED)
def agreement(some: tuple[str, ...], others: tuple[str, ...]) -> int:
    """The best agreement between any person of `some` and any of `others`: SAME ... OTHER; UNKNOWN if a side is empty."""
    ours, theirs = people(some), people(others)
    if not ours or not theirs:
        return UNKNOWN
    best = OTHER
    for one in ours:
        for other in theirs:
            best = min(best, _compare(one, other))
            if best == SAME:
                return SAME
    return best


def _compare(one: Person, other: Person) -> int:
    if one == other or sorted(one.tokens) == sorted(other.tokens):
        return SAME
    if "".join(one.tokens) == "".join(other.tokens):
        return SAME
    if one.family == other.family:
        return _given(one, other)
    if slip(one.family, other.family):
        given = _given(one, other) if one.given or other.given else SAME
        short = max(len(one.family), len(other.family)) < 5
        return MISSPELT if given == SAME or (given == INITIALS and not short) else OTHER
    if _begins(one, other):
        return INITIALS
    if one.family[0] > "\u036f" or other.family[0] > "\u036f":
        return _across_scripts(one, other)
    if len(one.family) > 7 and fuzz.ratio(one.family, other.family) >= 82:
        return MISSPELT if _given(one, other) <= INITIALS else OTHER
    return OTHER


def _given(one: Person, other: Person) -> int:
    """How given names agree when the family name does."""
    if not one.given or not other.given:
        return FAMILY_ONLY
    first, second = one.given[0], other.given[0]
    if _FULL.get(first, first) == _FULL.get(second, second) and first != second:
        return INITIALS
    if first == second and len(first) > 1:
        return SAME
    if len(first) == 1 or len(second) == 1:
        return INITIALS if first[0] == second[0] else OTHER
    if first in (other.initials, other.initials[: len(first)]) or second in (one.initials, one.initials[: len(second)]):
        return INITIALS
    if min(len(first), len(second)) >= 3 and (first.startswith(second) or second.startswith(first)):
        return INITIALS
    if slip(first, second):
        return MISSPELT
    shared = {word for word in one.given if len(word) > 2} & set(other.given)
    return INITIALS if shared else OTHER


def _begins(one: Person, other: Person) -> bool:
    """One name is the beginning of the other: second surnames, "Freedom Writers Staff"."""
    mine, yours = one.tokens, other.tokens
    least = min(len(mine), len(yours))
    return least > 1 and len(mine[0]) > 1 and mine[:least] == yours[:least]


def _across_scripts(one: Person, other: Person) -> int:
    """Transliterations differ by scheme: alike family names with the same first letter, or alike as a whole."""
    if (one.family[0] > "\u036f") == (other.family[0] > "\u036f"):
        return OTHER
    whole, second = romanized(" ".join(one.tokens)), romanized(" ".join(other.tokens))
    family, name = romanized(one.family), romanized(other.family)
    if whole and second and fuzz.ratio(whole, second) >= 80:
        return MISSPELT
    alike = family and name and fuzz.ratio(family, name) >= 75
    given = one.given and other.given and romanized(one.given[0])[:1] == romanized(other.given[0])[:1]
    return MISSPELT if alike and given else OTHER


def name_key(name: str) -> str:
    """The catalogue's key of a person: equal for the usual spellings of one name; never empty."""
    first = next(iter(people((name,))), None)
    return " ".join(first.tokens) if first else fold(name).strip() or "unknown"


def natural(name: str) -> str:
    """A name as people say it: "Dan Brown" for "Brown, Dan"; anything less clear stays as printed."""
    family, comma, given = (part.strip() for part in name.partition(","))
    return f"{given} {family}" if comma and given and "," not in given and " " not in family else name.strip()
