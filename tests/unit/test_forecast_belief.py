"""What forecasts assume: how months differ, what other months count, and what others spend of the quota."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import mean

import pytest

from alexandria.backfill.status import Status
from alexandria.core.month import Month
from alexandria.forecast.belief import ENOUGH_MONTHS, draw_scenario
from alexandria.forecast.billing import Prices
from alexandria.forecast.estimate import Estimator, forecast
from alexandria.forecast.history import History, OtherMonths, PastAttempt
from alexandria.forecast.scenario import Operator, Scenario, SimulatedProvider
from alexandria.forecast.simulation import RolloutSimulation
from alexandria.rollout import plan as plans
from alexandria.rollout.decisions import RolloutState
from alexandria.rollout.gates import MonthOutcome

AT = datetime(2026, 1, 13, tzinfo=UTC)
ISBNDB = SimulatedProvider("isbndb", 3, 13000, response_seconds=0.4, paid=True, coverage=0.95)
EXPECTED = Scenario((SimulatedProvider("gemini", 2, response_seconds=6, paid=True),), (ISBNDB,))
GUIDE = plans.read(plans.example())


def history(**known):
    return History(AT, RolloutState(AT.date()), **{"outcomes": {}} | known)


def months(number, year=2023):
    return [Month(year - n // 12, 12 - n % 12) for n in range(number)]


def completed(resolved, unresolved=0):
    return MonthOutcome(Status.COMPLETED, resolved=resolved, unresolved=unresolved)


def draws(known, number=200, expected=EXPECTED):
    rng = Random(1)
    return [draw_scenario(expected, known, rng) for _ in range(number)]


def one_phase(rate, **more):
    """A plan of one phase with 24 months, 12 a day, whose gate requires this rate."""
    phase = GUIDE.phase[1]
    gate = phase.gate.model_copy(
        update={"min_resolution_rate": rate, "min_sample": 50, "min_confirmed_share": 0.0, "max_failed_share": 1.0}
    )
    own = phase.model_copy(update={"years": (2022, 2023), "months_per_day": (12, 12), "gate": gate} | more)
    return GUIDE.model_copy(update={"phase": (own,)})


def test_adopted_months_are_done_and_tell_nothing():
    """Where 18 of 24 months are adopted, all of them bad, the forecast is of the six that are left, as if it knew nothing."""
    bad = (
        MonthOutcome(Status.COMPLETED, resolved=1, unresolved=19, adopted=True),
        MonthOutcome(Status.FAILED, adopted=True),
    )
    adopted = {month: bad[number % 2] for number, month in enumerate(months(24)[6:])}
    left = dict.fromkeys(months(6), MonthOutcome())
    known = history(outcomes=left | adopted)
    assert draws(known, 20) == draws(history(outcomes=left), 20)
    found = forecast(one_phase(0.5), known, EXPECTED, runs=10, sooner=False)
    whole = forecast(one_phase(0.5), history(), EXPECTED, runs=10, sooner=False)
    assert (found.ended, found.months, found.measured) == (18, 24, False)
    assert found.failed.high < 18
    assert found.calls["gemini"].middle < whole.calls["gemini"].middle / 2
    watched = replace(EXPECTED, operator=Operator(review_hours=1))
    simulation = RolloutSimulation(one_phase(0.5, months_per_day=(1, 1)), watched, 1, known)
    simulation.run(lambda now: now.stuck)
    assert {month: simulation.outcomes[month] for month in adopted} == adopted, "none was run again"
    assert all(simulation.outcomes[month].status is Status.COMPLETED for month in left)


def test_the_gate_of_the_last_phase_is_a_risk_too():
    """A plan of one phase never showed one: a simulation ended with its last month."""
    sure, hopeless = (forecast(one_phase(rate), history(), EXPECTED, runs=10, sooner=False) for rate in (0.5, 0.985))
    assert (sure.stuck, sure.stuck_at) == (0, "")
    assert (hopeless.stuck, hopeless.stuck_at) == (1.0, one_phase(0.5).phase[0].name)
    assert hopeless.middle is None


def test_a_rollout_whose_months_have_all_ended_still_waits_for_its_last_gate():
    ended = {month: completed(12, 8) for month in months(24)}
    found = forecast(one_phase(0.9), history(outcomes=ended), EXPECTED, runs=5, sooner=False)
    assert (found.ended, found.months, found.stuck) == (24, 24, 1.0)


@pytest.mark.long
def test_how_much_months_differ_varies_and_is_measured():
    """It was 0.02 in every simulation."""
    unknown = [each.month_deviation for each in draws(history())]
    assert len(set(unknown)) > 4
    assert max(unknown) > 0.07
    alike = {month: completed(18, 2) for month in months(60)}
    unlike = {month: completed(*((20, 0) if n % 2 else (14, 6))) for n, month in enumerate(months(60))}
    same, different = (mean(each.month_deviation for each in draws(history(outcomes=o))) for o in (alike, unlike))
    assert same < 0.03
    assert different > 0.09


def test_other_months_serve_until_enough_of_the_plan_have_ended():
    """Books, failures and durations; requests to sources follow from the policy and are not taken from other months."""
    others = {month: completed(36, 4) for month in months(ENOUGH_MONTHS, 2010)}
    attempts = tuple(PastAttempt(month, AT, AT + timedelta(hours=1), "completed") for month in others)
    elsewhere = OtherMonths(240, others, attempts)
    drawn = draws(history(others=elsewhere))
    assert mean(each.books_per_month for each in drawn) == pytest.approx(40, rel=0.1)
    assert mean(mean(each.measured_seconds) for each in drawn) == pytest.approx(3600, rel=0.1)
    assert mean(each.sources[0].requests_per_book for each in drawn) == pytest.approx(1, rel=0.1)
    own = {month: completed(18, 2) for month in months(ENOUGH_MONTHS)}
    mine = tuple(PastAttempt(month, AT, AT + timedelta(minutes=1), "completed") for month in own)
    drawn = draws(history(outcomes=own, attempts=mine, others=elsewhere))
    assert mean(each.books_per_month for each in drawn) == pytest.approx(20, rel=0.1)
    assert mean(mean(each.measured_seconds) for each in drawn) == pytest.approx(60, rel=0.1)


def test_months_outside_the_plan_in_its_years_are_none_of_its_own():
    plan = one_phase(0.5, months=6)
    outcomes = {month: MonthOutcome(Status.FAILED) for month in months(24)[6:]}
    found = forecast(plan, history(outcomes=outcomes), EXPECTED, runs=10, sooner=False)
    assert (found.months, found.ended) == (6, 0)
    assert found.failed.middle == 0


def test_spending_of_others_makes_the_end_later():
    """With 60 % of each day taken by others the truth was later than the range in 20 of 20 rollouts."""
    tight = replace(EXPECTED, sources=(replace(ISBNDB, daily_cap=200),))
    night = (120.0, *[0.0] * 23)
    plan = one_phase(0.5, quota_share=0.9)
    alone = forecast(plan, history(), tight, runs=20, sooner=False)
    shared = forecast(plan, history(other_use={"isbndb": (night,) * 7}), tight, runs=20, sooner=False)
    assert alone.middle is not None
    assert shared.middle is not None
    assert shared.middle - alone.middle > timedelta(days=2)
    used = replace(tight, sources=(replace(tight.sources[0], other_use=(night,)),))
    truth = RolloutSimulation(plan, used, 5, history())
    truth.run(lambda now: now.stuck)
    assert truth.finished_at is not None
    assert shared.early is not None
    assert shared.late is not None
    assert shared.early <= truth.finished_at <= shared.late
    days = truth.history().other_use["isbndb"]
    assert set(days) == {night}
    assert len(days) >= 3


def test_units_that_others_spent_today_are_not_months():
    """The plan's share of the day counts what months spent, the day itself what all spent."""
    simulation = RolloutSimulation(
        one_phase(0.5), EXPECTED, 1, history(spent={"isbndb": 900}, spent_by_months={"isbndb": 300})
    )
    quota = simulation.simulated.quota(AT.timestamp())
    assert (quota.limit, quota.spent, quota.by_months) == (13000, 900, 300)
    assert simulation.history().spent_by_months == {"gemini": 0, "isbndb": 300}


