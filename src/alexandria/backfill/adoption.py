"""Adopts the months of an earlier scheduler: reads its table, and gives its rows to months that nothing was done to here."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from alexandria.backfill.adopted_row import (
    DUE_COLUMNS,
    OPTIONAL_COLUMNS,
    REQUIRED_COLUMNS,
    AdoptedRow,
    describe_row,
    read_month,
    read_row,
)
from alexandria.backfill.repositories import adoption as repository
from alexandria.backfill.repositories import months
from alexandria.backfill.repositories.adoption import SourceName
from alexandria.backfill.scheduler import Queue
from alexandria.backfill.status import Status
from alexandria.core.errors import BadInput, DatabaseNotPrepared, StillInUse
from alexandria.core.grammar import counted, listed
from alexandria.core.month import Month
from alexandria.database.pool import Connection, Database, Row, reading_elsewhere

log = structlog.get_logger(__name__)

MAX_ROWS = 10_000  # four times the months of our calendar
FIRST_SEEDED_YEAR, LAST_SEEDED_YEAR = 2000, 2024  # months of other years are adopted where they are seeded
_LISTED_COUNT = 6
_NAME = re.compile(r'(?:"((?:[^"]|""){1,63})"|([^\W\d][\w$]{0,62}))\.(?:"((?:[^"]|""){1,63})"|([^\W\d][\w$]{0,62}))')


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A row that was not adopted. `is_wrong`: it cannot be read, and `fix` is what to do about it."""

    row: str
    month: Month | None
    status: str | None
    reason: str
    fix: str
    is_wrong: bool = True


