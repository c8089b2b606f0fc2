"""The demo as a newcomer runs it: months are filled, what was found is right, and nothing is left behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from alexandria.catalogue.models import Isbn13
from alexandria.cli.runtime import demo
from alexandria.core.provider_facts import default_sources


@contextlib.contextmanager
def performing(place: Path, *options):
    """`alexandria demo` with `place` for everything that it writes."""
    place.mkdir(mode=0o711, exist_ok=True)
    environment = {**os.environ, "TMPDIR": str(place), "ALEXANDRIA_DATA_DIR": str(place / "data")}
    command = [sys.executable, "-m", "alexandria", "demo", *options]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        try:
            yield running
        finally:
            if running.poll() is None:
                running.kill()


def processes(place: Path) -> list[str]:
    """Everything that runs with `place` in its arguments or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes()
            with contextlib.suppress(PermissionError):
                words += (process / "environ").read_bytes()
            if os.fsencode(place) in words:
                found.append(words.decode(errors="replace")[:200])
    return found


def system_of(place: Path) -> int:
    """The process number of the demo's `alexandria up`."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"up" in words and os.fsencode(place) in (process / "environ").read_bytes():
                return int(process.name)
    return pytest.fail("no system runs")


def until_all_ended(place: Path) -> None:
    end = time.monotonic() + demo.STOP_TIMEOUT
    while processes(place) and time.monotonic() < end:
        time.sleep(0.1)
    assert processes(place) == []


def read_until(stream, wanted: str) -> str:
    message = []
    for line in stream:
        if wanted in line:
            return str(line)
        message.append(line)
    return pytest.fail(f"the demo ended without saying {wanted!r}: {''.join(message)}")


@pytest.mark.long
def test_twelve_months_are_filled_rightly(data_dir):
    """All completed, most books resolved, next to every ISBN right, none for an invented book, every call counted."""
    with performing(data_dir, "--months", "12", "--exit", "--json") as running:
        out, err = running.communicate(timeout=400)
    assert running.returncode == 0, out + err
    answer = json.loads(out)["data"]
    assert [month["status"] for month in answer["months"]] == ["completed"] * 12
    assert [month["month"] for month in answer["months"]] == [f"2023-{number:02d}" for number in range(12, 0, -1)]
    assert 85 <= answer["rate"] <= 100
    assert answer["books"] == sum(month["books"] for month in answer["months"])
    assert answer["resolved"] == sum(month["resolved"] for month in answer["months"]) == len(answer["found"])
    assert all(Isbn13.read(book["isbn13"]) == book["isbn13"] for book in answer["found"])
    assert answer["right"] >= 0.97 * answer["resolved"]
    assert answer["invented_with_isbn"] == 0
    assert {calls["provider"] for calls in answer["calls"]} >= {"gemini", "xai", "open_library"}
    assert all(calls["counted"] == calls["arrived"] for calls in answer["calls"])
    assert processes(data_dir) == []
    assert list(data_dir.iterdir()) == []


def test_months_are_completed_while_no_provider_answers(data_dir):
    """The bibliography names and finds the books; a month with a book that it does not settle says which were not asked."""
    with performing(data_dir, "--offline-sources", "--year", "2019", "--months", "2", "--exit", "--json") as running:
        out, err = running.communicate(timeout=400)
    assert running.returncode == 0, out + err
    answer = json.loads(out)["data"]
    assert [month["status"] for month in answer["months"]] == ["completed"] * 2
    assert all(month["books"] >= 4 for month in answer["months"])
    assert answer["rate"] >= 85
    assert answer["invented_with_isbn"] == 0
    incomplete = [month for month in answer["months"] if month["resolved"] < month["books"]]
    assert incomplete
    for month in incomplete:
        for name in default_sources():
            assert name in month["why"]
        assert "books did without it" in month["why"]
    assert all(calls["refused"] == calls["arrived"] for calls in answer["calls"])
    assert processes(data_dir) == []


@pytest.mark.long
def test_an_interrupted_demo_leaves_nothing_not_even_of_one_that_was_killed(data_dir):
    """Ctrl-C while months are in work. A killed demo leaves its folder, and its server if its system was killed as well."""
    with performing(data_dir, "--months", "1", "--exit") as killed:
        read_until(killed.stderr, "processing")
        os.kill(system_of(data_dir), signal.SIGKILL)
        killed.kill()
        killed.communicate(timeout=200)
    assert any("postgres" in each for each in processes(data_dir))
    with performing(data_dir, "--months", "2", "--exit") as running:
        read_until(running.stderr, "processing")
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=200)
    assert running.returncode == 130
    assert processes(data_dir) == []
    assert list(data_dir.iterdir()) == []


@pytest.mark.long
def test_a_demo_that_stays_can_be_killed_and_kept(data_dir):
    """It stays up, alone in its folder; its children do not outlive even kill -9; with --keep the next one goes on."""
    with performing(data_dir, "--months", "1") as first:
        docs = read_until(first.stderr, "stays up").split()[-1]
        assert httpx2.get(docs, trust_env=False).status_code == 200
        before = len(processes(data_dir))
        looks = {**os.environ, "ALEXANDRIA_DATA_DIR": str(data_dir / "data")}
        command = [sys.executable, "-m", "alexandria", "--demo", "--json"]
        looked = subprocess.run([*command, "status"], text=True, check=True, capture_output=True, env=looks)
        assert json.loads(looked.stdout)["data"]["by_status"]["completed"] == 1
        checked = subprocess.run([*command, "doctor"], text=True, check=False, capture_output=True, env=looks)
        assert [each for each in json.loads(checked.stdout)["data"] if not each["ok"]] == []
        assert len(processes(data_dir)) == before
        with performing(data_dir) as second:
            _, err = second.communicate(timeout=200)
        assert second.returncode == 2
        assert "already running" in err
        first.kill()
        first.communicate(timeout=200)
    until_all_ended(data_dir)
    with performing(data_dir, "--months", "1", "--keep", "--exit", "--json") as third:
        out, err = third.communicate(timeout=200)
    assert third.returncode == 0, out + err
    assert [month["month"] for month in json.loads(out)["data"]["months"]] == ["2023-11"]
    assert processes(data_dir) == []


@pytest.mark.long
@pytest.mark.parametrize("moment", ["as it begins to leave", "once its system has ended"])
def test_a_demo_that_is_killed_while_it_leaves_leaves_no_server(data_dir, moment):
    with performing(data_dir, "--months", "1", "--exit") as running:
        read_until(running.stderr, "processing")
        system = system_of(data_dir)
        read_until(running.stdout, "ISBN")  # the report, which is printed before it leaves
        while moment != "as it begins to leave" and Path(f"/proc/{system}/environ").exists():
            time.sleep(0.001)
        running.kill()
        running.communicate(timeout=200)
    until_all_ended(data_dir)