def test_months_that_other_rollouts_began_today_belong_to_todays_pace():
    plan = one_phase(0.5, hours=(0, 1440))
    full = RolloutSimulation(plan, EXPECTED, 1, history(begun=12))
    full.run(lambda now: any(event.act == "schedule" for event in now.log))
    assert full.at.date() == AT.date() + timedelta(days=1)
    free = RolloutSimulation(plan, EXPECTED, 1, history(begun=4))
    free.run(lambda now: any(event.act == "schedule" for event in now.log))
    assert free.at.date() == AT.date()
    assert [len(event.detail["months"]) for event in free.log if event.act == "schedule"] == [8]


def test_every_request_that_was_made_is_paid():
    """Those of failed months were left out: $0.36 became $0.18."""
    ended = dict.fromkeys(months(6), completed(18, 2)) | dict.fromkeys(months(12)[6:], MonthOutcome(Status.FAILED))
    plan = one_phase(0.5, years=(2023, 2023))
    known = history(outcomes=ended, requests={"gemini": 6}, unfinished_requests={"gemini": 6})
    found = forecast(plan, known, EXPECTED, runs=2, sooner=False, prices={"gemini": 0.03})
    assert found.calls["gemini"].middle == 12
    assert found.money is not None
    assert found.money.middle == pytest.approx(0.36)


