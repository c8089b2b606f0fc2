"""Moving over from the earlier scheduler, in its own database, as the how-to guide shows it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.support import earlier_scheduler

PAGE = (Path(__file__).parents[2] / "docs/how-to/move-over.md").read_text(encoding="utf-8")
FROM = ("adopt", "--from", "public.backfill_log")
OURS = "SELECT status, count(*) FROM alexandria.backfill_log GROUP BY 1 ORDER BY 1"
AFTER = [("completed", 200), ("failed", 20), ("pending", 65), ("retry", 15)]


@pytest.fixture
def earlier(operator):
    """The operator's database with the earlier scheduler in `public`."""
    operator.admin(f"GRANT CREATE ON SCHEMA public TO {operator.owner}")
    earlier_scheduler.build(operator.sql)
    return operator


def shell(operator, command, **environment):
    """Run a line of the page as a shell does, with this Python's alexandria and the server's psql."""
    programs = f"{Path(sys.executable).parent}:{operator.server.psql.parent}:{os.environ['PATH']}"
    variables = os.environ | {"DATABASE_URL": operator.url(), "PATH": programs} | environment
    return subprocess.run(["sh", "-c", command], env=variables, capture_output=True, text=True, check=False)


def lines(kind):
    return [line for block in re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def test_the_how_to_guide_moves_over_and_back(earlier, sandbox):
    """Its own lines: migrate, adopt, do months again with a worker, the guide's SQL, and the way back."""
    before = earlier_scheduler.digest(earlier.sql)
    commands = lines("sh")
    assert commands.pop(0).startswith("export DATABASE_URL=")
    check, migrate, adopt, preview, *elsewhere, again_preview, again, schedule, guide = commands
    assert [line.split(" postgresql:")[0] for line in elsewhere] == [  # another database: tests/integration
        migrate,
        f"{adopt} --from-postgres",
        "alexandria bibliography load --from-postgres",
    ]
    assert shell(earlier, check).returncode == 6
    migrated = shell(earlier, migrate)
    assert migrated.returncode == 0, migrated.stderr
    assert "alexandria adopt --from public.backfill_log" in migrated.stderr
    assert shell(earlier, preview).returncode == 0
    assert earlier.sql(OURS) == []
    adopted = shell(earlier, adopt)
    assert adopted.returncode == 0, adopted.stderr
    assert "300 months adopted: 65 pending, 200 completed, 20 failed, 15 retry" in adopted.stderr
    assert earlier.sql(OURS) == AFTER
    assert earlier_scheduler.digest(earlier.sql) == before

    assert "220 months reset to pending, 15 waiting months to retry now" in shell(earlier, again_preview).stdout
    earlier.sql("UPDATE alexandria.backfill_log SET next_attempt_at = now() + interval '1 day' WHERE status = 'retry'")
    assert again == "alexandria retry --adopted"
    assert shell(earlier, "alexandria retry --adopted 2023-12 2023-11").returncode == 0
    assert schedule == "alexandria schedule --batch-size 10"
    assert shell(earlier, f"{schedule} --years 2023").returncode == 0
    earlier.completes_months(sandbox, months=200)
    marked = "SELECT count(*) FROM alexandria.backfill_log WHERE adopted_at IS NOT NULL AND status = 'completed'"
    assert earlier.sql(marked) == [(198,)]

    found = shell(earlier, guide)
    assert found.returncode == 0, found.stderr
    assert re.findall(r"completed +\| +(\d+)", found.stdout) == ["200"]
    earlier.sql("UPDATE alexandria.backfill_log SET status = 'pending' WHERE year = 2022")
    assert re.findall(r"completed +\| +(\d+)", shell(earlier, guide).stdout) == ["188"]

    [[books]] = earlier.sql("SELECT count(*) FROM alexandria.edition")
    assert books > 10
    way_back = "\n".join(lines("sql"))
    for _ in range(2):
        earlier.psql(way_back)
    rows = "SELECT count(*), count(primary_provider), count(metadata ->> 'author') FROM enriched_editions WHERE metadata IS NOT NULL"
    [[added, provided, authored]] = earlier.sql(rows)
    assert added in {books, books - 1}
    assert provided == authored == added
    assert earlier.sql("SELECT title FROM enriched_editions WHERE isbn = '9780374600303'") == [("Kept as it was",)]
    [removal] = re.findall(r"`(DROP SCHEMA [^`]+)`", PAGE)
    earlier.sql("DELETE FROM enriched_editions WHERE metadata IS NOT NULL")
    earlier.psql(removal)
    assert earlier_scheduler.digest(earlier.sql) == before


def test_adopting_again_changes_nothing_and_adopts_what_happened_since(earlier):
    assert earlier.run("migrate").code == 0
    first = earlier.run(*FROM)
    assert (first.code, first.data["adopted"], first.data["became"]) == (0, 300, dict(AFTER))
    assert {each["status"]: each["rows"] for each in first.data["by_status"]} == earlier_scheduler.COUNTED
    everything = "SELECT b::text FROM alexandria.backfill_log AS b ORDER BY id"
    audits = "SELECT who, act, detail FROM alexandria.audit"
    kept, [(who, act, detail)] = earlier.sql(everything), earlier.sql(audits)
    assert who.startswith("cli ")
    assert (act, detail["from"], detail["adopted"]) == ("adopt", "public.backfill_log", dict(AFTER))

    again = earlier.run(*FROM)
    assert (again.code, again.data["adopted"], again.data["unchanged"]) == (0, 0, 300)
    assert "nothing was changed; 300 months adopted before and unchanged" in again.data["message"]
    assert earlier.sql(everything) == kept
    assert len(earlier.sql(audits)) == 1

    earlier.sql("UPDATE backfill_log SET status = 'completed', books_generated = 20 WHERE (year, month) = (2003, 6)")
    earlier.sql("UPDATE backfill_log SET status = 'completed', books_generated = 20 WHERE (year, month) = (2003, 5)")
    assert earlier.run("schedule", "--years", "2003", "--batch-size", "12").code == 0
    earlier.sql("UPDATE alexandria.backfill_log SET status = 'pending' WHERE (year, month) = (2024, 12)")
    third = earlier.run(*FROM)
    assert (third.code, third.data["adopted"], third.data["unchanged"]) == (0, 0, 287)
    reasons = {each["month"]: each["reason"] for each in third.data["skipped"] if not each["wrong"]}
    assert len(reasons) == 13
    assert reasons["2003-06"] == "worked on here: processing"
    assert reasons["2024-12"] == "worked on here: pending", "a reset is not undone"
    earlier.sql("UPDATE backfill_log SET status = 'completed', books_generated = 20 WHERE (year, month) = (2002, 6)")
    assert earlier.run(*FROM).data["became"] == {"completed": 1}


def test_the_table_fits_80_columns_and_names_each_row_that_is_skipped(earlier):
    assert earlier.run("migrate").code == 0
    earlier.sql("INSERT INTO backfill_log (year, month, status) VALUES (2024, 12, 'completed'), (1999, 4, 'pending'),"
                " (2012, 13, 'pending'), (1890, 1, 'done'), (2013, 0, 'failed')")  # fmt: skip
    earlier.sql("UPDATE backfill_log SET isbns_resolved = 30 WHERE id = 5")
    earlier.sql("UPDATE backfill_log SET status = 'zombie' WHERE id = 6")
    found = earlier.run(*FROM)
    assert (found.code, found.data["adopted"], found.data["rows"]) == (4, 297, 305)
    reasons = {each["row"]: (each["month"], each["reason"], each["fix"]) for each in found.data["skipped"]}
    assert reasons == {
        "id 303": (None, "month 13 is not from 1 to 12", "correct month"),
        "id 304": (None, "year 1890 is not from 1900 to 2100", "correct year"),
        "id 305": (None, "month 0 is not from 1 to 12", "correct month"),
        "id 1": ("2024-12", "the month has another row: id 301", "leave one row of the month"),
        "id 301": ("2024-12", "the month has another row: id 1", "leave one row of the month"),
        "id 5": ("2024-08", "isbns_resolved 30 is more than books_generated 20",
                 "correct isbns_resolved or books_generated"),
        "id 6": ("2024-07", "status 'zombie' is unknown",
                 "set status to one of pending, processing, completed, failed, retry"),
        "id 302": ("1999-04", "outside 2000-2024 and not seeded", "alexandria seed 1999, then adopt again"),
    }  # fmt: skip
    assert earlier.run("seed", "1999").code == 0
    assert earlier.run(*FROM).data["became"] == {"pending": 1}
    terminal = f"stty cols 80; {sys.executable} -m alexandria {' '.join(FROM)}"
    printed = subprocess.run(["script", "-qec", terminal, "/dev/null"], capture_output=True, text=True, check=False,
                             env=os.environ | {"DATABASE_URL": earlier.url(), "NO_COLOR": "1"}).stdout  # fmt: skip
    plain = re.sub(r"\x1b\[[0-9;]*m", "", printed).splitlines()
    assert max(map(len, plain)) <= 80
    assert any(line.split() == ["completed", "200", "0", "197", "3"] for line in plain), printed


def test_a_month_that_is_being_worked_on_there_is_refused(earlier):
    assert earlier.run("migrate").code == 0
    earlier.sql(
        "UPDATE backfill_log SET status = 'processing', started_at = now() - interval '10 minutes' WHERE id = 250"
    )
    preview = earlier.run(*FROM, "--dry-run")
    assert (preview.code, preview.data["active"]) == (5, ["2004-03"])
    refused = earlier.run(*FROM)
    assert (refused.code, refused.error["code"]) == (5, "still_in_use")
    assert "may be working on 2004-03" in refused.error["message"]
    assert "--force" in refused.error["hint"]
    assert earlier.sql(OURS) == []
    assert earlier.run(*FROM, "--force").data["became"] == dict(AFTER)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_times_without_zone_are_those_of_the_database(earlier, zone):
    """A month that was begun ten minutes ago there is not one of hours ago."""
    earlier.admin(f"ALTER ROLE {earlier.owner} SET timezone = '{zone}'")
    assert earlier.run("migrate").code == 0
    earlier.sql(
        "UPDATE backfill_log SET status = 'processing', started_at = now() - interval '10 minutes' WHERE id = 250"
    )
    earlier.sql("UPDATE backfill_log SET completed_at = '2026-01-13 15:55:52' WHERE id = 1")
    assert earlier.run(*FROM).code == 5
    assert earlier.run(*FROM, "--force").code == 0
    same = "SELECT completed_at = timestamptz '2026-01-13 15:55:52 {}' FROM alexandria.backfill_log WHERE (year, month) = (2024, 12)"
    earlier.sql("UPDATE backfill_log SET started_at = NULL WHERE id = 1")
    assert earlier.run(*FROM, "--force").data["became"] == {"completed": 1}
    assert earlier.psql(same.format(zone)) == [["t"]]


def test_a_role_that_may_not_read_the_table_gets_the_grant(operator):
    other = operator.role()
    operator.admin('CREATE SCHEMA "Old Data"')
    earlier_scheduler.build(operator.admin, '"Old Data".')
    operator.admin(f'ALTER TABLE "Old Data".backfill_log OWNER TO {other}')
    assert operator.run("migrate").code == 0
    arguments = ("adopt", "--from", '"Old Data".backfill_log')
    refused = operator.run(*arguments)
    grants = [f'GRANT USAGE ON SCHEMA "Old Data" TO {operator.owner};',
              f'GRANT SELECT ON "Old Data".backfill_log TO {operator.owner};']  # fmt: skip
    assert (refused.code, refused.error["details"]) == (6, {"statements": grants})
    assert refused.error["message"] == (
        f'the role {operator.owner} may not read "Old Data".backfill_log; its owner {other} can run: {" ".join(grants)}'
    )
    operator.admin(grants[0])
    assert operator.run(*arguments).error["details"] == {"statements": grants[1:]}
    operator.admin(grants[1])
    operator.admin('ALTER TABLE "Old Data".backfill_log ENABLE ROW LEVEL SECURITY')
    hidden = operator.run(*arguments)
    assert (hidden.code, "row-level security hides rows" in hidden.error["message"]) == (6, True)
    operator.admin('ALTER TABLE "Old Data".backfill_log DISABLE ROW LEVEL SECURITY')
    assert operator.run(*arguments).data["adopted"] == 300


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("backfill_log", "'backfill_log' is not the name of a table with its schema"),
        ("public.backfill_log; DROP TABLE editions", "'public.backfill_log; DROP TABLE editions' is not the name"),
        ('public."no"name', "is not the name of a table"),
        ("public.nothing", "there is no table public.nothing in this database"),
        ("public.works", "public.works has no column year, month and status"),
        ("alexandria.backfill_log", "alexandria.backfill_log is the table of this installation itself"),
    ],
)
def test_a_table_that_is_not_the_right_one_is_refused(earlier, source, message):
    assert earlier.run("migrate").code == 0
    refused = earlier.run("adopt", "--from", source)
    assert refused.code == 2
    assert message in refused.error["message"]
    assert refused.error["hint"]
    if source == "public.nothing":
        assert refused.error["hint"] == "perhaps --from public.backfill_log"


