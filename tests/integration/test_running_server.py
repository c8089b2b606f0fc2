"""A command uses the settings of the server that runs on its data folder, so that page and terminal agree."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from alexandria.cli.doctor import checks
from alexandria.cli.main import main
from alexandria.cli.output.console import Options, Output
from alexandria.cli.runtime import liveness, running_server
from alexandria.cli.runtime.running_server import Wanted, settings_of_server
from alexandria.core.errors import BadInput, Unknown

URL = "http://127.0.0.1:8123"


@pytest.fixture
def data_dir(tmp_path, monkeypatch):
    """A data folder of its own, in an environment without settings."""
    for name in [
        name
        for name in os.environ
        if name.startswith(("ALEXANDRIA_", "DATABASE_URL", "SSL_CERT")) or name.endswith("_API_KEY")
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ALEXANDRIA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    return tmp_path / "data"


@pytest.fixture
def serving(data_dir):
    """`serving(folder, settings)`: a process that stands for a server with these settings, whose file it keeps locked."""
    ends = []

    def start(folder: Path = data_dir, command="up", arguments=(), **settings):
        sleeper = subprocess.Popen(["sleep", "300", *arguments], env={"ALEXANDRIA_DATA_DIR": str(folder), **settings})
        place = folder / "processes"
        place.mkdir(parents=True, mode=0o700)
        file = (place / f"{liveness._host()}.{sleeper.pid}.0").open("w")
        json.dump({"command": command, "pid": sleeper.pid, "url": URL, "data_dir": str(folder)}, file)
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        ends.append((sleeper, file))
        return sleeper.pid

    yield start
    for sleeper, file in ends:
        sleeper.kill()
        sleeper.wait()
        file.close()


def used(capsys, **wanted):
    """The settings within the context, and what was said about them; afterwards all is as before."""
    before = dict(os.environ)
    with settings_of_server(Output(Options()), Wanted(**wanted)):
        changed = {name for name in {*before, *os.environ} if before.get(name) != os.environ.get(name)}
        within = {name: os.environ.get(name) for name in changed}
    assert dict(os.environ) == before
    return within, capsys.readouterr().err.replace("\n", " ")


def demo_settings(folder):
    return {"ALEXANDRIA_DATA_DIR": str(folder), "ALEXANDRIA_SECRETS_DIR": str(folder / "secrets")}


def test_without_a_server_the_settings_are_those_of_the_terminal(data_dir, capsys):
    assert used(capsys) == ({}, "")


def test_the_settings_of_the_server_replace_those_of_the_terminal(serving, capsys, monkeypatch):
    monkeypatch.setenv("ALEXANDRIA_SOURCES", "wikidata")
    monkeypatch.setenv("ISBNDB_API_KEY", "of-the-terminal")
    pid = serving(DATABASE_URL="postgresql:///theirs", ALEXANDRIA_SOURCES="open_library", GEMINI_API_KEY="canary-key",
                  ALEXANDRIA_LOG_FORMAT="json", UNRELATED="x")  # fmt: skip
    within, said = used(capsys)
    assert within == {
        "DATABASE_URL": "postgresql:///theirs", "ALEXANDRIA_SOURCES": "open_library", "GEMINI_API_KEY": "canary-key",
        "ISBNDB_API_KEY": None,
    }  # fmt: skip
    assert (
        said.split()
        == (
            f"with the settings of the server at {URL} (process {pid}), which differ here: "
            "ALEXANDRIA_SOURCES, DATABASE_URL, GEMINI_API_KEY, ISBNDB_API_KEY"
        ).split()
    )


def test_a_terminal_that_names_another_database_keeps_its_settings(serving, capsys, monkeypatch):
    serving(DATABASE_URL="postgresql:///theirs", ALEXANDRIA_SOURCES="open_library")
    monkeypatch.setenv("DATABASE_URL", "postgresql:///mine")
    assert used(capsys) == ({}, "")
    assert used(capsys, url=URL)[0]["DATABASE_URL"] == "postgresql:///theirs"


@pytest.mark.parametrize("arguments", [("--database", "postgresql:///given"), ("--database=postgresql:///given",)])
def test_a_database_that_the_server_was_given_as_an_option_counts(serving, capsys, monkeypatch, arguments, tmp_path):
    script = tmp_path / "sleep"
    script.write_text("#!/bin/sh\nexec tail -f /dev/null\n")
    serving(DATABASE_URL="postgresql:///theirs")
    monkeypatch.setattr(running_server, "PROCESSES", tmp_path / "proc")
    place = tmp_path / "proc" / "1"
    place.mkdir(parents=True)
    (place / "environ").write_bytes(b"DATABASE_URL=postgresql:///theirs\0ALEXANDRIA_SECRETS_DIR=keys\0")
    (place / "cmdline").write_bytes("\0".join(["python", "-m", "alexandria", "up", *arguments, ""]).encode())
    (place / "cwd").symlink_to(tmp_path)
    monkeypatch.setattr(liveness, "running_in", lambda _: [liveness.RunningProcess("up", 1, 0.0, URL)])
    within, _ = used(capsys)
    assert within["DATABASE_URL"] == "postgresql:///given"
    assert within["ALEXANDRIA_SECRETS_DIR"] == str(tmp_path / "keys")


def test_settings_that_cannot_be_read_leave_those_of_the_terminal(serving, data_dir, capsys, monkeypatch, tmp_path):
    """Then doctor makes no embedded PostgreSQL either: the process may have another database."""
    pid = serving(DATABASE_URL="postgresql:///theirs")
    monkeypatch.setattr(running_server, "PROCESSES", tmp_path)
    within, said = used(capsys)
    assert within == {}
    assert f"hint: the settings of process {pid} cannot be read here" in said
    monkeypatch.setenv("ALEXANDRIA_SOURCES", "")
    monkeypatch.setattr(checks, "_reach", lambda _: asyncio.sleep(0, []))
    assert main(["doctor", "--json"]) == 1
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)["data"]}
    assert f"process {pid}" in found["database"]["message"]
    assert not (data_dir / "postgresql").exists()


def test_a_demo_is_reached_running_or_kept_and_a_server_by_its_address(serving, data_dir, capsys, tmp_path):
    with pytest.raises(Unknown, match="no demo is running"):
        used(capsys, demo=True)
    (data_dir / "demo" / "postgresql").mkdir(parents=True)
    assert used(capsys, demo=True) == (demo_settings(data_dir / "demo"), "")
    temporary = tmp_path / "alexandria-demo-x"
    serving(temporary, ALEXANDRIA_GENERATORS="gemini")
    assert used(capsys, demo=True) == (demo_settings(temporary) | {"ALEXANDRIA_GENERATORS": "gemini"}, "")
    reached, _ = used(capsys, url="localhost:8123/")
    assert reached == {"ALEXANDRIA_DATA_DIR": str(temporary), "ALEXANDRIA_GENERATORS": "gemini"}
    assert used(capsys)[0] == {}
    with pytest.raises(Unknown, match="answers at http"):
        used(capsys, url="http://127.0.0.1:9")
    with pytest.raises(BadInput, match="--server"):
        used(capsys, url="http://[x")


def test_commands_use_the_database_of_the_server_and_make_no_other(serving, data_dir, database_url, capsys):
    """status, forecast, doctor and resolve; without a server no look makes an embedded PostgreSQL."""
    assert main(["--json", "status"]) == 6
    assert "no schema yet" in capsys.readouterr().out
    serving(DATABASE_URL=database_url, ALEXANDRIA_SOURCES="wikidata", ALEXANDRIA_WIKIDATA_BASE_URL="http://127.0.0.1:9",
            ALEXANDRIA_GENERATORS="wikidata")  # fmt: skip
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["total_months"] == 0
    assert main(["forecast", "--json", "--runs", "10", "--server", URL]) == 0
    capsys.readouterr()
    main(["doctor", "--json"])
    checks = {each["name"]: each for each in json.loads(capsys.readouterr().out)["data"]}
    assert checks["database"]["ok"]
    main(["resolve", "--title", "Dune", "--author", "Frank Herbert", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert "wikidata" in json.dumps(answer)
    assert not (data_dir / "postgresql").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--demo", "up"],
        ["--server", URL, "serve"],
        ["--demo", "--database", "x", "status"],
        ["--demo", "--server", URL, "status"],
    ],
)
def test_a_choice_of_a_server_that_makes_no_sense_is_refused(data_dir, capsys, arguments):
    assert main(arguments) == 2
    assert "--demo" in capsys.readouterr().err
