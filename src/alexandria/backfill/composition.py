"""Composes the parts of the backfill: scheduler, runner, rescuer, recovery and follow-up, each complete when constructed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from alexandria.backfill.follow_up import FollowUp
from alexandria.backfill.lookahead import Lookahead
from alexandria.backfill.recovery import Recovery
from alexandria.backfill.rescuer import Rescuer
from alexandria.backfill.runner import Runner
from alexandria.backfill.scheduler import Queue, Scheduler
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.core.stall import StallMonitor
from alexandria.database.pool import Database
from alexandria.providers.base import Generator


@dataclass(frozen=True, slots=True)
class Backfill:
    """Everything that happens to months."""

    scheduler: Scheduler
    runner: Runner
    rescuer: Rescuer
    recovery: Recovery
    follow_up: FollowUp


def compose(
    database: Database,
    queue: Queue,
    generators: Sequence[Generator] = (),
    sources: SourcePool | None = None,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    rng: random.Random | None = None,
    stall: StallMonitor | None = None,
    keyed: Callable[[], set[str]] = set,
    lookahead: Lookahead | None = None,
    **follow_up: Any,
) -> Backfill:
    """Return the backfill on `database`. Without generators and sources it can schedule, but not fill a month.

    `stall` notices when this process stands still; `keyed` returns the providers with a key.
    `lookahead` decides how many months are begun. `follow_up` are fields of FollowUp: its budget and allowances.
    """
    pool = sources or SourcePool((), Policy.BALANCED)
    rng = rng or random.Random()  # noqa: S311 # spreads retries; nothing is secret
    stall = stall or StallMonitor()
    scheduler = Scheduler(database, queue, now)
    return Backfill(
        scheduler,
        Runner(database, queue, generators, pool, now, rng, stall=stall, lookahead=lookahead or Lookahead()),
        Rescuer(scheduler, stall),
        Recovery(database, queue, now, keyed=keyed),
        FollowUp(database, pool, now=now, rng=rng, **follow_up),
    )