def test_lists_of_months_in_progress_are_paid_unless_they_have_been_bought():
    """Every month that waited for a worker was taken for an interrupted one whose lists are stored."""
    waiting = dict.fromkeys(months(24), MonthOutcome(Status.PROCESSING, AT.date()))
    for bought, paid in ((0, 24), (10, 14), (24, 0)):
        known = history(outcomes=waiting, listed=frozenset(months(bought)))
        found = forecast(one_phase(0.5), known, EXPECTED, runs=1, sooner=False, prices={"gemini": 0.03})
        assert paid <= found.calls["gemini"].middle <= paid * 1.2


def test_a_simulations_history_names_the_lists_that_were_bought():
    simulation = RolloutSimulation(one_phase(0.5), replace(EXPECTED, concurrency=2), 1, history())
    simulation.run(lambda now: now.ended == 5)
    known = simulation.history()
    assert len(known.listed) == 2
    assert {known.outcomes[month].status for month in known.listed} == {Status.PROCESSING}


def test_two_models_of_one_provider_make_two_requests_a_month():
    two = replace(EXPECTED, generators=(replace(EXPECTED.generators[0], requests_per_month=2),))
    found = forecast(one_phase(0.5), history(), two, runs=5, sooner=False, prices={"gemini": 0.03})
    assert 48 <= found.calls["gemini"].middle <= 56


def test_lists_that_are_bought_twice_are_measured():
    own = {month: completed(18, 2) for month in months(12)}
    known = history(outcomes=own, requests={"gemini": 18})
    assert mean(each.generators[0].requests_per_month for each in draws(known)) == pytest.approx(1.12, abs=0.06)


def test_a_plan_that_is_paid_by_the_month_costs_each_month_begun():
    estimator = Estimator(one_phase(0.5), history(), EXPECTED, 1)
    for _ in range(3):
        estimator.run(unpaced=False)
    now = estimator.result(Prices(per_month={"isbndb": 30.0}))
    late = estimator.result(Prices(per_month={"isbndb": 30.0}, since=AT - timedelta(days=29)))
    assert now.subscriptions["isbndb"].middle == 30
    assert late.subscriptions["isbndb"].middle == 60
