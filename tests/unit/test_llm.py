"""What language models answer and refuse, in the vendors' own forms, and what we make of it."""

import json
from datetime import UTC, datetime

import httpx2
import pytest

from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.providers import book_list
from alexandria.providers.client import MAX_LONG_CALL_TRIES, MAX_TRIES, NEGATIVE_LIFETIME
from alexandria.providers.generator_specs import GeneratorSpec, parse_generators
from alexandria.providers.llm import LanguageModel

MARCH = Month(2003, 3)
CODE = {
    "title": "The Da Vinci Code",
    "author": "Dan Brown",
    "publisher": "Doubleday",
    "format": "Hardcover",
    "year": 2003,
}
ORYX = {"title": "Oryx and Crake", "author": "Margaret Atwood"}
QUOTA = "type.googleapis.com/google.rpc.QuotaFailure"
# The text of every 429 of Gemini, whatever the reason.
BILLING = "You exceeded your current quota, please check your plan and billing details."


def gemini(text=None, reason="STOP", **parts):
    content = {"role": "model"} if text is None else {"role": "model", "parts": [{"text": text}]}
    candidate = {"index": 0, "finishReason": reason, "content": content | parts}
    usage = {"promptTokenCount": 412, "candidatesTokenCount": 96, "thoughtsTokenCount": 225, "totalTokenCount": 733}
    return httpx2.Response(200, json={"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m"})


def xai(content, reason="stop", **message):
    choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": content} | message}
    usage = {
        "prompt_tokens": 398,
        "completion_tokens": 101,
        "total_tokens": 812,
        "completion_tokens_details": {"reasoning_tokens": 313},
    }
    body = {"id": "s", "object": "chat.completion", "created": 1767225600, "model": "grok-4.3", "choices": [choice]}
    return httpx2.Response(200, json=body | {"usage": usage})


def books(*items):
    return json.dumps({"books": list(items)})


def google_error(code, status, message="", *details):
    return httpx2.Response(
        code, json={"error": {"code": code, "status": status, "message": message, "details": details}}
    )


def violation(quota_id, value="5"):
    return {"@type": QUOTA, "violations": [{"quotaId": quota_id, "quotaValue": value}]}


def flat(code, text):
    return httpx2.Response(code, json={"code": "Some words", "error": text})


def nested(status, **error):
    return httpx2.Response(status, json={"error": {"message": "no", "type": None, "param": None, "code": None} | error})


