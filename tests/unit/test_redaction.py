"""Where a secret is masked, and what a short one must leave alone."""

import json
import string
import time

import pytest
import structlog

from alexandria.core import logging, redaction
from alexandria.core.provider_facts import PROVIDERS
from tests.support.processor_time import slow, variants

EVERY_LETTER = [*string.ascii_letters, *string.digits, *string.punctuation]
DUMMIES = ["none", "EMPTY", "test", "gemini", "info", "warning", "level", "true", "null", "20", "00", "secret"]


@pytest.fixture(autouse=True)
def _no_secrets_left():
    yield
    logging.configure("WARNING", "console")


def line(capsys):
    return json.loads(capsys.readouterr().err.splitlines()[-1])


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_short_secret_leaves_the_structure_of_a_line(capsys, cases, form):
    """A key of one letter rewrote the level of each line, and the process ended with a KeyError."""
    with cases() as case:
        for secret in (*EVERY_LETTER, *DUMMIES):
            with case(secret):
                check_line(capsys, secret, form)


def check_line(capsys, secret, form):
    redaction.forget_secrets()
    logging.configure("INFO", form, [secret])
    heard = []
    with logging.also_to(lambda event: heard.append(dict(event))):
        structlog.get_logger("test").warning(
            "provider paused", provider="gemini", month="2023-11", attempts=2, gap=1.5, none=None
        )
    written = capsys.readouterr().err
    assert "[secret]" not in written
    assert "provider paused" in written
    [event] = heard
    at = event.pop("timestamp")
    assert time.strptime(at[:19], "%Y-%m-%dT%H:%M:%S")
    assert event == {
        "event": "provider paused", "level": "warning", "provider": "gemini", "month": "2023-11", "attempts": 2,
        "gap": 1.5, "none": None,
    }  # fmt: skip
    if form == "json":
        assert json.loads(written)["level"] == "warning"


@pytest.mark.parametrize(
    "place",
    [
        "https://far.test/v1?key={}", "https://far.test/v1?key={}&page=2", "GET http://far.test/?page=1&api_key={} 403",
        "https://user:{}@far.test/", "https://{}@far.test/", "https://{}:pw@far.test/", "Authorization: Bearer {}",
        "authorization:{}", "x-goog-api-key: {}", "{{'x-goog-api-key': '{}'}}", '{{"api_key": "{}"}}', "api_key={}",
        "the key {} is unknown", "Incorrect API key provided: {}.", "wrong key '{}'", "{}", "refused ({})", "[{}, 7]",
        "X-Cron-Secret:{}", "password={}", "token={};", "two\n{}", "POST https://hooks.test/services/{}/x failed",
        "https://hooks.test/{}", "'https://hooks.test/a/{}'", "https://hooks.test/bot/{}?page=2",
    ],
)  # fmt: skip
def test_a_secret_of_any_length_is_masked_where_it_can_stand(cases, place):
    with cases() as case:
        for length in range(1, 13):
            with case(length):
                canary = "qZ7canaryKey"[:length]
                redaction.forget_secrets()
                redaction.protect([canary])
                text = redaction.masked(place.format(canary))
                assert "[secret]" in text
                assert text.replace("[secret]", "\0").replace("\0", canary) == place.format(canary)
                if length > 2:
                    assert canary not in text


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("g", "warning"), ("i", "isbndb: paused until 2026-11-29 12:30 UTC"), ("30", "until 12:30:59"),
        ("org", "https://openlibrary.org/search.json"), ("11", "2023-11"), ("5", "gemini:gemini-3.5-flash"),
        ("gemini", "gemini: refuses our key"), ("xai", "xai, gemini and isbndb were asked"), ("q", "/books?q=dune"),
        ("title", "{'title': 'Dune'}"), ("x", "x-goog-api-key"), ("test", "the latest tests"), ("or", "and/or"),
        ("far", "http://far.test/prefix/books/dune"), ("db", "no answer from http://db"), ("books", "GET /prefix/books/dune"), ("x", "/var/lib/x/y"),
    ],
)  # fmt: skip
def test_a_short_secret_is_not_masked_inside_words_names_and_numbers(secret, text):
    redaction.protect([secret])
    assert redaction.masked(text) == text


def test_a_long_secret_is_masked_in_every_form_and_place():
    redaction.protect(["canary+key/1=", "canary-key-2"])
    text = "xcanary-key-2x canary+key/1= canary%2Bkey%2F1%3D"
    assert redaction.masked(text) == "x[secret]x [secret] [secret]"


def test_a_mask_is_not_masked_again():
    redaction.protect(["secret", "[secret", "qZ7"])
    text = "key=secret and Authorization: qZ7, the secret of https://hooks.test/secret"
    expected = "key=[secret] and Authorization: [secret], the [secret] of https://hooks.test/[secret]"
    assert redaction.masked(text) == expected
    assert redaction.masked(expected) == expected


def test_a_traceback_keeps_its_source_and_loses_the_secret(capsys):
    """Source code is full of names like x; what was raised may quote the key."""
    logging.configure("INFO", "json", ["x", "abc"])
    x = {"Authorization": "abc"}
    try:
        raise ValueError(f"{x} with key x")
    except ValueError:
        structlog.get_logger("test").exception("month failed", reason="key x refused")
    shown = line(capsys)
    assert 'raise ValueError(f"{x} with key x")' in shown["exception"]
    assert "ValueError: {'Authorization': '[secret]'} with key [secret]" in shown["exception"]
    assert shown["reason"] == "key [secret] refused"


def test_the_message_of_a_library_is_not_an_events_name(capsys):
    import logging as standard

    logging.configure("INFO", "json", ["g"])
    standard.getLogger("far").warning("GET http://far.test/?key=g failed with %s", "g")
    assert line(capsys)["event"] == "GET http://far.test/?key=[secret] failed with [secret]"


def test_a_provider_field_with_another_value_is_masked(capsys):
    logging.configure("INFO", "json", ["abc"])
    structlog.get_logger("test").info("asked", provider="abc", name="abc")
    shown = line(capsys)
    assert (shown["provider"], shown["name"]) == ("[secret]", "[secret]")
    assert "abc" not in PROVIDERS


def test_masking_takes_no_time_that_matters():
    """A text of 64 kB of the worst kind, with secrets of every length."""
    redaction.protect("abcdefgh"[:length] for length in range(1, 9))
    for text in ("//" * 32_000, "key: " * 13_000, "a" * 64_000, "a " * 32_000, "//a:" * 16_000, "://a/" * 13_000):
        assert slow(redaction.masked, 0.2, variants(text)) is None
