"""A database of version 96c838d with work of every kind under way upgrades without loss, and the work continues.

The commands and workers of that version made data/database_at_96c838d.sql with its own sandbox. It holds months that are
queued, completed and failed, one in the middle of which a worker was killed, and months that wait after errors, for a
quota, for the end of a pause and because their worker was stopped; a rollout in its second phase; paid answers, quotas,
incidents, notices and a journal. The tests use SQL, HTTP and the command line only, so that they hold when code moves.
The dump is never made again by a later version.

before      what the database holds after it was loaded
migrated    the database after `alexandria migrate`
read        what `alexandria serve` answers before any worker runs
worked      the result of `alexandria work`
"""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.alert_receiver import AlertReceiver, receiving_alerts
from tests.support.upgraded_database import DEADLINE, UNKNOWN, Base, Program, enqueue, loaded

SECRET = "canary-secret-of-the-upgrade"
PROVIDERS = ("gemini", "xai", "isbndb", "google_books", "open_library", "internet_archive", "wikidata")
RATE = "60"  # requests a second to each provider

QUEUED = ["2024-10", "2024-09", "2023-12"]  # the first two by the rollout, the last by a person
KILLED = "2023-07"
STOPPED, PAUSED, AFTER_ERRORS, AFTER_SOURCES, SPENT = "2023-08", "2023-09", "2023-01", "2023-04", "2023-05"
RESET = "2023-11"  # by hand, with its job still in the queue
COMPLETED = ["2024-12", "2024-11", "2023-10"]
FAILED = ["2023-06", "2023-03", "2023-02"]
UNDER_WAY = [*QUEUED, KILLED, STOPPED, PAUSED, AFTER_ERRORS, AFTER_SOURCES, SPENT]


def key(month: str) -> tuple[int, int]:
    return int(month[:4]), int(month[5:])


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> dict[str, str]:
    """For every program: nothing of a real system."""
    return dict(os.environ) | {"ALEXANDRIA_DATA_DIR": str(tmp_path_factory.mktemp("data")), "USER": "bob"}


@pytest.fixture(scope="module")
def sandbox(environment, tmp_path_factory) -> Iterator[Program]:
    """It answers with its URL and the environment variables of its clients, and starts while the dump is loaded."""
    rates = ",".join(f"{name}={RATE}" for name in PROVIDERS)
    log = tmp_path_factory.mktemp("sandbox") / "sandbox.log"
    options = ["--latency-scale", "0.01", "--rates", rates]
    with Program("sandbox", *options, log=log, environment=environment) as program:
        yield program
        program.end()


@pytest.fixture(scope="module")
def base(server, psql, sandbox) -> Iterator[Base]:
    """The dump, loaded and moved to the present."""
    with loaded(server.url, psql, sandbox.answer["url"]) as held:
        yield held


@dataclass
class Before:
    """What the database held before it was migrated."""

    columns: dict[str, list[str]]
    contents: dict[str, tuple[int, str]]
    months: dict[str, dict[str, Any]]
    incidents: list[dict[str, Any]]


@pytest.fixture(scope="module")
def before(base) -> Before:
    columns = base.columns()
    return Before(columns, base.contents(columns), base.months(), base.sql("SELECT id, kind FROM incident ORDER BY id"))


@pytest.fixture(scope="module")
def migrated(base: Base, before, environment, tmp_path_factory) -> Base:
    log = tmp_path_factory.mktemp("migrate") / "migrate.log"
    variables = environment | {"DATABASE_URL": base.url}
    with Program("migrate", log=log, environment=variables, stays=False) as program:
        applied = program.answer["applied"]
        assert program.end() == 0, log.read_text()
    assert not [step for step in applied if step[:4] <= "0017"], "the dump has these steps"
    return base


