"""A rollout over HTTP: answers, refusals, and the metrics for Prometheus."""

import pytest

from alexandria.bootstrap import periodic
from alexandria.rollout.decisions import TICK_SECONDS, WaitKind

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROLLOUT = "/api/internal/rollout"
PHASE = {"name": "only", "years": "2023", "months_per_day": 12, "gate": {"approval": True, "min_sample": 10}}
PLAN = {"name": "by hand", "phase": [PHASE]}


@pytest.fixture(autouse=True)
async def _none(empty, sql):
    await sql("UPDATE rollout SET ended_at = started_at, outcome = 'replaced' WHERE ended_at IS NULL")
    await sql("UPDATE control SET paused_since = NULL, paused_until = NULL")
    await sql("INSERT INTO lane (name, rate, sends, win, gap, daily_limit, daily_cap) VALUES ('isbndb', 3, 3, 1, 0.3, 15000, 13000)"
              " ON CONFLICT DO NOTHING")  # fmt: skip


async def post(api, act, code=200, **body):
    response = await api.post(f"{ROLLOUT}/{act}", json=body)
    assert response.status_code == code, response.text
    return response.json()


async def finish(sql, resolved=20):
    await sql("UPDATE backfill_log SET status = 'completed', books_generated = 20, isbns_resolved = %s", resolved)


async def test_a_rollout_from_start_to_approval(api, sql, system):
    """A dry run, then started, carried on by the periodic task, and approved by a person."""
    tried = await post(api, "start", plan=PLAN, why="first try", dry_run=True)
    assert tried["dry_run"]
    assert tried["message"] == "12 months in 1 phase; would add 12 missing months"
    assert await sql("SELECT id FROM rollout WHERE ended_at IS NULL") == []
    started = await post(api, "start", plan=PLAN, why="for the spring")
    assert (started["name"], started["phase"], started["next"]["kind"]) == ("by hand", 1, "schedule")
    assert started["phases"] == [
        {"name": "only", "years": "2023", "months_per_day": "12", "hours": "00:00..24:00", "months": 12, "completed": 0,
         "failed": 0, "under_way": 0, "pending": 12, "state": "present"}
    ]  # fmt: skip
    [tick] = [each for each in periodic(system) if each.name == "rollout"]
    assert tick.period == TICK_SECONDS
    await tick.act()
    shown = (await api.get(ROLLOUT)).json()
    assert shown["phases"][0]["under_way"] == 12
    assert (shown["gate"]["verdict"], shown["gate"]["gate"]["min_sample"]) == ("wait", 10)
    assert (shown["scheduled_today"], shown["pace_today"], shown["next"]["kind"]) == (12, 12, "work")
    early = await post(api, "approve", 409)
    assert early["error"]["code"] == "gate_shut"
    assert early["error"]["message"].startswith("the gate of only has not passed yet: 12 months in progress")
    await finish(sql)
    assert (await api.get(ROLLOUT)).json()["next"]["kind"] == "approval"
    done = await post(api, "approve", why="looks right")
    assert (done["next"]["kind"], done["phases"][0]["state"]) == ("finished", "done")
    assert [(line["who"], line["act"], line["why"]) for line in reversed(done["log"])][-2:] == [
        ("api", "approve", "looks right"), ("api", "finish", done["log"][0]["why"]),
    ]  # fmt: skip
    judged = (await api.get(f"{ROLLOUT}/verdicts")).json()["verdicts"]
    assert [(each["phase"], each["verdict"]) for each in judged] == [
        ("only", "open"),
        ("only", "wait"),
    ]
    assert judged[0]["inputs"]["counts"]["resolved"] == 240
    assert (await post(api, "hold", 404, why="too late"))["error"]["message"] == "no rollout is running"


async def test_a_phase_that_failed_after_its_gate_had_passed_is_a_warning(api, sql, system):
    gate = {"min_sample": 10, "hold_if_failed_later": True}
    phases = [PHASE | {"gate": gate}, PHASE | {"name": "later", "years": "2022", "months_per_day": 1}]
    await post(api, "start", plan={"name": "two", "phase": phases})
    await system.rollout.tick()
    await sql(
        "UPDATE backfill_log SET status = 'completed', books_generated = 20, isbns_resolved = 20 WHERE year = 2023"
    )
    await system.rollout.tick()
    assert (await api.get(ROLLOUT)).json()["warnings"] == []
    await sql("UPDATE backfill_log SET status = 'failed' WHERE year = 2023")
    await system.rollout.tick()
    failure = "only: its gate had passed and would fail now: Resolution rate known for 0 books (required 10): failed"
    seen = (await api.get(ROLLOUT)).json()
    assert seen["warnings"][0].startswith(failure)
    assert (seen["next"]["kind"], seen["held"].startswith(f"rollout: {failure}")) == ("held", True)
    assert (seen["log"][0]["who"], seen["log"][0]["act"]) == ("rollout", "hold")


