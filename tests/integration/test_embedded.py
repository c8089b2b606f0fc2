"""The embedded server: several processes share one, and none of their deaths breaks it."""

import contextlib
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psycopg
import pytest

from alexandria.core.errors import DatabaseUnavailable, Misconfigured
from alexandria.database.embedded import installation
from alexandria.database.embedded import server as embedded
from alexandria.database.embedded.server import Embedded

pytestmark = pytest.mark.long
HOLDER = """
import os, psycopg, pwd, sys
from alexandria.database.embedded.server import Embedded, Path
folder, user, programs = sys.argv[1:]
share = Embedded(Path(folder), durable=False)
if programs:
    share._programs = Path(programs)
if user.isdigit():
    os.setgroups([]), os.setgid(int(user)), os.setuid(int(user))
    os.environ.pop("HOME", None)
elif user:
    entry = pwd.getpwnam(user)
    os.setgroups([]), os.setgid(entry.pw_gid), os.setuid(entry.pw_uid)
    os.environ["HOME"] = entry.pw_dir
with share:
    print(share.url, flush=True)
    sys.stdin.read()
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server under another account")


class Holder:
    """Another process that uses the server until its standard input ends."""

    def __init__(self, folder, *, user="", programs=""):
        # Another user could not write the coverage of the process where ours is.
        kept = {name: value for name, value in os.environ.items() if not (user and name.startswith("COVERAGE_PROCESS"))}
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, folder, user, programs],
            env=kept,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def url(self):
        assert self.process.stdout
        assert self.process.stderr
        return self.process.stdout.readline().strip() or pytest.fail(self.process.stderr.read())

    def leave(self):
        assert self.process.communicate()[1] == ""
        assert self.process.returncode == 0

    def kill(self):
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def holder():
    """Starts holders; none outlives the test, and neither does a process of the server."""
    holders = []

    def start(folder, **options):
        holders.append(Holder(folder, **options))
        return holders[-1]

    yield start
    for each in holders:
        if each.process.poll() is None:
            each.kill()


@pytest.fixture(scope="session")
def used():
    """A data folder after a first start, for all tests to which its past does not matter."""
    place = Path(tempfile.mkdtemp(prefix="alexandria-used-", dir="/tmp"))
    place.chmod(0o711)
    with Embedded(place / "data", durable=False):
        pass
    yield place / "data"
    shutil.rmtree(place)


@pytest.fixture
def folder(used):
    yield used
    for left in servers_of(used):
        os.kill(left, signal.SIGQUIT)
        pytest.fail("a server was left running")


def query(url, statement, *values):
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchone() if cursor.description else None


def postmaster(folder):
    return int((folder / "postgresql/data/postmaster.pid").read_text().splitlines()[0])


def kill_server(folder):
    pid = postmaster(folder)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not command_line(pid))


def command_line(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    return ""


def servers_of(folder):
    """Numbers of the postmasters that keep their socket in `folder`."""
    home = str((folder / "postgresql").resolve())
    numbers = [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [int(number) for number in numbers if f"unix_socket_directories={home}\0" in command_line(number)]


def eventually(condition, seconds=20):
    """Wait for a state that no event announces."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_the_first_start_makes_a_private_safe_database_and_the_end_stops_it(data_dir):
    with Embedded(data_dir) as server:
        settings = [
            "fsync",
            "full_page_writes",
            "synchronous_commit",
            "server_encoding",
            "TimeZone",
            "listen_addresses",
        ]
        shown = [query(server.url, f"SHOW {setting}")[0] for setting in settings]
        assert shown == ["on", "on", "on", "UTF8", "UTC", ""]
        assert query(server.url, "SELECT current_database(), 'ÉCOLE' ILIKE 'école'") == ("alexandria", True)
        query(server.url, "CREATE EXTENSION pg_trgm")
        assert query(server.url, "SELECT similarity('Мастер и Маргарита', 'Мастер')")[0] > 0.3
        assert "1 row" in subprocess.check_output([server.psql, server.url, "-c", "SELECT 1"], text=True)
        assert "pg_trgm" in subprocess.check_output([server.pg_dump, server.url, "-s"], text=True)
        assert servers_of(data_dir) == [postmaster(data_dir)]
    assert servers_of(data_dir) == []
    for path in data_dir.glob("postgresql*"):
        assert not path.lstat().st_mode & 0o077, path
    assert not data_dir.stat().st_mode & 0o067


