"""Compares authors: decides how well two lists of names agree, person by person."""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

from rapidfuzz import fuzz

from alexandria.catalogue.matching import transliteration
from alexandria.catalogue.matching.folding import CACHE_SIZE
from alexandria.catalogue.matching.names import FULL_NAMES, Person, is_anonymous, people
from alexandria.catalogue.matching.pen_names import is_pen_name
from alexandria.catalogue.matching.titles import slip
from alexandria.catalogue.matching.transliteration import ALIKE, PERHAPS, UNREADABLE, spelling

# How well two names agree, best first.
SAME, INITIALS, PEN_NAME, MISSPELT, FAMILY_ONLY, VARIANT, UNREAD, FAMILY_SPELT, ANONYMOUS, UNKNOWN, OTHER = range(11)
SAME_FAMILY_RATIO, SAME_GIVEN_RATIO = 82.0, 60.0  # of two spellings of a name in Latin letters
SURE_FAMILY_RATIO, SURE_GIVEN_RATIO = 90.0, 80.0  # of spellings that are one name beyond doubt
MIN_FAMILY_LENGTH = 5  # letters of a family name that is recognised although several of them differ
MAX_PAIRS = 256  # of persons that are compared; two records with more have so many authors that the first decide
MAX_TOKENS_ORDERED = 4  # words of a name that are compared in every order


@lru_cache(CACHE_SIZE)
def agreement(some: tuple[str, ...], others: tuple[str, ...]) -> int:
    """The best agreement between any person of `some` and any of `others`: SAME ... OTHER; UNKNOWN if a side is empty."""
    ours, theirs = people(some), people(others)
    if not ours or not theirs:
        return ANONYMOUS if is_anonymous(some) and is_anonymous(others) else UNKNOWN
    if len(ours) * len(theirs) > MAX_PAIRS:
        ours, theirs = ours[: math.isqrt(MAX_PAIRS)], theirs[: math.isqrt(MAX_PAIRS)]
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
    if is_pen_name("".join(one.tokens), "".join(other.tokens)):
        return PEN_NAME
    if "".join(one.tokens) == "".join(other.tokens):
        return SAME
    if one.family == other.family and (found := _given(one, other)) != OTHER:
        return found
    if slip(one.family, other.family):
        given = _given(one, other) if one.given or other.given else SAME
        short = max(len(one.family), len(other.family)) < MIN_FAMILY_LENGTH
        if given == SAME or (given == INITIALS and not short):
            return MISSPELT
    if _begins(one, other):
        return INITIALS
    if one.is_latin and other.is_latin:
        return _in_latin(one, other)
    return _across_scripts(one, other)


def _given(one: Person, other: Person) -> int:
    """How given names agree when the family name does."""
    if not one.given or not other.given:
        return FAMILY_ONLY
    first, second = one.given[0], other.given[0]
    if FULL_NAMES.get(first, first) == FULL_NAMES.get(second, second) and first != second:
        return INITIALS
    if first == second and len(first) > 1:
        return SAME
    if len(first) == 1 or len(second) == 1:
        if first[0] == second[0]:
            return INITIALS
        return (
            INITIALS if _without_initial(one.given, other.given) or _without_initial(other.given, one.given) else OTHER
        )
    if first in (other.initials, other.initials[: len(first)]) or second in (one.initials, one.initials[: len(second)]):
        return INITIALS
    if min(len(first), len(second)) >= 3 and (first.startswith(second) or second.startswith(first)):
        return INITIALS
    if slip(first, second):
        return MISSPELT
    shared = {word for word in one.given if len(word) > 2} & set(other.given)
    return INITIALS if shared else OTHER


def _without_initial(full: tuple[str, ...], short: tuple[str, ...]) -> bool:
    """A person known by the second given name: "W. Bruce Cameron" and "Bruce Cameron"."""
    return len(full) > 1 and len(full[0]) == 1 and len(full[1]) > 1 and full[1] == short[0]