async def test_holding_releasing_and_overriding(api, sql, system):
    await post(api, "start", plan=PLAN)
    assert (await post(api, "start", 409))["error"]["code"] == "not_now"
    assert (await post(api, "release", 409))["error"]["message"] == "the rollout is not on hold"
    tried = await post(api, "hold", why="to look", dry_run=True)
    assert tried["held"] == "api: to look"
    assert (await api.get(ROLLOUT)).json()["held"] == ""
    assert (await post(api, "hold", why="to look"))["message"] == "phase 1 of 1, only: held by api: to look"
    await system.rollout.tick()
    assert (await api.get(ROLLOUT)).json()["scheduled_today"] == 0
    assert (await post(api, "release"))["next"]["kind"] == "schedule"
    await sql("UPDATE backfill_log SET status = 'failed'")
    assert (await api.get(ROLLOUT)).json()["next"]["kind"] == "shut"
    assert (await post(api, "override", why="known, and fixed"))["overridden"]
    await system.rollout.tick()
    assert (await api.get(ROLLOUT)).json()["next"]["kind"] == "finished"


async def test_an_act_names_its_phase_and_rollout(api, sql, system):
    """By number, by name, or not at all; another one is a conflict. The answer has the names."""
    started = await post(api, "start", plan=PLAN)
    for meant in ({"phase": 2}, {"phase": "other"}, {"rollout": started["id"] + 1}):
        refused = await post(api, "hold", 409, why="to look", **meant)
        assert (refused["error"]["code"], "the act is meant for" in refused["error"]["message"]) == ("not_now", True)
    for meant in ({"phase": 1, "rollout": started["id"]}, {"phase": "only"}, {"phase": None, "rollout": None}):
        held = await post(api, "hold", why="to look", **meant)
        assert held["held"] == "api: to look"
        assert (await post(api, "release", **meant, hold=held["hold"]))["held"] == ""
    early = await post(api, "override", 409, why="known", phase=1)
    assert "has not begun a month yet" in early["error"]["message"]
    assert (await post(api, "override-in-advance", why="a trial", phase="only", dry_run=True))["overridden"]
    await system.rollout.tick()
    assert (await post(api, "override", 409, why="known"))["error"]["code"] == "not_now"
    assert (await post(api, "override", why="known", phase="only"))["overridden"]


async def test_a_release_names_its_hold(api):
    """A second one, sent again or late, is a conflict that names who holds now."""
    await post(api, "start", plan=PLAN)
    first = (await post(api, "hold", why="to look"))["hold"]
    assert (await post(api, "release", hold=first))["hold"] is None
    second = (await post(api, "hold", why="a wrong key"))["hold"]
    for meant in ({"hold": first}, {}):
        refused = await post(api, "release", 409, **meant)
        assert (refused["error"]["code"], "a wrong key" in refused["error"]["message"]) == ("not_now", True)
    assert (await api.get(ROLLOUT)).json()["hold"] == second
    assert (await post(api, "release", hold=second))["held"] == ""


@pytest.mark.parametrize(
    ("act", "body", "text"),
    [
        ("override-in-advance", {"why": "x"}, "phase: "),
        ("override", {"why": "x", "phase": 0}, "phase"),
        ("override", {"why": "x", "phase": True}, "phase"),
        ("hold", {"why": "x", "rollout": "1"}, "rollout: "),
        ("override", {}, "why: "),
        ("hold", {"why": ""}, "why: "),
        ("hold", {"why": "a\u0000b"}, "why: "),
        ("hold", {"why": "x", "until": 5}, "until: unknown field"),
        ("start", {"plan": {"name": "a", "phase": []}}, "plan.phase: "),
        ("start", {"plan": PLAN | {"phases": []}}, "plan.phases: unknown field; did you mean phase?"),
        ("start", {"plan": PLAN | {"phase": [PHASE | {"years": "20x"}]}}, "plan.phase.0.years: "),
        ("start", {"plan": None}, "plan: "),
        ("start", {"plan": PLAN | {"phase": PHASE}}, "plan.phase: it is one table"),
        ("start", {"plan": PLAN | {"name": " \u202e"}}, "plan.name: it is blank"),
        (
            "start",
            {"plan": PLAN | {"phase": [PHASE | {"name": "a\u2066b"}]}},
            "plan.phase.0.name: it contains a character",
        ),
        (
            "start",
            {"plan": PLAN | {"phase": [PHASE | {"name": "a\u2028b"}]}},
            "plan.phase.0.name: it contains a control",
        ),
        ("start", {"plan": PLAN | {"phase": [PHASE | {"gate": []}]}}, "plan.phase.0.gate: it is a list"),
    ],
)
async def test_a_body_with_a_mistake_is_refused_with_the_field(api, act, body, text):
    assert (await post(api, act, 422, **body))["error"]["message"].startswith(text)


