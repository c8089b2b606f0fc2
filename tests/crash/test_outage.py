"""Outages of providers and stalls of workers, with real processes: they cost no attempt, no month and few requests."""

import json
import signal
import subprocess
import sys

import pytest

from tests.support.sampling import FULL

SOURCES = ("isbndb", "google_books", "open_library", "internet_archive", "wikidata")
MONTHS = [f"2023-{number:02d}" for number in range(12, 4 if FULL else 7, -1)]
WAITING = (
    "SELECT count(*) FROM backfill_log WHERE status = 'retry' AND error_code = 'providers_down' AND retry_count = 0"
)
ROWS = "SELECT status, retry_count, error_code, error_message FROM backfill_log ORDER BY year DESC, month DESC"


def take_down(field, *providers, fault="down"):
    field.sandbox.post("/__sandbox/faults", content=",".join(f"{name}:{fault}" for name in providers))


def bring_back(field):
    field.sandbox.post("/__sandbox/faults", content="none")


def requests(field):
    return {name: answer["arrivals"] for name, answer in field.stats()["providers"].items()}


def all_wait(field):
    return field.one(WAITING) == len(MONTHS)


def probed(field, providers):
    """Whether each of them has been probed at least once in vain."""
    return field.one("SELECT count(*) FROM breaker WHERE name = ANY(%s) AND trips > 1", list(providers)) == len(
        providers
    )


def check_all_completed(field):
    assert {(row["status"], row["retry_count"]) for row in field.sql(ROWS)} == {("completed", 0)}
    assert field.one("SELECT count(*) FROM breaker WHERE trips > 0") == 0
    field.check_consistent()


def all_sources_are_down(field):
    """It was 8 of 8 months failed and 6,338 requests in ten minutes. They go on without delay when the sources answer again."""
    take_down(field, *SOURCES)
    field.schedule(*MONTHS)
    with field.worker(), field.worker():
        field.until(lambda: all_wait(field), "all months wait for the sources")
        [first, *_] = field.sql("SELECT * FROM backfill_log ORDER BY next_attempt_at DESC")
        assert first["blocked_reason"].startswith("providers_down: ")
        assert first["next_attempt_at"] is not None
        assert field.one("SELECT count(*) FROM lane WHERE pause_reason LIKE 'does not answer%'") == len(SOURCES)
        field.until(lambda: probed(field, SOURCES), "each source is probed again")
        sent = requests(field)
        assert max(sent[name] for name in SOURCES) < 60, sent
        bring_back(field)
        field.until_final()
        check_all_completed(field)
    assert set(field.outcomes()) == {"snoozed", "completed"}
    books = field.one("SELECT count(*) FROM candidate")
    assert (
        field.one("SELECT count(*) FROM candidate WHERE hindered") * 10 < books
    )  # those refused just before the probes


def all_generators_are_down(field):
    take_down(field, "gemini", "xai")
    field.schedule(*MONTHS)
    with field.worker(), field.worker():
        field.until(lambda: all_wait(field), "all months wait for the generators")
        field.until(lambda: probed(field, ("gemini", "xai")), "each generator is probed again")
        sent = requests(field)
        assert max(sent["gemini"], sent["xai"]) < 60, sent
        bring_back(field)
        field.until_final()
        check_all_completed(field)


def one_generator_of_two_is_down(field):
    take_down(field, "gemini")
    field.schedule(*MONTHS[:3])
    with field.worker():
        field.until_final()
        for row in field.sql(ROWS):
            assert (row["status"], row["retry_count"], row["error_code"]) == ("completed", 0, "partial")
            assert "gemini: " in row["error_message"]
        asked = field.stats()["model_calls"]["xai"]
        bring_back(field)
        retry = [sys.executable, "-m", "alexandria", "--json", "retry", "--partial"]
        done = subprocess.run(retry, env=field.environment, capture_output=True, text=True, check=True)
        assert len(json.loads(done.stdout)["data"]["reopened"]) == 3
        field.sql("UPDATE breaker SET open_until = now()")
        field.schedule()
        field.until_final()
    assert {(row["status"], row["error_code"]) for row in field.sql(ROWS)} == {("completed", None)}
    assert field.stats()["model_calls"]["xai"] == asked  # its list was stored
    assert all(calls["paid"] == 1 for calls in field.stats()["model_calls"]["gemini"].values())