def test_the_dump_has_work_of_every_kind(before):
    """Otherwise the other tests would prove nothing."""
    months = before.months
    assert Counter(month["status"] for month in months.values()) == {
        "pending": 21, "processing": 4, "completed": 3, "failed": 3, "retry": 5,
    }  # fmt: skip
    assert {month for month, row in months.items() if row["status"] == "processing"} == {*QUEUED, KILLED}
    waiting = {month: row for month, row in months.items() if row["status"] == "retry"}
    assert {*waiting} == {STOPPED, PAUSED, AFTER_ERRORS, AFTER_SOURCES, SPENT}
    assert {month for month, row in waiting.items() if row["blocked_reason"]} == {STOPPED, PAUSED, SPENT}
    assert [waiting[month]["retry_count"] for month in (AFTER_ERRORS, AFTER_SOURCES, SPENT)] == [4, 2, 0]
    empty = {table for table, (rows, _) in before.contents.items() if not rows}
    assert empty == set()


def test_migrating_loses_and_changes_no_row(migrated, before):
    """Compares all columns of that version; newer versions may add others."""
    kept = {table: columns for table, columns in before.columns.items() if table != "schema_version"}
    assert migrated.contents(kept) == {table: before.contents[table] for table in kept}


@pytest.fixture(scope="module")
def receiver() -> Iterator[AlertReceiver]:
    with receiving_alerts() as listening:
        yield listening


@pytest.fixture(scope="module")
def settings(migrated: Base, environment: dict[str, str], sandbox: Program, receiver) -> dict[str, str]:
    """The environment of programs that use the database and the sandbox."""
    rates = {f"ALEXANDRIA_{name.upper()}_RATE": RATE for name in PROVIDERS}
    to_sandbox: dict[str, str] = sandbox.answer["environment"]
    return environment | to_sandbox | rates | {
        "DATABASE_URL": migrated.url,
        "ALEXANDRIA_SOURCES": "open_library,google_books,internet_archive,isbndb",
        "ALEXANDRIA_CONTACT": "upgrade@alexandria.invalid",
        "ALEXANDRIA_WEBHOOK_SECRET": SECRET,
        "ALEXANDRIA_ALARM_URL": receiver.url,
        "ALEXANDRIA_LOG_FORMAT": "json",
        "ALEXANDRIA_DASHBOARD_PUBLIC": "1",
    }  # fmt: skip


@dataclass
class Read:
    """The API's answers by path, from before any worker ran, and a client for more."""

    api: httpx2.Client
    answers: dict[str, Any] = field(default_factory=dict)

    def get(self, path: str) -> Any:
        return self.answers[path]


INTERNAL = "/api/internal"
PATHS = [
    *(f"{INTERNAL}/{path}" for path in ("backfill-stats", "months", "rollout", "rollout/verdicts")),
    *(f"{INTERNAL}/months/{month}" for month in [*UNDER_WAY, *COMPLETED, *FAILED, RESET]),
    "/api/quota/status",
    "/",
    f"/months/{KILLED}",
]


@pytest.fixture(scope="module")
def read(settings, tmp_path_factory) -> Iterator[Read]:
    log = tmp_path_factory.mktemp("serve") / "serve.log"
    with (
        Program("serve", "--port", "0", log=log, environment=settings) as program,
        httpx2.Client(
            base_url=program.answer["url"], headers={"X-Cron-Secret": SECRET}, trust_env=False, timeout=DEADLINE
        ) as api,
    ):
        yield Read(api, {path: asked(api, path) for path in PATHS})
        assert program.end() == 0, log.read_text()


def asked(api: httpx2.Client, path: str) -> Any:
    answer = api.get(path)
    assert answer.status_code == 200, f"{path}: {answer.text}"
    return answer.json() if answer.headers["content-type"].startswith("application/json") else answer.text


def test_months_are_read_as_they_were(read, before):
    stats = read.get(f"{INTERNAL}/backfill-stats")
    assert stats["by_status"] == {"pending": 21, "processing": 4, "completed": 3, "failed": 3, "retry": 5}
    assert stats["total_months"] == 36
    assert {f"{row['year']}-{row['month']:02d}" for row in stats["recent_activity"]} == {*COMPLETED}
    assert (stats["paused"]["by"], stats["paused"]["reason"]) == ("cli ann", "maintenance of the network")
    shown = {f"{row['year']}-{row['month']:02d}": row for row in read.get(f"{INTERNAL}/months")["months"]}
    for name in ("status", "books_generated", "isbns_resolved", "retry_count", "error_code", "error_message",
                 "blocked_reason"):  # fmt: skip
        assert {month: row[name] for month, row in shown.items()} == {
            month: row[name] for month, row in before.months.items()
        }


