"""The simulation uses production's numbers: no number that production also has is written a second time in forecast."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest

from alexandria import forecast
from alexandria.backfill import rescuer, source_selection
from alexandria.backfill.source_selection import Policy
from alexandria.core import config, errors
from alexandria.core.month import Month
from alexandria.core.provider_facts import PROVIDERS, PublishedLimits
from alexandria.forecast import assumptions, estimate
from alexandria.forecast.attempts import SimulatedAttempts, WorkerLost
from alexandria.forecast.history import History
from alexandria.forecast.scenario import FaultRates, Scenario, SimulatedBooks, SimulatedProvider
from alexandria.forecast.simulation import RolloutSimulation
from alexandria.providers import client
from alexandria.rollout import decisions
from alexandria.rollout import plan as plans

MIDNIGHT = datetime(2026, 1, 13, tzinfo=UTC)
MONTH = Month(2023, 5)
SCENARIO = Scenario((SimulatedProvider("gemini", 2),), (SimulatedProvider("isbndb", 3, coverage=0.9),), operator=None)
# What only the simulation has: how it draws, how long it goes on, and what is expected before anything was measured.
ITS_OWN = {
    "assumptions": {"LOCAL_COVERAGE_SHARE", "LOCAL_EXPECTED_BOOKS", "YEARLY_DECLINE_SHARE"},
    "attempts": {"REFUSAL_SECONDS", "RESPONSE_SPREAD", "HOUR_SECONDS", "MAX_CRC_VALUE"},
    "belief": {
        "ENOUGH_MONTHS", "EXPECTED_BOOKS", "EXPECTED_FAULT_COUNT", "EXPECTED_MONTHS", "EXPECTED_ATTEMPTS", "EXPECTED_DAYS",
        "BOOKS_DOUBT", "MEASURED_BOOKS_DOUBT", "REQUESTS_DOUBT", "REQUESTS_COUNTED", "SPEED_DOUBT", "UNMEASURED_SPEED_DOUBT", "OUTAGE_LENGTH_DOUBT",
        "REVIEW_DOUBT", "OTHER_USE_DOUBT", "DECLINE_DOUBT", "MONTH_DEVIATIONS", "MIN_REQUESTS", "MIN_REVIEW_HOURS", "SUREST_RATE",
    },
    "billing": {"BILLING_DAYS"},
    "estimate": {"LOW_QUANTILE", "HIGH_QUANTILE", "DEFAULT_RUNS", "UNPACED_INTERVAL", "SEED_STEP", "MAX_PACE_DAYS"},
    "forecaster": {"LATEST_RUNS", "REFRESH_AFTER"},
    "making": {"BOUNDED_MONTHS", "LEAST_RUNS"},
    "prices": {"TOKENS_PER_LIST"},
    "repository": {"LATEST_ATTEMPTS", "USE_DAYS", "HOURS_PER_DAY"},
    "scenario": {
        "BEST_KNOWN_YEAR", "LEAST_WEIGHT", "MAX_SEED_VALUE", "OUTAGE_SPREAD", "SimulatedProvider.coverage", "FaultRates.outage_minutes",
        "Operator.review_hours", "Scenario.books_per_month", "Scenario.existing_share", "Scenario.month_deviation",
        "Scenario.confirmed_share", "Scenario.overhead_seconds", "Scenario.overhead_spread",
    },
    "simulation": {"HOUR", "DAY", "HORIZON_DAYS", "STALLED_DAYS", "MIN_REVIEW_FACTOR", "MAX_REVIEW_FACTOR"},
}  # fmt: skip
PLAIN = {0, 1, 2, 0.5}  # numbers that are no setting: none, one, both, half


def numbers(statements, owner=""):
    """The names of the constants and fields that hold a number, and "line N" for a number anywhere else."""
    for node in statements:
        if isinstance(node, ast.ClassDef):
            yield from numbers(node.body, f"{node.name}.")
            continue
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        names = {f"{owner}{name.id}" for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
        for each in ast.walk(node):
            if isinstance(each, ast.Constant) and type(each.value) in {int, float} and each.value not in PLAIN:
                yield from names or {f"line {each.lineno}"}


@pytest.mark.parametrize("module", sorted(path.stem for path in Path(forecast.__path__[0]).glob("[a-z]*.py")))
def test_every_number_is_the_simulations_own(module):
    """Add a number to this list only if production has no such constant."""
    source = (Path(forecast.__path__[0]) / f"{module}.py").read_text(encoding="utf-8")
    assert set(numbers(ast.parse(source).body)) <= ITS_OWN.get(module, set())


def attempt(scenario, at=MIDNIGHT):
    """How many seconds an attempt takes beside its overhead, and its result."""
    simulated = SimulatedAttempts(replace(scenario, overhead_seconds=0.0), 1, at.timestamp(), 30, {})
    ends, result = simulated.attempt(MONTH, at.timestamp())
    return ends - at.timestamp(), result


def test_a_dead_model_is_given_up_after_the_clients_tries_and_timeouts():
    """It was 30 s in the simulation, where the client waits for 300 s, twice."""
    expected = assumptions.expected_scenario(config.load(), ())
    assert {each.timeout for each in expected.generators} == {PROVIDERS["gemini"].limits.timeout}
    seconds, error = attempt(replace(expected, faults=FaultRates(generators_down=1.0)))
    assert isinstance(error, errors.NoBooks)
    assert seconds == client.MAX_LONG_CALL_TRIES * PROVIDERS["gemini"].limits.timeout == 600


def test_sources_that_are_down_are_given_up_after_the_clients_tries_and_timeouts():
    down = FaultRates(outages_per_day=50, outage_minutes=600_000, affected=("isbndb",))
    simulated = SimulatedAttempts(replace(SCENARIO, overhead_seconds=0.0, faults=down), 1, MIDNIGHT.timestamp(), 30, {})
    at = MIDNIGHT.timestamp() + 15 * 86400
    simulated.mark_listed(MONTH)
    ends, error = simulated.attempt(MONTH, at)
    assert isinstance(error, errors.NoSources)
    assert ends - at == client.MAX_TRIES * PublishedLimits.model_fields["timeout"].default


def test_a_lost_worker_is_missed_after_the_rescuers_time():
    seconds, error = attempt(replace(SCENARIO, faults=FaultRates(worker_lost=1.0)))
    assert isinstance(error, WorkerLost)
    assert seconds == rescuer.HEARTBEAT_TIMEOUT


@pytest.mark.parametrize("seconds", [decisions.TICK_SECONDS, 7])
def test_the_simulation_ticks_as_often_as_the_worker(monkeypatch, seconds):
    """It was every 60 s in the simulation, where the worker ticks every 20 s."""
    monkeypatch.setattr(decisions, "TICK_SECONDS", seconds)
    start = datetime(2026, 1, 13, 4, 0, 1, tzinfo=UTC)
    simulation = RolloutSimulation(
        plans.read(plans.example()), SCENARIO, 1, History(start, decisions.RolloutState(start.date()), {})
    )
    simulation.run(lambda now: bool(now.log))
    first = simulation.log[0].at.timestamp()
    assert first % seconds == 0
    assert 0 < first - start.timestamp() <= seconds


def test_the_policy_exact_wants_as_many_sources_as_the_source_selection(monkeypatch):
    scenario = replace(SCENARIO, sources=tuple(SimulatedProvider(name, 1) for name in "abc"), policy=Policy.EXACT)
    for wanted in (source_selection.EXACT_SOURCES, 3):
        monkeypatch.setattr(source_selection, "EXACT_SOURCES", wanted)
        books = SimulatedBooks(scenario, 1)
        assert [books.look_up((1 << n) - 1, 0).resolved for n in range(4)] == [n >= wanted for n in range(4)]


def test_defaults_are_those_of_the_settings_and_of_the_database():
    settings = config.load()
    assert (SCENARIO.policy, SCENARIO.concurrency) == (Policy(settings.policy), settings.concurrency)
    schema = resources.files("alexandria.database.migrations").joinpath("0003_backfill.sql").read_text(encoding="utf-8")
    asked = re.findall(r"batch_size\s+integer NOT NULL DEFAULT (\d+)", schema)
    assert asked == [f"{SCENARIO.books_per_month:.0f}"]


def test_without_a_pace_a_plan_has_the_most_months_a_day_that_a_plan_may_have():
    plan = estimate._without_pace(plans.read(plans.example()))
    assert plans.Plan.model_validate(plan.model_dump(mode="json")) == plan
    most = {phase.months_per_day for phase in plan.phase}
    assert most == {(plans.MAX_MONTHS_PER_DAY, plans.MAX_MONTHS_PER_DAY)}
    assert {phase.hours for phase in plan.phase} == {(0, plans.MIDNIGHT_MINUTES)}
