"""The forecast on a real database: the history it reads, what the command prints, and what it keeps for the page."""

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from alexandria.backfill.status import Status
from alexandria.cli import main as cli
from alexandria.core.errors import DatabaseUnavailable
from alexandria.core.month import Month
from alexandria.core.provider_facts import key_settings
from alexandria.forecast import repository
from alexandria.forecast.assumptions import expected_scenario
from alexandria.forecast.forecaster import REFRESH_AFTER, RETRY_AFTER
from alexandria.rollout import plan
from alexandria.rollout import repository as rollouts
from alexandria.rollout.decisions import RolloutState
from tests.support.forecasting import FORECAST_AT as NOW

SEEN = """
INSERT INTO backfill_log (year, month) SELECT 2023, generate_series(1, 12);
UPDATE backfill_log SET status = 'completed', books_generated = 20, isbns_resolved = 18, isbndb_calls = 7,
    completed_at = '2026-03-02 03:10+00', started_at = '2026-03-02 03:00+00' WHERE month IN (11, 12);
UPDATE backfill_log SET status = 'retry', retry_count = 2, next_attempt_at = '2026-03-04 12:05+00' WHERE month = 10;
INSERT INTO attempt (token, year, month, created_at, began_at, ended_at, outcome, code)
SELECT gen_random_uuid(), 2023, month, '2026-03-02 03:00+00', '2026-03-02 03:00+00', '2026-03-02 03:00:50+00', outcome, code
FROM (VALUES (12, 'completed', NULL), (11, 'lost', 'worker_lost'), (11, 'completed', NULL), (10, 'superseded', NULL))
     AS seen (month, outcome, code);
INSERT INTO call (provider, route, sent_at, ms, units, status, error, year, month)
SELECT provider, '', '2026-03-02 03:00+00', 300, 1, 200, '', 2023, month
FROM (VALUES ('isbndb', 12), ('isbndb', 12), ('open_library', 11), ('isbndb', 10)) AS seen (provider, month);
INSERT INTO answer (provider, key, request, body) VALUES ('gemini', 'k', '{"generator": "gemini:gemini-3.5-flash"}',
    '{"books": [], "tokens": {"input": 400, "output": 3000}}');
"""


