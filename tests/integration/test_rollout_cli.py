"""A rollout on the command line: output, next steps, and the exit codes of the contract."""

import json

import psycopg
import pytest

from alexandria import cli
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


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_start_warns_of_what_the_plan_cannot_do(database_url, capsys, tmp_path, more):
    file = tmp_path / "rollout.toml"
    file.write_text('name = "far"\n[[phase]]\nname = "all"\nyears = "2098..2099"\nmonths_per_day = 5\n')
    code, _, err = command(capsys, database_url, "start", "--file", str(file), *more)
    assert (code, "warning: all: 24 months up to 2099-12 are not over yet" in err) == (0, True)


@pytest.mark.parametrize("text", ["\ufeff", "a = " + "[" * 20_000, f"years = {'9' * 5_000}", "[phase]\n[phase]"])
@pytest.mark.parametrize("words", [("rollout", "start", "--dry-run"), ("forecast",)])
def test_a_file_that_is_no_plan_is_an_error_of_its_author(database_url, capsys, tmp_path, text, words):
    file = tmp_path / "rollout.toml"
    file.write_text(text)
    code = cli.main([*words, "--file", str(file), "--database", database_url])
    assert (code, "rollout.toml: " in capsys.readouterr().err) == (2, True)


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
