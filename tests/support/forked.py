"""Commands of ours in processes that need not import the program first, which is most of what a start costs.

The first of them starts a process that imports the program and then waits. Each command is a fork of that one, in a session
of its own, with the environment, the input and the outputs that it is given; it can be killed and frozen like any other.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection, wait
from typing import IO, NoReturn, Self
from unittest import mock

from alexandria.__main__ import main
from alexandria.cli.runtime import demo

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        __name__,
        "alexandria.bibliography.loader",
        "alexandria.cli.main",
        "alexandria.cli.runtime.api_process",
        "alexandria.cli.runtime.worker_process",
        "alexandria.sandbox.app",
        "tests.support.forked_start",
    ]
)
_LOCK = threading.Lock()  # how a process has ended can be read once, and the start of another reads it too


class Forked:
    """A command that runs, with what tests use of `subprocess.Popen`; `stdin` and `stdout` are pipes.

    `prepare`, a function that can be pickled, is called in the process before the command begins.
    """

    def __init__(
        self,
        *arguments: str,
        environment: Mapping[str, str],
        log: IO[bytes],
        prepare: Callable[[], object] | None = None,
    ) -> None:
        theirs_in, ours_in = multiprocessing.Pipe(duplex=False)
        ours_out, theirs_out = multiprocessing.Pipe(duplex=False)
        with theirs_in, ours_in, ours_out, theirs_out, Connection(os.dup(log.fileno()), readable=False) as stderr:
            given = (arguments, dict(environment), (theirs_in, theirs_out, stderr), prepare)
            self._process = _CONTEXT.Process(target=_run, args=given, daemon=True)
            # What is killed leaves no coverage, and what is timed is the product, not its tracing.
            untraced = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
            with _LOCK, mock.patch.dict(os.environ, untraced, clear=True):
                self._process.start()
            self.stdin = os.fdopen(os.dup(ours_in.fileno()), "wb", buffering=0)
            self.stdout = os.fdopen(os.dup(ours_out.fileno()), "rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.kill()
        self.stdin.close()
        self.wait()
        self.stdout.close()

    @property
    def pid(self) -> int:
        pid = self._process.pid
        assert pid is not None
        return pid

    def poll(self) -> int | None:
        with _LOCK:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        if not wait([self._process.sentinel], timeout):
            raise subprocess.TimeoutExpired(str(self._process), timeout or 0)
        code = self.poll()
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkedChild(demo.Child):
    """A command of the demo's kind."""

    def __enter__(self) -> Self:
        arguments = [self._command, "--json", "--while-stdin", *self._options]
        with self._log.open("wb") as log:
            self._process = Forked(*arguments, environment=self._environment, log=log)  # type: ignore[assignment]
        return self


def _run(
    arguments: tuple[str, ...],
    environment: dict[str, str],
    ends: tuple[Connection, ...],
    prepare: Callable[[], object] | None,
) -> NoReturn:
    """Be that command from here on."""
    gc.freeze()  # to search what was there before for garbage would copy its memory
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    time.tzset()
    for number, end in enumerate(ends):
        os.dup2(end.fileno(), number)
        end.close()
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115 # until its end
    sys.argv = ["alexandria", *arguments]
    if prepare is not None:
        prepare()
    sys.exit(main())
