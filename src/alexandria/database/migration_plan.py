"""Writes down what a migration runs, and which locks it takes on tables that other sessions use."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from alexandria.database import migrations
from alexandria.database.preflight import Facts, Wordings, created

# Modes that block others, weakest first, with what waits for them.
BLOCKED = {
    "SHARE UPDATE EXCLUSIVE": "other changes of the table's definition",
    "ROW EXCLUSIVE": "other changes of the table's definition",
    "SHARE": "writes",
    "SHARE ROW EXCLUSIVE": "writes",
    "ACCESS EXCLUSIVE": "reads and writes",
}
_MODES = [*BLOCKED]
_TEXT = re.compile(r"--[^\n]*|(\$\w*\$).*?\1|'(?:[^']|'')*'", re.DOTALL)
_LOCKING = (
    (re.compile(r"\bALTER TABLE (?:IF EXISTS )?(?:ONLY )?(\w+)"), "ACCESS EXCLUSIVE"),
    (re.compile(r"\bDROP TABLE (?:IF EXISTS )?(\w+)"), "ACCESS EXCLUSIVE"),
    (re.compile(r"\bTRUNCATE (?:TABLE )?(?:ONLY )?(\w+)"), "ACCESS EXCLUSIVE"),
    (re.compile(r"\bCREATE (?:UNIQUE )?INDEX (?:IF NOT EXISTS )?\w+ ON (?:ONLY )?(\w+)"), "SHARE"),
    (re.compile(r"\bCREATE (?:OR REPLACE )?(?:CONSTRAINT )?TRIGGER .*? ON (\w+)"), "SHARE ROW EXCLUSIVE"),
    (re.compile(r"\bDROP TRIGGER .*? ON (\w+)"), "ACCESS EXCLUSIVE"),
    (re.compile(r"COMMENT ON (?:TABLE|COLUMN) (\w+)"), "SHARE UPDATE EXCLUSIVE"),
    (re.compile(r"\bCREATE STATISTICS .*? FROM (\w+)"), "SHARE UPDATE EXCLUSIVE"),
    (re.compile(r"(?<!ON )(?<!DO )UPDATE (?!OF |OR |ON |CASCADE)(\w+)"), "ROW EXCLUSIVE"),
    (re.compile(r"\bINSERT INTO (\w+)"), "ROW EXCLUSIVE"),
    (re.compile(r"\bDELETE FROM (\w+)"), "ROW EXCLUSIVE"),
)
_SQL_BODY = re.compile(r"\bFUNCTION [^;$]*\bLANGUAGE sql\b[^;$]*\bAS \$\$(.*?)\$\$", re.DOTALL)
_REFERENCES = re.compile(r"REFERENCES (\w+)")
_INDEX = re.compile(r"\bCREATE (?:UNIQUE )?INDEX (?:IF NOT EXISTS )?(\w+) ON (?:ONLY )?(\w+)")
_DROP_INDEX = re.compile(r"\bDROP INDEX (?:IF EXISTS )?(\w+)")


@dataclass(frozen=True, slots=True)
class Part:
    """Statements that run together, with the locks that they take on tables that were there before the migration."""

    name: str
    statements: str
    locks: dict[str, str]


def script(steps: Sequence[str], found: Facts, wordings: Wordings) -> list[Part]:
    """Return what a migration runs in one transaction, in order, with the search path set to the schema."""
    before = created([step for step in migrations.names() if step not in steps])
    parts = [] if found.has_schema else [Part("schema", wordings["create_schema"], {})]
    for step in steps:
        text = migrations.statements(step)
        parts.append(Part(step, text, {table: mode for table, mode in locks(text).items() if table in before}))
    version = steps[-1].partition("_")[0]
    parts += [
        Part(name, migrations.statements(name).replace("{version}", version), {}) for name in migrations.AFTER_STEPS
    ]
    if found.is_empty and found.owns_database and not found.has_search_path and not found.is_public:
        parts.append(Part("search path", wordings["set_search_path"], {}))
    return parts


def as_sql(parts: Sequence[Part], wordings: Wordings) -> list[str]:
    """Return the parts as a script for psql, with the locks as comments."""
    lines = ["BEGIN;", wordings["set_local_path"]]
    for part in parts:
        held = [f"-- locks {table}: {mode}, blocks {BLOCKED[mode]}" for table, mode in sorted(part.locks.items())]
        text = part.statements.rstrip().split("\n")
        lines += ["", f"-- {part.name}", *(held or ["-- locks no table that is in use"]), *text]
    return [*lines, "", "COMMIT;"]


@functools.cache
def locks(text: str) -> Mapping[str, str]:
    """Return the strongest lock that the SQL takes on each table it names; new tables are among them."""
    tables = _tables_of_indexes(tuple(migrations.names()))
    found: dict[str, str] = {}
    bodies = _SQL_BODY.findall(text)  # which are parsed, and take their locks, when the function is made
    for statement in (each for part in (text, *bodies) for each in _plain(part).split(";")):
        for table, mode in _locks_of(" ".join(statement.split()), tables):
            if _MODES.index(mode) >= _MODES.index(found.get(table, mode)):
                found[table] = mode
    return MappingProxyType(found)


@functools.cache
def _tables_of_indexes(steps: tuple[str, ...]) -> dict[str, str]:
    """Return the table of each index that the steps make; reading them all again for each of them took most of a start."""
    return {index: table for step in steps for index, table in _INDEX.findall(_in_a_line(step))}


def _in_a_line(step: str) -> str:
    return " ".join(_plain(migrations.statements(step)).split())


def _locks_of(statement: str, tables: dict[str, str]) -> Iterator[tuple[str, str]]:
    if re.match(r"(?:CREATE (?:OR REPLACE )?FUNCTION|DO)\b", statement):
        return
    for pattern, mode in _LOCKING:
        yield from ((table, mode) for table in pattern.findall(statement))
    yield from ((table, "SHARE ROW EXCLUSIVE") for table in _REFERENCES.findall(statement))
    yield from ((tables[index], "ACCESS EXCLUSIVE") for index in _DROP_INDEX.findall(statement) if index in tables)


def _plain(text: str) -> str:
    """Return the SQL without comments, texts and bodies of functions."""
    return _TEXT.sub(" ", text)
