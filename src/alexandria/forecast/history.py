"""What has a rollout come to so far, as a database remembers it? All that a forecast may know, and where it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from alexandria.core.month import Month
from alexandria.rollout.decisions import Outcome, Standing


@dataclass(frozen=True, slots=True)
class Attempt:
    """One that has ended: how, in the words of the table `attempt`, and with which code."""

    month: Month
    began: datetime
    ended: datetime
    outcome: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """At the instant `at`. `failed` attempts and the time they are `due` again are of months not yet completed.

    `calls` are the requests by provider that the completed months took, `spent` the units of each provider's present
    day, `waits` the hours that gates waited for a person.
    """

    at: datetime
    standing: Standing
    outcomes: Mapping[Month, Outcome]
    failed: Mapping[Month, int] = field(default_factory=dict)
    due: Mapping[Month, datetime] = field(default_factory=dict)
    attempts: tuple[Attempt, ...] = ()
    calls: Mapping[str, int] = field(default_factory=dict)
    spent: Mapping[str, int] = field(default_factory=dict)
    waits: tuple[float, ...] = ()
