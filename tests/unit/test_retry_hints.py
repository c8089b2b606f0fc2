"""How long a refusal asks us to wait: every form in which providers write it, and whatever else may stand there."""

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alexandria.core import errors
from alexandria.providers.retry_hints import MAX_HINT_SECONDS, from_words, retry_after
from tests.support.processor_time import TRIES, slow
from tests.support.sampling import examples

DAY = MAX_HINT_SECONDS


def refused(body: object = None, *headers: tuple[str, str]) -> httpx2.Response:
    raw = [(name.encode(), value.encode("latin-1", "ignore")) for name, value in headers]
    content = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    return httpx2.Response(429, headers=raw, content=content.encode("utf-8", "replace"))


def soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0), ("7", 7), (" 8 ", 8), ("0.5", 0.5), ("-3", 0), ("1e2", 100), ("86400", DAY), ("86401", DAY),
        ("31536000", DAY), ("1e300", DAY), ("9" * 5000, DAY), ("-" + "9" * 5000, 0), ("1e999", DAY),
        ("nan", None), ("inf", None), ("-inf", None), ("soon", None), ("", None), ("١٢", None), ("0x10", None),
        ("30s", 30), ("7m12s", 432), ("6m0s", 360), ("1h2m3.5s", 3723.5), ("250ms", 0.25), ("2 minutes", 120),
        ("1 hour, 2 minutes and 3 seconds", 3723), ("9 days", DAY), ("120 seconds", 120), ("1.5µs", 0), ("10 bananas", None),
        ("Mon, 01 Jan 2001 00:00:00 GMT", 0), ("Mon, 01 Jan 2001 00:00:00 -0000", 0), ("Mon, 01 Jan 9999 00:00:00 GMT", DAY),
        ("Fri, 31 Dec 99999 23:59:59 GMT", DAY), ("Fri, 31 Dec 10000 23:59:59 GMT", DAY), ("Fri, 99 Xxx 2027", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", DAY), ("2001-01-01T00:00:00Z", 0), ("9999-12-31T23:59:59Z", DAY),
        ("9999-99-99T99:99:99Z", None), ("5, 60", 60), ("5,nan", None),
    ],
)  # fmt: skip
def test_a_retry_after_header_is_read_and_never_longer_than_a_day(value, seconds):
    found = retry_after(refused(None, ("Retry-After", value)))
    assert found == (seconds if seconds is None else pytest.approx(seconds, abs=1e-3))


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_an_instant_since_1970_is_that_far_away_in_any_unit(unit):
    for seconds, wait in ((90, 90), (-90, 0), (10 * DAY, DAY)):
        found = retry_after(refused(None, ("Retry-After", str(int((time.time() + seconds) * unit)))))
        assert found == pytest.approx(wait, abs=2)


def test_dates_are_read_with_and_without_a_zone():
    far = soon(90)
    for text in (
        format_datetime(far, usegmt=True),
        far.strftime("%A, %d-%b-%y %H:%M:%S GMT"),
        far.strftime("%a %b %d %H:%M:%S %Y"),
        far.strftime("%Y-%m-%dT%H:%M:%SZ"),
        far.strftime("%Y-%m-%dT%H:%M:%S.123456+00:00"),
        far.strftime("%Y-%m-%d %H:%M:%S"),
    ):
        assert retry_after(refused(None, ("Retry-After", text))) == pytest.approx(90, abs=2), text


