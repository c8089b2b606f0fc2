"""Finds the running server of a data folder, and lets a command use its settings, so that page and terminal agree.

The settings are those of the server's process, which the system gives only to the account that started it: nothing is
written for it, and no key leaves the process.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from alexandria.cli.runtime import liveness
from alexandria.cli.runtime.liveness import RunningProcess
from alexandria.core.errors import Unknown
from alexandria.core.secret_files import DATA_DIR, FOLDER, PREFIX, SECRETS_DIR, default_data_dir

if TYPE_CHECKING:
    from alexandria.cli.output.console import Output

DEMO_FOLDER, TEMPORARY_PREFIX = "demo", "alexandria-demo-"
COMMANDS = ("up", "serve", "work")  # the first that runs has the settings
DATABASE_URL, DATABASE_OPTION = "DATABASE_URL", "--database"
LOG_SETTINGS = (f"{PREFIX}LOG_LEVEL", f"{PREFIX}LOG_FORMAT")
NETWORK = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"})
LIBPQ = frozenset({"PGPASSWORD", "PGPASSFILE", "PGSERVICEFILE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"})
MAX_READ_BYTES = 4_000_000  # of the environment of a process
PROCESSES = Path("/proc")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The server that a command asks for: by `url`, that of the `demo`, or else the one of the data folder."""

    url: str | None = None
    demo: bool = False


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The settings of a server that were found, beside those of the terminal; None if the system does not give them.

    `keys` are the names of the settings that are providers' keys.
    """

    server: RunningProcess | None
    mine: Mapping[str, str]
    theirs: Mapping[str, str] | None

    @classmethod
    def of(cls, server: RunningProcess | None, keys: Collection[str]) -> ServerSettings:
        """Read the settings of the server's process."""
        return cls(server, _configuration(os.environ, keys), _settings_of(server, keys) if server else None)

    @property
    def other_database(self) -> bool:
        """Whether the terminal names a database that is not the server's."""
        own = self.mine.get(DATABASE_URL)
        return own is not None and own != (self.theirs or {}).get(DATABASE_URL)

    def note(self, wanted: Wanted) -> str:
        """Which settings differ, in a sentence; "" if none does, or for the demo, which has its own on purpose."""
        theirs = self.theirs or {}
        names = {*self.mine, *theirs} - {DATA_DIR, SECRETS_DIR}
        differing = sorted(name for name in names if self.mine.get(name) != theirs.get(name))
        if self.server is None or wanted.demo or not differing:
            return ""
        return f"with the settings of {_named(self.server)}, which differ here: {', '.join(differing)}"


@contextlib.contextmanager
def settings_of_server(output: Output, wanted: Wanted) -> Iterator[None]:
    """Use the settings of the running server within the context, if there is one.

    If none was asked for, a terminal that names another database keeps its own settings. Raises Unknown and BadInput.
    """
    from alexandria.core.provider_facts import key_settings

    found = find(wanted)
    if found is None:
        yield
        return
    server, place = found
    settings = ServerSettings.of(server, key_settings().values())
    mine, given = settings.mine, dict(settings.theirs or {})
    if settings.theirs is None:
        if server:
            output.message(f"hint: the settings of process {server.pid} cannot be read here; these are the terminal's")
        given = {name: value for name, value in mine.items() if not wanted.demo or name.upper() in NETWORK}
    given |= {DATA_DIR: str(place)} | ({SECRETS_DIR: str(place / FOLDER)} if wanted.demo else {})
    settings = ServerSettings(server, mine, given)
    if settings.other_database and not wanted.demo and wanted.url is None:
        yield
        return
    if note := settings.note(wanted):
        output.message(note)
    with _replaced(mine, given):
        yield


def find(wanted: Wanted) -> tuple[RunningProcess | None, Path] | None:
    """The process that a command asks for, and its folder; of a demo that was kept only the folder; None for none.

    Raises Unknown and BadInput.
    """
    folder = _data_dir(os.environ)
    return _demo(folder) if wanted.demo else _server(folder, wanted.url)


def runs_here(url: str) -> bool:
    """Whether a server of this account, on this machine, answers at an address. Raises BadInput."""
    return bool(_running(_data_dir(os.environ), url))


