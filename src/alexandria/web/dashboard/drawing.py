"""Draws charts as SVG on the server: bars, lines and bands, with a sentence and a table that say the same.

The shapes fill their box in any width, so they have no text; numbers stand beside them in HTML.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

PLOT_UNITS = 100  # units of a plot's height
PLACE_UNITS = 10  # units of its width for each place
GAP_UNITS = 1.5  # units on both sides of a bar


@dataclass(frozen=True, slots=True)
class Plot:
    """One drawing: a `label` if its chart has several, the numbers at its top and bottom, and the shapes."""

    label: str
    top: str
    bottom: str
    width: int
    shapes: Markup


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: `summary` says what it shows, `columns` and `rows` are the table behind it.

    `keys` explains the shapes: pairs of a CSS class and its meaning. `ends` are the first and the last place.
    """

    id: str
    title: str
    summary: str
    plots: tuple[Plot, ...]
    keys: tuple[tuple[str, str], ...]
    ends: tuple[str, str]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def bars(label: str, values: Sequence[tuple[float, float]], top: float, written: str) -> Plot:
    """Stacked bars, good below bad; `top` is the value at the upper edge, written as `written`."""
    good, bad = [], []
    for place, (lower, upper) in enumerate(values):
        if lower:
            good.append(_bar(place, 0, lower / top))
        if upper:
            bad.append(_bar(place, lower / top, (lower + upper) / top))
    shapes = _path("good", "".join(good)) + _path("bad", "".join(bad))
    return Plot(label, written, "0", len(values) * PLACE_UNITS, shapes)


def line(label: str, values: Sequence[float | None], low: float, high: float, ends: tuple[str, str]) -> Plot:
    """A line with a dot at each value, broken where there is none; `ends` are `high` and `low` as text."""
    shapes = _path("line", _line(values, low, high)) + _path("dots", _dots(values, low, high))
    return Plot(label, *ends, len(values) * PLACE_UNITS, shapes)


def banded(
    label: str, band: Sequence[tuple[float, float] | None], values: Sequence[float | None], top: float, written: str
) -> Plot:
    """A band of what was expected, and a line of what came; `top` is the value at the upper edge."""
    at = [(place, each) for place, each in enumerate(band) if each is not None]
    edge = [*((place, high) for place, (_, high) in at), *((place, low) for place, (low, _) in reversed(at))]
    outline = "L".join(f"{_x(place)} {_y(value, 0, top)}" for place, value in edge)
    shapes = _path("band", f"M{outline}Z" if edge else "") + _path("line", _line(values, 0, top))
    return Plot(label, written, "0", len(values) * PLACE_UNITS, shapes + _path("dots", _dots(values, 0, top)))


def sparkline(name: str, values: Sequence[float | None], low: float, high: float) -> Markup:
    """A small line without axes, that is read as `name` with its least and its greatest value; nothing without values."""
    known = [value for value in values if value is not None]
    if not known:
        return Markup()
    return Markup('<svg viewBox="0 0 {} 100" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>').format(
        len(values) * PLACE_UNITS,
        f"{name}: {min(known):.0f} to {max(known):.0f} %",
        _path("line", _line(values, low, high)) + (_path("dots", _dots(values, low, high)) if len(known) == 1 else ""),
    )


def round_up(value: float) -> float:
    """The least of 1, 2, 5, 10, 20, 50 ... that is not below `value`; 1 of 0."""
    scale = 1.0
    while scale * 10 <= value:
        scale *= 10
    while scale > value > 0:
        scale /= 10
    return next((scale * factor for factor in (1, 2, 5, 10) if scale * factor >= value), scale)


def _path(name: str, data: str) -> Markup:
    return Markup('<path class="{}" d="{}"/>').format(name, data) if data else Markup()


def _bar(place: int, low: float, high: float) -> str:
    left, bottom, top = place * PLACE_UNITS + GAP_UNITS, _y(low, 0, 1), _y(high, 0, 1)
    return f"M{left:g} {bottom}h{PLACE_UNITS - 2 * GAP_UNITS:g}V{top}h-{PLACE_UNITS - 2 * GAP_UNITS:g}Z"


def _line(values: Sequence[float | None], low: float, high: float) -> str:
    parts, before = [], False
    for place, value in enumerate(values):
        if value is not None:
            parts.append(f"{'L' if before else 'M'}{_x(place)} {_y(value, low, high)}")
        before = value is not None
    return "".join(parts)


def _dots(values: Sequence[float | None], low: float, high: float) -> str:
    """Lines without length, which round ends make into dots that no stretching distorts."""
    return "".join(_points(values, low, high))


def _points(values: Sequence[float | None], low: float, high: float) -> Iterator[str]:
    for place, value in enumerate(values):
        if value is not None:
            yield f"M{_x(place)} {_y(value, low, high)}h0"


def _x(place: int) -> str:
    return f"{place * PLACE_UNITS + PLACE_UNITS / 2:g}"


def _y(value: float, low: float, high: float) -> str:
    share = min(max((value - low) / (high - low), 0.0), 1.0)
    return f"{PLOT_UNITS * (1 - share):.1f}".removesuffix(".0")
