"""The decisions of a rollout: what opens a gate, what shuts it, what it waits for, and what begins on which day."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria.backfill.status import Status
from alexandria.core.month import Month
from alexandria.rollout.decisions import Advance, RolloutState, Schedule, Wait, WaitKind, daily_pace, decide
from alexandria.rollout.gates import DailyQuota, MonthOutcome, PhaseCounts, RolloutInputs, Verdict, evaluate, wilson
from alexandria.rollout.plan import Gate, Phase, Plan, example, members, read

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TODAY = NOON.date()
QUOTA = DailyQuota(13000)
DONE = MonthOutcome(Status.COMPLETED, calls=20, resolved=19, unresolved=1)
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


def ended(**counts):
    """A phase of 12 months that has come to its end."""
    return replace(PhaseCounts(12, completed=12, quota=QUOTA), **counts)


def verdict(gate, counts):
    judged = evaluate(gate, counts)
    return judged.verdict, judged.why


# The gate


@pytest.mark.parametrize(
    ("hits", "n", "lower", "upper"), [(180, 200, 0.851, 0.934), (0, 10, 0, 0.278), (10, 10, 0.722, 1)]
)
def test_the_bounds_are_wilsons(hits, n, lower, upper):
    assert wilson(hits, n) == pytest.approx((lower, upper), abs=0.001)


@pytest.mark.parametrize(("resolved", "expected"), [(180, Verdict.OPEN), (179, Verdict.SHUT)])
def test_the_lower_bound_is_held_against_the_threshold(resolved, expected):
    """180 of 200 are 90 %, and prove 85 %."""
    found, why = verdict(Gate(min_resolution_rate=0.85), ended(resolved=resolved, unresolved=200 - resolved))
    assert found is expected
    assert f"{resolved} of 200 books are resolved" in why
    assert "of the 85.0% needed" in why


def test_what_has_not_ended_waits_and_says_for_what():
    counts = ended(completed=8, under_way=1, pending=3, resolved=200)
    assert verdict(Gate(), counts) == (Verdict.WAIT, "1 months are under way and 3 are not scheduled yet")


def test_months_that_are_not_seeded_wait_for_their_seed():
    """They used to count as a phase that had come to its end without a sample: shut."""
    found, why = verdict(Gate(), PhaseCounts(months=24, unseeded=(2021, 2022), quota=QUOTA))
    assert found is Verdict.WAIT
    assert "alexandria seed 2021..2022" in why
    assert verdict(Gate(), ended(completed=11, unseeded=(2023,), resolved=1000))[0] is Verdict.WAIT


def test_too_small_a_sample_waits_for_more_and_is_shut_when_no_more_is_to_come():
    less = ended(completed=11, pending=1, resolved=60)
    assert verdict(Gate(), less)[0] is Verdict.WAIT
    assert verdict(Gate(), ended(resolved=99)) == (
        Verdict.SHUT, "99 books are known to be resolved or not, at least 100 are needed",
    )  # fmt: skip
    assert verdict(Gate(), ended(resolved=100))[0] is Verdict.OPEN


def test_a_hopeless_rate_shuts_before_the_end():
    counts = ended(completed=6, pending=6, resolved=100, unresolved=50)
    assert verdict(Gate(), counts)[0] is Verdict.SHUT
    assert verdict(Gate(), replace(counts, unresolved=20))[0] is Verdict.WAIT


def test_hindered_books_never_shut_an_ended_gate_and_never_open_it():
    """Neither 20 resolved ones of 200 whose source was down, nor 150 whose rest is unknown, say enough."""
    for counts in (ended(resolved=20, hindered=180), ended(resolved=150, hindered=50)):
        found, why = verdict(Gate(), counts)
        assert found is Verdict.WAIT
        assert f"{counts.hindered} more wait for sources that a quota or an outage kept from answering" in why
    assert verdict(Gate(), ended(resolved=1000, hindered=50))[0] is Verdict.OPEN  # whatever becomes of the 50


@pytest.mark.parametrize(
    ("share", "months", "allowed"), [(0.29, 100, 29), (0.1, 30, 3), (0.07, 100, 7), (0, 12, 0), (1, 12, 12)]
)
def test_failed_months_are_counted_exactly(share, months, allowed):
    """0.29 * 100 is 28.999999999999996 in floating point."""
    gate = Gate(max_failed_share=share)
    for failed, expected in ((allowed, Verdict.OPEN), (allowed + 1, Verdict.SHUT)):
        counts = PhaseCounts(months, completed=max(months - failed, 0), failed=failed, resolved=1000, quota=QUOTA)
        if failed <= months:
            assert verdict(gate, counts)[0] is expected


@pytest.mark.parametrize(
    ("quota", "expected"),
    [(None, Verdict.WAIT), (DailyQuota(100, 71), Verdict.OPEN), (DailyQuota(100, 72), Verdict.WAIT), (DailyQuota(None), Verdict.OPEN),
     (DailyQuota(0), Verdict.OPEN), (DailyQuota(100, 120), Verdict.WAIT)],
)  # fmt: skip
def test_headroom_that_is_missing_is_waited_for(quota, expected):
    assert verdict(Gate(min_quota_headroom=0.29), ended(resolved=1000, quota=quota))[0] is expected


def test_the_share_in_the_right_month_wants_a_sample_of_its_own():
    gate = Gate(min_confirmed_share=0.5)
    assert verdict(gate, ended(resolved=1000))[0] is Verdict.SHUT
    assert verdict(gate, ended(resolved=1000, hindered=10))[0] is Verdict.WAIT
    assert verdict(gate, ended(resolved=1000, confirmed=80, contradicted=40))[0] is Verdict.OPEN
    assert verdict(gate, ended(resolved=1000, confirmed=50, contradicted=70))[0] is Verdict.SHUT


small = st.integers(0, 60)
anything = st.builds(
    PhaseCounts, months=st.integers(1, 60), completed=small, failed=small, under_way=small, pending=small,
    unseeded=st.sampled_from([(), (2020,)]), resolved=st.integers(0, 3000), unresolved=st.integers(0, 600),
    hindered=st.integers(0, 600), confirmed=st.integers(0, 600), contradicted=st.integers(0, 600),
    quota=st.none() | st.builds(DailyQuota, st.none() | st.integers(0, 100), st.integers(0, 120)),
)  # fmt: skip
gates = st.builds(
    Gate, min_resolution_rate=st.floats(0, 0.99), min_sample=st.integers(1, 500), max_failed_share=st.floats(0, 1),
    min_confirmed_share=st.floats(0, 0.99), min_quota_headroom=st.floats(0, 1),
)  # fmt: skip


@given(gates, anything)
def test_a_verdict_says_why_and_comes_from_its_inputs_alone(gate, counts):
    judged = evaluate(gate, counts)
    assert judged.reasons
    assert all(judged.reasons)
    assert evaluate(Gate.model_validate(judged.inputs()["gate"]), counts) == judged


@given(gates, anything)
def test_an_open_gate_stays_open_however_the_hindered_books_turn_out(gate, counts):
    if evaluate(gate, counts).verdict is Verdict.OPEN:
        worst = replace(counts, hindered=0, unresolved=counts.unresolved + counts.hindered)
        assert evaluate(gate, worst).verdict is Verdict.OPEN
        assert counts.completed + counts.failed == counts.months
        assert counts.resolved + counts.unresolved >= gate.min_sample
        assert gate.min_quota_headroom == 0 or counts.quota is not None


@given(gates, anything)
def test_a_gate_that_is_shut_stays_shut_if_all_hindered_books_are_found(gate, counts):
    """So no quota and no outage has shut it."""
    if evaluate(gate, counts).verdict is Verdict.SHUT and counts.hindered:
        best = replace(
            counts, hindered=0, resolved=counts.resolved + counts.hindered, confirmed=counts.confirmed + counts.hindered
        )
        assert evaluate(gate, best).verdict is Verdict.SHUT


# What follows


def step(wanted, outcomes, *, now=NOON, quota=QUOTA, state=None, **more):
    approved = more.pop("approved", False)
    return decide(
        wanted, state or RolloutState(TODAY), RolloutInputs(now, outcomes, quota, **more), approved=approved
    ).step


def test_the_newest_months_of_the_phase_begin_at_its_slowest_pace():
    wanted = plan()
    found = step(wanted, months_of(wanted))
    assert isinstance(found, Schedule)
    assert found.months == tuple(Month(2023, month) for month in range(12, 7, -1))


def test_what_a_day_has_seen_is_not_scheduled_again_and_a_missed_day_is_not_made_up():
    wanted = plan()
    outcomes = months_of(wanted)
    outcomes |= {Month(2023, month): MonthOutcome(Status.PROCESSING, day=TODAY) for month in (12, 11)}
    assert len(step(wanted, outcomes).months) == 3
    outcomes |= {Month(2023, month): MonthOutcome(Status.PROCESSING, day=TODAY) for month in (10, 9, 8)}
    rest = step(wanted, outcomes)
    assert (rest.kind, rest.until) == (WaitKind.DAY, datetime(2026, 3, 3, tzinfo=UTC))
    later = NOON + timedelta(days=5)  # nobody was there for four days
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
def test_months_begin_within_the_hours(at, expected):
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
    """Half of 400 calls, at 40 a month as long as none was measured. Without a known quota nothing begins.

    What enrichment spends is not taken from the months' share, but the day has no more than it has. A day that is too
    small for a month has one all the same.
    """
    wanted = plan({"years": 2023, "quota_share": 0.5})
    found = step(wanted, months_of(wanted), quota=quota)
    assert months == (len(found.months) if isinstance(found, Schedule) else 0)
    if not months:
        assert found.kind is WaitKind.BUDGET
        assert "ISBNdb" in found.reason


def test_months_under_way_have_spoken_for_their_calls_and_measured_ones_say_how_many():
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
    """Half of 400 calls, at 22 a month as measured; what is overspent is not shown as less than nothing."""
    wanted = plan({"years": 2023, "quota_share": 0.5})
    outcomes = months_of(wanted) | {Month(2023, 12): DONE, Month(2023, 11): replace(DONE, calls=23)}
    outcomes |= {Month(2023, month): MonthOutcome(Status.PROCESSING) for month in range(1, under_way + 1)}
    found = step(wanted, outcomes, quota=quota)
    assert (found.kind, found.until) == (WaitKind.BUDGET, datetime(2026, 3, 3, tzinfo=UTC))
    assert re.findall(r"\d+", found.reason) == numbers


def test_an_unknown_quota_is_no_budget_and_has_no_end():
    found = step(plan({"years": 2023}), months_of(plan({"years": 2023})), quota=None)
    assert (found.kind, found.until, re.findall(r"\d+", found.reason)) == (WaitKind.BUDGET, None, [])


def test_days_too_small_for_a_month_have_one_each():
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


def test_a_phase_whose_gate_is_shut_begins_no_more_months():
    wanted = plan(max_failed_share=0.1)
    outcomes = months_of(wanted) | {Month(2023, month): FAILED for month in (12, 11)}
    found = step(wanted, outcomes)
    assert found.kind is WaitKind.SHUT
    assert "2 of the phase's 12 months have failed, 1 may" in found.reason


def test_an_override_still_schedules_the_phases_other_months():
    """They used to be left out for good."""
    wanted = plan(max_failed_share=0.1)
    outcomes = months_of(wanted) | {Month(2023, month): FAILED for month in (12, 11)}
    overridden = RolloutState(TODAY, overridden=True)
    assert step(wanted, outcomes, state=overridden).months == tuple(Month(2023, m) for m in range(10, 5, -1))
    outcomes |= {Month(2023, month): MonthOutcome(Status.PROCESSING, day=TODAY) for month in range(1, 11)}
    found = step(wanted, outcomes, state=overridden)
    assert isinstance(found, Advance)
    assert found.state == RolloutState(TODAY + timedelta(days=1), 1)
    assert found.reason == "the gate of phase 0 was overridden"


def test_the_next_phase_begins_the_day_after_its_predecessors_months():
    wanted = plan()
    outcomes = months_of(wanted) | {month: replace(DONE, day=TODAY) for month in members(wanted)[0]}
    found = step(wanted, outcomes)
    assert isinstance(found, Advance)
    assert found.state == RolloutState(TODAY + timedelta(days=1), 1)
    rest = step(wanted, outcomes, state=found.state)
    assert (rest.kind, rest.until) == (WaitKind.DAY, datetime(2026, 3, 3, tzinfo=UTC))
    earlier = months_of(wanted) | {month: replace(DONE, day=date(2026, 3, 1)) for month in members(wanted)[0]}
    assert step(wanted, earlier).state == RolloutState(TODAY, 1)


def test_a_month_of_an_earlier_phase_that_is_asked_for_again_is_scheduled_first():
    wanted = plan()
    outcomes = months_of(wanted, DONE) | {Month(2023, 4): MonthOutcome(), Month(2022, 7): MonthOutcome()}
    assert step(wanted, outcomes, state=RolloutState(TODAY, 1)).months == (Month(2023, 4), Month(2022, 7))


def test_approval_is_waited_for_at_an_open_gate_only():
    wanted = plan(approval=True)
    outcomes = months_of(wanted, DONE)
    assert step(wanted, outcomes).kind is WaitKind.APPROVAL
    assert isinstance(step(wanted, outcomes, approved=True), Advance)
    failed = months_of(wanted, FAILED)
    assert step(wanted, failed, approved=True).kind is WaitKind.SHUT
    assert isinstance(step(wanted, failed, state=RolloutState(TODAY, overridden=True)), Advance)


def test_holding_and_pausing_go_before_everything_and_still_judge():
    wanted = plan()
    outcomes = months_of(wanted, DONE)
    held = decide(
        wanted, RolloutState(TODAY, held="ann: look first", overridden=True), RolloutInputs(NOON, outcomes, QUOTA)
    )
    assert held.step == Wait(WaitKind.HELD, "held by ann: look first")
    assert held.evaluation.verdict is Verdict.OPEN
    assert step(wanted, outcomes, paused="paused by ann").kind is WaitKind.PAUSED


def test_the_last_gate_ends_the_rollout():
    wanted = plan()
    outcomes = months_of(wanted, DONE)
    end = step(wanted, outcomes, state=RolloutState(TODAY, 1))
    assert end.state.finished
    assert step(wanted, outcomes, state=end.state).kind is WaitKind.FINISHED


@pytest.mark.parametrize(("status", "kind"), [(Status.RETRY, WaitKind.WORK), (Status.PROCESSING, WaitKind.WORK)])
def test_what_is_under_way_is_waited_for(status, kind):
    wanted = plan()
    outcomes = months_of(wanted, DONE) | {Month(2023, 5): MonthOutcome(status)}
    assert step(wanted, outcomes).kind is kind


def test_what_the_gate_lacks_is_told_when_all_months_have_ended():
    wanted = plan()
    assert step(wanted, months_of(wanted, replace(DONE, hindered=30))).kind is WaitKind.MISSING
    assert step(wanted, {}).kind is WaitKind.MISSING


def campaign(wanted, ending, *, start=NOON, days=60, quota=QUOTA):
    """Ticks at three hours of every day; what is scheduled ends at once as `ending` says. Returns days and steps."""
    state, outcomes, steps = RolloutState(start.date()), months_of(wanted), []
    for hour in range(days * 3):
        now = start + timedelta(hours=8 * hour)
        found = step(wanted, outcomes, now=now, quota=quota, state=state)
        steps.append((now, found))
        if isinstance(found, Schedule):
            outcomes |= {month: replace(ending(month, now), day=now.date()) for month in found.months}
        elif isinstance(found, Advance):
            state = found.state
            if state.finished:
                return (now.date() - start.date()).days + 1, steps
    return days, steps


def test_the_examples_campaign_takes_the_guides_20_to_25_days():
    days, steps = campaign(read(example()), lambda _month, _now: DONE)
    assert days == 20
    per_day = [len(found.months) for _, found in steps if isinstance(found, Schedule)]
    assert per_day == [5, 5, 10, 11, 12, 13, 4, 15, 16, 17, 18, *[19], *[20] * 7, 15]
    assert sum(per_day) == 300


@given(st.randoms(use_true_random=False), st.sampled_from([200, 400, 13000]))
def test_whatever_fails_no_month_begins_twice_and_no_gate_is_passed_unproven(rng, limit):
    """Nor does a day have more months than its phase's pace, nor a phase begin before all of the last are done."""
    wanted = plan({"years": 2023, "months_per_day": "3..5"}, {"years": "2021..2023", "months_per_day": "4..9"})
    share = rng.choice([0.0, 0.02, 0.2])

    def ending(_month, _now):
        if rng.random() < share:
            return FAILED
        return MonthOutcome(Status.COMPLETED, calls=20, resolved=rng.choice([15, 20]), unresolved=rng.choice([0, 1, 5]))

    _, steps = campaign(wanted, ending, quota=DailyQuota(limit))
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
            assert "the gate of" in found.reason
            assert "is open" in found.reason
