"""Providers that quote our key in everything they answer: it is stored nowhere, and no page, log or metric has it."""

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import httpx2
import psycopg
import pytest

from alexandria.cli.runtime.demo import _environment
from alexandria.sandbox.parts import provider_names
from tests.support.forked import ForkedChild

pytestmark = pytest.mark.long

DEADLINE = 150.0  # seconds for what is waited for
KEYED = ("gemini", "xai", "isbndb", "google_books")
BOOKS = json.dumps({"books": [{"title": "Sample Novel", "author": "Ann Author", "year": 2023}]})
QUOTES = "wrong key {0}; Authorization: Bearer {0}; https://{0}@far.test/v1?key={0}&x=1 '{0}' ({0}) x-goog-api-key: {0}"


def answers(provider, key, number):
    """The status and the body of an answer that quotes the key; each request of a provider gets the next kind."""
    said = QUOTES.format(key)
    error = {"error": {"message": said, "code": 400, "status": "X", "details": [{"reason": said}]}, "message": said}
    kinds = [(401, error), (403, {"code": said, "error": said}), (429, error), (500, error), (200, error), (200, f"<title>{said}</title>"),
             (400, f"<html><title>{said}</title>"), (403, said), (302, error)]  # fmt: skip
    if provider == "xai" and number > 2:
        message = {"role": "assistant", "content": f"{BOOKS}\n{said if len(key) > 7 else ''}", "note": said}
        return 200, {
            "id": said,
            "model": said,
            "choices": [{"message": message, "finish_reason": "stop"}],
            "debug": said,
        }
    return kinds[number % len(kinds)]


class Echo(BaseHTTPRequestHandler):
    """Quotes the key of a request in its answer, in the body and in the headers."""

    keys: ClassVar[dict[str, str]] = {}
    counts: ClassVar[dict[str, int]] = {}

    def do_GET(self):
        provider = self.path.split("/")[1]
        self.rfile.read(int(self.headers.get("content-length", 0)))
        number = self.counts[provider] = self.counts.get(provider, -1) + 1
        key = self.keys.get(provider, "none")
        status, body = answers(provider, key, number)
        sent = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status, f"no {key}")
        for name, value in (
            ("Content-Length", len(sent)),
            ("X-Echo", key),
            ("Location", f"https://{key}.test/?key={key}"),
        ):
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(sent)

    def do_POST(self):
        self.do_GET()

    def log_message(self, *_):
        return


@contextlib.contextmanager
def echoing(keys):
    Echo.keys, Echo.counts = keys, {}
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


@pytest.mark.parametrize("length", [5, 24])
def test_a_key_that_providers_quote_is_nowhere(database_url, tmp_path, length):
    keys = {name: f"{letter}qZ7canaryOfTheWholeKey99"[:length] for name, letter in zip(KEYED, "gxio", strict=True)}
    with echoing(keys) as provider:
        environment = _environment(tmp_path) | {
            "DATABASE_URL": database_url,
            "ALEXANDRIA_WEBHOOK_SECRET": "a-secret-of-the-door-0123456789",
            "ALEXANDRIA_LOG_FORMAT": "json",
            "ALEXANDRIA_CONTACT": "tests@example.org",
            "ALEXANDRIA_POLICY": "exact",
            "OPENAI_LOG": "debug",
            **{f"{name.upper()}_API_KEY": key for name, key in keys.items()},
            **{f"ALEXANDRIA_{name.upper()}_BASE_URL": f"{provider}/{name}" for name in provider_names()},
            **{f"ALEXANDRIA_{name.upper()}_RATE": "100" for name in provider_names()},
        }
        with ForkedChild("up", "-v", "--port", "0", folder=tmp_path, environment=environment) as served:
            with httpx2.Client(
                base_url=served.url(), headers={"X-Cron-Secret": "a-secret-of-the-door-0123456789"}, trust_env=False
            ) as api:
                api.post("/api/internal/seed-backfill-queue", json={"year_start": 2023, "year_end": 2023})
                assert api.post("/api/internal/schedule-backfill", json={"batch_size": 4}).status_code == 200
                wait_for(lambda: ended(database_url) >= 4)
                pages = ["/metrics", "/health/ready", "/api/internal/backfill-stats", "/", "/months"]
                seen = {path: api.get(path, follow_redirects=True).text for path in pages}
            served.check()
            assert "alexandria_months" in seen["/metrics"]
    seen["log"] = "".join(path.read_text(errors="replace") for path in tmp_path.rglob("*.log"))
    seen |= tables(database_url)
    assert "[secret]" in seen["log"]
    assert "Sample Novel" in next(text for name, text in seen.items() if name.endswith("answer"))
    for key in keys.values():
        assert {place: text[max(text.find(key) - 80, 0) :][:200] for place, text in seen.items() if key in text} == {}


def tables(url):
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables"
            " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        return {name: str(connection.execute(f"SELECT t::text FROM {name} AS t").fetchall()) for (name,) in names}


def ended(url):
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM attempt WHERE ended_at IS NOT NULL").fetchone()
    assert row is not None
    return row[0]


def wait_for(met):
    end = time.monotonic() + DEADLINE
    while not met():
        assert time.monotonic() < end
        time.sleep(0.1)
