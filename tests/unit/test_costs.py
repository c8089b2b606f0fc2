"""Sentences about costs: amounts that stand side by side add up."""

from __future__ import annotations

import re

import pytest

from alexandria.operations.costs import Costs, PlanCost, describe_costs, dollars, dollars_in_all

WITH_CENTS_LOST = {"gemini": 0.104, "xai": 0.0251}  # $0.10 and $0.03, and $0.13 instead of $0.1291 in all


def test_a_sum_is_that_of_the_amounts_beside_it():
    [sentence] = describe_costs(Costs(WITH_CENTS_LOST | {"openai": 0.004}, {"isbndb": PlanCost(29.95, 2)}))
    whole, *parts = [float(amount) for amount in re.findall(r"\$([\d.]+)", sentence)]
    assert parts == [0.10, 0.03, 0.004, 59.90, 29.95]
    assert whole == round(sum(parts[:-1]), 2) == 60.03


@pytest.mark.parametrize(
    ("amounts", "written"),
    [
        ((), "$0.00"),
        ((0.0001,), "$0.0001"),
        ((0.004, 0.004), "$0.0080"),
        ((0.014, 0.014), "$0.02"),
        ((1e6,), "$1,000,000.00"),
    ],
)
def test_small_amounts_differ_from_nothing(amounts, written):
    assert dollars_in_all(amounts) == written


def test_the_exact_sum_stays_for_programs():
    assert Costs(WITH_CENTS_LOST).total == pytest.approx(0.1291)
    assert dollars(0.1291) == "$0.13"
