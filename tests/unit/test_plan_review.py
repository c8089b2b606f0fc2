"""Warnings about a plan before it starts; the default plan has none."""

from datetime import date

import pytest

from alexandria.rollout.gates import DailyQuota
from alexandria.rollout.plan import Plan, example, read
from alexandria.rollout.plan_review import review

TODAY = date(2026, 3, 2)


def plan(**phase):
    return Plan.model_validate({"name": "p", "phase": [{"name": "A", "years": 2023, "months_per_day": 5} | phase]})


def test_the_default_plan_has_no_warnings():
    assert review(read(example()), TODAY, DailyQuota(13_000)) == []
    assert review(read(example()), TODAY, None) == []


@pytest.mark.parametrize(
    ("phase", "quota", "words"),
    [
        ({"gate": {"min_sample": 1000}}, None, "A: its gate cannot be reached: min_sample is 1,000, and 12 months have about 480"),
        ({"gate": {"min_resolution_rate": 0.995}}, None, "A: its gate cannot be reached: min_resolution_rate is 0.995"),
        ({"gate": {"min_confirmed_share": 0.3, "min_confirmed_sample": 3000}}, None, "A: its gate cannot be reached: min_confirmed_sample is 3,000"),
        ({"gate": {"min_confirmed_share": 0.995}}, None, "A: its gate cannot be reached: min_confirmed_share is 0.995"),
        ({"months": 24}, None, "A: months is 24, but its years have only 12"),
        ({"years": "2020..2030"}, None, "A: 58 months up to 2030-12 are not over yet and would begin first: end its years with 2026-02"),
        ({"quota_share": 0.05}, DailyQuota(13), "A: its share of ISBNdb's quota is 0 calls a day"),
        ({}, DailyQuota(0), "A: its share of ISBNdb's quota is 0 calls a day"),
    ],
)  # fmt: skip
def test_an_impossible_part_of_a_plan_is_a_warning(phase, quota, words):
    warnings = review(plan(**phase), TODAY, quota)
    assert len(warnings) == 1
    assert warnings[0].startswith(words)
