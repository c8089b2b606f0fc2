"""Searches, filters and sorts the works of the catalogue, a page at a time, by keys instead of counting rows."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from string import ascii_lowercase, digits
from typing import Any

from alexandria.catalogue.detail import work_of_isbn
from alexandria.catalogue.matching.blocking import blocks
from alexandria.catalogue.models import Isbn13
from alexandria.core.month import Month, OtherMonths
from alexandria.database.pool import Connection, Row
from alexandria.database.sql import load

SQL = load(__name__)
MAX_MATCHES = 1000  # of a search
MAX_FREQUENT_MATCHES = 300  # of a search that more than MAX_MATCHES works may match; each match is compared with it
MAX_WORKS_PER_KEY = 2000  # works read of those that share one key
MAX_MONTHS_SHOWN = 12  # of a work in the list
MAX_SEARCH_WORDS = 12
MAX_RARE_SHARE = 0.01  # of works that have a word, or one that begins so, for which the index is read first
MAX_RARE_FACTOR = (
    5  # of the rarest word's share: to test a work takes as long as to read about six of a word in the index
)
MIN_SIMILARITY = 0.3  # of title and author with a search whose words they do not have
_WORD = re.compile(r"\w+")
_MIN_PREFIX_LENGTH = 4  # letters of a word that may be the start of one: fewer are too many words
_INITIALS = (*ascii_lowercase, *digits)


class EvidenceStatus(StrEnum):
    """What the best decision about a work is."""

    RESOLVED = "resolved"
    DOUBTFUL = "doubtful"
    REFUSED = "refused"
    NOT_FOUND = "not_found"
    NOT_CHECKED = "not_checked"
    NOT_NAMED = "not_named"


UNRESOLVED = tuple(s for s in EvidenceStatus if s not in {EvidenceStatus.RESOLVED, EvidenceStatus.NOT_NAMED})


class Sort(StrEnum):
    """An order of works. MATCH is that of a search: the most alike first."""

    MATCH = "match"
    NEWEST = "newest"
    TITLE = "title"
    AUTHOR = "author"
    SCORE = "score"


@dataclass(frozen=True, slots=True)
class Position:
    """A work's place in an order: what it sorts by, and its id."""

    key: str
    work_id: int


@dataclass(frozen=True, slots=True)
class WorkFilter:
    """Which works are wanted; None is any. `text` is a title, an author, both, or an ISBN."""

    text: str = ""
    month: Month | None = None
    statuses: tuple[EvidenceStatus, ...] | None = None
    source: str | None = None
    min_score: float | None = None
    max_score: float | None = None
    in_month: str | None = None
    language: str | None = None
    needs_review: bool = False
    other_months: OtherMonths = "keep"

    @property
    def is_impossible(self) -> bool:
        """Whether no work can match: only a resolved one has a source, a score and a month.

        PostgreSQL, which takes filters for independent, would read the whole list in its order.
        """
        bounds = [bound for bound in (self.min_score, self.max_score) if bound is not None]
        dated = self.in_month in {"confirmed", "contradicted"}
        return (
            self.statuses == ()
            or (self.is_unresolved and (dated or bool(self.source) or bool(bounds)))
            or bounds != sorted(bounds)
        )

    @property
    def is_unresolved(self) -> bool:
        """Whether no resolved work matches."""
        return self.statuses is not None and EvidenceStatus.RESOLVED not in self.statuses

    def values(self, among: list[int] | None) -> dict[str, Any]:
        return {
            "language": self.language,
            "source": self.source,
            "statuses": None if self.statuses is None else list(self.statuses),
            "in_month": self.in_month,
            "min_score": self.min_score,
            "max_score": self.max_score,
            "needs_review": self.needs_review,
            "among": among,
        }


@dataclass(frozen=True, slots=True)
class WorkPage:
    """Some works, the position of the last one if more follow, and whether the search had more matches than are ranked."""

    rows: list[Row]
    last: Position | None
    cut: bool


