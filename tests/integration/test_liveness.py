"""A supervisor finds out whether a process hangs: systemd by its watchdog, a container by `alexandria health`."""

import contextlib
import json
import os
import re
import select
import signal
import socket
import tempfile
import time
from pathlib import Path

import pytest

from alexandria.cli.runtime import liveness
from tests.support.forked import Forked

pytestmark = pytest.mark.long

SECRET = "canary-secret-of-the-door"


@pytest.fixture
def environment(database_url, tmp_path):
    return {
        "PATH": "",
        "DATABASE_URL": database_url,
        "ALEXANDRIA_WEBHOOK_SECRET": SECRET * 2,
        "ALEXANDRIA_DATA_DIR": str(tmp_path / "data"),
        "TMPDIR": str(tmp_path / "tmp"),
        "GEMINI_API_KEY": "x" * 20,
        "XAI_API_KEY": "x" * 20,
        "ISBNDB_API_KEY": "x" * 20,
    }


@contextlib.contextmanager
def process(environment, *command):
    with tempfile.TemporaryFile() as log, Forked(*command, environment=environment, log=log) as running:
        try:
            yield running
        finally:
            running.kill()


def health(environment):
    with process(environment, "--json", "health") as asked:
        return asked.wait(60), json.loads(asked.stdout.read())["data"]


def until(true, what, seconds=60.0):
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.1)
    return found


def messages(manager, seconds=60.0):
    """What the process sends to systemd, as it comes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([manager], [], [], 1)[0]:
            yield manager.recv(1000).decode()


@pytest.mark.parametrize("command", [("work",), ("serve", "--port", "0")], ids=lambda command: command[0])
@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_systemd_is_sent_when_it_is_ready_that_it_runs_and_when_it_stops(environment, tmp_path, command, abstract):
    address = f"\0alexandria-test-{os.getpid()}-{command[0]}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        environment |= {"NOTIFY_SOCKET": address.replace("\0", "@"), "WATCHDOG_USEC": "5000000"}
        with process(environment, *command) as running:
            received = set()
            for message in messages(manager):
                received.add(message)
                if {"READY=1", "WATCHDOG=1"} <= received:
                    break
            assert received == {"READY=1", "WATCHDOG=1"}
            running.terminate()
            assert "STOPPING=1" in messages(manager)
            assert running.wait(30) == 0


def test_a_process_that_hangs_sends_systemd_no_sign_of_life(environment, tmp_path):
    """With the time of our own units, in which there would have been many."""
    units = (Path(__file__).parents[2] / "deploy/systemd").glob("*.service")
    found = {re.findall(r"^WatchdogSec=(\d+)$", unit.read_text(), re.MULTILINE)[0] for unit in units}
    assert len(found) == 1
    seconds = int(found.pop())
    assert seconds / 10 > liveness.BEAT_INTERVAL
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        environment |= {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": str(seconds * 1_000_000)}
        with process(environment, "work") as running:
            assert "READY=1" in messages(manager)
            running.send_signal(signal.SIGSTOP)
            while select.select([manager], [], [], 0)[0]:
                manager.recv(1000)
            assert select.select([manager], [], [], 3 * liveness.BEAT_INTERVAL)[0] == []
            running.send_signal(signal.SIGCONT)
            assert "WATCHDOG=1" in messages(manager)


def test_health_finds_a_process_that_runs_hangs_or_has_died(environment, tmp_path):
    (tmp_path / "tmp").mkdir()
    code, found = health(environment)
    assert (code, found) == (1, {"healthy": False, "processes": []})
    with process(environment, "work") as running:

        def healthy():
            code, found = health(environment)
            return found if code == 0 else None

        [one] = until(healthy, "a worker that runs")["processes"]
        assert (one["command"], one["pid"], one["hangs"]) == ("work", running.pid, False)
        running.send_signal(signal.SIGSTOP)
        [file] = (tmp_path / "data" / liveness.FOLDER).iterdir()
        past = time.time() - liveness.MAX_SILENCE - 1
        os.utime(file, (past, past))
        code, found = health(environment)
        assert (code, [each["hangs"] for each in found["processes"]]) == (1, [True])
        running.send_signal(signal.SIGCONT)
        until(healthy, "a worker that runs again")
        running.kill()
        running.wait()
        assert health(environment) == (1, {"healthy": False, "processes": []})
        assert list((tmp_path / "data" / liveness.FOLDER).iterdir()) == []


def test_without_a_writable_data_folder_it_is_found_by_its_account(environment, tmp_path):
    """A container whose root is read-only has /tmp alone."""
    (tmp_path / "data").write_text("no folder")
    (tmp_path / "tmp").mkdir()
    with process(environment, "work"):
        until(lambda: health(environment)[0] == 0, "a worker that is found")


def test_a_folder_that_somebody_else_has_put_there_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / f"alexandria-{os.getuid()}").symlink_to(elsewhere)
    (tmp_path / "data").write_text("no folder")
    with contextlib.ExitStack() as stack:
        claimed = [
            liveness._claim(folder, {"command": "work"}, stack) for folder in liveness._folders(tmp_path / "data")
        ]
        assert claimed == [None, None]
    assert list(elsewhere.iterdir()) == []


def test_a_process_that_no_systemd_started_notifies_nobody(monkeypatch):
    for address in ("", "relative", "/nowhere/at/all", "@nobody"):
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        liveness.notify("READY=1")
