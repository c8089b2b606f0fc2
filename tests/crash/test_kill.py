"""SIGKILL of a worker at each step of the walk: another takes the month over, and nothing is lost, doubled or paid twice."""

import pytest

STEPS = {
    "beginning": ["LOCK TABLE attempt IN ACCESS EXCLUSIVE MODE"],
    "asking the models": ["LOCK TABLE answer IN ACCESS EXCLUSIVE MODE"],
    "storing the models' lists": ["LOCK TABLE answer IN SHARE MODE"],
    "recognising": ["LOCK TABLE work IN ACCESS EXCLUSIVE MODE"],
    "waiting for a lane": ["LOCK TABLE quota IN SHARE MODE"],
    "noting a call": ["LOCK TABLE call IN SHARE MODE"],
    "recording": ["LOCK TABLE candidate IN SHARE MODE"],
    "completing": ["SELECT FROM backfill_log FOR UPDATE"],
}


@pytest.mark.parametrize("step", STEPS)
def test_a_month_survives_the_death_of_its_worker_while(step, field):
    """Killed there, taken over by the other, completed; at most the calls in flight are repeated."""
    field.schedule("2023-11")
    with field.worker() as victim, field.holding(*STEPS[step]):
        if step != "beginning":
            field.until(field.has_begun, "an attempt begun")
        field.until(field.somebody_waits, f"a worker {step}")
        victim.kill()
    with field.worker():
        field.until_final()
    rows = field.sql("SELECT status, retry_count FROM backfill_log")
    assert rows == [{"status": "completed", "retry_count": 1}]
    outcomes = field.sql("SELECT outcome FROM attempt ORDER BY created_at")
    assert [row["outcome"] for row in outcomes] == ["lost", "completed"]
    assert field.model_calls() <= 2 + 2
    field.check_consistent()
