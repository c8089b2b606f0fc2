"""Phases that fail after their gate had passed, as their months were run again: what is shown, and what is held."""

from datetime import timedelta

import pytest

from alexandria.core.errors import NotNow
from alexandria.operations.rollout_summary import summarize, warnings
from alexandria.rollout.decisions import Advance, Schedule, Wait, WaitKind
from alexandria.rollout.plan import Plan

WOULD_FAIL = "A: its gate had passed and would fail now: 2 of 12 months failed (limit 1): failed"


def plan(*, hold=True, **second):
    gate = {"min_resolution_rate": 0.85, "min_sample": 100, "max_failed_share": 0.1}
    first = {"name": "A", "years": 2023, "months_per_day": 12, "gate": gate | {"hold_if_failed_later": hold}}
    return Plan.model_validate(
        {"name": "two", "phase": [first, {"name": "B", "years": 2022, "months_per_day": 4, "gate": gate | second}]}
    )


async def second_phase(stage, **options):
    """A rollout that is in its second phase."""
    await stage.controller.start(plan(**options), "ann")
    await stage.controller.tick()
    await stage.end()
    stage.now += timedelta(days=1)
    assert isinstance(await stage.controller.tick(), Advance)


async def run_again(stage, status, months, resolved=20):
    """Months of 2023 are run again by the rollout, four a day, and end so; those of the second phase are completed."""
    await stage.sql("UPDATE backfill_log SET status = 'pending' WHERE year = 2023 AND month <= %s", months)
    while await stage.sql("SELECT month FROM backfill_log WHERE year = 2023 AND status = 'pending'"):
        assert isinstance(await stage.controller.tick(), Schedule)
        await stage.sql(
            "UPDATE backfill_log SET status = %s, isbns_resolved = %s WHERE status = 'processing' AND year = 2023",
            status, resolved,
        )  # fmt: skip
        await stage.end()
        stage.now += timedelta(days=1)


async def test_a_phase_whose_months_fail_later_holds_the_rollout_until_a_person_releases_it(stage):
    await second_phase(stage)
    await run_again(stage, "failed", 2)
    step = await stage.controller.tick()
    assert isinstance(step, Wait)
    assert (step.kind, step.reason) == (WaitKind.HELD, f"held by rollout: {WOULD_FAIL}")
    assert (await stage.log())[-1] == ("rollout", "hold", WOULD_FAIL)
    assert isinstance(await stage.controller.tick(), Wait)
    still = await stage.controller.standstill()
    assert (still.shut, still.reason) == (True, f"two: held by rollout: {WOULD_FAIL}")
    found = await stage.controller.snapshot()
    assert WOULD_FAIL in warnings(found)
    assert WOULD_FAIL in summarize(found).warnings
    await stage.controller.release("bob", "the source was down")
    assert isinstance(await stage.controller.tick(), Schedule)
    assert [act for _, act, _ in await stage.log()].count("hold") == 1


async def test_accepted_failures_hold_the_rollout_again_only_if_more_fails(stage):
    """The same months fail again on another day, or another month fails; but not while they are run again."""
    await second_phase(stage)
    await run_again(stage, "failed", 2)
    await stage.controller.tick()
    await stage.controller.release("bob", "known")
    stage.now += timedelta(days=1)
    await run_again(stage, "failed", 2)
    assert (await stage.controller.tick()).kind is WaitKind.HELD
    await stage.controller.release("bob", "known")
    await run_again(stage, "completed", 2)
    assert not isinstance(await stage.controller.tick(), Wait)
    found = await stage.controller.snapshot()
    assert found.failed_later == ()
    assert [act for _, act, _ in await stage.log()].count("hold") == 2


async def test_without_the_option_a_later_failure_is_shown_and_holds_nothing(stage):
    await second_phase(stage, hold=False)
    await run_again(stage, "failed", 2)
    assert isinstance(await stage.controller.tick(), Schedule)
    found = await stage.controller.snapshot()
    assert WOULD_FAIL in warnings(found)
    assert found.rollout.state.held == ""


async def test_a_month_that_fails_later_within_the_limit_is_shown_and_holds_nothing(stage):
    await second_phase(stage)
    await run_again(stage, "failed", 1)
    assert isinstance(await stage.controller.tick(), Schedule)
    found = await stage.controller.snapshot()
    assert "A: 1 month failed after its gate had passed, which would not fail now" in warnings(found)


async def test_fewer_books_than_before_hold_the_rollout(stage):
    await second_phase(stage)
    await run_again(stage, "completed", 12, resolved=10)
    step = await stage.controller.tick()
    assert (step.kind, "Resolution rate 50 % of 240 books" in step.reason) == (WaitKind.HELD, True)
    await stage.controller.release("bob", "known")
    assert isinstance(await stage.controller.tick(), Schedule)


async def test_no_approval_goes_past_a_phase_that_failed_later(stage):
    """Though the next tick, which would hold the rollout, has not come yet."""
    await second_phase(stage, approval=True)
    for _ in range(3):
        await stage.controller.tick()
        await stage.end()
        stage.now += timedelta(days=1)
    assert (await stage.controller.tick()).kind is WaitKind.APPROVAL
    await stage.sql("UPDATE backfill_log SET status = 'failed' WHERE year = 2023 AND month <= 2")
    with pytest.raises(NotNow, match="held by rollout: A: its gate had passed and would fail now"):
        await stage.controller.approve("bob")
    assert (await stage.controller.tick()).kind is WaitKind.HELD


async def test_a_phase_that_a_person_overrode_has_not_passed(stage):
    await stage.controller.start(plan(), "ann")
    await stage.controller.tick()
    await stage.end("failed")
    stage.now += timedelta(days=1)
    assert (await stage.controller.tick()).kind is WaitKind.SHUT
    await stage.controller.override("bob", "known")
    assert isinstance(await stage.controller.tick(), Advance)
    assert isinstance(await stage.controller.tick(), Schedule)
    found = await stage.controller.snapshot()
    assert found.failed_later == ()


async def test_a_rollout_that_has_finished_shows_what_failed_later(stage):
    await second_phase(stage)
    for _ in range(3):
        await stage.controller.tick()
        await stage.end()
        stage.now += timedelta(days=1)
    step = await stage.controller.tick()
    assert isinstance(step, Advance)
    assert step.state.finished
    await stage.sql("UPDATE backfill_log SET status = 'failed' WHERE month <= 2")
    found = await stage.controller.snapshot()
    assert warnings(found) == [WOULD_FAIL, WOULD_FAIL.replace("A:", "B:")]
