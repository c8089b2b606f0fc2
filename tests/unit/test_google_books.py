"""What Google's volumes look like in the wild, and which of its refusals is which."""

from datetime import UTC, datetime

import httpx2
import pytest

from alexandria.catalogue.models import Candidate, PartialDate
from alexandria.core import errors
from alexandria.providers.client import MAX_TRIES, NEGATIVE_LIFETIME
from alexandria.providers.google_books import GoogleBooks

CODE = Candidate("The Da Vinci Code: A Novel", "Dan Brown", 2003, 3)
FULL = {
    "title": "The Da\u00a0Vinci Code",
    "subtitle": "A Novel",
    "authors": [" Brown, Dan"],
    "publisher": "Doubleday",
    "publishedDate": "2003-03-18",
    "industryIdentifiers": [
        {"type": "ISBN_10", "identifier": "0385504209"},
        {"type": "ISBN_13", "identifier": "9780385504201"},
    ],
    "pageCount": 454,
    "language": "pt-BR",
}
NOTHING = httpx2.Response(200, json={"kind": "books#volumes", "totalItems": 0})


def found(*answer):
    items = [{"id": f"vol{number}", "volumeInfo": one} for number, one in enumerate(answer)]
    return httpx2.Response(200, json={"kind": "books#volumes", "totalItems": 9999, "items": items})


def refused(status, reason="", domain="global", message="", **quota):
    error = {"code": status, "message": message, "errors": [{"domain": domain, "reason": reason, "message": message}]}
    if quota:
        error["details"] = [{"reason": "RATE_LIMIT_EXCEEDED", "metadata": quota}]
    return httpx2.Response(status, json={"error": error})


async def find(reach, *responses, **kwargs):
    client = reach("google_books", list(responses), **kwargs)
    return await GoogleBooks(client).find(CODE), client


async def test_a_volume_is_searched_by_title_and_name_with_the_key_in_the_address(reach, answers):
    (hit,), client = await find(reach, found(FULL))
    asked = client.sent[0].url
    assert asked.path == "/prefix/books/v1/volumes"
    assert asked.params["q"] == 'intitle:"the da vinci code" inauthor:"brown"'
    assert asked.params["key"] == "canary-key"
    assert asked.params["country"] == "US"
    assert "canary-key" not in f"{answers.kept} {answers.calls}"
    assert (hit.source.id, hit.title, hit.subtitle, hit.authors) == (
        "vol0",
        "The Da Vinci Code",
        "A Novel",
        ("Brown, Dan",),
    )
    assert (hit.isbn13, hit.published, hit.pages, hit.language) == (
        "9780385504201",
        PartialDate(2003, 3, 18),
        454,
        "pt",
    )


async def test_fields_that_their_terms_protect_are_not_stored(reach, answers):
    await find(reach, found(FULL | {"description": "<p><b>canary</b>", "imageLinks": {"thumbnail": "canary"}}))
    assert "canary" not in str(answers.kept)


async def test_no_match_has_no_list_and_may_be_tried_in_all_words(reach, answers):
    client = reach("google_books", [NOTHING, found(FULL)])
    source = GoogleBooks(client)
    assert await source.find(CODE) == []
    assert len(await source.find_widely(CODE)) == 1
    assert client.sent[1].url.params["q"] == "the da vinci code a novel dan brown"
    assert NEGATIVE_LIFETIME in answers.lives.values()


@pytest.mark.parametrize(
    ("identifiers", "isbn"),
    [
        ([{"type": "ISBN_13", "identifier": "9780385504201"}, {"type": "ISBN_10", "identifier": "0385504209"}], "9780385504201"),
        ([{"type": "ISBN_10", "identifier": "080442957X"}], "9780804429573"),
        ([{"type": "OTHER", "identifier": "OCLC:123"}], None),
        ([{"type": "OTHER", "identifier": "9780385504201"}], None),
        ([{"type": "OTHER", "identifier": "UOM:39015000000000"}, {"type": "ISBN_10", "identifier": "0385504209"}], "9780385504201"),
        ([{"type": "ISSN", "identifier": "03855042"}], None),
        ([{"type": "ISBN_13", "identifier": "9780385504202"}], None),
        ([], None),
        (None, None),
        (["odd", {}], None),
    ],
)  # fmt: skip
async def test_only_a_valid_isbn_is_one(reach, identifiers, isbn):
    (hit,), _ = await find(reach, found(FULL | {"industryIdentifiers": identifiers}))
    assert hit.isbn13 == isbn


async def test_two_books_isbns_on_one_volume_are_refused(reach):
    both = [{"type": "ISBN_10", "identifier": "0307474275"}, {"type": "ISBN_13", "identifier": "9780385504201"}]
    assert (await find(reach, found(FULL | {"industryIdentifiers": both})))[0] == []


@pytest.mark.parametrize(
    ("field", "value", "own", "read"),
    [
        ("publishedDate", "2003", "published", PartialDate(2003)), ("publishedDate", "2003-03", "published", PartialDate(2003, 3)),
        ("publishedDate", None, "published", None), ("authors", ["ISBN:978-1-891267-03-1"], "authors", ()),
        ("authors", ["Basilio Sebastian CASTELLANOS DE LOSADA"], "authors", ("Basilio Sebastian CASTELLANOS DE LOSADA",)),
        ("authors", ["Bureau of Maps"], "authors", ("Bureau of Maps",)),
        ("publisher", "Double\u00a0day ", "publisher", "Double day"), ("publisher", None, "publisher", ""),
        ("title", "A relation of all things " * 20, "title", ("A relation of all things " * 20).strip()),
        ("authors", None, "authors", ()), ("pageCount", None, "pages", None), ("pageCount", 0, "pages", None), ("language", "un", "language", ""),
    ],
)  # fmt: skip
async def test_a_field_is_read_in_whatever_form_it_comes(reach, field, value, own, read):
    (hit,), _ = await find(reach, found(FULL | {field: value}))
    assert getattr(hit, own) == read


