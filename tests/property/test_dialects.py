"""Whatever a server of a language model answers, our code for its dialect ends soon and with one of our meanings."""

import json

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alexandria.providers.chat_dialect import complete_url, error_in, read_completion
from alexandria.providers.refusal_kinds import Refusal, meaning, stated_status
from tests.support.processor_time import TRIES, slow
from tests.support.sampling import examples

KEYS = st.sampled_from(
    ["error", "code", "type", "message", "status", "details", "quotaId", "quotaValue", "metadata", "raw", "param", "choices",
     "finish_reason", "content", "reasoning", "reasoning_content", "refusal", "usage", "prompt_tokens", "total_tokens",
     "completion_tokens_details", "text", "delta", "retryDelay", "headers", "detail", "object", "id", "model"]
)  # fmt: skip
WORDS = st.sampled_from(
    ["rate_limit_exceeded", "insufficient_quota", "RESOURCE_EXHAUSTED", "stop", "length", "", "credits are depleted",
     "try again in 5s", "limit: 0", "per day", "{", '{"error": {"code": 429}}', "model not found", "response_format", "429"]
)  # fmt: skip
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=30)
NESTED = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)
CHAT = st.fixed_dictionaries(
    {"choices": st.lists(st.dictionaries(KEYS | st.just("message"), NESTED, max_size=4) | NESTED, max_size=2)},
    optional={"usage": NESTED, "id": NESTED, "error": NESTED, "message": NESTED},
)


@settings(max_examples=examples(300), deadline=None)
@given(
    status=st.sampled_from([200, 301, 400, 401, 402, 403, 404, 413, 422, 429, 498, 500, 503, 529]),
    body=NESTED | st.binary(),
)
def test_a_refusal_has_one_meaning(status, body):
    content = body if isinstance(body, bytes) else json.dumps(body).encode("utf-8", "replace")
    assert isinstance(meaning(httpx2.Response(status, content=content)), Refusal)
    if not isinstance(body, bytes):
        said = stated_status(body)
        assert said is None or 400 <= said < 600


@settings(max_examples=examples(400), deadline=None)
@given(body=CHAT | NESTED)
def test_a_completion_is_an_answer_or_none(body):
    error_in(body)
    answer = read_completion(body, thinking_apart=True)
    if answer is None:
        return
    assert answer.finish in {"stop", "length", "content_filter"}
    assert isinstance(answer.text, str)
    assert answer.input_tokens >= 0 <= answer.output_tokens
    json.dumps(answer.stored(), allow_nan=False)


@given(st.text(max_size=60))
def test_a_base_url_never_ends_with_a_slash(path):
    assert not complete_url(f"https://host/{path}").endswith("/")


@pytest.mark.parametrize(
    "text",
    ["violates " * 8_000, "not a " * 11_000, "model " * 11_000, "credit " * 9_000, "account " * 8_000, "route " * 11_000,
     "used all of its " * 4_000, "a" * 64_000, "(" * 64_000, " " * 64_000, "location " * 7_000, '"' * 64_000],
)  # fmt: skip
@pytest.mark.parametrize("status", [400, 403, 404, 429])
def test_64_kilobytes_of_a_refusal_cost_less_than_50_milliseconds(text, status):
    for response in (
        httpx2.Response(status, text=text),
        httpx2.Response(status, json={"error": {"message": text}}),
        httpx2.Response(status, json={"detail": [{"msg": text[:100]}] * 400}),
    ):
        assert slow(meaning, 0.05, [response] * TRIES) is None
