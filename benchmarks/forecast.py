"""Measures how accurate forecasts are: simulated rollouts, forecast at their start and when a fifth of their months ended.

Prints one JSON line for each world and moment. The forecast uses what an operator's database and settings would contain
by then, never the numbers of the rollout's scenario. The scenarios of the world `believed` are drawn as forecasts
believe them before anything was measured. The others are drawn from distributions that no forecast knows, and perturbed:
slower sources, months that are unlike, a quota that others use as well, a small quota, the second and third together;
`apart` is not perturbed, and is further from what forecasts believe.
No rollout is drawn again: one that a gate stops before its end counts in every figure but `range_holds` and the errors of
the date. `range_holds` is the share of the rollouts that finished which ended within the range of the forecast: the
range is that of the simulations that finish. `ranks_within` counts stops, too, as ends that are later than every other:
it is the share of the rollouts whose place among the simulations is within the middle 80 %. A stop ties with all
simulations that stopped, so that it counts by the share of their places that are within. Both are 80 % if forecasts are
right; `stopped` is then `stops_expected`, the sum of the shares of the simulations that stopped.
`error` is the distance between the forecast and the true end, as a share of the time that was left; `money_error` is the
same of the dollars that models were paid.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median
from typing import Any

from alexandria.backfill.source_selection import Policy
from alexandria.core import config
from alexandria.core.provider_facts import key_settings
from alexandria.forecast.assumptions import expected_scenario
from alexandria.forecast.belief import draw_scenario
from alexandria.forecast.estimate import HIGH_QUANTILE, LOW_QUANTILE, Estimator, Prices
from alexandria.forecast.history import History, OtherUse
from alexandria.forecast.scenario import FaultRates, Operator, Scenario
from alexandria.forecast.simulation import RolloutSimulation
from alexandria.rollout import plan as plans
from alexandria.rollout.decisions import RolloutState
from alexandria.rollout.plan import Plan

MOMENTS = {"start": 0.0, "fifth": 0.2}  # shares of the months that have ended when the forecast is made
PLANS = {"guide": None, "brisk": (40, 60), "unbridled": (300, 300)}  # months a day in every phase; None: as shipped
WORLDS = ("believed", "slow", "unlike", "shared", "small", "unlike_shared", "apart")
DOLLARS = {"gemini": 0.02, "xai": 0.01}  # for a request
START = datetime(2026, 1, 13, tzinfo=UTC)
DAYS_BEFORE = 7  # on which the others' use was measured before the rollout began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campaigns", type=int, default=100, help="rollouts in each world")
    parser.add_argument("--worlds", nargs="*", choices=WORLDS, default=WORLDS)
    parser.add_argument("--first", type=int, default=1, help="the seed of the first")
    parser.add_argument("--runs", type=int, default=40, help="simulations that a forecast is made of")
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--each", action="store_true", help="a JSON line for each forecast as well")
    options = parser.parse_args()
    for name in key_settings().values():
        os.environ.setdefault(name, "none")  # every provider takes part
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for world in options.worlds:
            began = time.perf_counter()
            tasks = [(world, options.first + number, options.runs) for number in range(options.campaigns)]
            results = []
            for result in (result for campaign in pool.imap_unordered(measured, tasks) for result in campaign):
                results.append(result)
                if options.each:
                    print(json.dumps({"world": world, **result}), flush=True)
            for moment in MOMENTS:
                own = [result for result in results if result["moment"] == moment]
                seconds = round(time.perf_counter() - began, 1)
                print(json.dumps({"world": world, "moment": moment, **summary(own), "seconds": seconds}), flush=True)


def measured(task: tuple[str, int, int]) -> list[dict[str, Any]]:
    """One rollout and its forecasts."""
    world, seed, runs = task
    rng = Random(f"benchmark {world} {seed}")
    name, plan, settings, scenario = drawn(world, rng)
    start = START + timedelta(seconds=rng.uniform(0, 86400))
    before = {
        each.name: tuple(rng.choices(each.other_use, k=DAYS_BEFORE)) for each in scenario.sources if each.other_use
    }
    history = History(start, RolloutState(start.date()), {}, other_use=before)
    rollout = RolloutSimulation(plan, scenario, seed, history)
    forecasts = {}
    for moment, share in MOMENTS.items():
        rollout.run(lambda now, share=share: now.stuck or now.ended >= share * len(now.months))
        if rollout.ended >= share * len(rollout.months):  # otherwise a gate has stopped it
            past, began = rollout.history(), time.process_time()
            estimator = Estimator(plan, past, settings, seed)
            for _ in range(runs):
                estimator.run(unpaced=False)
            found = estimator.result(Prices(DOLLARS))
            forecasts[moment] = (past.at, found, estimator.ends, time.process_time() - began)
    rollout.run(lambda now: now.stuck)
    truth = rollout.finished_at if rollout.state.finished else None
    paid = sum(rollout.requests()[provider] * dollars for provider, dollars in DOLLARS.items())
    results = []
    for moment, (at, found, ends, seconds) in forecasts.items():
        left = (truth - at).total_seconds() if truth else None
        results.append(
            {
                "seed": seed,
                "plan": name,
                "moment": moment,
                "at": f"{at:%m-%d %H:%M}",
                "truth": truth and f"{truth:%m-%d %H:%M}",
                "forecast": [each and f"{each:%m-%d %H:%M}" for each in (found.early, found.middle, found.late)],
                "error": abs((found.middle - truth).total_seconds()) / left
                if truth and found.middle and left
                else None,
                "money_error": abs(found.money.middle - paid) / paid if truth and found.money else None,
                "holds": bool(truth and found.early and found.early <= truth <= found.late),
                "within": rank_within(ends, truth),
                "before": bool(truth and found.early and truth < found.early),
                "limit": found.limit.value,
                "stuck": found.stuck,
                "stuck_at": found.stuck_at,
                "stopped_at": None if truth else plan.phase[rollout.state.phase].name,
                "seconds": seconds,
            }
        )
    return results


def rank_within(ends: Sequence[datetime | None], truth: datetime | None) -> float:
    """How much of the places that the true end can have among those of the simulations is within the middle 80 %.

    None is a stop, which is later than every end. The place among equal ends is chance.
    """
    never = datetime.max.replace(tzinfo=UTC)
    true, ordered = truth or never, [end or never for end in ends]
    before, equal = sum(end < true for end in ordered), ordered.count(true)
    first, last = (place / (len(ordered) + 1) for place in (before, before + equal + 1))
    return max(min(last, HIGH_QUANTILE) - max(first, LOW_QUANTILE), 0) / (last - first)


def drawn(world: str, rng: Random) -> tuple[str, Plan, Scenario, Scenario]:
    """A plan, the operator's settings as the forecaster reads them, and the scenario as it is."""
    name = rng.choices([*PLANS], [0.6, 0.2, 0.2])[0]
    expected = expected_scenario(config.load(), ())  # as the product does before it has measured anything
    caps = {"small": (60, 100, 150), "shared": (1000, 400, 250), "unlike_shared": (1000, 400, 250)}
    cap = rng.choice(caps.get(world, (13000, 13000, 1000, 250)))
    settings = replace(
        expected,
        concurrency=rng.choice([1, 4, 8]),
        policy=rng.choice([Policy.FRUGAL, Policy.BALANCED]),
        sources=tuple(
            replace(provider, daily_cap=cap if provider.paid else provider.daily_cap) for provider in expected.sources
        ),
    )
    if world == "believed":
        scenario = draw_scenario(settings, History(START, RolloutState(START.date()), {}), rng)
    else:
        scenario = apart(settings, rng) if world == "apart" else unknown(settings, rng)
    if world == "slow":
        factor = rng.uniform(4, 10)
        sources = tuple(
            replace(each, response_seconds=each.response_seconds * factor, rate=each.rate / 2)
            for each in scenario.sources
        )
        scenario = replace(scenario, sources=sources, overhead_seconds=scenario.overhead_seconds * factor)
    if world.startswith("unlike"):
        scenario = replace(scenario, month_deviation=rng.uniform(0.06, 0.12))
    if world.endswith("shared"):
        share = rng.uniform(0.2, 0.7)
        sources = tuple(
            replace(each, other_use=days_of_others(each.daily_cap, share, rng)) if each.daily_cap else each
            for each in scenario.sources
        )
        scenario = replace(scenario, sources=sources)
    return name, paced(PLANS[name]), settings, scenario


