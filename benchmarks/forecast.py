"""Measures how accurate forecasts are: simulated rollouts, forecast when a fifth of their months have ended.

Prints one JSON line. The forecast uses what an operator's database and settings would contain by then, never the numbers
of the rollout's scenario. The scenarios are drawn here, from other distributions than the forecast assumes. `error` is
the distance between the forecast and the true end, as a share of the time that was left.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median
from typing import Any

from alexandria.backfill.source_selection import Policy
from alexandria.core import config
from alexandria.core.provider_facts import key_settings
from alexandria.forecast.assumptions import expected_scenario
from alexandria.forecast.estimate import forecast
from alexandria.forecast.history import History
from alexandria.forecast.scenario import FaultRates, Operator, Scenario
from alexandria.forecast.simulation import RolloutSimulation
from alexandria.rollout import plan as plans
from alexandria.rollout.decisions import RolloutState
from alexandria.rollout.plan import Plan

SHARE = 0.2  # of the months, ended when the forecast is made
PLANS = {"guide": None, "brisk": (40, 60), "unbridled": (300, 300)}  # months a day in every phase; None: as shipped


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campaigns", type=int, default=200)
    parser.add_argument("--first", type=int, default=1, help="the seed of the first")
    parser.add_argument("--runs", type=int, default=60, help="campaigns that a forecast is made of")
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--each", action="store_true", help="a JSON line for each rollout as well")
    options = parser.parse_args()
    for name in key_settings().values():
        os.environ.setdefault(name, "none")  # every provider takes part
    began = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        tasks = [(options.first + number, options.runs) for number in range(options.campaigns)]
        results = []
        for result in pool.imap(measured, tasks):
            results.append(result)
            if options.each:
                print(json.dumps(result), flush=True)
    print(json.dumps(summary(results, options.runs, time.perf_counter() - began)))


def measured(task: tuple[int, int]) -> dict[str, Any]:
    """One rollout and its forecast."""
    seed, runs = task
    rng = Random(f"benchmark {seed}")
    redrawn = -1
    ended = 0
    while ended < SHARE:  # one that a gate stops earlier has nothing to forecast
        redrawn += 1
        name, plan, settings, scenario = drawn(rng)
        start = datetime(2026, 1, 13, tzinfo=UTC) + timedelta(seconds=rng.uniform(0, 86400))
        rollout = RolloutSimulation(
            plan, scenario, seed * 100 + redrawn, History(start, RolloutState(start.date()), {})
        )
        rollout.run(lambda now: now.ended >= SHARE * len(now.months))
        ended = rollout.ended / len(rollout.months)
    past = rollout.history()
    began = time.perf_counter()
    found = forecast(plan, past, settings, runs=runs, seed=seed, sooner=False)
    seconds = time.perf_counter() - began
    rollout.run(lambda now: now.finished_at is not None)
    truth = rollout.finished_at
    left = (truth - past.at).total_seconds() if truth else None
    error = abs((found.middle - truth).total_seconds()) / left if truth and found.middle and left else None
    return {
        "seed": seed,
        "redrawn": redrawn,
        "plan": name,
        "at": f"{past.at:%m-%d %H:%M}",
        "truth": truth and f"{truth:%m-%d %H:%M}",
        "forecast": [at and f"{at:%m-%d %H:%M}" for at in (found.early, found.middle, found.late)],
        "error": error,
        "held": bool(truth and found.early and found.late and found.early <= truth <= found.late),
        "before": bool(truth and found.early and truth < found.early),
        "limit": found.limit.value,
        "stuck": found.stuck,
        "seconds": round(seconds, 2),
    }


def drawn(rng: Random) -> tuple[str, Plan, Scenario, Scenario]:
    """A plan, the operator's settings as the forecaster reads them, and the scenario as it is."""
    name = rng.choices([*PLANS], [0.6, 0.2, 0.2])[0]
    expected = expected_scenario(config.load(), ())  # as the product does before it has measured anything
    settings = replace(
        expected,
        concurrency=rng.choice([1, 4, 8]),
        policy=rng.choice([Policy.FRUGAL, Policy.BALANCED]),
        sources=tuple(
            replace(provider, daily_cap=rng.choice([13000, 13000, 1000, 250]) if provider.paid else provider.daily_cap)
            for provider in expected.sources
        ),
    )
    sources = tuple(
        replace(provider, coverage=min(provider.coverage * rng.uniform(0.8, 1.1), 0.97), requests_per_book=rng.uniform(0.9, 2), response_seconds=provider.response_seconds * rng.uniform(0.5, 4))
        for provider in settings.sources
    )  # fmt: skip
    scenario = replace(
        settings,
        generators=tuple(replace(provider, response_seconds=rng.uniform(2, 60)) for provider in settings.generators),
        sources=sources,
        books_per_month=rng.uniform(12, 35),
        existing_share=rng.uniform(0.95, 0.99),
        yearly_decline=rng.uniform(0, 0.003),
        month_deviation=rng.uniform(0, 0.05),
        overhead_seconds=rng.uniform(1, 30),
        overhead_spread=rng.uniform(0.2, 0.8),
        faults=FaultRates(
            generators_down=rng.choice([0, 0.02, 0.1]),
            generators_busy=rng.choice([0, 0.05]),
            worker_lost=rng.choice([0, 0.02]),
            permanent_failure=rng.choice([0, 0.003, 0.01, 0.02, 0.03]),
            outages_per_day=rng.choice([0, 0, 0.03, 0.1]),
            outage_minutes=rng.choice([10, 60]),
        ),
        operator=Operator(rng.uniform(4, 30), retries_failed=False),
    )
    return name, paced(PLANS[name]), settings, scenario


def paced(pace: tuple[int, int] | None) -> Plan:
    """The shipped plan, or the same at another pace."""
    plan = plans.read(plans.example())
    if pace is None:
        return plan
    return plan.model_copy(
        update={"phase": tuple(phase.model_copy(update={"months_per_day": pace}) for phase in plan.phase)}
    )


def summary(results: list[dict[str, Any]], runs: int, seconds: float) -> dict[str, Any]:
    finished = [result for result in results if result["truth"] is not None]
    errors = [result["error"] for result in finished if result["error"] is not None]
    return {
        "campaigns": len(results),
        "runs": runs,
        "finished": len(finished),
        "median_error": round(median(errors), 4),
        "error_p90": round(sorted(errors)[int(0.9 * (len(errors) - 1))], 4),
        "band_holds": round(sum(result["held"] for result in finished) / len(finished), 3),
        "truth_before_band": round(sum(result["before"] for result in finished) / len(finished), 3),
        "stuck": len(results) - len(finished),
        "stuck_expected": round(sum(result["stuck"] for result in results), 1),
        "stopped_earlier_and_redrawn": sum(result["redrawn"] for result in results),
        "plans": {
            name: [len(own), round(sum(result["held"] for result in own) / len(own), 2)]
            for name in PLANS
            if (own := [result for result in finished if result["plan"] == name])
        },
        "limits": dict(Counter(result["limit"] for result in results)),
        "seconds_a_forecast": median(result["seconds"] for result in results),
        "seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    main()
