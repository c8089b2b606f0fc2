"""The operations guide, command by command in its order: only host, secret and database differ."""

import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from alexandria.cli.runtime import demo
from alexandria.database.embedded.server import Embedded
from tests.support.forked import ForkedChild

RATE = 8  # requests a second that lanes keep and the sandbox allows: low, so that the lanes are full


@dataclass(frozen=True)
class Running:
    """The system as an operator has it: API, two workers, sandboxed providers, 300 months seeded."""

    stage: demo.DemoSystem
    database_url: str

    @property
    def url(self) -> str:
        return self.stage.url

    @property
    def secret(self) -> str:
        return self.stage.secret_file.read_text().strip()

    def until_done(self, months: int) -> None:
        """Wait until no month is in work and that many are completed; fail at once if a process ends."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            counted = self.stage.get("/api/internal/backfill-stats")["by_status"]
            if counted["completed"] >= months and not counted["processing"]:
                return
            self.stage.check()
            time.sleep(0.2)
        pytest.fail(f"not done in time: {counted}")


class Silent:
    """Nobody watches."""

    def message(self, text):
        return

    def progress(self, months):
        return


@pytest.fixture
def running_backfill(data_dir, monkeypatch):
    monkeypatch.setattr(demo, "RATE", RATE)
    data_dir.mkdir(mode=0o711)
    with demo._stage(demo.DemoOptions(), data_dir, Silent()) as stage, Embedded(data_dir) as server:
        variables = demo._environment(data_dir) | demo._sandboxed(str(stage.sandbox.base_url).rstrip("/"))
        with ForkedChild("work", folder=data_dir, environment=variables):
            stage.post("/api/internal/seed-backfill-queue", {"year_start": 2000, "year_end": 2024})
            yield Running(stage, server.url)


pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the guide's commands are curl's")

SCHEDULE = """
curl -X POST 'https://alexandria.ooheynerds.com/api/internal/schedule-backfill' \
  -H "X-Cron-Secret: YOUR_SECRET_HERE" \
  -H 'Content-Type: application/json' \
  --data-raw '{
    "batch_size": 2,
    "year_range": {"start": 2023, "end": 2023},
    "dry_run": %s
  }'
"""
QUOTA = "curl https://alexandria.ooheynerds.com/api/quota/status"
BY_STATUS = """
SELECT
  status,
  COUNT(*) as count,
  MAX(started_at) as last_started,
  MAX(completed_at) as last_completed
FROM backfill_log
GROUP BY status;
"""
PROCESSED = """
-- Check specific months processed
SELECT
  year,
  month,
  status,
  books_generated,
  isbns_resolved,
  resolution_rate,
  retry_count,
  error_message,
  started_at,
  completed_at
FROM backfill_log
WHERE year = 2023 AND month IN (11, 12)
ORDER BY month DESC;
"""
OVERALL = """
-- Check overall progress
SELECT
  status,
  COUNT(*) as months,
  SUM(books_generated) as total_books,
  SUM(isbns_resolved) as total_isbns,
  ROUND(AVG(CASE WHEN resolution_rate > 0 THEN resolution_rate END)::numeric, 2) as avg_resolution
FROM backfill_log
GROUP BY status;
"""
PENDING = "SELECT COUNT(*) FROM backfill_log WHERE status = 'pending'"
RESET = """
-- Reset stuck processing entries (after 1 hour)
UPDATE backfill_log
SET status = 'pending', retry_count = retry_count + 1
WHERE status = 'processing'
  AND started_at < NOW() - INTERVAL '1 hour';
"""
FAILURES = """
SELECT year, month, error_message, retry_count
FROM backfill_log
WHERE status IN ('failed', 'retry')
ORDER BY year DESC, month DESC;
"""
CHECKLIST = [
    "SELECT status, COUNT(*) FROM backfill_log GROUP BY status",
    "SELECT AVG(resolution_rate) FROM backfill_log WHERE status = 'completed'",
    "SELECT COUNT(*) FROM backfill_log WHERE status = 'failed'",
    "SELECT COUNT(*) FROM backfill_log WHERE status = 'processing' AND started_at < NOW() - INTERVAL '1 hour'",
]


def curl(command: str, running, secret: str | None = None) -> dict[str, Any]:
    """Run the guide's curl with our host and secret, and read what it prints."""
    command = command.replace("https://alexandria.ooheynerds.com", running.url)
    command = command.replace("YOUR_SECRET_HERE", secret or running.secret).replace(
        "curl ", "curl --silent --show-error ", 1
    )
    printed = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, timeout=120)
    assert printed.stderr == ""
    answer: dict[str, Any] = json.loads(printed.stdout)
    return answer


