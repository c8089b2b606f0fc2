"""The history of a rollout as a database remembers it: where a simulation begins, and all that a forecast may know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from alexandria.core.month import Month
from alexandria.rollout.decisions import RolloutState
from alexandria.rollout.gates import MonthOutcome


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """An attempt that has ended, with its `outcome` and `code` as in the table `attempt`."""

    month: Month
    began: datetime
    ended: datetime
    outcome: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """Everything up to the instant `at`.

    `failed` attempts and the time at which they are `due` again are of months not completed yet. `requests` by provider
    are those of the completed months, `spent` are the units of each provider's present day, and `approval_hours` are how
    long gates waited for a person.
    """

    at: datetime
    state: RolloutState
    outcomes: Mapping[Month, MonthOutcome]
    failed: Mapping[Month, int] = field(default_factory=dict)
    due: Mapping[Month, datetime] = field(default_factory=dict)
    attempts: tuple[PastAttempt, ...] = ()
    requests: Mapping[str, int] = field(default_factory=dict)
    spent: Mapping[str, int] = field(default_factory=dict)
    approval_hours: tuple[float, ...] = ()
