"""Reads a title: separates subtitle, series, volume numbers and parallel titles from what names the work."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import OSA

from alexandria.catalogue.matching.folding import CACHE_SIZE, MAX_TEXT_LENGTH, fold, repaired
from alexandria.catalogue.matching.kinds import kinds_of
from alexandria.catalogue.matching.numbers import NUMBERED, ROMANS, SINGLE_ROMANS, SPELT, in_digits
from alexandria.catalogue.matching.tongues import ANY_ARTICLE, LEADING, tongue_of

MAX_TITLE_LENGTH = 1000  # characters of a title, and of a subtitle, that are read; none comes near
NUMERAL_CODE, MARK_CODE = 1, 2  # of words: a number, spelt or in digits, and what counts a volume
MAX_PARTS = 20  # volumes, series, asides and titles in other languages of one title; each is compared with each

SHORT_FORMS = {"doctor": "dr", "mister": "mr", "saint": "st", "versus": "vs", "mount": "mt", "und": "and"}

_MARKS = {
    "vol": "volume", "vols": "volume", "volume": "volume", "volumes": "volume", "tome": "volume", "tomo": "volume",
    "band": "volume", "bd": "volume", "deel": "volume", "том": "volume", "book": "book", "books": "book", "bk": "book",
    "livre": "book", "libro": "book", "buch": "book", "книга": "book", "part": "part", "parts": "part", "pt": "part",
    "teil": "part", "parte": "part", "часть": "part", "issue": "number", "#": "number", "season": "season",
    "episode": "episode", "level": "level", "grade": "level", "جزء": "part", "الجزء": "part", "osa": "part", "tom": "volume",
    "cilt": "volume", "bind": "volume", "kotet": "volume", "svazek": "volume",
}  # fmt: skip

_PLURALS = frozenset({"vols", "volumes", "books", "parts"})

IGNORABLE = ANY_ARTICLE | {"and"}
SEVERAL = frozenset({"duology", "trilogy", "tetralogy", "quartet", "saga", "collection", "treasury", "set"})

# Subtitles that say nothing about the work: its genre, an edition, a prize, a blurb.
_COMMONPLACE = re.compile(
    r"^(?:(?:a|an|the) )?(?:[\w'.&-]+ ){0,3}(?:novel|novella|thriller|mystery|romance)(?: (?:by|of suspense|about) .*)?$"
    r"|^(?:(?:a|an|the) )?(?:\w+ )?(?:memoir|biography|autobiography|life|history|love story|true story|stories|poems|essays)$"
    r"|\beditions?$|\b(?:hardcover|hardback|paperback|softcover|kindle|audio ?book|audio cd|e-?book|large print|unabridged|"
    r"reissue|tie-in|alternate cover)\b|^(?:illustrated|annotated|translated)$"
    r"|\b(?:prize|award|medal)(?: winner| finalist| for \w+| honou?r(?: book)?)?(?: \d{4})?$|\b(?:winner|finalist) of\b"
    r"|\bbook club\b|\bclub pick\b|\bbest-? ?seller|^(?:from|by) the .*(?:author|creators?) of\b"
    r"|^(?:for (?:fans of|those who love)|now a (?:major|netflix|hulu)|soon to be)\b"
    r"|^(?:(?:ein|eine|un|une|una|um|uma|et|en) )?(?:\w+ )?(?:roman|romanzo|novela|romance|powiesc|regeny|kriminalroman|krimi|"
    r"erzahlung|erzahlungen|novelle|novellen|gedichte|racconti|cuentos|relatos|poemas|contos|nouvelles|recit|recits|poemes|"
    r"essais|essays|noveller|dikter|digte|роман|романы|повесть|повести|рассказы|стихи|رواية|قصص|شعر|小説|小说|장편소설|소설)$"
    r"|\b(?:auflage|ausgabe|edicion|edizione|edicao|издание)$"
)
_ASIDE = re.compile(r"(?:(?<!\s)\s+)?[(\[]([^()\[\]]*)[)\]]?")
_INLINE = re.compile(r"(?<=\s)\((\w+)\)(?=\s+\w)")  # "How to Be a (Young) Antiracist"
_PREFIX = re.compile(r"\(([a-z]{1,4})\)(?=[a-z])")  # "The Good (Dis)Honesty", "(R)evolution"
_SPLIT = re.compile(
    r"(?:(?<!\s)\s+)?:\s*|(?<!\s)\s+-+\s+|(?:(?<!\s)\s+)?;\s+(?:or,?\s+)?|,\s+or,?\s+|(?<!\s)\s+or,\s+"
    r"|(?<!\s)\s+or\s+(?=(?:the|an?)\s\w+\s\w)"
)
_EDITION_ENDS = ("edition", "illustrated", "unabridged", "hardcover", "hardback", "paperback")
_EDITION = re.compile(
    r"(?<![\s,-])[\s,-]++(?:(?:the|a|an|limited|deluxe|special|standard|collector'?s'?|anniversary|revised|expanded|updated|illustrated|"
    r"annotated|unabridged|hardcover|paperback|kindle|international|movie tie-in|\d+(?:st|nd|rd|th)) ){1,8}edition$"
    r"|(?<![\s,-])[\s,-]++(?:illustrated|unabridged|hardcover|hardback|paperback)$"
)
_ORDINAL_ALONE = re.compile(r"(?:the |an? )?(?:\d+(?:st|nd|rd|th)?)?")
_WORD = re.compile(r"#|\w+")
_MOVED = re.compile(
    r",\s*(the|an?|le|la|les|l'|el|los|las|der|die|das|ein|eine|il|gli|un|une|una|os?|um|uma|het|een|en|ett|et|az)\s*(?=$|[:(\[])|(?<=\w) (the)\s*$"
)
# Folded texts that have no series, subtitle, parentheses or volume marks; the second kind unless something splits it.
_SIMPLE = re.compile(r"[a-z0-9' ,.!?&/-]+")
_PLAIN = re.compile(r"[a-z ']+")
_SPLITTING = re.compile(r"\. | -|- | or[ ,]|,\s*[a-z]{1,4}'?$")
_UNTIDY = re.compile(r"\d|№|\w\.\s?\w\.")
_SENTENCE = re.compile(
    r"(?<=[^\W\d_]{4})\.\s+(?=[^\W\d_a-z])(?=\S+\s\S)"
)  # "Ohne Sinn. Wie die Industrie uns manipuliert"
# "Der Vorleser. Roman": what a book is, behind a full stop.
_GENRE_BEHIND = re.compile(
    r"(?<=[^\W\d_]{3})\.\s+(?=(?:(?:ein|eine|un|une|una|um|uma|et|en|a) )?(?:roman|romanzo|novela|romance|powieść|regény|"
    r"kriminalroman|krimi|erzählung|erzählungen|novelle|novellen|gedichte|racconti|cuentos|relatos|poemas|contos|"
    r"nouvelles|récit|récits|poèmes|thriller|novel|роман|повесть|рассказы|стихи)$)",
    re.IGNORECASE,
)
_TRADE_MARK = re.compile(r"\((?:tm|r|sm)\)(?!\w)", re.IGNORECASE)  # "Robert Ludlum's (TM) The Bourne Initiative"
_SPAN = re.compile(r"\d{4}\s?(?:-|to|bis|a|à)\s?\d{2,4}")
_PARALLEL = re.compile(r"(?<!\s)\s+=\s+")
# "第1巻", "12巻", "제3권", "ج2"; and what halves and thirds are called.
_COUNTED = re.compile(
    r"(?:第\s?|제\s?)?(\d{1,3}|[一二三四五六七八九十]{1,3})\s?(?:巻|卷|集|冊|册|권)(?!\w)|\bج\s?(\d{1,2})\b"
)
_ROMAN = re.compile(r"(?<=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])(i{2,3}|iv|vi{1,3}|ix)(?!\w)")  # "三体Ⅱ"
_THIRD = re.compile(r"(?:(?<=\s)|[(\[])([上中下前後后])[巻卷冊册集編编部]?[)\]]?$|(?<=\w)([上中下])[巻卷冊册][)\]]?$")
_HAN_DIGITS = {digit: str(value) for value, digit in enumerate("一二三四五六七八九十", 1)}
_TIDY = (
    (re.compile(r"(?<=\d)\s?1[/\u2044]2\b"), " and a half"),
    (re.compile(r"\b(\d{1,2})[/.-](\d{1,2})[/.-](\d{2,4})\b"), r"\1\2\3"),
    (re.compile(r"\b(?:no|nr)s?\.\s*(?=\d)|№\s*"), "#"),
    (re.compile(r"(?<=\d)[,.](?=\d{3}\b)"), ""),
    (re.compile(r"\b(\d{1,3})\s?-\s?(\d{1,3})\b(?! ?(?:day|week|minute|step))"), r"\1to\2"),
    (re.compile(r"\b(?:[^\W\d_]\.\s?){2,}"), lambda found: re.sub(r"[.\s]", "", found[0]) + " "),
)


def slip(one: str, other: str) -> bool:
    """Return whether the words differ by one slip: a letter too many, too few, wrong, or two swapped.

    Never between numbers, nor in scripts where one character is a word.
    """
    one, other = SPELT.get(one, one), SPELT.get(other, other)
    if one in NUMBERED and other in NUMBERED:
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
    a prefix ("Discworld 8: Guards! Guards!"). `parallels` are the title in other languages, as the record itself
    gives it, `spans` the years that it collects, `asides` the text in
    parentheses, closed up. `kinds` say what it is instead of the book; `tongue` is the code of its likely language, "" if unsure.
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
    printed: str
    parallels: tuple[tuple[str, ...], ...]
    spans: tuple[str, ...]
    asides: tuple[str, ...]

    @property
    def kinds(self) -> frozenset[str]:
        return kinds_of(self.raw)

    @property
    def tongue(self) -> str:
        return tongue_of(self.printed)


class _Pieces(NamedTuple):
    """A text in pieces: as printed, as folded, its main part, what stood in parentheses and behind "=", and what was named."""

    printed: str
    folded: str
    main: str
    equals: list[str]
    asides: list[str]
    head: tuple[str, ...]
    kept: list[str]
    volumes: tuple[str, ...]
    series: list[tuple[str, str]]
    lead: bool
    is_plain: bool
    thirds: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return (*self.head, *self.kept) or tuple(words_of(self.folded)) or (self.folded,)


def _pieces(title: str, subtitle: str) -> _Pieces:
    printed = _tidied(title)
    folded = fold(printed)[:MAX_TITLE_LENGTH].rstrip()  # some characters are folded to many
    beneath = fold(_tidied(subtitle))[:MAX_TITLE_LENGTH].rstrip()
    if beneath and beneath not in folded:
        folded = f"{folded.rstrip(' :')}: {beneath}"
    plain, thirds = _without_thirds(folded)
    main, asides = _without_asides(plain)
    main, *equals = _PARALLEL.split(main)
    main, listed = _without_series_list(main)
    head, *parts = _split(main)
    head_words, marked = _unmark(words_of(head))
    kept, volumes, series = _sorted_parts(parts, numbered=head[-1:].isdigit())
    lead = bool(kept and head_words and (marked or (len(head_words) > 1 and head_words[-1].isdigit())))
    if lead and not marked:
        series.append(("".join(head_words[:-1]), head_words[-1]))
    is_plain = len(kept) == len(parts)
    return _Pieces(
        printed,
        folded,
        main,
        equals,
        asides,
        head_words,
        kept,
        (*marked, *volumes),
        [*listed, *series],
        lead,
        is_plain,
        thirds,
    )


@lru_cache(CACHE_SIZE)
def read(title: str, subtitle: str = "") -> Title:
    """The title as read; never fails, whatever the text."""
    found = _pieces(title, subtitle)
    more_volumes, more_series = _of_asides(found.asides, plain=found.is_plain)
    words = found.words
    return Title(
        words=words,
        head=found.head or words,
        rest=tuple(found.kept),
        volumes=(*found.volumes, *more_volumes, *found.thirds)[:MAX_PARTS],
        series=(*found.series, *more_series)[:MAX_PARTS],
        lead=found.lead,
        squash=(squash := "".join(words)),
        raw=found.folded,
        latin=max(squash, default="") < "\u0370",
        printed=found.printed.lower(),
        parallels=_parallels(found.main, found.equals[:MAX_PARTS], found.asides[:MAX_PARTS]),
        spans=tuple(aside for aside in found.asides[:MAX_PARTS] if _SPAN.fullmatch(aside)),
        asides=tuple("".join(words_of(aside)) for aside in found.asides[:MAX_PARTS]),
    )


def words(title: str) -> tuple[str, ...]:
    """The `words` of `read(title)`, quickly for the many titles that are little but words."""
    text = " ".join(title.lower().split()) if title.isascii() else fold(repaired(title))
    if len(title) <= MAX_TITLE_LENGTH >= len(text):
        if text.endswith(" the") and text[-5].isalnum():
            text = text[:-4]
        found: list[str] = []
        if _PLAIN.fullmatch(text):
            if " or " not in text and not text.endswith(_EDITION_ENDS):
                found = in_words(text.replace("'", "").split())
        elif _SIMPLE.fullmatch(text) and not (_SPLITTING.search(text) or text.endswith(_EDITION_ENDS)):
            found = words_of(text)
        kept, _ = _unmark(found)
        if kept:
            return kept
    return _pieces(title, "").words


def kind_of_word(word: str) -> int | None:
    """Return NUMERAL_CODE, MARK_CODE or 0 for a word of ASCII in lower case; None for one that may split a title or end its edition.

    Words of kind 0 are read as themselves wherever they stand, but for a leading article; so are marks without a numeral.
    """
    if word in ("", "or") or _MARKS.get(word) == "level" or word.endswith(_EDITION_ENDS):
        return None
    if word in NUMBERED or word.isdigit():
        return NUMERAL_CODE
    return MARK_CODE if word in _MARKS else 0


def _tidied(printed: str) -> str:
    """A text without entities and trade marks, a sentence behind the title set off as a subtitle."""
    text = repaired(printed[:MAX_TITLE_LENGTH])
    if "&" in text and ";" in text:
        text = html.unescape(text)
    if "(" in text:
        text = _TRADE_MARK.sub("", text)
    return _GENRE_BEHIND.sub(": ", _SENTENCE.sub(": ", text)) if ". " in text and ":" not in text else text


def _without_thirds(folded: str) -> tuple[str, tuple[str, ...]]:
    """The text with volumes counted in Chinese characters as numbers, and the half that it calls itself ("part 上")."""
    if folded.isascii():
        return folded, ()
    folded = _ROMAN.sub(lambda found: f" {ROMANS[found[1]]}", folded)
    folded = _COUNTED.sub(lambda found: f" # {_HAN_DIGITS.get(found[1] or '', found[1] or found[2])} ", folded).rstrip()
    third = _THIRD.search(folded)
    if third is None or not folded[: third.start()].strip():
        return folded, ()
    return folded[: third.start()].rstrip(), (f"part {third[1] or third[2]}",)


def _of_asides(asides: list[str], *, plain: bool) -> tuple[list[str], list[tuple[str, str]]]:
    """Volumes and series from parentheses. A bare number counts volumes, but beside a genre or a series its place there.

    "It Starts with Us: A Novel (2) (It Ends with Us)"
    """
    volumes: list[str] = []
    series: list[tuple[str, str]] = []
    numbered = [_numbered(aside) for aside in asides]
    names = [name for name, numbers in numbered if name and not numbers]
    for name, numbers in numbered:
        if name:
            series += [(name, _value(number)) for number in numbers]
        elif names or not plain:
            series += [(named, _value(number)) for number in numbers for named in names or [""]]
        else:
            volumes += numbers
    return volumes, series


def _parallels(main: str, equals: list[str], asides: list[str]) -> tuple[tuple[str, ...], ...]:
    """The title in other languages, from behind "=" or from parentheses."""
    if not equals and not asides:
        return ()
    tongue = tongue_of(main)
    others = [
        aside for aside in asides if (found := tongue_of(aside)) != tongue and found and (tongue or found != "en")
    ]
    return tuple(tuple(words) for text in (*equals, *others) if (words := words_of(_split(text)[0])))


def series_of(text: str) -> tuple[tuple[str, str], ...]:
    """Names and numbers from a source's series field, as in "Harry Bosch, #10; Harry Bosch Universe, #12"."""
    return _series(text) if text else ()


