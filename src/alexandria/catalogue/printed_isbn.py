"""Finds ISBNs as they are printed: hyphenated, labelled, qualified, priced, several in a field, in any script's digits."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from operator import mul

MAX_TEXT_LENGTH = 1 << 14  # characters; a longer text is no field of a record
CHARACTER_CACHE_SIZE = 1 << 12
MIN_NUMBER_LENGTH = 9  # digits; what has fewer is no ISBN
MAX_GROUPS = 5  # of digits: prefix, registration group, registrant, publication, check digit
PLACEHOLDERS = frozenset(
    {"123456789", "987654321", *(9 * digit for digit in "0123456789")}
)  # without prefix and check digit

_X = frozenset("xX×хХχΧⅹⅩ")  # Latin, the sign, Cyrillic, Greek, Roman ten
_HYPHENS = frozenset(
    "\u00ad\u02d7\u2043\u2212\u2796\u30fb\u00b7\u2022"
)  # beside category Pd: signs that are printed as one
_BARE = re.compile(r"\d{13}|\d{9}[\dXx]")  # as most fields have it
_BOOKLAND, _MUSIC = ("978", "979"), "9790"
_LABEL = re.compile(r"isbn(?:[ -]{0,3}1[03](?!\d)|-?1[03](?=97[89]\d{10}(?!\d)))?")
_LABELLED = re.compile(r"isbn[^0-9a-z]{0,12}$")
_QUALIFIER = re.compile(r"[(\[{][^()\[\]{}]{0,200}[)\]}]")
_GROUP = re.compile(r"\d+x?|(?<=[ -])x(?![^\W_])")
_LONG_ENOUGH = re.compile(r"\d(?:[ -]{0,3}[\dx]){9}")
_JOINT = re.compile(r"[ -]{1,3}")
_ATTACHED = re.compile(r"(?:pbk|hbk|pb|hb|paper|hard|soft|cloth|ebk|e-?book)[a-z]*\b")
_WEIGHTS = range(10, 1, -1)  # of the digits before the check digit of ten
_SEPARATORS = re.compile(r"[,;|\n\t]")


class _PlainCharacters(dict[int, str]):
    """Translates a character to what it means in a number: a digit, x, a hyphen, a blank, nothing, or itself folded."""

    def __missing__(self, code: int) -> str:
        return _plain_character(chr(code))


@lru_cache(CHARACTER_CACHE_SIZE)
def _plain_character(character: str) -> str:
    if character in _X:
        return "x"
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Pd" or character in _HYPHENS:
        return "-"
    if character in "\n\t" or character in "\r\v\f\x85\u2028\u2029":
        return "\n"
    if character.isspace():
        return " "
    if category in ("Cf", "Mn", "Me", "Cc"):  # zero-width marks, and what combines with a digit
        return ""
    if "\uff01" <= character <= "\uff5e":  # full-width forms of ASCII
        return chr(ord(character) - 0xFEE0).lower()
    return character.lower()


_PLAIN = _PlainCharacters({code: _plain_character(chr(code)) for code in range(128)})


def find(text: str) -> tuple[str, ...]:
    """Every ISBN in `text` once, as thirteen digits, in their order; none of a text over MAX_TEXT_LENGTH.

    A number of ten digits must begin an entry of the text, bear a label or have the hyphens of an ISBN, as one of
    eleven other numbers has a right check digit by chance. Placeholders and printed music (979-0) are no ISBNs.
    """
    if len(text) < MIN_NUMBER_LENGTH or len(text) > MAX_TEXT_LENGTH:
        return ()
    if text.isascii() and _BARE.fullmatch(text):
        whole = _checked(text)
        return (whole,) if whole else ()
    if sum(map(str.isdigit, text)) < MIN_NUMBER_LENGTH:
        return ()
    plain = _LABEL.sub("isbn", _QUALIFIER.sub(_entry_end, text.translate(_PLAIN)))
    if not _LONG_ENOUGH.search(plain):
        return ()
    groups = [found.span() for found in _GROUP.finditer(plain)]
    isbns: dict[str, None] = {}
    begins, at, behind = True, 0, 0  # whether an entry begins; the next group; where the last one ended
    labelled = "isbn" in plain
    while at < len(groups):
        start = groups[at][0]
        between = plain[behind:start]
        if between not in (" ", "-"):
            begins = _begins(between, begins)
        if not (begins or labelled) and groups[min(at + MAX_GROUPS, len(groups)) - 1][1] - start < 10:
            behind, at = groups[at][1], at + 1
            continue
        found, last = _number_at(plain, groups, at, begins)
        if found:
            isbns.setdefault(found)
        begins = bool(found)
        behind, at = groups[last][1], last + 1
    return tuple(isbns)


def is_placeholder(isbn13: str) -> bool:
    """Whether a valid number is printed where there is none: one digit repeated, or the digits in a row."""
    return isbn13[3:12] in PLACEHOLDERS


def _entry_end(qualifier: re.Match[str]) -> str:
    """What stands in brackets ends an entry, unless it is the number itself."""
    digits = sum(character.isdigit() for character in qualifier[0])
    return qualifier[0][1:-1].join("  ") if digits >= MIN_NUMBER_LENGTH else "|"


def _begins(between: str, begins: bool) -> bool:
    """Whether an entry begins after `between`, given whether one began before it."""
    *before, tail = _SEPARATORS.split(between)
    return (begins or bool(before)) and not any(map(str.isalpha, tail))


def _number_at(plain: str, groups: list[tuple[int, int]], at: int, begins: bool) -> tuple[str | None, int]:
    """The ISBN whose first digits are those of group `at`, and its last group; None and `at` if there is none."""
    start = groups[at][0]
    if _hyphenated(plain, start - 1):
        return None, at
    before = plain[max(0, start - 16) : start]
    labelled = "isbn" in before and bool(_LABELLED.search(before))
    if not labelled and (before[-1:].isalnum() or before[-1:] == "_"):
        return None, at
    digits, found, end = "", None, at
    following = groups[at : at + (13 if begins or labelled else MAX_GROUPS)]
    if following[-1][1] - start < 10 or sum(end - begin for begin, end in following) < 10:
        return None, at
    for last, (begin, stop) in enumerate(following, at):
        if last > at and not _JOINT.fullmatch(plain, groups[last - 1][1], begin):
            break
        digits += plain[begin:stop]
        if len(digits) > 13:
            break
        if len(digits) not in (10, 13) or not _ends(plain, stop):
            continue
        if digits.startswith(_BOOKLAND) and len(digits) == 13:
            return _checked(digits), last  # with a wrong check digit no part of it is an ISBN either
        printed_so = last - at == 3 and stop - begin == 1
        if len(digits) == 10 and (begins or labelled or printed_so):
            read = _checked(digits)
            found, end = (read, last) if read else (found, end)
    return found, end


def _hyphenated(plain: str, at: int) -> bool:
    """Whether the character at `at` is a hyphen that joins what follows to a digit before."""
    return at > 0 and plain[at] == "-" and plain[at - 1].isdigit()


def _ends(plain: str, end: int) -> bool:
    """Whether a number may end here: no letter, digit or joined digit follows, but a word such as "pbk" may."""
    following = plain[end : end + 2]
    if following[:1] == "-" and following[1:].isalnum():
        return False
    return not (following[:1].isalnum() or following[:1] == "_") or bool(_ATTACHED.match(plain, end))


def _checked(digits: str) -> str | None:
    """Thirteen digits with a right check digit, of a book; else None. By hand, as a hostile text holds thousands."""
    if not digits[:-1].isdigit() or (len(digits) == 13 and not digits.startswith(_BOOKLAND)):
        return None
    if len(digits) == 10:
        last = 10 if digits[-1] in "xX" else int(digits[-1])
        if (sum(map(mul, _WEIGHTS, map(int, digits[:9]))) + last) % 11:
            return None
        body = f"978{digits[:9]}"
    else:
        body = digits[:12]
    isbn13 = body + str(-(sum(map(int, body[::2])) + 3 * sum(map(int, body[1::2]))) % 10)
    if (len(digits) == 13 and digits != isbn13) or body.startswith(_MUSIC) or is_placeholder(isbn13):
        return None
    return isbn13
