"""Forecasts: the time range, the limiting factor, and how measurements change them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from alexandria.backfill.status import Status
from alexandria.forecast.belief import draw_scenario
from alexandria.forecast.estimate import forecast
from alexandria.forecast.forecaster import LATEST_RUNS
from alexandria.forecast.history import History
from alexandria.forecast.scenario import FaultRates, Operator, Scenario, SimulatedProvider
from alexandria.forecast.simulation import Limit, RolloutSimulation
from alexandria.rollout import plan as plans
from alexandria.rollout.decisions import RolloutState
from alexandria.rollout.gates import MonthOutcome
from tests.support.processor_time import TRIES, slow

AT = datetime(2026, 1, 13, tzinfo=UTC)
SOURCES = (
    SimulatedProvider("open_library", 3, response_seconds=0.6, coverage=0.6),
    SimulatedProvider("google_books", 1, 1000, "America/Los_Angeles", 0.4, coverage=0.7),
    SimulatedProvider("isbndb", 3, 13000, response_seconds=0.4, paid=True, coverage=0.9),
)
EXPECTED = Scenario(
    (
        SimulatedProvider("gemini", 2, response_seconds=6, paid=True),
        SimulatedProvider("xai", 2, response_seconds=6, paid=True),
    ),
    SOURCES,
)
GUIDE = plans.read(plans.example())
RUNS = 10
MAX_PAGE_SECONDS = 1.0  # of a processor, on a machine with nothing else to do


def fresh(at=AT):
    return History(at, RolloutState(at.date()), {})


def known(at):
    assert at is not None
    return at


def days(found):
    return [(at.date() - AT.date()).days + 1 for at in (found.early, found.middle, found.late)]


def paced(months_per_day, **gate):
    phases = tuple(
        phase.model_copy(update={"months_per_day": months_per_day, "gate": phase.gate.model_copy(update=gate)})
        for phase in GUIDE.phase
    )
    return GUIDE.model_copy(update={"phase": phases})


@pytest.mark.long
def test_the_guides_plan_takes_twenty_to_twenty_five_days_because_of_its_pace():
    """300 months: 5, then 10 to 15, then 15 to 20 a day. Within the same 13,000 calls it could be done in a few days."""
    found = forecast(GUIDE, fresh(), EXPECTED, runs=20, prices={"gemini": 0.02, "xai": 0.01})
    assert all(20 <= day <= 25 for day in days(found))
    assert (found.limit, found.months, found.ended) == (Limit.CADENCE, 300, 0)
    assert found.limit_share > 0.9
    assert timedelta(days=14) < known(found.middle) - known(found.sooner) < timedelta(days=19)
    assert found.calls["isbndb"].high < 13000
    assert 300 <= found.calls["gemini"].middle < 330
    assert found.money is not None
    assert found.money.middle == pytest.approx(found.calls["gemini"].middle * 0.03)


def test_the_pages_forecast_of_300_months_takes_at_most_a_second_of_a_processor():
    prices = {"gemini": 0.02, "xai": 0.01}

    def of_a_page(seed):
        forecast(GUIDE, fresh(), EXPECTED, runs=LATEST_RUNS, seed=seed, sooner=False, prices=prices)

    assert slow(of_a_page, MAX_PAGE_SECONDS, range(TRIES)) is None


@pytest.mark.long
def test_a_rollout_whose_first_phases_went_well_is_rarely_stopped():
    """Before anything was measured a gate may stop it; after 60 months without a failure hardly."""
    simulation = RolloutSimulation(GUIDE, EXPECTED, 1, fresh())
    simulation.run(lambda now: now.ended == 60)
    known = simulation.history()
    assert all(outcome.status is not Status.FAILED for outcome in known.outcomes.values())
    before, after = (forecast(GUIDE, history, EXPECTED, runs=20, sooner=False) for history in (fresh(), known))
    assert 0.1 < before.stuck < 0.6  # one third of 400 simulations
    assert before.stuck_at == "Validation"
    assert after.stuck < 0.1  # none of a hundred


def test_equal_seeds_give_equal_forecasts():
    """Another seed gives another forecast."""
    one, same, other = (forecast(GUIDE, fresh(), EXPECTED, runs=2, seed=seed) for seed in (7, 7, 8))
    assert one == same != other


@pytest.mark.parametrize(
    ("plan", "scenario", "limit"),
    [
        (paced((300, 300)), {"sources": (*SOURCES[:2], replace(SOURCES[2], daily_cap=150))}, Limit.QUOTA),
        (paced((300, 300)), {"concurrency": 1, "overhead_seconds": 3600.0}, Limit.RATE),
        (paced((300, 300), approval=True), {"operator": Operator(200)}, Limit.GATE),
        (paced((2, 2)), {}, Limit.CADENCE),
    ],
)
def test_a_forecast_names_the_limiting_factor(plan, scenario, limit):
    """The quota, the speed, the gates or the plan's own pace."""
    assert forecast(plan, fresh(), replace(EXPECTED, **scenario), runs=3, sooner=False).limit is limit


