"""A loader or server that is killed leaves the bibliography that was there, and the same command then loads all of it."""

import contextlib
import os
import random
import signal
import tempfile
import time

import psycopg
import pytest

from alexandria.bibliography import loader, tables
from alexandria.bibliography.rows import Limits
from alexandria.cli.exit_codes import NO_DATABASE
from alexandria.database.embedded.server import Embedded
from alexandria.database.migrate import upgrade
from tests.support.forked import Forked
from tests.support.open_library_dump import crowd, plain_dump, rows

SEED, KILLS, SERVER_KILLS = 20261130, 6, 10
MAX_SECONDS = 300


@pytest.fixture(scope="module")
def dump(tmp_path_factory):
    """Files whose load takes some seconds."""
    made = plain_dump()
    for name, line in crowd(2_000):
        getattr(made, name).append(line)
    return made.write(tmp_path_factory.mktemp("dump"))


@contextlib.contextmanager
def loading(url, dump):
    """The command that loads these files, in a process of its own, and a function that returns what it has reported."""
    arguments, variables = ("bibliography", "load", *map(str, dump)), os.environ | {"DATABASE_URL": url}
    with tempfile.TemporaryFile() as log, Forked(*arguments, environment=variables, log=log) as running:
        try:
            yield running, lambda: os.pread(log.fileno(), 100_000, 0).decode()
        finally:
            running.kill()


def content(url):
    """What can differ between two loads of the same files."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT (SELECT count(*) FROM bibliography.edition), (SELECT count(*) FROM bibliography.title),"
            " (SELECT count(*) FROM bibliography.bucket), (SELECT sum(length(postings)) FROM bibliography.bucket),"
            " (SELECT sum(isbn13) FROM bibliography.edition),"
            " (SELECT md5(string_agg(concat(isbn13, ' ', title), ',' ORDER BY isbn13, title)) FROM bibliography.edition)"
        ).fetchone()


@pytest.mark.long
def test_killed_at_any_time_the_old_one_serves_and_the_same_command_loads(database_url, tmp_path, dump):
    """At random times before its end; between the kills nothing is tidied up."""
    rng, began = random.Random(SEED), time.monotonic()
    with loading(database_url, dump) as (whole, said):
        assert whole.wait(MAX_SECONDS) == 0, said()
    seconds, clean = time.monotonic() - began, content(database_url)
    few = plain_dump(rows()[:40]).write(tmp_path)

    def load_few():
        return loader.load_files(database_url, few, Limits(), force=True, folder=None, report=lambda _: None)

    old, killed = load_few(), 0
    for _ in range(KILLS):
        with loading(database_url, dump) as (running, _):
            time.sleep(rng.uniform(0.1, 0.5) * seconds)  # the time is the point
            running.send_signal(signal.SIGKILL)
            running.wait()
        if tables.status(database_url) != old:  # it had just ended: the machine was busier when it was timed
            assert content(database_url) == clean
            seconds, old = seconds / 4, load_few()
        else:
            killed += 1
    with loading(database_url, dump) as (again, said):
        assert again.wait(MAX_SECONDS) == 0, said()
    assert content(database_url) == clean
    assert killed >= 1


class Attempts:
    """Runs of one load, which are killed with their server; what an earlier one left stays."""

    def __init__(self, folder, server, dump):
        self.folder, self.server, self.dump = folder, server, dump
        self.rng, self.left = random.Random(SEED), None
        self.seconds = float(MAX_SECONDS)  # until the swap of the fastest load

    def begun(self):
        """Wait until the load that runs has made its schema, beside whatever is left of another."""
        assert self.until(lambda schema: schema not in (None, self.left), MAX_SECONDS), "it did not begin"

    def swapped(self, within):
        """Whether the load that has begun puts its tables in the place of the old ones within so many seconds."""
        began = time.monotonic()
        if not self.until(lambda schema: schema is None, within):
            return False
        self.seconds = min(self.seconds, time.monotonic() - began)
        return True

    def until(self, true, seconds):
        """Wait until it is true of the schema of tables that are being loaded; returns whether it was in that time."""
        deadline = time.monotonic() + seconds
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            while time.monotonic() < deadline:
                [(schema,)] = connection.execute("SELECT to_regnamespace('bibliography_new')::oid").fetchall()
                if true(schema):
                    self.left = schema
                    return True
                time.sleep(0.01)
        return False

    def backends(self):
        with psycopg.connect(self.server.url) as connection:
            found = connection.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                                       " AND pid <> pg_backend_pid()").fetchall()  # fmt: skip
        return [pid for (pid,) in found]

    def whole(self):
        """Load to the end."""
        with loading(self.server.url, self.dump) as (running, said):
            self.begun()
            assert self.swapped(MAX_SECONDS)
            assert running.wait(MAX_SECONDS) == 0, said()

    def killed(self, *, whole_server):
        """Kill the server, or one of its processes that serve the load, at a random time of the load.

        The machine may have been slower before, so that the load is over before that time: the next has a shorter one.
        """
        with loading(self.server.url, self.dump) as (running, said):
            self.begun()
            if self.swapped(self.rng.uniform(0, 0.9) * self.seconds):
                assert running.wait(MAX_SECONDS) == 0, said()
                return False
            postmaster = int((self.folder / "postgresql/data/postmaster.pid").read_text().split()[0])
            victims = [postmaster] if whole_server else self.backends()
            with contextlib.suppress(ProcessLookupError, IndexError):  # the load has just ended
                os.kill(self.rng.choice(victims), signal.SIGKILL)
            code = running.wait(MAX_SECONDS)
            assert code in (0, NO_DATABASE), said()
            assert "Traceback" not in said()
        self.server.ensure()
        return code != 0


@pytest.mark.long
def test_a_server_that_is_killed_comes_back_with_the_old_one(data_dir, tmp_path, dump):
    """The whole server and single processes of it in turn, at ten random times of the load."""
    with Embedded(data_dir, durable=False) as server:
        upgrade(server.url)
        attempts = Attempts(data_dir, server, dump)
        attempts.whole()
        clean = content(server.url)
        few = plain_dump(rows()[:40]).write(tmp_path)

        def served():
            status = tables.status(server.url)
            return status and status.loaded_at, content(server.url)

        def load_old():
            tables.drop(server.url)
            loader.load_files(server.url, few, Limits(), force=False, folder=None, report=lambda _: None)
            return served()

        old, killed = load_old(), 0
        for at in range(SERVER_KILLS):
            ended = attempts.killed(whole_server=at % 2 == 0)
            if ended and served() == old:
                killed += 1
            else:  # the new one just served
                assert content(server.url) == clean
                old = load_old()
        attempts.whole()
        assert content(server.url) == clean
    assert killed > SERVER_KILLS // 2