def test_books_attempts_and_calls_of_a_month_are_read(read, base):
    for month in COMPLETED:
        answer = read.get(f"{INTERNAL}/months/{month}")
        assert len(answer["candidates"]) == answer["books_generated"] > 0
        assert [attempt["outcome"] for attempt in answer["attempts"]] == ["completed"]
        assert {call["provider"] for call in answer["calls"]} >= {"gemini", "xai", "open_library"}
        for book in answer["candidates"]:
            assert book["reason"]
            assert (book["isbn13"] is None) == (book["source"] == "")
            if book["isbn13"]:
                assert {"isbn13", "source", "score"} <= {*book["evidence"][0]}
                assert {kept["field"] for kept in book["fields"]} >= {"title"}
    unresolved = [book for book in read.get(f"{INTERNAL}/months/2023-10")["candidates"] if not book["isbn13"]]
    assert unresolved
    assert all(book["look_again_at"] for book in unresolved)
    assert any(book["unavailable"] for book in unresolved)


def test_each_attempt_is_read_with_how_it_ended(read, base):
    ended = {
        month: [(attempt["outcome"], attempt["code"]) for attempt in read.get(f"{INTERNAL}/months/{month}")["attempts"]]
        for month in [*UNDER_WAY, *FAILED, RESET]
    }
    running = [(None, None)]
    assert ended == dict.fromkeys([*QUEUED, KILLED], running) | {
        STOPPED: [("snoozed", "paused")],
        PAUSED: [("snoozed", "paused")],
        AFTER_ERRORS: 4 * [("retry", "no_books")],
        AFTER_SOURCES: 2 * [("retry", "no_sources")],
        SPENT: [("snoozed", "no_books")],
        "2023-02": [*4 * [("retry", "no_books")], ("failed", "no_books")],
        "2023-03": [("failed", "no_books")],
        "2023-06": [("failed", "no_books")],
        RESET: [("superseded", None)],
    }
    for month, state in [(QUEUED[0], "queued"), (KILLED, "running"), (RESET, "superseded"), (PAUSED, "snoozed")]:
        (attempt,) = read.get(f"{INTERNAL}/months/{month}")["attempts"]
        job = read.api.get(f"{INTERNAL}/jobs/{attempt['job_id']}").json()
        assert (job["state"], f"{job['year']}-{job['month']:02d}") == (state, month)


def test_the_rollout_is_read_with_its_plan_its_verdicts_and_its_log(read):
    answer = read.get(f"{INTERNAL}/rollout")
    assert (answer["name"], answer["started_by"], answer["ended_at"]) == ("Four years, newest first", "cli ann", None)
    assert (answer["phase"], answer["held"], answer["overridden"]) == (2, "", False)
    assert [(phase["name"], phase["state"], phase["months"]) for phase in answer["phases"]] == [
        ("Validation", "done", 2), ("Recent years", "present", 22), ("Historical", "to_come", 3),
    ]  # fmt: skip
    assert answer["phases"][1]["hours"] == "00:00..24:00"
    assert (answer["phases"][1]["failed"], answer["phases"][1]["under_way"]) == (3, 9)
    assert answer["gate"]["verdict"] == "wait"
    assert answer["gate"]["gate"]["min_sample"] == 10
    assert answer["gate"]["counts"]["failed"] == 3
    assert answer["next"]["kind"] == "paused"
    assert [entry["act"] for entry in answer["log"]] == [
        "schedule", "advance", "approve", "schedule", "release", "hold", "start",
    ]  # fmt: skip
    assert answer["log"][1]["why"].startswith("the gate of Validation is open: ")  # in the words of its time
    verdicts = read.get(f"{INTERNAL}/rollout/verdicts")["verdicts"]
    assert verdicts[1]["reasons"][1] == "0 of the phase's 2 months have failed, 0 may"
    assert [(each["phase"], each["verdict"]) for each in verdicts] == [
        ("Recent years", "wait"), ("Validation", "open"), ("Validation", "wait"), ("Validation", "wait"),
    ]  # fmt: skip
    for each in verdicts:
        assert each["reasons"]
        assert {"min_resolution_rate", "min_sample", "max_failed_share"} <= {*each["inputs"]["gate"]}
        assert {"completed", "failed", "resolved", "unresolved"} <= {*each["inputs"]["counts"]}


