"""The command that schedules named months: single ones and ranges, its preview, its exit codes and its refusals."""

import psycopg
import pytest


@pytest.fixture
def sql(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield lambda statement, *values: connection.execute(statement, values or None)


@pytest.fixture(autouse=True)
def _seeded(asked):
    asked("seed", "2018..2019")


def listed(answer):
    return [f"{month['year']}-{month['month']:02d}" for month in answer["months"]]


def processing(sql):
    return sql("SELECT count(*) FROM backfill_log WHERE status = 'processing'").fetchone()[0]


def test_schedule_takes_single_months_and_ranges_as_they_are_named(asked, alexandria, sql):
    sql("UPDATE backfill_log SET status = 'completed' WHERE year = 2018 AND month = 3")
    named = ("2019-07", "2018-11..2019-01", "2018-03", "2017-12")
    code, out, err = alexandria("schedule", "-n", *named)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines() if line.startswith(("2018", "2019", "2017"))] == [
        "2019-07", "2019-01", "2018-12", "2018-11", "2018-03", "2017-12",
    ]  # fmt: skip
    assert "2018-03 skipped: already completed" in out
    assert "2017-12 skipped: not seeded: alexandria seed 2017" in out
    assert "would schedule 4 months" in err
    assert processing(sql) == 0
    code, live = asked("schedule", *named)
    assert (code, listed(live["data"])) == (0, ["2019-07", "2019-01", "2018-12", "2018-11"])
    assert [each["month"] for each in live["data"]["skipped"]] == ["2018-03", "2017-12"]
    assert processing(sql) == 4
    code, _, err = alexandria("schedule", "2019-07")
    assert (code, "none of these months can be scheduled" in err) == (3, True)


def test_failed_months_need_force_retry(asked, alexandria, sql):
    sql("UPDATE backfill_log SET status = 'failed', error_message = 'no key' WHERE year = 2019")
    code, out, _ = alexandria("schedule", "2019-07")
    assert (code, "2019-07 skipped: failed: send force_retry, or --force-retry" in out) == (3, True)
    code, live = asked("schedule", "2019-07", "--force-retry")
    assert (code, listed(live["data"])) == (0, ["2019-07"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["2019-07", "--batch-size", "2"], "months and --batch-size cannot be combined"),
        (["2019-07", "--years", "2019"], "months and --years cannot be combined"),
        (["2019-13"], "month 2019-13 does not exist"),
        (["2019"], "'2019' is not a month"),
        (["2018-06..2018-01"], "the first month must not be after the last"),
        (["2018-01.."], "'' is not a month"),
        (["1950-01..2000-01"], "months: list should have at most 300 items"),
    ],
)
def test_a_wrong_selection_is_refused_and_nothing_is_scheduled(alexandria, sql, arguments, words):
    code, _, err = alexandria("schedule", *arguments)
    assert code == 2
    assert words in err
    assert processing(sql) == 0
