"""Acts on a rollout name what they act on: a repeated or stale one never changes another phase or rollout."""

import asyncio
from datetime import timedelta

import pytest

from alexandria.core.errors import BadInput, NotNow
from alexandria.rollout.acts import ActTarget
from alexandria.rollout.decisions import Advance, Wait, WaitKind
from alexandria.rollout.plan import Plan

GATE = {"min_resolution_rate": 0.85, "min_sample": 100}
PLAN = Plan.model_validate(
    {
        "name": "two",
        "phase": [
            {"name": "A", "years": 2023, "months_per_day": 12, "gate": GATE},
            {"name": "B", "years": 2022, "months_per_day": 12, "gate": GATE},
        ],
    }
)


async def failed(stage):
    """A rollout whose first gate has failed."""
    await stage.controller.start(PLAN, "ann")
    await stage.controller.tick()
    await stage.end(resolved=0)
    stage.now += timedelta(days=1)
    step = await stage.controller.tick()
    assert isinstance(step, Wait)
    assert step.kind is WaitKind.SHUT


@pytest.mark.parametrize("ticks", [0, 1, 2])
async def test_an_override_sent_twice_opens_no_gate_of_the_next_phase(stage, ticks):
    """However far the rollout has come 30 seconds later, and whether or not the act names its phase."""
    await failed(stage)
    await stage.controller.override("bob", "known")
    await stage.controller.tick()
    for _ in range(ticks):
        stage.now += timedelta(seconds=20)
        await stage.controller.tick()
    for target in (ActTarget(), ActTarget("A"), ActTarget(1)):
        with pytest.raises(NotNow):
            await stage.controller.override("bob", "known", target=target)
    await stage.controller.tick()
    await stage.end(resolved=0)
    stage.now += timedelta(days=1)
    step = await stage.controller.tick()
    assert isinstance(step, Wait)
    assert step.kind is WaitKind.SHUT
    assert [act for _, act, _ in await stage.log()].count("override") == 1


async def test_twenty_overrides_at_once_open_one_gate(stage):
    await failed(stage)

    async def act():
        await stage.controller.override("bob", "known")
        await stage.controller.tick()

    await asyncio.gather(*(act() for _ in range(20)), return_exceptions=True)
    await stage.controller.tick()
    found = await stage.controller.snapshot()
    assert (found.phase, found.rollout.state.overridden) == ("B", False)


@pytest.mark.parametrize("act", ["hold", "release", "approve", "override"])
async def test_an_act_for_another_phase_or_rollout_changes_nothing(stage, act):
    await failed(stage)
    before = await stage.log()
    for target in (ActTarget("B"), ActTarget(2), ActTarget("2"), ActTarget("C"), ActTarget(99), ActTarget(rollout=99)):
        with pytest.raises(NotNow, match="the act is meant for"):
            await getattr(stage.controller, act)("bob", "known", target=target)
    assert await stage.log() == before


async def test_an_act_for_a_replaced_rollout_changes_nothing(stage):
    first, _ = await stage.controller.start(PLAN, "ann")
    second, _ = await stage.controller.start(PLAN, "ann", replaces=True)
    with pytest.raises(NotNow, match=f"meant for rollout {first.rollout.id}, but rollout {second.rollout.id} "):
        await stage.controller.hold("bob", "stop", target=ActTarget("A", first.rollout.id))
    held = await stage.controller.hold("bob", "stop", target=ActTarget("A", second.rollout.id))
    assert held.rollout.state.held == "bob: stop"


async def test_a_phase_may_have_a_number_as_its_name(stage):
    """The name comes first."""
    phases = [{"name": name, "years": year, "months_per_day": 5} for name, year in (("2", 2023), ("1", 2022))]
    await stage.controller.start(Plan.model_validate({"name": "n", "phase": phases}), "ann")
    await stage.controller.hold("bob", "x", target=ActTarget("2"))
    await stage.controller.hold("bob", "x", target=ActTarget(1))
    with pytest.raises(NotNow):
        await stage.controller.hold("bob", "x", target=ActTarget("1"))


async def test_a_gate_is_overridden_before_its_phase_has_ended_only_by_name(stage):
    """Not before a month has begun: that is the act in advance, which must name the phase."""
    await stage.controller.start(PLAN, "ann")
    with pytest.raises(NotNow, match="A has not begun a month"):
        await stage.controller.override("bob", "known", target=ActTarget("A"))
    await stage.controller.tick()
    with pytest.raises(NotNow, match="12 months of phase A have not ended: name the phase"):
        await stage.controller.override("bob", "known")
    assert (await stage.controller.override("bob", "known", target=ActTarget("A"))).rollout.state.overridden


