"""Recognises the language of a title by its script, its letters and its little words."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from alexandria.catalogue.matching.folding import CACHE_SIZE, MAX_TEXT_LENGTH, fold
from alexandria.catalogue.matching.vocabulary import may_be_english

ARTICLES = {
    "en": {"a", "an", "the"}, "fr": {"le", "la", "les", "un", "une"}, "es": {"el", "la", "los", "las", "un", "una"},
    "de": {"der", "die", "das", "ein", "eine"}, "it": {"il", "lo", "la", "gli", "le", "un", "una"},
    "pt": {"o", "os", "um", "uma"}, "nl": {"de", "het", "een"}, "sv": {"en", "ett"}, "da": {"en", "et"},
    "hu": {"az", "egy"}, "ca": {"els", "la", "les"},
}  # fmt: skip
ANY_ARTICLE = frozenset().union(*ARTICLES.values())
# Articles that no English title opens with as a word of its own ("Die Trying", "O Pioneers!", "Los Angeles", "En Garde").
LEADING = ANY_ARTICLE - {"die", "o", "os", "los", "las", "lo", "la", "en", "et"}

# Little words, each listed where it is most frequent; of a language with near kin, one code stands for all.
_TONGUES = {
    "en": {
        "the",
        "of",
        "and",
        "to",
        "with",
        "from",
        "my",
        "you",
        "your",
        "is",
        "at",
        "for",
        "who",
        "when",
        "her",
        "his",
    },
    "fr": {
        "le",
        "les",
        "du",
        "des",
        "et",
        "une",
        "au",
        "aux",
        "dans",
        "sur",
        "pour",
        "est",
        "avec",
        "sans",
        "chez",
        "sous",
    },
    "es": {"el", "los", "las", "del", "y", "una", "por", "para", "con", "hacia", "desde", "muy"},
    "de": {
        "der",
        "das",
        "und",
        "ein",
        "eine",
        "von",
        "im",
        "dem",
        "mit",
        "den",
        "ist",
        "nicht",
        "zum",
        "zur",
        "auf",
        "für",
        "aus",
        "wie",
        "vom",
        "ohne",
    },
    "it": {"il", "gli", "della", "di", "dei", "nel", "che", "una", "nella", "delle", "degli", "dalla"},
    "pt": {"os", "do", "dos", "uma", "em", "não", "nao", "com", "pela", "pelo"},
    "nl": {"het", "een", "van", "voor", "niet", "naar", "zijn"},
    "sv": {"och", "att", "som", "från", "ett"},
    "da": {"og", "af", "til", "fra", "ikke", "jeg"},
    "pl": {"nie", "się", "przez", "dla"},
    "cs": {"jsem", "při", "jeho", "která"},
    "hu": {"az", "egy", "és", "nem"},
    "tr": {"ve", "bir", "için", "icin", "ile", "üzerine", "uzerine"},
    "id": {"yang", "untuk", "dari", "dengan"},
    "fi": {"joka", "eikä", "minä"},
    "ro": {"pentru", "despre"},
    "ca": {"els", "amb", "dels"},
}
# Little words that a language shares with one of those above.
_SHARED = {
    "de": {"des", "du", "am", "in", "so", "die"}, "it": {"le", "un", "la", "del", "con", "una", "per"}, "nl": {"den", "der", "des", "de", "in"},
    "sv": {"den", "det", "de", "du", "en", "i", "av"}, "da": {"den", "det", "de", "du", "en", "for", "i", "at", "til"},
    "ca": {"el", "la", "del", "una", "un", "con", "per", "les"}, "pt": {"para", "por", "o", "a", "del", "do"}, "es": {"una", "un", "la", "y", "que"},
    "fr": {"un", "la", "le", "une"}, "ro": {"la", "de", "un"}, "id": {"di", "dan"}, "no": {"den", "det", "en", "for", "i", "til", "og", "at"},
    "la": {"de", "et", "est", "in"}, "eo": {"la", "de", "et"}, "gl": {"do", "dos", "os", "o", "del"}, "hu": {"is", "ez"}, "tr": {"bir", "on"},
}  # fmt: skip
_FOLDED_TONGUES = {tongue: frozenset(map(fold, known)) for tongue, known in _TONGUES.items()}
_LITTLE = frozenset().union(*_FOLDED_TONGUES.values())
_FOREIGN = ANY_ARTICLE - ARTICLES["en"] - {"die", "o", "os"}
# Each script with the language of most books in it.
_SCRIPTS = (
    (0x0370, 0x03FF, "el"), (0x0400, 0x052F, "ru"), (0x0530, 0x058F, "hy"), (0x0590, 0x05FF, "he"), (0x0600, 0x06FF, "ar"),
    (0x0750, 0x077F, "ar"), (0x0780, 0x07BF, "dv"), (0x0900, 0x097F, "hi"), (0x0980, 0x09FF, "bn"), (0x0A00, 0x0A7F, "pa"),
    (0x0A80, 0x0AFF, "gu"), (0x0B00, 0x0B7F, "or"), (0x0B80, 0x0BFF, "ta"), (0x0C00, 0x0C7F, "te"), (0x0C80, 0x0CFF, "kn"),
    (0x0D00, 0x0D7F, "ml"), (0x0D80, 0x0DFF, "si"), (0x0E00, 0x0E7F, "th"), (0x0E80, 0x0EFF, "lo"), (0x0F00, 0x0FFF, "bo"),
    (0x1000, 0x109F, "my"), (0x10A0, 0x10FF, "ka"), (0x1100, 0x11FF, "ko"), (0x1200, 0x137F, "am"), (0x1780, 0x17FF, "km"),
    (0x3040, 0x30FF, "ja"), (0x3130, 0x318F, "ko"), (0x31F0, 0x31FF, "ja"), (0x3400, 0x4DBF, "zh"), (0x4E00, 0x9FFF, "zh"),
    (0xAC00, 0xD7AF, "ko"), (0xF900, 0xFAFF, "zh"), (0xFF66, 0xFF9D, "ja"), (0x20000, 0x323AF, "zh"),
)  # fmt: skip
# Letters that one language of a script is known by, wherever they stand, or several together; the first in a list decides.
# Brackets and the dot between foreign names are Chinese as well as Japanese.
_TELLING = {
    "zh": (
        ("[\u3005\u3006\u3041-\u3096\u30a1-\u30fa\u30fc\u31f0-\u31ff\uff66-\uff9d]", "ja"),
        ("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]", "ko"),
    ),
    "ru": (
        # The spelling before 1918 had an i as well, and a hard sign at the end of words.
        ("[ѣѳѵ]|ъ\\b", "ru"), ("[їєґ]", "uk"), ("ў", "be"), ("[ђћ]", "sr"), ("[ѓќѕ]", "mk"), ("ұ", "kk"), ("[јљњџ]", "sr"),
        ("і [ыэё]", "be"), ("і", "uk"), ("ъ[бвгджзйклмнпрстфхцчшщ]", "bg"),
    ),
    "ar": (
        ("[ټډړږښګۍ]", "ps"), ("[ڕڵێۆ]", "ku"), ("[ٹڈڑںےۓہۃ]", "ur"), ("[ةأإ]", "ar"), ("[پچژگکی]", "fa"),
    ),
    "he": (("[װױײ]", "yi"),),
}  # fmt: skip
_TELLING_LETTERS = {
    script: [([re.compile(part) for part in letters.split()], tongue) for letters, tongue in known]
    for script, known in _TELLING.items()
}
# Character sets of the other languages with Chinese characters: the simplified, the traditional and the Korean ones.
_BESIDE_JAPANESE = ("gb2312", "big5hkscs", "euc_kr")
# Letters that one language of those with Latin letters is known by.
_LETTERS = (
    ("ßẞ", "de"), ("ñ¿¡", "es"), ("ãõ", "pt"), ("ğışİ", "tr"), ("łąęśźż", "pl"), ("řůě", "cs"), ("őű", "hu"), ("ø", "da"),
    ("ță", "ro"), ("œ", "fr"),
)  # fmt: skip
# Languages that share a script, or their little words, with the one named for it above.
KINDRED = {
    "ru": {"uk", "bg", "sr", "be", "mk"}, "uk": {"be"}, "sr": {"mk"}, "zh": {"ja", "ko"}, "ar": {"fa", "ur"}, "fa": {"ur", "ar"},
    "he": {"yi"}, "hi": {"mr", "ne", "sa"}, "bn": {"as"}, "am": {"ti"},
    "es": {"ca", "gl"}, "pt": {"gl"}, "da": {"no", "nb", "nn"}, "sv": {"no", "nb", "nn", "da"}, "cs": {"sk"}, "id": {"ms"},
    "nl": {"af"},
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_MARKED = re.compile(r"[¡¿\u00c0-\u024f\u1e00-\u1eff]")
ENGLISH_SHARE = 2 / 3  # of the words of a title that are English where none is little


@lru_cache(CACHE_SIZE)
def tongue_of(text: str) -> str:
    """Return the code of the language that script, letters or little words give away; "" if unsure.

    Without a sign of another language, a title is English if its words are.
    """
    text = text[:MAX_TEXT_LENGTH]
    if not text.isascii() and (scripted := _by_script(text)):
        return scripted
    folded = fold(text)
    words = set(folded.split())
    if words & _LITTLE:
        second, (most, tongue) = sorted((len(words & known), tongue) for tongue, known in _FOLDED_TONGUES.items())[-2:]
        lettered = _by_letters(text)
        return tongue if most > second[0] and lettered in ("", tongue) else lettered if most <= second[0] else ""
    if words & _FOREIGN:
        return _by_letters(text)
    return _by_letters(text) if _MARKED.search(text) else _english(folded)


def may_be(text: str, tongue: str) -> bool:
    """Return whether all little words of a title are also words of this language."""
    words = set(fold(text).split())
    little = words & _LITTLE
    return bool(little) and little <= _FOLDED_TONGUES.get(tongue, frozenset()) | _SHARED.get(tongue, frozenset())


def is_sure(text: str) -> bool:
    """Return whether script, letters or little words give a title's language away, and not its other words alone."""
    return not text.isascii() or not _LITTLE.isdisjoint(fold(text).split())


