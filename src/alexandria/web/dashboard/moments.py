"""Marks the instants in sentences that name times in UTC, so that a browser can show them in its own zone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from markupsafe import Markup, escape

from alexandria.core.escaping import isolated

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = rf"(?:(\d{{4}}-\d\d-\d\d) |(\d{{1,2}}) ({'|'.join(_MONTHS)}) )?"
_TIME = r"((?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?)"
# One instant or the two of a range, as sentences of ours have them; hours of a plan, as in 03:00-23:00, are of every day.
_MOMENT = re.compile(rf"(since |was at |, at )?(?<![\d.:-]){_DATE}{_TIME}(?:–{_DATE}{_TIME})? UTC", re.ASCII)
_GROUPS_COUNT = 4  # of one instant: the date as digits, or its day and month, and the time of day


def mark_moments(text: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Markup:
    """The text with each instant as a `time` element, which has it in full; what is no instant stays as it is.

    A date without a year is the nearest one; a time without a date is the next one, or the last one after "since".
    """
    escaped = escape(isolated(text))
    if " UTC" not in escaped:
        return escaped
    now = clock()
    return Markup(_MOMENT.sub(lambda found: _marked(found, now), str(escaped)))  # noqa: S704 # it is escaped


def _marked(found: re.Match[str], now: datetime) -> str:
    before, *parts = found.groups()
    first, second = parts[:_GROUPS_COUNT], parts[_GROUPS_COUNT:]
    try:
        begin = _instant(*first, now=now, past=before is not None)
        end = begin if second[-1] is None else _instant(*second, now=begin, past=False)
    except ValueError:  # such as 30 Feb
        return found[0]
    whole = found[0].removeprefix(before or "")
    if second[-1] is None:
        return (before or "") + _element(begin, whole, dated=_is_dated(first))
    early, late = whole.split("–")
    return (
        before or ""
    ) + f"{_element(begin, early, dated=_is_dated(first))}–{_element(end, late, dated=_is_dated(second))}"


def _is_dated(parts: list[str | None]) -> bool:
    return any(parts[:-1])


def _instant(
    date: str | None, day: str | None, month: str | None, time: str | None, *, now: datetime, past: bool
) -> datetime:
    """Raises ValueError for a date that there is not."""
    assert time is not None, "every instant has one"
    if date:
        return datetime.fromisoformat(f"{date}T{time}+00:00")
    if day and month:
        number = _MONTHS.index(month) + 1
        years = (
            datetime.fromisoformat(f"{year}-{number:02}-{int(day):02}T{time}+00:00")
            for year in (now.year - 1, now.year, now.year + 1)
            if (number, int(day)) != (2, 29) or year % 4 == 0
        )
        return min(years, key=lambda at: abs(at - now))
    today = datetime.fromisoformat(f"{now:%Y-%m-%d}T{time}+00:00")
    if past:
        return today if today <= now else today - timedelta(days=1)
    return today if today >= now else today + timedelta(days=1)


def _element(at: datetime, text: str, *, dated: bool) -> str:
    form = "short" if dated else "minute"
    return f'<time data-local="{form}" datetime="{at.isoformat()}" title="{at:%d %b %Y %H:%M:%S} UTC">{text}</time>'
