"""The command line before anything runs: help, wrong use, errors as text and JSON, and how processes stop."""

import asyncio
import json
import os
import pty
import pwd
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer

from alexandria.__main__ import OVERVIEW, OVERVIEW_WIDTH, without_colors
from alexandria.backfill.status import Status
from alexandria.cli import main as cli
from alexandria.cli.exit_codes import USAGE
from alexandria.cli.main import ENDINGS, app, ending, hoist
from alexandria.cli.options import OWN_PATHS, rates, root_path, years
from alexandria.cli.output.console import Options, Output
from alexandria.cli.requests import operator_name
from alexandria.cli.runtime.signals import Stopping
from alexandria.cli.settings import MASK, listed
from alexandria.core import errors, logging
from alexandria.core.config import load
from alexandria.operations.status_style import BLOCKED, STYLES, display_state
from alexandria.sandbox.fault_rules import PRESETS
from alexandria.web.app import create_app

COMMANDS = sorted(name for name, command in typer.main.get_group(app).commands.items() if not command.hidden)


@pytest.fixture(autouse=True)
def _hook(monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)


def run(capsys, *arguments):
    """Exit code, standard output, standard error."""
    code = cli.main(arguments)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_contracts_commands_are_there():
    assert {"demo", "up", "serve", "work", "migrate", "seed", "schedule", "retry", "pause", "resume", "rollout", "status",
            "months", "month", "quota", "logs", "resolve", "doctor", "config", "sandbox", "export"} <= set(COMMANDS)  # fmt: skip
    group: Any = typer.main.get_group(app)
    assert {"show", "start", "pause", "approve"} <= set(group.commands["rollout"].commands)
    assert {"rotate", "show-path"} <= set(group.commands["secret"].commands)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    """With both spellings of help, on standard output."""
    for flag in ("-h", "--help"):
        code, out, err = run(capsys, command, flag)
        assert (code, err) == (0, "")
        assert f"alexandria {command}" in out


@pytest.mark.parametrize("command", ["demo", "sandbox"])
def test_help_names_every_preset_of_faults(command, capsys):
    assert all(name in run(capsys, command, "--help")[1] for name in ("none", *PRESETS))


def test_without_arguments_the_commands_are_listed(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(OVERVIEW_WIDTH))
    code, out, _ = run(capsys)
    assert code == 0
    assert all(command in out for command in COMMANDS)
    generated = without_colors(Path(OVERVIEW).read_text(encoding="utf-8"))
    assert generated == out, "run: .venv/bin/python docs/generate.py"


def test_earlier_names_still_work(capsys):
    """They are hidden: the listed ones are cache clear and --min-resolution-rate."""
    assert "answers" not in COMMANDS
    code, out, _ = run(capsys, "answers", "purge", "--help")
    assert (code, "Delete all cached responses" in out) == (0, True)
    for flag in ("--least-resolved", "--min-resolution-rate"):
        code, _, err = run(capsys, "doctor", flag, "80")
        assert (code, "needs --daily" in err) == (2, True)


