"""The headline of the page and of `alexandria status`: what the run does now, by months, workers, pause and rollout."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from alexandria.operations.eta import run_state
from alexandria.operations.progress import MonthCell
from alexandria.rollout.controller import RolloutSnapshot
from alexandria.rollout.decisions import RolloutState, Wait, WaitKind, decide
from alexandria.rollout.gates import RolloutInputs
from alexandria.rollout.plan import example, read
from alexandria.rollout.repository import Rollout

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WAITS = "2 months waiting: isbndb: the day's quota is spent"
NO_WORKER = ("Stalled", "No worker is running. Start one: alexandria work")


def month(number, status, blocked=None):
    return MonthCell(2023, number, status, blocked, None, None, Decimal(90), NOW)


def rollout(step):
    """A rollout whose next step this is."""
    plan, state = read(example()), RolloutState(begins=date(2026, 11, 24))
    decision = replace(decide(plan, state, RolloutInputs(NOW, {}, None)), step=step)
    return RolloutSnapshot(Rollout(1, plan, state, NOW, "olga"), RolloutInputs(NOW, {}, None), decision)


TOMORROW = rollout(Wait(WaitKind.DAY, "today's months are scheduled", NOW + timedelta(hours=20)))
APPROVAL = rollout(Wait(WaitKind.APPROVAL, "the gate waits for a person"))
PENDING, WAITING = month(1, "pending"), month(2, "retry", "isbndb: the day's quota is spent")


@pytest.mark.parametrize(
    ("cells", "paused", "workers", "running", "expected"),
    [
        ([], "", 1, None, ("Nothing to do", "There are no months yet.")),
        ([PENDING], "paused by olga", 1, None, ("Paused", "by olga.")),
        ([month(1, "completed")], "", 0, None, ("Finished", "1 month completed.")),
        ([month(1, "completed"), month(2, "failed")], "", 0, None, ("Ended with failures", "1 month completed, 1 failed.")),
        ([PENDING], "", 0, None, ("Idle", "1 month not scheduled. Start some: alexandria schedule")),
        ([month(1, "processing"), WAITING], "", 1, None, ("Running", "1 month in progress, 1 waiting to retry.")),
        ([month(1, "processing")], "", 0, None, NO_WORKER),
        ([WAITING, WAITING], "", 1, None, ("Waiting", f"{WAITS}.")),
        ([WAITING, WAITING], "", 0, None, NO_WORKER),
        ([PENDING], "", 1, TOMORROW, ("Rollout on", "Next months: 25 Nov 08:00 UTC.")),
        ([PENDING], "", 1, APPROVAL, ("Rollout waiting", "The gate waits for a person.")),
        ([PENDING], "", 0, TOMORROW, NO_WORKER),
        ([PENDING], "", 0, APPROVAL, NO_WORKER),
    ],
)  # fmt: skip
def test_the_headline_tells_what_the_run_does(cells, paused, workers, running, expected):
    state = run_state(cells, NOW, paused=paused, workers=workers, rollout=running)
    assert (state.label, state.reason) == expected
