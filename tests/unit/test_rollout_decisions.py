"""Decisions of a rollout: which months start on which day, what is waited for, and when the next phase begins."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria.backfill.status import Status
from alexandria.core.month import Month
from alexandria.rollout.decisions import Advance, RolloutState, Schedule, Wait, WaitKind, daily_pace, decide
from alexandria.rollout.gates import DailyQuota, MonthOutcome, OutcomeTally, RolloutInputs, Verdict
from alexandria.rollout.plan import Gate, Phase, Plan, example, members, read

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TODAY = NOON.date()
QUOTA = DailyQuota(13000)
DONE = MonthOutcome(Status.COMPLETED, calls=20, resolved=19, unresolved=1, confirmed=8, contradicted=5)
FAILED = MonthOutcome(Status.FAILED)


def plan(*phases, **gate):
    phases = phases or ({"years": 2023}, {"years": 2022})
    return Plan(
        name="test",
        phase=tuple(
            Phase(name=f"phase {number}", **{"months_per_day": "5..8", "gate": Gate(**gate)} | phase)
            for number, phase in enumerate(phases)
        ),
    )


def months_of(wanted, outcome=MonthOutcome()):  # noqa: B008 # frozen
    return {month: outcome for months in members(wanted) for month in months}


def step(wanted, outcomes, *, now=NOON, quota=QUOTA, state=None, **more):
    approved = more.pop("approved", False)
    return decide(
        wanted, state or RolloutState(TODAY), RolloutInputs(now, outcomes, quota, **more), approved=approved
    ).step


def test_the_newest_months_of_the_phase_start_at_its_slowest_pace():
    wanted = plan()
    found = step(wanted, months_of(wanted))
    assert isinstance(found, Schedule)
    assert found.months == tuple(Month(2023, month) for month in range(12, 7, -1))


def test_a_day_has_its_months_once_and_a_missed_day_is_not_made_up():
    wanted = plan()
    outcomes = months_of(wanted)
    outcomes |= {Month(2023, month): MonthOutcome(Status.PROCESSING, day=TODAY) for month in (12, 11)}
    assert len(step(wanted, outcomes).months) == 3
    outcomes |= {Month(2023, month): MonthOutcome(Status.PROCESSING, day=TODAY) for month in (10, 9, 8)}
    rest = step(wanted, outcomes)
    assert (rest.kind, rest.until) == (WaitKind.DAY, datetime(2026, 3, 3, tzinfo=UTC))
    later = NOON + timedelta(days=5)  # no worker for four days
    assert len(step(wanted, outcomes, now=later).months) == 5


def test_the_pace_rises_after_clean_days_and_falls_back_after_a_failed_one():
    wanted = plan({"years": "2014..2023"})
    outcomes = months_of(wanted)
    months = iter(members(wanted)[0])
    paces = []
    for number, states in enumerate(("CC", "CC", "CP", "CC", "CC", "CF", "C", "R", "C")):
        day = TODAY + timedelta(days=number)
        paces.append(daily_pace(wanted, 0, outcomes, day))
        kinds = {"C": Status.COMPLETED, "P": Status.PROCESSING, "F": Status.FAILED, "R": Status.RETRY}
        outcomes |= {next(months): MonthOutcome(kinds[state], day=day) for state in states}
    assert paces == [5, 6, 7, 7, 8, 8, 5, 6, 6]  # 8 is the fastest


@pytest.mark.parametrize(
    ("at", "expected"), [("02:59", "03:00"), ("03:00", None), ("21:59", None), ("22:00", "tomorrow")]
)
def test_months_start_within_the_allowed_hours(at, expected):
    wanted = plan({"years": 2023, "hours": "03:00..22:00"})
    found = step(wanted, months_of(wanted), now=datetime.fromisoformat(f"2026-03-02T{at}Z"))
    if expected is None:
        assert isinstance(found, Schedule)
    else:
        assert found.kind is WaitKind.DAY
        assert found.until == datetime(2026, 3, 2 if expected == "03:00" else 3, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("quota", "months"),
    [
        (DailyQuota(400), 5),
        (DailyQuota(400, 140), 1),
        (DailyQuota(400, 161), 0),
        (DailyQuota(200), 2),
        (DailyQuota(70), 1),
        (DailyQuota(70, 40), 0),
        (None, 0),
        (DailyQuota(None), 5),
        (DailyQuota(0), 0),
    ],
)
def test_the_days_share_of_the_quota_is_kept(quota, months):
    """Half of 400 calls, at 40 a month as long as none was measured. Without a known quota no month starts.

    A quota that is too small for one month a day still allows one.
    """
    wanted = plan({"years": 2023, "quota_share": 0.5})
    found = step(wanted, months_of(wanted), quota=quota)
    assert months == (len(found.months) if isinstance(found, Schedule) else 0)
    if not months:
        assert found.kind is WaitKind.BUDGET
        assert "ISBNdb" in found.reason


def test_months_in_progress_reserve_as_many_calls_as_completed_ones_needed():
    wanted = plan({"years": 2023, "months_per_day": 12})
    outcomes = months_of(wanted) | {Month(2023, 12): DONE, Month(2023, 11): replace(DONE, calls=23)}
    outcomes |= {Month(2023, 10): MonthOutcome(Status.RETRY)}
    assert len(step(wanted, outcomes, quota=DailyQuota(110)).months) == 4  # five at 22, one of them under way


@pytest.mark.parametrize(
    ("quota", "under_way", "numbers"),
    [
        (DailyQuota(400, 179), 0, ["21", "22"]),
        (DailyQuota(400, 380, 100), 0, ["20", "22"]),
        (DailyQuota(400, 140), 3, ["60", "22"]),
        (DailyQuota(400, 300), 0, ["0", "22"]),
        (DailyQuota(400, 410, 100), 0, ["0", "22"]),
    ],
)
def test_a_spent_budget_is_explained_by_what_is_left_and_what_a_month_needs(quota, under_way, numbers):
    """Half of 400 calls, at 22 a month as measured; an overspent quota has 0 calls left, not less."""
    wanted = plan({"years": 2023, "quota_share": 0.5})
    outcomes = months_of(wanted) | {Month(2023, 12): DONE, Month(2023, 11): replace(DONE, calls=23)}
    outcomes |= {Month(2023, month): MonthOutcome(Status.PROCESSING) for month in range(1, under_way + 1)}
    found = step(wanted, outcomes, quota=quota)
    assert (found.kind, found.until) == (WaitKind.BUDGET, datetime(2026, 3, 3, tzinfo=UTC))
    assert re.findall(r"\d+", found.reason) == numbers


def test_with_an_unknown_quota_no_month_starts_until_it_is_known():
    found = step(plan({"years": 2023}), months_of(plan({"years": 2023})), quota=None)
    assert (found.kind, found.until, re.findall(r"\d+", found.reason)) == (WaitKind.BUDGET, None, [])


def test_a_quota_too_small_for_one_month_a_day_still_allows_one():
    """And no second one, neither beside the first nor after it."""
    wanted = plan({"years": 2023})
    first = months_of(wanted) | {Month(2023, 12): replace(DONE, calls=60, day=TODAY)}
    for quota, outcomes in (
        (DailyQuota(50), first),
        (DailyQuota(50), first | {Month(2023, 12): MonthOutcome(Status.RETRY)}),
    ):
        found = step(wanted, outcomes, quota=quota)
        assert isinstance(found, Wait)
        assert found.kind is WaitKind.BUDGET
    assert len(step(wanted, first, now=NOON + timedelta(days=1), quota=DailyQuota(50)).months) == 1


def test_a_phase_whose_gate_failed_starts_no_more_months():
    wanted = plan(max_failed_share=0.1)
    outcomes = months_of(wanted) | {Month(2023, month): FAILED for month in (12, 11)}
    found = step(wanted, outcomes)
    assert found.kind is WaitKind.SHUT
    assert found.reason == "gate of phase 0 failed: 2 of 12 months failed (limit 1): failed"


def test_an_override_still_schedules_the_other_months_of_the_phase():
    """They were once left out for good."""
    wanted = plan(max_failed_share=0.1)
    outcomes = months_of(wanted) | {Month(2023, month): FAILED for month in (12, 11)}
    overridden = RolloutState(TODAY, overridden=True)
    assert step(wanted, outcomes, state=overridden).months == tuple(Month(2023, m) for m in range(10, 5, -1))
    outcomes |= {Month(2023, month): MonthOutcome(Status.PROCESSING, day=TODAY) for month in range(1, 11)}
    found = step(wanted, outcomes, state=overridden)
    assert isinstance(found, Advance)
    assert found.state == RolloutState(TODAY + timedelta(days=1), 1)
    assert found.reason == "gate of phase 0 overridden"


def test_the_next_phase_begins_the_day_after_the_months_of_the_last():
    wanted = plan()
    outcomes = months_of(wanted) | {month: replace(DONE, day=TODAY) for month in members(wanted)[0]}
    found = step(wanted, outcomes)
    assert isinstance(found, Advance)
    assert found.state == RolloutState(TODAY + timedelta(days=1), 1)
    rest = step(wanted, outcomes, state=found.state)
    assert (rest.kind, rest.until) == (WaitKind.DAY, datetime(2026, 3, 3, tzinfo=UTC))
    earlier = months_of(wanted) | {month: replace(DONE, day=date(2026, 3, 1)) for month in members(wanted)[0]}
    assert step(wanted, earlier).state == RolloutState(TODAY, 1)


def test_a_reset_month_of_an_earlier_phase_is_scheduled_first():
    wanted = plan()
    outcomes = months_of(wanted, DONE) | {Month(2023, 4): MonthOutcome(), Month(2022, 7): MonthOutcome()}
    assert step(wanted, outcomes, state=RolloutState(TODAY, 1)).months == (Month(2023, 4), Month(2022, 7))


def test_only_a_passed_gate_waits_for_approval():
    wanted = plan(approval=True)
    outcomes = months_of(wanted, DONE)
    assert step(wanted, outcomes).kind is WaitKind.APPROVAL
    assert isinstance(step(wanted, outcomes, approved=True), Advance)
    failed = months_of(wanted, FAILED)
    assert step(wanted, failed, approved=True).kind is WaitKind.SHUT
    assert isinstance(step(wanted, failed, state=RolloutState(TODAY, overridden=True)), Advance)


def test_a_hold_or_pause_comes_before_everything_and_the_gate_is_still_evaluated():
    wanted = plan()
    outcomes = months_of(wanted, DONE)
    held = decide(
        wanted, RolloutState(TODAY, held="ann: look first", overridden=True), RolloutInputs(NOON, outcomes, QUOTA)
    )
    assert held.step == Wait(WaitKind.HELD, "held by ann: look first")
    assert held.evaluation.verdict is Verdict.OPEN
    assert step(wanted, outcomes, paused="paused by ann").kind is WaitKind.PAUSED


def test_the_last_gate_finishes_the_rollout():
    wanted = plan()
    outcomes = months_of(wanted, DONE)
    end = step(wanted, outcomes, state=RolloutState(TODAY, 1))
    assert end.state.finished
    assert step(wanted, outcomes, state=end.state).kind is WaitKind.FINISHED


@pytest.mark.parametrize(("status", "kind"), [(Status.RETRY, WaitKind.WORK), (Status.PROCESSING, WaitKind.WORK)])
def test_months_in_progress_are_waited_for(status, kind):
    wanted = plan()
    outcomes = months_of(wanted, DONE) | {Month(2023, 5): MonthOutcome(status)}
    assert step(wanted, outcomes).kind is kind


def test_a_gate_with_missing_data_is_pending_when_all_months_have_ended():
    wanted = plan()
    assert step(wanted, months_of(wanted, replace(DONE, hindered=30))).kind is WaitKind.MISSING
    assert step(wanted, {}).kind is WaitKind.MISSING


def run_days(wanted, ending, *, start=NOON, days=60, quota=QUOTA):
    """Tick three times a day; scheduled months end at once with the outcome that `ending` returns. Returns days and steps."""
    state, outcomes, steps = RolloutState(start.date()), OutcomeTally(wanted, months_of(wanted)), []
    for hour in range(days * 3):
        now = start + timedelta(hours=8 * hour)
        found = step(wanted, outcomes, now=now, quota=quota, state=state)
        steps.append((now, found))
        if isinstance(found, Schedule):
            for month in found.months:
                outcomes[month] = replace(ending(month, now), day=now.date())
        elif isinstance(found, Advance):
            state = found.state
            if state.finished:
                return (now.date() - start.date()).days + 1, steps
    return days, steps


def test_the_default_plan_takes_20_days_as_in_the_guide():
    days, steps = run_days(read(example()), lambda _month, _now: DONE)
    assert days == 20
    per_day = [len(found.months) for _, found in steps if isinstance(found, Schedule)]
    assert per_day == [5, 5, 10, 11, 12, 13, 4, 15, 16, 17, 18, *[19], *[20] * 7, 15]
    assert sum(per_day) == 300


@given(st.randoms(use_true_random=False), st.sampled_from([200, 400, 13000]))
def test_with_any_failures_no_month_starts_twice_and_no_gate_passes_unproven(rng, limit):
    """No day has more months than the pace of its phase, and no phase begins before all months of the last have ended."""
    wanted = plan({"years": 2023, "months_per_day": "3..5"}, {"years": "2021..2023", "months_per_day": "4..9"})
    share = rng.choice([0.0, 0.02, 0.2])

    def ending(_month, _now):
        if rng.random() < share:
            return FAILED
        return MonthOutcome(Status.COMPLETED, calls=20, resolved=rng.choice([15, 20]), unresolved=rng.choice([0, 1, 5]))

    _, steps = run_days(wanted, ending, quota=DailyQuota(limit))
    scheduled = [month for _, found in steps if isinstance(found, Schedule) for month in found.months]
    assert len(scheduled) == len(set(scheduled))
    for day in {now.date() for now, _ in steps}:
        of_day = [found for now, found in steps if now.date() == day and isinstance(found, Schedule)]
        assert sum(len(found.months) for found in of_day) <= 9
    for number, (_, found) in enumerate(steps):
        if isinstance(found, Advance):
            before = [month for _, each in steps[:number] if isinstance(each, Schedule) for month in each.months]
            phase = len([each for _, each in steps[:number] if isinstance(each, Advance)])
            assert set(members(wanted)[phase]) <= set(before)
            assert re.match(r"gate of phase \d passed: ", found.reason)


@pytest.mark.parametrize(
    ("hours", "now", "reason"),
    [
        ("03:00..22:00", "02:59", "outside the allowed hours of phase 0 (03:00..22:00 UTC)"),
        ("00:00..24:00", "12:00", "phase 0: 5 months (today's limit: 5)"),
    ],
)
def test_a_step_states_what_happens_or_what_it_waits_for(hours, now, reason):
    wanted = plan({"years": 2023, "hours": hours})
    assert step(wanted, months_of(wanted), now=datetime.fromisoformat(f"2026-03-02T{now}Z")).reason == reason


def test_sentences_about_one_month_or_one_call_are_in_the_singular():
    wanted = plan({"years": 2023, "months_per_day": 1, "quota_share": 0.5})
    assert step(wanted, months_of(wanted)).reason == "phase 0: 1 month (today's limit: 1)"
    done = months_of(wanted) | {Month(2023, 12): replace(DONE, day=TODAY)}
    assert step(wanted, done).reason == "today's 1 month is scheduled"
    spent = step(wanted, months_of(wanted), quota=DailyQuota(400, 199))
    assert spent.reason == (
        "today's share of the ISBNdb quota is used or reserved: 1 call left for months, about 40 needed for each"
    )


def test_a_phase_that_starts_tomorrow_is_waited_for():
    wanted = plan()
    found = step(wanted, months_of(wanted), state=RolloutState(TODAY + timedelta(days=1)))
    assert (found.reason, found.until) == ("start of phase phase 0", datetime(2026, 3, 3, tzinfo=UTC))
