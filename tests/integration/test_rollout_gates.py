"""Gates through the controller: what stops a phase for good, what only warns, and what never opens one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alexandria.core.month import Month
from alexandria.rollout.decisions import Advance, Schedule, Wait, WaitKind
from alexandria.rollout.gates import Verdict
from alexandria.rollout.plan import Plan, example, read

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


async def test_books_of_unlike_months_prove_less_than_as_many_of_alike_ones(stage):
    """218 of 240 are 90.8 %, with Wilson's bound of 86.5 %; but two of the months have 65 %, two 80 %, and the others all."""
    for alike in (False, True):
        await stage.controller.start(plan("2023", 12), "ann", replaces=True)
        await stage.controller.tick()
        await stage.sql(
            "UPDATE backfill_log SET status = 'completed', books_generated = 20, isbndb_calls = 20,"
            " isbns_resolved = CASE WHEN %s THEN 18 + (month <= 2)::integer WHEN month <= 2 THEN 13 WHEN month <= 4 THEN 16 ELSE 20 END"
            " WHERE status = 'processing'", alike,
        )  # fmt: skip
        found = await stage.controller.snapshot()
        rate = found.decision.evaluation.reasons[0]
        kept = found.decision.evaluation.inputs()["counts"]
        if alike:
            assert found.decision.evaluation.verdict is Verdict.OPEN
            assert rate == "Resolution rate 90.8 % of 240 books (lower bound 86.5 %, required 85 %): passed"
            assert kept["effective_sample"] == 240
        else:
            assert found.decision.evaluation.verdict is Verdict.SHUT
            assert rate == (
                "Resolution rate 90.8 % of 240 books (lower bound 81.7 %, required 85 %; the bound allows for unlike"
                " months): failed"
            )
            assert 50 < kept["effective_sample"] < 90
        await stage.sql("UPDATE backfill_log SET status = 'pending'")
        stage.now += timedelta(days=1)


async def test_books_of_other_months_fail_each_gate_of_the_shipped_plan(stage):
    """All books are found, and sources contradict the month of each of them: all three gates once passed at 100 %."""
    for phase in read(example()).phase:
        await stage.sql("UPDATE backfill_log SET status = 'pending'")
        wanted = read(example()).model_copy(
            update={"phase": (phase.model_copy(update={"months_per_day": (300, 300)}),)}
        )
        await stage.controller.start(wanted, "ann", replaces=True)
        stage.now += timedelta(days=1)
        await stage.controller.tick()
        await stage.end_with_books(resolved=20, confirmed=0, contradicted=20)
        step = await stage.controller.tick()
        assert isinstance(step, Wait)
        assert step.kind is WaitKind.SHUT
        books = 20 * len((await stage.controller.snapshot()).inputs.outcomes) if phase.months is None else 200
        assert step.reason == (
            f"gate of {phase.name} failed: Publication month confirmed for 0 % of {books:,} books (lower bound 0 %,"
            " required 30 %): failed"
        )


async def test_too_few_books_of_known_months_fail_the_gate_of_the_shipped_plan(stage):
    """20 of the required 30: missing data never passes a gate."""
    wanted = read(example())
    await stage.controller.start(wanted.model_copy(update={"phase": wanted.phase[:1]}), "ann")
    for known in (2, 3):
        while (step := await stage.controller.tick()) and isinstance(step, Schedule):
            await stage.end_with_books(resolved=20, confirmed=known, contradicted=0)
            stage.now += timedelta(days=1)
        if known == 2:
            assert (
                step.reason == "gate of Validation failed: Publication month known for 20 books (required 30): failed"
            )
            await stage.sql("UPDATE backfill_log SET status = 'pending'")
    assert isinstance(step, Advance)


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


async def test_a_share_that_is_less_than_one_call_begins_one_month_a_day(stage):
    """0.05 of 13 calls were 0, and the rollout stood still for ever."""
    wanted = plan("2023", 5)
    phase = wanted.phase[0].model_copy(update={"quota_share": 0.05})
    await stage.controller.start(wanted.model_copy(update={"phase": (phase,)}), "ann")
    stage.spend(0, cap=13)
    for day in range(1, 4):
        for _ in range(3):
            await stage.controller.tick()
        await stage.end()
        [row] = await stage.sql("SELECT count(*)::integer AS n FROM rollout_day")
        assert row["n"] == day
        stage.now += timedelta(days=1)


