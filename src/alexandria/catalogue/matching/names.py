"""Reads names of people as printed: inverted or natural, with suffixes, degrees, roles and dates of life."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from alexandria.catalogue.keys import bounded
from alexandria.catalogue.matching.folding import CACHE_SIZE, MAX_TEXT_LENGTH, fold, repaired

# In lower case, without dots. Compared with the lists of nameparser 2.6, which hold 640 degrees: those that authors bear,
# without those that are also family or given names (Ma, Do, Caro, Ed, V).
GENERATIONS = frozenset({"jr", "jnr", "junior", "sr", "snr", "ii", "iii", "iv", "2nd", "3rd", "4th"})
DEGREES = frozenset({
    "phd", "dphil", "edd", "psyd", "thd", "dmin", "mdiv", "dsc", "drph", "pharmd", "jd", "llm", "llb", "md", "mbbs", "dds",
    "dmd", "dvm", "rn", "rdn", "rd", "aprn", "lcsw", "lmft", "lpc", "mph", "mpa", "mba", "mfa", "msw", "msc", "bsc",
    "mphil", "cpa", "cfa", "frs", "qc", "obe", "mbe", "cbe", "kbe", "dbe", "esq", "esquire", "facs", "facp", "faap", "facog",
    "usaf", "usmc", "usn", "ret",
})  # fmt: skip
MAX_NAMES_LENGTH = 1000  # characters of a text with one or more names
MAX_PEOPLE = 100  # persons of one record that are compared
MAX_RECORD_LENGTH = 16_384  # characters of all its names: one sign of Arabic is folded to eighteen letters
SUFFIXES = GENERATIONS | DEGREES
DEGREES_OR_NAMES = frozenset({"ma", "ba", "bs", "ms", "np", "pa", "pe"})  # degrees only after a comma and a full name
ROLES = ("author", "editor", "illustrator", "translator", "foreword", "introduction", "narrator")
PLACEHOLDERS = frozenset({
    "", "unknown", "n/a", "na", "none", "null", "tbd", "tba", "various", "various authors", "author unknown",
})  # fmt: skip
ANONYMOUS_NAMES = frozenset(
    {
        "anonymous",
        "anonym",
        "anonyme",
        "anonimo",
        "anonima",
        "anonymus",
        "anon",
        "anoniem",
        "аноним",
        "مجهول",
        "佚名",
    }
)
LIFE = r"(?:b\.|d\.|fl\.|ca?\.|born|died)?\s*\d{3,4}\??\s*(?:[-–]\s*(?:\d{3,4}\??)?)?"
# Short forms that do not begin as the full name does.
FULL_NAMES = {
    "bill": "william", "will": "william", "billy": "william", "bob": "robert", "bobby": "robert", "rob": "robert",
    "jim": "james", "jimmy": "james", "jack": "john", "tom": "thomas", "mike": "michael", "mick": "michael",
    "dick": "richard", "rick": "richard", "ted": "edward", "liz": "elizabeth", "beth": "elizabeth", "betty": "elizabeth",
    "peggy": "margaret", "kate": "katherine", "kathy": "katherine", "catherine": "katherine", "tony": "anthony",
    "chuck": "charles", "charlie": "charles", "harry": "henry", "hank": "henry", "larry": "lawrence",
    "jerry": "gerald", "joe": "joseph", "steve": "stephen", "steven": "stephen", "dave": "david", "andy": "andrew",
}  # fmt: skip
_PARTICLES = frozenset({"van", "von", "de", "di", "da", "du", "del", "des", "le", "la", "al", "el", "ter", "ten", "st"})
_DATES = re.compile(rf"(?:,\s*|(?<!\s)\s+)?\(?\b{LIFE}\)?")
_ASIDE = re.compile(r"\([^)]*\)?|\[[^\]]*\]?|~\w+~")
# A pen name or the name behind it: "Stephen King (as Richard Bachman)".
_ALIAS = re.compile(
    r"[(\[](?:writing )?(?:as|pseudonym of|pseud\. of|pen name of|a\.?k\.?a\.?|alias) ([^()\[\]]+)[)\]]?"
)
_BY = re.compile(r"^(?:by|from|edited by|written by|and|with)\s+")
_LIST = re.compile(r"(?:(?<!\s)\s+)?[;|/]\s*|(?<!\s)\s+(?:&|and|with|et|und|y)\s+")
_TOKEN = re.compile(r"\w+")
_PLAIN_NAME = re.compile(r"(?:[a-z]+\.? ){0,4}[a-z]+")
# Words of a text that is more, or less, than the name of one person.
_TELLING = frozenset(
    {word for phrase in (*PLACEHOLDERS, *ANONYMOUS_NAMES) for word in phrase.split()}
    | SUFFIXES | {*ROLES, "by", "from", "edited", "written", "and", "with", "et", "und", "y", "the", "ph"}
)  # fmt: skip
_PHD = re.compile(r"\bph\.?\s+d\b")
# As printed, in any case and not folded.
_ROLE_PRINTED = re.compile(rf" ?\((?:{'|'.join(ROLES)}|ed\.|eds\.)(?!\w)[^)]{{0,100}}\)", re.IGNORECASE)
_LIFE_PRINTED = re.compile(rf"(?:(?<!\s)\s+)?[,(]\s*{LIFE}\s*\)?\.?$")
_FULL_STOP = re.compile(r"(?<=[a-zà-ÿ]{3})\.$")


@dataclass(frozen=True, slots=True)
class Person:
    """A name in natural order: `family` its last word, `given` the words before it, `initials` of those."""

    family: str
    given: tuple[str, ...]

    @property
    def tokens(self) -> tuple[str, ...]:
        return (*self.given, self.family)

    @property
    def is_latin(self) -> bool:
        return max(self.family[0], *(word[0] for word in self.given), "") <= "\u036f"

    @property
    def key(self) -> str:
        """Family name and first initial, as most spellings of a name have them."""
        first = FULL_NAMES.get(self.given[0], self.given[0]) if self.given else ""
        return f"{self.family} {first[:1]}".rstrip()

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.given)


@lru_cache(CACHE_SIZE)
def people(names: tuple[str, ...]) -> tuple[Person, ...]:
    """Return the persons in `names`, each possibly several, inverted or split; ambiguous commas are read both ways."""
    found: dict[Person, None] = {}
    left = MAX_RECORD_LENGTH
    for name in names[:MAX_PEOPLE]:
        folded = fold(repaired(name[:MAX_NAMES_LENGTH]))[:MAX_NAMES_LENGTH].rstrip()
        for person in _read(folded):
            found.setdefault(person)
        left -= len(folded)
        if left < 0:
            break
    if len(names) == 2 and all(not person.given for person in found) and len(found) == 2:
        (one, other) = found  # ["Smith", "Frank"]: one person over two entries
        found.setdefault(Person(one.family, (other.family,)))
        found.setdefault(Person(other.family, (one.family,)))
    return tuple(found)[:MAX_PEOPLE]


def is_anonymous(names: tuple[str, ...]) -> bool:
    """Return whether the author is stated to be unknown, which is more than a name that is missing."""
    return any(fold(name).strip(" .,") in ANONYMOUS_NAMES for name in names[:MAX_PEOPLE])


def plain(printed: str) -> str:
    """Return one person's name as printed, without role and dates of life; "" if it holds no name."""
    tidy = " ".join(printed[:MAX_TEXT_LENGTH].replace("~autofilled~", "").split())
    bare = _LIFE_PRINTED.sub("", _ROLE_PRINTED.sub("", tidy)).strip(" ,")
    bare = _FULL_STOP.sub("", bare)
    is_name = any(letter.isalpha() for letter in bare) and not bare.upper().startswith("ISBN:")
    return bare if is_name else ""