async def page(connection: Connection, wanted: WorkFilter, sort: Sort, after: Position | None, limit: int) -> WorkPage:
    """The next `limit` works after a position. Without a text, MATCH is NEWEST; SCORE has the resolved works alone."""
    if wanted.is_impossible or (sort is Sort.SCORE and wanted.is_unresolved):
        return WorkPage([], None, cut=False)
    among = await _of_month(connection, wanted.month, wanted.other_months) if wanted.month else None
    await connection.execute(SQL["plan_each"])
    values = wanted.values(among)
    found: list[int] | None = None
    cut = False
    if wanted.text:
        found, cut = await _matching(connection, wanted.text, values)
        if sort is not Sort.MATCH:
            values["among"] = found
    order = Sort.NEWEST if found is None and sort is Sort.MATCH else sort
    values |= {
        "found": found,
        "after_id": after.work_id if after else None,
        "after_key": after.key if after else None,
        "limit": limit + 1,
    }
    ids = await (await connection.execute(SQL[f"by_{order}"], values)).fetchall()
    await connection.execute(SQL["plan_seldom"])
    shown = {"ids": [row["work_id"] for row in ids[:limit]], "months": MAX_MONTHS_SHOWN}
    rows = await (await connection.execute(SQL["shown"], shown)).fetchall()
    last = Position(ids[limit - 1]["key"], ids[limit - 1]["work_id"]) if len(ids) > limit else None
    return WorkPage(rows, last, cut)


async def _of_month(connection: Connection, month: Month, other_months: OtherMonths) -> list[int]:
    values = {"year": month.year, "month": month.month, "other_months": other_months}
    if other_months == "keep":
        found = await connection.execute(SQL["of_month"], values)
    else:
        found = await connection.execute(SQL["counted_for_month"], values)
    rows = await found.fetchall()
    return [row["work_id"] for row in rows]


async def _matching(connection: Connection, text: str, values: Mapping[str, Any]) -> tuple[list[int], bool]:
    """The works that a text may mean, the most alike first, and whether there may be more."""
    isbn13 = Isbn13.read(text)
    if isbn13 is not None:
        work_id = await work_of_isbn(connection, isbn13)
        return [] if work_id is None else [work_id], False
    first, then, expected = await _by_rarity(connection, _words(text))
    sought = {"text": text, "words": _query(first), "frequent": _query(then), "keys": search_keys(text)}
    limit = MAX_FREQUENT_MATCHES if expected > MAX_MATCHES else MAX_MATCHES
    bounds = {"limit": limit, "most": MAX_WORKS_PER_KEY, "alike": MIN_SIMILARITY}
    rows = await (await connection.execute(SQL["matching"], {**values, **sought, **bounds})).fetchall()
    return [row["id"] for row in rows], len(rows) >= limit


async def _by_rarity(connection: Connection, words: list[str]) -> tuple[list[str], list[str], float]:
    """The words by which works are found, the words that these works are then tested for, and how many works may have all.

    Works are found by their rare words; if all are frequent, by the rarest and those about as rare. The number is an
    estimate, as if words were independent; it is 0 if a word is so rare that PostgreSQL has no statistics of it.
    """
    if not words:
        return [], [], 0.0
    rows = await (await connection.execute(SQL["rarity"], {"words": list(dict.fromkeys(words))})).fetchall()
    rare = max(MAX_RARE_SHARE, MAX_RARE_FACTOR * min(row["share"] for row in rows))
    first = [row["word"] for row in rows if row["share"] <= rare]
    expected = rows[0]["works"] * math.prod(row["share"] for row in rows)
    return first, [word for word in words if word not in first], expected


def _words(text: str) -> list[str]:
    return _WORD.findall(text.replace("'", "").replace("’", "").replace("_", " "))[:MAX_SEARCH_WORDS]


def _query(words: list[str]) -> str:
    """The query for works with all these words, of which the longer may go on; "" without any word."""
    return " & ".join(f"'{word}'{':*' if len(word) >= _MIN_PREFIX_LENGTH else ''}" for word in words)


def search_keys(text: str) -> list[str]:
    """The blocking keys of the works that a text may mean: all of it is the title, or one or two words of it the author.

    They find a work although words, letters, accents or the script differ.
    """
    words = text.split()[:MAX_SEARCH_WORDS]
    titles = blocks(" ".join(words), ())
    keys = {f"{key}{initial}" for key in titles if key.startswith("= ") for initial in _INITIALS}
    for start, end in (
        *((at, at + 1) for at in range(len(words))),
        *((a, b + 1) for a, b in pairwise(range(len(words)))),
    ):
        if rest := words[:start] + words[end:]:
            keys.update(blocks(" ".join(rest), (" ".join(words[start:end]),)))
    return sorted(keys)
