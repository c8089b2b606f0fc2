"""The schema's way to the newest version."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.errors import ProgrammingError

from alexandria.catalogue.matching.blocking import blocks
from alexandria.database import migrate


def test_what_is_missing_is_what_alembic_says():
    """We count files, Alembic follows revisions: one line, and the same one."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    revisions = [Path(s.path).stem for s in ScriptDirectory.from_config(config).walk_revisions()][::-1]
    files = sorted(path.stem for path in (Path(migrate.__file__).parent / "migrations/versions").glob("[0-9]*.py"))
    assert revisions == files


def test_two_that_migrate_at_once_take_every_step_once(empty_database_url):
    """One does the work, the other waits and finds nothing to do; a third later neither."""
    everything = migrate.missing(empty_database_url)
    with ThreadPoolExecutor(2) as both:
        done = list(both.map(migrate.upgrade, [empty_database_url] * 2))
    assert sorted(done, key=len) == [[], everything]
    assert migrate.missing(empty_database_url) == []
    assert migrate.upgrade(empty_database_url) == []


def test_a_step_that_fails_leaves_nothing_behind(empty_database_url):
    """Half a schema would be worse than none: a table in the way of a late step undoes the early ones too."""
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("CREATE TABLE work_alias ()")
    with pytest.raises(ProgrammingError, match="work_alias"):
        migrate.upgrade(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        found = connection.execute("SELECT to_regclass('backfill_log'), to_regclass('schema_version')").fetchone()
    assert found == (None, None)


def test_works_of_an_older_catalogue_are_recognised_after_the_step(empty_database_url):
    """The keys are made anew for every work, from its title and all its people."""
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
    assert migrate.upgrade(empty_database_url)[0] == "0015_block"
    with psycopg.connect(empty_database_url) as connection:
        keys = connection.execute(
            'SELECT w.title, array_agg(b.key ORDER BY b.key COLLATE "C")'
            " FROM work_block AS b JOIN work AS w ON w.id = b.work_id GROUP BY w.title"
        ).fetchall()
    assert dict(keys) == {
        "Two Graves": blocks("Two Graves", ["Douglas Preston", "Lincoln Child"]),
        "Emma": blocks("Emma", ["Jane Austen"]),
    }


def test_many_missing_steps_are_told_in_a_few_words():
    assert migrate.told(["0001_queue", "0002_lanes"]) == "0001_queue, 0002_lanes"
    assert migrate.told([f"{number:04}_step" for number in range(1, 18)]) == "0001_step to 0017_step"


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
