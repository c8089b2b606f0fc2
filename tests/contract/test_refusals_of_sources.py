"""Refusals and outages of the bibliographic sources, in many wordings, through the real client and a real HTTP server."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from alexandria.catalogue.models import Candidate
from alexandria.core import config, errors
from alexandria.core.provider_facts import PROVIDERS, key_settings
from alexandria.providers.client import ProviderClient
from alexandria.providers.google_books import GoogleBooks
from alexandria.providers.internet_archive import InternetArchive
from alexandria.providers.isbndb import ISBNdb
from alexandria.providers.open_library import OpenLibrary
from alexandria.providers.wikidata import Wikidata

pytestmark = pytest.mark.usefixtures("one_try")


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
    ("isbndb", 429, {"message": "Limit Exceeded"}, (), LIMIT, None),
    ("isbndb", 429, {"errorMessage": "Rate limit exceeded. Try again in 1 second"}, (), LIMIT, 1),
    ("isbndb", 401, {"errorType": "string", "errorMessage": "Unauthorized"}, (), KEY, None),
    ("isbndb", 403, {"message": "Missing Authentication Token"}, (), KEY, None),
    ("isbndb", 403, {"errorMessage": "You have exceeded your daily quota. Please upgrade."}, (), DAY, None),
    ("isbndb", 403, {"message": "Forbidden"}, ("Retry-After: 20",), LIMIT, 20),
    ("isbndb", 403, "<!DOCTYPE html><title>Just a moment...</title>", ("cf-mitigated: challenge",), DOWN, None),
    ("isbndb", 500, {"errorMessage": "Internal server error"}, (), DOWN, None),
    ("isbndb", 502, "<html><title>502 Bad Gateway</title></html>", (), DOWN, None),
    ("isbndb", 503, {"message": "Service Unavailable"}, ("Retry-After: 120",), DOWN, 120),
    ("isbndb", 200, "", (), BAD, None),
    ("isbndb", 204, "", (), BAD, None),
    ("open_library", 429, {"status": 429, "message": "Too Many Requests. Consider using https://library.example/dumps."}, (), LIMIT, None),
    ("open_library", 429, "slow down", ("Retry-After: 90",), LIMIT, 90),
    ("open_library", 403, {"error": "forbidden"}, (), KEY, None),
    ("open_library", 403, "<html><title>Attention Required! | Cloudflare</title></html>", (), DOWN, None),
    ("open_library", 500, "<html><title>Internal error</title></html>", (), DOWN, None),
    ("open_library", 503, "<h1>503</h1>", ("Retry-After: 300",), DOWN, 300),
    ("open_library", 504, "upstream request timeout", (), DOWN, None),
    ("open_library", 522, "<title>openlibrary.example | 522: Connection timed out</title>", (), DOWN, None),
    ("open_library", 200, "<html><title>Guest Wi-Fi</title>Sign in to the network</html>", (), DOWN, None),
    ("google_books", 429, google(429, "rateLimitExceeded", "Quota exceeded for quota metric 'Queries' and limit 'Queries per day' of service 'books.example' for consumer 'project_number:1'."), (), DAY, None),
    ("google_books", 429, google(429, "rateLimitExceeded", "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of service 'books.example'."), ("Retry-After: 30",), LIMIT, 30),
    ("google_books", 403, google(403, "accessNotConfigured", "Books API has not been used in project 1 before or it is disabled."), (), KEY, None),
    ("google_books", 403, google(403, "userRateLimitExceeded", "User Rate Limit Exceeded"), (), LIMIT, None),
    ("google_books", 403, google(403, "forbidden", "The request is missing a valid API key.", "API_KEY_MISSING"), (), KEY, None),
    ("google_books", 503, google(503, "backendFailed", "Service temporarily unavailable."), ("Retry-After: 9",), DOWN, 9),
    ("google_books", 500, google(500, "backendError", "Backend Error"), (), DOWN, None),
    ("internet_archive", 429, "<html><title>429 Too Many Requests</title></html>", ("Retry-After: 5",), LIMIT, 5),
    ("internet_archive", 200, {"error": "Sorry, search engine temporarily unavailable", "forensics": "x"}, (), DOWN, None),
    ("internet_archive", 200, "<html>Internet Archive services are temporarily offline.</html>", (), DOWN, None),
    ("internet_archive", 504, "", (), DOWN, None),
    ("internet_archive", 204, "", (), BAD, None),
    ("wikidata", 429, "upstream: rate limited", ("Retry-After: 60",), LIMIT, 60),
    ("wikidata", 429, "Rate limit exceeded", (), LIMIT, None),
    ("wikidata", 500, "SPARQL-QUERY: queryStr=SELECT\njava.util.concurrent.TimeoutException\n\tat java.util.concurrent.FutureTask.get", (), DOWN, None),
    ("wikidata", 504, "upstream request timeout", (), DOWN, None),
    ("wikidata", 502, "<!DOCTYPE html><title>Wikimedia Error</title><p>Our servers are currently under maintenance</p>", (), DOWN, None),
    ("wikidata", 503, "Service Unavailable", ("Retry-After: 120",), DOWN, 120),
    ("wikidata", 403, "Please comply with our UA policy", (), KEY, None),
    ("wikidata", 403, "You have been banned", ("Retry-After: 3600",), DAY, 3600),
    ("wikidata", 200, {"error": {"code": "maxlag", "info": "Waiting for all: 5.3 seconds lagged.", "lag": 5.3}}, ("Retry-After: 5",), DOWN, 5),
    ("wikidata", 400, "org.openrdf.query.MalformedQueryException", (), REFUSED, None),
    ("wikidata", 200, '{"results": {"bindings": [java.util.concurrent.TimeoutException', (), BAD, None),
    ("isbndb", 403, "error code: 1020", (), DOWN, None),
    ("isbndb", 403, "<title>no</title>", ("X-Squid-Error: ERR_ACCESS_DENIED 0",), DOWN, None),
    ("isbndb", 407, "<title>Cache Access Denied</title>", (), DOWN, None),
    ("isbndb", 429, {"message": "Monthly quota exceeded"}, (), POOR, None),
    ("google_books", 402, google(402, "paymentRequired", "Payment required"), (), POOR, None),
    ("google_books", 200, google(503, "backendFailed", "Service temporarily unavailable."), (), DOWN, None),
    ("google_books", 200, google(400, "badRequest", "API key not valid."), (), KEY, None),
    ("google_books", 200, {"error": "something else"}, (), DOWN, None),
    ("google_books", 403, "<html><title>Web filter</title>This site is blocked</html>", (), DOWN, None),
    ("open_library", 403, "<html><title>Access denied by the proxy server</title></html>", (), DOWN, None),
    ("internet_archive", 200, {"error": "unable to reach the backend"}, (), DOWN, None),
    ("internet_archive", 200, "<html>The search engine was unresponsive</html>", (), DOWN, None),
    ("wikidata", 407, "", (), DOWN, None),
    ("open_library", 429, "", ("X-Served-By: caf\xe9", "Retry-After: \u0663\u0660"), LIMIT, None),
]  # fmt: skip


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
    assert isinstance(error, meaning), error
    assert "canary" not in f"{error.message} {error.hint}"
    assert len(limits.pauses) == (meaning in {LIMIT, POOR, DAY} or wait is not None)
    if wait is not None:
        assert [seconds for _, seconds, _ in limits.pauses] == [pytest.approx(wait, abs=2)]
    if meaning in {LIMIT, DOWN}:
        assert error.retry_after == (wait if wait is None else pytest.approx(wait, abs=1))
    if meaning is DAY:
        assert error.until - datetime.now(UTC) <= timedelta(days=1, hours=1)
