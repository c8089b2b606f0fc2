"""Where the tables are, and that every connection finds them there and nowhere else."""

import asyncio
import hashlib
import os
import subprocess
import sys
from importlib.machinery import ModuleSpec

import procrastinate
import psycopg
import pytest
from procrastinate.schema import SchemaManager
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import tuple_row

from alexandria.database import migrate, migration_plan, migrations, preflight
from alexandria.database.pool import SESSION_SETTINGS, Database
from alexandria.database.server import with_search_path
from alexandria.database.session import SETTINGS, located, schema_of, split

SCHEMAS = """SELECT DISTINCT n.nspname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relname IN ('backfill_log', 'procrastinate_jobs', 'schema_version', 'journal')"""
COUNT = "SELECT COUNT(*) FROM backfill_log WHERE status = 'pending'"
RESET = """UPDATE {}backfill_log SET status = 'pending', retry_count = retry_count + 1
    WHERE status = 'processing' AND started_at < NOW() - INTERVAL '1 hour';"""


def test_a_new_database_has_our_schema_and_psql_finds_it(operator):
    """By ALTER DATABASE in a database that was empty; the guide's SQL runs as printed."""
    operator.works()
    assert operator.sql(SCHEMAS) == [("alexandria",)]
    assert operator.psql(COUNT) == [["11"]]
    assert operator.psql(COUNT, operator.role("LOGIN SUPERUSER")) == [["11"]]


def test_the_schema_has_the_name_that_is_set(operator):
    operator.works(ALEXANDRIA_SCHEMA="backfill")
    assert operator.sql(SCHEMAS) == [("backfill",)]
    assert operator.psql(COUNT) == [["11"]]
    assert operator.run("status").data["by_status"]["pending"] == 11, "found also without the setting"


def test_public_may_be_chosen_for_a_new_database(operator):
    operator.works(ALEXANDRIA_SCHEMA="public")
    assert operator.sql(SCHEMAS) == [("public",)]
    assert operator.sql("SHOW search_path") == [('"$user", public',)]
    assert operator.psql(COUNT) == [["11"]]


def test_an_installation_that_is_left_aside_is_named(operator):
    """A setting that came later must not look as if everything were lost."""
    operator.works()
    notes = operator.run("migrate", ALEXANDRIA_SCHEMA="fresh").data["notes"]
    assert notes[0] == (
        "the installation in the schema alexandria is not used; to continue it, set ALEXANDRIA_SCHEMA=alexandria"
    )
    assert operator.run("status", ALEXANDRIA_SCHEMA="fresh").data["total_months"] == 0
    assert operator.run("status").data["total_months"] == 12


@pytest.mark.parametrize("name", ["Backfill", "pg_books", "a b", "x" * 64, "1st", 'a"b', ""])
def test_a_name_that_would_need_quotation_marks_is_refused(operator, name):
    refused = operator.run("config", ALEXANDRIA_SCHEMA=name)
    assert refused.code == (2 if name else 0)
    if name:
        assert refused.error["message"].startswith("setting ALEXANDRIA_SCHEMA: not a plain name")


def test_an_installation_in_public_goes_on_there(operator):
    """As earlier versions made it, up to their last step."""
    operator.admin(f"GRANT CREATE ON SCHEMA public TO {operator.owner}")
    migrate.upgrade(located(operator.url(), "public"), "0017")
    operator.works()
    assert operator.sql(SCHEMAS) == [("public",)]
    assert operator.psql(COUNT) == [["11"]]
    fixed = operator.sql(
        "SELECT DISTINCT coalesce('search_path=public, pg_temp' = ANY(proconfig), false)"
        " FROM pg_proc JOIN pg_namespace AS n ON n.oid = pronamespace"
        " WHERE nspname = 'public' AND prolang <> (SELECT oid FROM pg_language WHERE lanname = 'c')"
    )
    assert fixed == [(True,)]


@pytest.mark.parametrize(
    "options", ["-c search_path=other,public", "--search_path=other -c work_mem=7MB", "-csearch_path=other"]
)
def test_a_search_path_in_the_url_does_not_split_the_product(operator, options):
    """Nor does a schema that it names get anything: there, too, a table may have our name."""
    operator.sql("CREATE SCHEMA other")
    operator.sql("CREATE TABLE other.backfill_log (year integer, month integer, status text)")
    operator.works(url=operator.url(options=options))
    assert operator.sql("SELECT count(*) FROM other.backfill_log") == [(0,)]
    assert operator.sql(SCHEMAS + " AND n.nspname <> 'other'") == [("alexandria",)]


