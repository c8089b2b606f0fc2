"""What language models are sent is what their vendors' SDKs sent on the day before they were removed."""

import copy
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from alexandria.core.config import ProviderSettings
from alexandria.core.provider_facts import PROVIDERS
from alexandria.providers.client import ProviderClient
from alexandria.providers.llm_adapters import ModelAdapter
from tests.support.unlimited import Unlimited

FACTS: Any = json.loads((Path(__file__).parent / "data" / "model_requests.json").read_text(encoding="utf-8"))
PROMPT = "List 20 books."
AT_HOME = "http://127.0.0.1:11434/v1"
THINKING = ("off", "minimal", "low", "medium", "high")
MODELS = {"gemini": "gemini-3.5-flash", "xai": "grok-4.3", "openai": "some-model"}
OPEN_MODELS = {"gemini": "gemma-3", "xai": "grok-nine", "openai": "llama3.3"}  # that are sent no setting
REFUSED_FORM = httpx2.Response(400, json={"error": {"message": "response_format is not supported"}})
GEMINI: dict[str, Any] = {"candidates": [{"content": {"parts": [{"text": "[]"}]}, "finishReason": "STOP"}]}
CHAT: dict[str, Any] = {"choices": [{"message": {"content": "[]"}, "finish_reason": "stop"}]}


async def sent(provider, model, *, thinking="low", base_url="", key="canary-key", refused=0):
    """The requests for one answer; the first ones are `refused` for their form."""
    taken: list[httpx2.Request] = []

    def far_end(request):
        taken.append(request)
        return (
            REFUSED_FORM
            if len(taken) <= refused
            else httpx2.Response(200, json=GEMINI if provider == "gemini" else CHAT)
        )

    limits = PROVIDERS[provider].limits.model_dump()
    if base_url and provider != "openai":
        limits["base_url"] = base_url
    store: Any = Unlimited()
    client = ProviderClient(
        ProviderSettings(name=provider, **limits, key=key), store, store,
        contact="ops@library.test", version="1.2", inner=httpx2.MockTransport(far_end),
    )  # fmt: skip
    url = (base_url or AT_HOME) if provider == "openai" else ""
    await ModelAdapter(client, model, url, thinking).ask(PROMPT)
    await client.aclose()
    return taken


def body_of(request):
    """The body, and what it asks for in thinking: a level, an effort, a budget or None."""
    body = json.loads(request.content)
    setting = body.get("generationConfig", {}).pop("thinkingConfig", None) or {
        "effort": body.pop("reasoning_effort", None)
    }
    [thinking] = setting.values()
    return body, thinking


@pytest.mark.parametrize("provider", MODELS)
async def test_each_form_of_an_answer_is_requested_in_the_same_words(provider):
    expected = FACTS["bodies"]["gemini" if provider == "gemini" else "chat"]
    model = OPEN_MODELS[provider]
    requests = await sent(provider, model, refused=len(expected) - 1)
    found = [body_of(request) for request in requests]
    named = copy.deepcopy(expected) if provider == "gemini" else [form | {"model": model} for form in expected]
    assert found == [(form, None) for form in named]


@pytest.mark.parametrize("provider", MODELS)
async def test_the_headers_are_ours_and_hold_the_key(provider):
    [request] = await sent(provider, MODELS[provider])
    assert request.method == "POST"
    assert (FACTS["headers"]["all"] | FACTS["headers"][provider]).items() <= dict(request.headers).items()
    assert request.headers["user-agent"] == "Alexandria/1.2 (ops@library.test)"
    assert [name for name in request.headers if name.startswith(("x-stainless", "x-goog-api-client"))] == []


async def test_a_server_without_a_key_is_sent_a_word_for_it():
    """Some refuse a request without the header."""
    [request] = await sent("openai", "some-model", key=None)
    assert request.headers["authorization"] == "Bearer none"


@pytest.mark.parametrize(("provider", "configured", "address"), FACTS["urls"])
async def test_the_address_is_made_of_the_configured_one(provider, configured, address):
    [request] = await sent(provider, MODELS[provider], base_url=configured)
    assert str(request.url) == address


async def test_a_model_of_gemini_cannot_end_its_address():
    [request] = await sent("gemini", "a?b#c")
    assert request.url.raw_path == b"/v1beta/models/a%3Fb%23c:generateContent"


@pytest.mark.parametrize("row", FACTS["thinking"] + FACTS["changed"], ids=lambda row: row["models"][:40])
async def test_each_model_is_asked_for_the_thinking_that_it_knows(row, cases):
    with cases() as case:
        for model in row["models"].split():
            with case(model):
                found = [await sent(row["provider"], model, thinking=thinking) for thinking in ("default", *THINKING)]
                assert [body_of(request)[1] for [request] in found] == [None, *row["sent"]]


def test_what_has_changed_on_purpose_differs_and_has_a_reason():
    assert [row for row in FACTS["changed"] if row["before"] == row["sent"] or len(row["why"]) < 20] == []
    before = {(row["provider"], model) for row in FACTS["thinking"] for model in row["models"].split()}
    after = {(row["provider"], model) for row in FACTS["changed"] for model in row["models"].split()}
    assert before & after == set()
