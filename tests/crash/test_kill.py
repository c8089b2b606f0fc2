"""SIGKILL of a worker at each step of the walk: another takes the month over, and nothing is lost, doubled or paid twice."""

import contextlib
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import LiteralString

import pytest


@dataclass(frozen=True)
class Step:
    """A step of the walk: the lock that holds a worker there, the statement that then waits, and the model calls after all."""

    name: str
    lock: LiteralString
    waits: tuple[str, str]
    calls: int = 2


STEPS = [
    Step(
        "beginning",
        "LOCK TABLE attempt IN ACCESS EXCLUSIVE MODE",
        ("backfill.repositories.months", "begin_unless_paused"),
    ),
    Step("asking the models", "LOCK TABLE answer IN ACCESS EXCLUSIVE MODE", ("providers.response_cache", "read")),
    Step(
        "storing the models' lists", "LOCK TABLE answer IN SHARE MODE", ("providers.response_cache", "write"), calls=4
    ),
    Step("recognising", "LOCK TABLE work IN ACCESS EXCLUSIVE MODE", ("catalogue.repository", "alike")),
    Step("waiting for a lane", "LOCK TABLE quota IN SHARE MODE", ("providers.limits.rate", "enter")),
    Step("noting a call", "LOCK TABLE call IN SHARE MODE", ("providers.response_cache", "record"), calls=4),
    Step("recording", "LOCK TABLE candidate IN SHARE MODE", ("backfill.repositories.candidates", "forget")),
    Step("completing", "SELECT FROM backfill_log FOR UPDATE", ("backfill.repositories.months", "lock")),
]
AT_ONCE = 4  # rows of steps: most of the time is spent waiting for silence to be noticed


def taken_over(step, month, field, stack, victim):
    """Killed there, taken over by another, completed; at most the calls that were in flight are repeated."""
    victim.send(signal.SIGSTOP)  # it must not begin before the lock is there
    field.schedule(month)
    with field.holding(step.lock):
        victim.send(signal.SIGCONT)
        if step.name != "beginning":  # enrichment, which may wait for our locks too, is nobody's attempt
            field.until(field.has_begun, "an attempt begun")
        field.until(lambda: field.waits(*step.waits), f"a worker {step.name}")
        victim.kill()
    successor = stack.enter_context(field.worker())
    field.until_final()
    year, number = map(int, month.split("-"))
    ended = field.sql("SELECT status, retry_count FROM backfill_log WHERE (year, month) = (%s, %s)", year, number)
    outcomes = field.outcomes(year, number)
    # On a machine that is overloaded the database may seem away, which costs nothing, and so may the successor itself.
    snoozed, lost = outcomes.count("snoozed"), outcomes.count("lost")
    assert lost == 1 or "stood still" in successor.log_text(), outcomes
    assert [each for each in outcomes if each != "snoozed"] == ["lost"] * lost + ["completed"]
    assert [row["status"] for row in ended] == ["completed"]
    assert 1 <= ended[0]["retry_count"] <= lost  # a stall is taken back
    assert field.model_calls(month) <= step.calls + 2 * (snoozed + lost - 1)
    field.check_consistent()
    return successor


def test_a_month_survives_the_death_of_its_worker_at_every_step(open_field, fresh_database, data_dir):
    """The worker that took a month over is killed at another step of another month."""
    data_dir.mkdir(mode=0o711)
    failed = {}

    def row(number):
        with (
            fresh_database() as url,
            open_field(url, data_dir / str(number)) as field,
            contextlib.ExitStack() as stack,
        ):
            worker = stack.enter_context(field.worker())
            for step in STEPS[number::AT_ONCE]:
                try:
                    worker = taken_over(step, f"2023-{STEPS.index(step) + 1:02}", field, stack, worker)
                except (AssertionError, pytest.fail.Exception) as wrong:
                    failed[step.name] = f"{wrong}\n{field.state()}"
                    return

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(row, range(AT_ONCE)))
    assert failed == {}