def unknown(settings: Scenario, rng: Random) -> Scenario:
    """A scenario from distributions of the benchmark alone, about as wide as what a forecast assumes."""
    sources = tuple(
        replace(
            provider,
            coverage=min(provider.coverage * rng.uniform(0.9, 1.05), 0.97),
            requests_per_book=rng.uniform(0.8, 1.4),
            response_seconds=provider.response_seconds * rng.uniform(0.5, 3),
        )
        for provider in settings.sources
    )
    return replace(
        settings,
        generators=tuple(replace(provider, response_seconds=rng.uniform(2, 30)) for provider in settings.generators),
        sources=sources,
        books_per_month=rng.uniform(14, 28),
        existing_share=rng.uniform(0.92, 0.985),
        yearly_decline=rng.uniform(0, 0.002),
        month_deviation=rng.uniform(0, 0.05),
        dated_share=rng.uniform(0.5, 1),
        confirmed_share=rng.uniform(0.8, 0.98),
        overhead_seconds=rng.uniform(2, 20),
        overhead_spread=rng.uniform(0.2, 0.8),
        faults=FaultRates(
            generators_down=rng.choice([0, 0.01, 0.05]),
            generators_busy=rng.choice([0, 0.03]),
            worker_lost=rng.choice([0, 0.01]),
            permanent_failure=rng.choice([0, 0, 0.003, 0.01, 0.02]),
            outages_per_day=rng.choice([0, 0, 0.03, 0.1]),
            outage_minutes=rng.choice([10, 30, 60]),
        ),
        operator=Operator(rng.uniform(6, 40), retries_failed=False),
    )