async def test_a_volume_may_have_a_title_and_nothing_else(reach):
    (hit,), _ = await find(reach, found({"title": "Bare"}))
    assert (hit.title, hit.authors, hit.publisher, hit.isbn13) == ("Bare", (), "", None)
    assert (hit.published, hit.pages, hit.language) == (None, None, "")


async def test_a_volume_without_a_title_is_refused_alone(reach):
    odd = httpx2.Response(
        200, json={"items": ["odd", {"id": "x"}, {"id": "y", "volumeInfo": {}}, {"id": "z", "volumeInfo": FULL}]}
    )
    hits, _ = await find(reach, odd)
    assert [hit.source.id for hit in hits] == ["z"]


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (refused(429, "rateLimitExceeded", quota_limit="defaultPerDayPerProject", quota_limit_value="1000", quota_unit="1/d/{project}"), errors.QuotaSpent),
        (refused(429, "rateLimitExceeded", quota_limit="defaultPerDayPerProject", quota_limit_value="0", quota_unit="1/d/{project}"), errors.NoCredit),
        (refused(429, "rateLimitExceeded", quota_limit="defaultPerMinutePerProject", quota_limit_value="100", quota_unit="1/min/{project}"), errors.RateLimited),
        (refused(429, "rateLimitExceeded"), errors.RateLimited),
        (refused(403, "dailyLimitExceeded", "usageLimits"), errors.QuotaSpent),
        (refused(403, "userRateLimitExceeded", "usageLimits"), errors.RateLimited),
        (refused(400, "badRequest", message="Quota exceeded for quota metric 'Queries'"), errors.QuotaSpent),
        (refused(400, "badRequest", message="API key not valid. Please pass a valid API key."), errors.KeyRefused),
        (refused(400, "invalidParameter"), errors.RequestRefused),
        (refused(403, "accessNotConfigured", "usageLimits"), errors.KeyRefused),
        (refused(403, "unknownLocation", message="Cannot determine user location"), errors.RequestRefused),
        (refused(500, "backendError"), errors.ProviderDown),
        (httpx2.Response(200, json={"items": "odd"}), errors.BadAnswer),
        (httpx2.Response(200, html="<p>"), errors.BadAnswer),
    ],
)  # fmt: skip
async def test_daily_quota_rate_limit_key_and_request_errors_differ(reach, response, error):
    with pytest.raises(error) as text:
        await GoogleBooks(reach("google_books", response)).find(CODE)
    assert type(text.value) is error
    assert error is not errors.QuotaSpent or text.value.until > datetime.now(UTC)


async def test_the_backend_fails_often_and_is_tried_again(reach):
    down = httpx2.Response(503, json={"error": {"code": 503, "errors": [{"reason": "backendFailed"}]}})
    hits, client = await find(reach, down, down, found(FULL))
    assert (len(hits), len(client.sent)) == (1, MAX_TRIES)


async def test_a_backend_that_keeps_failing_is_not_a_not_found(reach, answers):
    """The error has no status; unknown volumes get it too."""
    down = httpx2.Response(503, json={"error": {"code": 503, "errors": [{"reason": "backendFailed"}]}})
    with pytest.raises(errors.ProviderDown):
        await GoogleBooks(reach("google_books", down)).find(CODE)
    assert answers.kept == {}


async def test_without_a_key_nothing_is_sent(reach):
    client = reach("google_books", found(FULL), key=None)
    with pytest.raises(errors.KeyMissing):
        await GoogleBooks(client).find(CODE)
    assert client.sent == []


@pytest.mark.parametrize(
    ("reason", "fix"),
    [
        ("API_KEY_HTTP_REFERRER_BLOCKED", "restricted to websites"),
        ("API_KEY_IP_ADDRESS_BLOCKED", "add this machine's"),
        ("API_KEY_SERVICE_BLOCKED", "add the Books API"),
        ("API_KEY_ANDROID_APP_BLOCKED", "Android app"),
        ("API_KEY_EXPIRED", "GOOGLE_BOOKS_API_KEY"),
        ("API_KEY_SOMETHING_NEW", "check GOOGLE_BOOKS_API_KEY"),
    ],
)
@pytest.mark.parametrize("status", [400, 403])
async def test_the_reason_of_a_refused_key_is_named_with_its_fix(reach, status, reason, fix):
    """The message and the outer reason say only that it is forbidden."""
    sentence = "this key may not be used by this referer"
    detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
    outer = [{"message": sentence, "domain": "global", "reason": "forbidden"}]
    error = {"code": status, "message": sentence, "errors": outer, "status": "PERMISSION_DENIED", "details": [detail]}
    client = reach("google_books", lambda _: httpx2.Response(status, json={"error": error}))
    with pytest.raises(errors.KeyRefused) as refused:
        await GoogleBooks(client).find(CODE)
    assert refused.value.message == f"google_books: refuses our key ({reason}): {sentence}"
    assert fix in refused.value.hint
    assert len(client.sent) == 1
