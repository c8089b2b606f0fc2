"""`alexandria status` prints what the running server renders: the very text of the command, without the command's imports."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import termios
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from alexandria.__main__ import LOOKS_OTHERWISE
from alexandria.cli import quick_status
from alexandria.cli.runtime import liveness
from alexandria.core.provider_facts import key_settings
from alexandria.operations.terminal import STATUS_PATH, TOKEN_HEADER
from tests.support.processor_time import too_long
from tests.support.shelf import fill

HEAVY = {
    *("typer", "rich", "pydantic", "psycopg", "psycopg_pool", "structlog", "asyncio", "httpx2", "fastapi", "jinja2"),
    *("alexandria.core.config", "alexandria.bootstrap", "alexandria.cli.main", "importlib.metadata"),
}
MAX_SECONDS = 0.25  # of a processor, start of Python included; the command itself takes four times that
REPORT_MODULES = (
    "import sys, alexandria.__main__ as m; code = m.main(); print(*sys.modules, file=sys.stderr); sys.exit(code)"
)


@pytest.fixture(scope="module")
def account(shared_database_url):
    """The environment of a terminal on the machine of a server with a few books."""
    fill(shared_database_url)
    with tempfile.TemporaryDirectory(prefix="alexandria-", dir="/tmp") as folder:
        environment = {
            "PATH": "",
            "LANG": "C.UTF-8",
            "DATABASE_URL": shared_database_url,
            "ALEXANDRIA_WEBHOOK_SECRET": "secret-of-this-test",
            "ALEXANDRIA_DATA_DIR": f"{folder}/data",
            "TMPDIR": folder,
        }
        # Not a fork: the system would tell the environment of the process that it was forked from.
        command = [sys.executable, "-m", "alexandria", "--json", "serve", "--port", "0"]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
        ) as running:
            try:
                assert running.stdout is not None
                assert json.loads(running.stdout.readline())["ok"]
                yield environment
            finally:
                running.kill()


def ran(environment, *arguments, code=REPORT_MODULES):
    """What a command prints, on both streams, and its exit code."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", errors="replace", timeout=120, check=False
    )


def modules(ended):
    return set(ended.stderr.splitlines()[-1].split())


def on_terminal(environment, *arguments, columns=80):
    """The bytes that a command writes to a terminal."""
    reading, writing = os.openpty()
    termios.tcsetwinsize(writing, (40, columns))
    with ThreadPoolExecutor() as pool, os.fdopen(reading, "rb") as screen:
        shown = pool.submit(_to_the_end, screen)
        command = [sys.executable, "-m", "alexandria", *arguments]
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=writing, timeout=120, check=True)
        os.close(writing)
        return shown.result()


def _to_the_end(screen):
    parts = []
    with contextlib.suppress(OSError):  # as its other end is closed
        while part := screen.read1():
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("options", [(), ("--json",), ("--quiet", "--no-input")])
def test_the_text_is_that_of_the_command_and_nothing_heavy_is_imported(account, options):
    quick, full = ran(account, "status", *options), ran(account, "-v", "status", *options)
    assert quick.returncode == full.returncode == 0
    assert quick.stdout == full.stdout != ""
    assert modules(quick) & HEAVY == set()
    assert modules(full) >= {"typer", "psycopg"}


@pytest.mark.parametrize(
    ("kind", "colors", "columns", "options"),
    [
        ("xterm-256color", "truecolor", 80, ()),
        ("xterm-256color", "", 61, ()),
        ("xterm", "", 140, ()),
        ("xterm-256color", "truecolor", 80, ("--no-color",)),
    ],
)
def test_a_terminal_gets_its_own_colors_and_width(account, kind, colors, columns, options):
    environment = account | {"TERM": kind, "COLORTERM": colors}
    quick = on_terminal(environment, "status", *options, columns=columns)
    assert quick == on_terminal(environment, "-v", "status", *options, columns=columns)
    assert b"\x1b[" in quick
    assert (b"38;" in quick) == (kind != "xterm" and not options)