def _by_script(text: str) -> str:
    """The language of the first letter that is not Latin, or of a letter that only one language of its script has."""
    codes = (ord(letter) for letter in text)
    found = (tongue for code in codes if code >= 0x0370 for first, last, tongue in _SCRIPTS if first <= code <= last)
    script = next(found, "")
    if script in _TELLING_LETTERS:
        composed = unicodedata.normalize("NFC", text).lower()
        known = _TELLING_LETTERS[script]
        telling = (tongue for parts, tongue in known if all(part.search(composed) for part in parts))
        script = next(telling, "ja" if script == "zh" and any(map(_is_japanese, text)) else script)
    return script


@lru_cache(CACHE_SIZE)
def _is_japanese(letter: str) -> bool:
    """Return whether only the Japanese set has a character: one simplified in Japan alone, or made there."""
    return _is_in(letter, "shift_jis") and not any(_is_in(letter, known) for known in _BESIDE_JAPANESE)


def _is_in(letter: str, codec: str) -> bool:
    try:
        letter.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def _by_letters(text: str) -> str:
    found = {tongue for letters, tongue in _LETTERS if any(letter in text for letter in letters)}
    return found.pop() if len(found) == 1 else ""


def _english(folded: str) -> str:
    words = [word.removesuffix("'s") for word in _WORD.findall(folded)]
    known = sum(len(word) < 2 or may_be_english(word) for word in words)
    return "en" if known and known > ENGLISH_SHARE * len(words) else ""
