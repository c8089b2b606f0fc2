"""How does a month look? One colour, ink and glyph for each state, for every surface that shows months.

The fills stay apart for every kind of colour blindness, and the glyph says the same without colour.
"""

from __future__ import annotations

from dataclasses import dataclass

from alexandria.backfill.status import Status

BLOCKED = "blocked"  # derived: a month in retry that waits without having failed


@dataclass(frozen=True, slots=True)
class Look:
    """Colours are #rrggbb; `border` where the fill alone would not be seen, `hatched` where it needs a second sign.

    `night` is (fill, ink, border) on a dark ground, where the ones of the day would dazzle.
    """

    fill: str
    ink: str
    glyph: str
    border: str = ""
    hatched: bool = False
    night: tuple[str, str, str] | None = None


PALETTE: dict[str, Look] = {
    Status.COMPLETED: Look("#14508f", "#ffffff", "✓"),
    Status.PROCESSING: Look("#66c2f0", "#06202e", "▶"),
    Status.RETRY: Look("#ffd84d", "#2a1e00", "↻"),
    Status.FAILED: Look("#c2410c", "#ffffff", "✕"),
    BLOCKED: Look("#c4c7cc", "#15181c", "‖", hatched=True, night=("#4b515a", "#f1f3f5", "#4b515a")),
    Status.PENDING: Look("#ffffff", "#4a4a4a", "·", border="#8a9099", night=("#181c22", "#b9c0c9", "#7b848f")),
}


def state(status: str, blocked_reason: str | None) -> str:
    """The key of PALETTE for a month with this status."""
    return BLOCKED if status == Status.RETRY and blocked_reason else status
