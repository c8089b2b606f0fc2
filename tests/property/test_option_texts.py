"""Whatever is written as an option, a generator or a rule is read, or refused with our own error."""

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alexandria.cli import options
from alexandria.core.errors import BadInput, Misconfigured
from alexandria.core.month import Month
from alexandria.providers.generator_specs import parse_generators
from alexandria.sandbox.fault_rules import read_rules
from tests.support.sampling import examples

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PIECES = st.sampled_from([
    "2003", "1900", "9999", "0001", "-", "-03", "-12-31", "..", "T", "23:59:59", "00:00", "+14:00", "-23:59", "Z", "999999", "d", "h", "s",
    "90", "m", "/", "a", ":", "@", "=", "0.5", "*", ",", " ", "openai:m@http://h", "gemini:m", "isbndb:down", "nan", "1e999", "\ud800", "\0",
])  # fmt: skip
TEXTS = st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=8).map("".join))
READERS: dict[str, Callable[[str], object]] = {
    "month": Month.parse,
    "years": options.years,
    "instant": options.instant,
    "since": lambda text: options.since(text, NOW),
    "rates": options.rates,
    "root path": options.root_path,
    "generators": lambda text: parse_generators(text.split(",")),
    "fault rules": read_rules,
}


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=examples(80), deadline=None)
@given(text=TEXTS)
def test_any_text_is_a_parameter_or_is_refused(name, text):
    with contextlib.suppress(BadInput, Misconfigured):
        READERS[name](text)


@pytest.mark.parametrize("text", ["999999d", "0001-01-01T00:00", "9999-12-31T23:59"])
def test_a_time_outside_the_calendar_of_some_zone_is_refused(text):
    with pytest.raises(BadInput):
        options.since(text, NOW)


def test_usual_times_are_read():
    assert options.since("3d", NOW) == NOW - timedelta(days=3)
    assert options.instant("2026-11-24T18:00").tzinfo is UTC
