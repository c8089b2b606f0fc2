"""The reset of the operations guide, again and again beside live workers: no deadlock, nothing lost, nothing doubled.

RESET_SECONDS makes it longer.
"""

import contextlib
import os
import random
import threading
import time

import httpx2
import psycopg
import pytest

from tests.support.sampling import FULL

SECONDS = int(os.environ.get("RESET_SECONDS", "15"))
pytestmark = [pytest.mark.timeout(SECONDS + 500), pytest.mark.long]

SCHEDULE, SECRET = "/api/internal/schedule-backfill", "canary-secret-of-the-door"
MONTHS = [f"{year}-{number:02d}" for year in ((2022, 2023) if FULL else (2023,)) for number in range(1, 13)]
# The guide's, for months that have been in work for an hour; those of a test are younger.
RESET = """UPDATE backfill_log
SET status = 'pending', retry_count = retry_count + 1
WHERE status = 'processing'
  AND started_at < NOW() - INTERVAL '{}';"""
PERSON_COUNT = 2
MAX_PAUSE = 0.4  # seconds between two resets of one person


class Person:
    """Somebody at psql who resets all months in work, as often as it takes."""

    def __init__(self, url, seed):
        self.url, self.resets, self.errors = url, 0, []
        self._rng, self.ended = random.Random(seed), threading.Event()

    def run(self):
        with psycopg.connect(self.url, autocommit=True) as connection:
            while not self.ended.wait(self._rng.uniform(0, MAX_PAUSE)):
                try:
                    self.resets += connection.execute(RESET.format("0 hours").encode()).rowcount
                    connection.execute(RESET.format("1 hour").encode())
                except psycopg.Error as error:
                    self.errors.append(error)

    @contextlib.contextmanager
    def at_work(self):
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self.ended.set()
            thread.join()


def deadlocks(field):
    field.sql("SELECT pg_stat_force_next_flush()")
    return field.one("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")


def test_resets_beside_workers_deadlock_with_nothing_and_lose_nothing(field):
    people = [Person(field.database_url, seed) for seed in range(PERSON_COUNT)]
    field.schedule(*MONTHS)
    with contextlib.ExitStack() as stack:
        api = stack.enter_context(field.process("serve", "--port", "0"))
        workers = [stack.enter_context(field.worker("--concurrency", "4")) for _ in range(2)]
        client = stack.enter_context(
            httpx2.Client(base_url=api.url(), headers={"X-Cron-Secret": SECRET}, trust_env=False, timeout=30)
        )
        statuses = set()
        with contextlib.ExitStack() as resetting:
            for person in people:
                resetting.enter_context(person.at_work())
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                statuses.add(client.post(SCHEDULE, json={"batch_size": 12}).status_code)
                time.sleep(0.5)  # a cron job in a hurry

        def all_completed():
            client.post(SCHEDULE, json={"batch_size": 50})
            return field.one("SELECT count(*) FROM backfill_log WHERE status = 'completed'") == len(MONTHS)

        field.until(all_completed, "every month completed")
        assert all(worker.runs for worker in workers)
    assert {line for process in [api, *workers] for line in process.faults()} == set(), field.server_log()
    assert statuses == {200}
    assert [error for person in people for error in person.errors] == []
    assert sum(person.resets for person in people) > len(MONTHS), "the resets met months in work"
    assert deadlocks(field) == 0
    assert field.sql("SELECT 1 FROM attempt WHERE outcome = 'failed'") == []
    field.check_consistent()
