"""A rollout on the command line: output, next steps, and the exit codes of the contract."""

import json

import psycopg
import pytest

from alexandria.cli import main as cli
from alexandria.rollout.plan import example, read


def command(capsys, url, *arguments):
    code = cli.main(["rollout", *arguments, "--database", url])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_commands_print_their_result_and_the_next_step(database_url, capsys, tmp_path):
    """From the example to an override, with the exit codes of the contract; --dry-run changes nothing."""

    def run(*arguments):
        return command(capsys, database_url, *arguments)

    assert run("status")[0] == run("verdicts")[0] == 3
    code, text, _ = run("example")
    assert (code, read(text)) == (0, read(example()))
    file = tmp_path / "rollout.toml"
    file.write_text(text.replace("months_per_day = 5", "months_per_day = 0"))
    code, _, err = run("start", "--file", str(file))
    assert code == 2
    assert "phase 1: months_per_day" in err
    assert run("start", "--file", str(tmp_path / "none.toml"))[0] == 2
    file.write_text(text)
    code, out, err = run("start", "--file", str(file), "--dry-run")
    assert (code, "would add 300 missing months" in out, "without --dry-run" in err) == (0, True, True)
    assert run("status")[0] == 3
    code, out, err = run("start", "--file", str(file), "--why", "for the spring")
    assert (code, "added 300 missing months" in out, "▶ Validation" in out) == (0, True, True)
    assert "for the spring" in out
    assert run("start")[0] == 5
    assert run("approve")[0] == 5
    assert run("hold")[0] == 2
    assert "held by cli " in run("hold", "--why", "to look")[1]
    code, out, err = run("show")
    assert (code, "held by cli " in out, "rollout release" in err) == (0, True, True)
    assert "Validation  pending  0 months in progress, 10 not scheduled yet: pending" in run("verdicts")[1]
    assert run("release")[0] == 0
    assert run("release")[0] == 5
    code, _, err = run("override", "--why", "known", "--dry-run")
    assert (code, "phase Validation has not begun a month yet" in err, "override-in-advance" in err) == (5, True, True)
    assert run("override-in-advance", "--why", "known")[0] == 2
    assert run("override-in-advance", "--why", "known", "--phase", "Historical")[0] == 5
    code, out, _ = run("override-in-advance", "--phase", "1", "--why", "known", "--json", "--dry-run")
    assert (code, json.loads(out)["data"]["overridden"]) == (0, True)
    assert json.loads(run("status", "--json")[1])["data"]["overridden"] is False


def test_a_dry_run_on_a_new_database_names_the_months_that_would_begin(database_url, capsys, tmp_path):
    """No worker has started, so that the quota is unknown; it may also be before three o'clock."""
    assert command(capsys, database_url, "status")[0] == 3
    code, out, _ = command(capsys, database_url, "start", "--dry-run")
    assert (code, "first months: 2023-12, 2023-11, 2023-10, 2023-09, 2023-08\n" in out) == (0, True)
    data = json.loads(command(capsys, database_url, "start", "--dry-run", "--json")[1])["data"]
    assert data["next"]["months"] == ["2023-12", "2023-11", "2023-10", "2023-09", "2023-08"]
    assert command(capsys, database_url, "status")[0] == 3


def test_a_dry_run_on_a_database_without_schema_names_the_months_that_would_begin(empty_database_url, capsys):
    """And changes nothing: a start needs the schema."""
    months = ["2023-12", "2023-11", "2023-10", "2023-09", "2023-08"]
    code, out, _ = command(capsys, empty_database_url, "start", "--dry-run")
    assert (code, f"first months: {', '.join(months)}\n" in out) == (0, True)
    assert "300 months in 3 phases; would add 300 missing months" in out
    data = json.loads(command(capsys, empty_database_url, "start", "--dry-run", "--json")[1])["data"]
    assert (data["next"]["months"], data["dry_run"]) == (months, True)
    code, _, err = command(capsys, empty_database_url, "start")
    assert (code, "this database is empty" in err) == (6, True)