def test_of_several_headers_the_longest_counts_and_milliseconds_are_more_exact():
    assert retry_after(refused(None, ("Retry-After", "5"), ("Retry-After", "60"))) == 60
    assert retry_after(refused(None, ("Retry-After", "soon"), ("Retry-After", "60"))) == 60
    assert retry_after(refused(None, ("Retry-After", "3"), ("Retry-After-Ms", "2500"))) == 2.5
    assert retry_after(refused(None, ("Retry-After-Ms", "1e300"))) == DAY
    assert retry_after(refused(None, ("Retry-After-Ms", "nan"), ("Retry-After", "4"))) == 4


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Please try again in 5s. Visit the billing page", 5), ("try again in 20s.", 20), ("Please retry in 46.1s.", 46.1),
        ("Please try again in 7m12s", 432), ("Please try again in 1m0.5s. x", 60.5), ("try again in 300ms", 0.3),
        ("try again in 1h12m3.2s", 4323.2), ("Please retry after 6 seconds.", 6), ("Please wait 35000 seconds before", 35000),
        ("please wait for 10 seconds", 10), ("Retry-After: 12", 12), ("retry_after=12", 12), ("Try again in 5", 5),
        ("Try again in 2 minutes", 120), ("try again in about 3 hours", 10800), ("Quota resets in 24h", DAY),
        ("Limit resets at 2001-01-01T00:00:00Z", 0), ("try  again\n in\t7s", 7), ("try again in 9999999999999 s", None),
        ("You can retry your request in 15s", 15), ("Retry this request after 10 seconds.", 10), ("cooldown: 30s", 30),
        ("back off for 20 seconds", 20), ("try again in 1,200 seconds", 1200), ("try again later (in 90 s)", 90),
        ("the next request is allowed in 8s", 8), ("at most 100 requests in 60 seconds", None), ("retry the 3 requests", None),
        ("quota will be replenished in 02:21:45.", 8505), ("free again in 1.00:00:00", DAY), ("try again at 12:30:00", None),
        ("try again 3 times", None), ("wait 1 month", None), ("available credits: 0", None), ("try again later", None),
        ("resets at 12:00", None), ("again in 12 bananas", None), ("", None),
    ],
)  # fmt: skip
def test_a_hint_in_words_is_read(text, seconds):
    found = from_words(text)
    assert found == (seconds if seconds is None else pytest.approx(seconds))
    if found is not None:
        assert retry_after(refused({"error": {"message": text}})) == pytest.approx(seconds)
        assert retry_after(refused({"error": text, "code": "x"})) == pytest.approx(seconds)
        assert retry_after(refused(f"<p>{text}</p>")) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"error": {"details": [{"@type": "x.RetryInfo", "retryDelay": "34.4s"}]}}, 34.4),
        ([{"error": {"details": [{"retryDelay": {"seconds": 12, "nanos": 0}}]}}], 12),
        ({"error": {"retry_after": 9}}, 9), ({"retry_after_seconds": 9.5}, 9.5), ({"retry_after_ms": 1500}, 1.5),
        ({"retryAfter": "7m12s"}, 432), ({"error": {"metadata": {"retry_after": 10**30}}}, DAY),
        ({"retry_after": True}, None), ({"retry_after": None}, None), ({"retry_after": [5]}, None),
        ({"error": {"metadata": {"raw": '{"error": {"message": "try again in 8s"}}'}}}, 8),
        ({"error": {"metadata": {"headers": {"Retry-After": "11"}}}}, 11),
        ({"error": {"metadata": {"headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "12"}}}}, 12),
    ],
)  # fmt: skip
def test_a_hint_in_a_field_is_read(body, seconds):
    assert retry_after(refused(body)) == seconds


def test_a_header_counts_before_the_body_and_the_reset_of_a_limit_last():
    reset = ("x-ratelimit-reset-requests", "6m0s")
    assert retry_after(refused("try again in 5s", ("Retry-After", "3"), reset)) == 3
    assert retry_after(refused("try again in 5s", reset)) == 5
    assert retry_after(refused("no", reset)) == 360
    assert retry_after(httpx2.Response(503, headers=[reset])) is None


def test_of_the_resets_that_of_a_used_up_limit_counts():
    left = [("x-ratelimit-remaining-requests", "9"), ("x-ratelimit-reset-requests", "1h")]
    gone = [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "7.66s")]
    assert retry_after(refused(None, *left, *gone)) == pytest.approx(7.66)
    assert retry_after(refused(None, *left, ("x-ratelimit-remaining-tokens", "3"), gone[1])) == pytest.approx(7.66)
    until = soon(600).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert retry_after(refused(None, ("anthropic-ratelimit-tokens-reset", until))) == pytest.approx(600, abs=2)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ('"pace";r=0;t=35', 35), ("limit=3, remaining=0, reset=33", 33), ('"pace";r=0;t=1, "day";r=0;t=900', 900),
        ('"pace";r=0;t=1, "day";r=10;t=900', 1), (f"reset={'9' * 400}", DAY), (f"reset={10**30}", DAY), ("r=0", None),
    ],
)  # fmt: skip
def test_the_policies_of_a_ratelimit_header_are_read(value, seconds):
    assert retry_after(refused(None, ("RateLimit", value))) == seconds


TEXT = st.text(st.characters(codec="latin-1"), max_size=80)
ODD = st.sampled_from(
    ["RateLimit", "Retry-After", "Retry-After-Ms", "X-RateLimit-Reset", "X-RateLimit-Remaining", "RateLimit-Reset"]
)
VALUE = st.one_of(
    TEXT,
    st.floats().map(str),
    st.integers().map(str),
    st.integers(1, 400).map(lambda digits: "9" * digits),
    st.dates().map(str),
    st.datetimes().map(format_datetime),
    st.from_regex(r"(Mon|x), [0-9]{1,3} (Jan|Dec) [0-9]{1,7} [0-9:]{0,9} ([A-Z]{3}|[+-][0-9]{4})?", fullmatch=True),
    st.from_regex(r"[0-9]{1,20}(\.[0-9]{1,20})?(ns|ms|s|m|h|d| days?)([0-9]{1,3}s)?", fullmatch=True),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | VALUE,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["retryDelay", "retry_after", "retry_after_ms", "headers", "seconds", "error"]), inner
        )
    ),
    max_leaves=12,
)


@settings(max_examples=examples(400), deadline=None)
@given(headers=st.lists(st.tuples(ODD, VALUE), max_size=4), body=JSON | VALUE | st.binary(max_size=60))
@example(headers=[("Retry-After", "Fri, 31 Dec 99999 23:59:59 GMT")], body=None)
@example(headers=[("Retry-After", "1e300")], body={"retryDelay": "1e300s"})
def test_whatever_stands_there_the_hint_is_within_a_day_and_fits_an_error(headers, body):
    response = refused(None, *headers)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    hint = retry_after(httpx2.Response(429, headers=response.headers, content=content))
    assert hint is None or 0 <= hint <= DAY
    error = errors.RateLimited("x", "slow", retry_after=hint)
    assert datetime.now(UTC) + timedelta(seconds=error.retry_after or 0) <= soon(DAY + 1)


@pytest.mark.parametrize(
    "text",
    ["wait " * 13_000, "wait   " * 9_000, "retry in " * 7_000, "9" * 64_000, "again in 1s " * 5_000, "[" * 64_000,
     "wait in after for at " * 3_000, "1h" * 32_000, "a" * 64_000, "wait: " + "9," * 32_000, '{"a":' * 10_000],
)  # fmt: skip
def test_64_kilobytes_cost_less_than_50_milliseconds(text):
    for response in (refused(text), refused({"error": text}), refused(None, ("Retry-After", text))):
        assert slow(retry_after, 0.05, [response] * TRIES) is None
