"""The names of a provider's servers, and which messages are theirs."""

import re

import pytest

from alexandria import bootstrap
from alexandria.cli import settings
from alexandria.cli.doctor import checks
from alexandria.core import config
from alexandria.core.errors import Misconfigured
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
    loaded = config.load()
    assert [name for name in loaded.lanes if name not in loaded.providers] == lanes
    for name in lanes:
        assert loaded.lane_of("openai", f"http://{name.partition('@')[2]}/v1") == name
        assert (loaded.lanes[name].name, loaded.lanes[name].lane) == ("openai", name)
    assert loaded.lane_of("openai", "http://another.test") == "openai"
    assert loaded.lane_of("gemini") == "gemini"


GROQ, OWN, LOCAL = "api.groq.com", "api.openai.com", "127.0.0.1:11434"
URLS = {GROQ: "https://api.groq.com/openai/v1", OWN: "https://api.openai.com/v1", LOCAL: "http://127.0.0.1:11434"}


@pytest.mark.parametrize(
    ("keys", "sent"),
    [
        ({"": "general"}, {OWN: "general"}),
        ({"": "general"}, {GROQ: "general"}),
        ({"": "general"}, {OWN: "general", LOCAL: None}),
        ({"": "general"}, {OWN: "general", GROQ: None, LOCAL: None}),
        ({"": "general"}, {GROQ: None, LOCAL: None}),
        ({"": "general", "_API_GROQ_COM": "groq"}, {GROQ: "groq"}),
        ({"": "general", "_API_GROQ_COM": "groq"}, {GROQ: "groq", OWN: "general", LOCAL: None}),
        ({"_API_OPENAI_COM": "own", "_127_0_0_1_11434": "local"}, {GROQ: None, OWN: "own", LOCAL: "local"}),
        ({"_API_GROQ_COM": "groq"}, {OWN: None}),
    ],
)
def test_a_key_is_sent_to_its_own_server_only(monkeypatch, keys, sent):
    """The general one to the server of its makers, and to another only if that is the only one."""
    for name, key in keys.items():
        monkeypatch.setenv(f"OPENAI_API_KEY{name}", f"canary-{key}")
    monkeypatch.setenv("ALEXANDRIA_GENERATORS", ",".join(f"openai:m@{URLS[server]}" for server in sent))
    loaded = config.load()
    for server, key in sent.items():
        lane = loaded.lanes[loaded.lane_of("openai", URLS[server])]
        assert (lane.key and lane.key.get_secret_value()) == (key and f"canary-{key}"), server
        assert bootstrap._key(lane) == lane.key
        assert lane.key_setting.startswith("OPENAI_API_KEY")
    if len(sent) > 1:
        assert loaded.lanes["openai"].key is None
    found = list(checks._keys(loaded, dict.fromkeys(loaded.lanes, "")))
    said = {check.message: check for check in found if check.name == "key openai"}
    for server, key in sent.items():
        assert any(message.endswith(f" is sent to {server}") for message in said)
        assert (f"none is sent to {server}" in said) == (key is None)
    nowhere = keys == {"": "general"} and "general" not in sent.values()
    assert any(check.fix for check in said.values()) == nowhere
    assert "canary" not in repr(loaded) + str([(check.message, check.fix) for check in found])


def test_a_servers_key_is_masked_and_protected_like_any_other(monkeypatch, tmp_path):
    monkeypatch.setenv("ALEXANDRIA_GENERATORS", f"openai:m@{URLS[GROQ]}")
    monkeypatch.setenv("ALEXANDRIA_SECRETS_DIR", str(tmp_path))
    (tmp_path / "OPENAI_API_KEY_API_GROQ_COM").write_text("canary-of-groq\n")
    loaded = config.load()
    [shown] = [each for each in settings.listed(loaded, given=False) if each.name == "OPENAI_API_KEY_API_GROQ_COM"]
    assert (shown.value, shown.origin) == (settings.MASK, str(tmp_path / "OPENAI_API_KEY_API_GROQ_COM"))
    assert "canary-of-groq" in [*settings._secrets(loaded)]
    monkeypatch.setenv("OPENAI_API_KEY_API_GROQ_COM", "two words")
    with pytest.raises(Misconfigured, match="OPENAI_API_KEY_API_GROQ_COM: contains a space") as refused:
        config.load()
    assert "two words" not in f"{refused.value} {refused.value.hint}"


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
