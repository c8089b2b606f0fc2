"""What doctor finds on an operator's machine: transactions that somebody has left open, and an embedded server's first start."""

import contextlib
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg

from alexandria.cli.doctor import checks

LOCK = "SELECT FROM alexandria.backfill_log WHERE month = 11 FOR UPDATE"


def left_open(operator, role=""):
    """The lines about open transactions: warnings, each with the fix."""
    found = [each for each in operator.run("doctor", role=role).data if each["name"] == "open transaction"]
    assert all(each["ok"] for each in found), "they are warnings"
    return found


def test_a_session_that_was_left_in_a_transaction_is_named_with_the_fix(operator):
    operator.works()
    assert left_open(operator) == []
    with contextlib.closing(psycopg.connect(operator.url(), application_name="psql")) as person:
        person.execute(LOCK)
        [found] = left_open(operator)
        pid = person.info.backend_pid
        assert re.fullmatch(
            rf"role {operator.owner} \(psql, process {pid}\) has left a transaction open"
            r" since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC, which locks backfill_log",
            found["message"],
        )
        assert found["fix"].startswith("COMMIT or ROLLBACK there, or as ")
        operator.sql(found["fix"].rpartition(": ")[2])
        assert left_open(operator) == []


def test_a_superusers_session_of_which_a_plain_role_sees_little_is_named_too(operator):
    """As with psql as the role postgres. One that only reads is in nobody's way and cannot be distinguished from a backup."""
    operator.works()
    with psycopg.connect(operator.server.url("alexandria", operator.name)) as administrator:
        administrator.execute("SELECT count(*) FROM alexandria.backfill_log")
        assert left_open(operator) == []
        administrator.execute("LOCK TABLE alexandria.attempt IN SHARE MODE")
        [found] = left_open(operator)
        assert f"role alexandria (process {administrator.info.backend_pid})" in found["message"]
        assert "locks attempt" in found["message"]
        [seen] = left_open(operator, role=operator.role("LOGIN SUPERUSER"))
        assert "locks attempt, backfill_log" in seen["message"]


def test_workers_at_work_are_not_named(operator, working, until):
    operator.works()
    with working(operator.url()) as processes:
        until(lambda: processes.ready()[0] == 200, "ready")
        assert left_open(operator) == []


def test_a_program_that_works_in_a_long_transaction_is_not_named(operator):
    """It waits for its next statement at both looks, but was not left."""
    operator.works()
    ended = threading.Event()

    def work():
        with psycopg.connect(operator.url()) as program:
            program.execute(LOCK)
            begun.set()
            while not ended.wait(0.05):
                program.execute("SELECT 1")

    begun = threading.Event()
    with ThreadPoolExecutor() as pool:
        program = pool.submit(work)
        assert begun.wait(30)
        try:
            assert left_open(operator) == []
        finally:
            ended.set()
        program.result()


def test_a_prepared_transaction_is_named(cluster, at):
    """Its session is gone, and its locks stay, also after a restart."""
    made = cluster(max_prepared_transactions=2)
    made.give("books", "ann")
    there = at(made.url("ann", "books"))
    there.prepare()
    made.admin(f"BEGIN; {LOCK}; PREPARE TRANSACTION 'ann''s'", "books")
    [found] = [each for each in there.run("doctor").data if each["name"] == "open transaction"]
    assert "prepared transaction ann's" in found["message"]
    made.admin(found["fix"].rpartition(": ")[2], "books")
    assert not [each for each in there.run("doctor").data if each["name"] == "open transaction"]


def test_the_first_start_of_an_embedded_server_may_take_its_time(data_dir, monkeypatch, at):
    """It is made in that moment, which on a slow machine takes longer than a configured server may be silent."""
    monkeypatch.setattr(checks, "DATABASE_TIMEOUT", 0.001)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    found_there = at("").run("doctor", ALEXANDRIA_DATA_DIR=str(data_dir)).data
    [found] = [each for each in found_there if each["name"] == "database"]
    assert found["ok"], found
