"""A backup by pg_dump is the whole of it: restored elsewhere, every row is there and the work goes on."""

import subprocess
import uuid
from datetime import UTC, datetime

import psycopg
import pytest
from pydantic import SecretStr

from alexandria import bootstrap
from alexandria.backfill.repositories import months
from alexandria.backfill.scheduler import Selection
from alexandria.bootstrap import Mode
from alexandria.core import config
from alexandria.core.month import Month
from alexandria.database import migrate
from alexandria.providers.base import Call

TABLES = "SELECT c.oid::regclass::text FROM pg_class AS c WHERE relnamespace = 'alexandria'::regnamespace AND relkind = 'r' ORDER BY 1"
SCHEMA = """
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'alexandria'::regnamespace
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'alexandria'
UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT concat(p.oid::regprocedure, prosrc, proconfig) FROM pg_proc AS p WHERE pronamespace = 'alexandria'::regnamespace
UNION ALL SELECT concat(schemaname, sequencename, last_value) FROM pg_sequences
UNION ALL SELECT extname FROM pg_extension ORDER BY 1
"""


class Steady:
    """A server that is managed outside of Alexandria."""

    def __init__(self, url):
        self.url = url

    def ensure(self):
        return


@pytest.fixture
def restored_url(server):
    name = f"restored_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield server.url.replace("/alexandria?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def running(url):
    return bootstrap.running(config.load(database_url=SecretStr(url)), Steady(url), Mode.SERVE)


async def begin(url):
    """A campaign in the middle: months claimed and not, an answer that was paid for, a call, a quota."""
    async with running(url) as system:
        async with system.database.transaction() as connection:
            await months.seed(connection, 2022, 2023)
        await system.scheduler.schedule(Selection(batch_size=3), "test")
        await system.cache.write("isbndb", "key", {"isbn": "é"}, {"title": 'Ünï "quoted" \\ title'}, None)
        await system.cache.record(Call("isbndb", "/books", datetime.now(UTC), 9, 1, 200, month=Month(2023, 12)))
        async with system.limiter.permit("isbndb", 5):
            pass
        async with system.database.transaction() as connection:
            await months.audit(connection, "test", "note", {"why": "backup"})


def contents(url):
    """A digest of every table's rows, and what else the schema consists of."""
    with psycopg.connect(url) as connection:
        tables = [row[0] for row in connection.execute(TABLES)]
        digest = "SELECT count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM {} AS t"
        rows = {name: connection.execute(digest.format(name).encode()).fetchone() for name in tables}
        return rows, connection.execute(SCHEMA).fetchall()


def copy(pg_dump, from_url, to_url, dump):
    """As in the how-to."""
    subprocess.run([pg_dump, "--format=custom", "--file", dump, from_url], check=True)
    restore = [pg_dump.with_name("pg_restore"), "--no-owner", "--exit-on-error", "--dbname", to_url, dump]
    subprocess.run(restore, check=True)


async def test_a_restored_dump_is_equal_and_work_continues(server, database_url, restored_url, tmp_path):
    """By the programs that come with the server; nothing is missing and the queue has its jobs."""
    await begin(database_url)
    copy(server.pg_dump, database_url, restored_url, tmp_path / "alexandria.dump")
    rows, _ = before = contents(database_url)
    assert {"backfill_log", "answer", "call", "quota", "audit", "procrastinate_jobs", "schema_version"} <= {
        name for name, (count, _) in rows.items() if count
    }
    assert contents(restored_url) == before
    assert migrate.missing(restored_url) == []
    async with running(restored_url) as system:
        assert await system.queue.waiting() == 3
        assert (await system.cache.read("isbndb", "key"))[0] == {"title": 'Ünï "quoted" \\ title'}
        scheduled = await system.scheduler.schedule(Selection(batch_size=2), "test")
        assert [str(month.key) for month in scheduled.months] == ["2023-09", "2023-08"]