def test_processes_share_one_server_and_the_last_one_out_stops_it(folder, holder):
    with Embedded(folder, durable=False) as first:
        second = holder(folder)
        assert second.url == first.url
        pid = postmaster(folder)
        assert os.getsid(pid) not in {os.getsid(0), os.getsid(second.process.pid)}  # no terminal's Ctrl-C reaches it
    assert servers_of(folder) == [pid]
    assert query(first.url, "SELECT 1") == (1,)
    second.leave()
    assert servers_of(folder) == []


def test_processes_that_start_at_once_on_a_fresh_folder_get_the_same_database(data_dir, holder):
    starters = [holder(data_dir) for _ in range(4)]
    assert len({starter.url for starter in starters}) == 1
    assert len(servers_of(data_dir)) == 1
    for starter in starters:
        starter.leave()
    assert servers_of(data_dir) == []


def test_concurrent_starts_and_stops_never_stop_a_server_in_use(folder):
    problems = []

    def come_and_go():
        try:
            for _ in range(4):
                with Embedded(folder, durable=False) as server:
                    query(server.url, "SELECT 1")
        except (psycopg.Error, Misconfigured, DatabaseUnavailable) as problem:
            problems.append(problem)

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert servers_of(folder) == []


def test_a_killed_server_comes_back_with_its_data_once_its_orphans_are_gone(folder):
    with Embedded(folder, durable=False) as server:
        query(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        with contextlib.closing(psycopg.connect(server.url, autocommit=True)) as busy:
            orphan = busy.info.backend_pid
            busy.pgconn.send_query(
                b"DO $$ BEGIN WHILE clock_timestamp() < statement_timestamp() + '1 s' LOOP END LOOP; END $$"
            )
            busy.pgconn.flush()
            eventually(
                lambda: query(server.url, "SELECT state FROM pg_stat_activity WHERE pid = %s", orphan) == ("active",)
            )
            kill_server(folder)
            assert command_line(orphan)
            server.ensure()
            assert not command_line(orphan)
        assert query(server.url, "SELECT answer FROM kept") == (42,)
        assert servers_of(folder) == [postmaster(folder)]
    assert servers_of(folder) == []


def test_ensure_leaves_a_living_server_alone(folder):
    with Embedded(folder, durable=False) as server:
        before = postmaster(folder)
        server.ensure()
        assert postmaster(folder) == before


def test_many_processes_that_miss_the_server_start_one(folder, holder):
    with Embedded(folder, durable=False) as one, Embedded(folder, durable=False) as other:
        kill_server(folder)
        threads = [threading.Thread(target=each.ensure) for each in (one, other, one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(servers_of(folder)) == 1


def test_a_server_whose_socket_was_removed_is_reached_again(folder):
    with Embedded(folder, durable=False) as server:
        (folder / "postgresql" / installation.SOCKET).unlink()
        server.ensure()
        assert query(server.url, "SELECT 1") == (1,)
        assert len(servers_of(folder)) == 1


def test_a_killed_process_leaves_no_share_behind(folder, holder):
    lost = holder(folder)
    url = lost.url
    lost.kill()
    assert query(url, "SELECT 1") == (1,)  # the server does not die with it
    with Embedded(folder, durable=False):
        assert len(servers_of(folder)) == 1
    assert servers_of(folder) == []


def test_a_setup_that_was_killed_half_way_is_done_again(data_dir, holder):
    starter = holder(data_dir)
    eventually((data_dir / "postgresql/data.new/global/pg_control").exists)
    starter.kill()
    assert not (data_dir / "postgresql/data").exists()
    with Embedded(data_dir, durable=False) as server:
        assert query(server.url, "SELECT 1") == (1,)
        assert not (data_dir / "postgresql/data.new").exists()


def test_an_interrupted_start_leaves_nothing_running(data_dir, holder):
    starter = holder(data_dir)
    eventually((data_dir / "postgresql/data/postmaster.pid").exists)
    starter.process.send_signal(signal.SIGINT)
    starter.process.communicate()
    assert starter.process.returncode == -signal.SIGINT
    assert servers_of(data_dir) == []


@pytest.fixture
def stranger(folder):
    """A living process of the server's own user that has nothing to do with it."""
    process = subprocess.Popen(["sleep", "60"], **installation.identity(installation.account(folder)))
    yield process
    process.kill()
    process.wait()


def test_a_foreign_process_with_the_pid_of_a_killed_server_does_no_harm(folder, stranger):
    left = [Path("data/postmaster.pid"), Path(f"{installation.SOCKET}.lock"), Path(installation.SOCKET)]
    with Embedded(folder, durable=False):
        home, number = folder / "postgresql", str(postmaster(folder))
        kill_server(folder)
        for path in left[:2]:
            (home / path).write_text((home / path).read_text().replace(number, str(stranger.pid), 1))
    assert all((home / path).exists() for path in left)
    assert stranger.poll() is None, "leaving must not signal it"
    with Embedded(folder, durable=False) as server:
        assert query(server.url, "SELECT 1") == (1,)
    assert stranger.poll() is None


@pytest.mark.parametrize("name", ["a b,c'd`e f%20é" + "n" * 100, '$HOME"\\'])
def test_any_name_of_the_folder_will_do(data_dir, name):
    folder = data_dir / name
    with Embedded(folder, durable=False) as server:
        assert query(server.url, "SELECT 1") == (1,)
        with Embedded(folder, durable=False) as again:
            assert again.url == server.url
        socket = Path(str(psycopg.conninfo.conninfo_to_dict(server.url)["host"]))
        assert len(os.fsencode(socket / installation.SOCKET)) <= installation.MAX_SOCKET_PATH
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    assert not (socket / installation.SOCKET).exists()


@pytest.mark.parametrize("name", ["n" * 100, "a,b", 'a"b'])
def test_the_socket_of_a_long_path_is_in_a_short_private_folder(data_dir, name):
    home = data_dir / name
    home.mkdir(parents=True)
    account = installation.account(data_dir)
    planted = home / "planted"
    planted.mkdir(mode=0o700)
    os.chown(planted, account.pw_uid, account.pw_gid)
    (home / "socket").symlink_to(planted)
    chosen = installation.socket_folder(home, account)
    assert chosen != planted
    assert stat.S_IMODE(chosen.stat().st_mode) == 0o700
    assert installation.socket_folder(home, account) == chosen
    chosen.rmdir()


@as_root
def test_an_ordinary_user_needs_no_root_and_root_may_connect(data_dir, holder):
    nobody = pwd.getpwnam("nobody")
    data_dir.mkdir(mode=0o755)
    mine = data_dir / "mine"
    mine.mkdir(mode=0o700)
    os.chown(mine, nobody.pw_uid, nobody.pw_gid)
    programs = installation.runnable(installation.find_programs(), data_dir, nobody)
    folder = mine / "data"
    first = holder(folder, user="nobody", programs=str(programs))
    url = first.url
    assert {path.lstat().st_uid for path in (folder, *folder.iterdir())} == {nobody.pw_uid}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    root = Embedded(folder, durable=False)
    root._programs = programs
    with root:
        assert root.url == url
        kill_server(folder)
        root.ensure()
        assert Path(f"/proc/{postmaster(folder)}").stat().st_uid == nobody.pw_uid
    first.leave()
    assert servers_of(folder) == []


@as_root
def test_a_user_number_without_a_name_and_a_home_is_enough(data_dir, holder):
    """As a container runs with an arbitrary one; the data belongs to it, and root may connect."""
    number = 1_234_567
    with pytest.raises(KeyError):
        pwd.getpwuid(number)
    data_dir.mkdir(mode=0o755)
    mine = data_dir / "mine"
    mine.mkdir(mode=0o700)
    os.chown(mine, number, number)
    try:
        installation.named(installation.account(mine), data_dir)
    except Misconfigured as refused:
        pytest.skip(f"not in this environment: {refused.message}")
    programs = installation.runnable(installation.find_programs(), data_dir, pwd.getpwnam("nobody"))
    folder = mine / "data"
    first = holder(folder, user=str(number), programs=str(programs))
    assert query(first.url, "SELECT current_user") == ("alexandria",)
    assert {path.lstat().st_uid for path in (folder, *folder.glob("postgresql/**/*"))} == {number}
    root = Embedded(folder, durable=False)
    root._programs = programs
    with root:
        kill_server(folder)
        root.ensure()
        assert Path(f"/proc/{postmaster(folder)}").stat().st_uid == number
    first.leave()
    assert servers_of(folder) == []


@as_root
def test_a_user_number_for_which_no_name_can_be_found_is_refused_with_the_fix(data_dir, monkeypatch):
    monkeypatch.setattr(installation, "NAME_WRAPPERS", ())
    monkeypatch.setenv("PATH", str(data_dir))
    data_dir.mkdir()
    os.chown(data_dir, 1_234_567, 1_234_567)
    with pytest.raises(Misconfigured, match="user number 1234567 has no name") as refused:
        installation.named(installation.account(data_dir), data_dir)
    assert "libnss-wrapper" in refused.value.hint
    assert "DATABASE_URL" in refused.value.hint


@as_root
def test_the_server_of_root_has_an_account_of_its_own_if_there_is_one(data_dir, monkeypatch):
    """An existing server keeps its account."""
    own = pwd.struct_passwd(("alexandria", "x", 1_234_567, 1_234_567, "", "/", "/bin/false"))
    found = pwd.getpwall()
    data_dir.mkdir()
    before = installation.account(data_dir)
    monkeypatch.setattr(pwd, "getpwall", lambda: [*found, own])
    assert installation.account(data_dir) == own
    (data_dir / "postgresql").mkdir()
    os.chown(data_dir / "postgresql", before.pw_uid, before.pw_gid)
    assert installation.account(data_dir) == before


def test_a_server_that_no_process_uses_is_stopped(folder, holder):
    """Once the last process that uses it has left; one that is in use is not."""
    first = holder(folder)
    assert query(first.url, "SELECT 1") == (1,)
    assert embedded.stop_unused(folder) is False
    assert servers_of(folder)
    first.kill()
    assert servers_of(folder)
    assert embedded.stop_unused(folder) is True
    assert servers_of(folder) == []
    assert embedded.stop_unused(folder / "nothing") is True


@as_root
def test_root_keeps_data_and_programs_where_its_server_can_reach_them(data_dir):
    data_dir.mkdir(mode=0o700)
    programs = data_dir / "site" / installation.PACKAGE / "pginstall" / "bin"
    source = installation.find_programs().parents[1]
    for name in (installation.PACKAGE, f"{installation.PACKAGE}.libs"):
        shutil.copytree(source.with_name(name), data_dir / "site" / name)
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    folder = closed / "share" / "alexandria"
    for answer in (None, (42,)):
        server = Embedded(folder, durable=False)
        server._programs = programs
        with server:
            if answer is None:
                query(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
            assert query(server.url, "SELECT answer FROM kept") == (42,)
            home = (folder / "postgresql").resolve()
            assert closed not in home.parents
            assert stat.S_IMODE(home.stat().st_mode) == 0o700
            assert home.owner() == installation.account(folder).pw_name
            assert str(home.parent) in command_line(postmaster(folder)).split("\0")[0]
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_no_programs_no_server(data_dir, monkeypatch):
    """The fix is in the hint."""
    monkeypatch.setattr(installation, "PACKAGE", "not_installed")
    monkeypatch.setenv("PATH", str(data_dir))
    monkeypatch.setattr(installation, "DEBIAN", data_dir)
    with pytest.raises(Misconfigured) as refused:
        Embedded(data_dir)
    assert "DATABASE_URL" in refused.value.hint


def test_an_unusable_data_folder_is_reported_with_cause_and_fix(data_dir):
    version = data_dir / "postgresql/data/PG_VERSION"
    version.parent.mkdir(parents=True)
    version.write_text("12\n")
    with pytest.raises(Misconfigured, match="PostgreSQL 12") as outdated, Embedded(data_dir):
        pass
    [installed] = re.findall(r"\d+(?=\.)", subprocess.check_output([Embedded(data_dir).psql, "--version"], text=True))
    version.write_text(f"{installed}\n")
    with pytest.raises(DatabaseUnavailable, match="configuration file") as broken, Embedded(data_dir):
        pass
    in_the_way = data_dir / "file"
    in_the_way.touch()
    with pytest.raises(Misconfigured, match=str(in_the_way)) as misplaced, Embedded(in_the_way):
        pass
    assert all("DATABASE_URL" in error.value.hint for error in (broken, outdated, misplaced))


def test_a_data_directory_that_cannot_be_used_is_refused_by_name(data_dir):
    data_dir.write_text("a file is in the way")
    with pytest.raises(Misconfigured) as refused, Embedded(data_dir):
        pass
    assert refused.value.message == f"cannot use {data_dir} as data directory: file exists"
    assert "ALEXANDRIA_DATA_DIR" in refused.value.hint


def test_a_long_log_is_shortened_to_its_end(folder):
    with Embedded(folder, durable=False):
        log = folder / "postgresql/server.log"
        log.write_text("old\n" * embedded.MAX_LOG_SIZE + "the end\n")
        with Embedded(folder, durable=False):
            assert log.stat().st_size == embedded.KEPT_LOG_SIZE
            assert log.read_text().endswith("the end\n")
