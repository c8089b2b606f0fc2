"""A pooler in front of PostgreSQL: PgBouncer in session mode works, and a mode that shares sessions is refused."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid

import psycopg
import pytest

from alexandria.database.embedded import installation

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin") or ""
pytestmark = [pytest.mark.long, pytest.mark.skipif(not PROGRAM, reason="pgbouncer is not installed")]
TRANSACTION = "DATABASE_URL leads to a connection pooler in transaction mode, where locks and notifications do not work"
STATEMENT = TRANSACTION.replace("transaction", "statement")


@pytest.fixture
def pooled(operator, session_folder):
    """`with pooled("session") as url:` runs PgBouncer as Debian configures it, without `ignore_startup_parameters`."""

    @contextlib.contextmanager
    def start(mode, pool_size=40, port=0, **settings):
        folder = session_folder / f"pgbouncer-{operator.name}-{mode}-{uuid.uuid4().hex[:4]}"
        folder.mkdir()
        account = installation.account(folder)
        if os.geteuid() == 0:
            os.chown(folder, account.pw_uid, account.pw_gid)
        with socket.create_server(("127.0.0.1", port)) as listening:
            port = listening.getsockname()[1]
        (folder / "users").write_text("".join(f'"{role}" ""\n' for role in [*operator.roles, "alexandria"]))
        given = {"listen_addr": "127.0.0.1", "listen_port": port, "unix_socket_dir": "", "auth_type": "trust",
                 "auth_file": folder / "users", "pool_mode": mode, "default_pool_size": pool_size,
                 "max_client_conn": 200, **settings}  # fmt: skip
        lines = ["[databases]", f"* = host={operator.server.socket} port=5432", "[pgbouncer]"]
        (folder / "pgbouncer.ini").write_text(
            "\n".join([*lines, *(f"{name} = {value}" for name, value in given.items())])
        )
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(
                [PROGRAM, folder / "pgbouncer.ini"], stdout=log, stderr=log, cwd="/", **installation.identity(account)
            ) as process,
        ):
            try:
                url = f"postgresql://{operator.owner}@127.0.0.1:{port}/{operator.name}"
                wait(url, process, folder / "log")
                yield url
            finally:
                process.terminate()

    return start


def wait(url, process, log):
    """Until it accepts connections; a query is answered in every mode."""
    for _ in range(200):
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SELECT 1")
            return
        time.sleep(0.05)  # it has no event that others can wait for
    pytest.fail(log.read_text())


def test_session_mode_works_and_completes_months(operator, pooled, sandbox):
    with pooled("session") as url:
        operator.works(url=url)
        operator.completes_months(sandbox, url)
        assert operator.run("doctor", url=url).code in (0, 1)


@pytest.mark.parametrize("name", ["alexandria", "backfill"])
def test_psql_finds_the_tables_through_a_pooler(operator, pooled, name):
    """Without start-up options, which PgBouncer does not take; also where the database has no search path."""
    with pooled("session") as url:
        operator.works(url=url, ALEXANDRIA_SCHEMA=name)
        operator.admin(f"ALTER DATABASE {operator.name} RESET search_path")
        called = [sys.executable, "-m", "alexandria", "psql", "-Atc", "SELECT count(*) FROM backfill_log"]
        done = subprocess.run(
            called, env=os.environ | {"DATABASE_URL": url}, text=True, capture_output=True, check=True
        )
        assert (done.stdout, done.stderr) == ("12\n", "")


@pytest.mark.parametrize(
    ("mode", "settings", "sentence"),
    [
        ("transaction", {}, TRANSACTION),
        ("transaction", {"pool_size": 1}, TRANSACTION),
        ("transaction", {"pool_size": 2}, TRANSACTION),
        ("transaction", {"server_round_robin": 1}, TRANSACTION),
        ("transaction", {"ignore_startup_parameters": "options,extra_float_digits"}, TRANSACTION),
        ("statement", {}, STATEMENT),
    ],
)
def test_a_mode_that_shares_sessions_is_refused_at_the_start(operator, pooled, mode, settings, sentence):
    """By every command, before anything is written."""
    with pooled(mode, **settings) as url:
        for arguments in (["migrate"], ["seed", "2023"], ["work", "--until-idle"], ["serve", "--port", "0"]):
            refused = operator.run(*arguments, url=url, ALEXANDRIA_WEBHOOK_SECRET="s" * 40)
            assert (refused.code, refused.error["message"]) == (2, sentence), arguments
            assert "pool_mode = session" in refused.error["hint"]
        doctor = operator.run("doctor", url=url)
        assert sentence in str(doctor.data)
    assert operator.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'alexandria'") == [(0,)]


def test_a_pooler_with_other_clients_is_recognised_all_the_same(operator, pooled):
    """Idle sessions that others have left do not hide the mode."""
    with pooled("transaction") as url:
        with contextlib.ExitStack() as stack:
            others = [stack.enter_context(psycopg.connect(url)) for _ in range(5)]
            for other in others:
                other.execute("SELECT 1")  # in a transaction, so that each has a session
        assert operator.run("migrate", url=url).error["message"] == TRANSACTION


def test_options_in_the_url_are_refused_with_the_fix(operator, pooled):
    """PgBouncer's own words are about a start-up parameter."""
    with pooled("session") as url:
        refused = operator.run("migrate", url=f"{url}?options=-c%20work_mem%3D7MB")
        assert (refused.code, refused.error["code"]) == (2, "misconfigured")
        assert "does not accept the options" in refused.error["message"]
        operator.works(url=f"{url}?options=-c%20search_path%3Dother")


def test_a_pool_without_a_free_session_is_named(operator, pooled):
    with pooled("session", pool_size=1) as url:
        refused = operator.run("migrate", url=url)
        assert refused.code == 6
        assert "no free session for a second connection" in refused.error["message"]


def test_work_goes_on_after_the_pooler_has_restarted(operator, pooled, working, until):
    """Its clients are cut off in the middle of their months; nothing is lost, and nobody is charged."""
    completed = "SELECT count(*) FROM alexandria.backfill_log WHERE status = 'completed'"
    pooler = contextlib.ExitStack()
    url = pooler.enter_context(pooled("session", 80))
    port = int(url.rpartition(":")[2].partition("/")[0])
    assert operator.run("migrate", url=url).code == 0
    assert operator.run("seed", "2023", url=url).code == 0
    with working(url, "--concurrency", "2") as processes:
        assert operator.run("schedule", "--batch-size", "4", url=url).code == 0
        until(lambda: operator.sql(completed) >= [(1,)], "a month")
        pooler.close()
        with pooled("session", 80, port):
            until(lambda: operator.sql(completed) == [(4,)], "all months")
            until(lambda: processes.ready()[0] == 200, "ready")
    assert operator.sql("SELECT count(*) FROM alexandria.attempt WHERE outcome IN ('failed', 'retry')") == [(0,)]
