"""What does an empty run cost in Prefect, Dagster and Airflow, beside a month of ours that has nothing to ask?

Each of them runs a workflow of one step that returns at once, one run after the other, in one process and with the SQLite database
that is its default. It is installed from the package index into an environment of its own, which stays in --folder. A program does
this once with one run and once with more, and the difference is what the further runs cost: its start does not count. Ours is
`overhead.py` with one month at a time, on PostgreSQL. A row each, for one run, with the processor time of all processes:

    python benchmarks/orchestrators.py --folder FOLDER --runs 100
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import overhead
from alexandria.core import logging
from machine import machine

LONGEST = 1800  # seconds of a program
SILENT = {
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "CRITICAL",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
}


@dataclass(frozen=True, slots=True)
class Orchestrator:
    """`program` makes as many runs as its argument says, in an environment that `prepared` has set up."""

    package: str
    home: str  # the setting that names its folder
    program: str
    prepared: tuple[tuple[str, ...], ...] = ()


ORCHESTRATORS = [
    Orchestrator(
        "prefect",
        "PREFECT_HOME",
        """
import sys
from prefect import flow, task

@task
def step(): pass

@flow
def month(): step()

for _ in range(int(sys.argv[1])):
    month()
""",
    ),
    Orchestrator(
        "dagster",
        "DAGSTER_HOME",
        """
import logging, sys
from dagster import DagsterInstance, job, op

@op
def step(): pass

@job(config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}})
def month(): step()

with DagsterInstance.get() as instance:
    for _ in range(int(sys.argv[1])):
        assert month.execute_in_process(instance=instance).success
""",
    ),
    Orchestrator(
        "apache-airflow",
        "AIRFLOW_HOME",
        """
import sys
from datetime import datetime, timedelta, timezone
from airflow.sdk import dag, task

@dag(schedule=None)
def month():
    @task
    def step(): pass
    step()

months = month()
for number in range(int(sys.argv[1]) if __name__ == "__main__" else 0):
    assert months.test(logical_date=datetime(2000, 1, 1, tzinfo=timezone.utc) + timedelta(days=number)).state == "success"
""",
        (("-m", "airflow", "db", "migrate"), ("-m", "airflow", "dags", "reserialize")),
    ),
]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run, in seconds."""

    wall: float
    processor: float

    def row(self, name: str) -> str:
        return f"{name:<30} {1000 * self.wall:>8.1f} {1000 * self.processor:>8.1f}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--folder", type=Path, required=True, help="where the environments are made, and kept")
    options.add_argument(
        "--runs", type=int, default=100, help="of each, besides the one that the start is measured with"
    )
    chosen = options.parse_args()
    if chosen.runs < 1:
        options.error("--runs must be at least 1")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    logging.configure("ERROR", "console", ())
    print(json.dumps({"date": f"{datetime.now(UTC):%Y-%m-%d}", **machine()}))
    rows = []
    for orchestrator in ORCHESTRATORS:
        try:
            rows.append(further_runs(orchestrator, chosen.folder.resolve(), chosen.runs))
        except subprocess.CalledProcessError as failed:
            rows.append(f"{orchestrator.package}: {(failed.stderr or '').strip()[-2000:] or failed}")
    ours = asyncio.run(overhead.measure(1, 1))
    month = Cost(ours.wall / overhead.MONTHS, (ours.ours + ours.theirs) / overhead.MONTHS)
    print(f"{'':<30} {'wall ms':>8} {'CPU ms':>8}")
    print("\n".join([*rows, month.row("alexandria, on PostgreSQL")]))
    sys.exit(any(":" in row for row in rows))


def further_runs(orchestrator: Orchestrator, folder: Path, runs: int) -> str:
    """The row of an orchestrator. Raises `CalledProcessError` if it cannot be installed or a run fails."""
    environment = folder / orchestrator.package
    python = environment / "bin/python"
    if not python.exists():
        uv = str(Path(sys.executable).with_name("uv"))
        answer([uv, "venv", "--quiet", "--python", sys.executable, str(environment)], folder)
        answer([uv, "pip", "install", "--quiet", "--python", str(python), orchestrator.package], folder)
    version = f"import importlib.metadata as m; print(m.version({orchestrator.package!r}))"
    name = f"{orchestrator.package} {answer([str(python), '-c', version], folder).strip()}, on SQLite"
    home = folder / f"{orchestrator.package}-home"
    program = home / "dags/months.py"  # where Airflow looks for it
    program.parent.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").touch()
    program.write_text(orchestrator.program)
    settings = {orchestrator.home: str(home)}
    for prepared in orchestrator.prepared:
        answer([str(python), *prepared], folder, settings)
    one, more = (cost([str(python), str(program), str(count)], folder, settings) for count in (1, 1 + runs))
    return Cost((more.wall - one.wall) / runs, (more.processor - one.processor) / runs).row(name)


def cost(command: list[str], folder: Path, settings: dict[str, str]) -> Cost:
    """What a program takes, with the processes that it started and waited for."""
    began, used = time.monotonic(), children()
    answer(command, folder, settings)
    return Cost(time.monotonic() - began, children() - used)


def answer(command: list[str], folder: Path, settings: dict[str, str] | None = None) -> str:
    """What a command prints. Raises `CalledProcessError` if it fails, and `TimeoutExpired` after LONGEST."""
    own = {**os.environ, **SILENT, **(settings or {})}
    return subprocess.run(
        command, cwd=folder, env=own, check=True, capture_output=True, text=True, timeout=LONGEST
    ).stdout


def children() -> float:
    times = os.times()
    return times.children_user + times.children_system


if __name__ == "__main__":
    main()
