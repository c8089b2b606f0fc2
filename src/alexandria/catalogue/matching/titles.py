"""Reads a title: folds its spelling, and separates subtitle, series, volume numbers and kind of book."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from anyascii import anyascii
from rapidfuzz.distance import OSA

CACHE_SIZE = 1 << 14
MAX_TEXT_LENGTH = 4000  # characters of a title or name that are read; none comes near

_PLAIN = str.maketrans({
    "’": "'", "‘": "'", "`": "'", "´": "'", "ʼ": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‒": "-", "‑": "-", "‐": "-",
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ß": "ss", "ħ": "h", "：": ":",
    "（": "(", "）": ")", "【": "[", "】": "]", "。": ".", "．": ".",
})  # fmt: skip
# Accents, Hebrew points and Arabic vowel signs are optional in writing; vowel signs of other scripts are not.
_OPTIONAL_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u1dc0-\u1dff\u20d0-\u20ff]")

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
_SINGLE_ROMANS = frozenset("ivx")
SPELT = {str(value): word for word, value in (UNITS | TENS).items()} | {text: word for word, text in ORDINALS.items()}
_NUMBERED = frozenset((*UNITS, *TENS, *SCALES, *ORDINALS, *ROMANS))
_SHORT = {"doctor": "dr", "mister": "mr", "saint": "st", "versus": "vs", "mount": "mt", "und": "and"}

_MARKS = {
    "vol": "volume", "vols": "volume", "volume": "volume", "volumes": "volume", "tome": "volume", "tomo": "volume",
    "band": "volume", "bd": "volume", "deel": "volume", "том": "volume", "book": "book", "books": "book", "bk": "book",
    "livre": "book", "libro": "book", "buch": "book", "книга": "book", "part": "part", "parts": "part", "pt": "part",
    "teil": "part", "parte": "part", "часть": "part", "issue": "number", "#": "number", "season": "season",
    "episode": "episode",
}  # fmt: skip

ARTICLES = {
    "en": {"a", "an", "the"}, "fr": {"le", "la", "les", "un", "une"}, "es": {"el", "la", "los", "las", "un", "una"},
    "de": {"der", "die", "das", "ein", "eine"}, "it": {"il", "lo", "la", "gli", "le", "un", "una"},
    "pt": {"o", "os", "um", "uma"}, "nl": {"de", "het", "een"},
}  # fmt: skip
_ANY_ARTICLE = frozenset().union(*ARTICLES.values())
# Articles that no English title opens with as a word of its own ("Die Trying", "O Pioneers!", "Los Angeles").
_LEADING = _ANY_ARTICLE - {"die", "o", "os", "los", "las", "lo", "la"}
IGNORABLE = _ANY_ARTICLE | {"and"}

_TONGUES = {
    "en": {"the", "of", "and", "to", "with", "from", "my", "you", "your", "is", "at", "for", "who", "when", "her", "his"},
    "fr": {"le", "les", "du", "des", "et", "une", "au", "aux", "dans", "sur", "pour", "est"},
    "es": {"el", "los", "las", "del", "y", "una", "por", "para", "con"},
    "de": {"der", "das", "und", "ein", "eine", "von", "im", "dem", "mit", "den", "ist", "nicht", "zum"},
    "it": {"il", "gli", "della", "di", "dei", "nel", "che", "una"},
    "pt": {"os", "do", "dos", "uma", "em", "não", "nao", "com"},
    "nl": {"het", "een", "van", "voor", "niet"},
}  # fmt: skip
_LITTLE = frozenset().union(*_TONGUES.values())
_FOREIGN = _ANY_ARTICLE - ARTICLES["en"] - {"die", "o", "os"}
_SCRIPTS = (
    (0x0370, 0x03FF, "el"), (0x0400, 0x052F, "ru"), (0x0590, 0x05FF, "he"), (0x0600, 0x06FF, "ar"),
    (0x0900, 0x097F, "hi"), (0x0E00, 0x0E7F, "th"), (0x3040, 0x30FF, "ja"), (0xAC00, 0xD7AF, "ko"),
    (0x4E00, 0x9FFF, "zh"),
)  # fmt: skip
# Languages that share a script with the one named for it above.
KINDRED = {"ru": {"uk", "bg", "sr", "be", "mk"}, "zh": {"ja", "ko"}, "ar": {"fa", "ur"}, "hi": {"mr", "ne", "sa"}}

# What makes a book another book, however like the titles are.
HALF = "a part of a divided book"
_KINDS = {
    "a study guide or summary": r"study guide|summary (?:of|and)|summaries|\bsummary\b[^:]{0,300}$|spark ?notes|cliffs? ?notes|york notes|"
    r"instaread|supersummary|bookrags|lit ?charts|key takeaways|conversation starters|discussion (?:questions|guide)|"
    r"(?:reading|reader'?s'?|teachers?'?s?|teaching|literature|study|book ?club) (?:group )?guide|lesson plans?|"
    r"novel (?:study|units?)|trivia|quiz|workbook|critical interpretations|bloom's|analysis (?:of|and)|summary$",
    "a companion": r"companion(?: to\b|$)|unofficial|unauthori[sz]ed|(?:^|: )(?:the )?making of|\band philosophy\b|"
    r"^a (?:guide|handbook) to|visual dictionary|behind the scenes|(?:illustrated|official|movie) companion",
    "a box set or omnibus": r"\s/\s|^[^:]*;[^:;]*;|box(?:ed)? ?set|slip ?case|omnibus|compendium|collection set\b|"
    r"books? (?:collection |box )?(?:set|bundle)\b|book collection\b|books box\b|\bbundle\b|complete (?:series|trilogy|saga)|"
    r"(?:trilogy|series|saga) set\b|(?:books|novels) in (?:1|one)\b",
    "a colouring, activity or blank book": r"colou?ring book|activity book|sticker book|calendar\b|\bplanner\b|"
    r"\bdeluxe journal|guided journal|\bnotebook$|puzzle book|word search|postcards?\b|paper dolls|pop-up",
    "a graphic novel": r"graphic novel|\bmanga\b|\bcomic adaptation",
    "an adaptation": r"\babridged|\badapted\b|young readers'? edition|for young readers|screenplay|stage play|"
    r"the (?:play|musical)$|junior novel|no fear shakespeare|great illustrated classics|classic starts",
    HALF: r"\bpart \w+ of (?:\d|two|three|four)\b",
    "an excerpt": r"\bexcerpt|\bsampler\b|sneak peek|free preview|\bpreview\b",
}  # fmt: skip
_KIND_PATTERNS = {kind: re.compile(pattern) for kind, pattern in _KINDS.items()}
SEVERAL = frozenset({"duology", "trilogy", "tetralogy", "quartet", "saga", "collection", "treasury", "set"})
AUDIO, LARGE_PRINT, EBOOK = "audio", "large print", "e-book"
_FORMATS = {
    AUDIO: re.compile(r"audio|\bunabridged|cassette|\bcds?\b|\bmp3|audible|spoken word|full[- ]cast", re.IGNORECASE),
    LARGE_PRINT: re.compile(r"large[- ]print|large type", re.IGNORECASE),
    EBOOK: re.compile(r"kindle|e-?book|\bepub|digital", re.IGNORECASE),
}

# Subtitles that say nothing about the work: its genre, an edition, a prize, a blurb.
_COMMONPLACE = re.compile(
    r"^(?:(?:a|an|the) )?(?:[\w'.&-]+ ){0,3}(?:novel|novella|thriller|mystery|romance)(?: (?:by|of suspense|about) .*)?$"
    r"|^(?:(?:a|an|the) )?(?:\w+ )?(?:memoir|biography|autobiography|life|history|love story|true story|stories|poems|essays)$"
    r"|\beditions?$|\b(?:hardcover|hardback|paperback|softcover|kindle|audio ?book|audio cd|e-?book|large print|unabridged|"
    r"reissue|tie-in|alternate cover)\b|^(?:illustrated|annotated|translated)$"
    r"|\b(?:prize|award|medal)(?: winner| finalist| for \w+| honou?r(?: book)?)?(?: \d{4})?$|\b(?:winner|finalist) of\b"
    r"|\bbook club\b|\bclub pick\b|\bbest-? ?seller|^(?:from|by) the .*(?:author|creators?) of\b"
    r"|^(?:for (?:fans of|those who love)|now a (?:major|netflix|hulu)|soon to be)\b"
)
_ASIDE = re.compile(r"\s*[(\[]([^()\[\]]*)[)\]]?")
_INLINE = re.compile(r"(?<=\s)\((\w+)\)(?=\s+\w)")  # "How to Be a (Young) Antiracist"
_SPLIT = re.compile(r"\s*:\s*|\s+-+\s+|\s*;\s+(?:or,?\s+)?|,\s+or,?\s+|\s+or,\s+")
_EDITION_ENDS = ("edition", "illustrated", "unabridged", "hardcover", "hardback", "paperback")
_EDITION = re.compile(
    r"(?<![\s,-])[\s,-]++(?:(?:the|a|an|limited|deluxe|special|standard|collector'?s'?|anniversary|revised|expanded|updated|illustrated|"
    r"annotated|unabridged|hardcover|paperback|kindle|international|movie tie-in|\d+(?:st|nd|rd|th)) ){1,8}edition$"
    r"|(?<![\s,-])[\s,-]++(?:illustrated|unabridged|hardcover|hardback|paperback)$"
)
_WORD = re.compile(r"#|\w+")
_MOVED = re.compile(r",\s*(the|an?|le|la|les|l'|el|los|las|der|die|das|il|un|une|una)\s*(?=$|[:(\[])|(?<=\w) (the)\s*$")
_UNTIDY = re.compile(r"\d|№|\w\.\s?\w\.")
_TIDY = (
    (re.compile(r"\b(?:no|nr)s?\.\s*(?=\d)|№\s*"), "#"),
    (re.compile(r"(?<=\d)[,.](?=\d{3}\b)"), ""),
    (re.compile(r"\b(\d{1,3})\s?-\s?(\d{1,3})\b(?! ?(?:day|week|minute|step))"), r"\1to\2"),
    (re.compile(r"\b(?:[^\W\d_]\.\s?){2,}"), lambda found: re.sub(r"[.\s]", "", found[0]) + " "),
)


@lru_cache(CACHE_SIZE)
def fold(text: str) -> str:
    """Lower case, without accents and typographic variants, spaces single. `fold(fold(x)) == fold(x)`.

    At most MAX_TEXT_LENGTH characters: to sort a long row of accents, as normalization does, takes quadratic time.
    """
    text = text[:MAX_TEXT_LENGTH]
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).casefold().translate(_PLAIN)
        text = unicodedata.normalize("NFC", _OPTIONAL_MARKS.sub("", unicodedata.normalize("NFKD", text)))
    return " ".join(text.lower().split())[:MAX_TEXT_LENGTH].rstrip()


def slip(one: str, other: str) -> bool:
    """Return whether the words differ by one slip: a letter too many, too few, wrong, or two swapped.

    Never between numbers, nor in scripts where one character is a word.
    """
    one, other = SPELT.get(one, one), SPELT.get(other, other)
    if one in _NUMBERED and other in _NUMBERED:
        return False
    if abs(len(one) - len(other)) > 1 or min(len(one), len(other)) < 3 or max(one[0], other[0]) > "\u0590":
        return False
    if OSA.distance(one, other, score_cutoff=1) != 1:
        return False
    return not any(letter.isdigit() for letter in one + other)


@dataclass(frozen=True, slots=True)
class Title:
    """A title read: `words` without articles in front, volume marks, parentheses and commonplace subtitles.

    `head` and `rest` are the words before and after the first colon; `volumes` like ("book 2",) what the title itself
    numbers; `series` pairs of series name and number from parentheses or a prefix; `lead` is true when `head` is such
    a prefix ("Discworld 8: Guards! Guards!"). `kinds` say what it is instead of the book; `tongue` is
    the code of its likely language, "" if unsure.
    """

    words: tuple[str, ...]
    head: tuple[str, ...]
    rest: tuple[str, ...]
    volumes: tuple[str, ...]
    series: tuple[tuple[str, str], ...]
    lead: bool
    squash: str
    raw: str
    latin: bool

    @property
    def kinds(self) -> frozenset[str]:
        return kinds_of(self.raw)

    @property
    def tongue(self) -> str:
        return tongue_of(self.raw)


@lru_cache(CACHE_SIZE)
def read(title: str, subtitle: str = "") -> Title:
    """The title as read; never fails, whatever the text."""
    folded = fold(title)
    beneath = fold(subtitle)
    if beneath and beneath not in folded:
        folded = f"{folded.rstrip(' :')}: {beneath}"
    main, asides = _without_asides(folded)
    head, *parts = _split(main)
    head_words, marked = _unmark(words_of(head))
    kept, volumes, series = _sorted_parts(parts, numbered=head[-1:].isdigit())
    lead = bool(kept and head_words and (marked or (len(head_words) > 1 and head_words[-1].isdigit())))
    if lead and not marked:
        series.append(("".join(head_words[:-1]), head_words[-1]))
    for aside in asides:
        name, numbers = _numbered(aside)
        series += [(name, _value(number)) for number in numbers if name]
        volumes += [number for number in numbers if not name]
    words = (*head_words, *kept) or tuple(words_of(folded)) or (folded,)
    return Title(
        words=words,
        head=head_words or words,
        rest=tuple(kept),
        volumes=(*marked, *volumes),
        series=tuple(series),
        lead=lead,
        squash=(squash := "".join(words)),
        raw=folded,
        latin=max(squash, default="") < "\u0370",
    )


@lru_cache(CACHE_SIZE)
def kinds_of(folded: str) -> frozenset[str]:
    """What the book is instead of the plain book: "a study guide or summary", "a box set or omnibus"..."""
    return frozenset(kind for kind, pattern in _KIND_PATTERNS.items() if pattern.search(folded))


def formats_of(text: str) -> frozenset[str]:
    """Formats that `text` (a title, binding or publisher) names: audio, large print, e-book."""
    return frozenset(name for name, pattern in _FORMATS.items() if pattern.search(text))


def series_of(text: str) -> tuple[tuple[str, str], ...]:
    """Names and numbers from a source's series field, as in "Harry Bosch, #10; Harry Bosch Universe, #12"."""
    return _series(text) if text else ()


