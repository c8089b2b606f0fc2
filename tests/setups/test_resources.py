"""Resources that end while workers run: a full disk, no free connection, a pooler that restarts. Work waits and goes on."""

import subprocess

import psycopg
import pytest

NAME, OWNER = "books", "ann"
COMPLETED = "SELECT count(*) FROM alexandria.backfill_log WHERE status = 'completed'"
PENALTIES = "SELECT count(*) FROM alexandria.attempt WHERE outcome IN ('failed', 'retry')"

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]
can_mount = pytest.mark.skipif(
    subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True).returncode != 0,
    reason="only root may mount a small file system",
)  # fmt: skip


@pytest.fixture
def roomy(cluster):
    made = cluster()
    made.give(NAME, OWNER)
    return made


def test_a_worker_and_a_server_share_few_connections(cluster, at, working, until):
    """Doctor warns, and all months are completed; nobody is charged. With more connections the warning ends."""
    made = cluster(max_connections=25)
    made.give(NAME, OWNER)
    there = at(made.url(OWNER, NAME))
    there.prepare()
    [found] = [each for each in there.run("doctor").data if each["name"] == "connections"]
    assert found["ok"]
    assert "allows 22 connections" in found["message"]
    assert "max_connections" in found["fix"]
    with working(there.url) as processes:
        assert there.run("schedule", "--batch-size", "4").code == 0
        until(lambda: made.admin(COMPLETED, NAME) == [(4,)], "all months")
        made.stop()
        made.configure(max_connections=100)
        made.start()
        until(lambda: processes.ready()[0] == 200, "ready")
    assert made.admin(PENALTIES, NAME) == [(0,)]
    assert not [each for each in there.run("doctor").data if each["name"] == "connections"]


def test_a_worker_that_cannot_have_its_connections_does_not_start(cluster, at):
    made = cluster(max_connections=15)
    made.give(NAME, OWNER)
    there = at(made.url(OWNER, NAME))
    there.prepare()
    result = there.run("work")
    assert (result.code, result.error["code"]) == (6, "database_unavailable")
    assert "lets in 12 connections, and a worker needs at least" in result.error["message"]
    assert "max_connections" in result.error["hint"]
    [found] = [each for each in there.run("doctor").data if each["name"] == "connections"]
    assert not found["ok"]


def test_all_connections_are_taken_by_others_for_a_while(cluster, at, working, until):
    made = cluster(max_connections=40)
    made.give(NAME, OWNER)
    there = at(made.url(OWNER, NAME))
    there.prepare()
    with working(there.url) as processes:
        until(lambda: processes.ready()[0] == 200, "ready")
        assert there.run("schedule", "--batch-size", "4").code == 0
        taken = []
        while True:
            try:
                taken.append(psycopg.connect(there.url))
            except psycopg.OperationalError:
                break
        result = there.run("status")
        assert (result.code, "max_connections" in result.error["hint"]) == (6, True)
        for each in taken:
            each.close()
        until(lambda: made.admin(COMPLETED, NAME) == [(4,)], "all months")
        until(lambda: processes.ready()[0] == 200, "ready again")
    assert made.admin(PENALTIES, NAME) == [(0,)]


def fill(made):
    """Use up all space, in pieces of 200 kB."""
    text = "SELECT string_agg(gen_random_uuid()::text, '') FROM generate_series(1, 6000)"
    while True:
        made.admin(f"INSERT INTO public.filler {text}", NAME)


@can_mount
def test_a_full_disk_is_named_and_waited_for(cluster, at, working, until, session_folder):
    """A real one, of 24 MB, for all tables."""
    place = session_folder / "small-disk"
    place.mkdir()
    made = cluster()
    made.on_small_disk(place, "24m")
    made.admin(f"CREATE ROLE {OWNER} LOGIN")
    made.admin(f"CREATE DATABASE {NAME} OWNER {OWNER} TABLESPACE small")
    there = at(made.url(OWNER, NAME))
    there.prepare()
    made.admin("CREATE TABLE public.filler (text text)", NAME)
    with working(there.url) as processes:
        with pytest.raises(psycopg.errors.DiskFull):
            fill(made)
        refused = there.run("seed", "1900..2100")
        assert refused.code == 6
        assert "the disk of PostgreSQL is full" in refused.error["message"]
        assert "free some space" in refused.error["hint"]
        there.run("schedule", "--batch-size", "4")
        until(processes.ready, "the processes run")
        made.admin("DROP TABLE public.filler", NAME)
        until(lambda: there.run("schedule", "--batch-size", "4").code == 0, "a schedule call")
        until(lambda: made.admin(COMPLETED, NAME)[0][0] >= 4, "the months")
    assert made.admin(PENALTIES, NAME) == [(0,)]
