"""A PostgreSQL that is managed outside of Alexandria."""

from dataclasses import dataclass


@dataclass
class Steady:
    """A server at `url` that is always there."""

    url: str

    def ensure(self) -> None:
        return
