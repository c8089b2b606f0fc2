"""Refusals and outages of the bibliographic sources, in many wordings, through the real client and a real HTTP server."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import stamina

from alexandria.catalogue.models import Candidate
from alexandria.core import config, errors
from alexandria.core.provider_facts import PROVIDERS, key_settings
from alexandria.providers.client import ProviderClient
from alexandria.providers.google_books import GoogleBooks
from alexandria.providers.internet_archive import InternetArchive
from alexandria.providers.isbndb import ISBNdb
from alexandria.providers.open_library import OpenLibrary
from alexandria.providers.wikidata import Wikidata

SOURCES: dict[str, Any] = {
    "isbndb": ISBNdb,
    "open_library": OpenLibrary,
    "google_books": GoogleBooks,
    "internet_archive": InternetArchive,
    "wikidata": Wikidata,
}
INFO = "type.googleapis.com/google.rpc.ErrorInfo"
LIMIT, POOR, DAY, REFUSED = errors.RateLimited, errors.NoCredit, errors.QuotaSpent, errors.RequestRefused
KEY, DOWN, BAD = errors.KeyRefused, errors.ProviderDown, errors.BadAnswer


def google(code, reason, message="no", detail="", **metadata):
    error: dict[str, Any] = {"code": code, "message": message, "errors": [{"message": message, "reason": reason}]}
    if detail:
        error["details"] = [{"@type": INFO, "reason": detail, "metadata": metadata}]
    return {"error": error}


def recorded(name):
    return (Path(__file__).parent / "data" / "answers" / name).read_text(encoding="utf-8")


# The provider, status, body, headers, what it means, and for how many seconds to wait where it is a limit.
REFUSALS: list[Any] = [
    ("isbndb", 401, {"message": "Unauthorized"}, (), KEY, None),
    ("isbndb", 402, {"message": "Payment required: subscription expired"}, (), POOR, None),
    ("isbndb", 403, {"message": "Forbidden"}, (), KEY, None),
    ("isbndb", 403, {"message": "Your trial has ended"}, (), KEY, None),
    ("isbndb", 403, {"message": "Daily limit reached. Please upgrade your plan."}, (), DAY, None),
    ("isbndb", 403, {"errorMessage": "Quota exceeded"}, (), DAY, None),
    ("isbndb", 429, {"message": "You have reached your limit of 1000 requests per day"}, (), DAY, None),
    ("isbndb", 429, {"message": "Too Many Requests"}, ('RateLimit: "day";r=0;t=40000',), DAY, None),
    ("isbndb", 429, {"message": "Too Many Requests"}, ('RateLimit: "day";r=5;t=40000, "second";r=0;t=2',), LIMIT, 2),
    ("isbndb", 429, {"errorMessage": "Per minute quota exceeded, please try again in 12 seconds"}, (), LIMIT, 12),
    ("isbndb", 504, {"message": "Endpoint request timed out"}, (), DOWN, None),
    ("isbndb", 200, "<html><title>Scheduled maintenance</title></html>", (), DOWN, None),
    ("isbndb", 200, "<html><title>ISBNdb</title></html>", (), BAD, None),
    ("open_library", 403, recorded("openlibrary_403_no_contact.html"), (), KEY, None),
    ("open_library", 403, "<html>\r\n<head><title>403 Forbidden</title></head>\r\n</html>", (), KEY, None),
    ("open_library", 429, "<html><title>429 Too Many Requests</title></html>", ("Retry-After: 00:01:00",), LIMIT, 60),
    ("open_library", 503, "<h1>503 Service Unavailable</h1>\nNo server is available", (), DOWN, None),
    ("open_library", 200, "<html>Open Library is temporarily offline</html>", (), DOWN, None),
    ("open_library", 200, {"error": "the search engine timed out"}, (), DOWN, None),
    ("open_library", 200, {"error": "something else"}, (), BAD, None),
    ("google_books", 403, recorded("google_books_403_key_restricted.json"), (), KEY, None),
    ("google_books", 503, google(503, "backendFailed"), (), DOWN, None),
    ("google_books", 403, google(403, "quotaExceeded", "You have exceeded your quota."), (), DAY, None),
    ("google_books", 403, google(403, "dailyLimitExceededUnreg", "Daily Limit for Unauthenticated Use"), (), DAY, None),
    ("google_books", 403, google(403, "rateLimitExceeded", "Rate Limit Exceeded"), (), LIMIT, None),
    ("google_books", 403, google(403, "forbidden", "Requests from referer <empty> are blocked."), (), KEY, None),
    ("google_books", 403, google(403, "ipRefererBlocked", "There is a per-IP restriction"), (), KEY, None),
    ("google_books", 403, google(403, "forbidden", "Consumer 'api_key:canary-key' has been suspended.", "CONSUMER_SUSPENDED", consumer="api_key:canary-key"), (), KEY, None),
    ("google_books", 403, google(403, "forbidden", "Project 1 has been deleted.", "USER_PROJECT_DENIED"), (), KEY, None),
    ("google_books", 403, google(403, "forbidden", "This requires billing to be enabled.", "BILLING_DISABLED"), (), POOR, None),
    ("google_books", 403, google(403, "unknownLocation", "Cannot determine user location"), (), REFUSED, None),
    ("google_books", 400, google(400, "keyExpired", "The key has expired"), (), KEY, None),
    ("google_books", 400, google(400, "queryRequired", "Missing query"), (), REFUSED, None),
    ("google_books", 429, google(429, "rateLimitExceeded", "Queries per minute per user", "RATE_LIMIT_EXCEEDED", quota_unit="1/min/{project}/{user}", quota_limit_value="100"), (), LIMIT, None),
    ("google_books", 429, "<html><title>Sorry...</title>automated queries</html>", (), LIMIT, None),
    ("internet_archive", 503, "<Error><Code>SlowDown</Code><Message>Please reduce your rate.</Message></Error>", (), DOWN, None),
    ("internet_archive", 200, {"error": "[REQUEST_TIMEOUT] the backend did not answer"}, (), DOWN, None),
    ("internet_archive", 200, {"error": "Search is temporarily unavailable. Please try again later."}, (), DOWN, None),
    ("internet_archive", 200, {"error": {"msg": "SyntaxError: Cannot parse", "code": 400}}, (), REFUSED, None),
    ("internet_archive", 200, "<!DOCTYPE html><title>Scheduled Maintenance</title>", (), DOWN, None),
    ("wikidata", 429, "<title>Wikimedia Error</title><p>Too Many Requests - Please retry in 9 seconds</p>", (), LIMIT, 9),
    ("wikidata", 429, "You are making too many requests. Please contact noc@example.org", (), LIMIT, None),
    ("wikidata", 403, "Please set a user-agent and respect our robot policy", (), KEY, None),
    ("wikidata", 403, "You have been banned until 2099-01-01T00:00:00Z", (), DAY, None),
    ("wikidata", 500, "java.util.concurrent.TimeoutException", (), DOWN, None),
    ("wikidata", 200, '{"results": {"bindings": [java.util.concurrent.TimeoutException', (), BAD, None),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _once():
    with stamina.set_testing(True, attempts=1):
        yield


@contextlib.asynccontextmanager
async def answering(status, body, headers):
    """The URL of a server that gives one answer to every request."""
    text = body if isinstance(body, str) else json.dumps(body)
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(text.encode())}", "Connection: close", *headers]

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write("\r\n".join([*head, "", text]).encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("row", REFUSALS, ids=[f"{number} {row[0]} {row[1]}" for number, row in enumerate(REFUSALS)])
async def test_a_refusal_of_a_source(limits, monkeypatch, row):
    provider, status, body, headers, meaning, wait = row
    async with answering(status, body, headers) as url:
        monkeypatch.setenv(f"ALEXANDRIA_{provider.upper()}_BASE_URL", url)
        if PROVIDERS[provider].key is not None:
            monkeypatch.setenv(key_settings()[provider], "canary-key")
        settings, unlimited = config.load().providers[provider], cast("Any", limits)
        client = ProviderClient(settings, unlimited, unlimited, contact="mailto:ops@library.test", version="0")
        with pytest.raises(errors.ProviderError) as refused:
            await SOURCES[provider](client).find(Candidate("Sample Novel", "Ann Author", 2003))
        await client.aclose()
    error: Any = refused.value
    assert type(error) is meaning, error
    assert "canary" not in f"{error.message} {error.hint}"
    assert len(limits.pauses) == (meaning in {LIMIT, POOR, DAY})
    if meaning is LIMIT:
        assert error.retry_after == (wait if wait is None else pytest.approx(wait, abs=1))
    if meaning is DAY:
        assert error.until - datetime.now(UTC) <= timedelta(days=1, hours=1)
