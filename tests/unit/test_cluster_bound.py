"""Bounds that allow for unlike months: how often they are right, and what they never do."""

import importlib.util
import itertools
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria.rollout.cluster_bound import cluster_lower_bound, effective_sample, least_lower_bound, wilson

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "gates.py"
ROLLOUTS = 300 if "CAMPAIGNS" in os.environ else 160  # `make campaigns` runs the longer form

months_of_books = st.lists(
    st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=30
)


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("gates_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.long
@pytest.mark.parametrize("number", [10, 60])
@pytest.mark.parametrize("threshold", [0.75, 0.85])
def test_gates_rarely_open_if_the_true_rate_of_unlike_months_is_on_the_threshold(benchmark, number, threshold):
    """Months differ by 10 points. By Wilson's bound 9 to 11 % of the gates open. `make bench` prints the shares of 2,000."""
    assert benchmark.opened(ROLLOUTS, months=number, rate=threshold, threshold=threshold, deviation=0.1) <= 0.05


@pytest.mark.long
def test_gates_open_if_the_true_rate_is_clearly_above_the_threshold(benchmark):
    """6 points above it, at the end of a phase of 60 months."""
    assert benchmark.opened(ROLLOUTS, months=60, rate=0.91, threshold=0.85, deviation=0.1) >= 0.9


@pytest.mark.parametrize("number", [10, 60])
def test_gates_of_alike_months_open_by_chance_in_one_case_of_forty_at_most(benchmark, number):
    assert benchmark.opened(ROLLOUTS, months=number, rate=0.85, threshold=0.85, deviation=0) <= 0.025


def test_months_that_differ_no_more_than_by_chance_have_the_bound_of_wilson():
    assert cluster_lower_bound([(18, 20)] * 10) == wilson(180, 200)[0]
    assert effective_sample([(18, 20)] * 10) == (180, 200)
    assert effective_sample([(18, 20), (0, 0)] * 10) == (180, 200)


def test_unlike_months_are_worth_fewer_books():
    """90 % of 200, of months with all and months with 80 %: as many independent books as 84 % of them."""
    hits, n = effective_sample([(20, 20), (16, 20)] * 5)
    assert (hits / n, n) == pytest.approx((0.9, 84.2), abs=0.1)
    assert wilson(hits, n)[0] == pytest.approx(cluster_lower_bound([(20, 20), (16, 20)] * 5))
    assert effective_sample([(20, 20), (0, 20)])[1] == pytest.approx(0, abs=2)


def test_one_month_is_no_proof_of_the_others():
    """The prior counts: months of 85 % may differ by 10 points."""
    assert cluster_lower_bound([(85, 100)]) < wilson(85, 100)[0] - 0.05


@pytest.mark.long
@given(months_of_books)
def test_the_bound_is_never_above_the_one_of_wilson_and_has_an_equal_sample(months):
    hits, books = sum(hits for hits, _ in months), sum(n for _, n in months)
    bound = cluster_lower_bound(months)
    assert 0 <= bound <= wilson(hits, books)[0] + 1e-12
    same, n = effective_sample(months)
    assert same / n == pytest.approx(hits / books)
    assert wilson(same, n)[0] == pytest.approx(bound, abs=1e-6)


@pytest.mark.long
@given(months_of_books)
def test_all_books_found_in_every_month_to_come_never_lower_the_bound(months):
    assert cluster_lower_bound([*months, *[(40, 40)] * len(months)]) >= cluster_lower_bound(months) - 1e-9


@given(st.lists(st.tuples(st.integers(8, 20), st.just(20), st.integers(0, 2)), min_size=1, max_size=5))
def test_no_result_of_the_unchecked_books_is_worse_than_the_worst(months):
    checked, unchecked = [(hits, n) for hits, n, _ in months], [more for _, _, more in months]
    worst = least_lower_bound(checked, unchecked)
    for found in itertools.product(*(range(more + 1) for more in unchecked)):
        ended = [(hits + also, n + more) for (hits, n), more, also in zip(checked, unchecked, found, strict=True)]
        assert cluster_lower_bound(ended) >= worst - 1e-9
