"""Draws a reliability diagram as SVG: of pairs with similar scores, the share that is one work."""

from __future__ import annotations

from collections.abc import Sequence

SIZE, MARGIN = 420, 56  # pixels of the square and of the border with its labels
TICKS = (0, 25, 50, 75, 100)  # per cent
STYLE = (
    "text{font:13px sans-serif;fill:#57606a}.axis{stroke:#8c959f;fill:none}.even{stroke:#8c959f;stroke-dasharray:4 4}"
    ".line{stroke:#0969da;fill:none;stroke-width:1.5}.bin{fill:#0969da}"
)


def draw(bins: Sequence[tuple[float, float, int]], error: float) -> str:
    """The picture of bins: mean score and share of one work, both 0 to 1, and the number of pairs."""
    side = SIZE + 2 * MARGIN
    pairs = sum(size for *_, size in bins)
    title = f"{pairs} held-out pairs in {len(bins)} equal bins: expected calibration error {100 * error:.2f} %"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" width="{side}" height="{side}" role="img">',
        f"<title>{title}</title><style>{STYLE}</style>",
        f'<rect width="{side}" height="{side}" fill="#fff"/>',
        f'<rect class="axis" x="{MARGIN}" y="{MARGIN}" width="{SIZE}" height="{SIZE}"/>',
        f'<path class="even" d="M{_across(0)} {_down(0)}L{_across(1)} {_down(1)}"/>',
    ]
    for tick in TICKS:
        parts.append(f'<text x="{_across(tick / 100)}" y="{SIZE + MARGIN + 18}" text-anchor="middle">{tick}</text>')
        parts.append(f'<text x="{MARGIN - 8}" y="{_down(tick / 100) + 4}" text-anchor="end">{tick}</text>')
    middle = side / 2
    parts.append(f'<text x="{middle}" y="{side - 12}" text-anchor="middle">mean score</text>')
    turned = f'transform="rotate(-90 16 {middle})"'
    parts.append(f'<text x="16" y="{middle}" text-anchor="middle" {turned}>one work, % of pairs</text>')
    parts.append(f'<text x="{middle}" y="32" text-anchor="middle">{title}</text>')
    points = " ".join(f"{_across(score)},{_down(share)}" for score, share, _ in bins)
    parts.append(f'<polyline class="line" points="{points}"/>')
    parts += [
        f'<circle class="bin" cx="{_across(score)}" cy="{_down(share)}" r="4">'
        f"<title>{size} pairs: score {100 * score:.1f}, one work {100 * share:.1f} %</title></circle>"
        for score, share, size in bins
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _across(share: float) -> float:
    return round(MARGIN + SIZE * share, 1)


def _down(share: float) -> float:
    return round(MARGIN + SIZE * (1 - share), 1)
