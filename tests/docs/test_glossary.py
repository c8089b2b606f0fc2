"""The glossary's words are the code's words."""

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


def test_every_word_says_where_it_is():
    assert len(ENTRIES) > 30
    assert [word for word, where in ENTRIES if "`" not in where] == []


def test_a_word_of_the_code_is_there(cases):
    with cases() as case:
        for name in sorted(name for kind, name in PLACES if not kind):
            with case(name):
                pkgutil.resolve_name(f"alexandria.{name}")


def test_a_command_is_there():
    group: Any = typer.main.get_command(app)
    named = {name for kind, name in PLACES if kind == "command"}
    assert named
    assert named - set(group.commands) == set()


def test_tables_and_columns_are_there(database_url):
    """All of them can be selected from."""
    names = {name for kind, name in PLACES if kind in {"table", "column"}}
    assert {kind for kind, _ in PLACES} == {"", "command", "table", "column"}
    with psycopg.connect(database_url) as connection:
        for table, _, column in (name.partition(".") for name in names):
            connection.execute(f"SELECT {column or '*'} FROM {table} LIMIT 0".encode())