def sql(psql, running, statement: str) -> list[list[str]]:
    """Run the guide's SQL by psql and return the rows it prints."""
    environment = {"PATH": os.environ["PATH"], "PGOPTIONS": "-c timezone=UTC"}
    command = [str(psql), "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", running.database_url, "-c", statement]
    printed = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert printed.returncode == 0, printed.stderr
    return [line.split("|") for line in printed.stdout.splitlines() if line]


@pytest.mark.long
def test_the_guide_from_dry_run_to_daily_checks(running_backfill, psql):
    """A running system, worker and all; the guide's months are completed and every command prints what the guide shows."""
    running = running_backfill
    dry = curl(SCHEDULE % "true", running)
    assert dry.pop("plan")
    assert dry == {
        "dry_run": True,
        "batch_size": 2,
        "months_selected": 2,
        "months": [
            {"year": 2023, "month": 12, "status": "pending"},
            {"year": 2023, "month": 11, "status": "pending"},
        ],
        "total_pending": 300,
        "total_processing": 0,
        "total_completed": 0,
        "total_failed": 0,
        "total_retry": 0,
    }
    assert curl(SCHEDULE % "true", running, "wrong") == {"error": "Unauthorized: Invalid or missing X-Cron-Secret"}
    assert sql(psql, running, PENDING) == [["300"]]

    live = curl(SCHEDULE % "false", running)
    assert [(m["year"], m["month"], m["status"]) for m in live["months"]] == [
        (2023, 12, "processing"),
        (2023, 11, "processing"),
    ]
    assert live["execution_summary"] == {"triggered": 2, "skipped": 0, "errors": 0}
    assert (live["total_pending"], live["total_processing"]) == (298, 2)

    running.until_done(2)
    by_status = {row[0]: row for row in sql(psql, running, BY_STATUS)}
    assert by_status["completed"][1] == "2"
    assert by_status["completed"][2] <= by_status["completed"][3]

    processed = sql(psql, running, PROCESSED)
    assert [row[:3] for row in processed] == [["2023", "12", "completed"], ["2023", "11", "completed"]]
    for row in processed:
        books, isbns, rate = int(row[3]), int(row[4]), Decimal(row[5])
        assert 10 <= books <= 40
        assert rate == round(Decimal(100 * isbns) / books, 2)
        assert rate >= 75
    overall = {row[0]: row for row in sql(psql, running, OVERALL)}
    assert overall["completed"][1] == "2"
    assert int(overall["completed"][2]) >= int(overall["completed"][3]) > 0
    assert Decimal(overall["completed"][4]) > 75

    assert sql(psql, running, FAILURES) == []
    assert sql(psql, running, RESET) == [["UPDATE 0"]]
    assert {row[0]: row[1] for row in sql(psql, running, CHECKLIST[0])} == {"completed": "2", "pending": "298"}
    assert Decimal(sql(psql, running, CHECKLIST[1])[0][0]) > 75
    assert sql(psql, running, CHECKLIST[2]) == [["0"]]
    spent = sql(psql, running, "SELECT sum(isbndb_calls) FROM backfill_log")[0][0]
    quota = curl(QUOTA, running)["data"]
    assert quota["used"] >= int(spent)  # enrichment spends too
    assert quota["percentage_used"] == round(100 * quota["used"] / 13000, 2)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT00:00:00(\.0+)?Z", quota["reset_at"])
    arrivals = running.stage.sandbox.get("/__sandbox/stats").json()["providers"]
    assert {name: seen["peak_per_second"] for name, seen in arrivals.items() if seen["peak_per_second"] > RATE} == {}
    assert arrivals["open_library"]["peak_per_second"] >= RATE - 1  # so the rate was kept by the rate limiter


def test_the_guides_reset_runs_as_printed_even_on_a_months_last_attempt(database_url, psql):
    """Without a worker a month can be stuck: the UPDATE makes it pending, whatever its retry count."""
    running = Running(stage=None, database_url=database_url)  # type: ignore[arg-type] # only the database is needed
    sql(psql, running, "INSERT INTO backfill_log (year, month, status, started_at, retry_count) VALUES"
        " (2001, 1, 'processing', now() - interval '2 hours', 0), (2001, 2, 'processing', now() - interval '2 hours', 5),"
        " (2001, 3, 'processing', now(), 0)")  # fmt: skip
    assert sql(psql, running, CHECKLIST[3]) == [["2"]]
    assert sql(psql, running, RESET) == [["UPDATE 2"]]
    after = sql(
        psql, running, "SELECT month, status, retry_count, attempt_token IS NULL FROM backfill_log ORDER BY month"
    )
    assert after == [["1", "pending", "1", "t"], ["2", "pending", "5", "t"], ["3", "processing", "0", "f"]]
