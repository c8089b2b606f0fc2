"""Searches editions, best first: an inverted index over titles and authors that allows one typo per word."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alexandria.sandbox.corpus import Corpus, Edition, words

STOP_WORDS = frozenset(("the", "a", "an", "of", "and", "in", "to", "for", "on", "with", "by", "at", "from", "novel"))
MIN_WEIGHT_SHARE = 0.3  # of a query's weight must be matched by a hit
MIN_TYPO_WORD_LENGTH = 4  # letters of a word in which a typo is forgiven
RERANK_SIZE = 80  # hits whose order is ranked in detail


@dataclass(frozen=True, slots=True)
class Query:
    """Words asked for in the title, in the authors, and anywhere. `every`: a hit must have them all, spelt so;
    `shorter`: where none has, one whose title is the beginning of the one asked for will do, as subtitles come and go.
    """

    title: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    anywhere: tuple[str, ...] = ()
    every: bool = False
    shorter: bool = False

    @classmethod
    def of(
        cls, *, title: str = "", author: str = "", anywhere: str = "", every: bool = False, shorter: bool = False
    ) -> Query:
        return cls(_telling(title), _telling(author), _telling(anywhere), every or shorter, shorter)

    def __bool__(self) -> bool:
        return bool(self.title or self.author or self.anywhere)

    def finds(self, edition: Edition) -> bool:
        """Whether `edition` has every word of the query."""
        titled, written = title_words(edition), author_words(edition)
        return (
            titled.issuperset(self.title)
            and written.issuperset(self.author)
            and (titled | written).issuperset(self.anywhere)
        )


def title_words(edition: Edition) -> set[str]:
    return set(words(f"{edition.title} {edition.subtitle} {edition.series}"))


def author_words(edition: Edition) -> set[str]:
    return set(words(" ".join(edition.authors)))


def _telling(text: str) -> tuple[str, ...]:
    """Return the words worth searching for; stop words only where there is nothing else."""
    found = tuple(dict.fromkeys(words(text)))
    return tuple(word for word in found if word not in STOP_WORDS) or found


class Index:
    """The search over one corpus."""

    def __init__(self, corpus: Corpus) -> None:
        self._editions = corpus.editions
        self._titles: dict[str, list[int]] = defaultdict(list)
        self._authors: dict[str, list[int]] = defaultdict(list)
        self._other_titles: dict[tuple[str, ...], list[int]] = defaultdict(list)
        self._whole_titles: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for number, edition in enumerate(corpus.editions):
            for word in title_words(edition):
                self._titles[word].append(number)
            for word in author_words(edition):
                self._authors[word].append(number)
            self._whole_titles[_telling(edition.title)].append(number)
            for title in edition.other_titles:
                self._other_titles[_telling(title)].append(number)
        self._by_stem: dict[str, list[str]] = defaultdict(list)  # words by what is left when a letter is lost
        for word in {*self._titles, *self._authors}:
            for stem in _stems(word) if len(word) >= MIN_TYPO_WORD_LENGTH else ():
                self._by_stem[stem].append(word)

    def search(self, query: Query, limit: int) -> list[Edition]:
        """At most `limit` editions, best first; equal input gives equal output."""
        found = self._all(query) if query.every else self._some(query)
        best = heapq.nlargest(max(limit, RERANK_SIZE), found.items(), key=lambda hit: (hit[1], -hit[0]))
        asked = set(query.title) | set(query.anywhere)
        ranked = [(-score - self._fit(number, asked), number) for number, score in best]
        return [self._editions[number] for _, number in sorted(ranked)[:limit]]

    def known_as(self, query: Query) -> list[Edition]:
        """Editions of works that are known by the title asked for, though no edition of them has it, and by the author."""
        found = [self._editions[number] for number in self._other_titles.get(query.title, ())]
        return [edition for edition in found if author_words(edition).issuperset(query.author)]

    def _fit(self, number: int, asked: set[str]) -> float:
        """Up to about 1: how much of the title was asked for, and a nudge for the well known."""
        edition = self._editions[number]
        titled = set(words(edition.title)) - STOP_WORDS
        covered = len(titled & asked) / len(titled) if titled else 0.0
        return 0.6 * covered + 0.05 * math.log10(1 + edition.notability)

    def _all(self, query: Query) -> dict[int, float]:
        """Editions with every word. The score is the same for all: the fit decides."""
        titled = [set(self._titles.get(word, ())) for word in query.title]
        others = [set(self._authors.get(word, ())) for word in query.author]
        others += [{*self._titles.get(word, ()), *self._authors.get(word, ())} for word in query.anywhere]
        found = _shared(titled + others)
        if query.shorter and not found and len(titled) > 1:
            found = _shared([self._begun(query), *others])
        return dict.fromkeys(found, 1.0)

    def _begun(self, query: Query) -> set[int]:
        """Editions with the longest title that is a beginning of the one asked for; one word needs an author beside it."""
        shortest = 1 if query.author else 2
        beginnings = (query.title[:length] for length in range(len(query.title) - 1, shortest - 1, -1))
        return set(next((numbers for title in beginnings if (numbers := self._whole_titles.get(title))), ()))

    def _some(self, query: Query) -> dict[int, float]:
        """Editions with enough of the words, scored by the share of the query's weight that they have."""
        scores: dict[int, float] = defaultdict(float)
        total = 0.0
        for word, fields in self._terms(query):
            weight, matched = self._postings(word, fields)
            total += weight
            for number, nearness in matched.items():
                scores[number] += weight * nearness
        return {number: score / total for number, score in scores.items() if score >= MIN_WEIGHT_SHARE * total}

    def _terms(self, query: Query) -> Iterable[tuple[str, Sequence[dict[str, list[int]]]]]:
        for word in query.title:
            yield word, (self._titles,)
        for word in query.author:
            yield word, (self._authors,)
        for word in query.anywhere:
            yield word, (self._titles, self._authors)

    def _postings(self, word: str, fields: Sequence[dict[str, list[int]]]) -> tuple[float, dict[int, float]]:
        """The weight of a word (rare ones weigh more) and the editions that have it, or nearly have it."""
        matched: dict[int, float] = {}
        spellings = [(word, 1.0)]
        if not any(word in field for field in fields):
            spellings = [(near, 0.75) for near in self._nearby(word)]
        for spelling, nearness in spellings:
            for field in fields:
                matched.update(dict.fromkeys(field.get(spelling, ()), nearness))
        return math.log(1 + len(self._editions) / (1 + len(matched))), matched

    def _nearby(self, word: str) -> set[str]:
        """Known words that differ by one letter more, less, other, or by two neighbours swapped."""
        if len(word) < MIN_TYPO_WORD_LENGTH:
            return set()
        return {near for stem in _stems(word) for near in self._by_stem.get(stem, ()) if _close(word, near)}


def _shared(postings: list[set[int]]) -> set[int]:
    """What all have; nothing of nothing."""
    return set.intersection(*sorted(postings, key=len)) if postings else set()


def _stems(word: str) -> set[str]:
    return {word} | {word[:at] + word[at + 1 :] for at in range(len(word))}


def _close(one: str, other: str) -> bool:
    """Words that share a stem are at most two edits apart; two of equal length may be a swap or one replacement."""
    if len(one) != len(other):
        return True
    differing = [at for at, (here, there) in enumerate(zip(one, other, strict=True)) if here != there]
    return len(differing) <= 1 or (
        len(differing) == 2 and one[differing[0]] == other[differing[1]] and one[differing[1]] == other[differing[0]]
    )
