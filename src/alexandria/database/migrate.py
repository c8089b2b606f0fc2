"""Brings the schema of a database to this version's, by the steps of the package `migrations`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.sql import Identifier

from alexandria.core.errors import (
    DatabaseBusy,
    DatabaseNotPrepared,
    DatabaseUnavailable,
    Misconfigured,
    ProgramTooOld,
)
from alexandria.database import address, migration_plan, migrations, pooler, preflight
from alexandria.database.failures import reason_of, translate
from alexandria.database.migration_plan import Part
from alexandria.database.session import MigrationConnection, connect, schema_of, search_path_of
from alexandria.database.sql import load

__all__ = ["MigrationConnection", "describe", "missing", "notes", "opened", "plan", "upgrade"]

SQL = load(__name__)
_LOCK_KEY = 4_902_341_717  # any number, the same in every version
# The newest change to the queue's tables that our steps hold. A procrastinate with a later one needs a step of ours first.
NEWEST_QUEUE_CHANGE = "03.04.00_50_post_add_retry_failed_job_procedure"
QUEUE_RELEASE = "3.10"
_LISTED_COUNT = 3  # steps that a message names one by one


def upgrade(
    url: str, to: str | None = None, *, complete_data: Callable[[MigrationConnection], object] | None = None
) -> list[str]:
    """Apply the missing steps to the database at `url`, up to number `to` like "0014"; return their names.

    All steps are one transaction, and so is `complete_data`, which is called with the new schema to add what SQL alone
    cannot. A second process that migrates at the same time waits, and then finds nothing to do.

    Raises DatabaseNotPrepared before anything is changed, ProgramTooOld, DatabaseUnavailable and Misconfigured.
    """
    with opened(url) as connection:
        connection.execute(SQL["lock"], {"key": _LOCK_KEY})
        schema = schema_in_use(connection)
        steps = [step for step in _missing(connection, schema) if to is None or _number(step) <= to]
        if steps:
            found = preflight.facts(connection, schema)
            preflight.require_prepared(connection, schema, steps, found)
            for part in migration_plan.script(steps, found, preflight.wordings(connection, schema)):
                _run(connection, part)
        if complete_data is not None:
            complete_data(connection)
    return steps


def plan(url: str) -> tuple[list[Part], list[str]]:
    """Return what `upgrade` would run, as parts and as lines for psql, without running it; nothing if no step is missing.

    Raises as `upgrade` does.
    """
    with opened(url) as connection:
        schema = schema_in_use(connection)
        steps = _missing(connection, schema)
        if not steps:
            return [], []
        found, wordings = preflight.facts(connection, schema), preflight.wordings(connection, schema)
        preflight.require_prepared(connection, schema, steps, found)
        parts = migration_plan.script(steps, found, wordings)
        return parts, migration_plan.as_sql(parts, wordings)


def missing(url: str) -> list[str]:
    """Return the names of the steps that the database at `url` lacks, oldest first. Raises ProgramTooOld."""
    with opened(url) as connection:
        return _missing(connection, schema_in_use(connection))


def notes(url: str) -> tuple[str, ...]:
    """Return what the owner of the database may run so that psql finds `backfill_log` without the schema's name.

    Nothing, if psql finds it. A name that another program has taken is left to it: then a role of its own is proposed.
    """
    with opened(url) as connection:
        schema = schema_in_use(connection)
        connection.execute(SQL["forget_path"])
        with connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(SQL["visible"], {"schema": schema}).fetchone()
        wordings = preflight.wordings(connection, schema)
        others = [str(other) for (other,) in connection.execute(SQL["other_installations"], {"schema": schema})]
    assert row is not None, "there is one current database"
    unused = tuple(
        f"the installation in the schema {other} is not used; to continue it, set ALEXANDRIA_SCHEMA={other}"
        for other in others
    )
    if row["found"] == schema:
        return unused
    if row["taken"]:
        return (
            *unused,
            f"another schema has a table backfill_log; for psql the owner can make a role that finds that of {schema} first:",
            wordings["create_role"],
            wordings["set_role_path"],
            f"or run psql with: PGOPTIONS='-c search_path={schema},public'",
            f"to take over the months of an earlier scheduler: alexandria adopt --from {row['taken']}",
        )
    return (
        *unused,
        f"so that psql finds backfill_log without the schema's name {schema}, the owner of the database can run:",
        wordings["set_search_path"],
    )


def describe(steps: Sequence[str]) -> str:
    """Return the steps in a few words, however many they are."""
    return ", ".join(steps) if len(steps) <= _LISTED_COUNT else f"{steps[0]} to {steps[-1]}"


def schema_in_use(connection: MigrationConnection) -> str:
    """Return the schema that holds the tables, or will hold them."""
    return schema_of(search_path_of(connection))


def _number(step: str) -> str:
    return step.partition("_")[0]


def _require_known_queue() -> None:
    """Raise Misconfigured if the installed procrastinate expects other tables than our steps make."""
    spec = find_spec("procrastinate")  # without importing it, which takes longer than all else that a look does here
    assert spec is not None, "the program depends on it"
    assert spec.origin is not None, "it is a package with files"
    newest = max(file.stem for file in (Path(spec.origin).parent / "sql" / "migrations").glob("*.sql"))
    if newest != NEWEST_QUEUE_CHANGE:
        raise Misconfigured(
            f"procrastinate {version('procrastinate')} expects other tables than this version makes",
            hint=f"install the release that this version was tested with: pip install 'procrastinate=={QUEUE_RELEASE}.*'",
        )


def _is_installed(connection: MigrationConnection, schema: str) -> bool:
    """Return whether the schema holds tables of ours. Raises DatabaseNotPrepared if this role may not read them."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(SQL["installed"], {"schema": schema}).fetchone()
    if row is not None and not row["may_read"]:
        raise DatabaseNotPrepared(
            f"the tables in the schema {schema} belong to the role {row['owner']}, and {row['role']} may not read them",
            hint=f"migrate as {row['owner']}, or let an administrator run:\n  {row['grant']}",
            details={"statements": [row["grant"]]},
        )
    if row is not None and row["secured"]:
        _require_all_rows(schema, row["role"], row["secured"])
    return row is not None


