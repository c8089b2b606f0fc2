"""Runs the embedded PostgreSQL in the data folder, shared by all processes that use that folder.

The first process starts the server, and the last one stops it. Locks on files record the users, and a process that ends
in any way releases its own:
    gate    held by a process that enters, leaves or starts the server
    users   shared by all processes that use the server
    server  inherited by every process of the server: while it is held, some of them are alive
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg.pq import PGconn, Ping

from alexandria.core.errors import DatabaseUnavailable, Misconfigured, usable_data_dir
from alexandria.database.embedded import installation
from alexandria.database.embedded.installation import OWN_SERVER_HINT, SOCKET

NAME = "alexandria"  # of the database and of its owner
ORPHAN_TIMEOUT = 60.0  # seconds that backends of a killed server may need to end
USERS_CHECK_INTERVAL = 0.05  # seconds between two checks whether a server is still used
MAX_STARTS = 3  # attempts, if the server dies at once
RECOVERY_TIMEOUT = 300.0  # seconds that a server may need to replay its write-ahead log after a crash
MAX_LOG_SIZE, KEPT_LOG_SIZE = 1_000_000, 100_000  # bytes
MIN_MAJOR_VERSION = 15
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class Embedded:
    """Uses the server of `data_dir` within a `with`. Blocks; raises Misconfigured, DatabaseUnavailable.

    `url` is the application's database, through a Unix socket that only this user can reach; `psql` and `pg_dump` are
    clients of the server's version. `durable=False` is for temporary databases: a power failure may break them.
    """

    url: str
    psql: Path
    pg_dump: Path

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self._folder = data_dir.expanduser().absolute()
        self._durable = durable
        self._programs = installation.find_programs()
        self.psql, self.pg_dump = self._programs / "psql", self._programs / "pg_dump"

    def __enter__(self) -> Self:
        with usable_data_dir(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._account = installation.account(self._folder)
            with self._gate() as gate, contextlib.ExitStack() as entered:
                self._users = entered.enter_context(self._lock("users"))
                fcntl.flock(self._users, fcntl.LOCK_SH)
                entered.callback(self._stop_if_last)
                self._locate()
                self._initialise(gate)
                self._start()
                _shorten(self._log)
                self._leave = entered.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        with usable_data_dir(self._folder), self._gate():
            self._leave.close()

    def ensure(self) -> None:
        """Start the server again if it has stopped, and return when it answers."""
        if self._ping() != Ping.OK:
            with usable_data_dir(self._folder), self._gate():
                self._locate()
                self._start()

    def stop_unused(self, timeout: float) -> bool:
        """Stop the server if no process uses it within `timeout` seconds, else return False. Not within a `with`."""
        deadline = time.monotonic() + timeout
        with usable_data_dir(self._folder):
            self._account = installation.account(self._folder)
            while True:
                with self._gate(), self._lock("users") as self._users:  # a process that leaves needs the gate meanwhile
                    if self._stop_if_last():
                        return True
                if time.monotonic() >= deadline:
                    return False
                time.sleep(USERS_CHECK_INTERVAL)

    @contextlib.contextmanager
    def _lock(self, name: str) -> Iterator[int]:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        lock = os.open(self._folder / f"postgresql.{name}", flags, 0o600)
        try:
            if os.geteuid() == 0:
                os.fchown(lock, self._folder.stat().st_uid, -1)
            yield lock
        finally:
            os.close(lock)

    @contextlib.contextmanager
    def _gate(self) -> Iterator[int]:
        with self._lock("gate") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            yield gate

    def _stop_if_last(self) -> bool:
        """Stop the server and return True, unless another process uses it."""
        if not _obtained(self._users):
            return False
        self._locate()
        self._stop()
        if self._socket != self._home:
            shutil.rmtree(self._socket)
        return True

    def _locate(self) -> None:
        """Set the paths of cluster, log and socket. The first process chooses them, and the others find them in the folder."""
        self._home = installation.home(self._folder, self._account)
        self._data, self._log = self._home / "data", self._home / "server.log"
        self._socket = installation.socket_folder(self._home, self._account)
        self.url = self._url(NAME)

    def _url(self, database: str) -> str:
        return _url(self._socket, database)

    def _run(self, program: str, *arguments: str, keep: int | None = None, named: bool = False) -> tuple[int, str]:
        """Run a program and return its exit code and output; `keep` is a lock that it inherits.

        `named`: the program needs a name for its user number. Waits for its end even when interrupted: a server that it
        has started would otherwise be unknown.
        """
        prefix, variables = installation.named(self._account, self._home) if named else ([], {})
        process = subprocess.Popen(
            [*prefix, installation.runnable(self._programs, self._home.parent, self._account) / program, *arguments],
            cwd=self._home,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"} | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            umask=0o077,
            pass_fds=[] if keep is None else [keep],
            start_new_session=True,
            **installation.identity(self._account),
        )
        try:
            output, _ = process.communicate()
        except BaseException:
            process.communicate()
            raise
        return process.returncode, output.strip()

    def _initialise(self, gate: int) -> None:
        """Make the cluster under another name and rename it: a cluster with its final name is complete.

        initdb inherits the gate: if this process is killed, the next one waits for its end.
        """
        if self._data.exists():
            return
        fresh = self._home / "data.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        wanted = [f"--username={NAME}", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        sync = [] if self._durable else ["--no-sync"]
        code, output = self._run("initdb", "--pgdata", fresh.name, *wanted, *sync, keep=gate, named=True)
        if code:
            raise DatabaseUnavailable(f"PostgreSQL could not be set up: {output[-1000:]}", hint=OWN_SERVER_HINT)
        fresh.rename(self._data)
        with _opened(self._home, os.O_RDONLY) as home:
            os.fsync(home)

    def _ping(self) -> Ping:
        return Ping(PGconn.ping(f"{self._url('postgres')}&connect_timeout=5".encode()))

    def _start(self) -> None:
        """Start the server, and return when it answers and has the application's database."""
        began, failures = time.monotonic(), 0
        while True:
            state = self._ping()
            try:
                if state == Ping.OK:
                    return self._create_database()
                if state == Ping.NO_RESPONSE:
                    self._restart()
            except DatabaseUnavailable:
                failures += 1  # the server may have been killed while it started
                if failures == MAX_STARTS:
                    raise
            if time.monotonic() - began > (RECOVERY_TIMEOUT if state == Ping.REJECT else ORPHAN_TIMEOUT):
                raise DatabaseUnavailable(f"PostgreSQL does not answer{self._log_end()}", hint=OWN_SERVER_HINT)
            time.sleep(0.02)

    def _restart(self) -> None:
        with self._lock("server") as server:
            if _obtained(server):
                for leftover in ("postmaster.pid", self._socket / SOCKET, self._socket / f"{SOCKET}.lock"):
                    (self._data / leftover).unlink(missing_ok=True)
                self._check_version()
                self._launch(server)
            elif not (self._socket / SOCKET).exists():
                self._stop()  # it runs, but without a socket it cannot be reached

    def _launch(self, server: int) -> None:
        settings = SETTINGS | ({} if self._durable else NOT_DURABLE) | {"unix_socket_directories": str(self._socket)}
        options = shlex.join(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        files = ["--pgdata", self._data.name, "--log", self._log.name]
        wait = ["--wait", "--timeout", f"{RECOVERY_TIMEOUT:.0f}"]
        code, output = self._run("pg_ctl", "start", *wait, *files, "--options", options, keep=server)
        if code:
            raise DatabaseUnavailable(f"PostgreSQL does not start: {output}{self._log_end()}", hint=OWN_SERVER_HINT)

    def _check_version(self) -> None:
        needed = int((self._data / "PG_VERSION").read_text())
        _, output = self._run("pg_ctl", "--version")
        found = re.search(r"\d+", output)
        if not found or int(found[0]) < MIN_MAJOR_VERSION or int(found[0]) != needed:
            raise Misconfigured(
                f"{output or 'what is installed'} cannot open {self._data}, made by PostgreSQL {needed}",
                hint=f"install PostgreSQL {needed}, set ALEXANDRIA_DATA_DIR to another folder, or {OWN_SERVER_HINT}",
            )

    def _create_database(self) -> None:
        try:
            with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
                known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [NAME])
                if known.fetchone() is None:
                    connection.execute(f"CREATE DATABASE {NAME}")
        except psycopg.Error as refused:
            raise DatabaseUnavailable(f"PostgreSQL refuses: {refused}", hint=OWN_SERVER_HINT) from refused

    def _stop(self) -> None:
        if self._is_own():
            for mode in ("fast", "immediate"):
                code, output = self._run("pg_ctl", "stop", "--wait", "--pgdata", self._data.name, "--mode", mode)
                if code == 0 or not self._is_own():
                    break
            else:
                raise DatabaseUnavailable(f"PostgreSQL does not stop: {output}{self._log_end()}")

    def _is_own(self) -> bool:
        """Return whether a server of this folder runs: the number in its file may be another process's by now."""
        with self._lock("server") as server:
            if _obtained(server):
                return False
        if not Path("/proc/self").exists():
            return True  # not Linux: no containers that number processes differently either
        try:
            pid = (self._data / "postmaster.pid").read_text().partition("\n")[0]
            arguments = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            return False
        return f"unix_socket_directories={self._socket}" in arguments

    def _log_end(self) -> str:
        if not self._log.exists():
            return ""
        return "; its log ends:\n" + "\n".join(self._log.read_text(errors="replace").splitlines()[-8:])


