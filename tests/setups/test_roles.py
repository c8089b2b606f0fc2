"""Set-ups of PostgreSQL as operators have them: each works, or ends in one sentence with what a DBA must run.

What is printed for the DBA is run as printed, by the superuser, and the command then works.
"""

import asyncio
import re

import psycopg
import pytest
from psycopg.sql import Identifier

from alexandria.core.errors import DatabaseUnavailable
from alexandria.database.pool import Database

FOREIGN = {
    "backfill_log": "CREATE TABLE {}.backfill_log (year integer, month integer, status text)",
    "work": "CREATE TABLE {}.work (title text)",
    "works": "CREATE TABLE {}.works (title text)",
    "schema_version": "CREATE TABLE {}.schema_version (version_num varchar(32))",
    "a schema_version of another kind": "CREATE TABLE {}.schema_version (version integer, applied_at timestamptz)",
    "a job queue": "CREATE TABLE {}.procrastinate_jobs (id bigserial, queue_name text)",
    "a function": "CREATE FUNCTION {}.isbn13_valid(text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "a type": "CREATE TYPE {}.procrastinate_job_status AS ENUM ('todo')",
    "a view": "CREATE VIEW {}.lane AS SELECT 1 AS one",
}
OBJECTS = """SELECT relname::text, (SELECT count(*) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0)
    FROM pg_class AS c WHERE relnamespace = '{}'::regnamespace ORDER BY 1"""


def refused(operator, role, *reasons):
    """Migrating is refused with these words, and has changed nothing; the statements for the DBA."""
    before = operator.admin("SELECT oid, relname FROM pg_class ORDER BY 1")
    result = operator.run("migrate", role=role)
    assert (result.code, result.error["code"]) == (6, "database_not_prepared"), result
    for reason in reasons:
        assert reason in result.error["message"]
    assert operator.admin("SELECT oid, relname FROM pg_class ORDER BY 1") == before
    assert "\n" not in result.error["message"]
    return result.error.get("details", {}).get("statements", [])


def prepare(operator, statements):
    """What a DBA does with what was printed."""
    assert statements
    for statement in statements:
        operator.admin(statement)


# ---- roles


def test_a_role_without_any_right_is_helped_by_what_is_printed(operator):
    """It may neither create the schema nor the extension; after the DBA has run the two lines it may."""
    plain = operator.role()
    statements = refused(
        operator, plain, "may not create the schema alexandria", "may not create the extension pg_trgm"
    )
    prepare(operator, statements)
    operator.works(role=plain)


def test_a_schema_that_is_there_without_the_right_to_use_it(operator):
    plain = operator.role()
    operator.admin("CREATE SCHEMA alexandria; CREATE EXTENSION pg_trgm SCHEMA public")
    prepare(operator, refused(operator, plain, "may not create tables in the schema alexandria"))
    operator.works(role=plain)


def test_a_role_that_may_create_everything_but_extensions(operator):
    plain = operator.role()
    operator.admin(f"CREATE SCHEMA alexandria AUTHORIZATION {plain}")
    prepare(operator, refused(operator, plain, f"the role {plain} may not create the extension pg_trgm"))
    operator.works(role=plain)


def test_a_managed_superuser_works(operator):
    """As cloud providers give it: may create roles and databases, owns the database, and is no superuser."""
    managed = operator.role("LOGIN CREATEROLE CREATEDB")
    operator.admin(f"GRANT {operator.owner} TO {managed}")
    operator.works(role=managed)


def test_a_real_superuser_works(operator):
    operator.works(role=operator.role("LOGIN SUPERUSER"))


def test_a_role_whose_name_needs_quotation_marks(operator):
    name = 'Back-Fill "1"'
    operator.admin(f"CREATE ROLE {Identifier(name).as_string()} LOGIN")
    operator.roles.append(Identifier(name).as_string())
    role = "Back-Fill%20%221%22"
    prepare(operator, refused(operator, role, f"the role {name} may not create the schema"))
    operator.works(role=role)