@lru_cache(CACHE_SIZE)
def _series(text: str) -> tuple[tuple[str, str], ...]:
    found = []
    for entry in text[:MAX_TITLE_LENGTH].split(";")[:MAX_PARTS]:
        name, numbers = _numbered(fold(entry))
        found += [(name, _value(number)) for number in numbers] or [(name, "")]
    return tuple(found[:MAX_PARTS])


def words_of(text: str) -> list[str]:
    """The words of folded text: apostrophes closed up, numbers as digits, leading article gone."""
    text = text[:MAX_TEXT_LENGTH]
    if _UNTIDY.search(text):
        for pattern, plain in _TIDY:
            text = pattern.sub(plain, text)
    return in_words(_WORD.findall(text.replace("'", "").replace("&", " and ").replace("+", " and ")))


def in_words(words: list[str]) -> list[str]:
    """The words with numbers as digits, without the leading article."""
    if not NUMBERED.isdisjoint(words):
        if len(words) > 1 and words[-1] in SINGLE_ROMANS:
            words[-1] = ROMANS[words[-1]]
        words = list(in_digits(words))
    if len(words) > 1 and words[0] in LEADING:
        del words[0]
    return [SHORT_FORMS.get(word, word) for word in words]


def outside(folded: str) -> str:
    """The words outside parentheses, closed up."""
    return "".join(words_of(_without_asides(folded)[0]))


