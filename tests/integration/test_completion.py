"""Completion, asked by real shells: bash is everywhere, the others where they are installed."""

import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from alexandria.database.embedded import server as embedded

BASH = """
eval "$(alexandria --show-completion)"
complete -p alexandria
offered() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _alexandria_completion alexandria; echo "${COMPREPLY[*]}"; }
offered alexandria sched
offered alexandria months --st
offered alexandria --json months --status ""
offered alexandria month 2023-1
offered alexandria retry 2023-11 2022
offered alexandria months --reason ""
offered alexandria cache clear i
offered alexandria adopt --from ""
"""
OFFERED = [
    "schedule", "--status", "pending processing completed failed retry", "2023-12 2023-11", "", "no_books",
    "isbndb internet_archive", "public.backfill_log",
]  # fmt: skip


@pytest.fixture
def asked(database_url):
    """What a shell prints for a script, with our command on its path and three months in the database."""
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO backfill_log (year, month) VALUES (2023, 11), (2023, 12)")
        connection.execute("CREATE TABLE public.backfill_log (year integer, month integer, status text)")
        connection.execute(
            "INSERT INTO backfill_log (year, month, status, error_code) VALUES (1999, 1, 'failed', 'no_books')"
        )
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    environment = {"PATH": path, "HOME": "/nonexistent", "DATABASE_URL": database_url, "LC_ALL": "C.UTF-8"}

    def ask(*command, **more):
        done = subprocess.run(command, env=environment | more, text=True, capture_output=True, timeout=400, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    return ask


@pytest.mark.long
def test_bash_completes_commands_options_and_what_the_database_has(asked):
    registered, *offered = asked("bash", "--norc", "-c", BASH)
    assert registered.endswith("_alexandria_completion alexandria")
    assert offered == OFFERED


def test_completion_without_a_database_is_empty_and_silent(asked):
    away = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    words = {"COMP_WORDS": "alexandria month 2023", "COMP_CWORD": "2", "_ALEXANDRIA_COMPLETE": "complete_bash"}
    assert asked("alexandria", **away, **words) in ([], [""])


def test_zsh_gets_months_with_their_status(asked):
    words = {"_TYPER_COMPLETE_ARGS": "alexandria month 2023-1", "_ALEXANDRIA_COMPLETE": "complete_zsh"}
    printed = "\n".join(asked("alexandria", **words))
    assert '"2023-12":"pending"' in printed
    if shutil.which("zsh"):
        assert asked("zsh", "-f", "-c", 'autoload compinit; compinit -D; eval "$(alexandria --show-completion)"') == []


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_gets_months_with_their_status(asked, tmp_path):
    script = "alexandria --show-completion | source; complete -C 'alexandria month 2023-1'"
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    assert sorted(asked("fish", "-c", script, **home)) == ["2023-11\tpending", "2023-12\tpending"]


def test_a_server_is_found_and_none_is_started(server, data_dir):
    """The embedded one, if a process uses it."""
    assert embedded.running(data_dir) is None
    assert not data_dir.exists()
    url = embedded.running(server._folder)
    assert url is not None
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
