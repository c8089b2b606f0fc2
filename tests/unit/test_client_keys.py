"""The key of a provider in its client: read again when it is refused, carried nowhere else, shown to nobody."""

import httpx2
import pytest
from pydantic import SecretStr

from alexandria.core import errors
from alexandria.providers.client import Request, json_of


def ok():
    return httpx2.Response(200, json={"found": 1})


def ask(client, **kwargs):
    return client.fetch(Request("GET", "/thing", **kwargs), lambda answer: json_of(client.name, answer))


async def test_a_key_is_read_again_when_it_is_refused(reach):
    def far_end(request):
        return ok() if request.headers["Authorization"] == "new" else httpx2.Response(401)

    def sign(request):
        request.headers["Authorization"] = client.secret()
        return request

    client = reach("isbndb", far_end, reload_key=lambda: SecretStr("new"))
    assert (await ask(client, sign=sign))[0] == {"found": 1}
    assert len(client.sent) == 2


async def test_an_unchanged_key_is_refused_once(reach):
    client = reach("isbndb", httpx2.Response(401), reload_key=lambda: SecretStr("canary-key"))
    with pytest.raises(errors.KeyRefused):
        await ask(client)
    assert len(client.sent) == 1


@pytest.mark.parametrize(("key", "error"), [(None, errors.KeyMissing), ("pass\nwort", errors.KeyRefused)])
async def test_an_absent_or_impossible_key_is_reported_without_showing_it(reach, key, error):
    with pytest.raises(error) as refused:
        reach("isbndb", ok(), key=key).secret()
    assert "wort" not in refused.value.message
    assert refused.value.hint == ("" if key else "set ISBNDB_API_KEY")


async def test_a_key_is_not_carried_along_a_redirect_but_free_sources_are_followed(reach):
    def far_end(request):
        return ok() if request.url.path == "/prefix/new" else httpx2.Response(302, headers={"Location": "/prefix/new"})

    with pytest.raises(errors.RequestRefused):
        await ask(reach("isbndb", far_end))
    followed = reach("open_library", far_end)
    assert (await ask(followed))[0] == {"found": 1}
    assert followed.sent[0].headers["User-Agent"] == "Alexandria/1.2 (ops@library.test)"


@pytest.mark.parametrize(
    ("name", "setting"), [("isbndb", "ALEXANDRIA_ISBNDB_BASE_URL"), ("openai", "the URL in ALEXANDRIA_GENERATORS")]
)
async def test_a_refused_redirect_names_the_setting_with_the_address(reach, name, setting):
    with pytest.raises(errors.RequestRefused) as refused:
        await ask(reach(name, httpx2.Response(302, headers={"Location": "https://other.test/"})))
    assert refused.value.hint == f"check {setting}"


@pytest.mark.parametrize("reloaded", [False, True], ids=["the first key", "a key read again"])
async def test_a_provider_that_quotes_the_key_shows_it_to_nobody(reach, reloaded):
    old, new = "unheard-of-4711-old", "unheard-of-4712-new"

    def far_end(_):
        key = client.key.get_secret_value()
        return httpx2.Response(401 if key == old and reloaded else 400, json={"message": f"{key} is odd"})

    client = reach("isbndb", far_end, key=old, reload_key=lambda: SecretStr(new))
    with pytest.raises(errors.ProviderError) as refused:
        await ask(client)
    assert "is odd" in refused.value.message
    assert "unheard-of" not in refused.value.message
