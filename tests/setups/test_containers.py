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


FORKS = """
import json, os, sys
import alexandria.cli.runtime.worker_process
from alexandria.__main__ import main
for line in sys.stdin:
    out, err = os.memfd_create("out"), os.memfd_create("err")
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.argv = ["alexandria", *json.loads(line)]
        sys.exit(main())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps([code, *(os.pread(end, 1_000_000, 0).decode() for end in (out, err))]), flush=True)
"""


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


@contextlib.contextmanager
def entered(environment):
    """A function: runs a command in one container, as a fork of a process that has imported the program there."""
    called = [*CONTAINER, sys.executable, "-c", FORKS]
    with subprocess.Popen(called, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        asking, answers = process.stdin, process.stdout
        assert asking is not None
        assert answers is not None

        def run(*arguments):
            asking.write(json.dumps(arguments) + "\n")
            asking.flush()
            code, out, err = json.loads(answers.readline())
            assert "Traceback" not in err, err
            assert "fault of alexandria" not in out + err, out
            return code, json.loads(out)["data"] if out else err

        yield run


def test_every_command_works_without_a_name_a_home_and_a_place_to_write(environment):
    with entered(environment) as run:
        assert run("--json", "migrate")[0] == 0
        assert run("--json", "seed", "2023")[0] == 0
        assert run("--json", "schedule", "--batch-size", "2")[1]["months_selected"] == 2
        assert run("--json", "pause", "--minutes", "5")[0] == 0
        assert run("--json", "resume")[0] == 0
        code, checks = run("--json", "doctor")
        assert code in (0, 1)
        assert {each["name"]: each["ok"] for each in checks}["database"]
        code, err = run("work", "--until-idle")
        assert code == 0, err
        assert run("--json", "status")[1]["by_status"]["completed"] == 2
        assert run("--json", "config")[0] == 0


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
    with entered(environment) as run:
        assert run("--json", "migrate")[0] == 0
    with container(environment, *command) as (process, execute):
        code, found = until(lambda: (answer := execute("health"))[0] == 0 and answer, "a healthy container")
        assert [(each["command"], each["hangs"]) for each in found["processes"]] == [(command[0], False)]
        process.terminate()
        assert process.wait(30) == 0
    assert code == 0
