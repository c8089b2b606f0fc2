"""Where is the database when nobody configured one? In the data folder: a PostgreSQL shared by all who use that folder.

The first process in starts the server, the last one out stops it. Locks on files tell who is there, and no process,
however it ends, leaves one behind:
    gate    held by whoever is entering, leaving or starting the server
    users   held together by everybody who is in
    server  inherited by every process of the server: while it is held, something of a server is alive
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

from alexandria.core.errors import DatabaseUnavailable, Misconfigured
from alexandria.database.embedded import installation
from alexandria.database.embedded.installation import ELSEWHERE, SOCKET

NAME = "alexandria"  # of the database and of its owner
ORPHANS_LEAVE = 60.0  # seconds that backends of a killed server may need to notice and go
STARTS = 3  # attempts, if the server dies at once
RECOVERY_LASTS = 300.0  # seconds that a server may need to read its write-ahead log after a crash
LONGEST_LOG, KEPT_LOG = 1_000_000, 100_000  # bytes
OLDEST = 15  # major version
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
RECKLESS = {"fsync": "off", "full_page_writes": "off"}


class Embedded:
    """A share in the server of `data_dir` for the length of a `with`. Blocks; raises Misconfigured, DatabaseUnavailable.

    `url` is the application's database, through a Unix socket that only this user can reach; `psql` and `pg_dump` are
    clients of the server's version. `durable=False` is for databases that are thrown away: a power failure may break them.
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
        with _explained(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._account = installation.account(self._folder)
            with self._gate() as gate, contextlib.ExitStack() as entered:
                self._users = entered.enter_context(self._lock("users"))
                fcntl.flock(self._users, fcntl.LOCK_SH)
                entered.callback(self._stop_if_last)
                self._settle()
                self._initialise(gate)
                self._start()
                _shorten(self._log)
                self._leave = entered.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        with _explained(self._folder), self._gate():
            self._leave.close()

    def ensure(self) -> None:
        """Start the server again if it is gone; returns when it answers. For whoever has lost the connection."""
        if self._ping() != Ping.OK:
            with _explained(self._folder), self._gate():
                self._settle()
                self._start()

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

    def _stop_if_last(self) -> None:
        if _obtained(self._users):
            self._settle()
            self._stop()
            if self._socket != self._home:
                shutil.rmtree(self._socket)

    def _settle(self) -> None:
        """Where cluster, log and socket are. The first process decides, the others find its decision in the folder."""
        self._home = installation.home(self._folder, self._account)
        self._data, self._log = self._home / "data", self._home / "server.log"
        self._socket = installation.socket_folder(self._home, self._account)
        self.url = self._url(NAME)

    def _url(self, database: str) -> str:
        return _url(self._socket, database)

    def _run(self, program: str, *arguments: str, keep: int | None = None) -> tuple[int, str]:
        """Exit code and output; `keep` is a lock that the program inherits.

        Waits for the end even when interrupted: nobody else would know of a server that it has started.
        """
        process = subprocess.Popen(
            [installation.runnable(self._programs, self._home.parent, self._account) / program, *arguments],
            cwd=self._home,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
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
        """Make the cluster under another name: one that has its right name is complete.

        initdb inherits the gate: if we are killed, the next process waits for its end.
        """
        if self._data.exists():
            return
        fresh = self._home / "data.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        wanted = [f"--username={NAME}", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        sync = [] if self._durable else ["--no-sync"]
        code, output = self._run("initdb", "--pgdata", fresh.name, *wanted, *sync, keep=gate)
        if code:
            raise DatabaseUnavailable(f"PostgreSQL could not be set up: {output[-1000:]}", hint=ELSEWHERE)
        fresh.rename(self._data)
        with _opened(self._home, os.O_RDONLY) as home:
            os.fsync(home)

    def _ping(self) -> Ping:
        return Ping(PGconn.ping(f"{self._url('postgres')}&connect_timeout=5".encode()))

    def _start(self) -> None:
        """Returns when the server answers and has the application's database."""
        began, failures = time.monotonic(), 0
        while True:
            state = self._ping()
            try:
                if state == Ping.OK:
                    return self._create_database()
                if state == Ping.NO_RESPONSE:
                    self._revive()
            except DatabaseUnavailable:
                failures += 1  # it may have been killed while it started
                if failures == STARTS:
                    raise
            if time.monotonic() - began > (RECOVERY_LASTS if state == Ping.REJECT else ORPHANS_LEAVE):
                raise DatabaseUnavailable(f"PostgreSQL does not answer{self._last_words()}", hint=ELSEWHERE)
            time.sleep(0.02)

    def _revive(self) -> None:
        with self._lock("server") as server:
            if _obtained(server):
                for leftover in ("postmaster.pid", self._socket / SOCKET, self._socket / f"{SOCKET}.lock"):
                    (self._data / leftover).unlink(missing_ok=True)
                self._check_version()
                self._launch(server)
            elif not (self._socket / SOCKET).exists():
                self._stop()  # it runs, but nobody can reach it any more

    def _launch(self, server: int) -> None:
        settings = SETTINGS | ({} if self._durable else RECKLESS) | {"unix_socket_directories": str(self._socket)}
        options = shlex.join(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        files = ["--pgdata", self._data.name, "--log", self._log.name]
        wait = ["--wait", "--timeout", f"{RECOVERY_LASTS:.0f}"]
        code, output = self._run("pg_ctl", "start", *wait, *files, "--options", options, keep=server)
        if code:
            raise DatabaseUnavailable(f"PostgreSQL does not start: {output}{self._last_words()}", hint=ELSEWHERE)

    def _check_version(self) -> None:
        needed = int((self._data / "PG_VERSION").read_text())
        _, output = self._run("pg_ctl", "--version")
        found = re.search(r"\d+", output)
        if not found or int(found[0]) < OLDEST or int(found[0]) != needed:
            raise Misconfigured(
                f"{output or 'what is installed'} cannot open {self._data}, made by PostgreSQL {needed}",
                hint=f"install PostgreSQL {needed}, set ALEXANDRIA_DATA_DIR to another folder, or {ELSEWHERE}",
            )

    def _create_database(self) -> None:
        try:
            with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
                known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [NAME])
                if known.fetchone() is None:
                    connection.execute(f"CREATE DATABASE {NAME}")
        except psycopg.Error as refused:
            raise DatabaseUnavailable(f"PostgreSQL refuses: {refused}", hint=ELSEWHERE) from refused

    def _stop(self) -> None:
        if self._is_ours():
            for mode in ("fast", "immediate"):
                code, output = self._run("pg_ctl", "stop", "--wait", "--pgdata", self._data.name, "--mode", mode)
                if code == 0 or not self._is_ours():
                    break
            else:
                raise DatabaseUnavailable(f"PostgreSQL does not stop: {output}{self._last_words()}")

    def _is_ours(self) -> bool:
        """Is there a server that we may send a signal to? The number in its file may be another process's by now."""
        with self._lock("server") as server:
            if _obtained(server):
                return False
        if not Path("/proc/self").exists():
            return True  # not Linux: no way to ask, but no containers that number processes differently either
        try:
            pid = (self._data / "postmaster.pid").read_text().partition("\n")[0]
            arguments = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            return False
        return f"unix_socket_directories={self._socket}" in arguments

    def _last_words(self) -> str:
        if not self._log.exists():
            return ""
        return "; its log ends:\n" + "\n".join(self._log.read_text(errors="replace").splitlines()[-8:])


def running(data_dir: Path) -> str | None:
    """Where the server of `data_dir` answers, if there is one. Starts nothing and takes no share in it."""
    home = data_dir.expanduser().absolute() / "postgresql"
    for place in (home / "socket", home):
        if (place / SOCKET).exists():
            return _url(place.resolve(), NAME)
    return None


def _url(socket: Path, database: str) -> str:
    return f"postgresql://{NAME}@/{database}?host={quote(os.fsencode(socket), safe='')}"


def _obtained(lock: int) -> bool:
    """Take `lock` for ourselves if nobody else holds it; never waits."""
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
        if size > LONGEST_LOG:
            end = os.pread(opened, KEPT_LOG, size - KEPT_LOG)
            os.ftruncate(opened, 0)
            os.write(opened, end)


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    opened = os.open(path, flags)
    try:
        yield opened
    finally:
        os.close(opened)


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise Misconfigured(
            f"PostgreSQL cannot live in {folder}: {problem}",
            hint=f"set ALEXANDRIA_DATA_DIR to another folder, or {ELSEWHERE}",
        ) from problem
