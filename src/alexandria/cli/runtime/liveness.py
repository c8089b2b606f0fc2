"""Shows systemd and `alexandria health` that the event loop of a long-running process still runs.

Each process holds a lock on a file of its own and touches it every second, from its event loop: a file that is locked
but not touched belongs to a process that hangs, one that is not locked to a process that has ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BEAT_INTERVAL = 1.0  # seconds
MAX_SILENCE = 30.0  # seconds without a beat after which a process counts as hanging
FOLDER = "processes"  # within the data folder
_FOLDER_MODE, _FILE_MODE = 0o700, 0o600


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """A process of this machine: its command, its address if it serves, and the seconds since its event loop last ran.

    A server that serves tells its account how to ask for its state: by `token`, which it made at its start and which admits
    to nothing else. `keys` are the names of the settings that are providers' keys.
    """

    command: str
    pid: int
    silent: float
    url: str = ""
    data_dir: str = ""
    token: str = field(default="", repr=False)
    keys: tuple[str, ...] = ()

    @property
    def hangs(self) -> bool:
        return self.silent > MAX_SILENCE


@contextlib.asynccontextmanager
async def beating(
    command: str, data_dir: Path, url: str = "", *, token: str = "", keys: Sequence[str] = ()
) -> AsyncIterator[None]:
    """While the context is open, show that the event loop runs; the rest is for `RunningProcess`."""
    import asyncio

    described = _described(command, data_dir, url) | {"token": token, "keys": [*keys]}
    with contextlib.ExitStack() as stack:
        file = next(filter(None, (_claim(folder, described, stack) for folder in _folders(data_dir))), None)
        if file is None:
            import structlog

            structlog.get_logger(__name__).warning(
                "alexandria health cannot find this process", hint="make the data folder or /tmp writable"
            )
        beat = asyncio.create_task(_beat(file))
        try:
            yield
        finally:
            notify("STOPPING=1")
            beat.cancel()
            await asyncio.wait({beat})


def notify(state: str) -> None:
    """Send systemd a message such as READY=1 if it started this process, as sd_notify(3) does. Never raises."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    name = f"\0{address[1:]}" if address.startswith("@") else address
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.setblocking(False)
        manager.sendto(state.encode(), name)


def running(data_dir: Path) -> list[RunningProcess]:
    """Return the long-running processes of this machine or container that use this data folder or this account."""
    files = [path for folder in _folders(data_dir) if _is_ours(folder) for path in sorted(folder.glob(f"{_host()}.*"))]
    return [found for path in files if (found := _read(path)) is not None]


def running_in(data_dir: Path) -> list[RunningProcess]:
    """Return the long-running processes of this machine or container that use this data folder."""
    return [each for each in running(data_dir) if each.data_dir == str(data_dir.absolute())]


async def _beat(file: Path | None) -> None:
    import asyncio

    watched = _is_watched()
    while True:
        if file is not None:
            with contextlib.suppress(OSError):
                os.utime(file)
        if watched:
            notify("WATCHDOG=1")
        await asyncio.sleep(BEAT_INTERVAL)


def _is_watched() -> bool:
    """Whether systemd ends this process unless it hears from it (WatchdogSec=)."""
    return "WATCHDOG_USEC" in os.environ and os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())


def _described(command: str, data_dir: Path, url: str) -> dict[str, Any]:
    return {"command": command, "pid": os.getpid(), "url": url, "data_dir": str(data_dir.absolute())}


def _claim(folder: Path, described: dict[str, Any], stack: contextlib.ExitStack) -> Path | None:
    """Create and lock the file of this process, removed with `stack`; None where that is not possible."""
    path = folder / f"{_host()}.{os.getpid()}.{secrets.token_hex(4)}"
    with contextlib.suppress(OSError):
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        if not _is_ours(folder):
            return None
        file = stack.enter_context(path.open("x", encoding="utf-8"))
        os.fchmod(file.fileno(), _FILE_MODE)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        json.dump(described, file)
        file.flush()
        stack.callback(path.unlink, missing_ok=True)
        return path
    return None


def _read(path: Path) -> RunningProcess | None:
    """Return the process of a file, or None if it has ended; then the file is removed."""
    with contextlib.suppress(OSError, ValueError, KeyError), path.open("r+", encoding="utf-8") as file:
        silent = time.time() - os.fstat(file.fileno()).st_mtime
        if _lock(file):
            path.unlink(missing_ok=True)
            return None
        found = json.load(file)
        url, data_dir, token = (str(found.get(name, "")) for name in ("url", "data_dir", "token"))
        keys = tuple(map(str, found.get("keys", ())))
        return RunningProcess(str(found["command"]), int(found["pid"]), max(silent, 0.0), url, data_dir, token, keys)
    return None


def _lock(file: Any) -> bool:
    """Whether no other process held the lock."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _folders(data_dir: Path) -> Iterator[Path]:
    """Where the files may be: in the data folder, or where that cannot be written, in that of temporary files."""
    yield data_dir / FOLDER
    yield Path(tempfile.gettempdir()) / f"alexandria-{os.getuid()}"


def _is_ours(folder: Path) -> bool:
    """Whether it is a folder of this account, and not a link that another account has put there."""
    with contextlib.suppress(OSError):
        return not folder.is_symlink() and folder.is_dir() and folder.stat().st_uid == os.getuid()
    return False


def _host() -> str:
    return socket.gethostname().partition(".")[0] or "localhost"