def test_another_role_than_the_owner_of_the_tables_migrates_and_works_by_what_is_printed(operator):
    """Before an upgrade, to change the tables; in operation, to read and write them."""
    operator.works()
    plain = operator.role()
    wanted = operator.run("work", "--until-idle", role=plain)
    assert (wanted.code, wanted.error["code"]) == (6, "database_not_prepared")
    for arguments in (["status"], ["migrate"], ["migrate", "--check"], ["migrate", "--plan"], ["seed", "2024"]):
        refused_there = operator.run(*arguments, role=plain)
        assert (refused_there.code, refused_there.error["code"]) == (6, "database_not_prepared"), arguments
    prepare(operator, wanted.error["details"]["statements"])
    assert operator.run("seed", "2024", role=plain).data["months_seeded"] == 12
    assert operator.run("schedule", role=plain).code == 0
    operator.sql("UPDATE alexandria.schema_version SET version_num = '0016'")
    prepare(operator, refused(operator, plain, f"the tables belong to the role {operator.owner}"))


def test_a_read_only_role_reads_and_gets_one_sentence_when_it_writes(operator):
    operator.works()
    reader = operator.role()
    operator.admin(f"GRANT USAGE ON SCHEMA alexandria TO {reader}")
    operator.admin(f"GRANT SELECT ON ALL TABLES IN SCHEMA alexandria TO {reader}")
    assert operator.run("status", role=reader).code == 0
    result = operator.run("seed", "1999", role=reader)
    assert result.code == 6
    assert "permission denied for table backfill_log" in result.error["message"]
    doctor = operator.run("doctor", role=reader)
    assert "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA alexandria" in str(doctor.data)


def test_settings_of_the_role_do_not_matter(operator, sandbox):
    """Neither to commands nor to a worker that completes months."""
    for setting in (
        "datestyle = 'German'", "timezone = 'Asia/Kathmandu'", "default_transaction_isolation = 'serializable'",
        "statement_timeout = '50ms'", "lock_timeout = '1ms'", "idle_session_timeout = '1s'",
        "idle_in_transaction_session_timeout = '50ms'", "search_path = 'nowhere'", "client_encoding = 'LATIN1'",
    ):  # fmt: skip
        operator.admin(f"ALTER ROLE {operator.owner} SET {setting}")
    hostile = {"PGDATESTYLE": "SQL, DMY", "PGTZ": "Asia/Tokyo", "PGCLIENTENCODING": "LATIN1"}
    operator.works(**hostile)
    operator.completes_months(sandbox | hostile)


# ---- tables of others


@pytest.mark.parametrize("kind", FOREIGN)
def test_things_of_others_in_public_stay_as_they_are(operator, kind):
    """Ours are in a schema of their own, and nothing is written into theirs."""
    operator.admin(FOREIGN[kind].format("public"))
    before = operator.admin(OBJECTS.format("public"))
    operator.works()
    assert operator.admin(OBJECTS.format("public")) == before
    if kind not in ("a function", "a type", "a view"):
        table = before[0][0] if kind != "a job queue" else "procrastinate_jobs"
        assert operator.admin(f"SELECT count(*) FROM public.{table}") == [(0,)]


@pytest.mark.parametrize("kind", FOREIGN)
def test_things_of_others_in_our_schema_are_named_and_untouched(operator, kind):
    operator.admin("CREATE SCHEMA alexandria")
    operator.admin(f"GRANT ALL ON SCHEMA alexandria TO {operator.owner}")
    operator.admin(FOREIGN[kind].format("alexandria"))
    if kind == "works":  # no name of ours
        operator.works()
        return
    assert operator.run("seed", "2023").code == 6
    refused(operator, operator.owner, "in the schema alexandria another program has")
    assert operator.run("status").code == 6
    operator.works(ALEXANDRIA_SCHEMA="alexandria_backfill")


def test_an_empty_table_of_others_gets_nothing_while_nothing_is_migrated(operator):
    operator.admin(FOREIGN["backfill_log"].format("public"))
    operator.admin(f"GRANT ALL ON public.backfill_log TO {operator.owner}")
    assert operator.run("seed", "2023").error["code"] == "not_migrated"
    assert operator.admin("SELECT count(*) FROM public.backfill_log") == [(0,)]


def test_where_the_name_is_taken_a_role_of_its_own_is_printed(operator):
    """Nothing of the owner's is altered; both ways that are printed lead to our table."""
    operator.admin(FOREIGN["backfill_log"].format("public"))
    settings = "SELECT setconfig FROM pg_db_role_setting"
    before = operator.admin(settings)
    notes = operator.run("migrate").data["notes"]
    assert operator.admin(settings) == before
    assert operator.run("seed", "2023").code == 0
    prepare(operator, [note for note in notes if note.endswith(";")])
    role = re.findall(r"CREATE ROLE (\w+)", " ".join(notes))[0]
    operator.roles.append(role)
    count = "SELECT COUNT(*) FROM backfill_log"
    assert operator.psql(count, role) == [["12"]]
    options = re.findall(r"PGOPTIONS='([^']+)'", " ".join(notes))[0]
    assert operator.psql(count, PGOPTIONS=options) == [["12"]]
    operator.admin(f"DROP OWNED BY {role}")