@lru_cache(CACHE_SIZE)
def _series(text: str) -> tuple[tuple[str, str], ...]:
    found = []
    for entry in text.split(";"):
        name, numbers = _numbered(fold(entry))
        found += [(name, _value(number)) for number in numbers] or [(name, "")]
    return tuple(found)


def words_of(text: str) -> list[str]:
    """The words of folded text: apostrophes closed up, numbers as digits, leading article gone."""
    if _UNTIDY.search(text):
        for pattern, plain in _TIDY:
            text = pattern.sub(plain, text)
    words = _WORD.findall(text.replace("'", "").replace("&", " and ").replace("+", " and "))
    if not _NUMBERED.isdisjoint(words):
        if len(words) > 1 and words[-1] in _SINGLE_ROMANS:
            words[-1] = ROMANS[words[-1]]
        words = list(_digits(words))
    if len(words) > 1 and words[0] in _LEADING:
        del words[0]
    return [_SHORT.get(word, word) for word in words]


def romanized(text: str) -> str:
    """Latin letters for whatever script, for comparing across scripts only."""
    return "".join(character for character in fold(anyascii(text)) if character.isalnum())


def outside(folded: str) -> str:
    """The words outside parentheses, closed up."""
    return "".join(words_of(_without_asides(folded)[0]))


