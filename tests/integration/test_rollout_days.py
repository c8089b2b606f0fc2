"""A day belongs to one rollout: months begun today count, by any rollout and with any result."""

from datetime import date, timedelta

import pytest

from alexandria.rollout.decisions import Schedule, Wait, WaitKind
from alexandria.rollout.plan import Plan

GATE = {"min_resolution_rate": 0.5, "min_sample": 10, "max_failed_share": 1}


def plan(years="2000..2023", pace="5", name="P"):
    phase = {"name": "A", "years": years, "months_per_day": pace, "gate": GATE}
    return Plan.model_validate({"name": name, "phase": [phase]})


async def processing(stage):
    return (await stage.sql("SELECT count(*)::integer AS n FROM backfill_log WHERE status <> 'pending'"))[0]["n"]


async def test_a_day_has_the_months_of_one_plan_although_it_is_replaced_five_times(stage):
    """Five replacements once began 36 months of a 20-a-day plan."""
    for number in range(6):
        await stage.controller.start(plan(pace=20, name=f"P{number}"), "ann", replaces=number > 0)
        for _ in range(3):
            await stage.controller.tick()
            stage.now += timedelta(minutes=1)
    assert await processing(stage) == 20
    stage.now += timedelta(days=1)
    for _ in range(3):
        await stage.controller.tick()
    assert await processing(stage) == 40


async def test_a_rollout_that_starts_on_the_day_on_which_another_one_finished_begins_tomorrow(stage):
    await stage.controller.start(plan("2023", 12), "ann")
    await stage.controller.tick()
    await stage.end()
    await stage.controller.tick()
    assert (await stage.controller.snapshot()).rollout.state.finished
    again, _ = await stage.controller.start(plan("2022", 12), "ann")
    assert again.rollout.state.begins == date(2026, 3, 3)
    step = await stage.controller.tick()
    assert isinstance(step, Wait)
    assert step.kind is WaitKind.DAY
    stage.now += timedelta(days=1)
    assert isinstance(await stage.controller.tick(), Schedule)


@pytest.mark.parametrize("month", ["year = 2023 AND month > 6", "true"])
async def test_rows_deleted_and_inserted_by_sql_begin_nothing_twice(stage, month):
    await stage.controller.start(plan("2023"), "ann")
    await stage.controller.tick()
    await stage.sql(f"DELETE FROM backfill_log WHERE {month}")
    await stage.sql(
        "INSERT INTO backfill_log (year, month) SELECT 2023, m FROM generate_series(1, 12) AS m ON CONFLICT DO NOTHING"
    )
    step = await stage.controller.tick()
    assert isinstance(step, Wait)
    assert step.kind is WaitKind.DAY
    assert (await stage.sql("SELECT count(*)::integer AS n FROM rollout_day"))[0]["n"] == 5
    assert (await stage.controller.snapshot()).inputs.scheduled == 5


async def test_a_month_retried_on_another_day_leaves_the_failed_day_in_the_pace(stage):
    """The pace falls back and rises from there, as if the month had stayed failed."""
    await stage.controller.start(plan(pace="2..9"), "ann")
    await stage.days(3)
    assert len((await stage.controller.tick()).months) == 5
    await stage.sql("UPDATE backfill_log SET status = 'failed' WHERE (year, month) IN"
                    " (SELECT year, month FROM backfill_log WHERE status = 'processing' LIMIT 1)")  # fmt: skip
    await stage.end()
    stage.now += timedelta(days=1)
    await stage.sql("UPDATE backfill_log SET status = 'pending' WHERE status = 'failed'")
    assert len((await stage.controller.tick()).months) == 2
    await stage.end()
    stage.now += timedelta(days=1)
    assert len((await stage.controller.tick()).months) == 3
