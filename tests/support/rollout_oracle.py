"""The oracle of campaigns: reads the raw facts of a campaign, and collects what a rollout should not have done."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.support.campaign_world import FIRST_YEAR, LAST_YEAR, MonthKey
from tests.support.rollout_campaign import Record

ASSUMED_CALLS = 40  # of a month, before any has been measured
ALERT_DELAY = timedelta(days=1)  # without a change, after which a rollout that waits is an incident
STEERING = {"hold", "release", "approve", "override", "override_in_advance"}
BY_ITSELF = "rollout"  # the author of a hold that the plan demands
PASSING = {"approve", "override", "override_in_advance"}  # acts that let a gate pass
MIN_MONTHS_TO_COMPARE = 8
LEAST_DEVIATIONS = 1.28  # that a share must be above the required one by; a gate asks for 1.96
CLEAR_LUCK = 1e-4  # chance below which a share is proven beyond what any bound of a gate asks for
UNDER_WAY = {"processing", "retry"}


class Oracle:
    """Reads the record of a campaign, shares no code with the decisions, and collects what is wrong."""

    def __init__(self, record: Record) -> None:
        self.wrong: list[str] = []
        self.rollout: int | None = None
        self.plan: Any = None
        self.members: list[list[MonthKey]] = []
        self.phase, self.begins, self.finished = 0, date.min, False
        self.results: dict[MonthKey, Any] = {}  # of months that have ended: books and calls, or None if it failed
        self.begun_months: list[tuple[date, int, int, MonthKey]] = []  # day, rollout, phase, month, in their order
        self.failed: set[tuple[int, MonthKey, date]] = set()
        self.accepted: Counter[str] = Counter()
        self.log: Counter[str] = Counter()
        self.meant: set[tuple[str, tuple[int, int]]] = set()  # act, rollout and phase, as far as accepted
        self.passed: set[int] = set()  # phases of this rollout whose gate nobody overrode
        self.failures: Counter[MonthKey] = Counter()  # how often each month has failed
        self.released: dict[MonthKey, int] = {}  # the same of the failed months when a person released the rollout last
        self.released_books: set[tuple[int, ...]] = set()  # phase and sums of its books that a person has released
        self.spent_by_months: Counter[datetime] = Counter()  # by the beginning of the provider's day
        self.progress = record.events[0].at
        self.seen: Counter[str] = Counter()
        for event in record.events:
            self.seen[event.kind] += 1
            getattr(self, f"on_{event.kind}")(event, **event.detail)
        self.check("the end", self.accepted == self.log, f"acts: {self.accepted} accepted, {self.log} logged")

    def check(self, event, holds, wrong):
        if not holds:
            self.wrong.append(f"{event}: {wrong}")

    def changed(self, event):
        self.progress = event.at

    # what starts and ends

    def on_start(self, event, *, rollout, plan, replaces):
        today = event.at.date()
        self.rollout, self.plan, self.phase, self.finished = rollout, plan, 0, False
        self.passed, self.released, self.released_books = set(), {}, set()
        self.begins = today + timedelta(days=any(day == today for day, *_ in self.begun_months))
        free = [(year, month) for year in range(LAST_YEAR, FIRST_YEAR - 1, -1) for month in range(12, 0, -1)]
        self.members = []
        for phase in plan.phase:
            own = [month for month in free if phase.years[0] <= month[0] <= phase.years[1]][: phase.months]
            free = [month for month in free if month not in own]
            self.members.append(own)
        self.years = min(p.years[0] for p in plan.phase), max(p.years[1] for p in plan.phase)
        self.changed(event)

    def on_ended(self, event, *, month, status, books=None, calls=0):
        self.results[month] = None if books is None else (books, calls)
        if status == "failed":
            self.failures[month] += 1
            begun = [(day, rollout) for day, rollout, _, each in self.begun_months if each == month]
            self.failed |= {(rollout, month, day) for day, rollout in begun[-1:]}
        self.changed(event)

    def on_rechecked(self, event, *, month, books, found):
        if self.results.get(month):
            (resolved, unresolved, hindered, *known), calls = self.results[month]
            self.results[month] = (resolved + found, unresolved + books - found, hindered - books, *known), calls
        self.changed(event)

    def on_psql(self, event, *, what, months, rows):
        for month in months:
            if month not in rows or what == "inserted":
                self.results.pop(month, None)
        self.changed(event)

    def on_by_hand(self, event, *, months):
        self.changed(event)

    def on_spent(self, event, *, units, by_months, day):
        self.spent_by_months[day] += units * by_months

    def on_no_worker(self, event, *, day):
        self.changed(event)

    def on_dry_run(self, event, *, name, changed):
        self.check(event, not changed, "a dry run has changed something")

    def on_unlogged(self, event, *, months):
        self.check(event, False, "months began without an entry in the log")

    # acts

    def on_act(self, event, *, name, intended, present, target, accepted, rows):
        self.seen[f"{name} {'accepted' if accepted else 'refused'}"] += 1
        if not accepted:
            return
        self.accepted[name] += 1
        if name in PASSING or target != (None, None):
            self.check(event, present == intended, f"it was meant for {intended} and changed {present}")
        self.meant.add((name, intended))
        self.changed(event)
        if name == "release":
            self.released |= {month: self.failures[month] for month, status in rows.items() if status == "failed"}
            few = [phase for phase in range(self.phase) if self.may_have_too_few_books(phase, rows)]
            self.released_books |= {self.books(phase, rows) for phase in few}
        if name == "override" and present == intended == (self.rollout, self.phase):
            states = Counter(rows.get(month, "missing") for month in self.members[self.phase])
            begun = len(self.members[self.phase]) - states["pending"] - states["missing"]
            self.check(event, begun, "no month of the phase has begun")
            if target[0] is None and states["pending"] + states["processing"] + states["retry"]:
                self.check_failed_gate(event, rows)

    def on_logged(self, event, *, act, who, rows):
        if act == "hold" and who == BY_ITSELF:
            self.seen["hold by itself"] += 1
            demanding = [n for n in range(self.phase) if self.plan.phase[n].gate.hold_if_failed_later]
            self.check(event, any(self.fails_later(phase, rows) for phase in demanding), "no phase has failed later")
        elif act in STEERING:
            self.log[act] += 1

    # phases that fail after they had passed

    def failed_months(self, phase, rows):
        """The failed months of a phase, if they are more than its gate allows."""
        failed = [month for month in self.members[phase] if rows.get(month) == "failed"]
        share = Fraction(str(self.plan.phase[phase].gate.max_failed_share))
        return failed if len(failed) > share * len(self.members[phase]) else []

    def books(self, phase, rows):
        """The phase, and the books of its months that are resolved, that are not, and that are confirmed."""
        resolved, unresolved, _, confirmed, _ = self.sums(self.members[phase], rows)
        return phase, resolved, unresolved, confirmed

    def fails_later(self, phase, rows):
        """Whether there is a reason for a hold that nobody has released: failed months, or too few books."""
        if any(self.failures[month] > self.released.get(month, 0) for month in self.failed_months(phase, rows)):
            return True
        return self.may_have_too_few_books(phase, rows) and self.books(phase, rows) not in self.released_books

    def may_have_too_few_books(self, phase, rows):
        """Whether a gate may demand more or better books than those of the phase."""
        gate = self.plan.phase[phase].gate
        resolved, unresolved, hindered, confirmed, contradicted = self.sums(self.members[phase], rows)
        return (
            resolved + unresolved < gate.min_sample
            or tail(resolved, resolved + unresolved + hindered, gate.min_resolution_rate) > CLEAR_LUCK
            or tail(confirmed, confirmed + contradicted, gate.min_confirmed_share) > CLEAR_LUCK
            or not self.is_proven_by_unlike_months(gate, self.members[phase], rows)[0]
        )

    def has_too_few_books(self, phase, rows):
        """Whether all months of the phase have ended with a smaller share of resolved books than its gate demands."""
        gate, months = self.plan.phase[phase].gate, self.members[phase]
        resolved, unresolved, hindered, *_ = self.sums(months, rows)
        ended = all(rows.get(month) in {"completed", "failed"} for month in months) and not hindered
        return ended and resolved < Fraction(str(gate.min_resolution_rate)) * (resolved + unresolved)

    def check_later_failures(self, event, rows):
        """Nothing begins while a phase that demands a hold has more failed months than it allows, or too few books."""
        for phase in self.passed:
            if self.plan.phase[phase].gate.hold_if_failed_later:
                new = [month for month in self.failed_months(phase, rows) if month not in self.released]
                self.check(event, not new, f"{new} failed after the gate of phase {phase + 1} had passed")
                books = self.books(phase, rows)
                few = self.has_too_few_books(phase, rows) and books not in self.released_books
                self.check(event, not few, f"{books} are too few since the gate of phase {phase + 1} has passed")

    # months that begin

    def on_begun(self, event, *, rollout, phase, months, rows, held, quota):
        today, spec = event.at.date(), self.plan.phase[self.phase]
        minute = event.at.hour * 60 + event.at.minute
        same_day = [(by, of) for day, by, of, _ in self.begun_months if day == today]
        members = [month for each in self.members[: self.phase + 1] for month in each]
        self.check(event, (rollout, phase) == (self.rollout, spec.name), f"{self.rollout}, {spec.name} is present")
        self.check(event, not self.finished, "the rollout has finished")
        self.check(event, not held, "it is on hold")
        self.check(event, today >= self.begins, f"the phase begins on {self.begins}")
        self.check(event, spec.hours[0] <= minute < spec.hours[1], "outside its hours")
        self.check(event, all(month in members for month in months), "months of no phase so far")
        self.check(event, all(rows.get(month) == "pending" for month in months), "not all of them were pending")
        self.check(event, {*same_day} <= {(rollout, self.phase)}, f"the day has months of { ({*same_day}) } too")
        pace = self.pace(rollout, today)
        self.check(event, len(same_day) + len(months) <= pace, f"{len(same_day)} had begun today, the pace is {pace}")
        self.check_quota(event, len(months), len(same_day), rows, quota)
        self.check_later_failures(event, rows)
        self.begun_months += [(today, rollout, self.phase, month) for month in months]
        self.changed(event)

    def pace(self, rollout, today):
        """The most months that the day may have: one more for each day after the last failed one."""
        own = set(self.members[self.phase])
        days = {day for day, by, _, month in self.begun_months if by == rollout and month in own and day < today}
        failed = {day for by, month, day in self.failed if by == rollout and month in own and day < today}
        slowest, fastest = self.plan.phase[self.phase].months_per_day
        return min(slowest + sum(day > max(failed, default=date.min) for day in days), fastest)

    def check_quota(self, event, number, before, rows, quota):
        if quota is None:
            self.check(event, False, "the quota is unknown")
        elif quota["limit"] is not None:
            each, left, _ = self.budget(rows, quota)
            reserved = sum(rows[month] in UNDER_WAY for month in self.known(rows))
            self.check(event, quota["used"] < quota["limit"], "the day's quota is spent")
            enough = (number + reserved) * each <= left or (number == 1 and not before)
            self.check(event, enough, f"{left} calls are left, {each} a month, {reserved} months reserve them too")

    def known(self, rows):
        return [month for month in rows if self.years[0] <= month[0] <= self.years[1]]

    def budget(self, rows, quota):
        """Calls that a month needs, calls left for months, and those of a whole day."""
        done = [month for month in self.known(rows) if rows[month] == "completed" and self.results.get(month)]
        each = math.ceil(sum(self.results[month][1] for month in done) / len(done)) if done else ASSUMED_CALLS
        whole = math.floor(Fraction(str(self.plan.phase[self.phase].quota_share)) * quota["limit"])
        left = min(whole - self.spent_by_months[quota["began"]], quota["limit"] - quota["used"])
        return each, left, whole

    # gates

    def on_advanced(self, event, *, rollout, phase, overridden, finished, rows, quota, by):
        number, gate, months = self.phase, self.plan.phase[self.phase].gate, self.members[self.phase]
        present = (rollout, number)
        self.check(event, (rollout, phase) == (self.rollout, self.plan.phase[number].name), "not the present phase")
        open_ = [m for each in self.members[: number + 1] for m in each if rows.get(m) == "pending"]
        self.check(event, not open_, f"{open_} have not begun")
        if overridden:
            meant = {("override", present), ("override_in_advance", present)} & self.meant
            self.check(event, meant, "nobody overrode this gate")
        else:
            self.check(event, by == "approve" or not gate.approval, "nobody approved it")
            self.check_gate(event, gate, months, rows, quota)
            self.passed.add(number)
        self.finished = finished
        self.phase += not finished
        today = event.at.date()
        self.begins = today + timedelta(days=any(day == today for day, *_ in self.begun_months))
        self.changed(event)

    def check_gate(self, event, gate, months, rows, quota):
        states = Counter(rows.get(month, "missing") for month in months)
        self.check(event, states["completed"] + states["failed"] == len(months), f"{dict(states)}")
        self.check(event, states["failed"] <= Fraction(str(gate.max_failed_share)) * len(months), f"{dict(states)}")
        resolved, unresolved, hindered, confirmed, contradicted = self.sums(months, rows)
        self.check(event, resolved + unresolved >= gate.min_sample, f"{resolved + unresolved} books are too few")
        luck = tail(resolved, resolved + unresolved + hindered, gate.min_resolution_rate)
        self.check(
            event, luck <= 0.05, f"{resolved} of {resolved + unresolved}, {hindered} unchecked, prove too little"
        )
        proven, pairs = self.is_proven_by_unlike_months(gate, months, rows)
        self.check(event, proven, f"{pairs} are too unlike to prove it")
        if gate.min_confirmed_share:
            luck = tail(confirmed, confirmed + contradicted + hindered, gate.min_confirmed_share)
            self.check(event, luck <= 0.05, f"{confirmed} of {confirmed + contradicted} confirmed prove too little")
        if gate.min_quota_headroom:
            limit, used = (quota or {"limit": 0, "used": 0})["limit"], (quota or {"used": 0})["used"]
            enough = limit is None or (limit > 0 and limit - used >= Fraction(str(gate.min_quota_headroom)) * limit)
            self.check(event, enough, f"{used} of {limit} calls are used")

    def is_proven_by_unlike_months(self, gate, months, rows):
        """Whether the rate is proven, and by which months: books of one month are alike, so the months' deviation counts."""
        done = [
            self.results[month][0] for month in months if rows.get(month) == "completed" and self.results.get(month)
        ]
        pairs = [(books[0], books[0] + books[1] + books[2]) for books in done]
        if len(pairs) < MIN_MONTHS_TO_COMPARE:
            return True, pairs
        share = sum(hits for hits, _ in pairs) / sum(n for _, n in pairs)
        squares = sum((hits - share * n) ** 2 for hits, n in pairs) * len(pairs) / (len(pairs) - 1)
        lower = share - LEAST_DEVIATIONS * math.sqrt(squares) / sum(n for _, n in pairs)
        return lower >= gate.min_resolution_rate, pairs

    def sums(self, months, rows):
        done = [
            self.results[month][0] for month in months if rows.get(month) == "completed" and self.results.get(month)
        ]
        return [sum(books[i] for books in done) for i in range(5)]

    def check_failed_gate(self, event, rows):
        """A gate fails only if what is left cannot make up for it, each month with half as many books again."""
        gate, months = self.plan.phase[self.phase].gate, self.members[self.phase]
        states = Counter(rows.get(month, "missing") for month in months)
        if states["failed"] > Fraction(str(gate.max_failed_share)) * len(months):
            return
        resolved, unresolved, hindered, *_ = self.sums(months, rows)
        average = (resolved + unresolved + hindered) / max(states["completed"], 1)
        more = hindered + math.floor((len(months) - states["completed"] - states["failed"]) * average * 1.5)
        if not more:
            return  # whether it has proven enough is the gate's own rule
        hits, n = resolved + more, resolved + unresolved + more
        hopeless = n < gate.min_sample or tail(hits, n, gate.min_resolution_rate) > 0.01 or gate.min_confirmed_share
        self.check(event, hopeless, f"it has failed, but {hits} of {n} books are possible")

    # days on which nothing begins

    def on_check(self, event, *, kind, still, since, rows, quota):
        self.seen[f"wait {kind or 'none'}"] += 1
        if self.plan is None or self.finished or kind in {"finished", "paused", ""}:
            return
        spec, today = self.plan.phase[self.phase], event.at.date()
        minute = event.at.hour * 60 + event.at.minute
        begun = sum(day == today for day, *_ in self.begun_months)
        if kind == "shut":
            self.check_failed_gate(event, rows)
        if begun or today < self.begins or not spec.hours[0] <= minute < spec.hours[1]:
            return
        self.check(event, still, "it stands still, and no incident says so")
        if still and event.at - self.progress > ALERT_DELAY * 3:
            self.check(event, since < event.at - ALERT_DELAY, f"nothing changes, and no incident begins: since {since}")
        pending = [m for each in self.members[: self.phase + 1] for m in each if rows.get(m) == "pending"]
        if pending and kind not in {"shut", "held"}:
            self.check(event, kind == "budget", f"{len(pending)} months are pending")
            self.check(event, not self.must_begin(rows, quota), "a month could begin today")

    def must_begin(self, rows, quota):
        """Whether a day must have one month at least: the quota allows one, or is too small or unmeasured."""
        if quota is None or (quota["limit"] is not None and quota["used"] >= quota["limit"]):
            return False
        if quota["limit"] is None:
            return True
        if any(rows[month] == "processing" for month in self.known(rows)):
            return False
        each, left, whole = self.budget(rows, quota)
        by_months = self.spent_by_months[quota["began"]]
        measured = any(rows[month] == "completed" for month in self.known(rows))
        others = quota["used"] > by_months
        return left >= each or (whole < each and not by_months) or (not measured and left > 0 and others)


def tail(hits, n, share):
    """The exact chance that at least `hits` of `n` succeed if `share` do in the long run."""
    if share <= 0 or hits <= 0:
        return 1.0 if hits <= 0 else 0.0
    logs = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(share) + (n - k) * math.log1p(-share)
        for k in range(hits, n + 1)
    ]  # fmt: skip
    return sum(map(math.exp, logs))
