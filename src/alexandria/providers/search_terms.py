"""The words that a source is searched for: plain ones only, as search engines read other characters as commands."""

from __future__ import annotations

import re

from rapidfuzz import fuzz

from alexandria.catalogue.matching.names import without_suffixes
from alexandria.catalogue.models import Candidate

MAX_LENGTH = 1000  # characters of a title or name that are searched for
MIN_TITLE_SCORE = 70  # of 100: titles that may be one, misspelt
WORD = re.compile(r"\w+(?:['’.-]\w+)*")
IN_BRACKETS = re.compile(r"\s?[(\[][^)\]]{0,300}[)\]]")
BETWEEN_PEOPLE = re.compile(r"[,;&]|\band\b|\bwith\b", re.IGNORECASE)


def words(text: str) -> str:
    """The words of `text` in lower case: no operator, quote or bracket is left."""
    return " ".join(WORD.findall(text.lower()))


def title(candidate: Candidate) -> str:
    """The title's words without series and edition in brackets, which sources seldom print alike."""
    return words(IN_BRACKETS.sub("", candidate.title[:MAX_LENGTH])) or words(candidate.title)


def main_title(candidate: Candidate) -> str:
    """The title's words before the subtitle."""
    bare = IN_BRACKETS.sub("", candidate.title[:MAX_LENGTH])
    return words(re.split(r":\s|\s[-–—]\s|;\s", bare, maxsplit=1)[0]) or title(candidate)


def resembles(found: str, candidate: Candidate) -> bool:
    """Whether a record with this title is worth a further question."""
    asked, title = main_title(candidate), words(found)
    return title.startswith(asked) or fuzz.ratio(asked, title) >= MIN_TITLE_SCORE


def author(candidate: Candidate) -> str:
    """The words of the first author's name, or of the family name if it comes first and alone."""
    return words(BETWEEN_PEOPLE.split(candidate.author[:MAX_LENGTH], maxsplit=1)[0]) or words(candidate.author)


def family_name(candidate: Candidate) -> str:
    """One word that every spelling of the first author's name shares."""
    name, _ = without_suffixes(author(candidate).split())
    return name[-1] if name else ""


def cut(text: str, longest: int) -> str:
    """`text` cut to at most `longest` characters, between two words where it can be."""
    if len(text) <= longest:
        return text
    return text[: longest + 1].rpartition(" ")[0] or text[:longest]
