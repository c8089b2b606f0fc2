"""Where is the database when nobody configured one? A PostgreSQL in the data folder, shared by every process that uses it.

The first process in starts the server, the last one out stops it. Who is in is told by locks, which a killed process
cannot keep: `users` is held shared by everybody, `gate` by whoever is entering, leaving or starting the server.
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

from alexandria.errors import DatabaseUnavailable, Misconfigured
from alexandria.store import premises
from alexandria.store.premises import ELSEWHERE, SOCKET

NAME = "alexandria"  # of the database and of its owner
ORPHANS_LEAVE = 20.0  # seconds that backends of a killed server may need to notice and go
RECOVERY_LASTS = 300.0  # seconds that a server may need to read its write-ahead log after a crash
LONGEST_LOG = 1_000_000  # bytes
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
RECKLESS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class Embedded:
    """A share in the server of `data_dir`, from `with` to its end. Raises Misconfigured and DatabaseUnavailable.

    `url` is the application's database, through a Unix socket that only this user can reach; `psql` and `pg_dump` are
    clients of the server's version. `durable=False` is for databases that are thrown away: a crash may break them.
    """

    url: str
    psql: Path
    pg_dump: Path

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self._folder = data_dir.expanduser().absolute()
        self._durable = durable
        self._programs = premises.find_programs()
        self.psql, self.pg_dump = self._programs / "psql", self._programs / "pg_dump"

    def __enter__(self) -> Self:
        with _explained(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked("gate", fcntl.LOCK_EX) as gate:
                self._account = premises.account(self._folder)
                self._users = self._open("users")
                fcntl.flock(self._users, fcntl.LOCK_SH)
                try:
                    self._settle()
                    self._initialise(gate)
                    self._start()
                except BaseException:
                    self._leave()
                    raise
        return self

    def __exit__(self, *_: object) -> None:
        with _explained(self._folder), self._locked("gate", fcntl.LOCK_EX):
            self._leave()

    def ensure(self) -> None:
        """Start the server again if it is gone; returns when it answers. For whoever has lost the connection."""
        if self._ping() != Ping.OK:
            with _explained(self._folder), self._locked("gate", fcntl.LOCK_EX):
                self._settle()
                self._start()

    # Locks

    def _open(self, name: str) -> int:
        path = self._folder / f"postgresql.{name}"
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if os.geteuid() == 0:
            os.fchown(lock, self._folder.stat().st_uid, -1)
        return lock

    @contextlib.contextmanager
    def _locked(self, name: str, kind: int) -> Iterator[int]:
        lock = self._open(name)
        try:
            fcntl.flock(lock, kind)
            yield lock
        finally:
            os.close(lock)

    def _leave(self) -> None:
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._settle()
            self._stop()
        except BlockingIOError:
            return  # others are still in
        finally:
            os.close(self._users)

    # Places

    def _settle(self) -> None:
        """Where cluster, log and socket are. The first process decides, the others find its decision in the folder."""
        self._home = premises.home(self._folder, self._account)
        self._data, self._log = self._home / "data", self._home / "server.log"
        self._socket = premises.socket_folder(self._home, self._account)
        self.url = self._url(NAME)

    def _url(self, database: str) -> str:
        return f"postgresql://{NAME}@/{database}?host={quote(os.fsencode(self._socket), safe='')}"

    def _runnable(self) -> Path:
        """The programs where the server's account can run them: root's environments are often closed to others."""
        if os.geteuid() != 0:
            return self._programs
        share = self._programs.parent / "share" / "postgres.bki"
        if premises.can(self._account, "-x", self._programs / "postgres") and (
            not share.exists() or premises.can(self._account, "-r", share)
        ):
            return self._programs
        return premises.copy_programs(self._programs, self._home.parent)

    # Server

    def _run(self, program: str, *arguments: str, keep: tuple[int, ...] = ()) -> tuple[int, str]:
        """Exit code and output. Runs to its end even if we are interrupted: nobody else would know of its server."""
        process = subprocess.Popen(
            [self._runnable() / program, *arguments],
            cwd=self._home,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            umask=0o077,
            pass_fds=keep,
            start_new_session=True,
            **premises.identity(self._account),
        )
        try:
            output, _ = process.communicate()
        except BaseException:
            process.communicate()
            raise
        return process.returncode, output

    def _initialise(self, gate: int) -> None:
        """Make the cluster under another name, so that one with its right name is complete.

        initdb keeps the gate: if we are killed, the next process waits until it has ended.
        """
        if self._data.exists():
            return
        fresh = self._home / "data.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        sync = [] if self._durable else ["--no-sync"]
        wanted = [f"--username={NAME}", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        code, output = self._run("initdb", "--pgdata", fresh.name, *wanted, *sync, keep=(gate,))
        if code:
            raise DatabaseUnavailable(f"PostgreSQL could not be set up: {output.strip()[-1000:]}", hint=ELSEWHERE)
        fresh.rename(self._data)
        with _opened(self._home) as home:
            os.fsync(home)

    def _ping(self) -> Ping:
        return Ping(PGconn.ping(f"{self._url('postgres')}&connect_timeout=5".encode()))

    def _start(self) -> None:
        """Returns when the server answers and has the application's database."""
        began, output = time.monotonic(), ""
        while (state := self._ping()) != Ping.OK:
            if time.monotonic() - began > (RECOVERY_LASTS if state == Ping.REJECT else ORPHANS_LEAVE):
                raise DatabaseUnavailable(f"PostgreSQL does not start: {output}{self._last_words()}", hint=ELSEWHERE)
            if state == Ping.NO_RESPONSE:
                self._check_version()
                self._clear_the_way()
                code, output = self._launch()
                if code == 0:
                    continue
            time.sleep(0.1)
        self._create_database()

    def _launch(self) -> tuple[int, str]:
        settings = SETTINGS | ({} if self._durable else RECKLESS) | {"unix_socket_directories": str(self._socket)}
        options = shlex.join(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        if self._log.exists() and self._log.stat().st_size > LONGEST_LOG:
            self._log.rename(self._log.with_suffix(".log.1"))
        return self._run(
            "pg_ctl", "start", "--pgdata", self._data.name, "--log", self._log.name, "--options", options, "--wait"
        )

    def _create_database(self) -> None:
        try:
            with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
                known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [NAME])
                if known.fetchone() is None:
                    connection.execute(f"CREATE DATABASE {NAME}")
        except psycopg.Error as refused:
            raise DatabaseUnavailable(f"PostgreSQL refuses: {refused}", hint=ELSEWHERE) from refused

    def _postmaster(self) -> int | None:
        """The number of the running server's process, or None. A number alone proves nothing: it may be somebody else's."""
        pid = _first_number(self._data / "postmaster.pid")
        ours = f"unix_socket_directories={self._socket}"
        return pid if pid and ours in _command_line(pid) else None

    def _clear_the_way(self) -> None:
        """Deal with what PostgreSQL itself refuses to clean up before a start."""
        if self._postmaster():
            self._stop()  # it runs, but somebody removed its socket
        for leftover in (self._data / "postmaster.pid", self._socket / f"{SOCKET}.lock"):
            pid = _first_number(leftover)
            if pid and _alive(pid):
                leftover.unlink()  # a living process that is not the server has got the dead one's number

    def _stop(self) -> None:
        if self._postmaster():
            for mode in ("fast", "immediate"):
                code, output = self._run("pg_ctl", "stop", "--pgdata", self._data.name, "--mode", mode, "--wait")
                if code == 0:
                    break
            else:
                raise DatabaseUnavailable(f"PostgreSQL does not stop: {output}{self._last_words()}")
        if self._socket != self._home:
            shutil.rmtree(self._socket)

    def _check_version(self) -> None:
        _, output = self._run("pg_ctl", "--version")
        found = re.search(r"\d+", output)
        version, needed = int(found[0]) if found else 0, _first_number(self._data / "PG_VERSION")
        if version < OLDEST or version != needed:
            raise Misconfigured(
                f"PostgreSQL {version} in {self._programs} cannot open a database of PostgreSQL {needed}",
                hint=f"install PostgreSQL {needed}, choose another ALEXANDRIA_DATA_DIR, or {ELSEWHERE}",
            )

    def _last_words(self) -> str:
        if not self._log.exists():
            return ""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-8:])


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise Misconfigured(
            f"PostgreSQL cannot live in {folder}: {problem}",
            hint=f"set ALEXANDRIA_DATA_DIR to another folder, or {ELSEWHERE}",
        ) from problem


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    opened = os.open(folder, os.O_RDONLY)
    try:
        yield opened
    finally:
        os.close(opened)


def _first_number(path: Path) -> int | None:
    try:
        found = re.match(r"\d+", path.read_text())
    except FileNotFoundError:
        return None
    return int(found[0]) if found else None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _command_line(pid: int) -> str:
    """The arguments of a process, "" if there is none."""
    if not Path("/proc/self").exists():
        return subprocess.run(
            ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except FileNotFoundError:
        return ""