def test_measured_durations_replace_expected_ones():
    """Months that took an hour each, one at a time, give a forecast of many hours."""
    simulation = RolloutSimulation(
        paced((300, 300)), replace(EXPECTED, concurrency=1, overhead_seconds=3600.0), 3, fresh()
    )
    simulation.run(lambda now: now.ended == 60)
    found = forecast(paced((300, 300)), simulation.history(), replace(EXPECTED, concurrency=1), runs=6, sooner=False)
    left = known(found.middle) - simulation.at
    assert timedelta(hours=180) < left < timedelta(hours=320)
    assert found.measured


@pytest.mark.long
def test_failed_months_make_the_end_later():
    """A day with a failure lowers the pace."""
    plan = GUIDE.model_copy(update={"phase": tuple(
        phase.model_copy(update={"gate": phase.gate.model_copy(update={"max_failed_share": 1.0})}) for phase in GUIDE.phase
    )})  # fmt: skip
    simulation = RolloutSimulation(plan, replace(EXPECTED, faults=FaultRates(permanent_failure=0.05)), 6, fresh())
    simulation.run(lambda now: now.ended == 60)
    bad = simulation.history()
    assert any(outcome.status is Status.FAILED for outcome in bad.outcomes.values())
    good = replace(bad, outcomes={m: replace(o, status=Status.COMPLETED) if o.status is Status.FAILED else o
                                  for m, o in bad.outcomes.items()})  # fmt: skip
    calm, stormy = (forecast(plan, history, EXPECTED, runs=RUNS, sooner=False) for history in (good, bad))
    assert known(calm.middle) <= known(stormy.middle)
    assert calm.failed.middle < stormy.failed.middle


def test_without_a_gate_that_can_pass_there_is_no_date():
    """The forecast names the gate at which the rollout stops."""
    found = forecast(paced((300, 300), min_resolution_rate=0.98), fresh(), EXPECTED, runs=3)
    assert (found.early, found.middle, found.late, found.stuck) == (None, None, None, 1.0)
    assert (found.stuck_at, found.limit) == ("Validation", Limit.GATE)


def test_a_finished_rollout_ends_now():
    outcomes = {
        m: MonthOutcome(Status.COMPLETED, AT.date(), 5, 18, 2, confirmed=12) for ms in plans.members(GUIDE) for m in ms
    }
    found = forecast(GUIDE, replace(fresh(), outcomes=outcomes), EXPECTED, runs=10)
    assert (found.ended, found.early, found.late, found.stuck) == (300, AT, AT, 0)


def test_scenarios_are_drawn_around_what_was_measured():
    """Books and requests as measured, not as expected; no two draws are equal."""
    scenario = replace(
        EXPECTED, books_per_month=30.0, sources=(*SOURCES[:2], replace(SOURCES[2], requests_per_book=2.0, coverage=0.7))
    )
    simulation = RolloutSimulation(GUIDE, scenario, 4, fresh())
    simulation.run(lambda now: now.ended == 150)
    history = simulation.history()
    rng = Random(1)
    drawn = [draw_scenario(EXPECTED, history, rng) for _ in range(50)]
    assert 28 < sum(each.books_per_month for each in drawn) / 50 < 32
    assert sum(each.sources[2].requests_per_book for each in drawn) / 50 > 1.8
    assert len({each.existing_share for each in drawn}) == 50