@dataclass(frozen=True, slots=True)
class AdoptionReport:
    """What became of the rows of an earlier scheduler: `adopted` and `unchanged` by the status that they have there."""

    source: str
    found: Mapping[str, int]
    adopted: Mapping[str, int]
    unchanged: Mapping[str, int]
    became: Mapping[Status, int]
    skipped: tuple[SkippedRow, ...]
    active: tuple[Month, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _SourceRow:
    """A row that can be read, with its name for people and its status as it is written there."""

    name: str
    status: str
    adopted: AdoptedRow


@dataclass(slots=True)
class Adoption:
    """Adopts months. The clock is passed in."""

    database: Database
    queue: Queue
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    async def adopt(
        self, source: str, who: str, *, origin: str | None = None, force: bool = False, dry_run: bool = False
    ) -> AdoptionReport:
        """Adopt the rows of the table `source` in one transaction. A dry run keeps nothing.

        The table is in this database, or in that of the URL `origin`, whose password is stored and logged nowhere. Months that were worked on here, or that another session has locked, are skipped. Raises BadInput and
        DatabaseNotPrepared if the table cannot be read, and StillInUse if the earlier scheduler may still be working and
        neither `force` nor `dry_run` is given.
        """
        name = parse_source(source)
        reading = self.database.transaction() if origin is None else reading_elsewhere(origin)
        async with reading as connection:  # a transaction of its own: it locks nothing beyond the reading
            await repository.allow_no_writing(connection)
            shown, types = await _require_source(connection, name, elsewhere=origin is not None)
            rows = await _read(connection, name, shown, types)
        now = self.now()
        good, skipped = _sort(rows, now)
        active = tuple(row.adopted.month for row in good if row.adopted.is_active)
        if active and not force and not dry_run:
            raise StillInUse(
                f"the earlier scheduler may be working on {_list(active)}: processing for less than an hour",
                hint="stop it first and adopt an hour later, or use --force: they become pending, and are done again here",
                details={"months": [*map(str, active)]},
            )
        async with self.database.transaction(keep=not dry_run) as connection:
            report = await self._write(connection, shown, good, skipped, now)
            if report.adopted:
                detail = {
                    "from": shown,
                    "adopted": {status.value: number for status, number in report.became.items()},
                    "skipped": len(report.skipped),
                    "force": force,
                }
                await months.audit(connection, who, "adopt", detail)
        found = Counter((row["status"] or "NULL")[:40] for row in rows)
        if report.adopted and not dry_run:
            log.info("adopt", by=who, source=shown, months=sum(report.adopted.values()), skipped=len(report.skipped))
        return AdoptionReport(
            *(shown, found, report.adopted, report.unchanged, report.became, report.skipped, active),
            (*_missing_columns(shown, types), *_notes(good)),
        )

    async def _write(
        self, connection: Connection, shown: str, good: list[_SourceRow], skipped: list[SkippedRow], now: datetime
    ) -> AdoptionReport:
        await repository.add(connection, sorted(row.adopted.month for row in good if _is_seeded(row.adopted.month)))
        present = await repository.present(connection, [row.adopted.month for row in good])
        there = {Month(each["year"], each["month"]) for each in await months.listed(connection)}
        adopted: Counter[str] = Counter()
        unchanged: Counter[str] = Counter()
        became: Counter[Status] = Counter()
        written, waking = [], []
        for row in good:
            month = row.adopted.month
            if (ours := present.get(month)) is None or ours["is_changed"]:
                skipped.append(_left(row, ours, seeded=month in there))
                continue
            values = row.adopted.values(ours, now)
            if ours["adopted_at"] is not None and all(ours[name] == value for name, value in values.items()):
                unchanged[row.status] += 1
                continue
            adopted[row.status] += 1
            became[row.adopted.status] += 1
            written.append(
                {name: value if isinstance(value, int | None) else str(value) for name, value in values.items()}
            )
            if row.adopted.status is Status.RETRY:
                waking.append((month, values["next_attempt_at"]))
        if written:
            await repository.adopt(connection, written)
        for month, at in waking:
            await self.queue.add_wake(connection, month, at)
        return AdoptionReport(shown, {}, adopted, unchanged, became, tuple(skipped), (), ())


def parse_source(text: str) -> SourceName:
    """Return the table that `text` names, as in SQL: public.backfill_log or "My Schema"."Log". Raises BadInput."""
    found = _NAME.fullmatch(text.strip())
    if found is None:
        raise BadInput(
            f"{text[:140]!r} is not the name of a table with its schema",
            hint='write SCHEMA.TABLE, such as public.backfill_log; names with other letters in quotation marks: \'"My Schema"."Log"\'',
        )
    schema, table = (
        (found[quoted].replace('""', '"') if found[quoted] else found[plain].lower())
        for quoted, plain in ((1, 2), (3, 4))
    )
    return SourceName(schema, table)


async def _require_source(connection: Connection, name: SourceName, *, elsewhere: bool) -> tuple[str, dict[str, str]]:
    """Return the name as SQL writes it, and the types of the columns. Raises BadInput and DatabaseNotPrepared."""
    found = await repository.find_source(connection, name, elsewhere=elsewhere)
    if found is None:
        alike = await repository.list_alike(connection, elsewhere=elsewhere)
        listing = "psql URL -c '\\dt *.*'" if elsewhere else "alexandria psql -c '\\dt *.*'"
        hint = f"perhaps --from {' or --from '.join(alike)}" if alike else f"list the tables: {listing}"
        where = f"the database {connection.info.dbname}" if elsewhere else "this database"
        raise BadInput(f"there is no table {name.schema}.{name.table} in {where}", hint=hint)
    if found["is_ours"]:
        whose = "an installation of Alexandria" if elsewhere else "this installation itself"
        raise BadInput(f"{found['name']} is the table of {whose}", hint="name the table of the earlier scheduler")
    if not found["may_use"]:
        raise _denied(found, [found["grant_schema"], found["grant_table"]])
    if found["hides_rows"]:
        raise DatabaseNotPrepared(
            f"row-level security hides rows of {found['name']} from the role {found['role']}",
            hint=f"run it as {found['owner']}: alexandria adopt {'--from-postgres' if elsewhere else '--database'} URL",
        )
    columns = await repository.columns(connection, name, ("id", *REQUIRED_COLUMNS, *OPTIONAL_COLUMNS, *DUE_COLUMNS))
    types = {row["name"]: row["type"] for row in columns}
    if missing := [column for column in REQUIRED_COLUMNS if column not in types]:
        raise BadInput(
            f"{found['name']} has no column {listed(missing)}",
            hint=f"is it the right table? If its columns have other names, make a view with {', '.join(REQUIRED_COLUMNS)} "
            f"and those of {', '.join(OPTIONAL_COLUMNS)} that there are, and name the view",
        )
    if not all(row["may_read"] for row in columns):
        raise _denied(found, [found["grant_table"]])
    return f"{found['name']} of the database {found['database']}" if elsewhere else str(found["name"]), types


def _denied(found: Row, grants: list[str]) -> DatabaseNotPrepared:
    return DatabaseNotPrepared(
        f"the role {found['role']} may not read {found['name']}; its owner {found['owner']} can run: {' '.join(grants)}",
        hint="then run the same command again",
        details={"statements": grants},
    )


async def _read(connection: Connection, name: SourceName, shown: str, types: Mapping[str, str]) -> list[Row]:
    rows = await repository.read(connection, name, types, MAX_ROWS + 1)
    if len(rows) > MAX_ROWS:
        raise BadInput(f"{shown} has more than {MAX_ROWS:,} rows", hint="a month has one row: is it the right table?")
    return rows


def _sort(rows: list[Row], now: datetime) -> tuple[list[_SourceRow], list[SkippedRow]]:
    """The rows that can be adopted, newest first, and those that cannot be read."""
    of_month: dict[Month, list[tuple[str, Row]]] = defaultdict(list)
    good, skipped = [], []
    for number, row in enumerate(rows, 1):
        name = describe_row(row, number)
        try:
            of_month[read_month(row)].append((name, row))
        except BadInput as wrong:
            skipped.append(SkippedRow(name, None, row["status"], wrong.message, wrong.hint))
    for month, those in sorted(of_month.items(), reverse=True):
        for name, row in those:
            if len(those) > 1:
                others = listed([other for other, _ in those if other != name][:_LISTED_COUNT])
                reason, fix = f"the month has another row: {others}", "leave one row of the month"
                skipped.append(SkippedRow(name, month, row["status"], reason, fix))
                continue
            try:
                good.append(_SourceRow(name, str(row["status"]), read_row(row, now)))
            except BadInput as wrong:
                skipped.append(SkippedRow(name, month, row["status"], wrong.message, wrong.hint))
    return good, skipped


def _left(row: _SourceRow, ours: Row | None, *, seeded: bool) -> SkippedRow:
    month = row.adopted.month
    if ours is not None:
        reason, fix = f"worked on here: {ours['status']}", "nothing to do: it stays as it is here"
        return SkippedRow(row.name, month, row.status, reason, fix, is_wrong=False)
    if seeded:
        return SkippedRow(row.name, month, row.status, "another session has locked it", "adopt again", is_wrong=False)
    reason = f"outside {FIRST_SEEDED_YEAR}-{LAST_SEEDED_YEAR} and not seeded"
    return SkippedRow(row.name, month, row.status, reason, f"alexandria seed {month.year}, then adopt again")


def _is_seeded(month: Month) -> bool:
    return FIRST_SEEDED_YEAR <= month.year <= LAST_SEEDED_YEAR


def _missing_columns(shown: str, types: Mapping[str, str]) -> Iterator[str]:
    if missing := [column for column in OPTIONAL_COLUMNS if column not in types]:
        yield f"{shown} has no column {listed(missing)}: {'its' if len(missing) == 1 else 'their'} usual value is used"


def _notes(good: list[_SourceRow]) -> Iterator[str]:
    unknown = Counter(row.adopted.unknown_variant for row in good if row.adopted.unknown_variant)
    for variant, number in sorted(unknown.items()):
        yield f"{counted(number, 'month')} had the prompt_variant {variant[:40]!r}, which is unknown here: the year's default is used"


def _list(found: tuple[Month, ...]) -> str:
    more = [f"{len(found) - _LISTED_COUNT} more"] if len(found) > _LISTED_COUNT else []
    return listed([*map(str, found[:_LISTED_COUNT]), *more])
