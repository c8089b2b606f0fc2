"""The oracle of campaigns finds code that is broken on purpose, each time by a campaign in which that matters."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from alexandria.backfill.status import Status
from alexandria.database.pool import Database
from alexandria.rollout import acts, controller, decisions, gates, repository
from alexandria.rollout.cluster_bound import wilson
from alexandria.rollout.controller import RolloutController
from alexandria.rollout.decisions import Advance, WaitKind
from alexandria.rollout.plan import members
from tests.support.rollout_oracle import Oracle

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
MAX_CAMPAIGNS = 30
SHARE = 1 if "CAMPAIGNS" in os.environ else 4  # of the breakages one in so many is tried; `make campaigns` tries all
Breakage = Callable[[pytest.MonkeyPatch], None]


def same(value: Any) -> Any:
    return value


def decide_with(
    patch: pytest.MonkeyPatch, *, plan: Any = same, state: Any = same, inputs: Any = same, step: Any = None
) -> None:
    """Have the controller decide by something else than it was given, or follow another step."""
    decide = decisions.decide

    def broken(its_plan: Any, its_state: Any, its_inputs: Any, **more: Any) -> Any:
        found = decide(plan(its_plan), state(its_state), inputs(its_inputs), **more)
        return found if step is None else replace(found, step=step(found.step, its_state, its_inputs))

    patch.setattr(controller, "decide", broken)


def outcomes(change: Any) -> Any:
    return lambda inputs: replace(inputs, outcomes={month: change(each) for month, each in inputs.outcomes.items()})


def phases(**change: Any) -> Any:
    return lambda plan: plan.model_copy(update={"phase": tuple(each.model_copy(update=change) for each in plan.phase)})


def gates_of_plan(**change: Any) -> Any:
    return lambda plan: plan.model_copy(
        update={"phase": tuple(p.model_copy(update={"gate": p.gate.model_copy(update=change)}) for p in plan.phase)}
    )


def begins_on_the_same_day(patch):
    start = repository.start

    async def broken(connection, plan, who, _begins, now):
        return await start(connection, plan, who, now.date(), now)

    patch.setattr(repository, "start", broken)


def forgets_what_others_began(patch):
    async def begun(_connection, _day: date) -> int:
        return 0

    patch.setattr(repository, "begun", begun)


def checks_no_override(patch):
    patch.setattr(controller, "check_override", lambda *_: None)


def checks_no_repetition(patch):
    patch.setattr(controller, "check_repeated", lambda *_: None)


def checks_no_target(patch):
    patch.setattr(acts.ActTarget, "check", lambda *_: None)


def forgets_failed_days(patch):
    decide_with(patch, inputs=outcomes(lambda each: replace(each, failed_days=())))


def compares_the_rate(patch):
    patch.setattr(gates, "wilson", lambda hits, n: (hits / n, hits / n))
    patch.setattr(gates, "least_lower_bound", lambda months, more: bound(months, more, lambda hits, n: (hits / n,)))


def takes_months_for_alike(patch):
    patch.setattr(gates, "effective_sample", lambda months: tuple(map(sum, zip(*months, strict=True))))
    patch.setattr(gates, "least_lower_bound", lambda months, more: bound(months, more, wilson))


def bound(months, more, of):
    hits, n = map(sum, zip(*months, strict=True))
    return of(hits, n + sum(more))[0]


def ignores_unchecked_books(patch):
    decide_with(patch, inputs=outcomes(lambda each: replace(each, hindered=0)))


def ignores_failed_months(patch):
    failed, completed = Status.FAILED, Status.COMPLETED
    decide_with(patch, inputs=outcomes(lambda each: replace(each, status=completed) if each.status is failed else each))


def ignores_a_hold(patch):
    decide_with(patch, state=lambda state: replace(state, held=""))


def needs_no_approval(patch):
    decide_with(patch, plan=gates_of_plan(approval=False))


def needs_no_sample(patch):
    decide_with(patch, plan=gates_of_plan(min_sample=1))


def needs_no_confirmation(patch):
    decide_with(patch, plan=gates_of_plan(min_confirmed_share=0))


def needs_no_headroom(patch):
    decide_with(patch, plan=gates_of_plan(min_quota_headroom=0))


def ignores_hours(patch):
    decide_with(patch, plan=phases(hours=(0, 1440)))


def ignores_the_share(patch):
    decide_with(patch, plan=phases(quota_share=1.0))


def begins_one_more_a_day(patch):
    pace = decisions.daily_pace
    patch.setattr(decisions, "daily_pace", lambda *given: pace(*given) + 1)


def never_slows_down(patch):
    patch.setattr(decisions, "daily_pace", lambda plan, phase, *_: plan.phase[phase].months_per_day[1])


def keeps_an_override(patch):
    def step(found, state, _inputs):
        if isinstance(found, Advance) and not found.state.finished:
            return replace(found, state=replace(found.state, overridden=state.overridden))
        return found

    decide_with(patch, step=step)


def begins_two_phases_on_a_day(patch):
    def step(found, _state, inputs):
        if isinstance(found, Advance) and not found.state.finished:
            return replace(found, state=replace(found.state, begins=inputs.today))
        return found

    decide_with(patch, step=step)


def forgets_earlier_phases(patch):
    def pending(plan, phase, months):
        return [m for m in members(plan)[phase] if m in months and months[m].status is Status.PENDING]

    patch.setattr(decisions, "_pending", pending)


def passes_with_months_under_way(patch):
    progress = gates._progress
    patch.setattr(gates, "_progress", lambda counts: (each for each in progress(counts) if counts.unseeded))


def stands_still_on_small_quotas(patch):
    def afforded(_plan, phase, inputs):
        done = [each.calls for each in inputs.outcomes.values() if each.status is Status.COMPLETED]
        each = max(-(-sum(done) // len(done)), 1) if done else decisions.CALLS_PER_MONTH
        if inputs.quota is None or inputs.quota.limit is None:
            return (0 if inputs.quota is None else len(inputs.outcomes)), each
        busy = sum(each.status in {Status.PROCESSING, Status.RETRY} for each in inputs.outcomes.values())
        return max(inputs.quota.left(phase.quota_share) // each - busy, 0), each

    patch.setattr(decisions, "_afforded", afforded)


def waits_for_retries_of_others(patch):
    decide_with(patch, inputs=outcomes(lambda each: replace(each, begun=None)))


def counts_the_day_from_midnight_utc(patch):
    quota = RolloutController._quota

    async def broken(self):
        found, now = await quota(self), self.now()
        midnight: datetime = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return replace(found, since=midnight) if found.since else found

    patch.setattr(RolloutController, "_quota", broken)


def keeps_dry_runs(patch):
    transaction = Database.transaction
    patch.setattr(Database, "transaction", lambda self, **_: transaction(self))


def reports_no_small_quota(patch):
    patch.setattr(controller, "NO_STANDSTILL", {*controller.NO_STANDSTILL, WaitKind.BUDGET})


def reports_no_missing_data(patch):
    patch.setattr(controller, "NO_STANDSTILL", {*controller.NO_STANDSTILL, WaitKind.MISSING})


def fails_gates_too_early(patch):
    share = gates._share

    def broken(sample, required, least):
        verdict, text = share(sample, required, least)
        low = sample.n >= least and sample.hits / sample.n < required
        return (gates.Verdict.SHUT if low else verdict), text

    patch.setattr(gates, "_share", broken)


SEEDS: dict[Breakage, int] = {
    forgets_failed_days: 6,
    compares_the_rate: 2,
    ignores_unchecked_books: 8,
    ignores_failed_months: 15,
    ignores_a_hold: 1,
    needs_no_approval: 7,
    needs_no_sample: 16,
    needs_no_confirmation: 2,
    ignores_hours: 0,
    ignores_the_share: 15,
    begins_one_more_a_day: 0,
    never_slows_down: 0,
    keeps_an_override: 9,
    takes_months_for_alike: 34,
    needs_no_headroom: 30,
    begins_two_phases_on_a_day: 18,
    forgets_earlier_phases: 16,
    passes_with_months_under_way: 9,
    stands_still_on_small_quotas: 5,
    waits_for_retries_of_others: 4,
    counts_the_day_from_midnight_utc: 15,
    keeps_dry_runs: 0,
    reports_no_small_quota: 4,
    reports_no_missing_data: 16,
    fails_gates_too_early: 0,
    begins_on_the_same_day: 8,
    forgets_what_others_began: 1,
    checks_no_override: 13,
    checks_no_repetition: 138,
    checks_no_target: 3,
}


async def is_found(campaign, likely):
    """Whether one of the first campaigns shows it; the likely one is tried before the others."""
    for seed in (likely, *range(MAX_CAMPAIGNS)):
        if Oracle(await campaign(seed)).wrong:
            return True
    return False


@pytest.mark.parametrize("breakage", list(SEEDS)[::SHARE], ids=lambda each: each.__name__)
async def test_the_oracle_finds_a_breakage(breakage, campaign, monkeypatch):
    breakage(monkeypatch)
    assert await is_found(campaign, SEEDS[breakage])


CASCADE = """
ALTER TABLE rollout_day DROP CONSTRAINT rollout_day_seeded_year_seeded_month_fkey, ADD FOREIGN KEY (seeded_year, seeded_month)
REFERENCES backfill_log (year, month) ON UPDATE CASCADE ON DELETE CASCADE"""
DROPPED = {
    "the trigger that records failed days": (6, "DROP TRIGGER failed_day ON backfill_log"),
    "the record of a day when a month's row is deleted": (6, CASCADE),
}


@pytest.mark.parametrize("dropped", DROPPED)
async def test_the_oracle_finds_what_the_schema_lacks(dropped, campaign, raw):
    seed, statement = DROPPED[dropped]
    raw.execute(statement.encode())
    assert await is_found(campaign, seed)