def _without_series_list(main: str) -> tuple[str, list[tuple[str, str]]]:
    """The text behind several numbered series, and those: "Harry Bosch, #21; Harry Bosch Universe 26: The Wrong Side"."""
    before, _, behind = main.partition(":")
    if ";" not in before or not _WORD.search(behind):
        return main, []
    entries = [[word for word in words_of(entry) if word != "#"] for entry in before.split(";")[:MAX_PARTS]]
    if any(len(entry) < 2 or not entry[-1].isdecimal() for entry in entries):
        return main, []
    return behind.strip(), [("".join(entry[:-1]), entry[-1]) for entry in entries]


def _without_asides(folded: str) -> tuple[str, list[str]]:
    """The text outside parentheses, and what was inside them; a title all in parentheses stays whole."""
    if "(" not in folded and "[" not in folded:
        return folded, []
    folded = _PREFIX.sub(r"\1", _INLINE.sub(r"\1", folded))
    main = _ASIDE.sub(" ", folded).strip()
    return (main, _ASIDE.findall(folded)) if _WORD.search(main) else (folded, [])


def _split(main: str) -> list[str]:
    """The parts between colons and dashes, moved articles put away and editions dropped; never empty."""
    parts = [
        _without_edition(part) if part.endswith(_EDITION_ENDS) else part for part in _SPLIT.split(_MOVED.sub("", main))
    ]
    return [part for part in parts if _WORD.search(part)] or [main]