@pytest.mark.long
def test_the_shell_completes_commands_options_and_values():
    """What bash asks by the script that --show-completion prints."""
    for typed, offered in {"alexandria mon": "months", "alexandria months --st": "--status",
                           "alexandria months --status pr": "processing"}.items():  # fmt: skip
        asked = {"_ALEXANDRIA_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
        done = subprocess.run([sys.executable, "-m", "alexandria"], env=os.environ | asked, capture_output=True,
                              text=True, check=True, timeout=60)  # fmt: skip
        assert offered in done.stdout.split()


def test_version(capsys):
    code, out, _ = run(capsys, "--version")
    assert code == 0
    assert out[0].isdigit()


@pytest.mark.parametrize(
    "arguments",
    [
        ["seedling"],
        ["month"],
        ["month", "2014-13"],
        ["month", "2014"],
        ["months", "--year", "1899"],
        ["months", "--status", "done"],
        ["schedule", "--batch-size", "51"],
        ["schedule", "--batch-size", "0"],
        ["schedule", "--years", "2020-2021"],
        ["schedule", "--years", "1899..2000"],
        ["schedule", "--dryrun"],
        ["seed", "2024..2000"],
        ["retry"],
        ["retry", "2023-13"],
        ["pause", "--minutes", "0"],
        ["pause", "--until", "tomorrow"],
        ["pause", "--minutes", "5", "--until", "2099-01-01T00:00"],
        ["pause", "--reason", "a\nb"],
        ["doctor", "--least-resolved", "80"],
        ["logs", "--level", "loud"],
        ["logs", "--month", "2023-13"],
        ["logs", "--since", "yesterday"],
        ["work", "--concurrency", "0"],
        ["up", "--port", "65536"],
        ["up", "--root-path", "books"],
        ["serve", "--root-path", "/a b"],
        ["serve", "--root-path", "/../x"],
        ["serve", "--root-path", "//evil.example"],
        ["serve", "--root-path", "/months/x"],
        ["answers"],
        ["cache"],
        ["cache", "purge-all"],
        ["rollout"],
        ["secret"],
        ["resolve", "--title", "Dune"],
        ["sandbox", "--rates", "isbndb"],
        ["sandbox", "--rates", "nobody=1"],
        ["sandbox", "--faults", "earthquake"],
        ["demo", "--year", "1999"],
        ["demo", "--months", "0"],
        ["demo", "--faults", "earthquake"],
    ],
    ids=" ".join,
)
def test_wrong_use_is_2_in_three_parts_and_as_json(arguments, capsys):
    """What is wrong, what is right, and what to try; with --json the same as one object on standard output."""
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    lines = err.splitlines()
    assert lines[0].startswith("error: ")
    assert lines[0] != "error: "
    assert "Value error" not in err
    assert any("alexandria" in line for line in lines[1:])
    for placed in (["--json", *arguments], [*arguments, "--json"]):
        code, out, err = run(capsys, *placed)
        assert (code, err) == (2, "")
        answer = json.loads(out)
        assert answer["ok"] is False
        assert set(answer["error"]) == {"code", "message", "hint"}
        assert all(answer["error"].values())


def kinds(base):
    return {base}.union(*(kinds(kind) for kind in base.__subclasses__()))


@pytest.mark.parametrize(
    "kind", sorted((k for k in kinds(errors.AlexandriaError) if k.__module__ == errors.__name__), key=str)
)
def test_every_kind_of_error_has_an_exit_code_of_the_contract(kind):
    error = kind.__new__(kind)
    code, fix = ending(error)
    assert code in {1, 2, 3, 5, 6}
    assert fix.startswith("alexandria ")
    assert fix.split()[1] in {*COMMANDS, "{command}"}


def test_the_endings_name_errors_that_exist():
    assert set(ENDINGS) <= kinds(errors.AlexandriaError)


@pytest.mark.parametrize(
    ("arguments", "early", "later"),
    [
        (["status", "--json"], ["--json"], ["status"]),
        (["--json", "status"], ["--json"], ["status"]),
        (["seed", "-q", "2000..2001", "-v"], ["-q", "-v"], ["seed", "2000..2001"]),
        (["status", "--database", "postgresql://x"], ["--database", "postgresql://x"], ["status"]),
        (["status", "--database=postgresql://x"], ["--database=postgresql://x"], ["status"]),
        (["status", "--database"], ["--database"], ["status"]),
        (["month", "--", "--json"], [], ["month", "--", "--json"]),
        (["schedule", "-n"], [], ["schedule", "-n"]),
    ],
)
def test_options_for_all_commands_may_stand_anywhere(arguments, early, later):
    assert hoist(arguments) == (early, later)


def test_ranges_of_years():
    """As written, in either order; the error for an invalid range describes a valid one."""
    assert years("2000..2024") == (2000, 2024)
    assert years("2024..2000") == (2024, 2000)
    assert years("2023") == (2023, 2023)
    for wrong in ("", "23", "2000...2001", "2000..", "..2001", "2000-2001", "1899", "2000..2101", "٢٠٢٣"):
        with pytest.raises(errors.BadInput):
            years(wrong)


def test_a_root_path_has_no_slash_at_its_end():
    assert [root_path(text) for text in ("", "/", "/library", "/library/", "/a/b-c.d_e~1/")] == [
        "", "", "/library", "/library", "/a/b-c.d_e~1"
    ]  # fmt: skip


def test_no_root_path_begins_like_a_path_of_the_application():
    """Else a path could be meant with its prefix or without it."""
    paths = {route.path.split("/")[1] for route in create_app(None, None).router.routes}  # type: ignore[arg-type,attr-defined]
    assert paths - {""} == OWN_PATHS


def test_rates():
    assert rates("isbndb=2.5, open_library=25") == {"isbndb": 2.5, "open_library": 25.0}
    assert rates("") == {}
    with pytest.raises(errors.BadInput):
        rates("isbndb=fast")


def test_json_is_one_line_of_plain_data(capsys):
    """Times in UTC, decimals as numbers, nothing escaped that need not be."""
    Output(Options(json=True)).result(
        {"at": datetime(2026, 1, 2, tzinfo=UTC), "rate": Decimal("95.10"), "title": "Žert"}
    )
    out = capsys.readouterr().out
    assert out == '{"ok": true, "data": {"at": "2026-01-02T00:00:00Z", "rate": 95.1, "title": "Žert"}}\n'


def test_talk_is_on_standard_error_and_can_be_silenced(capsys):
    Output(Options()).message("[b]next[/b]: work")
    assert capsys.readouterr() == ("", "[b]next[/b]: work\n")
    Output(Options(quiet=True)).message("next: work")
    assert capsys.readouterr() == ("", "")


def test_an_unforeseen_error_shows_its_type_and_no_secret(capsys):
    """Its arguments are not shown; with -v where it arose is, with the secrets struck out."""
    output = Output(Options())
    output.unforeseen(ValueError("canary-secret"))
    err = capsys.readouterr().err
    assert err.startswith("error: unexpected ValueError\n")
    assert "-v" in err
    assert "canary" not in err
    talkative = Output(Options(verbose=True))
    logging.protect(["canary-secret"])
    try:
        raise ValueError("key canary-secret is odd")
    except ValueError as error:
        talkative.unforeseen(error)
    err = capsys.readouterr().err
    assert "test_cli.py" in err
    assert "key [secret] is odd" in err
    Output(Options(json=True)).unforeseen(ValueError("canary-secret"))
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "unexpected"


UNFORESEEN = """
import sys
from alexandria.cli import main as cli
from alexandria.cli.commands import schedule as act

act.years = None
sys.exit(cli.main(["seed"]))
"""


def test_an_unforeseen_error_exits_with_1_and_one_line():
    """Not with a traceback."""
    done = subprocess.run([sys.executable, "-c", UNFORESEEN], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "error: unexpected TypeError"
    assert "Traceback" not in done.stderr


def test_settings_are_masked_and_have_their_origin(monkeypatch, tmp_path):
    (tmp_path / "isbndb_api_key").write_text("canary-key")
    monkeypatch.setenv("ALEXANDRIA_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("ALEXANDRIA_CONTACT", "ops@library.test")
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_RATE", "2.5")
    found = {each.name: each for each in listed(load(DATABASE_URL="postgresql://canary"), given=True)}
    assert (found["ISBNDB_API_KEY"].value, found["ISBNDB_API_KEY"].origin) == (MASK, str(tmp_path / "isbndb_api_key"))
    assert (found["DATABASE_URL"].value, found["DATABASE_URL"].origin) == (MASK, "command line")
    assert (found["ALEXANDRIA_CONTACT"].value, found["ALEXANDRIA_CONTACT"].origin) == (
        "ops@library.test",
        "environment",
    )
    assert (found["ALEXANDRIA_ISBNDB_RATE"].value, found["ALEXANDRIA_ISBNDB_RATE"].origin) == ("2.5", "environment")
    assert (found["XAI_API_KEY"].value, found["XAI_API_KEY"].origin) == (None, "default")
    assert "canary" not in repr(found)


def test_a_month_that_waits_without_having_failed_is_printed_as_blocked():
    assert display_state(Status.RETRY, "quota spent") == BLOCKED
    assert display_state(Status.RETRY, None) == Status.RETRY
    assert display_state(Status.PENDING, "left over") == Status.PENDING
    assert set(STYLES) == {*Status, BLOCKED}
    assert len({look.glyph for look in STYLES.values()}) == len(STYLES)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_stops_the_loop_in_good_order(number, code):
    """The event is set, the running part ends by itself, and the exit code depends on the signal."""

    async def act(stop: asyncio.Event) -> str:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
        await stop.wait()
        return "ended by itself"

    before = signal.getsignal(number)
    with Stopping() as stopping:
        assert stopping.run(act) == "ended by itself"
    assert stopping.exit_code == code
    assert signal.getsignal(number) is before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_before_the_loop_stops_the_preparation(number, code):
    """Contexts are left on the way out, and nothing is raised beyond."""
    left = []
    with Stopping() as stopping:
        try:
            os.kill(os.getpid(), number)
            pytest.fail("nothing was interrupted")
        finally:
            left.append(True)
    assert left
    assert stopping.exit_code == code


CHILD = """
from alexandria.cli.runtime.signals import Stopping

async def act(stop):
    print("up", flush=True)
    await stop.wait()

with Stopping(while_stdin=True) as stopping:
    stopping.run(act)
raise SystemExit(stopping.exit_code)
"""


HANGING = """
import asyncio, signal
from alexandria.cli.runtime.signals import Stopping
{before}
async def act(stop):
    stopping.on_hangup = lambda: print("hung up", flush=True)
    print("up", flush=True)
    await stop.wait()
with Stopping() as stopping:
    stopping.run(act)
"""


def test_the_end_of_standard_input_stops_a_child():
    """That is how no child outlives a parent that was killed."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", CHILD], stdin=pipe, stdout=pipe) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        assert child.poll() is None
        child.stdin.close()
        assert child.wait(30) == 0


@pytest.mark.parametrize(("before", "ends"), [("", True), ("signal.signal(signal.SIGHUP, signal.SIG_IGN)\n", False)])
def test_a_closed_terminal_ends_what_was_started_in_it(before, ends):
    """But not what nohup has started: that has its secrets read again, and goes on."""
    ours, theirs = pty.openpty()
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HANGING.format(before=before)], stdin=theirs, stdout=pipe) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == b"up\n"
            os.close(theirs)
            os.close(ours)
            child.send_signal(signal.SIGHUP)
            assert child.stdout.readline() == (b"" if ends else b"hung up\n")
        finally:
            child.terminate()
        assert child.wait(30) == 0


def test_a_signal_that_another_thread_gets_ends_the_wait():
    """Or one that comes just before it: nothing but its arrival wakes a loop in which nothing else happens."""
    threads = []

    async def act(stop):
        ident = threading.get_ident
        threads.append(threading.Timer(0.2, lambda: signal.pthread_kill(ident(), signal.SIGTERM)))
        threads[0].start()
        await stop.wait()

    with Stopping() as stopping:
        waker = threading.Timer(20.0, signal.pthread_kill, (threading.get_ident(), signal.SIGUSR1))
        before, began = signal.signal(signal.SIGUSR1, lambda *_: None), time.monotonic()
        waker.start()
        stopping.run(act)
        waker.cancel()
    signal.signal(signal.SIGUSR1, before)
    threads[0].join()
    waker.join()
    assert time.monotonic() - began < 15


def test_the_audit_names_the_user_or_the_number_of_one_without_a_name(monkeypatch):
    monkeypatch.setenv("USER", "ann")
    assert operator_name() == "cli ann"
    monkeypatch.delenv("USER")
    assert operator_name() == f"cli {pwd.getpwuid(os.getuid()).pw_name}"

    def nameless(uid):
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nameless)
    assert operator_name() == f"cli {os.getuid()}"


@pytest.mark.parametrize("command", ["up", "serve", "work", "migrate", "status", "demo", "secret rotate"])
def test_a_data_folder_that_cannot_be_used_is_refused_with_the_fix(command, monkeypatch, tmp_path, capsys):
    """By every command that needs one, and not as an error of ours."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("ALEXANDRIA_DATA_DIR", str(tmp_path / "file" / "data"))
    assert cli.main(command.split()) == USAGE
    shown = capsys.readouterr().err
    assert f"cannot use {tmp_path / 'file' / 'data'}" in shown
    assert "ALEXANDRIA_DATA_DIR" in shown
