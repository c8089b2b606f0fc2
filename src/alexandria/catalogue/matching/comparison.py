"""Compares two titles: whether they name one work, and how sure that is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from alexandria.catalogue.matching import titles, transliteration
from alexandria.catalogue.matching.findings import (
    UNDECIDED_POINTS,
    VETO_POINTS,
    Comparable,
    Finding,
    has_same_number,
    is_confirmed,
)
from alexandria.catalogue.matching.folding import romanized
from alexandria.catalogue.matching.names import people
from alexandria.catalogue.matching.numbers import SPELT
from alexandria.catalogue.matching.titles import Title
from alexandria.catalogue.matching.transliteration import ABJAD, ALIKE, HANGUL, PERHAPS, respelt, script_of
from alexandria.catalogue.matching.vocabulary import is_english, may_be_english

PLACEHOLDER = "untitled"
AND = "and"
SAME_TITLE = Finding(0, "same title")
OTHER_TITLE = Finding(VETO_POINTS, "another title")
SAME_HEAD = "same title before the colon"
MAY_BE_ANOTHER = "same title before the colon, but what follows may be another book"
SLIP_POINTS = 7.0
SLIP = "same title but for a slip of the pen"
MIN_SPELLING_LENGTH = 8  # letters of a title that is recognised in another romanisation
MIN_DESCRIPTION_WORDS = 5  # of a subtitle that describes the book, where a shorter one may be the title of another
MIN_REVISED_WORDS = 3  # telling words that two descriptions of one book share
MIN_SURE_WORD_LENGTH = 7  # letters of a word that becomes no other one by a wrong letter
MIN_LONG_TITLE_WORDS = 9  # of a title in which one word misspelt is no other title
MAX_OPENED_WORDS = 2  # of a title that an "and" in front makes another
MAX_SERIES_WORDS = 2  # telling words of the name of a series

_SMALL = titles.IGNORABLE | {"of", "in", "to", "for", "on", "with", "at", "by", "from", "about", "its", "his", "her"}
# How a subtitle opens that describes a book and is no title of a volume.
_DESCRIBES = re.compile(
    r"[;,:] (?:or|oder|ou|sive|oppure)\b|\s(?:or|oder|ou), |\bor (?:the|an?) |: (?:an?|how|why|what|when|inside|notes|essays|stories|poems|tales of|lessons|"
    r"un|une|una|uma?|ein|eine|wie|warum|comment|pourquoi|como|por que|come|perche|как|почему)\b"
)
# What it says of it: "The Story of Success", "Laughter and Reflection", "Surviving Hollywood", "18 Classic Stories".
_DESCRIPTION = re.compile(
    r": (?:(?:the|die|der|das|la|le|el|il|los|las|les) |l')?(?:\w+ ){0,2}(?:story|stories|art|life|lives|power|secrets?|science|making|journey|pursuit|history|portrait|guide|"
    r"author|study|biography|memoirs?|letters|essays|poems|diar(?:y|ies)|tales?|lessons|words|conversations|interviews|translations?|"
    r"histoires?|geschichten?|historias?|storia|memoires?|vida|vie|leben)"
    r" (?:of|in|for|about|behind|beyond|through|from|and|on|to|de|del|d|von|der|des|eines|einer|di|della|do|da)\b"
    r"|: (?:the )?(?:\w+ ){0,3}(?:text|criticism|stories|essays|poems|letters|memoirs?|biography|recipes|interviews|writings|"
    r"photographs|fictions?|novellas?|romances?|adventures|thriller)$"
    r"|: (?:text|criticism)\b|: \w{3,}ing\b|: \w+,? (?:and|&|und|et|y|e) \w+$"
)
# An alternative title in other languages: "Candide, ou l'optimisme", "Momo oder die seltsame Geschichte", "Pan Tadeusz czyli".
_ALTERNATIVE = re.compile(
    r", (?:ou|oder|oppure|eller|или|albo|avagy) |,? (?:czyli|ossia|ovvero) "
    r"| (?:oder|ou|eller) (?=(?:die|der|das|wie|vom|le|la|les|un|une|ein|eine) \w+ \w)"
)
_INDEFINITE = re.compile(r": an? ")
_WORD = re.compile(r"\w+")
_POSSESSIVE = re.compile(r"^(?:[\w']+\.? ){1,3}[\w']*\w's? ")
_DOUBLED = re.compile(r"(.)\1+")
# British and American spellings of one word.
_BRITISH = (("our", "or"), ("ise", "ize"), ("isi", "izi"), ("yse", "yze"), ("ogue", "og"), ("tre", "ter"), ("grey", "gray"),
            ("ll", "l"), ("ence", "ense"), ("mme", "m"), ("ae", "e"), ("oe", "e"))  # fmt: skip


def title_finding(one: Comparable, other: Comparable) -> Finding:
    """How the titles compare, as one finding; VETO_POINTS and above mean different titles."""
    a, b = one.title, other.title
    if a.spans and b.spans and a.spans != b.spans:
        years = ", ".join(a.spans), ", ".join(b.spans)
        return Finding(UNDECIDED_POINTS, "the years differ: {} and {}", years, partial=True)
    if a.squash == b.squash:
        placeholder = a.words[0] == PLACEHOLDER and not is_confirmed(one, other)
        return Finding(UNDECIDED_POINTS, "a placeholder for a title") if placeholder else SAME_TITLE
    if a.latin != b.latin:
        return _transliterated(one, other)
    whole = (
        _respelt_finding(a, b)
        or _words_finding(a.words, b.words, one, other)
        or _numbered_finding(a, b)
        or _numbered_finding(b, a)
    )
    if whole:
        return whole
    parts = [
        _parallel_finding(a, b),
        _head_finding(one, other),
        _rest_finding(one, other),
        _rest_finding(other, one),
        _alternative_finding(a, b),
        _alternative_finding(b, a),
        _extra_finding(one, other),
    ]
    return min((part for part in parts if part), key=lambda part: part.points, default=OTHER_TITLE)


def _transliterated(one: Comparable, other: Comparable) -> Finding:
    """Titles in two scripts, whole or without their subtitles."""
    a, b = one.title, other.title
    if extra := _foreign_words(a, b) or _foreign_words(b, a):
        return Finding(UNDECIDED_POINTS, "one title has words more: {}", (" ".join(extra),), partial=True)
    pairs = {(" ".join(mine), " ".join(yours)) for mine in (a.words, a.head) for yours in (b.words, b.head)}
    if _numerals(a) == _numerals(b):  # which stand among the words as digits only
        pairs.add((a.raw, b.raw))
    found = min(transliteration.compare(mine, yours) for mine, yours in pairs)
    if found == ALIKE:
        return Finding(6, "same title in another script")
    vowels_unwritten = found == PERHAPS and {script_of(a.raw), script_of(b.raw)} & {ABJAD, HANGUL}
    if vowels_unwritten or any(transliteration.reads_in_part(mine, yours) for mine, yours in pairs):
        return Finding(8 if is_confirmed(one, other) else 20, "perhaps the same title in another script")
    return _parallel_finding(a, b) or OTHER_TITLE


def _foreign_words(mixed: Title, plain: Title) -> list[str]:
    """What a title has beside all words of another one, in another script: "Momo 漫画" and "Momo"."""
    foreign = [word for word in mixed.words if max(word, default="") >= "\u0370"]
    shared = [word for word in mixed.words if word not in foreign]
    return foreign if shared == list(plain.words) else []


def _numerals(read: Title) -> list[str]:
    """The numbers of a title, counted as a volume or not: a word for volume in two scripts is not known as one."""
    counted = [volume.split(" ", 1)[1] for volume in read.volumes]
    return sorted([*counted, *(word for word in read.words if word.isdecimal())])


def _respelt_finding(a: Title, b: Title) -> Finding | None:
    """Titles in two romanisations, with umlauts written out, or in simplified and traditional characters."""
    if not a.latin:
        return (
            Finding(4, "same title in other characters") if romanized(a.squash) == romanized(b.squash) != "" else None
        )
    one, other = (re.sub(r"([aou])e", r"\1", read.squash) for read in (a, b))
    if one == other:
        return Finding(2, "same title but for an umlaut")
    foreign = a.tongue != "en" or b.tongue != "en"
    if foreign and min(len(one), len(other)) >= MIN_SPELLING_LENGTH and respelt(a.squash) == respelt(b.squash):
        return Finding(4, "same title in another romanisation")
    return None


def _parallel_finding(a: Title, b: Title) -> Finding | None:
    """The title that one record gives in a second language."""
    known = [(words, read) for words in a.parallels for read in (b,)] + [
        (words, read) for words in b.parallels for read in (a,)
    ]
    if any(words in (read.words, read.head) for words, read in known):
        return Finding(4, "same title in the other language that a record gives")
    return None


def _numbered_finding(a: Title, b: Title) -> Finding | None:
    """The number of a volume, with a word for volume and without: "Healer: Book One" and "Healer 01"."""
    if b.volumes or len(b.words) < 2 or not b.words[-1].isdecimal() or a.words != b.words[:-1]:
        return None
    if {volume.split(" ", 1)[1] for volume in a.volumes} == {str(int(b.words[-1]))}:
        return Finding(2, "same title and number", numbered=True)
    return None


def _words_finding(
    a: tuple[str, ...], b: tuple[str, ...], one: Comparable | None = None, other: Comparable | None = None
) -> Finding | None:
    """Same words but for articles, spacing, order or a slip of the pen; None if they differ more.

    `one` and `other` are the records, in which a second fact may confirm a slip.
    """
    joined, twin = "".join(a), "".join(b)
    if joined == twin:
        return Finding(0, "same title")
    mine, yours = _bare(a), _bare(b)
    if mine == yours:
        return Finding(1, "same title but for an article")
    if len(mine) > 1 and sorted(mine) == sorted(yours):
        return Finding(6, "same words in another order")
    if len(mine) == len(yours):
        differing = [(word, twin) for word, twin in zip(mine, yours, strict=True) if word != twin]
        if len(differing) <= 1 + len(mine) // 5 and all(titles.slip(word, twin) for word, twin in differing):
            return Finding(_slip_points(differing, set(mine) & set(yours), one, other), SLIP)
    if min(len(joined), len(twin)) >= MIN_SPELLING_LENGTH and titles.slip(joined, twin):
        return Finding(8, SLIP)
    return None


def _bare(words: Sequence[str]) -> list[str]:
    """The words without articles and "and". In front of a short title "and" joins nothing: "And Sons" is not "Sons"."""
    kept = [word for word in words if word not in titles.IGNORABLE]
    opening = words[:1] if words[0] == AND and len(kept) <= MAX_OPENED_WORDS else ()
    return [*opening, *kept] if kept else list(words)


def _behind(rest: tuple[str, ...]) -> tuple[str, ...]:
    """What follows a colon, without the "and" that joins it to the title: "And Other Stories"."""
    return rest[1:] if rest[0] == AND and len(rest) > 1 else rest


def _slip_points(
    differing: Sequence[tuple[str, str]], shared: set[str], one: Comparable | None, other: Comparable | None
) -> float:
    """A slip makes a word that no language has. Two words that exist, or two names, are two titles until a fact confirms."""
    pairs = [(SPELT.get(word, word), SPELT.get(twin, twin)) for word, twin in differing]
    english = any(is_english(word) for word in shared - _SMALL)
    if all(_is_sure_slip(word, twin, alone=not shared, english=english) for word, twin in pairs):
        return SLIP_POINTS
    if len(shared) >= MIN_LONG_TITLE_WORDS - 1:
        return SLIP_POINTS
    if one is None or other is None:
        return UNDECIDED_POINTS
    real = any(is_english(word) and is_english(twin) for word, twin in pairs)
    # A year may be that of two books.
    return SLIP_POINTS if has_same_number(one, other) or (not real and is_confirmed(one, other)) else UNDECIDED_POINTS


def _is_sure_slip(word: str, twin: str, *, alone: bool, english: bool) -> bool:
    if _american(word) == _american(twin):
        return True
    known, rare = is_english(word) + is_english(twin), may_be_english(word) + may_be_english(twin)
    long = min(len(word), len(twin)) >= MIN_SURE_WORD_LENGTH
    swapped = sorted(word) == sorted(twin)
    exchanged = len(word) == len(twin) and not swapped
    if (exchanged and (alone or len(word) < 4)) or (alone and max(len(word), len(twin)) < 5):
        return long and known == rare == 1
    if known == 0 and (swapped or _DOUBLED.sub(r"\1", word) == _DOUBLED.sub(r"\1", twin)):
        return True
    return known == 1 or (known == 0 and (english or (long and rare == 1)))


def _american(word: str) -> str:
    for british, american in _BRITISH:
        word = word.replace(british, american)
    return word


def _head_finding(one: Comparable, other: Comparable) -> Finding | None:
    """Same main title where a subtitle is missing on one side, or differs."""
    a, b = one.title, other.title
    alike = _words_finding(a.head, b.head, one, other) if a.rest or b.rest else None
    if not alike:
        return None
    if a.rest and b.rest:
        return _subtitles_finding(one, other, alike)
    longer = one if a.rest else other
    heading = "".join(longer.title.head)
    if any(name == heading and number not in ("", "1") for name, number in longer.all_series):
        return Finding(UNDECIDED_POINTS, "one title is only the name of the series", partial=True)
    for several in (longer.title.rest[-1], longer.title.head[-1]):
        if several in titles.SEVERAL:
            return Finding(UNDECIDED_POINTS, "one may be the whole {}", (several,), partial=True)
    if _describes(longer.title) or is_confirmed(one, other):
        return Finding(6, SAME_HEAD, partial=True, within=_unless_free(alike))
    return Finding(
        UNDECIDED_POINTS,
        MAY_BE_ANOTHER,
        partial=True,
        within=_unless_free(alike),
    )


def _describes(longer: Title) -> bool:
    """Return whether a subtitle describes the book, and is not the title of a volume of a series.

    Series have short names, and volumes the names of their heroes: "Dungeon Crawler Carl: Carl's Doomsday Scenario".
    One word alone describes nothing: "The Eye of the Bedlam Bride: The Return".
    """
    head, rest = ({word for word in part if word not in _SMALL} for part in (longer.head, longer.rest))
    if len(head) > MAX_SERIES_WORDS and len(rest) > 1 and not {word.removesuffix("s") for word in longer.rest} & head:
        return True
    words = _WORD.findall(longer.raw.partition(":")[2]) or longer.rest
    cues = (_DESCRIBES, _DESCRIPTION)
    return len(words) >= MIN_DESCRIPTION_WORDS or any(cue.search(longer.raw) for cue in cues)


def _subtitles_finding(one: Comparable, other: Comparable, alike: Finding) -> Finding:
    """Two subtitles under one main title: one put differently, translated, or that of another book."""
    a, b = one.title, other.title
    mine, yours = ({word for word in rest if word not in _SMALL} for rest in (a.rest, b.rest))
    only = (mine - yours, yours - mine)
    same_words = _words_finding(_behind(a.rest), _behind(b.rest), one, other)
    if mine == yours and len(mine) > 1:
        same_words = same_words or Finding(1, "same subtitle but for a little word")
    counted = any(len(word) == 1 or any(letter.isdigit() for letter in word) for word in only[0] | only[1])
    if same_words and not counted:
        within = _unless_free(alike, same_words)
        return Finding(2, "same main title, same subtitle but for its spelling", partial=True, within=within)
    within = _unless_free(alike)
    if not counted and _is_translated(one, other) and a.head[-1] not in titles.SEVERAL:
        return Finding(9, "same main title, subtitle in another language", partial=True, within=within)
    several = not {a.head[-1], b.head[-1]}.isdisjoint(titles.SEVERAL)
    telling = len(set(a.head) - _SMALL - _names(one) - _names(other)) > 2
    shared = 2 * len(mine & yours) >= min(len(mine), len(yours)) > 1 and not counted and not several
    described = all(_INDEFINITE.search(read.raw) for read in (a, b))
    revised = telling and len(mine & yours) >= MIN_REVISED_WORDS and all(map(_describes, (a, b)))
    if shared and ((telling and not all(only)) or revised or ((telling or described) and is_confirmed(one, other))):
        return Finding(9, "same main title, subtitle put differently", partial=True, within=within)
    return Finding(UNDECIDED_POINTS, "same main title, but another subtitle", partial=True, within=within)


def _unless_free(*findings: Finding) -> tuple[Finding, ...]:
    """The findings that cost something: what follows the colon rests on how the rest agrees, if not in full."""
    return tuple(finding for finding in findings if finding.points)


def _is_translated(one: Comparable, other: Comparable) -> bool:
    return bool(one.language and other.language) and one.language != other.language


def _rest_finding(one: Comparable, other: Comparable) -> Finding | None:
    """What follows the colon is the other's whole title, as when a series or an author's name stands in front."""
    if not one.title.rest:
        return None
    rest = _behind(one.title.rest)
    whole = _words_finding(rest, other.title.words, one, other)
    alike = whole or _words_finding(rest, other.title.head, one, other)
    if not alike:
        return None
    prefix = "".join(one.title.head)
    names = _names(one) | _names(other)
    known = {name for name, _ in other.all_series if name} | {name for name, _ in one.all_series if name}
    known.update(other.title.asides)
    if one.title.lead or any(prefix in name for name in known) or all(word in names for word in one.title.head):
        more = [word for word in other.title.rest if word not in _SMALL]
        if whole is None and len(more) < 2 and not is_confirmed(one, other):  # one word alone describes nothing
            return Finding(UNDECIDED_POINTS, MAY_BE_ANOTHER, partial=True, within=_unless_free(alike))
        return Finding(2, "same title after the name of a series or person", within=_unless_free(alike))
    telling = len([word for word in one.title.rest if word not in titles.IGNORABLE]) > 1
    telling = telling and (whole is not None or is_confirmed(one, other))
    cost = 12 if telling else UNDECIDED_POINTS
    return Finding(cost, "same title after another heading", partial=True, within=_unless_free(alike))


def _alternative_finding(longer: Title, other: Title) -> Finding | None:
    """A title with an alternative one behind it, and without."""
    found = _ALTERNATIVE.search(longer.raw)
    if found is None:
        return None
    mine, yours = titles.words_of(longer.raw[: found.start()]), [*other.words]
    before, whole = ([word for word in words if word not in titles.IGNORABLE] or words for words in (mine, yours))
    return Finding(6, SAME_HEAD, partial=True) if before == whole else None


def _extra_finding(one: Comparable, other: Comparable) -> Finding | None:
    """One title has all the words of the other and more."""
    (less, _), (more, longer) = sorted(
        ((_bare(record.title.words), record) for record in (one, other)),
        key=lambda found: len(found[0]),
    )
    if not less or len(less) == len(more) or not set(less) <= set(more):
        return None
    extra = list((Counter(more) - Counter(less)).elements())
    if len(extra) == 1 and more[0] == extra[0] and titles.slip("the", extra[0]):
        return Finding(9, "same title but for a slip of the pen in the article")
    names = _names(one) | _names(other)
    if names.intersection(extra) and names.union(("of", "by")).issuperset(extra):
        return Finding(4, "same title but for the author's name in it")
    if more[len(extra) :] == less and len(extra) > 1 and _is_possessive(longer.title, extra):
        return Finding(6, "same title after the name of a person in the possessive", partial=True)
    if len(extra) == 1 and not extra[0].isdigit():
        return Finding(UNDECIDED_POINTS, "one title has a word more: {}", (extra[0],), partial=True)
    return Finding(55, "one title has words more: {}", (" ".join(extra),), partial=True)


def _is_possessive(longer: Title, extra: Iterable[str]) -> bool:
    """Return whether a title begins with a full name in the possessive: "Robert Ludlum's The Bourne Legacy"."""
    found = _POSSESSIVE.match(longer.raw)
    return bool(found) and titles.words_of(found[0]) == list(extra) if found else False


def _names(record: Comparable) -> set[str]:
    """The words of the authors' names, also as possessives."""
    tokens = {token for one in people(record.authors) for token in one.tokens}
    return tokens | {f"{token}s" for token in tokens}
