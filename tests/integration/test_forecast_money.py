"""The cost that a forecast names, compared with the recorded requests and tokens of a campaign of 30 months."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import timedelta
from random import Random
from statistics import median

import pytest

from alexandria.backfill.queue import JobQueue
from alexandria.core import config
from alexandria.core.month import Month
from alexandria.core.provider_facts import key_settings
from alexandria.database.pool import Database
from alexandria.forecast.prices import model_prices
from alexandria.forecast.repository import Tokens
from alexandria.providers import prompts
from alexandria.providers.generator_specs import parse_generators
from alexandria.rollout import plan as plans
from alexandria.rollout.decisions import Schedule
from tests.integration.conftest import RolloutStage
from tests.support.forecasting import forecasting

PLAN = plans.read("""
name = "thirty months"
[[phase]]
name = "All"
years = "2021..2023"
months = 30
months_per_day = 3
[phase.gate]
min_resolution_rate = 0.5
min_sample = 100
""")
MONTHS = 30
CAMPAIGNS = 3
MAX_ERROR = 0.05
REFUSED_SHARE = 0.4  # of the requests, which are made again
RUNS = 20
OTHER_MONTHS = [Month(1999, month) for month in range(1, 11)]  # of an older campaign, whose lists are known
ASKED = """
INSERT INTO call (provider, route, sent_at, ms, units, status, error, year, month, attempt_token)
VALUES (%s, %s, %s, 4000, 1, %s, '', %s, %s, gen_random_uuid())"""
ANSWERED = "INSERT INTO answer (provider, key, request, body) VALUES (%s, %s, %s, %s)"
ATTEMPTED = """
INSERT INTO attempt (token, year, month, created_at, began_at, ended_at, outcome)
VALUES (gen_random_uuid(), %s, %s, %s, %s, %s, 'completed')"""


class Recorder:
    """Records the requests and answers of months as the worker does, and adds up what they cost."""

    def __init__(self, stage: RolloutStage, rng: Random) -> None:
        self.stage, self.rng = stage, rng
        self.specs = parse_generators(config.load().generators)
        self.usual = {spec.label: (rng.uniform(400, 700), rng.uniform(900, 3500)) for spec in self.specs}
        self.dollars: dict[str, float] = defaultdict(float)

    async def month(self, month: Month, *, whose: str) -> None:
        """The lists of a month: some are refused at first, and none has as many tokens as another."""
        at = self.stage.now
        for spec in self.specs:
            route = f"/v1beta/models/{spec.model}:generateContent" if spec.provider == "gemini" else "/v1/responses"
            refused = self.rng.random() < REFUSED_SHARE
            for status in [429, 200] if refused else [200]:
                await self.stage.sql(ASKED, spec.provider, route, at, status, month.year, month.month)
            sent, received = (round(usual * self.rng.lognormvariate(0, 0.15)) for usual in self.usual[spec.label])
            self.dollars[whose] += model_prices([spec], {spec.label: Tokens(sent, received)})[spec.label]
            request = {"generator": spec.label, "prompt": prompts.render("annual", month, 20)}
            body = {"books": [], "tokens": {"input": sent, "output": received}}
            key = f"{spec.label} {month}"
            await self.stage.sql(ANSWERED, spec.provider, key, json.dumps(request), json.dumps(body))
        if whose == "plan":
            ends = at + timedelta(minutes=1)
            await self.stage.sql(ATTEMPTED, month.year, month.month, at, at, ends)


async def errors_of_a_campaign(database, url, seed):
    """How far the forecasts at the start and at a fifth of the months are from what was recorded in the end."""
    jobs = JobQueue(database)
    await jobs.open()
    stage, named = RolloutStage(database, jobs, url), {}
    recorder = Recorder(stage, Random(f"money {seed}"))
    for month in OTHER_MONTHS:
        await recorder.month(month, whose="others")
    async with forecasting(database, url) as forecaster:
        forecaster.now = lambda: stage.now
        await stage.controller.start(PLAN, "ann")
        done = 0
        while done < MONTHS:
            if done in {0, MONTHS // 5}:
                money = (await forecaster.report(runs=RUNS)).forecast.money
                assert money is not None
                named[done] = money.middle
            step = await stage.controller.tick()
            if isinstance(step, Schedule):
                for month in step.months:
                    await recorder.month(month, whose="plan")
                done += len(step.months)
                await stage.end(resolved=18)
            stage.now += timedelta(days=1)
    await jobs.aclose()
    recorded = recorder.dollars["plan"]
    return {"start": named[0] / recorded - 1, "fifth": named[MONTHS // 5] / recorded - 1}


@pytest.mark.long
async def test_the_forecasts_cost_is_within_five_percent_of_what_a_campaign_recorded(fresh_database, monkeypatch):
    """The real controller on a clock of its own; refused requests are not billed, and lists differ."""
    for name in key_settings().values():
        monkeypatch.setenv(name, "none")
    found = []
    for seed in range(CAMPAIGNS):
        with fresh_database() as url:
            async with Database(url) as database:
                found.append(await errors_of_a_campaign(database, url, seed))
    for moment in ("start", "fifth"):
        assert median(abs(errors[moment]) for errors in found) <= MAX_ERROR, found