def _begins(one: Person, other: Person) -> bool:
    """One name is the beginning of the other: second surnames, "Freedom Writers Staff"."""
    mine, yours = one.tokens, other.tokens
    least = min(len(mine), len(yours))
    return least > 1 and len(mine[0]) > 1 and mine[:least] == yours[:least]


def _in_latin(one: Person, other: Person) -> int:
    """Other spellings of one name: "Dostojewski, Fjodor", "Lev Tolstoy", "Cho Nam-Joo" and "Namju Cho"."""
    if not one.given or not other.given:
        return FAMILY_SPELT if _are_alike(one, other, SURE_FAMILY_RATIO) else OTHER
    whole = spelling("".join(one.tokens))
    if any(spelling("".join(order)) == whole for order in _orders(other)):
        return MISSPELT
    pairs = [(one, other)]
    if min(len(one.given[0]), len(other.given[0])) > 2:
        pairs += [(_turned(one), other), (one, _turned(other))]
    return min(_spelt_otherwise(mine, yours) for mine, yours in pairs)


def _turned(person: Person) -> Person:
    """A name with the family name in front, as East Asian and Hungarian names are printed."""
    return Person(person.given[0], (*person.given[1:], person.family))


def _spelt_otherwise(one: Person, other: Person) -> int:
    family, twin = spelling(one.family), spelling(other.family)
    if not _are_alike(one, other, SAME_FAMILY_RATIO):
        return OTHER
    first, second = spelling("".join(one.given)), spelling("".join(other.given))
    sure = fuzz.ratio(family, twin) >= SURE_FAMILY_RATIO and fuzz.ratio(first, second) >= SURE_GIVEN_RATIO
    if first == second or sure:
        return MISSPELT
    if (given := _given(one, other)) <= MISSPELT:
        return MISSPELT if family == twin or given <= INITIALS else VARIANT
    names = [spelling(name.given[0]) for name in (one, other)]
    if names[0][:1] == names[1][:1] and fuzz.ratio(*names) >= SAME_GIVEN_RATIO and min(map(len, names)) > 2:
        return VARIANT
    return OTHER


def _are_alike(one: Person, other: Person, ratio: float) -> bool:
    """Whether two family names may be spellings of one."""
    family, twin = spelling(one.family), spelling(other.family)
    return family == twin or (min(len(family), len(twin)) >= MIN_FAMILY_LENGTH and fuzz.ratio(family, twin) >= ratio)


def _orders(person: Person) -> list[tuple[str, ...]]:
    if len(person.tokens) > MAX_TOKENS_ORDERED:
        return [person.tokens]
    return list(itertools.permutations(person.tokens))


def _across_scripts(one: Person, other: Person) -> int:
    """A transliteration that agrees is a spelling; one that does not, or cannot, is a doubt."""
    if one.is_latin:
        one, other = other, one
    whole = " ".join(one.tokens)
    scripts = [transliteration.script_of("".join(name.tokens)) for name in (one, other)]
    if scripts[0] == scripts[1]:
        return MISSPELT if transliteration.compare(whole, " ".join(other.tokens)) == ALIKE else OTHER
    found = min(transliteration.compare(whole, " ".join(order)) for order in _orders(other))
    if found == ALIKE:
        return MISSPELT
    family = transliteration.compare(one.family, other.family)
    both_given = one.given and other.given
    if family == ALIKE and both_given and spelling(one.given[0])[:1] == spelling(other.given[0])[:1]:
        return MISSPELT
    if found == PERHAPS and transliteration.ALPHABET in scripts:
        if family <= PERHAPS and both_given and transliteration.compare(one.given[0], other.given[0]) <= PERHAPS:
            return UNREAD
    elif found in (PERHAPS, UNREADABLE):
        return UNREAD
    return FAMILY_SPELT if family == ALIKE and not both_given else OTHER
