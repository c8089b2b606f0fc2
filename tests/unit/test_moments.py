"""Instants in sentences become elements that a browser can show in its own zone; everything else stays as it is."""

import re
from datetime import UTC, datetime

import pytest

from alexandria.web.dashboard.moments import mark_moments

NOW = datetime(2026, 12, 31, 14, 30, tzinfo=UTC)
ELEMENT = re.compile(r'<time data-local="(\w+)" datetime="([^"]+)" title="([^"]+)">([^<]+)</time>')


def marked(text):
    """The elements of the marked text as (form, instant, shown), and the text without their tags."""
    found = str(mark_moments(text, lambda: NOW))
    elements = [(form, at.removesuffix(":00+00:00"), shown) for form, at, title, shown in ELEMENT.findall(found)]
    for _, at, title, _ in ELEMENT.findall(found):
        assert title == f"{datetime.fromisoformat(at):%d %b %Y %H:%M:%S} UTC"
    return elements, ELEMENT.sub(r"\4", found)


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("next: Open Library is queried again at 15:00 UTC.", [("minute", "2026-12-31T15:00", "15:00 UTC")]),
        ("paused until 00:00 UTC: quota", [("minute", "2027-01-01T00:00", "00:00 UTC")]),
        (
            "no answer since 23:10 UTC; probed again at 14:40 UTC",
            [("minute", "2026-12-30T23:10", "23:10 UTC"), ("minute", "2026-12-31T14:40", "14:40 UTC")],
        ),
        ("no answer since 14:29 UTC", [("minute", "2026-12-31T14:29", "14:29 UTC")]),
        ("Next months: 1 Jan 03:00 UTC.", [("short", "2027-01-01T03:00", "1 Jan 03:00 UTC")]),
        ("spent until 2027-01-01 08:00 UTC", [("short", "2027-01-01T08:00", "2027-01-01 08:00 UTC")]),
        ("the last approve, at 14:00:05 UTC, was", [("minute", "2026-12-31T14:00:05+00:00", "14:00:05 UTC")]),
        (
            "31 Dec 23:00–1 Jan 05:00 UTC",
            [("short", "2026-12-31T23:00", "31 Dec 23:00"), ("short", "2027-01-01T05:00", "1 Jan 05:00 UTC")],
        ),
        ("2 Jan 02:00–05:00 UTC", [("short", "2027-01-02T02:00", "2 Jan 02:00"), ("minute", "2027-01-02T05:00", "05:00 UTC")]),
    ],
)  # fmt: skip
def test_an_instant_is_marked_with_its_date(text, elements):
    assert marked(text) == (elements, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing of a time",
        "outside the allowed hours of Rest (03:00-23:00 UTC)",
        "hours 03:00..23:00 UTC",
        "at 24:00 UTC, at 7:61 UTC and on 31 Jun 10:00 UTC or 29 Feb 10:00 UTC",
        "30 Nov–4 Dec",
        "12:00 of a day",
    ],
)
def test_what_is_no_instant_stays_as_it_is(text):
    assert marked(text) == ([], text)


def test_what_others_wrote_is_escaped_and_cannot_change_the_direction():
    found = str(mark_moments('<b title="10:00 UTC">\u202e & at 15:00 UTC', lambda: NOW))
    assert ELEMENT.sub("", found) == "&lt;b title=&#34;&#34;&gt;\\u202e &amp; at "
    assert len(ELEMENT.findall(found)) == 2