def name_key(name: str) -> str:
    """Return the catalogue's key of a person: equal for the usual spellings of one name; never empty."""
    first = next(iter(people((name,))), None)
    return bounded(" ".join(first.tokens) if first else fold(name).strip() or "unknown")


def natural(name: str) -> str:
    """Return a name in natural order: "Dan Brown" for "Brown, Dan"; anything less clear stays as printed."""
    family, comma, given = (part.strip() for part in name.partition(","))
    clear = comma and given and "," not in given and " " not in family and not is_suffix(given)
    return f"{given} {family}" if clear else name.strip()


def without_suffixes(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the words of a name in natural order, and the suffixes and degrees behind it; the name is never empty."""
    name = list(words)
    suffixes: list[str] = []
    while len(name) > 1 and is_suffix(name[-1]):
        suffixes.insert(0, name.pop())
    return name, suffixes


def is_suffix(word: str) -> bool:
    """Return whether a word is a generation or degree, dotted or not, in any case."""
    return re.sub(r"[.\s]", "", word).lower() in SUFFIXES


@lru_cache(CACHE_SIZE)
def _read(folded: str) -> tuple[Person, ...]:
    """The persons that a folded text names, quickly for the many names that are plain."""
    if tokens := _plain_tokens(folded):
        return (Person(tokens[-1], tuple(tokens[:-1])),)
    return _read_in_full(folded)


def plain_tokens(printed: str) -> list[str]:
    """Return the words of a name that is nothing but given names and a family name, in ASCII; [] for any other."""
    return _plain_tokens(" ".join(printed.lower().split())) if printed.isascii() else []


def _plain_tokens(folded: str) -> list[str]:
    if len(folded) <= MAX_NAMES_LENGTH and _PLAIN_NAME.fullmatch(folded):
        tokens = folded.replace(".", "").split(" ")
        return tokens if _TELLING.isdisjoint(tokens) else []
    return []


def _read_in_full(folded: str) -> tuple[Person, ...]:
    folded = _ALIAS.sub(r"; \1", folded)
    if not folded.replace(".", "").replace("'", "").replace("-", "").replace(" ", "").isalpha():
        folded = _DATES.sub("", _ASIDE.sub("", folded))
    if _BY.match(folded):
        folded = _BY.sub("", folded)
    if folded.strip(" .,") in PLACEHOLDERS | ANONYMOUS_NAMES:
        return ()
    found = []
    for part in _LIST.split(_PHD.sub("phd", folded)):
        found += _commas(_pieces(part))
    return tuple(person for person in (_person(words) for words in found) if person)


def _pieces(part: str) -> list[str]:
    """What commas separate, without suffixes and roles; never empty if the text is not."""
    pieces = [piece for piece in (piece.strip(" .") for piece in part.split(",")) if piece]
    bare = [_without_role(piece) for piece in pieces]
    kept = [piece for piece in bare if not (is_suffix(piece) or piece in ROLES)]
    if len(kept) > 1 and " " in kept[0]:
        kept[1:] = [piece for piece in kept[1:] if piece.replace(".", "") not in DEGREES_OR_NAMES]
    return kept or bare[:1]


def _without_role(piece: str) -> str:
    """A piece without what stands behind the name: suffixes, degrees and a role."""
    words = piece.split()
    while len(words) > 1 and (words[-1] in ROLES or is_suffix(words[-1])):
        words.pop()
    return " ".join(words)


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
    return Person(tokens[-1], tuple(tokens[:-1])) if tokens else None
