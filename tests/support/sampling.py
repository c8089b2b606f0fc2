"""Which of many near-equal cases a run tries: the same part of them each time, and with EVERY_KIND=1 all of them."""

import os

EVERY = bool(os.environ.get("EVERY_KIND"))
# With new random choices, as in `make chaos`, the long form is meant too.
FULL = EVERY or os.environ.get("HYPOTHESIS_PROFILE") == "random"
SHORT_FORM = 3  # so many times fewer examples than in full


def tried(cases, share, turn=0):
    """One case of `share`; so many turns, one after the other, have every case between them."""
    return list(cases) if EVERY else list(cases)[turn % share :: share]


def examples(number):
    """How many examples Hypothesis tries: so many with EVERY_KIND=1 or HYPOTHESIS_PROFILE=random, else a third of them."""
    return number if FULL else number // SHORT_FORM
