"""Adopting months from another database than ours, which is only read."""

import json

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from alexandria.cli.exit_codes import BLOCKED, DONE, NO_DATABASE, USAGE
from tests.support import earlier_scheduler

FROM = ("adopt", "--from", "public.backfill_log")
OURS = "SELECT status, count(*) FROM alexandria.backfill_log GROUP BY 1 ORDER BY 1"
AFTER = [("completed", 200), ("failed", 20), ("pending", 65), ("retry", 15)]


@pytest.fixture(scope="module")
def origin(fresh_database):
    """Another database of the server, with the earlier scheduler's tables in `public`."""
    with fresh_database() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            earlier_scheduler.build(lambda text: connection.execute(text.encode()), "public.")
        yield url


def sql(url, text):
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(text.encode())
        return found.fetchall() if found.description else None


def digest(url):
    return earlier_scheduler.digest(lambda text: sql(url, text))


def test_months_of_another_database_are_adopted_and_nothing_is_changed_there(alexandria, database_url, origin):
    before = digest(origin)
    code, out, err = alexandria("--json", *FROM, "--from-postgres", origin, "--dry-run")
    assert (code, json.loads(out)["data"]["adopted"]) == (DONE, 300), err
    assert sql(database_url, OURS) == []
    code, out, err = alexandria("--json", *FROM, "--from-postgres", origin)
    data = json.loads(out)["data"]
    assert (code, data["adopted"], data["became"]) == (DONE, 300, dict(AFTER)), err
    assert sql(database_url, OURS) == AFTER
    code, out, _ = alexandria("--json", *FROM, "--from-postgres", origin)
    assert (code, json.loads(out)["data"]["unchanged"]) == (DONE, 300)
    [(detail,)] = sql(database_url, "SELECT detail FROM alexandria.audit WHERE act = 'adopt'")
    database = psycopg.conninfo.conninfo_to_dict(origin)["dbname"]
    assert detail["from"] == f"public.backfill_log of the database {database}"
    assert digest(origin) == before


def test_a_month_that_is_being_worked_on_there_is_refused(alexandria, database_url, origin):
    stuck = "UPDATE public.backfill_log SET started_at = {} WHERE status = 'processing'"
    sql(origin, stuck.format("now()"))
    code, _, err = alexandria(*FROM, "--from-postgres", origin)
    sql(origin, stuck.format("now() - interval '3 days'"))
    assert code == BLOCKED
    assert "may be working" in err
    assert sql(database_url, OURS) == []


def test_neither_errors_nor_logs_have_the_password(alexandria, origin):
    """A server that is not there, a role that is refused, and URLs that cannot be read."""
    unreadable = ["postgresql://u:canary@x@127.0.0.1/x", "postgresql://u:canary/x@127.0.0.1/x", "host=h port=canary"]
    for url in ("postgresql://u:canary@127.0.0.1:1/x", make_conninfo(origin, user="u", password="canary"), *unreadable):
        code, out, err = alexandria("--verbose", *FROM, "--from-postgres", url)
        assert code in (NO_DATABASE, USAGE), (url, code, err)
        assert "canary" not in out + err
        assert "DATABASE_URL" not in out + err


def test_what_cannot_be_adopted_is_refused_with_the_reason(alexandria, origin):
    """A table that is not there, and one of an installation of Alexandria."""
    code, _, err = alexandria("adopt", "--from", "public.old_log", "--from-postgres", origin)
    assert code == USAGE
    assert "there is no table public.old_log in the database" in err
    assert "perhaps --from" in err
    assert "public.backfill_log" in err
    code, _, err = alexandria("adopt", "--from", "alexandria.backfill_log", "--from-postgres", origin)
    assert code == USAGE
    assert "is the table of an installation of Alexandria" in err


def test_a_view_there_cannot_write(alexandria, origin):
    sql(origin, "CREATE TABLE public.written (n integer)")
    sql(origin, "CREATE FUNCTION public.sly() RETURNS text LANGUAGE plpgsql AS"
                " $$ BEGIN INSERT INTO public.written VALUES (1); RETURN 'pending'; END $$")  # fmt: skip
    sql(origin, "CREATE VIEW public.sly_log AS SELECT 2023 AS year, 5 AS month, public.sly() AS status")
    code, _, err = alexandria("adopt", "--from", "public.sly_log", "--from-postgres", origin)
    rows = sql(origin, "SELECT n FROM public.written")
    sql(origin, "DROP VIEW public.sly_log; DROP FUNCTION public.sly; DROP TABLE public.written")
    assert code not in (DONE, BLOCKED)
    assert "read-only transaction" in err
    assert rows == []
