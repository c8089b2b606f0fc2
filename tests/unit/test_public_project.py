"""The files that a public project shows agree with each other: metadata, README on an index, workflow, issue forms."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from alexandria.cli.main import app, hoist

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT: dict[str, Any] = PYPROJECT["project"]
GITHUB = ROOT / ".github"
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def long_description() -> str:
    """The README as a package index shows it: after the substitutions that the build makes."""
    hook = PYPROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    text = "".join((ROOT / fragment["path"]).read_text("utf-8") for fragment in hook["fragments"])
    for substitution in hook["substitutions"]:
        text = re.sub(substitution["pattern"], substitution["replacement"], text)
    return text


def test_the_readme_has_no_relative_link_on_an_index():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert re.findall(r"\]\((?!#|[a-z]+:)", long_description()) == []
    assert len(re.findall(r"\]\((?!#|[a-z]+:)", readme)) > 10


def test_every_page_that_the_readme_names_on_an_index_exists():
    pages = re.findall(r"\(`([^`]+)`\)", long_description())
    assert len(pages) > 10
    assert [page for page in pages if not (ROOT / page).exists()] == []


def test_no_address_is_invented():
    assert "urls" not in PROJECT
    assert PROJECT["authors"] == [{"name": "The Alexandria Backfill developers"}]


def test_no_message_names_a_package_that_is_not_published():
    shown = [*ROOT.glob("*.md"), *(path for name in ("src", "docs", "deploy") for path in (ROOT / name).rglob("*"))]
    files = [path for path in shown if path.suffix in {".md", ".py", ".html", ".sh"} or path.name == "Containerfile"]
    name = PROJECT["name"]
    assert len(files) > 200
    assert [path.name for path in files if re.search(rf"install [^\n]*{name}", path.read_text("utf-8"))] == []


def test_public_ci_runs_every_python_that_the_package_supports():
    matrix = read(GITHUB / "workflows" / "ci.yml")["jobs"]["test"]["strategy"]["matrix"]["python"]
    named = re.findall(r"Python :: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE)
    assert matrix == named
    assert PROJECT["requires-python"] == f">={named[0]}"


def test_public_ci_runs_targets_and_scripts_that_exist():
    jobs = read(GITHUB / "workflows" / "ci.yml")["jobs"].values()
    commands = [shlex.split(step["run"]) for job in jobs for step in job["steps"] if "run" in step]
    made = {words[1] for words in commands if words[0] == "make"}
    assert made <= TARGETS
    assert ["bash", ".ci/run"] in commands
    assert (ROOT / ".ci" / "run").exists()


def test_readme_and_contributing_agree_on_what_a_target_runs_and_how_long_it_takes():
    first, second = (
        dict(re.findall(r"^(make [a-z-]+) +# (.+)$", (ROOT / name).read_text("utf-8"), re.MULTILINE))
        for name in ("README.md", "CONTRIBUTING.md")
    )
    shared = {"make check", "make test", "make test-all"}
    assert shared <= first.keys() & second.keys()
    assert {name: first[name] for name in shared} == {name: second[name] for name in shared}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_every_command_of_an_issue_form_exists(form):
    group: Any = typer.main.get_command(app)
    calls = re.findall(r"`(alexandria [^`]+)`", form.read_text("utf-8"))
    for call in calls:
        early, later = hoist(shlex.split(call)[1:])
        context = group.make_context("alexandria", [*early, "doctor"])
        if later and not later[0].startswith("-"):
            group.commands[later[0]].make_context(later[0], later[1:], parent=context)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_the_fields_of_an_issue_form_have_different_names(form):
    fields = [field["id"] for field in read(form)["body"] if field["type"] != "markdown"]
    assert len(fields) == len(set(fields)) > 2


def test_a_report_of_a_wrong_isbn_requires_the_evidence():
    fields = {field.get("id"): field for field in read(GITHUB / "ISSUE_TEMPLATE" / "wrong-isbn.yml")["body"]}
    assert "alexandria resolve --json --title" in fields["evidence"]["attributes"]["description"]
    assert fields["evidence"]["validations"]["required"]
