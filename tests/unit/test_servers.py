"""The names of a provider's servers, and which messages are theirs."""

import re

import pytest

from alexandria.core import config
from alexandria.core.provider_facts import label
from alexandria.core.servers import message_pattern, server_of


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("http://127.0.0.1:11434", "127.0.0.1:11434"), ("https://API.Far.test/openai/v1?x=1", "api.far.test"),
        ("https://far.test:443/v1", "far.test"), ("http://far.test:80", "far.test"), ("https://far.test:80", "far.test:80"),
        ("http://[::1]:8080/v1", "[::1]:8080"),
    ],
)  # fmt: skip
def test_a_server_is_a_host_and_an_unusual_port(url, server):
    assert server_of(url) == server


@pytest.mark.parametrize(
    "url", ["", "http://", "http://[::1", "http://far.test:x", "http://far.test:99999", "http://[x]y"]
)
def test_a_url_without_a_server_is_an_error(url):
    with pytest.raises(ValueError, match=r"URL|netloc|[Pp]ort|address|host"):
        server_of(url)


@pytest.mark.parametrize(
    ("generators", "lanes"),
    [
        ("gemini:m,wikidata", []),
        ("openai:a@http://far.test,openai:b@http://far.test/v1", []),
        ("openai:a@http://far.test,openai:b@http://near.test:1/v1", ["openai@far.test", "openai@near.test:1"]),
        ("openai:a@http://[::1,openai:b@http://near.test:1/v1", []),
    ],
)
def test_several_servers_have_names_of_their_own(monkeypatch, generators, lanes):
    monkeypatch.setenv("ALEXANDRIA_GENERATORS", generators)
    settings = config.load()
    assert [name for name in settings.lanes if name not in settings.providers] == lanes
    for name in lanes:
        assert settings.lane_of("openai", f"http://{name.partition('@')[2]}/v1") == name
        assert (settings.lanes[name].name, settings.lanes[name].lane) == ("openai", name)
    assert settings.lane_of("openai", "http://another.test") == "openai"
    assert settings.lane_of("gemini") == "gemini"


def test_a_message_is_found_by_its_provider_or_its_server():
    reasons = [
        "openai: x",
        "providers_down: openai@h.test:1: x; gemini: y",
        "openai@[::1]:2: x",
        "not_openai: x",
        "openais: x",
    ]
    found = {
        lane: [bool(re.search(message_pattern(lane), reason)) for reason in reasons]
        for lane in ("openai", "openai@h.test:1", "openai@[::1]:2")
    }
    assert found == {
        "openai": [True, True, True, False, False],
        "openai@h.test:1": [False, True, False, False, False],
        "openai@[::1]:2": [False, False, True, False, False],
    }


def test_people_read_the_name_of_the_provider_and_the_server():
    assert label("openai@h.test:1") == "OpenAI at h.test:1"
