"""Decides whether a worker begins another month: while its look-ups would end before a further list of books is there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

AHEAD_SECONDS = (
    30.0  # of look-ups that a worker keeps waiting: twice the time in which a model usually names a month's books
)
EXPECTED_BOOKS = 36  # of a month that two models name, of which a model's own list is not there yet


@dataclass(eq=False, slots=True)
class Lookahead:
    """`backlog` returns the seconds that the look-ups need which wait now, and a further month adds `month_seconds`."""

    backlog: Callable[[], float] = field(default=lambda: 0.0)
    month_seconds: float = 0.0
    _looked_up: int = 0

    @contextlib.contextmanager
    def looking_up(self) -> Iterator[None]:
        """Inside, the look-ups of a month are in the backlog, as its books are named."""
        self._looked_up += 1
        try:
            yield
        finally:
            self._looked_up -= 1

    def has_room(self, running: int) -> bool:
        """Return whether another month is worth beginning beside so many."""
        expected = max(running - self._looked_up, 0) * self.month_seconds
        return not running or self.backlog() + expected < AHEAD_SECONDS
