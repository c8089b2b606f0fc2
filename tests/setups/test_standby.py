"""A real hot standby, its promotion, a server that turns read-only or is full of connections: work stops and goes on."""

import pytest

NAME, OWNER = "books", "ann"
READ_ONLY = "PostgreSQL is read-only"

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]


def made_pair(cluster):
    """A primary server and its hot standby."""
    primary = cluster()
    primary.give(NAME, OWNER)
    return primary, cluster(copy_of=primary)


@pytest.fixture(scope="module")
def pair(cluster):
    """For tests in this order: the first two find an empty database."""
    return made_pair(cluster)


def caught_up(primary, standby, until):
    [(at,)] = primary.admin("SELECT pg_current_wal_lsn()::text")
    until(lambda: standby.admin(f"SELECT pg_last_wal_replay_lsn() >= '{at}'")[0][0], "the standby catches up")


def test_an_empty_standby_is_not_migrated(pair, at):
    _, standby = pair
    refused = at(standby.url(OWNER, NAME)).run("migrate")
    assert "read-only standby" in refused.error["message"]
    assert "primary" in refused.error["hint"]


def test_hosts_of_which_none_takes_data(pair, refuses):
    _, standby = pair
    refuses(standby.url(OWNER, NAME, target_session_attrs="read-write"), "read-only", "primary")


def test_a_standby_reads_and_says_that_it_cannot_write(pair, at, until):
    primary, standby = pair
    at(primary.url(OWNER, NAME)).works()
    caught_up(primary, standby, until)
    there = at(standby.url(OWNER, NAME))
    assert there.run("status").data["total_months"] == 12
    assert there.run("months").code == 0
    assert there.run("migrate", "--check").code == 0
    for arguments in (
        ["migrate"],
        ["seed", "1999"],
        ["schedule"],
        ["work", "--until-idle"],
        ["serve", "--port", "0"],
        ["up", "--port", "0"],
        ["retry", "--failed"],
        ["pause"],
    ):
        refused = there.run(*arguments, ALEXANDRIA_WEBHOOK_SECRET="s" * 40)
        assert refused.code == 6, (arguments, refused)
        assert READ_ONLY in refused.error["message"], arguments
        assert "primary" in refused.error["hint"], arguments
    doctor = there.run("doctor")
    assert READ_ONLY in str(doctor.data)


def test_work_goes_on_at_the_promoted_standby(cluster, at, working, until):
    """Both servers are in the URL; the primary dies while months are in work, and nothing is lost."""
    primary, standby = made_pair(cluster)
    both = (
        f"postgresql://{OWNER}@127.0.0.1:{primary.port},127.0.0.1:{standby.port}/{NAME}?target_session_attrs=read-write"
    )
    there = at(both)
    there.prepare()
    with working(both, "--concurrency", "2") as processes:
        assert there.run("schedule", "--batch-size", "4").code == 0
        until(
            lambda: primary.admin("SELECT 1 FROM alexandria.backfill_log WHERE status = 'completed'", NAME), "a month"
        )
        primary.stop("fast")
        standby.run("pg_ctl", "promote", "--wait", "--pgdata=data")
        until(
            lambda: (
                standby.admin("SELECT count(*) FROM alexandria.backfill_log WHERE status = 'completed'", NAME) == [(4,)]
            ),
            "all months",
        )
        assert processes.ready()[0] == 200
    failed = standby.admin("SELECT count(*) FROM alexandria.attempt WHERE outcome IN ('failed', 'retry')", NAME)
    assert failed == [(0,)]


def test_a_server_that_turns_read_only_is_waited_for(cluster, at, working, until):
    made = cluster()
    made.give(NAME, OWNER)
    there = at(made.url(OWNER, NAME))
    there.prepare()
    with working(made.url(OWNER, NAME)) as processes:
        until(lambda: processes.ready()[0] == 200, "ready")
        assert there.run("schedule", "--batch-size", "3").code == 0
        made.admin("ALTER SYSTEM SET default_transaction_read_only = on")
        made.admin("SELECT pg_reload_conf()")
        until(lambda: READ_ONLY in processes.ready()[1], "not ready")
        assert processes.ready()[0] == 503
        made.admin("ALTER SYSTEM RESET default_transaction_read_only")
        made.admin("SELECT pg_reload_conf()")
        until(
            lambda: (
                made.admin("SELECT count(*) FROM alexandria.backfill_log WHERE status = 'completed'", NAME) == [(3,)]
            ),
            "all months",
        )
        until(lambda: processes.ready()[0] == 200, "ready again")
