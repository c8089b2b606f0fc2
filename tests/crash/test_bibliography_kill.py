"""A loader that is killed leaves the bibliography that was there, and the same command loads as if nothing had happened."""

import random
import signal
import time

import psycopg
import pytest

from alexandria.bibliography import loader, tables
from alexandria.bibliography.rows import Limits
from tests.support.commands import process
from tests.support.open_library_dump import crowd, plain_dump, rows

SEED, KILLS = 20261130, 6
MAX_SECONDS = 300


@pytest.fixture(scope="module")
def dump(tmp_path_factory):
    """Files whose load takes some seconds."""
    made = plain_dump()
    for name, line in crowd(12_000):
        getattr(made, name).append(line)
    return made.write(tmp_path_factory.mktemp("dump"))


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
    rng, arguments = random.Random(SEED), ("bibliography", "load", *map(str, dump))
    began = time.monotonic()
    with process(database_url, *arguments) as whole:
        assert whole.wait(MAX_SECONDS) == 0, whole.stderr.read()
    seconds, clean = time.monotonic() - began, content(database_url)
    tables.drop(database_url)
    old = loader.load_files(
        database_url, plain_dump(rows()[:40]).write(tmp_path), Limits(), force=False, folder=None, report=lambda _: None
    )
    killed = 0
    for _ in range(KILLS):
        with process(database_url, *arguments) as running:
            time.sleep(rng.uniform(0.1, 0.5) * seconds)  # the time is the point
            running.send_signal(signal.SIGKILL)
            running.wait()
        if tables.status(database_url) != old:  # it had just ended
            assert content(database_url) == clean
            break
        killed += 1
    with process(database_url, *arguments) as again:
        assert again.wait(MAX_SECONDS) == 0, again.stderr.read()
    assert content(database_url) == clean
    assert killed >= 1
