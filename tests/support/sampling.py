"""Which of many near-equal cases a run tries: the same part of them each time, and with EVERY_KIND=1 all of them."""

import os

EVERY = bool(os.environ.get("EVERY_KIND"))


def tried(cases, share, turn=0):
    """One case of `share`; so many turns, one after the other, have every case between them."""
    return list(cases) if EVERY else list(cases)[turn % share :: share]
