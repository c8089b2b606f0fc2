"""Campaigns whose months are run again after their gate has passed, and fail or find less: the rollout holds itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

import pytest

from alexandria.rollout import controller, later_failures
from alexandria.rollout.plan import Plan
from tests.support import rollout_campaign
from tests.support.campaign_world import World
from tests.support.rollout_campaign import Campaign
from tests.support.rollout_oracle import Oracle

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
MAX_CAMPAIGNS = 6
CAMPAIGNS = MAX_CAMPAIGNS if "CAMPAIGNS" in os.environ else 2  # of each kind; `make campaigns` runs all
WELL = World(
    rate=0.95, deviation=0, books=30, calls=4, failing=0, retrying=0, stuck=0, hindering=0, confirmed=1, cap=None, others=0,
    midnight=0, known_from=0, psql=0,
)  # fmt: skip
GATE = {"min_resolution_rate": 0.6, "min_sample": 40, "max_failed_share": 0.1, "hold_if_failed_later": True}
PHASES = [
    {"name": f"phase {name}", "years": years, "months": 4, "months_per_day": 4, "gate": GATE}
    for name, years in (("A", 2023), ("B", 2022), ("C", 2021))
]


class RunAgain(Campaign):
    """Everything goes well until a phase has passed; then a person resets some of its months, and months are worse."""

    worse: ClassVar[dict[str, Any]] = {}  # than they were in the world
    reset: ClassVar[int] = 1  # months

    async def _day(self, day: date) -> None:
        present = self._rollout()
        if present and present["ended_at"] is None and present["phase"] and self.world == WELL:
            for month in range(12, 12 - self.reset, -1):
                self._run_sql(
                    "reset", f"UPDATE backfill_log SET status = 'pending' WHERE (year, month) = (2023, {month})"
                )
            self.world = replace(self.world, **self.worse)
            self.rates.clear()
        await super()._day(day)


class FailAgain(RunAgain):
    worse: ClassVar = {"failing": 1}


class FindLess(RunAgain):
    worse: ClassVar = {"rate": 0.3}
    reset = 3


@pytest.fixture(autouse=True, params=[FailAgain, FindLess])
def run_again(monkeypatch, request):
    plan = Plan.model_validate({"name": "run again", "phase": PHASES})
    monkeypatch.setattr(World, "draw", lambda _rng: WELL)
    monkeypatch.setattr(rollout_campaign, "draw_plan", lambda *_: plan)
    monkeypatch.setattr("tests.campaigns.conftest.Campaign", request.param)


async def test_a_rollout_holds_itself_when_months_of_a_passed_phase_fail_or_find_less(campaign):
    """With all that people do meanwhile, also after they have released it."""
    oracles = [Oracle(await campaign(seed)) for seed in range(CAMPAIGNS)]
    assert [wrong for oracle in oracles for wrong in oracle.wrong] == []
    assert sum(oracle.seen["hold by itself"] > 0 for oracle in oracles) >= CAMPAIGNS / 2
    assert sum(oracle.seen["release accepted"] for oracle in oracles) > 0


def holds_for_nothing(patch):
    patch.setattr(controller, "hold_reason", lambda *_: "")


def holds_for_what_was_released(patch):
    reason = later_failures.hold_reason
    patch.setattr(controller, "hold_reason", lambda failures, _accepted: reason(failures, ()))


@pytest.mark.parametrize("breakage", [holds_for_nothing, holds_for_what_was_released])
async def test_the_oracle_finds_a_hold_that_is_missing_or_without_a_reason(
    breakage: Callable[[pytest.MonkeyPatch], None], campaign, monkeypatch
):
    breakage(monkeypatch)
    for seed in range(MAX_CAMPAIGNS):
        if Oracle(await campaign(seed)).wrong:
            return
    pytest.fail("no campaign shows it")