def test_quotas_pauses_and_incidents_are_read(read):
    providers = read.get("/api/quota/status")["data"]["providers"]
    assert {*PROVIDERS, "openai"} <= {*providers}
    assert providers["gemini"]["pause_reason"] == "gemini: the day's allowance is used up"
    assert providers["gemini"]["paused_until"]
    assert providers["isbndb"]["daily_limit"] == 15000


def test_the_pages_show_it(read):
    """Overview and month, made of the rollout, the pause and the journal."""
    page = read.get("/")
    assert "Recent years" in page
    assert "maintenance of the network" in page
    month = read.get(f"/months/{KILLED}")
    assert "begun" in month
    assert "machine:" in month


@dataclass
class Worked:
    """The result: `months` when all work was done, `later` after the jobs of old attempts were run a second time."""

    base: Base
    months: dict[str, dict[str, Any]]
    later: dict[str, dict[str, Any]]
    model_calls: dict[str, Any]
    rollout: dict[str, Any]
    alarms: list[dict[str, Any]]
    log: list[dict[str, Any]]


def until(true, what: str, base: Base, log: Path) -> None:
    end = time.monotonic() + DEADLINE
    while not true():
        if time.monotonic() > end:
            months = base.sql("SELECT year, month, status, error_message, blocked_reason FROM backfill_log"
                              " WHERE status IN ('processing', 'retry')")  # fmt: skip
            jobs = base.sql("SELECT id, status, task_name, args, scheduled_at FROM procrastinate_jobs ORDER BY id")
            verdicts = base.sql("SELECT at, reasons FROM rollout_verdict ORDER BY id DESC LIMIT 3")
            pytest.fail(f"waited in vain: {what}\n{months}\n{jobs}\n{verdicts}\n{log.read_text()[-3000:]}")
        time.sleep(0.1)


@pytest.fixture(scope="module")
def resumed(read) -> dict[str, Any]:
    """An operator ends the pause of the provider whose quota was spent, and that of the whole backfill."""
    sentence = read.get(f"{INTERNAL}/months/{PAUSED}")["blocked_reason"]
    asked = [
        ("no_books", "retry", {"reason": "no_books", "dry_run": True}),
        ("sentence", "retry", {"reason": sentence, "dry_run": True}),
        ("gemini", "resume", {"provider": "gemini"}),
        ("all", "resume", {}),
    ]
    answers = {name: read.api.post(f"{INTERNAL}/{act}", json=wanted).json() for name, act, wanted in asked}
    return answers | {"rollout": read.api.get(f"{INTERNAL}/rollout").json()}


@pytest.fixture(scope="module")
def worked(  # noqa: PLR0917 # pytest passes fixtures by name
    before, read, resumed, base, settings, sandbox, receiver, tmp_path_factory
) -> Worked:
    log = tmp_path_factory.mktemp("work") / "work.log"

    def over() -> bool:
        scheduled = base.sql("SELECT 1 FROM rollout_month WHERE day = (now() AT TIME ZONE 'UTC')::date")
        busy = base.sql("SELECT 1 FROM backfill_log WHERE status IN ('processing', 'retry')")
        unseen = base.sql("SELECT 1 FROM candidate WHERE year = 2023 AND month = 10 AND isbn13 IS NULL AND looks = 1")
        return bool(scheduled) and not busy + unseen

    with Program("work", "--concurrency", "6", log=log, environment=settings) as program:
        until(over, "every month is completed, and the rollout has scheduled more", base, log)
        until(lambda: not waiting(base, before), "old incidents are over, and all notices are delivered", base, log)
        rows = base.months()
        enqueue(base)
        until(
            lambda: not base.sql("SELECT 1 FROM procrastinate_jobs WHERE id >= 1000000"), "every job is run", base, log
        )
        with httpx2.Client(base_url=sandbox.answer["url"], trust_env=False) as client:
            calls = client.get("/__sandbox/stats").json()["model_calls"]
        rollout = read.api.get(f"{INTERNAL}/rollout").json()
        later = base.months()
        assert program.end() == 0, log.read_text()
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return Worked(base, rows, later, calls, rollout, receiver.messages(), lines)


