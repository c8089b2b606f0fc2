"""Months are filled while the world around them fails in every known way. None fails, none is lost, none is filled twice.

CHAOS_SECONDS and CHAOS_SEED make it longer or different. The numbers are printed as one line of JSON.
"""

import contextlib
import json
import os
import random
import signal
import threading
import time
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import httpx2
import psycopg
import pytest

from alexandria.core.provider_facts import source_names
from alexandria.database.embedded.server import Embedded
from alexandria.database.migrate import upgrade
from tests.support.processor_time import slowness

SECONDS, SEED = (int(os.environ.get(name, default)) for name, default in (("CHAOS_SECONDS", 180), ("CHAOS_SEED", 7)))
pytestmark = [pytest.mark.timeout(2 * SECONDS + 900), pytest.mark.long]
WORKER_COUNT = 2
MONTH_COUNT = min(300, SECONDS // 6)
IN_WORK_COUNT = 12  # months that are in work at most
RECOVERY_SECONDS = 420.0  # until every month is completed, once nothing fails any more
CRON_SECONDS = 0.5  # between two calls of the operator's cron
PROBE_SECONDS = 0.25  # between two questions of the load balancer
LIVE_P99_SECONDS = 0.1
OUTAGE_REQUEST_LIMIT = 60  # to each provider, for ten minutes or less in which none answers
ALWAYS = (
    "*:bomb=0.003,*:429_epoch=0.005,*:500_internal=0.01,*:fenced_json=0.05,"
    "gemini:503_overloaded=0.03,xai:429_no_hint=0.02,open_library:ol_429=0.02"
)
SOURCES_DOWN = ",".join(f"{name}:down" for name in source_names())
GENERATORS_DOWN = "gemini:down,xai:down"
# Begin and end of each disturbance, as shares of the whole time.
ENQUEUE_ERRORS = (0.08, 0.20)
ROW_LOCK = (0.24, 0.24 + 60 / 1800)
SUSPENSION = (0.33, 0.33 + 120 / 1800)
GENERATOR_OUTAGE = (0.42, 0.48)
SOURCE_OUTAGE = (0.53, 0.53 + 600 / 1800)
KILLS = (0.05, 0.22, 0.41, 0.51, 0.90)
OUTAGE_LIMIT = 60.0  # more seconds in which each provider that is down is asked at least once
ROW_LOCK_LIMIT = 60.0  # more seconds in which another month is completed beside the lock

REFUSING_ENQUEUE = """
CREATE FUNCTION chaos_enqueue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF random() < 0.2 THEN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END IF;
    IF random() < 0.2 THEN RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER chaos_enqueue BEFORE INSERT ON procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION chaos_enqueue();
"""
ENQUEUE_WORKS_AGAIN = "DROP TRIGGER chaos_enqueue ON procrastinate_jobs; DROP FUNCTION chaos_enqueue();"
ONE_OPEN_MONTH = """SELECT year, month FROM backfill_log WHERE status <> 'completed'
    ORDER BY status = 'retry' DESC, status = 'processing' DESC LIMIT 1 FOR UPDATE"""
COMPLETED = "SELECT count(*) FROM backfill_log WHERE status = 'completed'"


@dataclass
class Probe:
    """A load balancer that asks /health/live all the time."""

    url: str
    latencies: list[float] = field(default_factory=list)  # seconds
    failures: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with httpx2.Client(base_url=self.url, timeout=5, trust_env=False) as client:
            while not self.ended.wait(PROBE_SECONDS):
                began = time.monotonic()
                try:
                    client.get("/health/live").raise_for_status()
                except httpx2.HTTPError as error:
                    self.failures.append(repr(error))
                self.latencies.append(time.monotonic() - began)

    @contextlib.contextmanager
    def asking(self):
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield self
        finally:
            self.ended.set()
            thread.join()

    def p99(self) -> float:
        return sorted(self.latencies)[int(len(self.latencies) * 0.99)]


@dataclass
class Chaos:
    """The operator with his cron job, the supervisor of the workers, and everything that goes wrong, by the clock."""

    crash_field: Any
    api: httpx2.Client
    stack: contextlib.ExitStack
    rng: random.Random = field(default_factory=lambda: random.Random(SEED))
    workers: list[Any] = field(default_factory=list)
    suspended: Any = None
    statuses: list[int] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def passed(self) -> float:
        """The share of the whole time that has passed."""
        return (time.monotonic() - self.began) / SECONDS

    def start_worker(self) -> None:
        self.workers.append(self.stack.enter_context(self.crash_field.worker()))

    def supervise(self) -> None:
        for worker in [worker for worker in self.workers if not worker.runs]:
            self.numbers.setdefault("ended_by_themselves", []).append(worker.exit_code())
            self.workers.remove(worker)
            self.start_worker()

    def cron(self) -> None:
        """Have months begun evenly over the whole time. A refusal is repeated at the next call, as by any cron job."""
        busy = self.crash_field.one("SELECT count(*) FROM backfill_log WHERE status IN ('processing', 'retry')")
        begun = self.crash_field.one("SELECT count(*) FROM backfill_log WHERE status <> 'pending'")
        wanted = min(IN_WORK_COUNT - busy, ceil(MONTH_COUNT * min(self.passed(), 1)) - begun)
        if wanted > 0:
            with contextlib.suppress(httpx2.TransportError):
                body = {"batch_size": wanted, "dry_run": False}
                self.statuses.append(self.api.post("/api/internal/schedule-backfill", json=body).status_code)

    def until(self, share: float) -> None:
        while self.passed() < share:
            self.supervise()
            self.cron()
            time.sleep(CRON_SECONDS)

    def faults(self, *more: str) -> None:
        self.crash_field.sandbox.post("/__sandbox/faults", content=",".join((*more, ALWAYS))).raise_for_status()

    def requests(self) -> dict[str, int]:
        """Requests that reached each provider so far."""
        providers = self.crash_field.stats()["providers"]
        return {name: providers[name]["arrivals"] for name in providers}

    def kill_one(self) -> None:
        worker = self.rng.choice([worker for worker in self.workers if worker is not self.suspended])
        self.workers.remove(worker)
        worker.kill()
        self.start_worker()

    def fail_enqueues(self) -> None:
        self.crash_field.sql(REFUSING_ENQUEUE)
        self.until(ENQUEUE_ERRORS[1])
        self.crash_field.sql(ENQUEUE_WORKS_AGAIN)

    def lock_a_row(self) -> None:
        """Hold the row of one month by an open psql transaction. The other months go on."""
        before = self.crash_field.one(COMPLETED)
        with psycopg.connect(self.crash_field.database_url) as connection:
            assert connection.execute(ONE_OPEN_MONTH).fetchone() is not None
            self.until(ROW_LOCK[1])
            end = time.monotonic() + ROW_LOCK_LIMIT
            while (completed := self.crash_field.one(COMPLETED) - before) == 0 and time.monotonic() < end:
                self.until(self.passed() + CRON_SECONDS / SECONDS)
            connection.rollback()
        self.numbers["completed_beside_a_lock"] = completed

    def suspend_a_worker(self) -> None:
        self.suspended = self.workers[0]
        self.suspended.send(signal.SIGSTOP)
        self.until(SUSPENSION[1])
        self.suspended.send(signal.SIGCONT)
        self.suspended = None

    def have_outage(self, kind: str, rules: str, end: float) -> None:
        """Have every provider of a kind down until `end`, and count what was sent to them all the same.

        On a slow machine the months in work may need none of them for seconds: the outage lasts until each was asked.
        """
        before = self.requests()
        names = {rule.partition(":")[0] for rule in rules.split(",")} & set(before)

        def sent() -> dict[str, int]:
            return {name: count - before[name] for name, count in self.requests().items() if name in names}

        self.faults(rules)
        self.until(end)
        latest = time.monotonic() + OUTAGE_LIMIT
        while min(sent().values()) == 0 and time.monotonic() < latest:
            self.until(self.passed() + CRON_SECONDS / SECONDS)
        self.numbers[f"requests_while_{kind}_were_down"] = sent()
        self.faults()

    def run(self) -> None:
        for _ in range(WORKER_COUNT):
            self.start_worker()
        self.faults()
        acts = [
            (ENQUEUE_ERRORS[0], self.fail_enqueues),
            (ROW_LOCK[0], self.lock_a_row),
            (SUSPENSION[0], self.suspend_a_worker),
            (SOURCE_OUTAGE[0], lambda: self.have_outage("sources", SOURCES_DOWN, SOURCE_OUTAGE[1])),
            (GENERATOR_OUTAGE[0], lambda: self.have_outage("generators", GENERATORS_DOWN, GENERATOR_OUTAGE[1])),
            *((share, self.kill_one) for share in KILLS),
        ]
        for share, act in sorted(acts, key=lambda planned: planned[0]):
            self.until(share)
            act()
        self.until(1.0)

    def recover(self) -> None:
        """Wait until every month is completed, with nothing but the everyday faults left."""
        self.crash_field.sandbox.post("/__sandbox/faults", content="none").raise_for_status()
        since = time.monotonic()
        while self.crash_field.one(COMPLETED) < MONTH_COUNT:
            assert time.monotonic() < since + RECOVERY_SECONDS, self.crash_field.state()
            self.supervise()
            self.cron()
            time.sleep(CRON_SECONDS)
        self.numbers["recovery_seconds"] = round(time.monotonic() - since)


def test_no_month_fails_while_everything_else_does(open_field, data_dir):
    data_dir.mkdir(mode=0o711)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Embedded(data_dir, durable=False))
        upgrade(server.url)
        crash_field = stack.enter_context(open_field(server.url, data_dir, embedded=True))
        crash_field.sql(
            "INSERT INTO backfill_log (year, month) SELECT 2024 - n / 12, 12 - n %% 12 FROM generate_series(0, %s - 1) AS n",
            MONTH_COUNT,
        )
        url = stack.enter_context(crash_field.process("serve", "--port", "0")).url()
        secret = {"X-Cron-Secret": crash_field.environment["ALEXANDRIA_WEBHOOK_SECRET"]}
        api = stack.enter_context(httpx2.Client(base_url=url, headers=secret, timeout=10, trust_env=False))
        probe = stack.enter_context(Probe(url).asking())
        chaos = Chaos(crash_field, api, stack.enter_context(contextlib.ExitStack()))
        chaos.run()
        chaos.recover()
        statuses = crash_field.sql("SELECT status, count(*) AS n FROM backfill_log GROUP BY 1")
        outcomes = crash_field.sql("SELECT outcome, count(*) AS n FROM attempt GROUP BY 1")
        numbers = chaos.numbers | {
            "seed": SEED, "seconds": SECONDS, "statuses": {row["status"]: row["n"] for row in statuses},
            "attempts": {row["outcome"]: row["n"] for row in outcomes}, "live_p99": round(probe.p99(), 3),
            "live_max": round(max(probe.latencies), 3), "probes": len(probe.latencies),
            "schedule_answers": {status: chaos.statuses.count(status) for status in set(chaos.statuses)},
        }  # fmt: skip
        print(json.dumps(numbers))  # noqa: T201 # the numbers are what a long run is for
        crash_field.check_consistent()
    assert numbers["statuses"] == {"completed": MONTH_COUNT}, numbers
    assert probe.failures == [], numbers
    alone = SECONDS >= 1800  # the long form has the machine to itself
    assert numbers["live_p99"] < LIVE_P99_SECONDS * (1 if alone else slowness())
    assert 500 not in numbers["schedule_answers"]
    assert numbers["completed_beside_a_lock"] > 0
    for kind in ("sources", "generators"):
        sent = numbers[f"requests_while_{kind}_were_down"]
        assert max(sent.values()) < OUTAGE_REQUEST_LIMIT, numbers
        assert min(sent.values()) > 0, numbers
