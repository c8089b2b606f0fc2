"""A provider's own sentence, in all the forms in which a refusal has it."""

import json

import httpx2
import pytest

from alexandria.core import errors
from alexandria.providers.client import status_error
from alexandria.providers.refusals import sentence_in, sentence_of, with_sentence

SENTENCE = "this key may not be used here"


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": SENTENCE, "code": 403, "status": "PERMISSION_DENIED"}},
        [{"error": {"message": SENTENCE, "code": 403}}],
        {"code": "permission denied", "error": SENTENCE},
        {"message": SENTENCE},
        {"errorMessage": SENTENCE},
        {"error_message": SENTENCE, "status": 7},
        {"error": {"errors": [{"reason": "forbidden", "message": SENTENCE}]}},
        {"errors": [{"message": SENTENCE}]},
        {"detail": SENTENCE},
        {"detail": [{"loc": ["body"], "message": SENTENCE}]},
        {"error": {"message": "", "code": 1}, "detail": SENTENCE},
        SENTENCE,
    ],
)
def test_the_sentence_is_found_in_every_shape(body):
    assert sentence_in(body) == SENTENCE
    assert sentence_of(httpx2.Response(403, json=body)) == SENTENCE


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("404 page not found", "404 page not found"),
        ("You have been banned until 2026-11-30\n\tat java.lang.Thread", "You have been banned until 2026-11-30"),
        ("<html>\r\n<head><title>403 Forbidden</title></head></html>", ""),
        ("<!DOCTYPE html><html><head><title>Access &amp; Keys</title>", "Access & Keys"),
        ("canary-body", ""), ("", ""), ("{", ""), ("[" * 70_000, ""), ("null", ""), ("17", ""), ("{}", ""), ("[]", ""),
    ],
)  # fmt: skip
def test_a_body_that_is_no_json_gives_its_first_words(text, sentence):
    assert sentence_of(httpx2.Response(403, text=text)) == sentence


@pytest.mark.parametrize("body", [None, 7, {"error": {"code": 3}}, {"error": None}, [[[[[[[["deep"]]]]]]]], b"bytes"])
def test_a_body_without_a_sentence_gives_none(body):
    assert sentence_in(body) == ""


async def test_the_sentence_holds_no_key_no_control_character_and_is_short(reach):
    """Not even the beginning of a key that is cut off at the end of a long sentence."""
    reach("isbndb", httpx2.Response(200), key="canary-of-the-key")
    long = "word " * 37 + " canary-of-the-key\x1b[31m\u202e refused\n" + "more " * 50
    sentence = sentence_in({"message": long})
    assert len(sentence) <= 200
    assert "canary" not in sentence
    assert sentence.isprintable()
    assert sentence.endswith("...")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 422, 425, 429])
def test_every_refusal_quotes_the_sentence(status):
    response = httpx2.Response(status, json={"error": {"message": SENTENCE}})
    refused = status_error("internet_archive", response)
    assert refused is not None
    assert refused.message.endswith(f": {SENTENCE}")


@pytest.mark.parametrize("status", [302, 500, 503])
def test_an_error_that_is_no_refusal_quotes_nothing(status):
    failed = status_error("internet_archive", httpx2.Response(status, content=json.dumps({"message": SENTENCE})))
    assert isinstance(failed, errors.ProviderError)
    assert SENTENCE not in failed.message


def test_without_a_sentence_the_summary_stands_alone():
    assert with_sentence("refuses us with 403", "") == "refuses us with 403"
