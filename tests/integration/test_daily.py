"""`doctor --daily`: each line of the checklist turns by what it is about, with the guide's own figure and an exit code."""

import json
import sys

import psycopg
import pytest
import structlog

from alexandria.cli import main as cli

# What the guide has people type, as it prints it.
RATE = "SELECT AVG(resolution_rate) FROM backfill_log WHERE status = 'completed'"
FAILED = "SELECT COUNT(*) FROM backfill_log WHERE status = 'failed'"
STUCK = "SELECT COUNT(*) FROM backfill_log WHERE status = 'processing' AND started_at < NOW() - INTERVAL '1 hour'"
LINES = ["completion", "resolution", "quota", "failures", "stuck"]


@pytest.fixture
def sql(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection.execute


@pytest.fixture
def daily(database_url, monkeypatch, capsys, sql):
    """Exit code and lines by name, with a year of months, one of which is completed well."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def run(*options, command=("doctor", "--daily")):
        code = cli.main(["--database", database_url, "--json", *command, *options])
        answer = json.loads(capsys.readouterr().out)["data"]
        return code, {each["name"]: each for each in answer} if isinstance(answer, list) else answer

    sql("INSERT INTO backfill_log (year, month) SELECT 2023, generate_series(1, 12)")
    sql("UPDATE backfill_log SET status = 'completed', started_at = now() - interval '3 days', books_generated = 20,"
        " isbns_resolved = 19, resolution_rate = 95, completed_at = now() - interval '2 days' WHERE month = 12")  # fmt: skip
    yield run
    structlog.reset_defaults()


def bad(found):
    return [name for name, each in found.items() if not each["ok"]]


def test_a_good_day_is_0_with_the_figures_of_the_guide(daily, sql):
    code, found = daily()
    assert (code, list(found)) == (0, LINES)
    assert found["completion"]["figures"] == {
        "total": 12, "completed": 1, "completed_lately": 0, "adopted": 0, "processing": 0, "retry": 0, "pending": 11,
        "failed": 0,
    }  # fmt: skip
    assert found["resolution"]["figures"]["percent"] == float(sql(RATE).fetchone()[0]) == 95
    assert found["quota"]["figures"]["percentage_used"]["isbndb"] == 0
    assert found["failures"]["figures"]["failed"] == sql(FAILED).fetchone()[0]
    assert found["stuck"]["figures"]["stuck"] == sql(STUCK).fetchone()[0]
    assert all(each["cure"] == "" for each in found.values())


BLOCKED = "UPDATE backfill_log SET status = 'retry', blocked_reason = 'x', next_attempt_at = now() + interval '1 day' WHERE month = 1"
SPENT = "INSERT INTO quota (name, day, cap, used) SELECT 'isbndb', CURRENT_DATE + n, 13000, 13000 FROM generate_series(-1, 1) AS n"
OLD = "UPDATE backfill_log SET status = 'processing', started_at = now() - interval '2 hours' WHERE month = 1"
POOR = "UPDATE backfill_log SET isbns_resolved = 10, resolution_rate = 50 WHERE month = 12"


@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        (["UPDATE backfill_log SET status = 'failed' WHERE month = 1"], ["failures"]),
        ([POOR], ["resolution"]),
        ([OLD], ["completion", "stuck"]),  # and no worker is heard
        ([BLOCKED, SPENT], ["quota"]),
        (["UPDATE control SET paused_since = now() - interval '2 days', paused_by = 'x'"], ["completion"]),
    ],
    ids=["failed", "poor", "stuck", "spent", "paused"],
)
def test_each_problem_fails_its_own_check_with_a_fix(daily, sql, what, wrong):
    daily()  # which sets up the lanes
    for statement in what:
        sql(statement)
    code, found = daily()
    assert (code, bad(found)) == (1, wrong)
    assert all("alexandria " in found[name]["cure"] for name in wrong)


def test_the_daily_check_reports_what_is_well(daily):
    assert bad(daily("--min-resolution-rate", "96")[1]) == ["resolution"]
    assert daily("--least-resolved", "95")[0] == 0


def test_a_rollout_is_a_line_that_turns_when_a_person_is_needed(daily):
    daily(command=("rollout", "start"))
    code, found = daily()
    assert (code, list(found)) == (0, [*LINES, "rollout"])
    daily(command=("rollout", "hold", "--why", "a look"))
    code, found = daily()
    assert (code, bad(found)) == (1, ["rollout"])
    assert "a look" in found["rollout"]["said"]


def test_for_people_it_is_a_line_each(daily, database_url, sql, capsys):
    sql("UPDATE backfill_log SET status = 'failed' WHERE month = 1")
    assert cli.main(["--database", database_url, "doctor", "--daily"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines if not line.startswith(" ")] == [
        f"{'FAIL' if name == 'failures' else 'ok  '} {name}" for name in LINES
    ]
    assert "retry --failed" in lines[lines.index(next(line for line in lines if line.startswith("FAIL"))) + 1]


def test_without_a_database_it_is_6(capsys):
    assert cli.main(["--database", "postgresql://nobody@127.0.0.1:1/x", "doctor", "--daily"]) == 6
    capsys.readouterr()


def test_the_doctor_shows_a_provider_that_does_not_answer(daily, sql):
    """With the reason and the command that asks it at once, also while a request probes it; others pass unnamed."""
    daily()  # makes the lanes
    sql("INSERT INTO lane (name, rate, sends, win, gap) VALUES ('open_library', 1, 1, 1, 1), ('isbndb', 1, 1, 1, 1)"
        " ON CONFLICT DO NOTHING")  # fmt: skip
    sql("UPDATE lane SET paused_until = now() + interval '5 min', pause_reason = 'does not answer (answered 503)'"
        " WHERE name = 'open_library'")  # fmt: skip
    sql("INSERT INTO breaker (name, trips, opened_at, probe, probe_until) VALUES ('isbndb', 1, now(), gen_random_uuid(),"
        " now() + interval '1 min')")  # fmt: skip
    _, found = daily(command=("doctor",))
    paused = {name: each for name, each in found.items() if name.startswith("provider ")}
    assert list(paused) == ["provider isbndb", "provider open_library"]
    assert not any(each["ok"] for each in paused.values())
    assert "does not answer (answered 503)" in str(paused["provider open_library"])
    assert "alexandria resume --provider open_library" in str(paused["provider open_library"])
