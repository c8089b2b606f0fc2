"""How the benchmark of forecasts scores rollouts, those included that a gate stops."""

import importlib.util
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "forecast.py"
AT = datetime(2026, 1, 13, tzinfo=UTC)


def loaded():
    spec = importlib.util.spec_from_file_location("forecast_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rank_within = loaded().rank_within
ends = st.one_of(st.none(), st.integers(0, 30).map(lambda day: AT + timedelta(days=day)))


@given(st.lists(ends, min_size=2, max_size=60))
def test_of_rollouts_like_the_simulations_80_percent_count_whatever_share_stops(outcomes):
    """If the true end and the simulated ones are of one distribution, each of them may as well be the true one."""
    scores = [rank_within(outcomes[:true] + outcomes[true + 1 :], outcomes[true]) for true in range(len(outcomes))]
    assert sum(scores) / len(scores) == pytest.approx(0.8)


def test_a_stop_counts_by_the_share_of_the_simulations_that_stop():
    """A stop that no simulation had is a miss, as is an end where all of them stop."""
    finished = [AT + timedelta(days=day) for day in range(19)]
    assert rank_within(finished, None) == 0
    assert rank_within([None] * 19, AT) == 0
    assert rank_within([*finished[:15], None, None, None, None], None) == pytest.approx(0.6)
    assert rank_within([*finished[:3], *[None] * 16], finished[2]) == pytest.approx(1)
