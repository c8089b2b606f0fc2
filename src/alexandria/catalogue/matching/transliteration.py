"""Compares texts whose spelling depends on a transliteration: across scripts, and between schemes of one script.

A transliteration never proves two texts different: Chinese characters have a reading in each language that writes them,
and Arabic and Hebrew write no vowels.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rapidfuzz import fuzz

from alexandria.catalogue.matching.folding import CACHE_SIZE, MAX_TEXT_LENGTH, romanized

LATIN, HAN, KANA, HANGUL, ABJAD, ALPHABET = "latin", "han", "kana", "hangul", "abjad", "alphabet"
ALIKE, PERHAPS, UNLIKE, UNREADABLE = range(4)  # how two texts compare across scripts, best first
# Shares of letters (0-100) of two romanisations that are the same text, and that may be.
SAME_TEXT_RATIO, SAME_CONSONANTS_RATIO, PERHAPS_RATIO = 85.0, 84.0, 60.0
SURE_CONSONANTS_RATIO = 95.0  # of texts in alphabets with vowels
ALMOST_SAME_RATIO = 72.0  # of two spellings in alphabets with vowels
MAX_COMPARED_LENGTH = 500  # characters of a title or name
MIN_CONSONANTS = 4  # of a text that is recognised by them alone
MIN_SYLLABLES = 4  # of a Japanese text that is recognised by them
MAX_READING_LENGTH = 6  # letters of the reading of a Chinese character

_RANGES = (
    (0x0590, 0x06FF, ABJAD), (0x0750, 0x077F, ABJAD), (0xFB1D, 0xFDFF, ABJAD), (0xFE70, 0xFEFF, ABJAD), (0x3040, 0x30FF, KANA),
    (0x1100, 0x11FF, HANGUL), (0x3130, 0x318F, HANGUL), (0xAC00, 0xD7AF, HANGUL), (0x3400, 0x4DBF, HAN), (0x4E00, 0x9FFF, HAN),
    (0xF900, 0xFAFF, HAN),
)  # fmt: skip
# One sound, as languages and schemes write it; longer spellings first.
_SOUNDS = (
    ("schtsch", "shch"), ("tsch", "ch"), ("dsch", "dzh"), ("tch", "ch"), ("sch", "sh"), ("kh", "h"), ("gh", "g"), ("ph", "f"),
    ("th", "t"), ("ck", "k"), ("tz", "ts"), ("zh", "z"), ("dj", "dzh"), ("ou", "u"), ("oo", "u"), ("ee", "i"),
    ("ks", "x"), ("w", "v"), ("j", "i"), ("y", "i"), ("q", "k"),
)  # fmt: skip
_SEMIVOWELS = str.maketrans({"y": "i", "j": "i", "w": "v"})
_SMALL_TSU = re.compile("[っッ]")
_SMALL_KANA = re.compile("([ぁ-ゖァ-ヺ])([ぁぃぅぇぉゃゅょァィゥェォャュョ])")
_REPEATED = re.compile(r"(.)\1+")
_VOWELS = re.compile(r"[aeiou]")
# Sounds that a scheme, or a language between two vowels, writes with another letter of one class.
_CLASSES = str.maketrans({"g": "k", "c": "k", "d": "t", "b": "p", "v": "f", "l": "r", "z": "s", "h": None, "x": "ks"})

# Syllables, Chinese characters, and anything else but punctuation, of a Japanese text.
_MIXED = re.compile("([\u3041-\u3096\u30a1-\u30fa\u30fc]+)|([\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3005]+)|(\\w+)")
_PARTICLES = str.maketrans("はへ", "わえ")

_DIGRAPH_COUNT = 12  # first of _SOUNDS, which are of consonants
_HEBREW_VOWELS = str.maketrans({"ו": None, "י": None})
_ABJAD_CLASSES = str.maketrans(
    {"g": "k", "c": "k", "q": "k", "d": "t", "b": "p", "v": "p", "f": "p", "l": "r", "z": "s", "x": "ks"}
    | dict.fromkeys("aeiouyjwh")
)


def script_of(text: str) -> str:
    """Return the script of a text: kana if it holds any, else that of its first letter outside Latin."""
    found = LATIN
    for letter in text[:MAX_TEXT_LENGTH]:
        code = ord(letter)
        if code < 0x0370:
            continue
        script = next((name for first, last, name in _RANGES if first <= code <= last), ALPHABET)
        if script == KANA:
            return KANA
        if found == LATIN and letter.isalpha():
            found = script
    return found


@lru_cache(CACHE_SIZE)
def spelling(text: str) -> str:
    """Return a text in Latin letters, each sound written one way: "dostoievski" for "Dostojewski" and "Dostoyevsky"."""
    plain = _romanized(text)
    for printed, sound in _SOUNDS:
        plain = plain.replace(printed, sound)
    return _REPEATED.sub(r"\1", plain)


def _one_syllable(written: re.Match[str]) -> str:
    """A syllable that is written with a small letter: the consonant of the first, the vowel of the second."""
    consonant, vowel = romanized(written[1])[:-1] or "w", romanized(written[2])
    return consonant + (vowel.removeprefix("y") if consonant in {"sh", "ch", "j"} else vowel)


def respelt(plain: str) -> str:
    """Return Latin letters without what romanisations of one script write differently: "glavnyi" and "glavnyy"."""
    return _REPEATED.sub(r"\1", plain.translate(_SEMIVOWELS))


def _romanized(text: str) -> str:
    """Latin letters; of Japanese syllables without the marks of length, which romanisations write as macrons or not at all."""
    if script_of(text) != KANA:
        return romanized(text)
    plain = romanized(_SMALL_KANA.sub(_one_syllable, _SMALL_TSU.sub("", text).replace("ー", "")))
    return plain.replace("ou", "o").replace("uu", "u").replace("oo", "o")


@lru_cache(CACHE_SIZE)
def consonants(text: str) -> str:
    """Return the consonants of a text by their class, as one that is written without vowels has them."""
    return _REPEATED.sub(r"\1", _VOWELS.sub("", spelling(text)).translate(_CLASSES))


@lru_cache(CACHE_SIZE)
def _written(text: str) -> str:
    """The consonants that a script without vowels writes in any case: no semivowels, one letter for b, p, f and v."""
    plain = romanized(text.translate(_HEBREW_VOWELS))
    for printed, sound in _SOUNDS[:_DIGRAPH_COUNT]:
        plain = plain.replace(printed, sound)
    return _REPEATED.sub(r"\1", plain.translate(_ABJAD_CLASSES))


@lru_cache(CACHE_SIZE)
def compare(one: str, other: str) -> int:
    """Return how two texts in different scripts compare: ALIKE, PERHAPS, UNLIKE or UNREADABLE.

    Numbers must be the same. UNREADABLE are characters whose reading depends on the language.
    """
    one, other = one[:MAX_COMPARED_LENGTH], other[:MAX_COMPARED_LENGTH]
    plain, twin = _romanized(one), _romanized(other)
    if not plain or not twin or _digits(plain) != _digits(twin):
        return UNLIKE
    best = max(fuzz.ratio(plain, twin), fuzz.ratio(spelling(one), spelling(other)))
    if best >= SAME_TEXT_RATIO:
        return ALIKE
    scripts = {script_of(one), script_of(other)}
    reduced = _written if ABJAD in scripts else consonants
    bones, others = reduced(one), reduced(other)
    ratio = fuzz.ratio(bones, others)
    if scripts & {ABJAD, HANGUL}:
        if ratio >= SAME_CONSONANTS_RATIO:
            return ALIKE if min(len(bones), len(others)) >= MIN_CONSONANTS else PERHAPS
        return PERHAPS if ratio >= PERHAPS_RATIO else UNLIKE
    if ALPHABET in scripts and ratio >= SURE_CONSONANTS_RATIO and min(len(bones), len(others)) >= MIN_CONSONANTS:
        return ALIKE
    if scripts & {HAN, KANA} and not (_is_kana(one) or _is_kana(other)):
        return UNREADABLE
    return PERHAPS if max(best, ratio) >= ALMOST_SAME_RATIO else UNLIKE


@lru_cache(CACHE_SIZE)
def reads_in_part(one: str, other: str) -> bool:
    """Whether a text in Latin letters has all syllables of a Japanese one in their places: "Noruwei no mori" and "ノルウェイの森".

    What a Chinese character is read as is not known; it stands for some letters.
    """
    mixed, latin = (one, other) if script_of(one) == KANA else (other, one)
    if script_of(mixed) != KANA or script_of(latin) != LATIN:
        return False
    pieces = _MIXED.findall(mixed[:MAX_COMPARED_LENGTH])
    syllables = sum(len(kana) for kana, _, _ in pieces)
    characters = sum(len(han) for _, han, _ in pieces)
    if any(rest for _, _, rest in pieces) or not characters or syllables < max(MIN_SYLLABLES, characters):
        return False
    letters = _evenly(romanized(latin[:MAX_COMPARED_LENGTH]))
    ends = 1  # bit n: the pieces so far can be the first n letters
    for kana, han, _ in pieces:
        ends = _after_syllables(kana, letters, ends) if kana else _after_characters(len(han), ends)
    return bool(ends >> len(letters) & 1)


def _after_syllables(kana: str, letters: str, starts: int) -> int:
    """Where a row of syllables ends that begins at one of `starts`. Three of them are read otherwise where they are particles."""
    found = 0
    for read in {kana, kana.translate(_PARTICLES)}:
        written = _evenly(_romanized(read))
        at = letters.find(written)
        while at >= 0:
            found |= (starts >> at & 1) << (at + len(written))
            at = letters.find(written, at + 1)
    return found


def _after_characters(count: int, starts: int) -> int:
    """Where a row of characters ends that begins at one of `starts`."""
    found = 0
    for letters in range(count, MAX_READING_LENGTH * count + 1):
        found |= starts << letters
    return found


def _evenly(plain: str) -> str:
    """Latin letters of Japanese without what romanisations write differently: long vowels, doubled consonants."""
    return _REPEATED.sub(
        r"\1", plain.replace("ou", "o").replace("uu", "u").replace("oo", "o").replace("wo", "o").replace("tch", "ch")
    )


def _is_kana(text: str) -> bool:
    letters = [letter for letter in text if ord(letter) >= 0x0370 and letter.isalpha()]
    return bool(letters) and all(0x3040 <= ord(letter) <= 0x30FF for letter in letters)


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())
