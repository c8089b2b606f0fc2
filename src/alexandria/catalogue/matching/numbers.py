"""Reads numbers as titles spell them: words, ordinals, Roman numerals, spoken years."""

from __future__ import annotations

from collections.abc import Iterator

_SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
          "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")  # fmt: skip
_ORDINAL = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
          "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
          "twentieth")  # fmt: skip
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv", "xvi", "xvii",
          "xviii", "xix", "xx")  # fmt: skip
UNITS = {word: value for value, word in enumerate(_SMALL)}
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
SCALES = {"hundred": 100, "thousand": 1000}
ORDINALS = {word: f"{value}{({1: 'st', 2: 'nd', 3: 'rd'}).get(value, 'th')}" for value, word in enumerate(_ORDINAL, 1)}
ROMANS = {word: str(value) for value, word in enumerate(_ROMAN, 1)}
SINGLE_ROMANS = frozenset("ivx")
SPELT = {str(value): word for word, value in (UNITS | TENS).items()} | {text: word for word, text in ORDINALS.items()}
NUMBERED = frozenset((*UNITS, *TENS, *SCALES, *ORDINALS, *ROMANS))


def in_digits(words: list[str]) -> Iterator[str]:
    """Number words, ordinals and Roman numerals as digits: "nineteen eighty four" is "1984"."""
    at = 0
    while at < len(words):
        value, after = _number(words, at)
        if after > at:
            yield str(value)
            at = after
            continue
        word = words[at]
        numeral = ROMANS.get(word) if word not in SINGLE_ROMANS else None
        yield ORDINALS.get(word) or numeral or word
        at += 1


def _number(words: list[str], at: int) -> tuple[int, int]:
    """The value that starts at `at`, and the position after it (`at` itself if there is none)."""
    value, after = _below_hundred(words, at)
    if after == at:
        return 0, at
    nxt = words[after] if after < len(words) else ""
    if nxt in SCALES:
        value *= SCALES[nxt]
        after += 1
        skip = after + (words[after : after + 1] == ["and"])
        more, end = _below_hundred(words, skip)
        return (value + more, end) if end > skip else (value, after)
    if 10 <= value <= 20 and nxt in TENS:  # a year as it is spoken
        more, after = _below_hundred(words, after)
        return value * 100 + more, after
    return value, after


def _below_hundred(words: list[str], at: int) -> tuple[int, int]:
    word = words[at] if at < len(words) else ""
    if word in TENS:
        behind = words[at + 1] if at + 1 < len(words) else ""
        unit = UNITS.get(behind, int(behind) if len(behind) == 1 and behind in "123456789" else 10)
        return (TENS[word] + unit, at + 2) if 0 < unit < 10 else (TENS[word], at + 1)
    if word in UNITS:
        return UNITS[word], at + 1
    if word.isdecimal() and word.isascii() and len(word) < 5:
        return int(word), at + 1
    return 0, at
