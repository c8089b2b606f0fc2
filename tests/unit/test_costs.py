"""Sentences about costs: amounts that stand side by side add up."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from alexandria.operations.costs import Costs, PlanCost, describe_costs, dollars, dollars_in_all

WITH_CENTS_LOST = {"gemini": 0.104, "xai": 0.0251}  # $0.10 and $0.03, and $0.13 instead of $0.1291 in all


@pytest.mark.parametrize(
    "models",
    [
        WITH_CENTS_LOST,
        WITH_CENTS_LOST | {"openai": 0.004},
        {"gemini": 0.104, "xai": 0.0034},
        {"gemini": 0.0096, "xai": 0.0034},
    ],
)
@pytest.mark.parametrize("plans", [{}, {"isbndb": PlanCost(29.95, 2)}])
def test_a_sum_is_exactly_that_of_the_amounts_beside_it(models, plans):
    [sentence] = describe_costs(Costs(models, plans))
    whole, *parts = map(Decimal, re.findall(r"\$(\d+\.\d+)", re.sub(r" \(.*?\)", "", sentence)))
    assert len(parts) == len(models) + len(plans)
    assert whole == sum(parts)


@pytest.mark.parametrize(
    ("amounts", "written"),
    [
        ((), "$0.00"),
        ((0.0001,), "$0.0001"),
        ((0.004, 0.004), "$0.0080"),
        ((0.5, 0.004), "$0.5040"),
        ((0.014, 0.014), "$0.02"),
        ((1e6,), "$1,000,000.00"),
    ],
)
def test_small_amounts_differ_from_nothing(amounts, written):
    assert dollars_in_all(amounts) == written


def test_the_exact_sum_stays_for_programs():
    assert Costs(WITH_CENTS_LOST).total == pytest.approx(0.1291)
    assert dollars(0.1291) == "$0.13"