def test_columns_of_any_type_are_read_and_missing_ones_are_named(operator):
    operator.sql("CREATE TABLE log (year text, month numeric, status varchar, books_generated text, resolution_rate real,"
                 " completed_at text, next_retry_at timestamptz, prompt_variant text)")  # fmt: skip
    operator.sql("INSERT INTO log VALUES ('2023', 11.0, 'completed', ' 20 ', 87.5, '2026-01-13T15:55:52Z', NULL, 'annual'),"
                 " ('2023', 10, 'retry', NULL, NULL, NULL, '2030-01-01', 'his-own'), ('2023', 9.5, 'pending', '0', 0, NULL, NULL, NULL),"
                 " ('2023', 8, 'completed', 'many', 0, NULL, NULL, NULL), ('2023', 7, 'failed', '1', 'NaN', NULL, NULL, NULL),"
                 " ('2023', 6, NULL, '1', 1, NULL, NULL, NULL), (NULL, 5, 'failed', '1', 1, NULL, NULL, NULL),"
                 " ('2023', 4, 'completed', '3', 1, 'yesterday', NULL, NULL)")  # fmt: skip
    operator.sql("CREATE VIEW alexandrias_view AS SELECT * FROM log")
    assert operator.run("migrate").code == 0
    found = operator.run("adopt", "--from", "public.alexandrias_view")
    assert (found.code, found.data["became"]) == (4, {"completed": 1, "retry": 1})
    assert sorted(each["reason"] for each in found.data["skipped"]) == [
        "books_generated 'many' is not a whole number",
        "completed_at 'yesterday' is not a time",
        "month '9.5' is not a whole number",
        "resolution_rate 'NaN' is not a number",
        "status is NULL",
        "year is NULL",
    ]
    assert found.data["notes"][0].startswith("public.alexandrias_view has no column isbns_resolved, isbns_queued")
    assert "'his-own', which is unknown here" in found.data["notes"][1]
    rows = operator.sql("SELECT month, books_generated, resolution_rate::text, prompt_variant, completed_at::text, next_attempt_at::text"
                        " FROM alexandria.backfill_log ORDER BY 1 DESC")  # fmt: skip
    assert [tuple(map(str, row)) for row in rows] == [
        ("11", "20", "87.50", "annual", str(rows[0][4]), "None"),
        ("10", "0", "0.00", "None", "None", str(rows[1][5])),
    ]
    assert rows[0][4].startswith("2026-01-13")
    assert rows[1][5].startswith(("2030-01-01", "2029-12-31"))
    operator.sql("INSERT INTO log (year, month, status) SELECT '2023', 1, 'pending' FROM generate_series(1, 10000)")
    assert "more than 10,000 rows" in operator.run("adopt", "--from", "public.log").error["message"]


def test_a_lock_on_the_earlier_table_is_waited_for_no_longer_than_seconds(earlier):
    assert earlier.run("migrate").code == 0
    with psycopg.connect(earlier.url()) as other:
        other.execute("LOCK TABLE backfill_log IN ACCESS EXCLUSIVE MODE")
        refused = earlier.run(*FROM)
        assert (refused.code, refused.error["code"]) == (5, "database_busy"), json.dumps(refused.error)
    assert earlier.run(*FROM).code == 0