def _server(folder: Path, url: str | None) -> tuple[RunningProcess, Path] | None:
    found = _running(folder, url)
    if url is not None and not found:
        from alexandria.cli.runtime import remote_server

        raise Unknown(
            f"no server of this account with the data folder {folder} answers at {url}",
            hint=remote_server.NOT_FOR_OTHERS,
        )
    return min(found, key=lambda each: COMMANDS.index(each[0].command), default=None)


def _running(folder: Path, url: str | None) -> list[tuple[RunningProcess, Path]]:
    """The processes of a data folder, or those of this account at an address, each with its folder."""
    places = [folder] if url is None else [folder, folder / DEMO_FOLDER, *_temporary()]
    found = [(each, place) for place in places for each in liveness.running_in(place)]
    return found if url is None else [each for each in found if each[0].url and _place(each[0].url) == _place(url)]


def _demo(folder: Path) -> tuple[RunningProcess | None, Path]:
    """The process of the running demo and its folder; without a process the folder of a demo that was kept."""
    kept = folder / DEMO_FOLDER
    for place in (kept, *_temporary()):
        if running := liveness.running_in(place):
            return running[0], place
    if (kept / "postgresql").exists():
        return None, kept
    raise Unknown("no demo is running", hint="start one: alexandria demo")


def _temporary() -> list[Path]:
    """The folders of demos that keep nothing, the newest first."""
    found = [each for each in Path(tempfile.gettempdir()).glob(f"{TEMPORARY_PREFIX}*") if not each.is_symlink()]
    own = [each for each in found if each.stat().st_uid == os.geteuid()]
    return sorted(own, key=lambda each: each.stat().st_mtime, reverse=True)


def _data_dir(environment: Mapping[str, str]) -> Path:
    given = environment.get(DATA_DIR)
    return (Path(given).expanduser() if given else default_data_dir()).absolute()


def _settings_of(server: RunningProcess, keys: Collection[str]) -> dict[str, str] | None:
    """The settings of a process, with folders as they are from everywhere; None where the system does not give them."""
    place = PROCESSES / str(server.pid)
    try:
        with (place / "environ").open("rb") as file:
            lines = file.read(MAX_READ_BYTES).split(b"\0")
        with (place / "cmdline").open("rb") as file:
            arguments = [os.fsdecode(each) for each in file.read(MAX_READ_BYTES).split(b"\0")]
        folder = (place / "cwd").resolve(strict=True)
    except OSError:
        return None
    pairs = (os.fsdecode(line).partition("=") for line in lines)
    found = _configuration({name: value for name, _, value in pairs}, keys)
    found |= {name: str(folder / found[name]) for name in (DATA_DIR, SECRETS_DIR) if found.get(name)}
    return found | ({DATABASE_URL: database} if (database := _option(arguments)) else {})


def _option(arguments: list[str]) -> str:
    """The database that a process was given as an option; "" for none."""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if argument == DATABASE_OPTION:
            return following
        if argument.startswith(f"{DATABASE_OPTION}="):
            return argument.partition("=")[2]
    return ""


def _configuration(environment: Mapping[str, str], keys: Collection[str]) -> dict[str, str]:
    """The settings among these variables, but for how the process writes its log."""
    others = {*keys} | NETWORK | LIBPQ | {DATABASE_URL}
    return {
        name: value
        for name, value in environment.items()
        if value and name.upper() not in LOG_SETTINGS and (
            name.upper().startswith(PREFIX) or name.upper() in others
        )
    }  # fmt: skip


@contextlib.contextmanager
def _replaced(mine: Mapping[str, str], given: Mapping[str, str]) -> Iterator[None]:
    """Set these variables instead of those of the terminal."""
    before = {name: os.environ.get(name) for name in {*mine, *given}}
    try:
        for name in mine.keys() - given.keys():
            del os.environ[name]
        os.environ.update(given)
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _named(server: RunningProcess) -> str:
    return f"the server at {server.url} (process {server.pid})" if server.url else f"process {server.pid}"


def _place(url: str) -> tuple[str, int | None, str]:
    """What an address of a server on this machine leads to. Raises BadInput."""
    from alexandria.cli.runtime import remote_server

    parts = urlsplit(remote_server.address_of(url))
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return "localhost" if host in remote_server.LOCAL_NAMES else host, port, parts.path
