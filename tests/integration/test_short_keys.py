"""Keys and secrets of 1 to 7 characters, as local servers take them: a month runs, and each log line stays whole."""

import contextlib
import json
import re
import subprocess
import sys
import time

import httpx2
import psycopg
import pytest

from alexandria.cli.runtime.demo import _environment
from alexandria.sandbox.parts import provider_names
from tests.support.forked import ForkedChild

pytestmark = pytest.mark.long
DEADLINE = 150.0  # seconds for what is waited for
SANDBOX = """
import json, sys
from alexandria.sandbox import SandboxSettings, serve
from tests.support.forked import ForkedChild

keys, rates = json.loads(sys.argv[1])
serve(SandboxSettings(keys=keys, rates=rates, latency_scale=0.02), 0, announce=lambda url: print(url, flush=True))
"""
KEYED = ("gemini", "xai", "isbndb", "google_books")
SECRETS = {
    "single letters": ("g", "x", "i", "o", "s"),
    "dummies and words of the log": ("none", "EMPTY", "test", "gemini", "info"),
    "seven": ("qZ7cana", "qZ7canb", "qZ7canc", "qZ7cand", "qZ7cane"),
}
EVENTS = re.compile(r"[a-z][a-z ,']+")


@contextlib.contextmanager
def sandbox(keys):
    rates = dict.fromkeys(provider_names(), 1000.0)
    command = [sys.executable, "-c", SANDBOX, json.dumps([keys, rates])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        assert running.stdout is not None
        try:
            yield running.stdout.readline().strip()
        finally:
            running.kill()


@pytest.mark.parametrize("kind", SECRETS)
def test_a_month_runs_and_every_line_is_whole(database_url, tmp_path, kind):
    *values, secret = SECRETS[kind]
    keys = dict(zip(KEYED, values, strict=True))
    with sandbox(keys) as provider:
        environment = _environment(tmp_path) | {
            "DATABASE_URL": database_url,
            "ALEXANDRIA_WEBHOOK_SECRET": secret,
            "ALEXANDRIA_WEBHOOK_SECRET_PREVIOUS": values[0],
            "ALEXANDRIA_ALARM_SECRET": values[1],
            "ALEXANDRIA_LOG_FORMAT": "json",
            "ALEXANDRIA_CONTACT": "tests@example.org",
            "ALEXANDRIA_POLICY": "exact",
            "OPENAI_LOG": "debug",
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={values[2]}",
            **{f"{name.upper()}_API_KEY": key for name, key in keys.items()},
            **{f"ALEXANDRIA_{name.upper()}_BASE_URL": f"{provider}/{name}" for name in provider_names()},
            **{f"ALEXANDRIA_{name.upper()}_RATE": "100" for name in provider_names()},
        }
        httpx2.post(
            f"{provider}/__sandbox/faults", content="isbndb/books:isbndb_401=0.2,xai:429_no_hint@1", trust_env=False
        )
        with ForkedChild("up", "-v", "--port", "0", folder=tmp_path, environment=environment) as served:
            with httpx2.Client(base_url=served.url(), headers={"X-Cron-Secret": secret}, trust_env=False) as api:
                api.post("/api/internal/seed-backfill-queue", json={"year_start": 2023, "year_end": 2023})
                with psycopg.connect(database_url, autocommit=True) as connection:
                    connection.execute("UPDATE backfill_log SET batch_size = 4")
                assert api.post("/api/internal/schedule-backfill", json={"batch_size": 1}).status_code == 200
                until_done(database_url)
            served.check()
    written = "".join(path.read_text(errors="replace") for path in tmp_path.rglob("*.log"))
    whole = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    assert {"plan read", "completed"} <= {line["event"] for line in whole}
    for line in whole:
        assert line["level"] in {"debug", "info", "warning", "error"}, line
        assert "logger" in line or EVENTS.fullmatch(line["event"]), line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["timestamp"]), line
        assert line.get("provider", "xai") in provider_names(), line
    assert "unexpected" not in written
    assert "Traceback" not in written
    if kind == "seven":
        with psycopg.connect(database_url) as connection:
            stored = str(connection.execute("SELECT journal::text FROM journal").fetchall())
        assert "qZ7can" not in written + stored


def until_done(url):
    end = time.monotonic() + DEADLINE
    while True:
        with psycopg.connect(url) as connection:
            found = connection.execute("SELECT status, error_message FROM backfill_log WHERE completed_at IS NOT NULL")
            rows = found.fetchall()
        if rows:
            assert rows[0][0] == "completed", rows
            return
        assert time.monotonic() < end
        time.sleep(0.05)