def _without_asides(folded: str) -> tuple[str, list[str]]:
    """The text outside parentheses, and what was inside them; a title all in parentheses stays whole."""
    if "(" not in folded and "[" not in folded:
        return folded, []
    folded = _INLINE.sub(r"\1", folded)
    main = _ASIDE.sub(" ", folded).strip()
    return (main, _ASIDE.findall(folded)) if _WORD.search(main) else (folded, [])


def _split(main: str) -> list[str]:
    """The parts between colons and dashes, moved articles put away and editions dropped; never empty."""
    parts = [
        _EDITION.sub("", part) if part.endswith(_EDITION_ENDS) else part for part in _SPLIT.split(_MOVED.sub("", main))
    ]
    return [part for part in parts if _WORD.search(part)] or [main]


def _sorted_parts(parts: list[str], *, numbered: bool) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """The words of a subtitle, its volume numbers, and the series it names ("A Song of Ice and Fire, Book One").

    What is commonplace is left out, but after a numbered series ("Discworld 8:") stands the title, whatever it is.
    """
    kept: list[list[str]] = []
    volumes: list[str] = []
    series: list[tuple[str, str]] = []
    for part in parts:
        left, numbers = _unmark(words_of(part))
        commonplace = bool(_COMMONPLACE.search(" ".join(left))) and bool(kept or not numbered)
        counts_books = numbers and all(number.startswith(("book", "number")) for number in numbers)
        if counts_books and not commonplace and (left or (kept and not numbered)):
            series.append(("".join(left or kept.pop()), _value(numbers[-1])))
            continue
        volumes += numbers
        if left and not commonplace:
            kept.append(list(left))
    return [word for words in kept for word in words], volumes, series


