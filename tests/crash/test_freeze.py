"""What is not dead but silent: a frozen worker, a cut line, a stop in the middle, a reset by hand, a server that is killed."""

import signal
import subprocess

import pytest

from alexandria.database.embedded.server import Embedded
from alexandria.database.migrate import upgrade

RECORDING = "LOCK TABLE candidate IN SHARE MODE"
RECOGNISING = "LOCK TABLE work IN ACCESS EXCLUSIVE MODE"
RESET = """UPDATE backfill_log
SET status = 'pending', retry_count = retry_count + 1
WHERE status = 'processing'
  AND started_at < NOW() - INTERVAL '0 hours';"""  # as the guide prints it, but for how long it waits
HELD = "SELECT year, month, status, retry_count, books_generated, isbns_resolved, completed_at, prompt_variant FROM backfill_log"


def a_worker_is_frozen_while_it_records(field):
    """In the middle of the transaction, with the month locked: the server ends it, the other's result stands.

    As the worker lives, the attempt that it lost does not count."""
    field.schedule("2023-11")
    with field.worker() as one, field.worker() as other:
        with field.holding(RECORDING):
            field.until(lambda: field.waits("backfill.repositories.candidates", "forget"), "a worker recording")
            at_work = field.one("SELECT worker FROM attempt WHERE ended_at IS NULL")
            frozen = one if at_work.endswith(f":{one.pid}") else other
            frozen.send(signal.SIGSTOP)
        field.until_final()
        then, works = field.sql(HELD), field.one("SELECT count(*) FROM work")
        losses = field.losses_before_the_end()
        frozen.send(signal.SIGCONT)
        field.until(lambda: "attempt lost" in frozen.log_text(), "the frozen worker learns that it has lost its month")
        field.until(lambda: field.one("SELECT retry_count FROM backfill_log") == 0, "its loss counts no longer")
        unchanged = [month | {"retry_count": 0} for month in then]
        assert (field.sql(HELD), field.one("SELECT count(*) FROM work")) == (unchanged, works)
        assert field.losses_before_the_end() == losses
        field.check_consistent()
        month = {"year": 2023, "month": 11, "status": "completed", "retry_count": losses}
        assert then[0].items() >= month.items()
        frozen.send(signal.SIGTERM)
        assert frozen.exit_code() == 0


def a_worker_is_frozen_during_a_call(field):
    """Frozen while the model thinks, awake when the other has completed the month; pruned, it takes up work again."""
    field.sandbox.post("/__sandbox/faults", content="gemini:slow_headers@1,gemini:none")
    field.schedule("2023-11")
    with field.worker() as frozen:
        field.until(lambda: field.stats()["providers"]["gemini"]["unanswered"], "a model that thinks")
        frozen.send(signal.SIGSTOP)
        with field.worker():
            field.until_final()
            field.sql(
                "DELETE FROM procrastinate_workers WHERE last_heartbeat < now() - interval '5 s'"
            )  # as others do, later
            calls = field.one("SELECT gemini_calls FROM backfill_log")
            frozen.send(signal.SIGCONT)
            field.until(
                lambda: field.one("SELECT gemini_calls FROM backfill_log") == calls + 1, "the late call is counted"
            )
            field.until(
                lambda: any(word in frozen.log_text() for word in ("taken for dead", "the queue has stopped")),
                "it learns that it was pruned, or that the server has ended its sessions meanwhile",
            )
            losses = field.losses_before_the_end()
        field.schedule("2023-10")
        field.until_final()
        assert field.outcomes() == ["lost"] * losses + ["completed", "completed"]
        field.check_consistent()
        frozen.send(signal.SIGTERM)
        assert frozen.exit_code() == 0


def test_a_reset_by_psql_in_mid_run_takes_the_month_away(field, psql):
    """The guide's statement while a worker is about to record: it writes nothing; the month is pending, and can be done again."""
    field.schedule("2023-11")
    with field.worker() as worker:
        with field.holding(RECOGNISING):
            field.until(lambda: field.waits("catalogue.repository", "alike"), "a worker recognising")
            done = subprocess.run([psql, field.database_url, "-c", RESET], capture_output=True, text=True, check=True)
            assert "UPDATE 1" in done.stdout
        field.until(lambda: "attempt lost" in worker.log_text(), "the worker learns that it has lost its month")
        assert [(m["status"], m["retry_count"], m["books_generated"]) for m in field.sql(HELD)] == [("pending", 1, 0)]
        assert field.one("SELECT count(*) FROM candidate") == 0
        field.schedule()
        field.until_final()
    assert field.outcomes() == ["superseded", "completed"]
    field.check_consistent()


def a_worker_is_stopped_while_it_records(field):
    """Half of the books are in the transaction: none of them is kept, nothing has failed, the next one completes it."""
    field.schedule("2023-11")
    with field.worker() as worker, field.holding(RECORDING):
        field.until(lambda: field.waits("backfill.repositories.candidates", "forget"), "a worker recording")
        worker.send(signal.SIGTERM)
        assert worker.exit_code() == 0
        assert field.one("SELECT count(*) FROM candidate") == 0
    [row] = field.sql("SELECT status, retry_count, blocked_reason FROM backfill_log")
    assert (row["status"], row["retry_count"]) == ("retry", 0)
    assert "stopped" in row["blocked_reason"]
    with field.worker("--until-idle") as other:
        assert other.exit_code() == 0
    assert field.outcomes() == ["snoozed", "completed"]
    field.check_consistent()


def test_a_killed_postmaster_heals_by_itself_and_fails_no_attempt(open_field, data_dir):
    """kill -9 in mid-month: the worker starts the server again, writes how its attempt ended and completes the month."""
    data_dir.mkdir(mode=0o711)
    with Embedded(data_dir, durable=False) as server:
        upgrade(server.url)
        with open_field(server.url, data_dir, embedded=True) as field:
            field.schedule("2023-11")
            with field.worker("--until-idle") as worker:
                with field.holding(RECORDING):
                    field.until(lambda: field.waits("backfill.repositories.candidates", "forget"), "a worker recording")
                    postmaster = int((server._data / "postmaster.pid").read_text().split()[0])
                    subprocess.run(["kill", "-9", str(postmaster)], check=True)
                assert worker.exit_code() == 0
            assert field.sql("SELECT status, retry_count FROM backfill_log") == [
                {"status": "completed", "retry_count": 0}
            ]
            assert field.outcomes()[-1] == "completed"
            assert set(field.outcomes()[:-1]) <= {"snoozed", "lost"}
            field.check_consistent()


@pytest.fixture(scope="module")
def losses(side_by_side):
    return side_by_side(
        a_worker_is_frozen_while_it_records, a_worker_is_frozen_during_a_call, a_worker_is_stopped_while_it_records
    )


def test_a_worker_frozen_while_it_records_writes_nothing_when_it_wakes(losses):
    losses.check(a_worker_is_frozen_while_it_records)


def test_a_call_that_a_frozen_worker_had_in_flight_is_counted_and_changes_nothing_else(losses):
    losses.check(a_worker_is_frozen_during_a_call)


def test_a_worker_stopped_while_it_records_hands_over_its_month(losses):
    losses.check(a_worker_is_stopped_while_it_records)
