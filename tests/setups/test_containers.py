"""As in a container: a user number without a name, no HOME, a read-only root, and a health command that finds the process."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

USER = 54321  # a number that no account has
INSIDE = (
    "mount -o remount,bind,ro / && mount -t tmpfs -o size=16m,mode=1777 none /var/tmp && "
    f'exec setpriv --reuid={USER} --regid={USER} --clear-groups "$@"'
)
CONTAINER = ["unshare", "--mount", "sh", "-c", INSIDE, "sh"]


def can_run():
    program = [*CONTAINER, sys.executable, "-c", "import alexandria"]
    found = all(map(shutil.which, ("unshare", "setpriv")))
    return found and subprocess.run(program, check=False, capture_output=True, env={}).returncode == 0


pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not can_run(), reason="only root may make a read-only root, and others must be able to read .venv"
    ),
]


@pytest.fixture
def environment(operator_by_tcp, sandbox):
    """Nothing of ours: as an image gives it, with a data folder that cannot be written."""
    return {
        **{name: value for name, value in sandbox.items() if not name.startswith(("HOME", "XDG"))},
        "PATH": "/usr/bin:/bin",
        "TMPDIR": "/var/tmp",
        "ALEXANDRIA_DATA_DIR": "/var/lib/alexandria",
        "DATABASE_URL": operator_by_tcp,
        "ALEXANDRIA_WEBHOOK_SECRET": "s" * 40,
        "ALEXANDRIA_LOG_FORMAT": "json",
    }


@pytest.fixture
def operator_by_tcp(cluster):
    made = cluster()
    made.give("books", "ann")
    return made.url("ann", "books")


def run(environment, *arguments):
    called = [*CONTAINER, sys.executable, "-m", "alexandria", "--json", *arguments]
    done = subprocess.run(called, env=environment, capture_output=True, text=True, check=False, timeout=400)
    assert "Traceback" not in done.stderr, done.stderr
    assert "fault of alexandria" not in done.stdout + done.stderr, done.stdout
    return done.returncode, json.loads(done.stdout)["data"], done.stderr


def test_every_command_works_without_a_name_a_home_and_a_place_to_write(environment):
    assert run(environment, "migrate")[0] == 0
    assert run(environment, "seed", "2023")[0] == 0
    assert run(environment, "schedule", "--batch-size", "2")[1]["months_selected"] == 2
    assert run(environment, "pause", "--minutes", "5")[0] == 0
    assert run(environment, "resume")[0] == 0
    code, checks, _ = run(environment, "doctor")
    assert code in (0, 1)
    assert {each["name"]: each["ok"] for each in checks}["database"]
    called = [*CONTAINER, sys.executable, "-m", "alexandria", "work", "--until-idle"]
    done = subprocess.run(called, env=environment, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr
    assert run(environment, "status")[1]["by_status"]["completed"] == 2
    assert run(environment, "config")[0] == 0


@contextlib.contextmanager
def container(environment, *command):
    """A container with a process of ours; yields a function that runs another command in it, as `docker exec` does."""
    called = [*CONTAINER, sys.executable, "-m", "alexandria", *command]
    with subprocess.Popen(called, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:

        def execute(*arguments):
            enter = ["nsenter", "--mount", f"--target={process.pid}", "setpriv", f"--reuid={USER}", f"--regid={USER}",
                     "--clear-groups", sys.executable, "-m", "alexandria", "--json", *arguments]  # fmt: skip
            done = subprocess.run(enter, env=environment, capture_output=True, text=True, check=False, timeout=60)
            return done.returncode, json.loads(done.stdout)["data"] if done.stdout else done.stderr

        try:
            yield process, execute
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
            process.terminate()
            process.communicate()


@pytest.mark.parametrize("command", [("work",), ("serve", "--port", "0")], ids=lambda command: command[0])
def test_the_health_command_of_a_container_finds_its_process(environment, until, command):
    assert run(environment, "migrate")[0] == 0
    with container(environment, *command) as (process, execute):
        code, found = until(lambda: (answer := execute("health"))[0] == 0 and answer, "a healthy container")
        assert [(each["command"], each["hangs"]) for each in found["processes"]] == [(command[0], False)]
        process.terminate()
        assert process.wait(30) == 0
    assert code == 0
