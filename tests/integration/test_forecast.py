"""The forecast on a real database: what it reads there, what the command prints, and what it keeps for the page."""

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from alexandria import cli
from alexandria.backfill.status import Status
from alexandria.core import config
from alexandria.core.config import KEYS
from alexandria.core.errors import DatabaseUnavailable
from alexandria.core.month import Month
from alexandria.database.pool import Database
from alexandria.forecast import repository
from alexandria.forecast.forecaster import AFTER_FAILURE, FRESH, Forecaster, usual
from alexandria.providers.limits.rate import RateLimiter
from alexandria.rollout import plan
from alexandria.rollout import repository as rollouts
from alexandria.rollout.decisions import Standing

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
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
async def database(seen, database_url):
    async with Database(database_url, size=2) as opened:
        yield opened


async def test_the_past_is_read_as_it_was(database):
    """Outcomes, attempts but superseded ones, who waits, calls of completed months, tokens, and waits for a person."""
    async with database.transaction() as connection:
        started = await rollouts.start(connection, plan.read(plan.example()), "me", NOW.date(), NOW)
        await rollouts.scheduled(connection, started, [Month(2023, 12)], NOW.date())
        await connection.execute(
            "INSERT INTO rollout_verdict (rollout_id, phase, at, verdict, reasons, inputs)"
            " VALUES (%s, 0, %s, 'open', '{fine}', '{}')", (started.id, NOW - timedelta(hours=6)),
        )  # fmt: skip
        await rollouts.note(connection, started, "me", "approve", why="", now=NOW)
        past = await repository.past(connection, started, {"isbndb": 9}, NOW)
        tokens = await repository.tokens(connection)
    december = past.outcomes[Month(2023, 12)]
    assert (december.status, december.resolved, december.unresolved, december.calls) == (Status.COMPLETED, 18, 2, 7)
    assert december.day == NOW.date()
    assert sorted(attempt.outcome for attempt in past.attempts) == ["completed", "completed", "lost"]
    assert {(a.ended - a.began).total_seconds() for a in past.attempts} == {50}
    assert past.failed == {Month(2023, 10): 2}
    assert past.due == {Month(2023, 10): datetime(2026, 3, 4, 12, 5, tzinfo=UTC)}
    assert past.calls == {"isbndb": 2, "open_library": 1}
    assert past.waits == pytest.approx((6.0,))
    assert (past.standing, past.spent, past.at) == (Standing(NOW.date()), {"isbndb": 9}, NOW)
    assert tokens["gemini:gemini-3.5-flash"] == repository.Tokens(400, 3000)


@pytest.fixture
async def prospect(database, database_url, monkeypatch):
    for name in KEYS.values():
        monkeypatch.setenv(name, "canary-key")
    settings = config.load()
    lanes = RateLimiter(database_url, database.pool, settings.providers)
    await lanes.open()
    yield Forecaster(database, settings, lanes.status, now=lambda: NOW)
    await lanes.aclose()


async def test_whoever_looks_never_waits(prospect):
    """The first who looks sees none; the next ones see the last one made, and make it anew when it is old."""
    assert prospect.latest(started=False) is None
    await prospect._making
    first = prospect.latest(started=False)
    assert first is not None
    assert (first.forecast.ended, first.started, first.forecast.measured) == (2, False, True)
    assert prospect.latest(started=False) is first
    prospect.now = lambda: NOW + 2 * FRESH
    assert prospect.latest(started=False) is first
    await prospect._making
    assert prospect.latest(started=False).forecast.at == NOW + 2 * FRESH


async def test_a_forecast_that_fails_is_tried_again_after_a_while(prospect, monkeypatch):
    """Not at every look, and the page goes on without."""
    monkeypatch.setattr("alexandria.forecast.forecaster.RUNS", 1)
    asked = []

    async def away():
        asked.append(1)
        raise DatabaseUnavailable("the database does not answer")

    answers, prospect.allowances = prospect.allowances, away
    for _ in range(3):
        assert prospect.latest(started=False) is None
        await prospect._making
    assert len(asked) == 1
    prospect.now, prospect.allowances = lambda: NOW + AFTER_FAILURE, answers
    prospect.latest(started=False)
    await prospect._making
    assert prospect.latest(started=False) is not None


async def test_a_held_or_paused_rollout_is_forecast_as_if_it_went_on(prospect):
    """And that is said."""
    async with prospect.database.transaction() as connection:
        started = await rollouts.start(connection, plan.read(plan.example()), "me", NOW.date(), NOW)
        await rollouts.stand(connection, started, Standing(NOW.date(), held="me: a walk"), NOW)
        await connection.execute("UPDATE control SET paused_since = now(), paused_by = 'me', pause_reason = 'a nap'")
    told = await prospect.tell(runs=2)
    assert told.started
    assert told.forecast.middle is not None
    assert [note.partition(";")[0] for note in told.notes] == [
        "as if it were released", "as if it were resumed", "as if a worker ran",
    ]  # fmt: skip


async def test_what_has_no_key_is_not_counted_on(prospect):
    """Nor are units that the provider's own plan does not have."""
    lanes = await prospect.allowances()
    all_keys = usual(prospect.settings, lanes)
    assert [lane.name for lane in all_keys.sources] == list(prospect.settings.sources)
    assert {lane.name: lane.cap for lane in all_keys.sources}["isbndb"] == 13000
    bare = prospect.settings.model_copy(
        update={"providers": {n: p.model_copy(update={"key": None}) for n, p in prospect.settings.providers.items()}}
    )
    assert {lane.name for lane in usual(bare, lanes).sources} == {"open_library", "internet_archive", "wikidata"}
    assert usual(bare, lanes, workers=3).at_once == 3 * bare.concurrency
    prospect.settings = bare
    told = await prospect.tell(runs=1)
    assert "without google_books and isbndb, for which there is no key" in told.notes


def test_the_command_tells_days_limit_calls_and_money(seen, database_url, capsys, monkeypatch, tmp_path):
    """For people and for programs; of another plan too, and a mistake in that is named."""
    for name in KEYS.values():
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
    code, again, _ = run("--json", "forecast", "--runs", "10")
    assert json.loads(again)["data"]["calls"] == data["calls"]
    file = tmp_path / "rollout.toml"
    file.write_text(plan.example().replace("300 months in three phases", "mine").replace('"15..20"', "200"))
    code, out, err = run("forecast", "--runs", "10", "--file", str(file))
    assert code == 0
    assert "mine" in out
    assert "limited by" in out
    assert "as if it began now" in err
    file.write_text("name = 3")
    code, _, err = run("forecast", "--file", str(file))
    assert code == 2
    assert "rollout.toml: name" in err
