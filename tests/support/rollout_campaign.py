"""A campaign of rollouts on a real database: the real controller on a virtual clock, and what people do around it, by seed.

A campaign draws a plan, books, a quota that others use too, and on every day ticks (several at once, or none for days),
months that end, acts of people (also sent twice, or late), other rollouts, and statements of psql. Nothing here asks the
code under test what would be right.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, LiteralString

import psycopg

from alexandria.backfill.queue import JobQueue
from alexandria.backfill.scheduler import Scheduler, Selection
from alexandria.core.errors import AlexandriaError
from alexandria.database.pool import Database
from alexandria.providers.limits.lane_status import LaneStatus
from alexandria.rollout.acts import ActTarget
from alexandria.rollout.controller import RolloutController, RolloutSnapshot
from alexandria.rollout.decisions import Wait
from tests.support.campaign_world import FIRST_YEAR, LAST_YEAR, MonthKey, World, draw_plan

MAX_DAYS = 12  # of a campaign
FIRST_DAY = date(2026, 3, 2)
FIXED_TICKS = (time(3, 30), time(23, 50))
CHECK = time(12, 10)  # within the hours of each plan
ISBN = "9780306406157"
EMPTY = (
    "DELETE FROM rollout_day; DELETE FROM rollout_month; DELETE FROM backfill_log; DELETE FROM call;"
    "DELETE FROM procrastinate_jobs; UPDATE control SET paused_since = NULL, paused_until = NULL;"
    "UPDATE rollout SET ended_at = started_at, outcome = 'replaced' WHERE ended_at IS NULL;"
    "INSERT INTO work (key, title, author) VALUES ('k', 't', 'a') ON CONFLICT DO NOTHING;"
    f"INSERT INTO edition (isbn13, work_id, title) SELECT '{ISBN}', id, 't' FROM work ON CONFLICT DO NOTHING"
)
COMPLETE: LiteralString = """
UPDATE backfill_log SET status = 'completed', books_generated = %(books)s, isbns_resolved = %(resolved)s, isbndb_calls = %(calls)s
WHERE year = %(year)s AND month = %(month)s"""
FORGET_BOOKS: LiteralString = "DELETE FROM candidate WHERE year = %(year)s AND month = %(month)s"
ADD_BOOKS: LiteralString = """
INSERT INTO candidate (year, month, position, title, author, named_by, source, reason, isbn13, hindered, in_month)
SELECT %(year)s, %(month)s, n, 't', 'a', '{}', CASE WHEN n <= %(resolved)s THEN 's' ELSE '' END, 'r',
       CASE WHEN n <= %(resolved)s THEN '9780306406157' END, n > %(resolved)s + %(unresolved)s,
       CASE WHEN n <= %(confirmed)s THEN 'confirmed' WHEN n <= %(confirmed)s + %(contradicted)s THEN 'contradicted' ELSE 'unknown' END