def _without_edition(part: str) -> str:
    """A part without the name of an edition behind it; one that is nothing else stays, to be read as commonplace."""
    left = _EDITION.sub("", part)
    return part if _ORDINAL_ALONE.fullmatch(left) else left


def _sorted_parts(parts: list[str], *, numbered: bool) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """The words of a subtitle, its volume numbers, and the series it names ("A Song of Ice and Fire, Book One").

    What is commonplace is left out, but after a numbered series ("Discworld 8:") stands the title, whatever it is.
    """
    kept: list[list[str]] = []
    volumes: list[str] = []
    series: list[tuple[str, str]] = []
    for part in parts:
        left, numbers = _unmark(words_of(part))
        edition = left[-1:] in (("edition",), ("editions",))
        commonplace = bool(_COMMONPLACE.search(" ".join(left))) and bool(kept or edition or not numbered)
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
        if mark and (number[:1].isdigit() or (mark == "level" and len(number) == 1)):
            last = _range_end(words, at + 2)
            numbers.append(f"{mark} {number}to{last}" if last else f"{mark} {number.lstrip('0') or '0'}")
            at += 4 if last else 2
        else:
            left.append(words[at])
            at += 1
    return tuple(word for word in left if word != "#"), tuple(numbers)


def _range_end(words: list[str], at: int) -> str:
    """The last number of "books 1 to 3" and "parts 1 and 2", or ""."""
    joined = words[at : at + 1] == ["to"] or (words[at : at + 1] == ["and"] and words[at - 2] in _PLURALS)
    last = words[at + 1] if joined and at + 1 < len(words) else ""
    return ROMANS.get(last, last) if ROMANS.get(last, last).isdigit() else ""
