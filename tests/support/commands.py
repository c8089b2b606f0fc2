"""Commands as processes of their own: `process` starts one as people do, `run` and `running` fork it, which costs a tenth."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO

from tests.support.forked import Forked


@contextlib.contextmanager
def process(database_url, *arguments, **environment):
    """A command as a process of its own, on the test's database; it is gone at the end."""
    variables = {**os.environ, "DATABASE_URL": database_url, **environment}
    command = [sys.executable, "-m", "alexandria", *arguments]
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            if running.poll() is None:
                running.kill()


@contextlib.contextmanager
def running(*arguments: str, environment: Mapping[str, str]) -> Iterator[tuple[Forked, IO[bytes]]]:
    """A command, and the file of its standard error; it is gone at the end."""
    with tempfile.TemporaryFile() as log, Forked(*arguments, environment=environment, log=log) as forked:
        try:
            yield forked, log
        finally:
            forked.kill()


def run(
    *arguments: str, environment: Mapping[str, str], given: bytes = b"", seconds: float = 200
) -> subprocess.CompletedProcess[str]:
    """Run a command with `given` as its standard input until it ends."""
    with running(*arguments, environment=environment) as (forked, log):
        with contextlib.suppress(BrokenPipeError):  # it may end without having read it
            forked.stdin.write(given)
        forked.stdin.close()
        out = forked.stdout.read().decode()
        code = forked.wait(seconds)
        log.seek(0)
        return subprocess.CompletedProcess(arguments, code, out, log.read().decode())
