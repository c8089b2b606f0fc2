"""Migrations: the schema's steps, the data they complete, and what stays of them when one fails."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from alexandria.catalogue import index
from alexandria.catalogue.matching.blocking import blocks
from alexandria.core.errors import DatabaseNotPrepared, NotMigrated
from alexandria.database import migrate, migrations
from alexandria.database.pool import Database
from alexandria.database.server import require_migrated
from alexandria.operations.maintenance import Maintenance
from alexandria.operations.migration import Migration
from alexandria.operations.migration import migrate as migrate_all
from tests.support.commands import run

KEYS = (
    'SELECT w.title, array_agg(b.key ORDER BY b.key COLLATE "C")'
    " FROM work_block AS b JOIN work AS w ON w.id = b.work_id GROUP BY w.title"
)


def test_two_that_migrate_at_once_take_every_step_once(empty_database_url):
    """One does the work, the other waits and finds nothing to do; a third later neither."""
    everything = migrate.missing(empty_database_url)
    with ThreadPoolExecutor(2) as both:
        done = list(both.map(migrate.upgrade, [empty_database_url] * 2))
    assert sorted(done, key=len) == [[], everything]
    assert migrate.missing(empty_database_url) == []
    assert migrate.upgrade(empty_database_url) == []


def test_a_step_that_fails_leaves_nothing_behind(empty_database_url):
    """Half a schema would be worse than none: an index that a late step cannot make undoes the early ones too."""
    migrate.upgrade(empty_database_url, "0003")
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("DROP TABLE answer")
    with pytest.raises(
        DatabaseNotPrepared, match=r"^PostgreSQL refuses the step 0007_enrich: relation .answer. does not exist$"
    ):
        migrate.upgrade(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        found = connection.execute("SELECT to_regclass('work'), version_num FROM schema_version").fetchone()
    assert found == (None, "0003")


def test_an_older_schema_is_refused_with_what_is_pending(empty_database_url):
    with pytest.raises(NotMigrated, match=r"^this database is empty \(no schema yet\)$"):
        require_migrated(empty_database_url)
    newest = migrations.names()[-1]
    migrate.upgrade(empty_database_url, f"{len(migrations.names()) - 1:04}")
    with pytest.raises(NotMigrated, match=f"^1 migration pending: {newest}$"):
        require_migrated(empty_database_url)
    migrate.upgrade(empty_database_url)
    require_migrated(empty_database_url)


def test_the_version_table_is_the_one_that_alembic_made(empty_database_url):
    """An older release can read the version, and a database that it made is continued."""
    migrate.upgrade(empty_database_url, "0003")
    assert [row[0] for row in _rows(empty_database_url, "SELECT version_num FROM schema_version")] == ["0003"]
    assert migrate.upgrade(empty_database_url)[0] == "0004_catalogue"
    newest = migrations.names()[-1].partition("_")[0]
    assert _rows(empty_database_url, "SELECT version_num FROM schema_version") == [(newest,)]
    columns = _rows(
        empty_database_url,
        "SELECT column_name, data_type, character_maximum_length, is_nullable FROM information_schema.columns"
        " WHERE table_name = 'schema_version'",
    )
    assert columns == [("version_num", "character varying", 32, "NO")]
    assert _rows(
        empty_database_url,
        "SELECT conname::text, contype::text FROM pg_constraint"
        " WHERE conrelid = 'schema_version'::regclass AND contype = 'p'",
    ) == [("schema_version_pkc", "p")]


@pytest.fixture
def old_catalogue_url(empty_database_url):
    """A database of the schema before works had a table of keys, with two works."""
    migrate.upgrade(empty_database_url, "0014")
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(
            "WITH w AS (INSERT INTO work (key, title, author) VALUES ('one', 'Two Graves', 'Douglas Preston'),"
            " ('other', 'Emma', 'Jane Austen') RETURNING id, key),"
            " c AS (INSERT INTO contributor (key, name) VALUES ('lincoln child', 'Lincoln Child'),"
            " ('douglas preston', 'Douglas Preston') RETURNING id, key)"
            " INSERT INTO work_contributor (work_id, contributor_id, position)"
            " SELECT w.id, c.id, CASE c.key WHEN 'lincoln child' THEN 1 ELSE 0 END FROM w, c WHERE w.key = 'one'"
        )
    return empty_database_url


EXPECTED_KEYS = {
    "Two Graves": blocks("Two Graves", ["Douglas Preston", "Lincoln Child"]),
    "Emma": blocks("Emma", ["Jane Austen"]),
}


def test_the_command_makes_the_keys_of_an_older_catalogue(old_catalogue_url):
    """From the title of each work and all its people; a second run has nothing to do."""
    environment = os.environ | {"DATABASE_URL": old_catalogue_url}
    runs = [run("migrate", "--json", environment=environment) for _ in range(2)]
    assert [done.returncode for done in runs] == [0, 0]
    first, second = (json.loads(done.stdout)["data"]["applied"] for done in runs)
    assert (first[0], second) == ("0015_block", [])
    assert "2 works indexed" in runs[0].stderr
    assert "indexed" not in runs[1].stderr
    assert dict(_rows(old_catalogue_url, KEYS)) == EXPECTED_KEYS


def test_a_catalogue_of_several_batches_is_indexed_whole(old_catalogue_url, monkeypatch):
    monkeypatch.setattr(index, "BATCH_SIZE", 1)
    assert migrate_all(old_catalogue_url).indexed_works == 2
    assert dict(_rows(old_catalogue_url, KEYS)) == EXPECTED_KEYS
    assert migrate_all(old_catalogue_url) == Migration([], 0)


def test_the_new_schema_is_never_seen_without_the_keys(old_catalogue_url):
    """Keys that cannot be made undo the steps, so that no worker of this version starts and adds works twice."""

    def fail(connection):
        index.index_works(connection)
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        migrate.upgrade(old_catalogue_url, complete_data=fail)
    assert migrate.missing(old_catalogue_url)[0] == "0015_block"


async def test_maintenance_makes_the_keys_of_works_that_came_without(old_catalogue_url, monkeypatch):
    """As a script or a restored table leaves them; keys that are there stay as they are."""
    monkeypatch.setattr(index, "BATCH_SIZE", 1)
    migrate.upgrade(old_catalogue_url)
    assert _rows(old_catalogue_url, KEYS) == []
    async with Database(old_catalogue_url) as database:
        await Maintenance(database).index_works()
        assert dict(_rows(old_catalogue_url, KEYS)) == EXPECTED_KEYS
        with psycopg.connect(old_catalogue_url) as connection:
            connection.execute("UPDATE work_block SET key = 'kept' WHERE key = 'austen emma'")
        await Maintenance(database).index_works()
    assert "kept" in dict(_rows(old_catalogue_url, KEYS))["Emma"]
    assert "austen emma" not in dict(_rows(old_catalogue_url, KEYS))["Emma"]


def _rows(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def test_many_missing_steps_are_described_in_a_few_words():
    assert migrate.describe(["0001_queue", "0002_lanes"]) == "0001_queue, 0002_lanes"
    assert migrate.describe([f"{number:04}_step" for number in range(1, 18)]) == "0001_step to 0017_step"


def test_older_books_whose_sources_were_hindered_are_known_after_the_step(empty_database_url):
    """Only these were to be looked up again at ten past midnight."""
    migrate.upgrade(empty_database_url, "0012")
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("INSERT INTO backfill_log (year, month) VALUES (2023, 1)")
        connection.execute(
            "INSERT INTO candidate (year, month, position, title, author, named_by, reason, look_again_at)"
            " SELECT 2023, 1, row_number() OVER (), title, 'a', '{}', 'no hit', at::timestamptz FROM (VALUES"
            " ('hindered', '2026-03-03 00:10+00'), ('unknown', '2026-03-03 00:10:00.5+00'), ('given up', NULL)) AS b (title, at)"
        )
    migrate.upgrade(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        found = connection.execute("SELECT title FROM candidate WHERE hindered").fetchall()
    assert found == [("hindered",)]