@pytest.mark.parametrize(
    "plan",
    [
        '{"name": "a", "phase": [{"name": "b", "months_per_day": 5, "years": ' + "9" * 5000 + "}]}",
        '{"name": ' + "[" * 20_000 + "]" * 20_000 + "}",
        '\ufeff{"name": "a"}',
    ],
)
async def test_a_plan_that_no_reader_of_json_takes_is_refused(api, plan):
    """A number of 5,000 digits, deep nesting, a byte order mark."""
    content = f'{{"plan": {plan}}}'.encode()
    response = await api.post(f"{ROLLOUT}/start", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code in {400, 422}, response.text
    assert response.json()["error"]["message"]


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_start_and_the_state_afterwards_have_the_warnings(api, dry_run):
    plan = PLAN | {"phase": [PHASE | {"years": "2030", "gate": {"min_sample": 1000}}]}
    started = await post(api, "start", plan=plan, dry_run=dry_run)
    gate, future = started["warnings"]
    assert gate.startswith("only: its gate cannot be reached: min_sample is 1,000, and 12 months have about 480 books")
    assert future.startswith("only: 12 months up to 2030-12 are not over yet")
    if not dry_run:
        assert (await api.get(ROLLOUT)).json()["warnings"] == started["warnings"]


async def test_an_act_with_an_idempotency_key_is_carried_out_once(api, sql, system):
    """Sent again after the rollout has gone on it gets the first answer, and the next gate stays as it is."""
    phases = [
        PHASE | {"name": name, "years": year, "gate": {"min_sample": 10}}
        for name, year in (("A", "2023"), ("B", "2022"))
    ]
    await post(api, "start", plan=PLAN | {"phase": phases})
    await system.rollout.tick()
    await sql("UPDATE backfill_log SET status = 'failed'")

    async def override():
        return await api.post(f"{ROLLOUT}/override", json={"why": "known"}, headers={"Idempotency-Key": "override-a"})

    first = await override()
    await system.rollout.tick()
    assert (await api.get(ROLLOUT)).json()["phase"] == 2
    again = await override()
    assert (first.status_code, again.status_code, again.content) == (200, 200, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    shown = (await api.get(ROLLOUT)).json()
    assert (shown["phase"], shown["overridden"]) == (2, False)


@pytest.mark.parametrize("act", ["override", "approve"])
async def test_an_act_that_comes_twice_passes_one_gate_although_the_next_has_ended_too(api, sql, system, act):
    """Its months may have ended under an earlier rollout. Without a key and without a phase; with its phase it passes."""
    gate = {"min_sample": 10, "approval": True}
    phases = [PHASE | {"name": name, "years": year, "gate": gate} for name, year in (("A", "2023"), ("B", "2022"))]
    await post(api, "start", plan=PLAN | {"phase": phases})
    await (finish(sql) if act == "approve" else sql("UPDATE backfill_log SET status = 'failed'"))
    await post(api, act, why="known")
    await system.rollout.tick()
    refused = await post(api, act, 409, why="known")
    assert "was for phase A; this one may be a repetition of it: name the phase" in refused["error"]["message"]
    shown = (await api.get(ROLLOUT)).json()
    assert (shown["phase"], shown["overridden"]) == (2, False)
    await post(api, act, why="this one too", phase="B")


async def test_without_the_secret_every_call_is_refused(app, api):
    for method, path in (("GET", ""), ("POST", "/start"), ("POST", "/override")):
        response = await api.request(method, ROLLOUT + path, headers={"X-Cron-Secret": "wrong"})
        assert response.status_code == 401
        assert response.json() == {"error": "Unauthorized: Invalid or missing X-Cron-Secret"}


async def test_metrics_have_the_phase_the_gate_and_what_the_rollout_waits_for(api, sql):
    async def seen():
        lines = (await api.get("/metrics")).text.splitlines()
        return {
            line.partition(" ")[0]
            for line in lines
            if line.startswith("alexandria_rollout") and not line.endswith(" 0.0")
        }

    assert await seen() == set()
    await post(api, "start", plan=PLAN)
    await post(api, "hold", why="to look")
    assert await seen() == {
        "alexandria_rollout_phase", 'alexandria_rollout_gate{verdict="wait"}', 'alexandria_rollout_rests{kind="held"}'
    }  # fmt: skip
    text = (await api.get("/metrics")).text
    assert all(f'alexandria_rollout_rests{{kind="{kind}"}}' in text for kind in WaitKind)
