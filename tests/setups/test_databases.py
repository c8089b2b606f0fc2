"""Databases that are set up in unusual ways: each works, or ends in one sentence with the fix."""

import pytest

pytestmark = pytest.mark.long

COLLATIONS = {
    "C": "LOCALE 'C'",
    "ICU without a language": "LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'und'",
    "ICU, Turkish, where the small letter of I has no dot": "LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'",
    "ICU that ignores case": "LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'und-u-ks-level2'",
}
ROLE_SETTINGS = {
    "default_tablespace": "nowhere", "default_transaction_deferrable": "on", "row_security": "off", "array_nulls": "off",
    "quote_all_identifiers": "on", "plpgsql.extra_errors": "all", "plpgsql.extra_warnings": "all", "client_min_messages": "debug1",
    "check_function_bodies": "off", "transform_null_equals": "on", "pg_trgm.similarity_threshold": "1", "work_mem": "64kB",
    "xmloption": "document", "backslash_quote": "on", "enable_seqscan": "off", "search_path": '"$user"', "jit": "on",
    "default_transaction_isolation": "serializable", "idle_in_transaction_session_timeout": "50ms", "gin_fuzzy_search_limit": "1",
    "lock_timeout": "1ms", "statement_timeout": "50ms", "idle_session_timeout": "1s", "timezone": "Asia/Kathmandu",
    "datestyle": "German, DMY", "synchronous_commit": "off", "force_parallel_mode": "on", "extra_float_digits": "-15",
}  # fmt: skip
AUTHORS_TABLE = """CREATE TABLE public.backfill_log (id serial PRIMARY KEY, year integer NOT NULL, month integer NOT NULL,
    status text NOT NULL DEFAULT 'pending', books_generated integer DEFAULT 0, isbns_resolved integer DEFAULT 0,
    resolution_rate numeric(5,2), retry_count integer DEFAULT 0, started_at timestamptz, completed_at timestamptz,
    error_message text, UNIQUE (year, month));
    INSERT INTO public.backfill_log (year, month) SELECT y, m FROM generate_series(2000, 2024) AS y, generate_series(1, 12) AS m"""


@pytest.mark.parametrize("kind", COLLATIONS)
def test_collations(operator, sandbox, kind):
    operator.server.admin(f"DROP DATABASE {operator.name}")
    operator.server.admin(
        f"CREATE DATABASE {operator.name} OWNER {operator.owner} TEMPLATE template0 ENCODING 'UTF8' {COLLATIONS[kind]}"
    )
    operator.works()
    operator.completes_months(sandbox)
    assert operator.run("export", "--format", "csv", "--out", "/dev/null").code == 0


def test_settings_of_the_role_that_change_what_statements_mean(operator, sandbox):
    for name, value in ROLE_SETTINGS.items():
        operator.admin(f"ALTER ROLE {operator.owner} SET {name} = '{value}'")
    operator.works()
    operator.completes_months(sandbox)


def test_a_schema_of_the_roles_own_name_is_not_taken(operator, sandbox):
    """As `"$user"` in the usual search path finds it first."""
    operator.sql("CREATE SCHEMA AUTHORIZATION CURRENT_USER")
    operator.sql("CREATE TABLE backfill_log (year integer, month integer, status text)")
    operator.works()
    operator.completes_months(sandbox)
    assert operator.sql("SELECT count(*) FROM backfill_log") == [(0,)]


def test_the_table_of_the_guides_author_stays_as_it_is(operator, sandbox):
    operator.admin(AUTHORS_TABLE)
    operator.admin(f"ALTER TABLE public.backfill_log OWNER TO {operator.owner}")
    operator.works()
    operator.completes_months(sandbox)
    assert operator.sql("SELECT status, count(*) FROM public.backfill_log GROUP BY 1") == [("pending", 300)]


def test_an_event_trigger_that_refuses_changes_of_the_schema(operator):
    operator.admin("CREATE FUNCTION public.no() RETURNS event_trigger LANGUAGE plpgsql AS"
                   " $$ BEGIN RAISE EXCEPTION 'changes need a ticket'; END $$;"
                   " CREATE EVENT TRIGGER no_changes ON ddl_command_start EXECUTE FUNCTION public.no()")  # fmt: skip
    refused = operator.run("migrate")
    assert (refused.code, refused.error["code"]) == (6, "database_not_prepared")
    assert "changes need a ticket" in refused.error["message"]
    assert "no_changes" in refused.error["message"] + refused.error["hint"]
    assert operator.run("seed", "2023").error["code"] == "not_migrated"
    operator.admin("DROP EVENT TRIGGER no_changes")
    operator.works()


def test_row_level_security_that_hides_our_rows_is_named(operator):
    """Rows that a role cannot see would be missing months and books."""
    operator.works()
    plain = operator.role()
    for statement in operator.run("work", "--until-idle", role=plain).error["details"]["statements"]:
        operator.admin(statement)
    assert operator.run("status", role=plain).data["total_months"] == 12
    operator.admin("ALTER TABLE alexandria.backfill_log ENABLE ROW LEVEL SECURITY")
    for arguments in (["status"], ["seed", "2024"], ["work", "--until-idle"], ["serve", "--port", "0"]):
        refused = operator.run(*arguments, role=plain, ALEXANDRIA_WEBHOOK_SECRET="s" * 40)
        assert (refused.code, refused.error["code"]) == (6, "database_not_prepared"), arguments
        assert "row-level security" in refused.error["message"]
        assert "backfill_log" in refused.error["message"]
    assert "row-level security" in str(operator.run("doctor", role=plain).data)
    assert operator.run("seed", "2024").data["months_seeded"] == 12, "the owner is not concerned"
    for statement in refused.error["details"]["statements"]:
        operator.admin(statement)
    assert operator.run("status", role=plain).data["total_months"] == 24


def test_a_trigger_of_others_that_refuses_our_rows_is_named(operator):
    operator.works()
    operator.admin("CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS"
                   " $$ BEGIN RAISE EXCEPTION 'the audit is closed'; END $$;"
                   " CREATE TRIGGER audit_of_others BEFORE INSERT ON alexandria.backfill_log"
                   " FOR EACH ROW EXECUTE FUNCTION public.no()")  # fmt: skip
    refused = operator.run("seed", "2024")
    assert "the audit is closed" in refused.error["message"]
    assert refused.error["hint"]
