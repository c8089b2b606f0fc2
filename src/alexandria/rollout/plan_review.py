"""Reviews a plan before it starts: gates that cannot be reached, months that are not over, quotas that are too small."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from alexandria.core.grammar import counted
from alexandria.core.month import Month
from alexandria.rollout.cluster_bound import wilson
from alexandria.rollout.decisions import CALLS_PER_MONTH
from alexandria.rollout.gates import DailyQuota
from alexandria.rollout.plan import Phase, Plan, members

MAX_EXPECTED_BOOKS_PER_MONTH = 40  # twice the usual number of notable books in a list


def review(plan: Plan, today: date, quota: DailyQuota | None, present: int = 0) -> list[str]:
    """Warnings about a plan that is valid but may not do what its author wants, one sentence each.

    Those about phases before the `present` one are left out; the first is 0.
    """
    last = today.replace(day=1) - timedelta(days=1)
    return [
        f"{phase.name}: {warning}"
        for phase, months in [*zip(plan.phase, members(plan), strict=True)][present:]
        for warning in (
            *_months(phase, months),
            *_gate(phase, len(months)),
            *_future(months, Month(last.year, last.month)),
            *_quota(phase, quota),
        )
    ]


def _months(phase: Phase, months: tuple[Month, ...]) -> Iterator[str]:
    if phase.months is not None and len(months) < phase.months:
        yield f"months is {phase.months:,}, but its years have only {len(months):,} that no earlier phase has"


def _gate(phase: Phase, months: int) -> Iterator[str]:
    gate, most = phase.gate, months * MAX_EXPECTED_BOOKS_PER_MONTH
    books = f"{counted(months, 'month')} {'has' if months == 1 else 'have'} about {most:,} books at most"
    samples = {"min_sample": gate.min_sample}
    if gate.min_confirmed_share and gate.min_confirmed_sample is not None:
        samples["min_confirmed_sample"] = gate.min_confirmed_sample
    for name, sample in samples.items():
        if sample > most:
            yield f"its gate cannot be reached: {name} is {sample:,}, and {books}"
    for name, share in (
        ("min_resolution_rate", gate.min_resolution_rate), ("min_confirmed_share", gate.min_confirmed_share),
    ):  # fmt: skip
        best = wilson(most, most)[0]
        if share > best:
            yield (
                f"its gate cannot be reached: {name} is {share:g}, but {books}, which prove {best:.3f} even if all are found"
            )


def _future(months: tuple[Month, ...], last: Month) -> Iterator[str]:
    later = [month for month in months if month > last]
    if later:
        yield (
            f"{counted(len(later), 'month')} up to {later[0]} {'is' if len(later) == 1 else 'are'} not over yet and would"
            f" begin first: end its years with {last}, the last full month, or earlier"
        )


def _quota(phase: Phase, quota: DailyQuota | None) -> Iterator[str]:
    if quota is None or quota.limit is None:
        return
    share = quota.whole(phase.quota_share)
    if share < CALLS_PER_MONTH:
        yield (
            f"its share of ISBNdb's quota is {counted(share, 'call')} a day, and a month is assumed to need"
            f" {CALLS_PER_MONTH}: about one month a day"
        )