def waiting(base: Base, before: Before) -> list[dict[str, Any]]:
    """Old incidents that are not over, or of which a notice is still to be delivered."""
    return base.sql(
        "SELECT id FROM incident WHERE id = ANY(%s) AND (cleared_at IS NULL OR EXISTS ("
        "SELECT FROM notice WHERE incident_id = incident.id AND next_try_at IS NOT NULL))",
        [incident["id"] for incident in before.incidents],
    )


def test_an_operator_ends_waits_that_began_before_the_upgrade(resumed):
    """The waiting months are found by the error code and the reason that the old version stored."""
    assert (resumed["gemini"]["resumed"], resumed["gemini"]["months_woken"]) == (True, 1)
    assert (resumed["all"]["resumed"], resumed["all"]["months_woken"]) == (True, 1)
    step = resumed["rollout"]["next"]
    assert (step["kind"], step["months"][0]) == ("schedule", "2024-08")


def test_months_are_found_by_the_reason_that_was_stored(resumed):
    assert {*resumed["no_books"]["reopened"]} == {*FAILED}
    assert {*resumed["no_books"]["woken"]} == {AFTER_ERRORS, SPENT}
    assert resumed["sentence"]["woken"] == [PAUSED]


def test_stored_json_keeps_its_keys(worked):
    """New evidence and verdicts have all the keys of old ones."""
    keys = {
        "evidence": worked.base.sql(
            "SELECT b.completed_at < now() - interval '1 day' AS old, k AS key FROM candidate"
            " JOIN backfill_log AS b USING (year, month), jsonb_array_elements(evidence) AS e, jsonb_object_keys(e) AS k"
            " WHERE b.status = 'completed' AND (year, month) <> (2023, 10) GROUP BY 1, 2"
        ),
        "verdict": worked.base.sql(
            "SELECT at < now() - interval '1 day' AS old, p || '.' || k AS key FROM rollout_verdict,"
            " jsonb_each(inputs) AS part (p, v), jsonb_object_keys(v) AS k GROUP BY 1, 2"
        ),
    }
    for rows in keys.values():
        old, new = ({row["key"] for row in rows if row["old"] is age} for age in (True, False))
        assert old
        assert old - new == set()


def test_stored_scores_keep_their_meaning(worked, read):
    """Points stay points, and are shown as such; scores of the months that were completed since are probabilities."""
    versions = worked.base.sql("SELECT year, month, max(score_version) AS score_version FROM candidate GROUP BY 1, 2")
    found = {f"{row['year']}-{row['month']:02d}": row["score_version"] for row in versions}
    assert {month: found[month] for month in COMPLETED[:2]} == dict.fromkeys(COMPLETED[:2], 1)
    assert min(found[month] for month in UNDER_WAY) > 1
    old = [book for month in COMPLETED for book in read.get(f"{INTERNAL}/months/{month}")["candidates"]]
    assert {book["score_version"] for book in old} == {1}
    assert ", score 100 points" in read.api.get(f"/months/{COMPLETED[0]}").text