async def test_an_override_in_advance_is_an_act_of_its_own(stage):
    await stage.controller.start(PLAN, "ann")
    for wrong, error in ((ActTarget(), BadInput), (ActTarget("B"), NotNow)):
        with pytest.raises(error):
            await stage.controller.override_in_advance("bob", "a trial", target=wrong)
    await stage.controller.override_in_advance("bob", "a trial", target=ActTarget("A"))
    await stage.controller.tick()
    await stage.end(resolved=0)
    assert isinstance(await stage.controller.tick(), Advance)
    assert [act for _, act, _ in await stage.log()] == ["start", "override_in_advance", "schedule", "advance"]


async def test_a_passed_gate_cannot_be_overridden(stage):
    plan = PLAN.model_copy(
        update={
            "phase": tuple(
                p.model_copy(update={"gate": p.gate.model_copy(update={"approval": True})}) for p in PLAN.phase
            )
        }
    )
    await stage.controller.start(plan, "ann")
    await stage.days(1)
    with pytest.raises(NotNow, match="the gate of A has passed: there is nothing to override"):
        await stage.controller.override("bob", "no time", target=ActTarget("A"))


async def test_an_override_names_the_months_that_it_does_not_wait_for(stage):
    """Those under way, those in retry, and those whose row is missing, which are scheduled once they are seeded."""
    await failed(stage)
    await stage.sql("UPDATE backfill_log SET status = 'retry' WHERE month = 1 AND year = 2023")
    await stage.sql("UPDATE backfill_log SET status = 'processing' WHERE month = 2 AND year = 2023")
    await stage.sql("DELETE FROM backfill_log WHERE month = 3 AND year = 2023")
    await stage.controller.override("bob", "known", target=ActTarget("A"))
    step = await stage.controller.tick()
    assert isinstance(step, Advance)
    words = "gate of A overridden without waiting for months: in progress 2023-02, 2023-01; not seeded 2023-03"
    assert step.reason + step.exception == words
    [advanced] = await stage.sql("SELECT why, detail FROM rollout_log WHERE act = 'advance'")
    assert (advanced["why"], advanced["detail"]["unfinished"]) == (words, ["2023-03", "2023-02", "2023-01"])
    await stage.sql("INSERT INTO backfill_log (year, month) VALUES (2023, 3)")
    stage.now += timedelta(days=1)
    await stage.controller.tick()
    rows = await stage.sql("SELECT status FROM backfill_log WHERE year = 2023 AND month = 3")
    assert rows == [{"status": "processing"}]


async def test_a_release_sent_twice_ends_no_later_hold(stage):
    """Whether or not it names its hold: without, one that comes a moment after another may be its repetition."""
    await stage.controller.start(PLAN, "ann")
    first = await stage.controller.hold("ann", "to look")
    await stage.controller.release("bob", target=ActTarget(hold=first.hold))
    second = await stage.controller.hold("carol", "a wrong key")
    assert first.hold != second.hold
    stage.now += timedelta(seconds=30)
    with pytest.raises(NotNow, match=f"meant for hold {first.hold}, but the present one is {second.hold}, by carol: a"):
        await stage.controller.release("bob", target=ActTarget(hold=first.hold))
    with pytest.raises(NotNow, match="may be a repetition of it; the rollout is held again by carol"):
        await stage.controller.release("bob")
    assert (await stage.controller.snapshot()).rollout.state.held == "carol: a wrong key"
    assert (await stage.controller.release("bob", target=ActTarget(hold=second.hold))).hold is None


async def test_a_release_that_names_no_hold_ends_the_present_one_later(stage):
    await stage.controller.start(PLAN, "ann")
    for minutes in (0, 3):
        stage.now += timedelta(minutes=minutes)
        await stage.controller.hold("ann", "to look")
        await stage.controller.release("bob")
    assert [act for _, act, _ in await stage.log()].count("release") == 2


async def test_a_hold_over_a_hold_is_a_hold_of_its_own(stage):
    await stage.controller.start(PLAN, "ann")
    first = await stage.controller.hold("ann", "to look")
    await stage.controller.hold("carol", "a wrong key")
    with pytest.raises(NotNow):
        await stage.controller.release("ann", target=ActTarget(hold=first.hold))
