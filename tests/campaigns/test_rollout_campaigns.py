"""Campaigns of rollouts through the real controller: an oracle that reads raw facts finds nothing wrong in any of them."""

import json
import os
from collections import Counter

import pytest

from tests.support.rollout_oracle import Oracle

pytestmark = pytest.mark.long

CAMPAIGNS = int(os.environ.get("CAMPAIGNS", "4"))
FIRST = int(os.environ.get("FIRST_CAMPAIGN", "0"))


@pytest.mark.timeout(60 + 20 * CAMPAIGNS)
async def test_no_rollout_goes_wrong_whatever_people_do(campaign):
    """0 wrong advances, 0 days over the pace of a plan, 0 stands still without an incident."""
    wrong: list[str] = []
    seen: Counter[str] = Counter()
    for seed in range(FIRST, FIRST + CAMPAIGNS):
        oracle = Oracle(await campaign(seed))
        wrong += [f"seed {seed}: {what}" for what in oracle.wrong]
        seen.update(oracle.seen)
    print(json.dumps({"campaigns": CAMPAIGNS, "wrong": len(wrong), **dict(sorted(seen.items()))}))  # noqa: T201 # what `make campaigns` is for
    assert wrong == []