async def test_a_month_begins_although_others_leave_less_than_an_unmeasured_month_is_assumed_to_need(stage):
    """30 calls are left each day, and a month takes 4: that is learned from the first one, and counts at once."""
    await stage.controller.start(plan("2023", 5), "ann")
    stage.spend(12_970)
    await stage.controller.tick()
    await stage.sql("UPDATE backfill_log SET status = 'completed', isbndb_calls = 4, books_generated = 20,"
                    " isbns_resolved = 20 WHERE status = 'processing'")  # fmt: skip
    step = await stage.controller.tick()
    assert isinstance(step, Schedule)
    assert len(step.months) == 4


async def test_a_month_in_retry_for_days_does_not_hold_the_others(stage):
    await stage.controller.start(plan("2023", 5), "ann")
    stage.spend(0, cap=50)
    await stage.controller.tick()
    await stage.sql("UPDATE backfill_log SET status = 'retry' WHERE status = 'processing'")
    begun: list[Month] = []
    for _ in range(9):
        stage.now += timedelta(days=1)
        for _ in range(3):
            step = await stage.controller.tick()
            begun += step.months if isinstance(step, Schedule) else ()
        await stage.sql("UPDATE backfill_log SET status = 'completed', isbndb_calls = 40, books_generated = 20,"
                        " isbns_resolved = 20 WHERE status = 'processing'")  # fmt: skip
    assert len(begun) == 9


@pytest.mark.parametrize("by", ["an earlier rollout", "hand"])
async def test_a_month_in_retry_that_the_rollout_has_not_begun_does_not_hold_it(stage, by):
    """A quota of less than two months a day: the retry reserved what was left, for ever."""
    await stage.controller.start(plan("2023", 1), "ann")
    if by == "hand":
        await stage.sql("UPDATE backfill_log SET status = 'processing' WHERE month = 12")
    else:
        await stage.controller.tick()
    await stage.sql("UPDATE backfill_log SET status = 'retry' WHERE status = 'processing'")
    await stage.controller.start(plan("2023", 5), "ann", replaces=True)
    stage.spend(0, cap=50)
    stage.now += timedelta(days=1)
    step = await stage.controller.tick()
    assert isinstance(step, Schedule)
    assert step.months == (Month(2023, 11),)


async def test_a_daily_limit_without_calls_for_months_names_the_fix(stage):
    await stage.controller.start(plan("2023", 5), "ann")
    stage.spend(0, cap=0)
    step = await stage.controller.tick()
    assert isinstance(step, Wait)
    assert (step.kind, "raise it, or lower its reserve" in step.reason) == (WaitKind.BUDGET, True)


async def test_the_share_is_of_the_providers_own_day(stage):
    """It ends at 08:00 UTC here: what months spent since then yesterday is of today's share."""
    stage.lanes = [replace(stage.lanes[0], cap=1000, used=480, began_at=datetime(2026, 3, 1, 8, tzinfo=UTC),
                           reset_at=datetime(2026, 3, 2, 8, tzinfo=UTC))]  # fmt: skip
    await stage.sql(
        "INSERT INTO call (provider, route, sent_at, ms, units, status, error, attempt_token)"
        " VALUES ('isbndb', '/', %s, 1, 480, 200, '', gen_random_uuid())", datetime(2026, 3, 1, 20, tzinfo=UTC),
    )  # fmt: skip
    wanted = plan("2023", 12)
    phase = wanted.phase[0].model_copy(update={"quota_share": 0.5})
    await stage.controller.start(wanted.model_copy(update={"phase": (phase,)}), "ann")
    found = await stage.controller.snapshot()
    assert found.inputs.quota.by_months == 480
    assert not isinstance(found.decision.step, Schedule)
    stage.now = datetime(2026, 3, 2, 8, tzinfo=UTC)
    stage.lanes = [replace(stage.lanes[0], used=0, began_at=stage.now, reset_at=stage.now + timedelta(days=1))]
    step = await stage.controller.tick()
    assert isinstance(step, Schedule)
    assert len(step.months) == 12
