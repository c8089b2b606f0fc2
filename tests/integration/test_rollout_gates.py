"""Gates through the controller: what stops a phase for good, what only warns, and what never opens one."""

from datetime import timedelta

from alexandria.rollout.decisions import Advance, Schedule, Wait, WaitKind
from alexandria.rollout.gates import Verdict
from alexandria.rollout.plan import Plan

GATE = {"min_resolution_rate": 0.85, "min_sample": 100}


def plan(years, pace, **gate):
    phase = {"name": "A", "years": years, "months_per_day": pace, "gate": GATE | gate}
    return Plan.model_validate({"name": "one", "phase": [phase]})


async def test_a_bad_first_day_of_a_long_phase_does_not_end_it(stage):
    """120 of 160 books after 8 of 240 months: the gate says what the rest must be, and goes on."""
    await stage.controller.start(plan("2000..2019", 8), "ann")
    await stage.controller.tick()
    await stage.end(resolved=15)
    stage.now += timedelta(days=1)
    found = await stage.controller.snapshot()
    assert isinstance(found.decision.step, Schedule)
    assert found.decision.evaluation.verdict is Verdict.WAIT
    assert "below target so far: 75 % of 160; the rest would need 86.5 %" in found.decision.evaluation.why
    await stage.sql(
        "UPDATE backfill_log SET status = 'completed', books_generated = 20, isbns_resolved = 19, isbndb_calls = 20"
        " WHERE status = 'pending'"
    )
    assert isinstance(await stage.controller.tick(), Advance)


async def test_a_phase_without_hope_fails_before_its_end(stage):
    await stage.controller.start(plan("2023", 8), "ann")
    await stage.controller.tick()
    await stage.end(resolved=10)
    stage.now += timedelta(days=1)
    step = await stage.controller.tick()
    assert isinstance(step, Wait)
    assert step.kind is WaitKind.SHUT


async def test_no_quota_at_all_opens_no_gate_that_needs_headroom(stage):
    """A cap of 0: 0 of 0 calls left were once enough."""
    await stage.controller.start(plan("2023", 12, min_quota_headroom=0.1), "ann")
    await stage.controller.tick()
    await stage.end()
    stage.spend(0, cap=0)
    step = await stage.controller.tick()
    assert isinstance(step, Wait)
    assert step.kind is WaitKind.MISSING
    assert "ISBNdb quota 0 of 0 calls left (required 10 %): pending" in step.reason
    stage.spend(0)
    assert isinstance(await stage.controller.tick(), Advance)