def test_it_takes_a_fraction_of_the_processor_that_the_command_takes(account):
    """The least of some: what else the machine does can only add."""
    environment = {name: value for name, value in account.items() if not name.startswith("COVERAGE_")}

    def seconds():
        before = os.times()
        command = [sys.executable, "-m", "alexandria", "status"]
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, timeout=120, check=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    seconds()  # compiles what no process has imported yet
    assert not too_long(min(seconds() for _ in range(3)), MAX_SECONDS)


def test_settings_that_differ_are_named_and_those_of_another_database_are_the_terminals(account, database_url):
    quick = ran(account | {"ISBNDB_API_KEY": "of-the-terminal", "ALEXANDRIA_SOURCES": "wikidata"}, "status")
    assert "with the settings of the server at http://127.0.0.1:" in quick.stderr
    assert "which differ here: ALEXANDRIA_SOURCES, ISBNDB_API_KEY\n" in quick.stderr
    assert modules(quick) & HEAVY == set()
    own = ran(account | {"DATABASE_URL": database_url}, "status", "--json")
    assert (
        json.loads(own.stdout)["data"]["total_months"]
        != json.loads(ran(account, "status", "--json").stdout)["data"]["total_months"]
    )
    assert modules(own) >= {"psycopg"}


@pytest.mark.parametrize(
    ("change", "arguments"),
    [
        ({}, ("status", "--watch-out")),
        ({}, ("--server", "http://127.0.0.1:1", "status")),
        ({}, ("--demo", "status")),
        ({"ALEXANDRIA_DATA_DIR": "/nonexistent/alexandria"}, ("status",)),
        ({"FORCE_COLOR": "1"}, ("status",)),
        ({"PYTHONIOENCODING": "latin-1"}, ("status",)),
    ],
)
def test_whatever_is_unusual_is_left_to_the_command(account, change, arguments):
    usual = {name: value for name, value in account.items() if name not in LOOKS_OTHERWISE}
    ended = ran(usual | change, *arguments)
    assert ended.returncode in {0, 2, 3, 6}
    assert "alexandria.cli.main" in modules(ended)


def found(environment):
    """The process of the server, as commands find it."""
    return next(each for each in liveness.running_in(Path(environment["ALEXANDRIA_DATA_DIR"])) if each.url)


def asked(server, token, path=STATUS_PATH):
    url = urlsplit(server.url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={TOKEN_HEADER: token} if token else {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()) if answer.status != 200 else {}


def test_only_the_account_of_the_server_is_told_and_for_others_there_is_no_such_path(account):
    process = found(account)
    assert process.token not in repr(process)
    assert set(process.keys) == {*key_settings().values()}
    [file] = (Path(account["ALEXANDRIA_DATA_DIR"]) / liveness.FOLDER).iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert asked(process, process.token)[0] == 200
    unknown = asked(process, "", "/no-such-path")
    assert unknown[0] == 404
    for token in ("", "x", process.token[:-1], "secret-of-this-test"):
        status, body = asked(process, token)
        assert (status, body["error"]) == (404, unknown[1]["error"])
    assert asked(process, process.token, f"{STATUS_PATH}?columns=0&terminal=xterm")[0] == 422
    assert asked(process, process.token, f"{STATUS_PATH}?terminal={'x' * 51}")[0] == 422


@pytest.mark.asyncio(loop_scope="module")
async def test_an_application_without_a_token_has_no_such_path(api):
    for token in ("", "x"):
        assert (await api.get(STATUS_PATH, headers={TOKEN_HEADER: token})).status_code == 404


def test_a_server_that_does_not_answer_so_is_no_obstacle(monkeypatch, tmp_path, capsys):
    """An earlier version, one that ends at this moment, one whose database is away."""
    for silent, token in ((0.0, ""), (liveness.MAX_SILENCE + 1, "t"), (0.0, "t")):
        process = liveness.RunningProcess("serve", os.getpid(), silent, "http://127.0.0.1:1", str(tmp_path), token)
        monkeypatch.setattr(liveness, "running_in", lambda _, process=process: [process])
        assert not quick_status.print_status(["status"])
    assert capsys.readouterr() == ("", "")
