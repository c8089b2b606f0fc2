"""Commands as processes of their own: `up`, `serve`, `work` and `status --watch`, their signals and exit codes."""

import json
import signal
import socket
import time

import httpx2

from tests.support.commands import process


def test_status_watch_exits_with_130_on_sigint(database_url, alexandria):
    """Without a terminal it prints a line at a time."""
    alexandria("seed", "2022..2023")
    with process(database_url, "status", "--watch") as watching:
        assert "0/24 done, 0 failed, 0 processing" in watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        assert watching.wait(30) == 130


def test_up_needs_a_secret_and_migrations_in_production(alexandria, asked, empty_database_url, monkeypatch):
    """With DATABASE_URL set, `up` creates no secret and never migrates."""
    code, answer = asked("up", "--port", "0")
    assert (code, answer["error"]["code"]) == (2, "misconfigured")
    assert "ALEXANDRIA_WEBHOOK_SECRET" in answer["error"]["message"]
    monkeypatch.setenv("ALEXANDRIA_WEBHOOK_SECRET", "canary-secret")
    code, answer = asked("up", "--port", "0", url=empty_database_url)
    assert (code, answer["error"]["code"]) == (6, "not_migrated")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, err = alexandria("serve", "--port", str(taken.getsockname()[1]))
    assert code == 2
    assert "cannot listen" in err


def test_up_runs_api_and_worker_until_sigterm(database_url, asked):
    """It prints its URL in one line; the API answers, a worker has a heartbeat, and SIGTERM ends both with 0."""
    asked("seed", "2023")
    with process(database_url, "up", "--port", "0", "--json", ALEXANDRIA_WEBHOOK_SECRET="canary-secret") as up:
        url = json.loads(up.stdout.readline())["data"]["url"]
        with httpx2.Client(base_url=url, trust_env=False) as client:
            assert client.get("/health/live").status_code == 200
            stats = client.get("/api/internal/backfill-stats", headers={"X-Cron-Secret": "canary-secret"})
            assert stats.json()["total_months"] == 12
            while "alexandria_worker_loops 1.0" not in (shown := client.get("/metrics").text):
                time.sleep(0.1)
            assert "alexandria_workers 1.0" in shown
            assert client.get("/health/ready").json()["workers"] == 1
        up.send_signal(signal.SIGTERM)
        assert up.wait(30) == 0
        assert "canary" not in up.stderr.read()


def test_serve_exits_with_130_on_ctrl_c(database_url):
    with process(database_url, "serve", "--port", "0", "--json", ALEXANDRIA_WEBHOOK_SECRET="canary-secret") as serve:
        assert json.loads(serve.stdout.readline())["ok"]
        serve.send_signal(signal.SIGINT)
        assert serve.wait(30) == 130


def test_a_stopped_worker_hands_over_its_month(database_url, asked, sql):
    """SIGTERM during a model's answer: no attempt is lost, another worker continues, and the process exits with 0."""
    asked("seed", "2023")
    asked("schedule", "--batch-size", "1")
    with socket.create_server(("127.0.0.1", 0)) as model:
        model.settimeout(60)
        base = f"http://127.0.0.1:{model.getsockname()[1]}"
        environment = {
            "ALEXANDRIA_GENERATORS": "gemini:any",
            "GEMINI_API_KEY": "canary",
            "ALEXANDRIA_GEMINI_BASE_URL": base,
        }
        with process(database_url, "work", "--concurrency", "1", **environment) as work:
            asking, _ = model.accept()
            with asking:
                work.send_signal(signal.SIGTERM)
                assert work.wait(30) == 0
    month = asked("month", "2023-12")[1]["data"]
    assert (month["status"], month["retry_count"]) == ("retry", 0)
    assert "another takes over" in month["blocked_reason"]
    assert [attempt["outcome"] for attempt in month["attempts"]] == ["snoozed"]
