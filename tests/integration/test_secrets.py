"""Canaries for every secret, in all places a secret can come from: the real system is run through all that can go wrong,
and nothing that it writes anywhere holds a canary."""

import contextlib
import io
import json
import os
import stat
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any
from unittest import mock

import httpx2
import psycopg
import pytest
import structlog

from alexandria.cli import main as cli
from alexandria.cli.runtime.demo import _environment
from alexandria.sandbox.parts import provider_names
from tests.support.forked import ForkedChild

pytestmark = pytest.mark.long

DEADLINE = 150.0  # seconds for what is waited for
CANARY = f"canary{uuid.uuid4().hex}"
KEYS = {name: f"{CANARY}{name}" for name in ("gemini", "xai", "isbndb", "google_books")}
SANDBOX = """
import json, sys
from alexandria.sandbox import SandboxSettings, serve
keys, rates = json.loads(sys.argv[1])
serve(SandboxSettings(keys=keys, rates=rates, latency_scale=0.02), 0, announce=lambda url: print(url, flush=True))
"""
FAULTS = [  # each month meets another plague
    "*:500_internal=0.2,*:reset_mid_body=0.2,*:html_200=0.1,*:429_seconds=0.1",
    "isbndb:isbndb_401,google_books:gb_keyless_429=0.5,open_library:ol_403_ua,wikidata:wdqs_ban_403,xai:html_200",
    "isbndb:isbndb_403_wrong_host,google_books:gb_403_daily,gemini:429_no_credit,*:slow_body=0.1",
]
COMMANDS = [
    ["config"], ["doctor"], ["status"], ["months"], ["month", "2023-12"], ["quota"], ["logs"], ["enrich"], ["migrate", "--check"],
    ["retry", "--failed", "-n"], ["pause", "-n"], ["resume"], ["schedule", "-n"],
    ["month", CANARY], ["schedule", "--years", "x"],
]  # fmt: skip
RESOLVE = ["resolve", "--title", "Fourth Wing", "--author", "Rebecca Yarros", "--sources", "google_books"]
GETS = ["/metrics", "/docs", "/openapi.json", "/health/live", "/health/ready", "/api/quota/status", "/nothing",
        "/api/internal/backfill-stats", "/api/internal/months", "/api/internal/months/2023-12", "/api/internal/jobs/1"]  # fmt: skip


