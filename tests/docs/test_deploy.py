"""The files in deploy/ name only existing settings and commands, and pass the installed linters."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from pydantic import AliasChoices

from alexandria.bootstrap import limiter_sessions
from alexandria.cli.main import app
from alexandria.core import config
from alexandria.core.provider_facts import PROVIDERS, key_settings
from alexandria.database import capacity

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
CONTAINERFILE = DEPLOY / "containers" / "Containerfile"
COMPOSE = yaml.safe_load((DEPLOY / "containers" / "compose.yml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "alexandria-backfill"}
SETTINGS = {str(field.validation_alias.choices[0]) for field in config.Settings.model_fields.values()
            if isinstance(field.validation_alias, AliasChoices)} | {*key_settings().values(), "ALEXANDRIA_SECRETS_DIR"}  # fmt: skip
TOOLS = [*map(shutil.which, ("systemd-analyze", "hadolint"))]


def accept(arguments):
    """Parse the arguments as the command line does."""
    group: Any = typer.main.get_command(app)
    whole = group.make_context("alexandria", [*arguments], resilient_parsing=True)
    group.commands[arguments[0]].make_context(arguments[0], [*arguments[1:]], parent=whole)


def test_every_setting_that_is_named_exists():
    setting = re.compile(r"\b(?:ALEXANDRIA_[A-Z_]+|[A-Z_]+_API_KEY|DATABASE_URL)\b")
    files = [path for path in DEPLOY.rglob("*") if path.is_file()]
    named = {(path.name, name) for path in files for name in setting.findall(path.read_text(encoding="utf-8"))}
    assert len(named) > 10
    assert {(path, name) for path, name in named if name not in SETTINGS} == set()


def test_every_command_that_is_run_exists():
    for unit in UNITS:
        [command] = re.findall(r"^ExecStart=\S+/alexandria (.+)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
        accept(command.split())
    accept(yaml.safe_load(re.findall(r"^CMD (.+)$", CONTAINERFILE.read_text(encoding="utf-8"), re.MULTILINE)[0]))
    for service in OURS.values():
        accept(service["command"])


def test_the_containers_refer_only_to_what_exists():
    """Secrets, volumes and dependencies exist; each of our services has every secret, and no secret is in a variable."""
    for service in SERVICES.values():
        assert set(service["secrets"]) <= set(COMPOSE["secrets"])
        assert all(volume.partition(":")[0] in COMPOSE["volumes"] for volume in service.get("volumes", []))
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        assert not {name for name in service["environment"] if name.endswith(("_KEY", "_URL", "_SECRET", "PASSWORD"))}
        for dependency, how in service.get("depends_on", {}).items():
            assert how["condition"] == "service_completed_successfully" or "healthcheck" in SERVICES[dependency]
    assert {*OURS} == {"migrate", "api", "worker"}
    keys = set(key_settings().values()) - {"OPENAI_API_KEY"}  # for servers at home
    assert all(
        set(service["secrets"]) == keys | {"DATABASE_URL", "ALEXANDRIA_WEBHOOK_SECRET"} for service in OURS.values()
    )
    assert all(secret["file"] == f"secrets/{name}" for name, secret in COMPOSE["secrets"].items())


def test_the_image_can_copy_its_files():
    """They exist and are not ignored."""
    copied = " ".join(re.findall(r"^COPY (?!--)(.+) \S+$", CONTAINERFILE.read_text(encoding="utf-8"), re.MULTILINE))
    included = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert included == set(copied.split())
    assert all((ROOT / name).exists() for name in included)


def test_both_units_are_confined_alike():
    """They differ only in what they run."""
    lines = [set(unit.read_text(encoding="utf-8").splitlines()) for unit in UNITS]
    assert {line.partition("=")[0] for line in lines[0] ^ lines[1]} <= {
        "Description", "ExecStart", "# On SIGTERM it hands over its months to another worker."
    }  # fmt: skip


@pytest.mark.skipif(TOOLS[0] is None, reason="systemd-analyze is not installed (Debian: systemd)")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_the_units(unit, tmp_path):
    """And rates them as well confined."""
    mine = tmp_path / unit.name
    program = Path(sys.executable).with_name("alexandria")
    mine.write_text(unit.read_text(encoding="utf-8").replace("/opt/alexandria/.venv/bin/alexandria", str(program)))
    verify = [str(TOOLS[0]), "verify", "--man=no", str(mine)]
    done = subprocess.run(verify, text=True, capture_output=True, check=False)
    assert (done.returncode, unit.stem in done.stderr) == (0, False), done.stderr
    security = [str(TOOLS[0]), "security", "--offline=true", str(mine)]
    report = subprocess.run(security, text=True, capture_output=True, check=False).stdout
    [exposure] = re.findall(r"Overall exposure level for .*: ([\d.]+)", report)
    assert float(exposure) < 2


@pytest.mark.skipif(TOOLS[1] is None, reason="hadolint is not installed")
def test_hadolint_accepts_the_image():
    done = subprocess.run([str(TOOLS[1]), str(CONTAINERFILE)], text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_database_of_the_compose_file_has_connections_for_the_workers_of_the_page():
    page = (ROOT / "docs" / "how-to" / "deploy.md").read_text(encoding="utf-8")

    [allowed] = [int(part.partition("=")[2]) for part in SERVICES["database"]["command"] if "max_connections" in part]
    scaled = max(map(int, re.findall(r"--scale worker=(\d+)", page)))
    sessions, most = limiter_sessions(config.load()), capacity.Shares()
    worker = most.pool + most.queue + capacity.LOG_CONNECTIONS + sessions
    server = most.server + capacity.LOG_CONNECTIONS
    assert scaled * worker + server + capacity.COMMAND_CONNECTIONS <= allowed - 3


def test_the_number_of_connections_matches_the_page():
    """A pool, one for the queues, one for the event log, one for each rate limiter, and one for each provider of models."""
    page = (ROOT / "docs" / "how-to" / "many-workers.md").read_text(encoding="utf-8")
    sessions = len(PROVIDERS) + sum(facts.long_calls for facts in PROVIDERS.values())
    most = capacity.Shares()
    assert f"holds up to {most.pool + most.queue + capacity.LOG_CONNECTIONS + sessions}:" in page
    assert f"holds up to {most.server + capacity.LOG_CONNECTIONS}." in page
    in_use = limiter_sessions(config.load())
    least = capacity.least_connections(in_use)
    together = least + capacity.LOG_CONNECTIONS + capacity.MIN_SERVER_CONNECTIONS + capacity.COMMAND_CONNECTIONS
    assert f"{least} for a worker" in page
    assert f"{together} for a worker, a server" in page
