"""A run of this suite that is ended from outside leaves no process and no file."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are found in /proc")
ROOT = Path(__file__).parents[2]
# Each starts a server, a sandbox and workers of its own, and takes longer than this test does to end it.
FREEZE, KILL = "tests/crash/test_freeze.py", "tests/crash/test_kill.py"
RUNS = [
    pytest.param(("-n", "2", "--dist", "load", FREEZE), id="two workers"),
    pytest.param(
        ("-n", "2", "--dist", "loadfile", FREEZE, KILL), id="a worker that must be killed", marks=pytest.mark.long
    ),
    pytest.param(("-n", "0", FREEZE), id="one process", marks=pytest.mark.long),
]
DEADLINE = 120.0  # seconds until everything has started, and until everything has ended


def processes(place: str | Path) -> dict[int, str]:
    """Everything that runs with `place` in its arguments or environment."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            arguments = (process / "cmdline").read_bytes()
            if os.fsencode(place) in arguments + (process / "environ").read_bytes():
                found[int(process.name)] = arguments.replace(b"\0", b" ").decode(errors="replace")
    return found


def await_true(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def started(place, workers):
    """As many servers as test processes, each with a process that forks, of which a sandbox and a worker are forks."""
    commands = processes(place).values()
    needed = {"unix_socket_directories=": workers, "multiprocessing.forkserver": 3 * workers}
    return all(sum(part in command for command in commands) >= count for part, count in needed.items())


@pytest.fixture
def run(request):
    """A run of the suite in a process group of its own, and its folder."""
    command = [sys.executable, "-u", "-m", "pytest", "-p", "no:cacheprovider", *request.param]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        header = next(line for line in process.stdout if line.startswith("data folders: "))
        folder = header.removeprefix("data folders: ").strip()
        await_true(lambda: started(folder, max(int(request.param[1]), 1)), "the run has started its processes")
        yield process, Path(folder)
        process.kill()
        for pid in processes(folder):  # left only if the test has failed
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("run", RUNS, indirect=True)
def test_sigterm_ends_all_processes_of_a_run(run):
    process, folder = run
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, printed
    assert processes(folder) == {}
    assert not folder.exists()


def test_a_run_that_nohup_or_a_shell_has_put_in_the_background_passes():
    """Both start it with signals that are ignored, which what it starts must not inherit."""
    ignoring = ["sh", "-c", "trap '' INT HUP; exec \"$@\"", "sh"]
    run = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "tests/unit/test_cli.py",
        "-k",
        "signal or terminal",
    ]
    done = subprocess.run([*ignoring, *run], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stdout
