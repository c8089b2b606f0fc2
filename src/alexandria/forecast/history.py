"""The history of a rollout as a database remembers it: where a simulation begins, and all that a forecast may know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from alexandria.core.month import Month
from alexandria.rollout.decisions import RolloutState
from alexandria.rollout.gates import MonthOutcome

# Units of a provider's day that were spent for other purposes than months, hour by hour of the provider's day.
OtherUse: TypeAlias = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """An attempt that has ended, with its `outcome` and `code` as in the table `attempt`."""

    month: Month
    began: datetime
    ended: datetime
    outcome: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class OtherMonths:
    """Months outside the plan, `ended` of them: the `outcomes` and the `attempts` of the latest, the newest first.

    They serve until enough months of the plan have ended.
    """

    ended: int = 0
    outcomes: Mapping[Month, MonthOutcome] = field(default_factory=dict)
    attempts: tuple[PastAttempt, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """Everything up to the instant `at` about the months of one plan, and about `others` apart from them.

    `failed` attempts and the time at which they are `due` again are of months not completed yet; the book lists of those
    that are `listed` have been bought. `requests` by provider
    are those of the completed months, `unfinished_requests` those of the others. `spent` are the units of each
    provider's present day, of which months spent `spent_by_months` (None: all). `other_use` are days of each provider as
    they were measured. `begun` months have begun today, of any rollout. `approval_hours` are how long gates waited for a
    person.
    """

    at: datetime
    state: RolloutState
    outcomes: Mapping[Month, MonthOutcome]
    failed: Mapping[Month, int] = field(default_factory=dict)
    due: Mapping[Month, datetime] = field(default_factory=dict)
    attempts: tuple[PastAttempt, ...] = ()
    requests: Mapping[str, int] = field(default_factory=dict)
    unfinished_requests: Mapping[str, int] = field(default_factory=dict)
    spent: Mapping[str, int] = field(default_factory=dict)
    spent_by_months: Mapping[str, int] | None = None
    other_use: Mapping[str, tuple[OtherUse, ...]] = field(default_factory=dict)
    begun: int = 0
    approval_hours: tuple[float, ...] = ()
    others: OtherMonths = OtherMonths()
    listed: frozenset[Month] = frozenset()

    @property
    def measured(self) -> dict[Month, MonthOutcome]:
        """The outcomes without those that an earlier scheduler had, which tell nothing of this one."""
        return {month: outcome for month, outcome in self.outcomes.items() if not outcome.adopted}
