"""The colours and the glyph of each month state, and the words of a score, for the page and the terminal.

The fills differ for every kind of colour blindness, and the glyph carries the same without colour.
"""

from __future__ import annotations

from dataclasses import dataclass

from alexandria.backfill.status import Status

BLOCKED = "blocked"  # derived: a month in retry that waits, and has not failed
FIRST_PROBABILITY_VERSION = 2  # of scores; before, they were points of 100


@dataclass(frozen=True, slots=True)
class StatusStyle:
    """Colours are #rrggbb; `border` where the fill alone is invisible, `hatched` where it needs a second sign.

    `dark` is (fill, ink, border) on a dark background, where the others would dazzle.
    """

    fill: str
    ink: str
    glyph: str
    border: str = ""
    hatched: bool = False
    dark: tuple[str, str, str] | None = None


STYLES: dict[str, StatusStyle] = {
    Status.COMPLETED: StatusStyle("#14508f", "#ffffff", "✓"),
    Status.PROCESSING: StatusStyle("#66c2f0", "#06202e", "▶"),
    Status.RETRY: StatusStyle("#ffd84d", "#2a1e00", "↻"),
    Status.FAILED: StatusStyle("#c2410c", "#ffffff", "✕"),
    BLOCKED: StatusStyle("#c4c7cc", "#15181c", "‖", hatched=True, dark=("#4b515a", "#f1f3f5", "#4b515a")),
    Status.PENDING: StatusStyle("#ffffff", "#4a4a4a", "·", border="#8a9099", dark=("#181c22", "#b9c0c9", "#7b848f")),
}

# Shades of completed months by the percentage of their books that have an ISBN: each is below its bound.
QUALITIES = {"q0": 50, "q1": 75, "q2": 90}
QUALITY_STYLES: dict[str, StatusStyle] = {
    "q2": StatusStyle("#2f6fb3", "#ffffff", "✓"),
    "q1": StatusStyle("#b4cbe4", "#06202e", "✓", dark=("#24405f", "#dbe7f5", "#24405f")),
    "q0": StatusStyle("#e6eef7", "#06202e", "✓", border="#14508f", dark=("#15263a", "#dbe7f5", "#6aa8ea")),
}


@dataclass(frozen=True, slots=True)
class EvidenceWords:
    """What the best decision about a book is, in words, and the key of its style in STYLES."""

    words: str
    style: str


EVIDENCE: dict[str, EvidenceWords] = {  # by EvidenceStatus, which every command would otherwise import
    "resolved": EvidenceWords("ISBN found", Status.COMPLETED),
    "doubtful": EvidenceWords("no ISBN: doubtful records", Status.RETRY),
    "refused": EvidenceWords("no ISBN: only records of other books", Status.FAILED),
    "not_found": EvidenceWords("no ISBN: no record found", Status.PENDING),
    "not_checked": EvidenceWords("no ISBN yet: a source was not available", BLOCKED),
    "not_named": EvidenceWords("named by no month", Status.PENDING),
}


def display_state(status: str, blocked_reason: str | None) -> str:
    """The key of STYLES for a month with this status."""
    return BLOCKED if status == Status.RETRY and blocked_reason else status


def describe_score(score: float, version: int) -> str:
    """A stored score in words: "98.6 %", or "96 points" of one that was stored before scores were probabilities."""
    return f"{score:.1f} %" if version >= FIRST_PROBABILITY_VERSION else f"{score:.0f} points"
