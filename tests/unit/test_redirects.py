"""A redirect is followed only without a key, over https, and to the provider's own site."""

import httpx2
import pytest

from alexandria.core import errors
from alexandria.providers.client import MAX_REDIRECTS, Request, json_of
from alexandria.providers.redirects import stays_on_site


def redirect(asked, location):
    return httpx2.Response(302, headers={"Location": location}, request=httpx2.Request("GET", asked))


@pytest.mark.parametrize(
    ("asked", "location"),
    [
        ("https://openlibrary.org/isbn/1", "/books/OL1M"),
        ("https://openlibrary.org/isbn/1", "https://openlibrary.org/books/OL1M"),
        ("https://openlibrary.org/isbn/1", "https://www.openlibrary.org/books/OL1M"),
        ("https://www.openlibrary.org/", "https://openlibrary.org/"),
        ("https://query.wikidata.org/sparql", "https://www.wikidata.org/sparql"),
        ("https://openlibrary.org/", "https://openlibrary.org:443/"),
        ("http://127.0.0.1:4800/open_library/isbn/1", "/open_library/books/OL1M"),
        ("http://127.0.0.1:4800/a", "http://127.0.0.1:4800/b"),
        ("http://openlibrary.org/", "https://openlibrary.org/"),
        ("https://library.co.uk/", "https://www.library.co.uk/"),
    ],
)
def test_within_a_site_a_redirect_is_followed(asked, location):
    assert stays_on_site(redirect(asked, location))


@pytest.mark.parametrize(
    ("asked", "location"),
    [
        ("https://openlibrary.org/", "http://openlibrary.org/"),
        ("https://openlibrary.org/", "https://example.org/"),
        ("https://openlibrary.org/", "https://openlibrary.org.evil.example/"),
        ("https://openlibrary.org/", "https://notopenlibrary.org/"),
        ("https://openlibrary.org/", "//evil.example/"),
        ("https://openlibrary.org/", "https://openlibrary.org:8443/"),
        ("https://openlibrary.org/", "https://me:secret@openlibrary.org/"),
        ("https://openlibrary.org/", "https://127.0.0.1/"),
        ("https://openlibrary.org/", "https://[::1]/"),
        ("https://openlibrary.org/", "file:///etc/passwd"),
        ("https://openlibrary.org/", "ftp://openlibrary.org/"),
        ("https://library.co.uk/", "https://another.co.uk/"),
        ("https://10.0.0.1/", "https://10.0.0.2/"),
        ("http://127.0.0.1:4800/", "http://127.0.0.1:5432/"),
        ("http://127.0.0.1:4800/", "http://169.254.169.254/latest"),
        ("http://books.test/", "http://www.books.test/"),
        ("https://openlibrary.org/", "https://[broken/"),
    ],
)
def test_off_the_site_it_is_not(asked, location):
    assert not stays_on_site(redirect(asked, location))


def ask(client):
    return client.fetch(Request("GET", "/isbn/1"), lambda answer: json_of(client.name, answer))


async def test_a_redirect_to_another_site_is_a_refusal_and_nothing_is_sent_there(reach):
    client = reach("open_library", httpx2.Response(302, headers={"Location": "https://evil.example/"}))
    with pytest.raises(errors.RequestRefused, match="redirects to another address") as refused:
        await ask(client)
    assert "ALEXANDRIA_OPEN_LIBRARY_BASE_URL" in refused.value.hint
    assert [request.url.host for request in client.sent] == ["far.test"]


async def test_a_redirect_within_the_site_is_followed_without_a_key_and_never_with_one(reach):
    def far_end(request):
        if request.url.path.endswith("/isbn/1"):
            return httpx2.Response(302, headers={"Location": "/books/1"})
        return httpx2.Response(200, json={"found": 1})

    assert (await ask(reach("open_library", far_end)))[0] == {"found": 1}
    keyed = reach("isbndb", far_end)
    with pytest.raises(errors.RequestRefused):
        await ask(keyed)
    assert len(keyed.sent) == 1


async def test_a_circle_of_redirects_ends(reach):
    client = reach("open_library", lambda _: httpx2.Response(302, headers={"Location": "/isbn/1"}))
    with pytest.raises(errors.ProviderDown, match="TooManyRedirects"):
        await ask(client)
    assert len(client.sent) <= 3 * (MAX_REDIRECTS + 1)