@pytest.fixture
def seen(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(SEEN)


@pytest.fixture
def database(seen, database):
    return database


async def test_the_history_is_read_from_the_database(database):
    """Outcomes, attempts without superseded ones, waiting months, requests, tokens, and hours of waiting for approval."""
    async with database.transaction() as connection:
        started = await rollouts.start(connection, plan.read(plan.example()), "me", NOW.date(), NOW)
        await rollouts.save_scheduled(connection, started, [Month(2023, 12)], NOW.date())
        await connection.execute(
            "INSERT INTO rollout_verdict (rollout_id, phase, at, verdict, reasons, inputs)"
            " VALUES (%s, 0, %s, 'open', '{fine}', '{}')", (started.id, NOW - timedelta(hours=6)),
        )  # fmt: skip
        await rollouts.log_act(connection, started, "me", "approve", why="", now=NOW)
        history = await repository.history(connection, started, {"isbndb": 9}, NOW)
        tokens = await repository.tokens(connection)
    december = history.outcomes[Month(2023, 12)]
    assert (december.status, december.resolved, december.unresolved, december.calls) == (Status.COMPLETED, 18, 2, 7)
    assert december.day == NOW.date()
    assert sorted(attempt.outcome for attempt in history.attempts) == ["completed", "completed", "lost"]
    assert {(a.ended - a.began).total_seconds() for a in history.attempts} == {50}
    assert history.failed == {Month(2023, 10): 2}
    assert history.due == {Month(2023, 10): datetime(2026, 3, 4, 12, 5, tzinfo=UTC)}
    assert history.requests == {"isbndb": 2, "open_library": 1}
    assert history.approval_hours == pytest.approx((6.0,))
    assert (history.state, history.spent, history.at) == (RolloutState(NOW.date()), {"isbndb": 9}, NOW)
    assert tokens["gemini:gemini-3.5-flash"] == repository.Tokens(400, 3000)


@pytest.mark.long
async def test_the_latest_forecast_never_makes_a_caller_wait(forecaster):
    """The first call gets none, later calls get the last one made, and one that is old is made again."""
    assert forecaster.latest(started=False) is None
    await forecaster._making
    first = forecaster.latest(started=False)
    assert first is not None
    assert (first.forecast.ended, first.started, first.forecast.measured) == (2, False, True)
    assert first.forecast.sooner is None  # the page does not show it
    assert forecaster.latest(started=False) is first
    forecaster.now = lambda: NOW + 2 * REFRESH_AFTER
    assert forecaster.latest(started=False) is first
    await forecaster._making
    assert forecaster.latest(started=False).forecast.at == NOW + 2 * REFRESH_AFTER


async def test_a_failed_forecast_is_retried_after_a_minute(forecaster, monkeypatch):
    """Not at every call, and the page is shown without it."""
    monkeypatch.setattr("alexandria.forecast.forecaster.LATEST_RUNS", 1)
    asked = []

    async def away():
        asked.append(1)
        raise DatabaseUnavailable("the database does not answer")

    answers, forecaster.allowances = forecaster.allowances, away
    for _ in range(3):
        assert forecaster.latest(started=False) is None
        await forecaster._making
    assert len(asked) == 1
    forecaster.now, forecaster.allowances = lambda: NOW + RETRY_AFTER, answers
    forecaster.latest(started=False)
    await forecaster._making
    assert forecaster.latest(started=False) is not None


async def test_a_held_or_paused_rollout_is_forecast_as_if_it_continued(forecaster):
    """The report names these assumptions."""
    async with forecaster.database.transaction() as connection:
        started = await rollouts.start(connection, plan.read(plan.example()), "me", NOW.date(), NOW)
        await rollouts.save_state(connection, started, RolloutState(NOW.date(), held="me: a walk"), NOW)
        await connection.execute("UPDATE control SET paused_since = now(), paused_by = 'me', pause_reason = 'a nap'")
    report = await forecaster.report(runs=10)  # in some of them a gate stops it
    assert report.started
    assert report.forecast.middle is not None
    assert report.assumptions == (
        "the hold is lifted (me: a walk)",
        "the pause has ended (paused by me until resumed: a nap)",
        "a worker is running",
    )


async def test_a_source_without_its_key_is_left_out(forecaster):
    """The report names it. The quota of a source is that of its rate limiter."""
    lanes = await forecaster.allowances()
    all_keys = expected_scenario(forecaster.settings, lanes)
    assert [lane.name for lane in all_keys.sources] == list(forecaster.settings.sources)
    assert {lane.name: lane.daily_cap for lane in all_keys.sources}["isbndb"] == 13000
    bare = forecaster.settings.model_copy(
        update={"providers": {n: p.model_copy(update={"key": None}) for n, p in forecaster.settings.providers.items()}}
    )
    assert {lane.name for lane in expected_scenario(bare, lanes).sources} == {
        "open_library",
        "internet_archive",
        "wikidata",
    }
    assert expected_scenario(bare, lanes, workers=3).concurrency == 3 * bare.concurrency
    forecaster.settings = bare
    report = await forecaster.report(runs=1)
    assert report.assumptions[-2:] == (
        "google_books is not asked, as its key is not set",
        "isbndb is not asked, as its key is not set",
    )


async def test_a_closed_forecaster_starts_no_forecast(forecaster):
    """A page that is still open when the process stops caused "no forecast ... PoolClosed" in the log."""
    await forecaster.aclose()
    assert forecaster.latest(started=False) is None
    assert forecaster._making is None


def test_the_command_prints_days_limit_requests_and_cost(seen, database_url, capsys, monkeypatch, tmp_path):
    """As text and as JSON; of another plan too, and a mistake in that plan is named."""
    for name in key_settings().values():
        monkeypatch.setenv(name, "canary-key")

    def run(*arguments):
        code = cli.main(["--database", database_url, *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    code, out, _ = run("--json", "forecast", "--runs", "10")
    data = json.loads(out)["data"]
    assert code == 0
    assert (data["plan"], data["months"], data["ended"], data["limit"]) == (
        "300 months in three phases",
        300,
        2,
        "cadence",
    )
    early, late = (datetime.fromisoformat(data[name]) for name in ("early", "late"))
    assert timedelta(days=17) < late - datetime.now(UTC) < timedelta(days=27)
    assert early <= late
    assert data["money"]["low"] > 1
    assert datetime.fromisoformat(data["sooner"]) < late
    code, again, _ = run("--json", "forecast", "--runs", "10")
    assert json.loads(again)["data"]["calls"] == data["calls"]
    file = tmp_path / "rollout.toml"
    file.write_text(plan.example().replace("300 months in three phases", "mine").replace('"15..20"', "200"))
    code, out, err = run("forecast", "--runs", "10", "--file", str(file))
    assert code == 0
    assert "mine" in out
    assert "limited by" in out
    assert "Assumes that the rollout starts now" in err
    file.write_text("name = 3")
    code, _, err = run("forecast", "--file", str(file))
    assert code == 2
    assert "rollout.toml: name" in err
