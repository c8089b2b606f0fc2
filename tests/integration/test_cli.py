"""The commands on a real database: what they print, what they change, and their exit codes."""

import http.server
import re
import socket
import threading
import time

import httpx2
import psycopg
import pytest

from alexandria.cli.runtime import demo
from alexandria.core.provider_facts import key_settings
from alexandria.operations import quota_schemas, schemas
from alexandria.operations.stats_schemas import StatsAnswer
from alexandria.sandbox.parts import provider_names
from tests.support.ports import free_port


@pytest.fixture
def sql(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield lambda statement, *values: connection.execute(statement, values or None)


def test_exit_code_6_for_a_database_that_is_not_migrated(alexandria, asked, empty_database_url):
    """Every command reports it; migrate lists the pending migrations, applies them, and then has nothing to do."""
    for command in (["status"], ["seed"], ["schedule", "-n"], ["months"], ["month", "2023-11"], ["quota"], ["work"]):
        code, out, err = alexandria(*command, url=empty_database_url)
        assert (code, out) == (6, ""), command
        assert "this database is empty (no schema yet)" in err
        assert "alexandria migrate" in err
    code, answer = asked("status", url=empty_database_url)
    assert (code, answer["ok"], answer["error"]["code"]) == (6, False, "not_migrated")

    code, answer = asked("migrate", "--check", url=empty_database_url)
    assert code == 6
    assert answer["data"]["missing"][0] == "0001_queue"
    code, again = asked("migrate", "-n", url=empty_database_url)
    assert (code, again) == (0, answer)
    code, out, _ = alexandria("migrate", url=empty_database_url)
    assert (code, out.split()) == (0, answer["data"]["missing"])
    assert alexandria("migrate", url=empty_database_url)[2].strip() == "already up to date"
    assert asked("migrate", "--check", url=empty_database_url) == (0, {"ok": True, "data": {"missing": []}})
    assert asked("migrate", url=empty_database_url) == (0, {"ok": True, "data": {"applied": [], "notes": []}})


@pytest.mark.parametrize("command", [["status"], ["migrate"], ["migrate", "--check"], ["seed"], ["work"]], ids=" ".join)
def test_exit_code_6_for_a_database_that_does_not_answer(command, alexandria, asked):
    url = f"postgresql://someone:canary-password@127.0.0.1:{free_port()}/nothing"
    code, out, err = alexandria(*command, url=url)
    assert (code, out) == (6, "")
    assert err.startswith("error: PostgreSQL does not answer")
    assert "canary" not in err
    assert asked(*command, url=url)[1]["error"]["code"] == "database_unavailable"


@pytest.mark.parametrize("url", ["nonsense", "postgresql://someone:canary@[bad/x", "canary://somewhere"])
def test_exit_code_2_for_an_unreadable_database_url(url, alexandria, asked):
    code, out, err = alexandria("status", url=url)
    assert (code, out) == (2, "")
    assert "postgresql://user:password@host" in err
    assert "canary" not in err
    code, answer = asked("doctor", url=url)
    assert code == 1
    assert any(check["name"] == "database" and not check["ok"] for check in answer["data"])


def test_seed_adds_the_missing_months(asked, alexandria):
    """The dry run predicts what the real run does, and changes nothing."""
    assert asked("seed", "2022..2023", "-n")[1]["data"]["months_seeded"] == 24
    assert asked("seed", "2022..2023", "--dry-run")[1]["data"]["months_seeded"] == 24
    assert asked("seed", "2022")[1]["data"]["months_seeded"] == 12
    assert asked("seed", "2022..2023", "-n")[1]["data"]["months_seeded"] == 12
    code, out, err = alexandria("seed", "2022..2023")
    assert code == 0
    assert "12 months added, 12 already there" in out
    assert "next: alexandria schedule" in err
    assert asked("seed", "2022..2023")[1]["data"]["months_seeded"] == 0
    assert asked("months")[1]["data"]["total"] == 24


def test_schedule_takes_the_months_that_the_dry_run_listed(asked, alexandria, sql):
    """Newest first, within the years, in either order; failed months only on request, with the operator in the audit."""
    asked("seed", "2022..2023")
    code, out, err = alexandria("schedule", "-n", "--batch-size", "2", "--years", "2022..2023")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["2023-12", "2023-11"]
    assert "next:" in err
    code, dry = asked("schedule", "-n", "--batch-size", "2", "--years", "2023..2022")
    assert code == 0
    code, live = asked("schedule", "--batch-size", "2", "--years", "2022..2023")
    assert code == 0
    assert live["data"]["plan"] == dry["data"]["plan"]
    assert [(m["year"], m["month"], m["status"]) for m in live["data"]["months"]] == [
        (2023, 12, "processing"),
        (2023, 11, "processing"),
    ]
    assert all(month["job_id"] for month in live["data"]["months"])
    assert live["data"]["execution_summary"] == {"triggered": 2, "skipped": 0, "errors": 0}
    assert schemas.ScheduleAnswer.model_validate(live["data"]).total_processing == 2

    sql("UPDATE backfill_log SET status = 'failed', error_message = 'canary' WHERE year = 2022")
    code, out, err = alexandria("schedule", "--years", "2022")
    assert (code, out) == (3, "")
    assert "no month can be scheduled" in err
    code, forced = asked("schedule", "--years", "2022", "--force-retry", "--batch-size", "1")
    assert (code, forced["data"]["months_selected"]) == (0, 1)
    assert sql("SELECT who FROM audit").fetchone()[0].startswith("cli ")


def test_status_shows_counters_and_every_month(asked, alexandria, sql):
    """A grid with the newest year first: glyphs, and the share resolved where a month is done."""
    code, out, _ = alexandria("status")
    assert (code, out) == (0, "no month is seeded; next: alexandria seed 2000..2024\n")
    asked("seed", "2022..2023")
    sql("UPDATE backfill_log SET status = 'completed', started_at = now(), books_generated = 20, isbns_resolved = 19,"
        " resolution_rate = 95 WHERE year = 2023 AND month = 11")  # fmt: skip
    sql("UPDATE backfill_log SET status = 'failed', error_message = 'no key' WHERE year = 2023 AND month = 12")
    sql("UPDATE backfill_log SET status = 'retry', error_message = 'down' WHERE year = 2023 AND month = 10")
    sql("UPDATE backfill_log SET status = 'retry', blocked_reason = 'quota' WHERE year = 2023 AND month = 9")
    code, out, _ = alexandria("status")
    assert code == 0
    lines = out.splitlines()
    assert lines[1].split() == ["2023", *"········", "‖", "↻", "✓", "95", "✕", "1/12"]
    assert lines[2].split() == ["2022", *"············", "0/12"]
    assert "✓ 1 completed" in out
    assert "‖ 1 blocked" in out
    assert "20 books named, 19 with an ISBN (95.00 %)" in out
    assert "\x1b" not in out
    code, answer = asked("status")
    assert code == 0
    stats = StatsAnswer.model_validate(answer["data"])
    assert (stats.total_months, stats.by_status.retry, stats.progress.overall_resolution_rate) == (24, 2, 95)


def test_months_are_listed_by_status_year_and_reason(asked, alexandria, sql):
    asked("seed", "2022..2023")
    sql(
        "UPDATE backfill_log SET status = 'failed', error_message = 'no key', error_code = 'key_missing' WHERE month = 12"
    )
    assert [m["year"] for m in asked("months", "--status", "failed")[1]["data"]["months"]] == [2023, 2022]
    assert asked("months", "--reason", "key_missing", "--year", "2022")[1]["data"]["total"] == 1
    code, out, _ = alexandria("months", "--year", "2023", "--status", "failed")
    assert code == 0
    assert out.splitlines()[1].startswith("2023-12  ✕ failed")
    assert out.splitlines()[1].endswith("no key")
    code, out, err = alexandria("months", "--status", "completed")
    assert (code, out) == (3, "")
    assert "no month matches" in err
    assert asked("months", "--status", "completed") == (3, {"ok": True, "data": {"total": 0, "months": []}})


def test_month_shows_attempts_books_and_calls(asked, alexandria):
    asked("seed", "2023")
    asked("schedule", "--batch-size", "1")
    code, answer = asked("month", "2023-12")
    assert code == 0
    month = schemas.MonthAnswer.model_validate(answer["data"])
    assert (month.status, len(month.attempts), month.candidates) == ("processing", 1, [])
    code, out, _ = alexandria("month", "2023-12")
    assert code == 0
    assert "Attempts" in out
    code, answer = asked("month", "1999-01")
    assert (code, answer["ok"], answer["error"]["code"]) == (3, False, "not_found")


def test_quota_shows_the_day_of_every_provider(asked, alexandria):
    """Also before a worker has run, and without changing the stored rates."""
    code, answer = asked("quota")
    assert code == 0
    quota = quota_schemas.QuotaStatus.model_validate(answer["data"])
    assert (quota.daily_limit, quota.safety_limit, quota.used, quota.can_make_calls) == (15000, 13000, 0, True)
    code, out, _ = alexandria("quota")
    assert code == 0
    assert {line.split()[0] for line in out.splitlines()[1:]} == set(quota.providers)


def test_viewing_does_not_change_the_rate(asked, monkeypatch):
    """A reader's settings may differ from those of the workers."""
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_RATE", "2.5")
    asked("quota")
    monkeypatch.delenv("ALEXANDRIA_ISBNDB_RATE")
    asked("status")
    assert asked("quota")[1]["data"]["providers"]["isbndb"]["rate"] == 2.5


def test_config_masks_secrets_and_names_origins(asked, alexandria, monkeypatch):
    monkeypatch.setenv("XAI_API_KEY", "canary-key")
    code, answer = asked("config")
    assert code == 0
    found = {each["name"]: (each["value"], each["origin"]) for each in answer["data"]}
    assert found["XAI_API_KEY"] == ("********", "environment")
    assert found["DATABASE_URL"] == ("********", "command line")
    assert found["ALEXANDRIA_CONCURRENCY"] == ("12", "default")
    code, out, err = alexandria("config")
    assert code == 0
    assert "canary" not in out + err


class Quiet(http.server.BaseHTTPRequestHandler):
    """A provider that can be reached and refuses every request."""

    def do_HEAD(self):  # the library's name
        self.send_response(401)
        self.end_headers()

    def log_message(self, *_):
        """Log no requests."""


@pytest.fixture
def provider():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_doctor_finds_what_is_wrong_and_names_the_fix(asked, alexandria, provider, monkeypatch, sql):
    """Exit code 0 if every check passes; else 1, with a line and a fix for each problem."""
    for name in provider_names():
        monkeypatch.setenv(f"ALEXANDRIA_{name}_BASE_URL".upper(), provider)
        if name in key_settings():
            monkeypatch.setenv(key_settings()[name], "canary-key")
    sql("INSERT INTO procrastinate_workers DEFAULT VALUES")
    code, answer = asked("doctor")
    assert (code, [check for check in answer["data"] if not check["ok"]]) == (0, [])
    assert {"database", "migrations", "worker", "clock", "disk"} <= {check["name"] for check in answer["data"]}

    monkeypatch.delenv("ISBNDB_API_KEY")
    monkeypatch.setenv("ALEXANDRIA_OPEN_LIBRARY_BASE_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("ALEXANDRIA_POLICI", "exact")
    sql("DELETE FROM procrastinate_workers")
    code, answer = asked("doctor")
    failing = {check["name"]: check["cure"] for check in answer["data"] if not check["ok"]}
    assert code == 1
    assert set(failing) == {"worker", "key isbndb", "setting ALEXANDRIA_POLICI", "reach open_library"}
    assert "ALEXANDRIA_POLICY" in failing["setting ALEXANDRIA_POLICI"]
    assert "alexandria work" in failing["worker"]
    assert "ISBNDB_API_KEY" in failing["key isbndb"]
    assert "ALEXANDRIA_OPEN_LIBRARY_BASE_URL" in failing["reach open_library"]
    code, out, err = alexandria("doctor")
    assert code == 1
    assert "fix: start one: alexandria work" in out
    assert "canary" not in out + err


def test_doctor_does_not_wait_for_a_silent_database(asked, provider, monkeypatch):
    """A host that accepts the connection and sends nothing: one failed check, within ten seconds."""
    for name in provider_names():
        monkeypatch.setenv(f"ALEXANDRIA_{name}_BASE_URL".upper(), provider)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        code, answer = asked("doctor", url=f"postgresql://someone@127.0.0.1:{silent.getsockname()[1]}/nothing")
    assert time.monotonic() - began < 10
    assert code == 1
    assert [check["ok"] for check in answer["data"] if check["name"] == "database"] == [False]


def test_resolve_shows_one_book_with_its_evidence(asked, alexandria, sandbox_url, monkeypatch):
    """Exit code 0 if found, 3 if not; it may use the reserve when months may use no more of the quota."""
    for name, value in demo._sandboxed(sandbox_url).items():
        monkeypatch.setenv(name, value)
    code, answer = asked("resolve", "--title", "Orbital", "--author", "Samantha Harvey", "--year", "2023")
    assert code == 0
    found = answer["data"]
    truth = httpx2.get(
        f"{sandbox_url}/__sandbox/truth", params={"title": "Orbital", "author": "Samantha Harvey"}
    ).json()
    assert found["isbn13"] in truth["isbns"] + [variant["isbn13"] for variant in truth["variants"]]
    assert any(hit["verdict"] == "accept" and hit["isbn13"] == found["isbn13"] for hit in found["evidence"])

    code, out, _ = alexandria("resolve", "--title", "The Unwritten Almanac of Nowhere", "--author", "Nemo Nobody")
    assert code == 3
    assert out.startswith("no ISBN")

    monkeypatch.setenv("ALEXANDRIA_ISBNDB_DAILY_LIMIT", "5")
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_DAILY_RESERVE", "5")
    code, answer = asked("resolve", "--title", "Orbital", "--author", "Samantha Harvey", "--sources", "isbndb")
    assert (code, answer["data"]["source"]) == (0, "isbndb")
    code, answer = asked("resolve", "--title", "Orbital", "--author", "Samantha Harvey", "--sources", "almanac")
    assert (code, answer["error"]["code"]) == (2, "misconfigured")


def test_status_names_the_next_step_and_the_expected_end(alexandria):
    """With nothing scheduled, then with a rollout, then with a pause."""
    alexandria("seed", "2000..2024")
    _, out, _ = alexandria("status")
    assert "Idle: 300 months not scheduled. Start some: alexandria schedule; no rollout; no worker is running; " in out
    assert out.splitlines()[-1] == "Not scheduled: 300 months to schedule"
    alexandria("rollout", "start")
    _, out, _ = alexandria("status")
    first, last = out.splitlines()[-2:]
    assert first.startswith("Rollout: phase 1 of 3, Validation: ")
    assert re.match(r"ETA \d+ \w+ to \d+ \w+: ", last)
    alexandria("pause", "--reason", "a look")
    _, out, _ = alexandria("status")
    assert "Paused: by cli" in out
    assert "a look" in out
    assert "next: a person resumes the run" in out
    assert out.splitlines()[-1].startswith("Paused: ")
    assert alexandria("month", "1998-01")[2].splitlines()[1].startswith("  add its year: alexandria seed 1998")


def test_work_until_idle_exits_without_work(alexandria):
    code, out, _ = alexandria("work", "--until-idle")
    assert (code, out) == (0, "")


def test_pause_and_resume_report_and_change_the_pause(asked, alexandria, sql):
    """Their dry runs describe the change; during a pause schedule exits with 5, and status shows who paused and why."""
    asked("seed", "2023")
    code, answer = asked("pause", "-n")
    assert (code, answer["data"]) == (0, {"dry_run": True, "months_finishing": 0})
    assert asked("status")[1]["data"]["paused"] is None
    code, out, err = alexandria("pause", "--minutes", "30", "--reason", "moving house")
    assert code == 0
    assert out.startswith("paused by cli ")
    assert out.rstrip().endswith("UTC: moving house; 0 months still finishing")
    assert "alexandria resume" in err
    assert "moving house" in alexandria("status")[1]
    code, out, err = alexandria("schedule")
    assert (code, out) == (5, "")
    assert "moving house" in err
    assert "resume" in err
    code, out, err = alexandria("schedule", "-n")
    assert code == 5
    assert "2023-12" in out
    assert "moving house" in err
    code, answer = asked("resume", "-n")
    assert (code, answer["data"]["paused"]["reason"]) == (0, "moving house")
    assert asked("resume") == (
        0,
        {"ok": True, "data": {"resumed": True, "months_woken": 0, "message": "resumed"}},
    )  # fmt: skip
    assert asked("resume")[1]["data"]["message"] == "not paused"
    assert asked("schedule", "-n")[0] == 0
    who = sql("SELECT DISTINCT who FROM audit WHERE act IN ('pause', 'resume')").fetchall()
    assert len(who) == 1
    assert who[0][0].startswith("cli ")


def test_resume_ends_the_pause_of_a_provider(asked, alexandria, sql):
    """`quota` and a `resume` without effect print the command to use; exit code 3 without a pause, 2 for an unknown provider."""
    asked("quota")  # makes the lanes
    sql("UPDATE lane SET paused_until = now() + interval '2 h', pause_reason = 'spent' WHERE name = 'isbndb'")
    command = "alexandria resume --provider isbndb"
    assert command in alexandria("quota")[2]
    code, out, err = alexandria("resume")
    assert (code, out) == (0, "not paused\n")
    assert command in err
    assert "isbndb paused until " in err
    code, answer = asked("resume", "--provider", "isbndb", "--dry-run")
    assert (code, answer["data"]["provider"]) == (0, "isbndb")
    assert answer["data"]["paused"].endswith(": spent")
    code, out, err = alexandria("resume", "--provider", "isbndb")
    assert code == 0
    assert out.startswith("isbndb is queried again now instead of at ")
    code, out, err = alexandria("resume", "--provider", "isbndb")
    assert (code, out) == (3, "isbndb was not paused\n")
    for wrong in ("isbdn", "ISBNdb"):
        code, out, err = alexandria("resume", "--provider", wrong)
        assert code == 2
        assert "provider" in err
    assert command not in alexandria("quota")[2]


def test_retry_resets_months_by_name_status_and_reason(asked, alexandria, sql):
    """Months that were skipped are listed; exit code 3 if there are none to reset."""
    asked("seed", "2023")
    sql("UPDATE backfill_log SET status = 'failed', error_code = 'key_refused' WHERE month IN (1, 2)")
    code, answer = asked("retry", "--reason", "key_refused", "2023-01", "-n")
    assert (code, answer["data"]["dry_run"], answer["data"]["reopened"]) == (0, True, ["2023-01"])
    code, answer = asked("retry", "--failed", "--dry-run")
    assert (code, answer["data"]["reopened"]) == (0, ["2023-02", "2023-01"])
    code, out, err = alexandria("retry", "2023-01", "2023-05")
    assert code == 0
    assert out.splitlines() == [
        "1 month reset to pending, 1 month skipped", "2023-01 pending", "2023-05 skipped: already pending (run: alexandria schedule)"
    ]  # fmt: skip
    assert "next: alexandria schedule" in err
    assert asked("retry", "--failed")[1]["data"]["reopened"] == ["2023-02"]
    assert asked("retry", "--failed")[0] == 3
    assert sql("SELECT count(*) FROM backfill_log WHERE status = 'pending'").fetchone() == (12,)
