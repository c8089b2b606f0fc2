"""A real process whose database refuses every new job for a while: it answers, it obeys, and nothing is lost or charged."""

import signal
import time
from functools import partial
from pathlib import Path

import httpx2
import pytest

from tests.support.processor_time import slowness

REFUSE = (Path(__file__).parents[1] / "refused_jobs.sql").read_text(encoding="utf-8")
MONTHS = ("2023-11", "2023-10", "2023-09")
STATES = ("53100", "40001", "XX000")
PROBES_COUNT, LONGEST_ANSWER = 40, 2.0  # seconds


def overdue(field):
    """One more month, which waits with no job to wake it: each heartbeat finds it, and its job is refused."""
    field.sql("INSERT INTO backfill_log (year, month) VALUES (2023, 8)")
    field.sql("UPDATE backfill_log SET status = 'retry', next_attempt_at = now() - interval '1 hour' WHERE month = 8")


def refusals(field):
    return field.one("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM refusals")


def jobs_are_refused(field, state):
    """Disk full, serialization failure, internal error: at the wake-ups of months and at rescue."""
    field.sql(REFUSE)
    field.schedule(*MONTHS)
    overdue(field)
    field.sql("INSERT INTO refused VALUES (%s)", state)
    with field.process("up", "--port", "0", "--concurrency", "2") as process:
        with httpx2.Client(base_url=process.url(), trust_env=False) as client:
            field.until(lambda: refusals(field) >= 2, "jobs that are refused")
            for _ in range(PROBES_COUNT):
                began = time.monotonic()
                assert client.get("/health/live").status_code == 200
                taken = time.monotonic() - began
                assert taken < LONGEST_ANSWER or taken < LONGEST_ANSWER * slowness()
                time.sleep(0.05)
            ready = client.get("/health/ready")
            assert ready.status_code in {200, 503}
        process.send(signal.SIGTERM)
        assert process.exit_code() == 0
        assert process.faults() == []
    field.sql("DELETE FROM refused")
    with field.worker() as worker:
        field.until_final()
        worker.send(signal.SIGTERM)
        assert worker.exit_code() == 0
    rows = field.sql("SELECT status, retry_count FROM backfill_log")
    assert rows == [{"status": "completed", "retry_count": 0}] * (len(MONTHS) + 1)
    field.check_consistent()


def a_rescue_is_refused(field):
    """A lost month waits for its next attempt: /health/ready says so, names it, and is ready again by itself."""
    field.sql(REFUSE)
    with (
        field.process("up", "--port", "0") as process,
        httpx2.Client(base_url=process.url(), trust_env=False) as client,
    ):
        field.until(lambda: client.get("/health/ready").status_code == 200, "a ready system")
        field.sql("INSERT INTO refused VALUES ('53100')")
        overdue(field)

        def stalled():
            answer = client.get("/health/ready")
            return answer.status_code == 503 and answer.json()["error"]["code"] == "rescue_stalled"

        field.until(stalled, "the incident")
        field.sql("DELETE FROM refused")
        field.until(lambda: client.get("/health/ready").status_code == 200, "a ready system again")
        process.send(signal.SIGTERM)
        assert process.exit_code() == 0


JOBS = {state: partial(jobs_are_refused, state=state) for state in STATES}


@pytest.fixture(scope="module")
def refused(side_by_side):
    return side_by_side(*JOBS.values(), a_rescue_is_refused)


@pytest.mark.parametrize("state", STATES)
def test_a_process_whose_jobs_are_refused_answers_and_obeys(refused, state):
    refused.check(JOBS[state])


def test_a_rescue_that_is_refused_makes_the_system_not_ready_until_it_goes_on(refused):
    refused.check(a_rescue_is_refused)