def _require_all_rows(schema: str, role: str, secured: Sequence[str]) -> None:
    """Raise DatabaseNotPrepared if row-level security hides rows of our tables: months and books would be missing."""
    ours = preflight.created(migrations.names())
    if hidden := [name for name in secured if name in ours]:
        statements = [f"ALTER TABLE {schema}.{name} DISABLE ROW LEVEL SECURITY;" for name in hidden]
        raise DatabaseNotPrepared(
            f"row-level security hides rows of {', '.join(hidden)} in the schema {schema} from the role {role}",
            hint="\n  ".join(["the owner of the tables can run:", *statements]),
            details={"statements": statements},
        )


def _missing(connection: MigrationConnection, schema: str) -> list[str]:
    """Return the steps after the current one: the history is one line."""
    _require_known_queue()
    steps, current = migrations.names(), ""
    if _is_installed(connection, schema):
        table = Identifier(schema, preflight.VERSION_TABLE)
        row = connection.execute(sql.SQL("SELECT version_num FROM {}").format(table)).fetchone()
        current = "" if row is None else str(row[0])
    newest = _number(steps[-1])
    if current > newest:
        raise ProgramTooOld(
            f"this program is too old for the database: it knows the schema up to step {newest}, the database is at {current}",
            hint="install the version that migrated it, or a newer one",
        )
    return [step for step in steps if _number(step) > current]


def _run(connection: MigrationConnection, part: Part) -> None:
    """Run one part. Raises DatabaseNotPrepared if the database refuses it, as by an event trigger of others."""
    try:
        connection.execute(part.statements.encode())
    except psycopg.Error as refused:
        failed = translate(refused)
        if isinstance(failed, DatabaseUnavailable | DatabaseBusy):
            raise failed from refused
        connection.rollback()
        statements = [str(row[0]) for row in connection.execute(SQL["event_triggers"], {})]
        advice = (
            [
                "event triggers may refuse it; an administrator can run this, migrate, and enable them again:",
                *statements,
            ]
            if statements
            else ["nothing was changed; give this sentence to the administrator of the database"]
        )
        raise DatabaseNotPrepared(
            f"PostgreSQL refuses the step {part.name}: {reason_of(refused)}",
            hint="\n  ".join(advice),
            details={"statements": statements} if statements else None,
        ) from refused


@contextlib.contextmanager
def opened(url: str, schema: str | None = None, *, keep_path: bool = True) -> Iterator[MigrationConnection]:
    """Yield a connection whose errors are ours; see `session.connect`.

    Raises DatabaseUnavailable and Misconfigured.
    """
    try:
        with connect(url, schema=schema, keep_path=keep_path) as connection:
            yield connection
    except psycopg.Error as refused:
        if (unreadable := address.refusal(refused)) is not None:
            raise unreadable from None  # the original has parts of the URL, and with it of the password
        raise pooler.refusal(refused) or translate(refused) from refused