def test_options_of_the_url_and_of_the_environment_stay(operator, monkeypatch):
    """In the order of PostgreSQL: those of the URL, else those of PGOPTIONS."""
    merged = with_search_path(operator.url(options="-c work_mem=7MB -c search_path=x"))
    assert conninfo_to_dict(merged)["options"] == "-c work_mem=7MB -c search_path=alexandria"
    monkeypatch.setenv("PGOPTIONS", "-c temp_buffers=2MB")
    assert conninfo_to_dict(with_search_path(operator.url()))["options"] == (
        "-c temp_buffers=2MB -c search_path=alexandria"
    )


def test_a_session_has_every_setting_that_the_code_needs(operator):
    """Whatever role, database and URL have set, for a pool's connection and for one that procrastinate opens."""
    # A busy machine may need longer than 30 ms between the connection and the first statement.
    hostile = {"datestyle": "German", "timezone": "Asia/Kathmandu", "default_transaction_isolation": "serializable",
               "statement_timeout": "20", "idle_session_timeout": "300", "intervalstyle": "sql_standard",
               "bytea_output": "escape", "extra_float_digits": "-15", "search_path": "nowhere"}  # fmt: skip
    for name, value in hostile.items():
        operator.admin(f"ALTER ROLE {operator.owner} SET {name} = '{value}'")
    operator.works()
    expected = SETTINGS | SESSION_SETTINGS | {"statement_timeout": "0", "search_path": "alexandria"}
    found = asyncio.run(settings_of_a_pool(operator.url(options="-c timezone=Asia/Tokyo"), [*expected]))
    assert [*found] == ["pool", "procrastinate"]
    for values in found.values():
        assert {name: values[name].lower() for name in expected if values[name] is not None} == {
            name: value.lower() for name, value in expected.items() if values[name] is not None
        }


async def settings_of_a_pool(url, names):
    """What a connection of the pool has, and one that procrastinate opens to listen."""
    query = "SELECT name, current_setting(name, true) AS value FROM unnest(%s::text[]) AS asked (name)"
    found: dict[str, dict[str, str]] = {}
    async with Database(with_search_path(url), size=1) as database:
        connector = procrastinate.PsycopgConnector()
        await procrastinate.App(connector=connector).open_async(database.pool)
        async with database.pool.connection() as pooled, connector._get_standalone_connection() as listening:
            for name, connection in {"pool": pooled, "procrastinate": listening}.items():
                async with connection.cursor(row_factory=tuple_row) as cursor:
                    found[name] = dict(await (await cursor.execute(query, [names])).fetchall())
    return found


def test_the_reset_runs_with_the_schemas_name_under_any_search_path(operator):
    """The trigger that ends the attempt finds its table."""
    operator.works()
    operator.sql(
        "UPDATE alexandria.backfill_log SET started_at = now() - interval '2 hours' WHERE status = 'processing'"
    )
    nowhere = {"PGOPTIONS": "-c search_path=pg_catalog"}
    assert operator.psql(RESET.format("alexandria."), **nowhere) == [["UPDATE 1"]]
    outcomes = operator.sql("SELECT outcome, count(*) FROM alexandria.attempt GROUP BY 1")
    assert outcomes == [("superseded", 1)]


def test_a_temporary_table_of_the_same_name_is_not_taken_for_ours(operator):
    operator.works()
    operator.psql(
        "CREATE TEMP TABLE attempt (token uuid); UPDATE alexandria.backfill_log SET status = 'pending'"
        " WHERE status = 'processing'"
    )
    assert operator.sql("SELECT count(*) FROM alexandria.attempt WHERE outcome = 'superseded'") == [(1,)]


def test_every_function_finds_its_tables_also_one_that_a_later_step_replaces(operator, monkeypatch, tmp_path):
    operator.works()
    loose = """SELECT p.oid::regprocedure::text FROM pg_proc AS p WHERE pronamespace = 'alexandria'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
        AND NOT coalesce('search_path=alexandria, pg_temp' = ANY(proconfig), false)"""
    assert operator.sql(loose) == []
    for file in migrations._FOLDER.glob("*.sql"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "9000_later.sql").write_text(
        "CREATE OR REPLACE FUNCTION calls_sent(of_year integer, of_month integer, to_provider text) RETURNS integer"
        " LANGUAGE sql STABLE AS $$ SELECT 0 $$; CREATE FUNCTION later() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$"
    )
    monkeypatch.setattr(migrations, "_FOLDER", tmp_path)
    assert migrate.upgrade(operator.url()) == ["9000_later"]
    assert operator.sql(loose) == []


def test_a_program_that_is_too_old_reports_it(operator):
    operator.works()
    operator.sql("UPDATE alexandria.schema_version SET version_num = '0999'")
    for arguments in (["migrate"], ["migrate", "--check"], ["migrate", "--plan"], ["status"], ["work", "--until-idle"]):
        refused = operator.run(*arguments)
        assert (refused.code, refused.error["code"]) == (6, "program_too_old"), arguments
        assert "too old" in refused.error["message"]


