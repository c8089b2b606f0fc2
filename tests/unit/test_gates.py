"""Gates of a rollout: what passes them, what fails them, what they wait for, and how that is explained."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria.rollout.cluster_bound import wilson
from alexandria.rollout.gates import DailyQuota, PhaseCounts, Verdict, evaluate
from alexandria.rollout.plan import Gate

QUOTA = DailyQuota(13000)


def ended(**counts):
    """A phase of 12 months that have all ended."""
    return replace(PhaseCounts(12, completed=12, quota=QUOTA), **counts)


def verdict(gate, counts):
    evaluation = evaluate(gate, counts)
    return evaluation.verdict, evaluation.why


@pytest.mark.parametrize(
    ("hits", "n", "lower", "upper"), [(180, 200, 0.851, 0.934), (0, 10, 0, 0.278), (10, 10, 0.722, 1)]
)
def test_the_bounds_are_those_of_wilson(hits, n, lower, upper):
    assert wilson(hits, n) == pytest.approx((lower, upper), abs=0.001)


@pytest.mark.parametrize(("resolved", "expected"), [(180, Verdict.OPEN), (179, Verdict.SHUT)])
def test_the_lower_bound_is_compared_with_the_threshold(resolved, expected):
    """180 of 200 are 90 %, with a lower bound of 85 %."""
    found, why = verdict(Gate(min_resolution_rate=0.85), ended(resolved=resolved, unresolved=200 - resolved))
    assert found is expected
    rate = "Resolution rate 90 % of 200 books (lower bound 85 %, required 85 %): passed"
    assert (rate in why) == (expected is Verdict.OPEN)
    assert (
        expected is Verdict.OPEN
        or why == "Resolution rate 89.5 % of 200 books (lower bound 84.4 %, required 85 %): failed"
    )


def test_a_gate_is_pending_while_months_have_not_ended():
    counts = ended(completed=8, under_way=1, pending=3, resolved=200)
    assert verdict(Gate(), counts) == (Verdict.WAIT, "1 month in progress, 3 not scheduled yet: pending")


def test_a_gate_is_pending_while_months_are_not_seeded():
    """They once counted as a phase that had ended without a sample: failed."""
    found, why = verdict(Gate(), PhaseCounts(months=24, unseeded=(2021, 2022), quota=QUOTA))
    assert found is Verdict.WAIT
    assert (
        why
        == "Months not seeded yet (run: alexandria seed 2021..2022): pending; Resolution rate known for 0 books (required 100): pending"
    )
    assert verdict(Gate(), ended(completed=11, unseeded=(2023,), resolved=1000))[0] is Verdict.WAIT


def test_too_small_a_sample_is_pending_and_fails_once_all_months_have_ended():
    less = ended(completed=11, pending=1, resolved=60)
    assert verdict(Gate(), less)[0] is Verdict.WAIT
    assert verdict(Gate(), ended(resolved=99)) == (
        Verdict.SHUT, "Resolution rate known for 99 books (required 100): failed",
    )  # fmt: skip
    assert verdict(Gate(), ended(resolved=100))[0] is Verdict.OPEN


def test_a_hopeless_rate_fails_before_all_months_have_ended():
    counts = ended(completed=6, pending=6, resolved=100, unresolved=50)
    assert verdict(Gate(), counts)[0] is Verdict.SHUT
    assert verdict(Gate(), replace(counts, unresolved=20))[0] is Verdict.WAIT


def test_a_gate_fails_early_only_if_the_rest_could_not_reach_it():
    """120 of 160 books after 8 of 240 months: 95 % of the rest would prove 93.6 %."""
    early = PhaseCounts(240, completed=8, pending=232, resolved=120, unresolved=40, quota=QUOTA)
    found = evaluate(Gate(), early)
    assert found.verdict is Verdict.WAIT
    assert found.reasons[1] == (
        "Resolution rate 75 % of 160 books (lower bound 67.7 %, required 85 %), below target so far: 75 % of 160;"
        " the rest would need 86.5 % (to look first: alexandria rollout hold): pending"
    )
    rest = round(4640 * 0.95)
    late = replace(early, completed=240, pending=0, resolved=120 + rest, unresolved=40 + 4640 - rest)
    assert evaluate(Gate(), late).verdict is Verdict.OPEN
    for completed, expected in ((120, Verdict.WAIT), (170, Verdict.SHUT), (220, Verdict.SHUT)):
        counts = replace(
            early, completed=completed, pending=240 - completed, resolved=completed * 15, unresolved=completed * 5
        )
        assert evaluate(Gate(), counts).verdict is expected


def test_the_share_that_the_rest_needs_allows_for_unlike_months():
    """120 of 160 books of months that are alike are below 85 % beyond chance; of months with all or half they are not."""

    def share(*hits):
        months = [(each, 20 - each, 0, 0, 0) for each in hits]
        return evaluate(Gate(), of_months(months, pending=232)).reasons[1]

    alike = "Resolution rate 75 % of 160 books (lower bound 67.7 %, required 85 %), below target so far: 75 % of 160;"
    assert share(*[15] * 8) == f"{alike} the rest would need 86.5 % (to look first: alexandria rollout hold): pending"
    assert share(*[20, 10] * 4) == (
        "Resolution rate 75 % of 160 books (lower bound 55.3 %, required 85 %; the bound allows for unlike months):"
        " pending"
    )
    unlike = share(*[14, 6] * 4)
    assert "below target so far: 50 % of 160; the rest would need 87.3 %" in unlike


def test_months_to_come_may_be_as_large_as_the_largest():
    counts = PhaseCounts(10, completed=9, pending=1, resolved=82, unresolved=28, quota=QUOTA)
    assert evaluate(Gate(), counts).verdict is Verdict.SHUT
    assert evaluate(Gate(), replace(counts, largest=400)).verdict is Verdict.WAIT


@given(
    st.integers(2, 60), st.integers(1, 59), st.integers(1, 40), st.floats(0, 1), st.floats(0.01, 0.99)
)  # fmt: skip
def test_no_gate_fails_that_months_of_the_same_size_could_still_open(months, completed, size, share, required):
    completed = min(completed, months - 1)
    books = completed * size
    hits = round(books * share)
    gate = Gate(min_resolution_rate=required, min_sample=1)
    early = PhaseCounts(months, completed=completed, pending=months - completed, resolved=hits, unresolved=books - hits)
    best = replace(early, completed=months, pending=0, resolved=hits + (months - completed) * size)
    if evaluate(gate, early).verdict is Verdict.SHUT:
        assert evaluate(gate, best).verdict is Verdict.SHUT


def test_unchecked_books_neither_pass_nor_fail_an_ended_gate():
    """Neither 20 resolved books of 200 whose source was down, nor 150 with 50 unchecked, decide it."""
    for counts in (ended(resolved=20, hindered=180), ended(resolved=150, hindered=50)):
        found, why = verdict(Gate(), counts)
        assert found is Verdict.WAIT
        assert f"; {counts.hindered} more not checked, source unavailable): pending" in why
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
     (DailyQuota(0), Verdict.WAIT), (DailyQuota(100, 120), Verdict.WAIT)],
)  # fmt: skip
def test_a_gate_is_pending_without_the_required_quota(quota, expected):
    assert verdict(Gate(min_quota_headroom=0.29), ended(resolved=1000, quota=quota))[0] is expected


def test_the_share_of_confirmed_months_needs_its_own_sample():
    gate = Gate(min_confirmed_share=0.5)
    assert verdict(gate, ended(resolved=1000))[0] is Verdict.SHUT
    assert verdict(gate, ended(resolved=1000, hindered=10))[0] is Verdict.WAIT
    assert verdict(gate, ended(resolved=1000, confirmed=80, contradicted=40))[0] is Verdict.OPEN
    assert verdict(gate, ended(resolved=1000, confirmed=50, contradicted=70))[0] is Verdict.SHUT
    few = ended(resolved=1000, confirmed=40)
    assert verdict(gate, few) == (Verdict.SHUT, "Publication month known for 40 books (required 100): failed")
    own = gate.model_copy(update={"min_confirmed_sample": 40})
    assert verdict(own, few)[0] is Verdict.OPEN
    assert verdict(own, replace(few, confirmed=39))[0] is Verdict.SHUT


month_counts = st.tuples(*[st.integers(0, 30)] * 2, st.integers(0, 3), *[st.integers(0, 15)] * 2)


def of_months(by_month, **more):
    sums = [sum(column) for column in zip(*by_month, strict=True)]
    return PhaseCounts(
        len(by_month) + more.get("pending", 0), completed=len(by_month), resolved=sums[0], unresolved=sums[1],
        hindered=sums[2], confirmed=sums[3], contradicted=sums[4], by_month=tuple(by_month), quota=QUOTA,
        largest=max(sum(each[:3]) for each in by_month), **more,
    )  # fmt: skip


@given(st.lists(month_counts, min_size=1, max_size=12), st.floats(0, 0.99), st.randoms(use_true_random=False))
def test_a_passed_gate_of_any_months_stays_passed_however_each_months_unchecked_books_turn_out(months, required, rng):
    gate = Gate(min_resolution_rate=required, min_sample=1)
    if evaluate(gate, of_months(months)).verdict is Verdict.OPEN:
        found = [rng.randint(0, hindered) for _, _, hindered, _, _ in months]
        checked = [
            (resolved + more, unresolved + hindered - more, 0, *dated)
            for (resolved, unresolved, hindered, *dated), more in zip(months, found, strict=True)
        ]
        assert evaluate(gate, of_months(checked)).verdict is Verdict.OPEN


@given(
    st.lists(month_counts, min_size=1, max_size=8), st.floats(0, 0.99), st.integers(1, 8),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_no_gate_fails_early_that_unlike_months_to_come_could_still_open(months, required, more, rng):
    """Whatever their rates, with as many books each as the months that have ended have on average."""
    gate = Gate(min_resolution_rate=required, min_sample=1)
    if evaluate(gate, of_months(months, pending=more)).verdict is Verdict.SHUT:
        size = round(sum(sum(each[:3]) for each in months) / len(months))
        later = [(found := rng.randint(size // 2, size), size - found, 0, 0, 0) for _ in range(more)]
        checked = [(resolved + hindered, unresolved, 0, *dated) for resolved, unresolved, hindered, *dated in months]
        assert evaluate(gate, of_months([*checked, *later])).verdict is Verdict.SHUT


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
def test_a_verdict_has_reasons_and_follows_from_its_inputs_alone(gate, counts):
    evaluation = evaluate(gate, counts)
    assert evaluation.reasons
    assert all(reason.endswith(f": {evaluation.verdict.word}") for reason in evaluation.reasons)
    assert evaluate(Gate.model_validate(evaluation.inputs()["gate"]), counts) == evaluation


@given(gates, anything)
def test_a_passed_gate_stays_passed_however_the_unchecked_books_turn_out(gate, counts):
    if evaluate(gate, counts).verdict is Verdict.OPEN:
        worst = replace(counts, hindered=0, unresolved=counts.unresolved + counts.hindered)
        assert evaluate(gate, worst).verdict is Verdict.OPEN
        assert counts.completed + counts.failed == counts.months
        assert counts.resolved + counts.unresolved >= gate.min_sample
        assert gate.min_quota_headroom == 0 or counts.quota is not None


@given(gates, anything)
def test_a_failed_gate_stays_failed_if_all_unchecked_books_are_found(gate, counts):
    """So no quota and no outage made it fail."""
    if evaluate(gate, counts).verdict is Verdict.SHUT and counts.hindered:
        best = replace(
            counts, hindered=0, resolved=counts.resolved + counts.hindered, confirmed=counts.confirmed + counts.hindered
        )
        assert evaluate(gate, best).verdict is Verdict.SHUT


@pytest.mark.parametrize(
    ("gate", "counts", "sentences"),
    [
        (
            Gate(min_resolution_rate=0.75, min_sample=50),
            ended(resolved=62, unresolved=3),
            ["Resolution rate 95.4 % of 65 books (lower bound 87.2 %, required 75 %): passed",
             "0 of 12 months failed (limit 1): passed"],
        ),
        (
            Gate(min_sample=1, max_failed_share=1),
            PhaseCounts(1, failed=1, resolved=1, quota=QUOTA),
            ["Resolution rate 100 % of 1 book (lower bound 20.6 %, required 85 %): failed"],
        ),
        (
            Gate(max_failed_share=0.1),
            ended(completed=10, failed=2, resolved=240),
            ["2 of 12 months failed (limit 1): failed"],
        ),
        (
            Gate(min_sample=500),
            ended(completed=10, pending=2, resolved=1400, hindered=8, unresolved=100, under_way=0),
            ["0 months in progress, 2 not scheduled yet: pending"],
        ),
        (
            Gate(min_sample=500),
            ended(completed=4, under_way=8, resolved=87, hindered=8),
            ["8 months in progress, 0 not scheduled yet: pending",
             "Resolution rate known for 87 books (required 500; 8 more not checked, source unavailable): pending"],
        ),
        (
            Gate(min_confirmed_share=0.5),
            ended(resolved=1000, confirmed=50, contradicted=70),
            ["Publication month confirmed for 41.7 % of 120 books (lower bound 33.2 %, required 50 %): failed"],
        ),
        (
            Gate(min_confirmed_share=0.5),
            ended(resolved=1000, confirmed=1, hindered=1),
            ["Publication month known for 1 book (required 100; 1 more not checked, source unavailable): pending"],
        ),
        (
            Gate(min_quota_headroom=0.105),
            ended(resolved=1000, quota=DailyQuota(13000, 12_000)),
            ["ISBNdb quota 1,000 of 13,000 calls left (required 10.5 %): pending"],
        ),
        (
            Gate(min_quota_headroom=0.1),
            ended(resolved=1000, quota=None),
            ["ISBNdb quota unknown until a worker has started: pending"],
        ),
        (
            Gate(min_resolution_rate=0.5, min_quota_headroom=0.1),
            ended(resolved=1000, quota=DailyQuota(None)),
            ["Resolution rate 100 % of 1,000 books (lower bound 99.6 %, required 50 %): passed",
             "0 of 12 months failed (limit 1): passed", "ISBNdb quota unlimited: passed"],
        ),
    ],
)  # fmt: skip
def test_each_condition_is_explained_in_a_sentence(gate, counts, sentences):
    """With the value, what is required, and the result; singular and plural are right."""
    assert list(evaluate(gate, counts).reasons) == sentences


def test_a_lower_bound_is_rounded_down():
    """88.59 % is less than the required 88.6 %, and would look like it if it were rounded up."""
    found, why = verdict(Gate(min_resolution_rate=0.886), ended(resolved=186, unresolved=14))
    assert (found, "lower bound 88.5 %, required 88.6 %" in why) == (Verdict.SHUT, True)
