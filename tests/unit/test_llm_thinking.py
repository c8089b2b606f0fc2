"""ALEXANDRIA_THINKING in the requests of each vendor, through the real client."""

import json

import httpx2
import pytest

from alexandria.core import config, errors
from alexandria.core.month import Month
from alexandria.core.provider_facts import PROVIDERS
from alexandria.providers.generator_specs import GeneratorSpec
from alexandria.providers.registry import make_generator

AT_HOME = "http://127.0.0.1:11434/v1"


async def sent(reach, provider, model, thinking=None, url=""):
    """The body of the one request that asks `model` for a month."""
    transport = reach(provider, lambda _: httpx2.Response(400, json={"error": {"message": "no"}}))
    setting = {} if thinking is None else {"thinking": thinking}
    generator = make_generator(GeneratorSpec(provider, model, url), transport, **setting)
    with pytest.raises(errors.ProviderError):
        await generator.suggest(Month(2003, 3), "baseline", 20)
    return json.loads(transport.sent[0].content)


@pytest.mark.parametrize(
    ("model", "thinking", "config"),
    [
        ("gemini-3.5-flash", None, {"thinking_level": "LOW"}),
        ("gemini-3.5-flash", "high", {"thinking_level": "HIGH"}),
        ("gemini-3.5-flash", "off", {"thinking_level": "MINIMAL"}),
        ("gemini-3.5-flash", "default", None),
        ("gemini-2.5-flash", None, {"thinking_budget": 2048}),
        ("gemini-2.5-flash", "off", {"thinking_budget": 0}),
        ("gemini-2.0-flash", None, None),
    ],
)
async def test_gemini_is_sent_a_level_or_a_budget(reach, model, thinking, config):
    body = await sent(reach, "gemini", model, thinking)
    assert body["generationConfig"].get("thinkingConfig") == config


@pytest.mark.parametrize(
    ("model", "thinking", "effort"),
    [
        ("grok-4.3", None, "low"), ("grok-4.3", "off", "none"), ("grok-4.3", "minimal", "low"),
        ("grok-4.3", "high", "high"), ("grok-4.3", "default", None), ("grok-4.5", "off", "low"),
        ("grok-3-mini", "medium", "high"), ("grok-nine", None, None),
    ],
)  # fmt: skip
async def test_xai_is_sent_an_effort_that_its_model_knows(reach, model, thinking, effort):
    assert (await sent(reach, "xai", model, thinking)).get("reasoning_effort") == effort


@pytest.mark.parametrize(
    ("model", "effort"), [("llama3.3", None), ("some-model", None), ("gpt-4o", None), ("gpt-5", "low"), ("o3", "low")]
)
async def test_a_compatible_server_is_sent_an_effort_only_for_a_model_that_reasons(reach, model, effort):
    """A server refuses a parameter that it does not know."""
    assert (await sent(reach, "openai", model, url=AT_HOME)).get("reasoning_effort") == effort


def test_the_effort_is_low_unless_it_is_set(monkeypatch):
    assert config.load().thinking == "low"
    monkeypatch.setenv("ALEXANDRIA_THINKING", "deep")
    with pytest.raises(errors.Misconfigured, match="ALEXANDRIA_THINKING"):
        config.load()
    assert {name for name, facts in PROVIDERS.items() if facts.model} == {"gemini", "xai", "openai"}
