"""How far apart the requests to a provider are, so that they keep to its rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

WINDOW_MARGIN = 0.015  # seconds that a window is longer than promised, as requests travel at different speeds
GAP_SHARE = 0.9  # of the even distance between two sends that is kept


@dataclass(frozen=True, slots=True)
class Spacing:
    """At most `sends` requests in any `win` seconds, and at least `gap` seconds between two of them."""

    sends: int
    win: float
    gap: float


def spacing(rate: float) -> Spacing:
    """The spacing for `rate` requests a second, in the shortest window of at least a second that holds whole requests."""
    sends = math.ceil(rate - 1e-9)
    win = sends / rate + WINDOW_MARGIN
    return Spacing(sends, win, GAP_SHARE * win / sends)
