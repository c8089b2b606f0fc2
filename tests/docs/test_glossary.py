"""The terms of the glossary exist in the code, the database and the command line."""

import pkgutil
import re
from pathlib import Path
from typing import Any

import psycopg
import typer

from alexandria.cli.main import app

GLOSSARY = Path(__file__).parents[2] / "docs" / "glossary.md"
ROWS = re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)
ENTRIES = [(word, where) for word, where in ROWS if word not in {"---", "term", "verb"}]
PLACES = {place for _, where in ENTRIES for place in re.findall(r"(?:(\w+) )?`([^`]+)`", where)}


def test_every_term_has_a_place():
    assert len(ENTRIES) > 30
    assert [word for word, where in ENTRIES if "`" not in where] == []


def test_every_name_of_the_code_exists(cases):
    with cases() as case:
        for name in sorted(name for kind, name in PLACES if not kind):
            with case(name):
                pkgutil.resolve_name(f"alexandria.{name}")


def test_every_command_exists():
    group: Any = typer.main.get_command(app)
    named = {name for kind, name in PLACES if kind == "command"}
    assert named
    assert named - set(group.commands) == set()


def test_every_table_and_column_exists(database_url):
    names = {name for kind, name in PLACES if kind in {"table", "column"}}
    assert {kind for kind, _ in PLACES} == {"", "command", "table", "column"}
    with psycopg.connect(database_url) as connection:
        for table, _, column in (name.partition(".") for name in names):
            connection.execute(f"SELECT {column or '*'} FROM {table} LIMIT 0".encode())
