"""A clock that a test moves."""

from dataclasses import dataclass


@dataclass
class Clock:
    """Returns `now`, in seconds, however often it is called."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now
