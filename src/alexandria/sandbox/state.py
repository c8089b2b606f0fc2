"""Holds what all providers of one sandbox share: the books, the seed, the clock, and what was named."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from alexandria.sandbox.chance import chance
from alexandria.sandbox.clock import Clock
from alexandria.sandbox.corpus import Corpus, Edition
from alexandria.sandbox.distractors import Relatives, work_id
from alexandria.sandbox.fault_rules import Faults
from alexandria.sandbox.ground_truth import Truth
from alexandria.sandbox.request_log import Arrivals
from alexandria.sandbox.search import Index, Query
from alexandria.sandbox.settings import SandboxSettings


@lru_cache(maxsize=2)
def _books(path: Path) -> tuple[Corpus, Index]:
    """Read once a process: neither ever changes, and several sandboxes may share them."""
    corpus = Corpus.load(path)
    return corpus, Index(corpus)


@dataclass(frozen=True, slots=True)
class SandboxState:
    """Frozen but for its registers: `truth`, `arrivals` and `faults`."""

    settings: SandboxSettings
    clock: Clock
    corpus: Corpus
    index: Index
    relatives: Relatives
    truth: Truth
    arrivals: Arrivals
    faults: Faults

    @classmethod
    def of(cls, settings: SandboxSettings, clock: Clock) -> SandboxState:
        corpus, index = _books(settings.books)
        relatives = Relatives(corpus, settings.seed)
        truth = Truth(corpus, relatives)
        faults = Faults(settings.faults, settings.seed, clock)
        return cls(settings, clock, corpus, index, relatives, truth, Arrivals(clock), faults)

    def draw(self, *parts: object) -> Random:
        """A source of chance that depends on the seed and on `parts` alone, never on what was asked before."""
        return chance(self.settings.seed, *parts)

    def edition(self, isbn13: str) -> Edition | None:
        """An edition of the file, or a relative made from it."""
        return self.corpus.edition(isbn13) or self.relatives.edition(isbn13)

    def holds(self, source: str, what: str) -> bool:
        """Whether `source` knows `what`, a book by the name that this source's coverage goes by."""
        return self.draw(source, "holds", what).random() >= 1 - self.settings.known(source)

    def work_id(self, edition: Edition) -> str:
        """The work that `edition` is of: a look-alike is one of its own."""
        return work_id(edition, self.corpus.works[edition.work])

    def hits(self, query: Query, limit: int, rng: Random) -> list[Edition]:
        """What a search shows, best first, look-alikes included; somewhat more than `limit` at most."""
        if not query:
            return []
        found = self.index.search(query, limit)
        return self.relatives.shelve(found, query, self.settings.look_alikes, rng)