def apart(settings: Scenario, rng: Random) -> Scenario:
    """A scenario from other distributions than a forecast assumes."""
    sources = tuple(
        replace(provider, coverage=min(provider.coverage * rng.uniform(0.8, 1.1), 0.97), requests_per_book=rng.uniform(0.9, 2), response_seconds=provider.response_seconds * rng.uniform(0.5, 4))
        for provider in settings.sources
    )  # fmt: skip
    return replace(
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


def days_of_others(cap: int, share: float, rng: Random) -> tuple[OtherUse, ...]:
    """Sixty days on which others spend about this share of the units, some in the first hours, some through the day."""
    days = []
    for _ in range(60):
        units = cap * min(share * rng.uniform(0.7, 1.3), 1)
        early = rng.uniform(0.2, 0.8)
        days.append(tuple(units * (early / 2 if hour < 2 else (1 - early) / 22) for hour in range(24)))
    return tuple(days)


def paced(pace: tuple[int, int] | None) -> Plan:
    """The shipped plan, or the same at another pace."""
    plan = plans.read(plans.example())
    if pace is None:
        return plan
    return plan.model_copy(
        update={"phase": tuple(phase.model_copy(update={"months_per_day": pace}) for phase in plan.phase)}
    )


def summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of one world and moment."""
    finished = [result for result in results if result["truth"] is not None]
    errors = sorted(result["error"] for result in finished if result["error"] is not None)
    return {
        "campaigns": len(results),
        "ranks_within": round(sum(result["within"] for result in results) / len(results), 3),
        "range_holds": round(sum(result["holds"] for result in finished) / len(finished), 3) if finished else None,
        "truth_before_range": round(sum(result["before"] for result in results) / len(results), 3),
        "median_error": round(median(errors), 4) if errors else None,
        "error_p90": round(errors[int(0.9 * (len(errors) - 1))], 4) if errors else None,
        "money_error": round(median(result["money_error"] for result in finished), 4) if finished else None,
        "stopped": len(results) - len(finished),
        "stops_expected": round(sum(result["stuck"] for result in results), 1),
        "stopped_at": dict(Counter(result["stopped_at"] for result in results if result["stopped_at"])),
        "plans": {
            name: [len(own), round(sum(result["within"] for result in own) / len(own), 2)]
            for name in PLANS
            if (own := [result for result in results if result["plan"] == name])
        },
        "limits": dict(Counter(result["limit"] for result in results)),
        "seconds_a_forecast": round(median(result["seconds"] for result in results), 2),
    }


if __name__ == "__main__":
    main()