FROM generate_series(1, %(books)s) AS n"""
FINGERPRINT: LiteralString = """
SELECT (SELECT md5(string_agg(b::text, ',' ORDER BY id)) FROM backfill_log AS b), (SELECT md5(string_agg(r::text, ',' ORDER BY id)) FROM rollout AS r),
       (SELECT count(*) FROM rollout_day), (SELECT max(id) FROM rollout_log), (SELECT max(id) FROM rollout_verdict),
       (SELECT count(*) FROM procrastinate_jobs), (SELECT count(*) FROM rollout_month)"""


@dataclass(frozen=True, slots=True)
class Event:
    """A raw fact of a campaign."""

    at: datetime
    kind: str
    detail: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.at:%m-%d %H:%M:%S} {self.kind} {self.detail}"


@dataclass(slots=True)
class Record:
    """Everything that happened in a campaign."""

    seed: int
    world: World
    events: list[Event] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join([f"seed {self.seed}: {self.world}", *map(str, self.events)])


class Campaign:
    """One campaign: the real controller, a clock that jumps, and a connection of its own for raw facts and psql."""

    def __init__(self, database: Database, jobs: JobQueue, raw: psycopg.Connection[dict[str, Any]], seed: int) -> None:
        self.rng = Random(f"campaign {seed}")
        self.world = World.draw(self.rng)
        self.record = Record(seed, self.world)
        self.raw = raw
        self.now = datetime.combine(FIRST_DAY, time(), UTC)
        self.database = database
        self.scheduler = Scheduler(database, jobs)
        self.controller = RolloutController(database, self.scheduler, self._lanes, now=lambda: self.now)
        self.cap = self.world.cap
        self.rates: dict[MonthKey, float] = {}
        self.stuck: set[MonthKey] = set()
        self.need: dict[MonthKey, int] = {}  # calls that an unfinished month still needs
        self.calls: Counter[MonthKey] = Counter()  # that its attempts have made
        self.used: Counter[datetime] = Counter()  # units by the beginning of the provider's day
        self.plans = 0
        self.late: list[tuple[str, tuple[int, int], ActTarget]] = []  # acts that arrive on another day
        self.log_id = 0

    async def run(self) -> Record:
        self.raw.execute(EMPTY)
        self.log_id = self._value("SELECT coalesce(max(id), 0) AS value FROM rollout_log")
        await self._start()
        for number in range(MAX_DAYS):
            day = FIRST_DAY + timedelta(days=number)
            if number and self.rng.random() < 0.08:
                self._note("no_worker", day=day)
                continue
            await self._day(day)
            if not self._running() and self.rng.random() < 0.5:
                break
        return self.record

    async def _day(self, day: date) -> None:
        acts: list[tuple[time, Callable[[], Awaitable[None]]]] = [(at, self._one_tick) for at in FIXED_TICKS]
        acts.append((CHECK, self._tick_and_note))

        def add(chance: float, act: Callable[[], Awaitable[None]], most: int = 1) -> None:
            draws = [self.rng.random() < chance for _ in range(most)]
            acts.extend((self._draw_time(), act) for drawn in draws if drawn)

        add(0.6, self._ticks, 5)
        add(0.7, self._work, 4)
        add(0.5, self._review, 2)
        add(self.world.psql, self._psql)
        add(self.world.others and 0.7, self._others)
        add(self.world.failing and 0.3, self._retry_failed, 2)
        add(0.05, self._by_hand)
        add(0.5, self._recheck)
        add(0.3, self._late_act)
        for at, act in sorted(acts, key=lambda each: each[0]):
            self.now = max(datetime.combine(day, at, UTC), self.now)
            await act()

    def _draw_time(self) -> time:
        return time(self.rng.randrange(24), self.rng.randrange(60), self.rng.randrange(60))

    # what the code under test is asked

    async def _tick_and_note(self) -> None:
        """A tick, and what the alerts would see after it."""
        await self._ticks(1)
        still = await self.controller.standstill()
        newest = await self.controller.snapshot()
        kind = newest.decision.step.kind.value if newest and isinstance(newest.decision.step, Wait) else ""
        self._note(
            "check",
            kind=kind,
            still=still and still.reason,
            since=still and still.since,
            rows=self._months(),
            quota=self._quota(),
        )

    async def _one_tick(self) -> None:
        await self._ticks(1)

    async def _ticks(self, number: int = 0) -> None:
        number = number or self.rng.choice([1, 1, 2, 4])
        await self._observed(asyncio.gather(*(self.controller.tick() for _ in range(number))))

    async def _start(self, *, replaces: bool = False) -> None:
        self.plans += 1
        plan = draw_plan(self.rng, self.world, f"plan {self.plans}")
        for _ in range(self.rng.choice([1, 1, 2])):
            before = self._rollout()
            with contextlib.suppress(AlexandriaError):
                await self._observed(self.controller.start(plan, "ann", "as agreed", replaces=replaces))
            after = self._rollout()
            if after != before and after is not None:
                self._note("start", rollout=after["id"], plan=plan, replaces=replaces)
            self._pass_time(30)

    async def _act(self, name: str, intended: tuple[int, int], target: ActTarget) -> None:
        """An act that a person meant for a phase of a rollout, whatever is present when it arrives."""
        present, rows = self._rollout(), self._months()
        act = getattr(self.controller, name)
        try:
            await self._observed(act("bob", "known", target=target), name)
            accepted = True
        except AlexandriaError:
            accepted = False
        self._note(
            "act",
            name=name,
            intended=intended,
            present=present and present["ended_at"] is None and (present["id"], present["phase"]),
            target=(target.phase, target.rollout),
            accepted=accepted,
            rows=rows,
        )

    async def _sent(self, name: str, seen: RolloutSnapshot, *, named: bool | None = None) -> None:
        """Send an act for what a person has seen, perhaps again within a minute, perhaps another day."""
        intended = (seen.rollout.id, seen.rollout.state.phase)
        named = self.rng.random() < 0.5 if named is None else named
        phase: int | str = seen.phase if self.rng.random() < 0.5 else seen.rollout.state.phase + 1
        target = ActTarget(phase, self.rng.choice([seen.rollout.id, None])) if named else ActTarget()
        await self._act(name, intended, target)
        if self.rng.random() < 0.6:
            for _ in range(self.rng.choice([0, 1, 2, 4])):
                self._pass_time(10)
                await self._ticks()
            self._pass_time(10)
            await self._act(name, intended, target)
        if self.rng.random() < 0.3:
            self.late.append((name, intended, ActTarget(seen.phase, seen.rollout.id)))

    async def _late_act(self) -> None:
        if self.late:
            await self._act(*self.late.pop())

    async def _review(self) -> None:
        """A person looks at the rollout, and does what fits or what does not."""
        seen = await self.controller.snapshot()
        if seen is None or seen.rollout.ended_at is not None:
            if self.rng.random() < 0.7:
                await self._start()
            return
        if self.rng.random() < 0.3:
            await self._dry_run(seen)
        kind = seen.decision.step.kind.value if isinstance(seen.decision.step, Wait) else ""
        chance = self.rng.random()
        if kind == "held" and chance < 0.8:
            await self._sent("release", seen)
        elif kind == "approval" and chance < 0.8:
            await self._sent("approve", seen)
        elif kind in {"shut", "missing"} and chance < 0.4:
            await self._sent("override", seen)
        elif kind in {"shut", "missing"} and chance < 0.6:
            await self._retry_failed()
        elif kind == "budget" and chance < 0.2:
            self.cap = 13000
        elif chance < 0.1:
            await self._sent("hold", seen)
        elif chance < 0.2:
            await self._sent(self.rng.choice(["override", "approve"]), seen)
        elif chance < 0.24:
            await self._sent("override_in_advance", seen, named=True)
        elif chance < 0.4:
            await self._start(replaces=True)
            await self._ticks()

    async def _dry_run(self, seen: RolloutSnapshot) -> None:
        before = self.raw.execute(FINGERPRINT).fetchone()
        name = self.rng.choice(["hold", "release", "approve", "override", "override_in_advance", "start"])
        with contextlib.suppress(AlexandriaError):
            if name == "start":
                plan = draw_plan(self.rng, self.world, "tried")
                await self.controller.start(plan, "ann", replaces=True, dry_run=True)
            else:
                await getattr(self.controller, name)("ann", "x", target=ActTarget(seen.phase), dry_run=True)
        self._note("dry_run", name=name, changed=self.raw.execute(FINGERPRINT).fetchone() != before)

    async def _observed(self, call: Awaitable[Any], act: str = "") -> None:
        """Await a call, and note what it has logged and what has changed."""
        before, rows = self._rollout(), self._months()
        try:
            await call
        finally:
            self._note_changes(before, rows, act)

    def _note_changes(self, before: dict[str, Any] | None, rows: dict[MonthKey, str], act: str) -> None:
        overridden = bool(before and before["overridden"])
        logged = self.raw.execute("SELECT * FROM rollout_log WHERE id > %s ORDER BY id", [self.log_id]).fetchall()
        after = self._months()
        begun = {month for month, status in after.items() if status == "processing" and rows.get(month) != "processing"}
        for line in logged:
            self.log_id = line["id"]
            name, detail = line["act"], line["detail"]
            if name == "schedule":
                months = [(int(text[:4]), int(text[5:])) for text in detail["months"]]
                self._note(
                    "begun",
                    rollout=line["rollout_id"],
                    phase=detail["phase"],
                    months=months,
                    rows=rows,
                    held=bool(before and before["held"]),
                    quota=self._quota(),
                )
                begun -= set(months)
            elif name in {"advance", "finish"}:
                self._note(
                    "advanced",
                    rollout=line["rollout_id"],
                    phase=detail["phase"],
                    overridden=overridden,
                    finished=name == "finish",
                    rows=after,
                    quota=self._quota(),
                    by=act,
                )
                overridden = False
            self._note("logged", act=name, who=line["who"], rows=after)
        if begun:
            self._note("unlogged", months=sorted(begun))

    # what goes on around it

    async def _work(self) -> None:
        """Months in progress end, and those in retry are taken up again."""
        for month, status in self._months().items():
            if status == "retry" and month not in self.stuck and self.rng.random() < 0.6:
                self.raw.execute("UPDATE backfill_log SET status = 'processing' WHERE (year, month) = (%s, %s)", month)
                status = "processing"  # noqa: PLW2901 # from here on it is
            if status == "processing" and self.rng.random() < 0.8:
                self._end(month)

    def _end(self, month: MonthKey) -> None:
        need = self.need.setdefault(month, max(round(self.world.calls * self.rng.uniform(0.6, 1.4)), 1))
        known, chance = self._quota(), self.rng.random()
        left = need if known is None or known["limit"] is None else max(known["limit"] - known["used"], 0)
        made = min(need // 2 if chance < self.world.retrying else need, left)  # answers are stored: none is made twice
        self._spend(made, by_months=True)
        self.need[month] -= made
        self.calls[month] += made
        if self.need[month]:
            if self.rng.random() < self.world.stuck:
                self.stuck.add(month)
            self._set_status(month, "retry")
            return
        del self.need[month]
        calls = self.calls.pop(month)
        if self.rng.random() < self.world.failing:
            self._set_status(month, "failed")
            self._note("ended", month=month, status="failed")
            return
        books = self._draw_books(month)
        values = {"year": month[0], "month": month[1], "calls": calls, "books": sum(books[:3]), **_named(books)}
        self.raw.execute(FORGET_BOOKS, values)
        self.raw.execute(ADD_BOOKS, values)
        self.raw.execute(COMPLETE, values)
        self._note("ended", month=month, status="completed", books=books, calls=calls)

    def _draw_books(self, month: MonthKey) -> tuple[int, int, int, int, int]:
        """Resolved, unresolved, hindered, confirmed, contradicted."""
        rng, world = self.rng, self.world
        rate = self.rates.setdefault(month, min(max(rng.gauss(world.rate, world.deviation), 0), 1))
        number = max(round(rng.gauss(world.books, world.books / 6)), 1)
        resolved = sum(rng.random() < rate for _ in range(number))
        hindered = rng.randint(0, number - resolved) if rng.random() < world.hindering else 0
        known = rng.randint(resolved // 2, resolved)
        confirmed = sum(rng.random() < world.confirmed for _ in range(known))
        return resolved, number - resolved - hindered, hindered, confirmed, known - confirmed

    async def _recheck(self) -> None:
        """Books that were not checked are looked up again: half of them are found."""
        for row in self.raw.execute(
            "SELECT year, month, array_agg(id) AS ids FROM candidate WHERE hindered GROUP BY year, month ORDER BY year, month"
        ).fetchall():
            found = row["ids"][: len(row["ids"]) // 2]
            self.raw.execute(
                "UPDATE candidate SET hindered = false, isbn13 = CASE WHEN id = ANY(%s) THEN %s END,"
                " source = CASE WHEN id = ANY(%s) THEN 's' ELSE '' END WHERE id = ANY(%s)",
                [found, ISBN, found, row["ids"]],
            )
            self._note("rechecked", month=(row["year"], row["month"]), books=len(row["ids"]), found=len(found))

    async def _others(self) -> None:
        if self.cap and self.world.others:
            quota = self._quota()
            left = self.cap - (quota["used"] if quota else 0)
            self._spend(max(min(round(self.world.others * self.cap * self.rng.random() * 2), left), 0), by_months=False)

    async def _retry_failed(self) -> None:
        self._run_sql("retried", "UPDATE backfill_log SET status = 'pending' WHERE status = 'failed'")

    async def _by_hand(self) -> None:
        """A person schedules months without the rollout."""
        before = self._months()
        with contextlib.suppress(AlexandriaError):
            await self.scheduler.schedule(Selection(2, FIRST_YEAR, LAST_YEAR), "ann")
        self._note("by_hand", months=[month for month, status in self._months().items() if before.get(month) != status])

    async def _psql(self) -> None:
        rows, rng = self._months(), self.rng
        chosen = rng.sample(sorted(rows), min(len(rows), rng.choice([1, 3, 10])))
        years, months = [month[0] for month in chosen], [month[1] for month in chosen]
        some = "(year, month) IN (SELECT * FROM unnest(%s::integer[], %s::integer[]))"
        kind = rng.choice(["deleted", "deleted", "reset", "reset", "inserted", "all_deleted"])
        if kind == "deleted":
            self._run_sql(kind, f"DELETE FROM backfill_log WHERE {some}", years, months)
        elif kind == "all_deleted":
            self._run_sql(kind, "DELETE FROM backfill_log")
        elif kind == "reset":
            self._run_sql(kind, f"UPDATE backfill_log SET status = 'pending' WHERE {some}", years, months)
        if kind != "reset" and rng.random() < 0.8:
            self._run_sql(
                "inserted",
                "INSERT INTO backfill_log (year, month) SELECT y, m FROM generate_series(%s::integer, %s::integer) AS y,"
                " generate_series(1, 12) AS m ON CONFLICT DO NOTHING",
                FIRST_YEAR,
                LAST_YEAR,
            )

    # the database and the clock

    def _run_sql(self, kind: str, statement: str, *parameters: Any) -> None:
        before = self._months()
        self.raw.execute(statement.encode(), parameters)
        after = self._months()
        changed = [month for month in {*before, *after} if before.get(month) != after.get(month)]
        self._note("psql", what=kind, months=sorted(changed), rows=after)

    def _set_status(self, month: MonthKey, status: str) -> None:
        self.raw.execute("UPDATE backfill_log SET status = %s WHERE (year, month) = (%s, %s)", (status, *month))

    def _spend(self, units: int, *, by_months: bool) -> None:
        if units:
            token = "gen_random_uuid()" if by_months else "NULL"
            self.raw.execute(
                "INSERT INTO call (provider, route, sent_at, ms, units, status, error, attempt_token)"
                f" VALUES ('isbndb', '/', %s, 1, %s, 200, '', {token})".encode(),
                [self.now, units],
            )
            self.used[self._day_began()] += units
            self._note("spent", units=units, by_months=by_months, day=self._day_began())

    def _day_began(self) -> datetime:
        """When the provider's present day began."""
        began = datetime.combine(self.now.date(), time(self.world.midnight), UTC)
        return began if began <= self.now else began - timedelta(days=1)

    def _quota(self) -> dict[str, Any] | None:
        """The provider's day; None until a worker has reported it."""
        if self.now.date() < FIRST_DAY + timedelta(days=self.world.known_from):
            return None
        began = self._day_began()
        return {"limit": self.cap, "used": self.used[began], "began": began}

    async def _lanes(self) -> Sequence[LaneStatus]:
        quota = self._quota()
        if quota is None:
            return []
        began = quota["began"]
        return [
            LaneStatus("isbndb", 3, None, "", began.date(), cap=self.cap, limit=self.cap, used=quota["used"], reserved=0,
                       reset_at=began + timedelta(days=1), began_at=began)
        ]  # fmt: skip

    def _months(self) -> dict[MonthKey, str]:
        rows = self.raw.execute("SELECT year, month, status FROM backfill_log ORDER BY year, month").fetchall()
        return {(row["year"], row["month"]): row["status"] for row in rows}

    def _rollout(self) -> dict[str, Any] | None:
        return self.raw.execute("SELECT * FROM rollout ORDER BY id DESC LIMIT 1").fetchone()

    def _running(self) -> bool:
        rollout = self._rollout()
        return rollout is not None and rollout["ended_at"] is None

    def _value(self, statement: LiteralString) -> Any:
        row = self.raw.execute(statement).fetchone()
        assert row is not None
        return row["value"]

    def _pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def _note(self, event: str, /, **detail: Any) -> None:
        self.record.events.append(Event(self.now, event, detail))


def _named(books: tuple[int, ...]) -> dict[str, int]:
    return dict(zip(("resolved", "unresolved", "hindered", "confirmed", "contradicted"), books, strict=True))