def test_psql_of_alexandria_has_the_same_search_path(operator):
    operator.works(ALEXANDRIA_SCHEMA="backfill")
    operator.admin(f"ALTER DATABASE {operator.name} RESET search_path")
    called = [sys.executable, "-m", "alexandria", "psql", "-XAtc", COUNT]
    environment = os.environ | {"DATABASE_URL": operator.url()}
    assert subprocess.check_output(called, env=environment, text=True) == "11\n"


# ---- the plan


def test_a_plan_is_the_sql_that_makes_the_schema(operator):
    """Run by psql it has the effect of the command, and printing it changes nothing."""
    plan = operator.run("migrate", "--plan")
    assert plan.code == 0
    assert operator.sql(SCHEMAS) == []
    called = [sys.executable, "-m", "alexandria", "migrate", "--plan"]
    text = subprocess.check_output(called, env=os.environ | {"DATABASE_URL": operator.url()}, text=True)
    operator.psql(text)
    assert operator.run("migrate", "--check").data == {"missing": []}
    assert operator.run("migrate", "--plan").data["parts"] == []
    operator.works()


def test_the_plan_names_the_locks_that_each_step_takes(operator):
    """Compared with those that PostgreSQL shows in the middle of each step, on tables that were there before."""
    url = located(operator.url(), "alexandria")
    steps = migrations.names()
    migrate.upgrade(url, steps[1][:4])
    held = """SELECT relname::text, replace(upper(regexp_replace(mode, '([a-z])([A-Z])', '\\1 \\2', 'g')), ' LOCK', '')
        FROM pg_locks JOIN pg_class AS c ON c.oid = relation WHERE pid = pg_backend_pid() AND relkind = 'r'
        AND relnamespace = 'alexandria'::regnamespace"""
    for step in steps[2:]:
        before = {
            row[0]
            for row in operator.sql(
                "SELECT relname::text FROM pg_class WHERE relnamespace = 'alexandria'::regnamespace"
            )
        }
        with psycopg.connect(operator.url(), options="-c search_path=alexandria") as connection:
            connection.execute(migrations.statements(step).encode())
            taken: dict[str, str] = {}
            for table, mode in connection.execute(held):
                if table in before and mode in migration_plan._MODES:
                    rank = migration_plan._MODES.index
                    taken[table] = max(mode, taken.get(table, mode), key=rank)
            connection.rollback()
        named = {
            table: mode for table, mode in migration_plan.locks(migrations.statements(step)).items() if table in before
        }
        assert (step, named) == (step, taken)
        migrate.upgrade(url, step[:4])


@pytest.mark.parametrize(
    ("path", "first"),
    [("alexandria,public", "alexandria"), ('"a b", public', "a b"), (' "x""y"', 'x"y'), ("", "alexandria")],
)
def test_the_first_schema_of_a_path_is_read(path, first):
    assert schema_of(path) == first


@pytest.mark.parametrize("path", ["alexandria", 'alexandria,"odd name"', "a\\b"])
def test_a_path_in_a_url_is_read_as_it_was_written(path):
    url, again = split(located("postgresql://me:secret@there/books?options=-c%20work_mem%3D7MB", path))
    assert again == path
    assert conninfo_to_dict(url)["options"] == "-c work_mem=7MB"


def test_names_that_steps_create_are_all_known(operator):
    """A table of others in the way of any of them is found before the migration."""
    operator.works()
    made = {row[0] for row in operator.sql(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'alexandria'::regnamespace AND relkind = 'r'"
        " UNION SELECT proname::text FROM pg_proc AS p WHERE pronamespace = 'alexandria'::regnamespace"
        " AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')")}  # fmt: skip
    assert made - preflight.created(migrations.names()) == {preflight.VERSION_TABLE}


# ---- the job queue's tables


def test_the_queues_tables_are_those_of_the_first_step_that_was_released():
    """Another SQL would be another first step: the difference needs a step of ours, and then a new digest here."""
    digest = hashlib.sha256(SchemaManager.get_schema().encode()).hexdigest()
    assert digest == "c70ec4b400a60ad9592787653aae5ae77ae41bf801d56b5bd2712751a07f2009"


def test_a_procrastinate_that_expects_other_tables_is_refused(operator, monkeypatch, tmp_path):
    """With the release that fits, before anything is changed or enqueued."""
    operator.works()
    place = tmp_path / "sql" / "migrations"
    place.mkdir(parents=True)
    (place / "03.05.00_01_pre_something.sql").touch()
    installed = ModuleSpec("procrastinate", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(migrate, "find_spec", {"procrastinate": installed}.get)
    for arguments in (["migrate"], ["status"], ["work", "--until-idle"]):
        refused = operator.run(*arguments)
        assert (refused.code, refused.error["code"]) == (2, "misconfigured")
        assert "procrastinate==3.10.*" in refused.error["hint"]
