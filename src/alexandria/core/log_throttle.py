"""Counts repeated log lines and drops most of them, so that a flood of one line fills no disk."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

REPEAT_INTERVAL = 60.0  # seconds
MAX_REPEATS = 10  # of one line within the interval
MAX_KNOWN_LINES = 512


class LogThrottle:
    """Passes each line a few times within an interval. The next time that it passes, it has the number of those dropped."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lines: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()  # since when, and how many

    def clear(self) -> None:
        """Forget all lines."""
        self._lines.clear()

    def count(self, line: Hashable) -> int | None:
        """None to drop this line; else how many were dropped since it passed last."""
        now = self._clock()
        since, number = self._lines.pop(line, (now, 0))
        dropped = 0
        if now - since >= REPEAT_INTERVAL:
            dropped = max(number - MAX_REPEATS, 0)
            since, number = now, 0
        self._lines[line] = (since, number + 1)
        if len(self._lines) > MAX_KNOWN_LINES:
            self._lines.popitem(last=False)
        return None if number >= MAX_REPEATS else dropped