def running(data_dir: Path) -> str | None:
    """Return the URL of the running server of `data_dir`, or None. Neither starts nor keeps it running."""
    home = data_dir.expanduser().absolute() / "postgresql"
    for place in (home / "socket", home):
        if (place / SOCKET).exists():
            return _url(place.resolve(), NAME)
    return None


def stop_unused(data_dir: Path, timeout: float = 0.0) -> bool:
    """Stop a server of `data_dir` that no process uses, as after a crash; starts nothing.

    Waits `timeout` seconds for processes that use it, and returns False if some still do.
    """
    return not (data_dir / "postgresql").exists() or Embedded(data_dir).stop_unused(timeout)


def _url(socket: Path, database: str) -> str:
    return f"postgresql://{NAME}@/{database}?host={quote(os.fsencode(socket), safe='')}"


def _obtained(lock: int) -> bool:
    """Take `lock` if no other process holds it, without waiting."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _shorten(log: Path) -> None:
    if not log.exists():
        return
    with _opened(log, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW) as opened:
        size = os.fstat(opened).st_size
        if size > MAX_LOG_SIZE:
            end = os.pread(opened, KEPT_LOG_SIZE, size - KEPT_LOG_SIZE)
            os.ftruncate(opened, 0)
            os.write(opened, end)


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    opened = os.open(path, flags)
    try:
        yield opened
    finally:
        os.close(opened)