def the_only_worker_is_suspended(field):
    """Longer than its requests may take: neither the month nor the provider pays for it."""
    field.environment |= {f"ALEXANDRIA_{name.upper()}_TIMEOUT": "5" for name in ("gemini", "xai")}
    field.sandbox.post("/__sandbox/faults", content="gemini:hang@1,gemini:none")
    field.schedule("2023-11")
    with field.worker() as worker:
        field.until(lambda: field.stats()["providers"]["gemini"]["unanswered"], "a model that thinks")
        worker.send(signal.SIGSTOP)
        asleep = "SELECT max(last_heartbeat) < now() - interval '12 s' FROM worker"
        field.until(lambda: field.one(asleep), "the worker has missed its heartbeats for long")
        worker.send(signal.SIGCONT)
        field.until_final()
        [row] = field.sql(ROWS)
        assert (row["status"], row["retry_count"], row["error_code"]) == ("completed", 0, None)
        assert field.one("SELECT coalesce(sum(failures + trips), 0) FROM breaker") == 0
        assert "stood still" in worker.log_text()
    assert set(field.outcomes()) <= {"snoozed", "completed"}
    field.check_consistent()


def a_month_is_taken_from_a_suspended_worker(field):
    """Also if that was its last attempt: the month that failed by it goes on."""
    field.sandbox.post("/__sandbox/faults", content="gemini:slow_headers@1,gemini:none")
    field.schedule("2023-11")
    field.sql("UPDATE backfill_log SET retry_count = 4")
    with field.worker() as frozen:
        field.until(lambda: field.stats()["providers"]["gemini"]["unanswered"], "a model that thinks")
        frozen.send(signal.SIGSTOP)
        with field.worker():
            field.until_final()
            [row] = field.sql(ROWS)
            assert (row["status"], row["retry_count"], row["error_code"]) == ("failed", 5, "worker_lost")
            frozen.send(signal.SIGCONT)
            field.until(lambda: field.sql(ROWS)[0]["status"] == "completed", "the month goes on")
    [row] = field.sql(ROWS)
    assert (row["status"], row["retry_count"]) == ("completed", 4)
    assert field.losses_before_the_end() >= 1
    assert field.one("SELECT DISTINCT code FROM attempt WHERE outcome = 'lost'") == "worker_stalled"


@pytest.fixture(scope="module")
def outages(side_by_side):
    return side_by_side(all_sources_are_down, all_generators_are_down, one_generator_of_two_is_down)


@pytest.fixture(scope="module")
def stalls(side_by_side):
    return side_by_side(the_only_worker_is_suspended, a_month_is_taken_from_a_suspended_worker)


@pytest.mark.long
def test_an_outage_of_all_sources_costs_no_attempt_and_few_requests(outages):
    outages.check(all_sources_are_down)


@pytest.mark.long
def test_an_outage_of_all_generators_costs_no_attempt_and_few_requests(outages):
    outages.check(all_generators_are_down)


@pytest.mark.long
def test_with_one_generator_of_two_down_months_complete_and_the_missing_list_is_asked_for_on_request(outages):
    outages.check(one_generator_of_two_is_down)


def test_a_suspend_of_the_only_worker_charges_nobody(stalls):
    stalls.check(the_only_worker_is_suspended)


def test_a_month_that_was_taken_from_a_suspended_worker_is_not_charged_once_it_wakes(stalls):
    stalls.check(a_month_is_taken_from_a_suspended_worker)
