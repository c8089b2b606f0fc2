"""Forecasts: what they see, what binds, and that they are as sure as they ought to be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from alexandria.backfill.status import Status
from alexandria.forecast import estimate as forecasts
from alexandria.forecast.estimate import forecast
from alexandria.forecast.history import Past
from alexandria.forecast.scenario import Lane, Person, Trouble, World
from alexandria.forecast.simulation import Limit, RolloutSimulation
from alexandria.rollout import plan as plans
from alexandria.rollout.decisions import Outcome, Standing

AT = datetime(2026, 1, 13, tzinfo=UTC)
SOURCES = (
    Lane("open_library", 3, seconds=0.6, knows=0.6),
    Lane("google_books", 1, 1000, "America/Los_Angeles", 0.4, knows=0.7),
    Lane("isbndb", 3, 13000, seconds=0.4, paid=True, knows=0.9),
)
USUAL = World((Lane("gemini", 2, seconds=6, paid=True), Lane("xai", 2, seconds=6, paid=True)), SOURCES)
GUIDE = plans.read(plans.example())
RUNS = 10


def fresh(at=AT):
    return Past(at, Standing(at.date()), {})


def sure(at):
    assert at is not None
    return at


def days(told):
    return [(at.date() - AT.date()).days + 1 for at in (told.early, told.middle, told.late)]


def paced(months_per_day, **gate):
    phases = tuple(
        phase.model_copy(update={"months_per_day": months_per_day, "gate": phase.gate.model_copy(update=gate)})
        for phase in GUIDE.phase
    )
    return GUIDE.model_copy(update={"phase": phases})


def test_the_guides_plan_takes_twenty_to_twenty_five_days_because_of_its_pace():
    """300 months, 5, then 10 to 15, then 15 to 20 a day, 13,000 calls; the same quota would do for a few days."""
    told = forecast(GUIDE, fresh(), USUAL, runs=20, prices={"gemini": 0.02, "xai": 0.01})
    assert all(20 <= day <= 25 for day in days(told))
    assert (told.limit, told.months, told.ended) == (Limit.CADENCE, 300, 0)
    assert told.limit_share > 0.9
    assert timedelta(days=14) < sure(told.middle) - sure(told.sooner) < timedelta(days=19)
    assert told.calls["isbndb"].high < 13000
    assert 300 <= told.calls["gemini"].middle < 330
    assert told.money is not None
    assert told.money.middle == pytest.approx(told.calls["gemini"].middle * 0.03)
    assert told.stuck < 0.3


def test_equal_seeds_give_equal_forecasts():
    """And another seed another one."""
    one, same, other = (forecast(GUIDE, fresh(), USUAL, runs=2, seed=seed) for seed in (7, 7, 8))
    assert one == same != other


@pytest.mark.parametrize(
    ("plan", "world", "limit"),
    [
        (paced((300, 300)), {"sources": (*SOURCES[:2], replace(SOURCES[2], cap=150))}, Limit.QUOTA),
        (paced((300, 300)), {"at_once": 1, "slack": 3600.0}, Limit.RATE),
        (paced((300, 300), approval=True), {"person": Person(200)}, Limit.GATE),
        (paced((2, 2)), {}, Limit.CADENCE),
    ],
)
def test_it_names_what_binds(plan, world, limit):
    """The quota, the rate, the gates or the plan's own pace."""
    assert forecast(plan, fresh(), replace(USUAL, **world), runs=3, sooner=False).limit is limit


def test_what_was_measured_goes_before_what_was_expected():
    """Months that took an hour each, one at a time, make a forecast of many hours."""
    campaign = RolloutSimulation(paced((300, 300)), replace(USUAL, at_once=1, slack=3600.0), 3, fresh())
    campaign.run(lambda now: now.ended == 60)
    told = forecast(paced((300, 300)), campaign.past(), replace(USUAL, at_once=1), runs=6, sooner=False)
    left = sure(told.middle) - campaign.at
    assert timedelta(hours=180) < left < timedelta(hours=320)
    assert told.measured


def test_failures_that_were_seen_make_it_later():
    """A day with a failure sets the pace back, so that a bad sample is a later end."""
    campaign = RolloutSimulation(GUIDE, replace(USUAL, trouble=Trouble(cursed=0.05)), 5, fresh())
    campaign.run(lambda now: now.ended == 60)
    bad = campaign.past()
    assert any(outcome.status is Status.FAILED for outcome in bad.outcomes.values())
    good = replace(bad, outcomes={m: replace(o, status=Status.COMPLETED) if o.status is Status.FAILED else o
                                  for m, o in bad.outcomes.items()})  # fmt: skip
    calm, stormy = (forecast(GUIDE, past, USUAL, runs=RUNS, sooner=False) for past in (good, bad))
    assert sure(calm.middle) <= sure(stormy.middle)
    assert calm.failed.middle < stormy.failed.middle


def test_a_gate_that_will_not_open_is_told():
    """If nothing but a person can go on, there is no date."""
    told = forecast(paced((300, 300), min_resolution_rate=0.98), fresh(), USUAL, runs=3)
    assert (told.early, told.middle, told.late, told.stuck) == (None, None, None, 1.0)
    assert (told.stuck_at, told.limit) == ("Validation", Limit.GATE)


def test_a_rollout_that_is_done_is_done_now():
    """Nothing is left to be forecast."""
    outcomes = {m: Outcome(Status.COMPLETED, AT.date(), 5, 18, 2) for ms in plans.members(GUIDE) for m in ms}
    told = forecast(GUIDE, replace(fresh(), outcomes=outcomes), USUAL, runs=10)
    assert (told.ended, told.early, told.late, told.stuck) == (300, AT, AT, 0)


def test_a_world_is_believed_that_agrees_with_what_was_seen():
    """Calls and resolution as measured, not as expected; and different draws are different."""
    world = replace(USUAL, books=30.0, sources=(*SOURCES[:2], replace(SOURCES[2], calls=2.0, knows=0.7)))
    campaign = RolloutSimulation(GUIDE, world, 4, fresh())
    campaign.run(lambda now: now.ended == 150)
    past = campaign.past()
    rng = Random(1)
    drawn = [forecasts.believed(USUAL, past, rng) for _ in range(50)]
    assert 28 < sum(each.books for each in drawn) / 50 < 32
    assert sum(each.sources[2].calls for each in drawn) / 50 > 1.8
    assert len({each.real for each in drawn}) == 50
