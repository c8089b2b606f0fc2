"""SIGKILL of a worker at each step of the walk: another takes the month over, and nothing is lost, doubled or paid twice."""

from concurrent.futures import ThreadPoolExecutor

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
AT_ONCE = 4  # steps, each in a database of its own: most of the time is spent waiting for silence to be noticed


def killed(step, field):
    """Killed there, taken over by the other, completed; at most the calls in flight are repeated."""
    field.schedule("2023-11")
    with field.worker() as victim, field.holding(*STEPS[step]):
        if step != "beginning":
            field.until(field.has_begun, "an attempt begun")
        field.until(field.somebody_waits, f"a worker {step}")
        victim.kill()
    with field.worker():
        field.until_final()
    assert field.sql("SELECT status, retry_count FROM backfill_log") == [{"status": "completed", "retry_count": 1}]
    assert field.outcomes() == ["lost", "completed"]
    assert field.model_calls() <= 2 + 2
    field.check_consistent()


@pytest.mark.timeout(600)  # eight tests in one
def test_a_month_survives_the_death_of_its_worker_at_every_step(open_field, fresh_database, data_dir):
    """Each of the steps, by itself: nothing that one leaves behind can help or hide another."""
    data_dir.mkdir(mode=0o711)
    failed = {}

    def one(step):
        folder = data_dir / str(list(STEPS).index(step))
        with fresh_database() as url, open_field(url, folder) as field:
            try:
                killed(step, field)
            except (AssertionError, pytest.fail.Exception) as wrong:
                failed[step] = str(wrong)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, STEPS))
    assert failed == {}