def _value(number: str) -> str:
    return number.split(" ", 1)[1]


def _numbered(folded: str) -> tuple[str, list[str]]:
    """The series name (squashed) and the marked numbers in "camel club, #3", "volume 1" or just "1"."""
    words = words_of(folded)
    if len(words) == 1 and words[0].isdigit():
        return "", [f"number {words[0]}"] if len(words[0]) < 4 else []
    left, numbers = _unmark(words)
    return "".join(left), list(numbers)


def _unmark(words: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Words without "book 2", "vol. 3", "#4"; and those, as ("book 2", ...)."""
    if _MARKS.keys().isdisjoint(words):
        return tuple(words), ()
    left, numbers, at = [], [], 0
    while at < len(words):
        mark, after = _MARKS.get(words[at]), words[at + 1] if at + 1 < len(words) else ""
        number = ROMANS.get(after, after)
        if mark and number[:1].isdigit():
            last = _range_end(words, at + 2)
            numbers.append(f"{mark} {number}to{last}" if last else f"{mark} {number.lstrip('0') or '0'}")
            at += 4 if last else 2
        else:
            left.append(words[at])
            at += 1
    return tuple(word for word in left if word != "#"), tuple(numbers)


def _range_end(words: list[str], at: int) -> str:
    """The last number of "books 1 to 3", or ""."""
    last = words[at + 1] if words[at : at + 1] == ["to"] and at + 1 < len(words) else ""
    return ROMANS.get(last, last) if ROMANS.get(last, last).isdigit() else ""


def _digits(words: list[str]) -> Iterator[str]:
    """Number words, ordinals and Roman numerals as digits: "nineteen eighty four" is "1984"."""
    at = 0
    while at < len(words):
        value, after = _number(words, at)
        if after > at:
            yield str(value)
            at = after
            continue
        word = words[at]
        numeral = ROMANS.get(word) if word not in _SINGLE_ROMANS else None
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
        unit = UNITS.get(words[at + 1], 10) if at + 1 < len(words) else 10
        return (TENS[word] + unit, at + 2) if 0 < unit < 10 else (TENS[word], at + 1)
    if word in UNITS:
        return UNITS[word], at + 1
    if word.isdecimal() and word.isascii() and len(word) < 5:
        return int(word), at + 1
    return 0, at


@lru_cache(CACHE_SIZE)
def tongue_of(folded: str) -> str:
    """The language that script or little words give away, as a code; English if nothing is foreign, "" if unsure."""
    if not folded.isascii():
        for letter in folded:
            code = ord(letter)
            if code >= 0x0370:
                for first, last, tongue in _SCRIPTS:
                    if first <= code <= last:
                        return tongue
    words = set(folded.split())
    little = words & _LITTLE
    if not little:
        return "" if words & _FOREIGN else "en"
    second, (most, tongue) = sorted((len(words & known), tongue) for tongue, known in _TONGUES.items())[-2:]
    return tongue if most > second[0] else ""