CALLED = {"id": "", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.fixture
def model(reach):
    """`model(provider, answer)` is a generator and its client."""

    def model(provider, answer, url="", **kwargs):
        client = reach(provider, answer, **kwargs)
        return LanguageModel(GeneratorSpec(provider, "some-model", url), client), client

    return model


def suggest(generator, count=20):
    return generator.suggest(MARCH, "baseline", count)


@pytest.mark.parametrize(("provider", "answer"), [("gemini", gemini), ("xai", xai)])
async def test_a_list_is_paid_once_stored_for_good_and_read_back(model, answers, provider, answer):
    generator, client = model(provider, [answer(books(CODE, ORYX))])
    first, again = await suggest(generator), await suggest(generator)
    assert first == again
    assert [(c.title, c.author, c.year, c.month, c.named_by) for c in first.candidates] == [
        ("The Da Vinci Code", "Dan Brown", 2003, 3, (provider,)),
        ("Oryx and Crake", "Margaret Atwood", 2003, 3, (provider,)),
    ]
    assert (first.candidates[0].publisher, first.candidates[0].format) == ("Doubleday", "Hardcover")
    assert len(client.sent) == 1
    assert list(answers.lives.values()) == [None]
    assert [(c.provider, c.status) for c in answers.calls] == [(provider, 200)]


async def test_another_month_variant_count_or_model_is_another_question(reach):
    client = reach("xai", lambda request: xai(books(CODE)))
    for spec in ("grok-a", "grok-b"):
        generator = LanguageModel(GeneratorSpec("xai", spec), client)
        await generator.suggest(MARCH, "baseline", 20)
        await generator.suggest(Month(2003, 4), "baseline", 20)
        await generator.suggest(MARCH, "annual", 20)
        await generator.suggest(MARCH, "baseline", 21)
    assert len(client.sent) == 8


async def test_no_books_is_an_answer_that_is_asked_for_again(model, answers):
    generator, _ = model("gemini", gemini(books()))
    assert (await suggest(generator)).candidates == ()
    assert list(answers.lives.values()) == [NEGATIVE_LIFETIME]


async def test_gemini_is_asked_in_its_own_form(model):
    generator, client = model("gemini", gemini(books(CODE)))
    await suggest(generator)
    (request,) = client.sent
    body = json.loads(request.content)
    assert request.url.path == "/prefix/v1beta/models/some-model:generateContent"
    assert request.headers["x-goog-api-key"] == "canary-key"
    assert "March 2003" in body["contents"][0]["parts"][0]["text"]
    assert body["generationConfig"]["responseMimeType"] == "application/json"
    assert body["generationConfig"]["responseJsonSchema"]["properties"].keys() == {"books"}


async def test_xai_is_asked_in_its_own_form(model):
    generator, client = model("xai", xai(books(CODE)))
    await suggest(generator)
    (request,) = client.sent
    body = json.loads(request.content)
    assert request.url.path == "/prefix/v1/chat/completions"
    assert request.headers["Authorization"] == "Bearer canary-key"
    assert "March 2003" in body["messages"][0]["content"]
    assert body["response_format"]["json_schema"]["schema"]["properties"].keys() == {"books"}
    assert "max_tokens" not in body


@pytest.mark.parametrize("url", ["http://127.0.0.1:11434/v1", "http://127.0.0.1:11434"])
async def test_a_model_at_home_needs_no_key(model, url):
    generator, client = model("openai", xai(books(CODE)), url=url, key=None, base_url="")
    await suggest(generator)
    assert str(client.sent[0].url) == "http://127.0.0.1:11434/v1/chat/completions"
    assert generator.label == f"openai:some-model@{url}"


async def test_thoughts_are_no_answer(model):
    parts = [{"text": "Let me think {", "thought": True}, {"text": books(CODE)}, {"text": ""}]
    generator, _ = model("gemini", gemini(parts=parts))
    assert len((await suggest(generator)).candidates) == 1


@pytest.mark.parametrize(
    ("provider", "answer", "output"),
    [
        ("gemini", gemini(books(CODE)), 96 + 225),
        ("xai", xai(books(CODE)), 101 + 313),
        ("openai", xai(books(CODE)), 101),
    ],
)
async def test_thinking_is_paid_for_whether_or_not_the_vendor_counts_it_in(model, answers, provider, answer, output):
    generator, _ = model(provider, answer, url="http://127.0.0.1:9/v1" if provider == "openai" else "")
    await suggest(generator)
    [(body, _)] = answers.kept.values()
    assert body["tokens"]["output"] == output


async def test_a_compatible_servers_extras_do_no_harm(model):
    extra = {"reasoning_content": "Let me think {", "extra_content": {"vendor": {}}, "tool_calls": []}
    generator, _ = model("openai", xai(books(CODE), **extra), url="http://127.0.0.1:9/v1")
    assert len((await suggest(generator)).candidates) == 1


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{books(CODE)}\n```",
        f"Here you are:\n{books(CODE)}\nAnything else?",
        json.dumps([CODE]),
        json.dumps({"books": [CODE]}, indent=2),
    ],
    ids=["fenced", "with a preamble", "a bare list", "indented"],
)
async def test_a_list_is_found_whatever_stands_around_it(model, text):
    generator, _ = model("gemini", gemini(text))
    assert [c.title for c in (await suggest(generator)).candidates] == ["The Da Vinci Code"]


async def test_one_bad_item_never_costs_the_list(model):
    items = [
        CODE,
        {"author": "Nobody"},
        {"title": "", "author": "X"},
        {"title": "Untold", "author": "Unknown"},
        {"title": "T" * 301, "author": "X"},
        "A bare title",
        {"title": ["odd"], "author": "X"},
        None,
        ORYX | {"year": "2003", "publisher": None, "format": 7},
        {"title": "Good Omens &amp; More", "authors": ["Neil Gaiman", "Terry Pratchett"], "year": 0},
        {"title": "Later", "author": "A. B.", "year": "2004-05"},
    ]
    generator, _ = model("gemini", gemini(books(*items)))
    answer = await suggest(generator)
    assert [(c.title, c.author, c.year, c.month) for c in answer.candidates] == [
        ("The Da Vinci Code", "Dan Brown", 2003, 3),
        ("Oryx and Crake", "Margaret Atwood", 2003, 3),
        ("Good Omens & More", "Neil Gaiman, Terry Pratchett", 2003, 3),
        ("Later", "A. B.", 2004, None),
    ]
    assert answer.dropped == (
        "an item without title: no title",
        "an item without title: no title",
        '"Untold": no author',
        f'"{"T" * 80}": title too long',
        "an item without title: not an object",
        "an item without title: no title",
        "an item without title: not an object",
    )


async def test_more_books_than_asked_for_are_left_with_a_reason(model):
    generator, _ = model("gemini", gemini(books(CODE, ORYX)))
    answer = await suggest(generator, count=1)
    assert [c.title for c in answer.candidates] == ["The Da Vinci Code"]
    assert answer.dropped == ('"Oryx and Crake": beyond the 1 asked for',)


@pytest.mark.parametrize(("provider", "answer", "reason"), [("gemini", gemini, "MAX_TOKENS"), ("xai", xai, "length")])
async def test_the_complete_books_of_a_list_cut_off_are_used(model, provider, answer, reason):
    text = books(CODE, ORYX, {"title": "The Curious Incident of the Dog in the Night-Time", "author": "M"})[:-6]
    generator, client = model(provider, answer(text, reason))
    assert [c.title for c in (await suggest(generator)).candidates] == ["The Da Vinci Code", "Oryx and Crake"]
    assert len(client.sent) == 1


@pytest.mark.parametrize(
    ("provider", "answer"),
    [
        ("gemini", httpx2.Response(200, json={})),
        ("gemini", httpx2.Response(200, json=[1])),
        ("gemini", httpx2.Response(200, html="<p>")),
        ("gemini", httpx2.Response(200, text='{"candidates":[{')),
        ("xai", httpx2.Response(200, json={"id": "x", "object": "chat.completion"})),
        ("xai", httpx2.Response(200, json={"choices": []})),
        ("xai", httpx2.Response(200, html="<p>")),
        ("xai", httpx2.Response(200, text='{"id":', headers={"Content-Type": "application/json"})),
    ],
)
async def test_a_response_that_is_no_answer_of_a_model_is_tried_again_and_never_stored(
    model, answers, provider, answer
):
    generator, client = model(provider, lambda request: answer)
    with pytest.raises(errors.BadAnswer):
        await suggest(generator)
    assert len(client.sent) == MAX_TRIES
    assert answers.kept == {}


@pytest.mark.parametrize(
    ("provider", "answer", "why"),
    [
        ("gemini", gemini(None, "SAFETY"), "SAFETY"),
        ("gemini", httpx2.Response(200, json={"candidates": [{"content": {}, "finishReason": "SAFETY"}]}), "SAFETY"),
        ("gemini", gemini(books(CODE), "RECITATION"), "RECITATION"),
        ("gemini", gemini(None, "PROHIBITED_CONTENT"), "PROHIBITED_CONTENT"),
        ("gemini", httpx2.Response(200, json={"promptFeedback": {"blockReason": "OTHER"}}), "OTHER"),
        ("xai", xai(None, refusal="I can't help with that."), "refusal"),
        ("xai", xai("", "content_filter"), "content_filter"),
    ],
    ids=["safety", "safety without content", "recitation", "prohibited", "blocked prompt", "refusal", "filter"],
)
async def test_a_refusal_of_content_is_not_tried_again(model, provider, answer, why):
    generator, client = model(provider, answer)
    with pytest.raises(errors.ContentRefused, match=why):
        await suggest(generator)
    assert len(client.sent) == 1


@pytest.mark.parametrize(
    ("provider", "answer", "error"),
    [
        ("gemini", google_error(429, "RESOURCE_EXHAUSTED", f"{BILLING} limit: 20", violation("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "20")), errors.QuotaSpent),
        ("gemini", google_error(429, "RESOURCE_EXHAUSTED", BILLING, violation("GenerateRequestsPerMinutePerProjectPerModel"), {"retryDelay": "46s"}), errors.RateLimited),
        ("gemini", google_error(429, "RESOURCE_EXHAUSTED", BILLING), errors.RateLimited),
        ("gemini", google_error(429, "RESOURCE_EXHAUSTED", f"{BILLING} Quota exceeded, limit: 0, model: m", violation("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "0")), errors.NoCredit),
        ("gemini", google_error(400, "FAILED_PRECONDITION", "The free tier is not available in your country. Please enable billing"), errors.NoCredit),
        ("gemini", google_error(400, "INVALID_ARGUMENT", "API key not valid.", {"reason": "API_KEY_INVALID"}), errors.KeyRefused),
        ("gemini", google_error(400, "INVALID_ARGUMENT", "Unknown name"), errors.RequestRefused),
        ("gemini", google_error(403, "PERMISSION_DENIED"), errors.KeyRefused),
        ("gemini", google_error(404, "NOT_FOUND", "models/some-model is not found"), errors.RequestRefused),
        ("gemini", google_error(500, "INTERNAL"), errors.ProviderDown),
        ("gemini", google_error(503, "UNAVAILABLE", "The model is overloaded."), errors.ProviderDown),
        ("gemini", httpx2.Response(503, html="<p>busy"), errors.ProviderDown),
        ("gemini", httpx2.Response(503, json=[{"error": {"code": 503}}]), errors.ProviderDown),
        ("xai", flat(400, "Incorrect API key provided: ca***"), errors.KeyRefused),
        ("xai", flat(400, "Invalid request content"), errors.RequestRefused),
        ("xai", flat(401, "Missing header"), errors.KeyRefused),
        ("xai", flat(403, "Team blocked"), errors.KeyRefused),
        ("xai", flat(404, "The model some-model does not exist"), errors.RequestRefused),
        ("xai", flat(422, "Failed to deserialize"), errors.RequestRefused),
        ("xai", flat(429, "Too many tokens for team t. Your team's rate limit is — Tokens per Minute: 65605/16000"), errors.RateLimited),
        ("xai", flat(429, "Your team t has either used all available credits or reached its monthly spending limit"), errors.NoCredit),
        ("xai", httpx2.Response(502, html="<p>"), errors.ProviderDown),
        ("openai", nested(429, type="insufficient_quota", message=BILLING), errors.NoCredit),
        ("openai", nested(429, code="rate_limit_exceeded", message="Limit: requests per day (RPD)"), errors.QuotaSpent),
        ("openai", nested(401, code="invalid_api_key"), errors.KeyRefused),
        ("openai", nested(400, code="model_not_found"), errors.RequestRefused),
        ("openai", nested(402), errors.NoCredit),
    ],
)  # fmt: skip
async def test_every_refusal_is_one_of_our_errors_and_never_shows_the_key(model, provider, answer, error):
    url = "http://127.0.0.1:9/v1" if provider == "openai" else ""
    generator, client = model(provider, answer, url=url)
    with pytest.raises(error) as refused:
        await suggest(generator)
    assert type(refused.value) is error
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    assert "canary" not in refused.value.message
    waits = isinstance(refused.value, errors.RateLimited) and refused.value.retry_after is None
    assert len(client.sent) == (MAX_TRIES if waits or error is errors.ProviderDown else 1)


async def test_a_spent_daily_quota_pauses_the_provider_until_its_midnight(model, limiter):
    daily = google_error(429, "RESOURCE_EXHAUSTED", "", violation("GenerateRequestsPerDayPerProjectPerModel-FreeTier"))
    generator, _ = model("gemini", daily)
    with pytest.raises(errors.QuotaSpent) as spent:
        await suggest(generator)
    assert spent.value.until > datetime.now(UTC)
    assert limiter.pauses[0][0] == "gemini"
    assert limiter.pauses[0][1] == pytest.approx((spent.value.until - datetime.now(UTC)).total_seconds(), abs=1)


@pytest.mark.parametrize(
    ("provider", "answer"),
    [
        ("gemini", google_error(429, "RESOURCE_EXHAUSTED", "", {"retryDelay": "46s"})),
        ("gemini", google_error(429, "RESOURCE_EXHAUSTED", "", {"retryDelay": "45.6s"})),
        ("xai", httpx2.Response(429, json={"code": "c", "error": "slow"}, headers={"Retry-After": "46"})),
    ],
)
async def test_the_wait_that_a_vendor_names_reaches_the_lane_and_the_caller(model, limiter, provider, answer):
    generator, _ = model(provider, answer)
    with pytest.raises(errors.RateLimited) as limited:
        await suggest(generator)
    assert limited.value.retry_after == pytest.approx(46, abs=0.5)
    assert limiter.pauses[0][1] == pytest.approx(46, abs=1)


@pytest.mark.parametrize("provider", ["gemini", "xai"])
@pytest.mark.parametrize(
    ("broken", "message"),
    [(httpx2.ReadTimeout, "no answer within"), (httpx2.ConnectError, "ConnectError"), (httpx2.ReadError, "ReadError")],
)
async def test_a_broken_connection_is_our_error_tried_as_often_as_all_others(model, provider, broken, message):
    """But for a time-out, which is long, and may be billed."""

    def far_end(request):
        raise broken("no", request=request)

    generator, client = model(provider, far_end)
    with pytest.raises(errors.ProviderDown, match=message):
        await suggest(generator)
    assert len(client.sent) == (MAX_LONG_CALL_TRIES if broken is httpx2.ReadTimeout else MAX_TRIES)


@pytest.mark.parametrize("provider", ["gemini", "xai"])
async def test_our_own_limiters_refusal_passes_through_as_it_is(model, limiter, provider):
    limiter.refusal = errors.QuotaSpent(provider, "spent", until=datetime(2030, 1, 1, tzinfo=UTC))
    generator, client = model(provider, gemini(books(CODE)))
    with pytest.raises(errors.QuotaSpent) as refused:
        await suggest(generator)
    assert refused.value is limiter.refusal
    assert client.sent == []


@pytest.mark.parametrize("provider", ["gemini", "xai"])
async def test_without_a_key_nothing_is_sent(model, provider):
    generator, client = model(provider, gemini(books(CODE)), key=None)
    with pytest.raises(errors.KeyMissing) as missing:
        await suggest(generator)
    assert f"{provider.upper()}_API_KEY" in missing.value.hint
    assert client.sent == []


async def test_a_key_that_was_replaced_is_used_without_a_restart(model):
    def far_end(request):
        good = request.headers["x-goog-api-key"] == "fresh"
        return gemini(books(CODE)) if good else google_error(403, "PERMISSION_DENIED")

    from pydantic import SecretStr

    generator, client = model("gemini", far_end, reload_key=lambda: SecretStr("fresh"))
    assert len((await suggest(generator)).candidates) == 1
    assert len(client.sent) == 2


def test_generators_are_parsed_in_order_and_once():
    entries = (
        "gemini:gemini-3.5-flash",
        "xai:grok-4.3",
        "openai:qwen3:8b@http://127.0.0.1:11434/v1/",
        "wikidata",
        "wikidata",
    )
    specs = parse_generators(entries)
    assert specs == [
        GeneratorSpec("gemini", "gemini-3.5-flash"),
        GeneratorSpec("xai", "grok-4.3"),
        GeneratorSpec("openai", "qwen3:8b", "http://127.0.0.1:11434/v1"),
        GeneratorSpec("wikidata"),
    ]
    assert [spec.label for spec in specs][2:] == ["openai:qwen3:8b@http://127.0.0.1:11434/v1", "wikidata"]


@pytest.mark.parametrize(
    "entry",
    ["gemini", "gemini:", "grok", "openai:llama", "openai:llama@localhost", "wikidata:x", "", "claude:opus",
     "openai:llama@http://me:canary@host/v1", "gemini:a b", "gemini:a?b=c", "gemini:a#b", "gemini:a/../b", "openai:llama@http://[::1/v1", "openai:llama@http://host:port/v1",
     "openai:llama@http://host:99999", "openai:llama@http://:8080/v1", "openai:llama@http://[::canary]x"],
)  # fmt: skip
def test_nonsense_is_refused_by_the_settings_name(entry):
    with pytest.raises(errors.Misconfigured) as refused:
        parse_generators(("wikidata", entry))
    assert "ALEXANDRIA_GENERATORS" in refused.value.message
    assert "canary" not in refused.value.message


def test_no_generator_at_all_is_refused():
    with pytest.raises(errors.Misconfigured, match="ALEXANDRIA_GENERATORS"):
        parse_generators(())


def test_the_schema_is_loose_and_asks_only_for_what_is_read():
    (listed,) = book_list.SCHEMA["properties"].values()
    assert set(listed["items"]["properties"]) == set(book_list._ListedBook.model_fields)
    assert listed["items"]["required"] == ["title", "author"]