def test_in_a_database_with_other_tables_the_line_for_the_owner_is_printed(operator):
    operator.admin("CREATE TABLE public.customers ()")
    notes = operator.run("migrate").data["notes"]
    assert operator.admin("SELECT count(*) FROM pg_db_role_setting WHERE setrole = 0 AND setdatabase ="
                          " (SELECT oid FROM pg_database WHERE datname = current_database())") == [(0,)]  # fmt: skip
    prepare(operator, notes[1:])
    assert operator.psql("SELECT COUNT(*) FROM backfill_log") == [["0"]]
    assert operator.run("migrate").data["notes"] == []


def test_a_search_path_that_the_owner_has_set_is_left(operator):
    operator.admin(f"ALTER DATABASE {operator.name} SET search_path = reports, public")
    notes = operator.run("migrate").data["notes"]
    assert operator.sql("SHOW search_path") == [("reports, public",)]
    assert notes[1] == f"ALTER DATABASE {operator.name} SET search_path = alexandria, public;"


# ---- the extension, the encoding, the server


@pytest.mark.parametrize("place", ["public", "extensions"])
def test_pg_trgm_may_be_in_another_schema(operator, place):
    operator.admin(f"CREATE SCHEMA IF NOT EXISTS {place}; CREATE EXTENSION pg_trgm SCHEMA {place}")
    if place == "extensions":
        prepare(operator, refused(operator, operator.owner, "pg_trgm is in the schema extensions"))
    operator.works()
    assert operator.run("migrate").code == 0


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_an_encoding_that_cannot_hold_titles_is_refused(operator, encoding):
    operator.server.admin(f"DROP DATABASE {operator.name}")
    operator.server.admin(f"CREATE DATABASE {operator.name} OWNER {operator.owner} TEMPLATE template0"
                          f" ENCODING '{encoding}' LOCALE 'C'")  # fmt: skip
    statements = refused(operator, operator.owner, f"its encoding is {encoding}")
    assert operator.run("seed", "2023").code == 6
    made = statements[0].replace("DATABASE alexandria ", f"DATABASE {operator.name}_utf8 ")
    operator.server.admin(made)
    try:
        operator.works(url=operator.server.url(operator.owner, f"{operator.name}_utf8"))
    finally:
        operator.server.admin(f"DROP DATABASE {operator.name}_utf8 WITH (FORCE)")


def test_a_role_that_only_reads_by_default(operator):
    operator.admin(f"ALTER ROLE {operator.owner} SET default_transaction_read_only = on")
    prepare(operator, refused(operator, operator.owner, f"sessions of the role {operator.owner} are read-only"))
    operator.works()
    operator.admin(f"ALTER ROLE {operator.owner} IN DATABASE {operator.name} SET default_transaction_read_only = on")
    result = operator.run("seed", "1999")
    assert result.code == 6, result
    assert operator.run("status").code == 0


def test_a_server_without_a_free_connection(operator):
    """The role may have one, and somebody has it."""
    operator.works()
    operator.admin(f"ALTER ROLE {operator.owner} CONNECTION LIMIT 1")
    with psycopg.connect(operator.url()):
        for arguments in (["status"], ["migrate"], ["work", "--until-idle"]):
            assert operator.run(*arguments).code == 6, arguments


def test_a_pool_that_finds_the_connections_taken_waits_for_one(operator):
    operator.works()
    operator.admin(f"ALTER ROLE {operator.owner} CONNECTION LIMIT 1")
    asyncio.run(wait_for_a_connection(operator.url()))


async def wait_for_a_connection(url):
    taken = await psycopg.AsyncConnection.connect(url)
    with pytest.raises(DatabaseUnavailable):
        async with Database(url, size=1, patience=0.5):
            pass
    await taken.close()
    async with Database(url, size=1) as database, database.transaction() as connection:
        found = await (await connection.execute("SELECT count(*) AS n FROM backfill_log")).fetchall()
    assert found[0]["n"] == 12