PHASE = '[[phase]]\nname = "all"\nmonths_per_day = 5\n'
WARNINGS = [
    ('years = "2098..2099"', "24 months up to 2099-12 are not over yet and would begin first"),
    ("years = 2023\ngate.min_sample = 1000", "its gate cannot be reached: min_sample is 1,000"),
    ("years = 2023\ngate.min_resolution_rate = 0.999", "its gate cannot be reached: min_resolution_rate is 0.999"),
    ("years = 2023\nmonths = 24", "months is 24, but its years have only 12"),
    ("years = 2023\nquota_share = 0.001", "its share of ISBNdb's quota is 13 calls a day"),
]


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
@pytest.mark.parametrize("case", WARNINGS)
def test_a_start_warns_of_what_the_plan_cannot_do(database_url, capsys, tmp_path, case, more):
    """So does every later look at it."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO lane (name, rate, sends, win, gap, daily_limit, daily_cap) VALUES ('isbndb', 3, 3, 1, 0.3, 15000, 13000)"
        )
    file, (lines, warning) = tmp_path / "rollout.toml", case
    file.write_text(f'name = "p"\n{PHASE}{lines}\n')
    code, _, err = command(capsys, database_url, "start", "--file", str(file), *more)
    assert (code, f"warning: all: {warning}" in err) == (0, True)
    code, _, err = command(capsys, database_url, "status")
    assert (code, f"warning: all: {warning}" in err) == ((3, False) if more else (0, True))


NO_PLANS = [
    "\ufeff" + PHASE,
    "a = " + "[" * 20_000,
    f"years = {'9' * 5_000}",
    "[phase]\n[phase]",
    f'name = "p"\n{PHASE}years = 2023'.replace("[[phase]]", "[phase]"),
    f'name = "  "\n{PHASE}years = 2023',
    f'name = "p"\n{PHASE}years = 2023'.replace("all", "a\u202eb"),
]


@pytest.mark.parametrize("text", NO_PLANS)
@pytest.mark.parametrize("words", [("rollout", "start"), ("rollout", "start", "--dry-run"), ("forecast",)])
def test_a_file_that_is_no_plan_is_an_error_of_its_author(database_url, capsys, tmp_path, text, words):
    """With a sentence that names the fix."""
    file = tmp_path / "rollout.toml"
    file.write_text(text)
    code = cli.main([*words, "--file", str(file), "--database", database_url])
    err = capsys.readouterr().err
    assert (code, "rollout.toml: " in err, "fault of" in err) == (2, True, False)
    assert any(fix in err for fix in ("hint", "write", "type the name again", "save it", "example")), err


def test_status_exits_with_5_while_the_gate_has_failed(database_url, capsys):
    assert command(capsys, database_url, "start")[0] == 0
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE backfill_log SET status = 'failed' WHERE year = 2023")
    code, out, err = command(capsys, database_url, "status")
    assert code == 5
    assert "gate: failed\n" in out
    assert "  10 of 10 months failed (limit 1): failed\n" in out
    assert out.count("10 of 10 months failed") == 2  # in the message and in the reasons
    assert "alexandria rollout override" in err


def test_an_act_for_another_phase_or_rollout_exits_with_5(database_url, capsys):
    assert command(capsys, database_url, "start")[0] == 0
    for act in ("hold", "override", "approve", "release"):
        code, _, err = command(capsys, database_url, act, "--why", "x", "--phase", "Recent years")
        assert (code, "the present one is 1, Validation" in err) == (5, True)
        assert command(capsys, database_url, act, "--why", "x", "--rollout", "77")[0] == 5
    assert command(capsys, database_url, "hold", "--why", "x", "--phase", "Validation", "--rollout", "1")[0] == 0
    assert command(capsys, database_url, "release", "--phase", "1")[0] == 0