def test_every_month_that_was_under_way_is_completed(worked, before):
    months = worked.months
    assert {month: months[month]["status"] for month in UNDER_WAY} == dict.fromkeys(UNDER_WAY, "completed")
    for month in UNDER_WAY:
        assert months[month]["books_generated"] > 0
        assert months[month]["error_code"] is None
    unasked = [*COMPLETED[:2], *FAILED, RESET]
    kept = before.columns["backfill_log"]
    after = {month: {name: months[month][name] for name in kept} for month in unasked}
    assert after == {month: {name: before.months[month][name] for name in kept} for month in unasked}


def test_books_that_sources_could_not_be_asked_about_are_looked_up(worked, read):
    """Their second look was due when the providers' next day began."""
    unresolved = [book for book in read.get(f"{INTERNAL}/months/2023-10")["candidates"] if not book["isbn13"]]
    now = worked.base.sql("SELECT looks, isbn13 FROM candidate WHERE year = 2023 AND month = 10")
    assert sum(book["looks"] == 2 for book in now) == len(unresolved)
    assert any(book["isbn13"] for book in now)


def test_a_month_that_a_killed_worker_left_costs_one_attempt(worked):
    """The lost attempt counts, and a second one completes the month. Waits and a stopped worker cost no attempt."""
    attempts = worked.base.sql(
        "SELECT outcome, code FROM attempt WHERE year = %s AND month = %s ORDER BY created_at", *key(KILLED)
    )
    assert attempts == [{"outcome": "lost", "code": "worker_lost"}, {"outcome": "completed", "code": None}]
    assert worked.months[KILLED]["retry_count"] == 1
    assert [worked.months[month]["retry_count"] for month in (STOPPED, PAUSED, SPENT, *QUEUED)] == 6 * [0]


def test_a_paid_answer_is_not_paid_for_again(worked):
    """The stored lists of the models are found by the same digest."""
    paid = {
        (model, month)
        for model, months in worked.model_calls.items()
        for month, calls in months.items()
        if calls["paid"]
    }
    assert ("gemini", KILLED) in paid, "that model was paused then"
    assert not paid & {("xai", KILLED), ("xai", STOPPED), ("xai", AFTER_SOURCES), ("gemini", AFTER_SOURCES)}


def test_the_rollout_schedules_its_next_months(worked, read):
    rollout = worked.rollout
    assert 0 < rollout["scheduled_today"] <= rollout["pace_today"]
    new = rollout["log"][: -len(read.answers[f"{INTERNAL}/rollout"]["log"])]
    assert {(entry["who"], entry["act"]) for entry in new} == {("rollout", "schedule")}
    first = new[-1]["detail"]["months"]
    assert first[0] == "2024-08"
    assert {worked.months[month]["status"] for month in first} == {"completed"}
    assert rollout["phases"][1]["completed"] >= len(UNDER_WAY) + len(first)


def test_notices_of_incidents_keep_their_numbers(worked, before):
    """The notice that could not be delivered before the upgrade arrives, and after it that of the incident's end."""
    assert [incident["kind"] for incident in before.incidents] == [
        "no_worker", "months_failing", "lane_paused", "no_worker",
    ]  # fmt: skip
    last = str(before.incidents[-1]["id"])
    delivered = [(alarm["event"], alarm["kind"]) for alarm in worked.alarms if alarm["incident"] == last]
    assert delivered == [("began", "no_worker"), ("cleared", "no_worker")]


def test_an_attempt_that_has_lost_its_month_writes_nothing(worked):
    """Also the job of the killed worker, and that of the month that was reset by hand, are run a second time."""
    known = [*UNDER_WAY, *COMPLETED, *FAILED, RESET]
    assert {month: worked.later[month] for month in known} == {month: worked.months[month] for month in known}


def test_every_job_of_that_version_is_known(worked):
    """The worker's log complains about the unknown job and about no other."""
    troubles = " ".join(line["what"] for line in worked.log if line.get("cause") == "TaskNotFound")
    assert {*re.findall(r"Job (\w+)\[", troubles)} == {UNKNOWN[1]}


def test_nothing_unexpected_is_logged(worked):
    serious = [line for line in worked.log if line["level"] in ("error", "critical") or "exception" in line]
    assert [line for line in serious if line["event"] != "incident began"] == []
