"""`alexandria psql`: the program that is there, on the database that is meant, with nothing lost on the way."""

import os

import pytest

from alexandria.cli import main as cli
from alexandria.core.errors import Misconfigured
from alexandria.database import psql as client
from alexandria.database.embedded import installation
from tests.support.commands import run


def psql(*arguments, typed="", **environment):
    return run(*arguments, environment=os.environ | environment, given=typed.encode(), seconds=400)


def test_arguments_input_and_codes_pass_through(database_url):
    """Flags that are ours elsewhere are psql's here, and SQL may be piped as the guide prints it."""
    asked = psql(
        "psql", "-q", "-A", "-t", "-v", "most=41", "-c", "SELECT count(*) FROM backfill_log", DATABASE_URL=database_url
    )
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, "0\n", "")
    piped = psql("psql", "-At", "--set", "most=41", typed="SELECT :most + 1;\nSELECT 'a b';", DATABASE_URL=database_url)
    assert (piped.returncode, piped.stdout) == (0, "42\na b\n")
    wrong = psql("psql", "-c", "SELEC", DATABASE_URL=database_url)
    assert wrong.returncode == 1
    assert "syntax error" in wrong.stderr
    url = "postgresql://nobody:canary-password@127.0.0.1:1/nothing"
    away = psql("--database", url, "psql", "-c", "SELECT 1")
    assert away.returncode == 6
    assert "canary" not in away.stderr


def test_the_embedded_server_is_reached_by_the_program_that_came_with_it(data_dir):
    """Where no psql is installed, and no server runs yet."""
    asked = psql("psql", "-Atc", "SHOW server_version", ALEXANDRIA_DATA_DIR=str(data_dir), PATH="/nonexistent")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert int(asked.stdout.partition(".")[0]) >= 15


def test_without_any_psql_the_cure_is_named(monkeypatch, capsys, tmp_path):
    def nothing():
        raise Misconfigured("no PostgreSQL is installed")

    monkeypatch.setenv("PATH", "/nonexistent")
    for found in (nothing, lambda: tmp_path):
        monkeypatch.setattr(installation, "find_programs", found)
        assert cli.main(["--database", "postgresql://nobody@nowhere/x", "psql"]) == 2
        assert "apt install postgresql-client" in capsys.readouterr().err


def test_no_secret_is_on_the_command_line():
    """Other users of the machine can read those."""
    url = "postgresql://me:canary%2Fword@there:6000/books?sslmode=require&keepalives=1&sslpassword=canary"
    variables, more = client.reached(url)
    assert variables == {"PGUSER": "me", "PGPASSWORD": "canary/word", "PGHOST": "there", "PGPORT": "6000",
                         "PGDATABASE": "books", "PGSSLMODE": "require"}  # fmt: skip
    assert more == "keepalives=1"
    with pytest.raises(Misconfigured, match="cannot be read") as refused:
        client.reached("canary://x")
    assert "canary" not in str(refused.value)
