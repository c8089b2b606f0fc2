"""The schema's way to the newest version."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.errors import ProgrammingError

from alexandria.store import migrate


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
