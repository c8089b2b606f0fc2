"""What operators read of a forecast: the command and the page use the same words, which hold for rollouts that stop, too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alexandria.cli.commands.forecast import _rows
from alexandria.forecast.estimate import forecast
from alexandria.forecast.forecaster import ForecastReport
from alexandria.operations.eta import eta_from_forecast
from alexandria.operations.forecast import to_answer
from tests.unit.test_forecast import EXPECTED, GUIDE, fresh


@pytest.fixture(scope="module")
def found():
    """A forecast of which some simulations stop, and not all."""
    made = forecast(GUIDE, fresh(), EXPECTED, runs=12, sooner=False)
    assert 0 < made.stuck < 1
    return made


def printed(found):
    return dict(_rows(to_answer(report(found))))


def report(found):
    return ForecastReport(found, "plan", started=True, assumptions=())


@pytest.mark.long
def test_a_range_without_the_simulations_that_stop_is_likely_if_no_gate_stops_the_rollout(found):
    """With a quarter of stops, "80 % likely" was said of 60 %."""
    assert "80 % likely if no gate stops it, median" in printed(found)["done by"]
    assert eta_from_forecast(report(found)).reason.startswith("80 % likely if no gate stops it. ")


def test_the_page_and_the_command_describe_stops_in_the_same_words(found):
    stops = printed(found)["or stops"]
    assert stops == f"{found.stuck:.0%} of the simulations stop, most often at gate 'Validation', until a person acts"
    assert f" {stops}. " in eta_from_forecast(report(found)).reason


def test_without_stops_none_are_mentioned(found):
    sure = replace(found, stuck=0.0, stuck_at="")
    assert "(80 % likely, median" in printed(sure)["done by"]
    assert "or stops" not in printed(sure)
    reason = eta_from_forecast(report(sure)).reason
    assert reason.startswith("80 % likely. Limiting factor: ")
    assert "gate" not in reason