class Scene:
    """The system as processes, and everything that it wrote."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.url = database_url.replace("?", f"?password={CANARY}db&", 1)
        self.plain_url = database_url
        self.written: dict[str, str] = {}

    def environment(self, sandbox: str) -> dict[str, str]:
        """Half of the secrets here, the other half in files."""
        secrets = self.folder / "secrets"
        secrets.mkdir(mode=0o700)
        for name, value in {
            "isbndb_api_key": KEYS["isbndb"],
            "GEMINI_API_KEY": KEYS["gemini"],
            "alexandria_webhook_secret": f"{CANARY}webhook",
            "ALEXANDRIA_ALARM_SECRET": f"{CANARY}alarm",
        }.items():
            (secrets / name).touch(mode=0o600)
            (secrets / name).write_text(value)
        return _environment(self.folder) | {
            "DATABASE_URL": self.url,
            "XAI_API_KEY": KEYS["xai"],
            "GOOGLE_BOOKS_API_KEY": KEYS["google_books"],
            "ALEXANDRIA_WEBHOOK_SECRET_PREVIOUS": f"{CANARY}previous",
            "ALEXANDRIA_ALARM_URL": f"{sandbox}/{CANARY}token?key={CANARY}token",
            "ALEXANDRIA_CONTACT": "tests@example.org",
            "ALEXANDRIA_POLICY": "exact",
            "OPENAI_LOG": "debug",
            **{f"ALEXANDRIA_{name.upper()}_BASE_URL": f"{sandbox}/{name}" for name in provider_names()},
            **{f"ALEXANDRIA_{name.upper()}_RATE": "100" for name in provider_names()},
            **{f"ALEXANDRIA_{name.upper()}_TIMEOUT": "1" for name in provider_names()},
        }

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.plain_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def until_quiet(self) -> None:
        """Until no month is in work."""
        end = time.monotonic() + DEADLINE
        while self.sql("SELECT 1 FROM backfill_log WHERE status = 'processing'"):
            assert time.monotonic() < end, self.sql("SELECT year, month, status, error_message FROM backfill_log")
            time.sleep(0.05)

    def rows(self) -> str:
        """Every row of every table."""
        tables = self.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'alexandria'")
        return "\n".join(str(row) for (table,) in tables for row in self.sql(f"SELECT t::text FROM {table} AS t"))


@contextlib.contextmanager
def sandbox():
    rates = dict.fromkeys(provider_names(), 1000.0)
    command = [sys.executable, "-c", SANDBOX, json.dumps([KEYS, rates])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        assert running.stdout is not None
        try:
            yield running.stdout.readline().strip()
        finally:
            running.kill()


@pytest.fixture(scope="module")
def scene(shared_database_url, tmp_path_factory):
    """The whole performance; the tests look at what is left of it."""
    scene = Scene(tmp_path_factory.mktemp("scene"), shared_database_url)
    with contextlib.ExitStack() as stack:
        there = stack.enter_context(contextlib.ExitStack())
        provider = there.enter_context(sandbox())
        environment = scene.environment(provider)
        # Enough for an alarm, which is sent at the API's next check.
        scene.sql("INSERT INTO backfill_log (year, month, status) SELECT 2022, generate_series(1, 6), 'failed'")
        served = stack.enter_context(
            ForkedChild("up", "-v", "--port", "0", folder=scene.folder, environment=environment)
        )
        api = stack.enter_context(
            httpx2.Client(
                base_url=served.url(), headers={"X-Cron-Secret": f"{CANARY}webhook"}, timeout=20, trust_env=False
            )
        )
        api.post("/api/internal/seed-backfill-queue", json={"year_start": 2023, "year_end": 2023})
        scene.sql("UPDATE backfill_log SET batch_size = 4")
        for faults in FAULTS:
            httpx2.post(f"{provider}/__sandbox/faults", content=faults, trust_env=False)
            api.post("/api/internal/schedule-backfill", json={"batch_size": 1})
            scene.until_quiet()
        for act in ("pause", "resume"):
            api.post(f"/api/internal/{act}", json={})
        scene.written["resolved"] = run(["-v", *RESOLVE], environment)
        there.close()  # from now on every connection is refused
        api.post("/api/internal/schedule-backfill", json={"batch_size": 1})
        scene.until_quiet()
        for command in COMMANDS:
            scene.written[f"{command}"] = run(["-v", *command], environment)
            scene.written[f"{command} as JSON"] = run(["--json", *command], environment)
        for path in GETS:
            for secret in (f"{CANARY}webhook", f"{CANARY}previous", f"{CANARY}wrong"):
                response = api.get(path, headers={"X-Cron-Secret": secret})
                scene.written[f"{path} {secret.removeprefix(CANARY)}"] = f"{response.headers} {response.text}"
        served.check()
    scene.written["rows"] = scene.rows()
    for file in scene.folder.rglob("*"):
        if file.is_file() and file.parent.name != "secrets":
            scene.written[str(file)] = file.read_text(errors="replace")
    return scene


def run(arguments: list[str], environment: dict[str, str]) -> str:
    """What a command prints, run in this process, where it starts at once."""
    printed = io.StringIO()
    hook = sys.excepthook
    with (
        mock.patch.dict(os.environ, environment, clear=True),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
    ):
        code = cli.main(arguments)
    sys.excepthook = hook
    structlog.reset_defaults()
    return f"{code} {printed.getvalue()}"


def test_the_performance_was_worth_watching(scene):
    """What it is to prove that nothing leaks has happened: calls, refusals, failures, logs, an incident, a resolution."""
    statuses = {status for (status,) in scene.sql("SELECT DISTINCT status FROM call")}
    assert {200, 401, 403, 429, 500} <= statuses
    assert scene.sql("SELECT 1 FROM call WHERE error <> ''")
    providers = {name for (name,) in scene.sql("SELECT DISTINCT provider FROM call WHERE status = 200")}
    assert {"gemini", "xai", "isbndb", "google_books"} <= providers
    for table in ("attempt", "answer", "audit", "lane", "quota", "incident", "notice", "candidate", "journal"):
        assert scene.sql(f"SELECT 1 FROM {table} LIMIT 1"), table
    assert any("attempt ended" in text for name, text in scene.written.items() if name.endswith("up.log"))
    assert "alexandria_months" in scene.written["/metrics webhook"]


def test_no_canary_is_written_anywhere(scene):
    """But where the test itself put one: it asked for a month of that name."""
    found = {name: text.count(CANARY) for name, text in scene.written.items() if CANARY in text}
    expected = {name for name in found if CANARY in name}
    assert set(found) == expected
    assert all(f"{CANARY}db" not in scene.written[name] for name in expected)


def test_the_routes_of_calls_hold_no_query(scene):
    """Google's key travels in one."""
    assert scene.sql("SELECT count(*) FROM call WHERE route LIKE '%?%' OR route LIKE '%key=%'") == [(0,)]


def test_the_embedded_servers_files_are_its_owners_alone(server):
    """All that it keeps; the folders on the way may be passed through, for root's server runs under another account."""
    loose = {
        str(path): stat.filemode(path.lstat().st_mode)
        for path in (server._folder / "postgresql").resolve().rglob("*")
        if path.lstat().st_mode & (0o066 if path.is_dir() else 0o077) and not (path.is_symlink() or path.is_socket())
    }
    assert loose == {}
