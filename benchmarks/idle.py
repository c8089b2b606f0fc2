"""What does the system cost while nothing is to be done? A worker and a server, then `up`, each at rest on a PostgreSQL of its own.

One row a set-up, and the bounds that the rows are to keep; with --check it exits 1 if a row is over one. The statements of this program
are not counted, those of PostgreSQL's autovacuum are. Needs /proc for the seconds of the processors.

connections     most at one time, of each process; each has a role of its own, by which PostgreSQL counts them
transactions/s  xact_commit and xact_rollback of pg_stat_database
WAL MB/day      of our database, extrapolated: what follows a checkpoint is dear, so measure from one to the next. Autovacuum also
                cleans the databases that a new server has besides, once, which is no rest of ours
jobs/h          rows that were given a number in the queue, extrapolated
CPU s/min       of each process, and of PostgreSQL with all its processes
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from alexandria.core.provider_facts import key_settings
from alexandria.database import migrate
from alexandria.database.embedded.server import Embedded

SETUPS = {"work + serve": (("work",), ("serve", "--port", "0")), "up": (("up", "--port", "0"),)}
MAX_CONNECTIONS, MAX_TRANSACTIONS, MAX_WAL = 10, 1.0, 20.0  # a process; a second; MB a day
SAMPLE_INTERVAL = 5.0  # seconds between two counts of the connections
MB = 1e6
SEED = "INSERT INTO backfill_log (year, month) SELECT y, m FROM generate_series(2000, 2024) AS y, generate_series(1, 12) AS m"
COUNTERS = """
SELECT xact_commit + xact_rollback, (SELECT last_value FROM procrastinate_jobs_id_seq)
FROM pg_stat_database WHERE datname = current_database()
"""
POSITION = "SELECT pg_current_wal_insert_lsn()::text"
WRITTEN = r"""
SELECT coalesce(sum(record_length), 0) FROM pg_get_wal_records_info(%s, %s)
WHERE block_ref IS NULL OR block_ref !~ (SELECT format('rel \d+/(%%s)/', string_agg(oid::text, '|'))
                                         FROM pg_database WHERE datname <> current_database())
"""
CONNECTIONS = "SELECT usename, count(*) FROM pg_stat_activity WHERE usename = ANY(%s) GROUP BY usename"
APPLICATIONS = "SELECT usename, application_name, count(*) FROM pg_stat_activity WHERE usename = ANY(%s) GROUP BY 1, 2"


@dataclass(frozen=True, slots=True)
class Rest:
    """One set-up at rest: connections and seconds of processors by process."""

    setup: str
    connections: dict[str, int]
    transactions: float
    wal: float
    jobs: float
    processor: dict[str, float]

    @property
    def kept(self) -> bool:
        within = self.transactions <= MAX_TRANSACTIONS and self.wal <= MAX_WAL
        return within and max(self.connections.values()) <= MAX_CONNECTIONS

    def row(self) -> str:
        connections = ", ".join(f"{name} {count}" for name, count in self.connections.items())
        processor = ", ".join(f"{name} {seconds:.2f}" for name, seconds in self.processor.items())
        return f"{self.setup:<13} {connections:<20} {self.transactions:>14.2f} {self.wal:>11.1f} {self.jobs:>7.0f}  {processor}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--seconds", type=float, default=300.0, help="from one checkpoint to the next, PostgreSQL's own pace"
    )
    options.add_argument("--settle", type=float, default=150.0, help="seconds between the start and the measurement")
    options.add_argument("--setups", nargs="+", choices=[*SETUPS], default=[*SETUPS])
    options.add_argument("--check", action="store_true", help="exit with 1 if a row is over a bound")
    options.add_argument("--applications", action="store_true", help="print what each connection is for")
    chosen = options.parse_args()
    print(f"{'':<13} {'connections':<20} {'transactions/s':>14} {'WAL MB/day':>11} {'jobs/h':>7}  CPU s/min")
    rows = [measure(setup, chosen.settle, chosen.seconds, applications=chosen.applications) for setup in chosen.setups]
    print(f"{'bound':<13} {f'{MAX_CONNECTIONS} a process':<20} {MAX_TRANSACTIONS:>14.2f} {MAX_WAL:>11.1f}")
    sys.exit(chosen.check and not all(row.kept for row in rows))


def measure(setup: str, settle: float, seconds: float, *, applications: bool) -> Rest:
    """Start the processes of a set-up, wait until they are at rest, and measure; prints its row."""
    with tempfile.TemporaryDirectory(prefix="alexandria-", dir="/tmp") as folder:  # short, for the socket's sake
        Path(folder).chmod(0o755)
        with Embedded(Path(folder) / "data") as server:
            migrate.upgrade(server.url)
            with (
                psycopg.connect(server.url, autocommit=True) as connection,
                running(server.url, setup, folder) as started,
            ):
                connection.execute(SEED)
                for statement in ("VACUUM (ANALYZE)", "VACUUM"):  # else autovacuum would, in the first minutes
                    connection.execute(statement)
                time.sleep(settle)
                rest = observe(connection, setup, started, seconds)
                if applications:
                    for each in connection.execute(APPLICATIONS, [[*started]]):
                        print(*each)
    print(rest.row(), flush=True)
    return rest


def observe(connection: psycopg.Connection[TupleRow], setup: str, started: dict[str, int], seconds: float) -> Rest:
    """Count for so many seconds what the started processes (their ids by name) do."""
    [(lock_file,)] = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchall()
    postmaster = int(lock_file.split()[0])
    of_processes = {**started, "PostgreSQL": postmaster}
    connections = dict.fromkeys(started, 0)
    connection.execute("CREATE EXTENSION pg_walinspect")
    connection.execute("CHECKPOINT")
    [(start,)] = connection.execute(POSITION).fetchall()
    [before], used = connection.execute(COUNTERS).fetchall(), processor(of_processes)
    began, samples = time.monotonic(), 0
    while (left := began + seconds - time.monotonic()) > 0:
        for name, count in connection.execute(CONNECTIONS, [[*started]]):
            connections[name] = max(connections[name], count)
        samples += 1
        time.sleep(min(SAMPLE_INTERVAL, left))
    [after], elapsed = connection.execute(COUNTERS).fetchall(), time.monotonic() - began
    now = processor(of_processes)
    [(end,)] = connection.execute(POSITION).fetchall()
    [(wal,)] = connection.execute(WRITTEN, [start, end]).fetchall()
    transactions, jobs = (float(last - first) for first, last in zip(before, after, strict=True))
    return Rest(
        setup,
        connections,
        (transactions - samples - 1) / elapsed,
        float(wal) / MB * 86_400 / elapsed,
        jobs * 3600 / elapsed,
        {name: (now[name] - used[name]) * 60 / elapsed for name in of_processes},
    )


@contextlib.contextmanager
def running(url: str, setup: str, folder: str) -> Iterator[dict[str, int]]:
    """The processes of a set-up, each with a role of its own, of the same name."""
    with contextlib.ExitStack() as stack:
        started = {}
        for command in SETUPS[setup]:
            with psycopg.connect(url) as connection:
                connection.execute(f'CREATE ROLE "{command[0]}" SUPERUSER LOGIN')
            started[command[0]] = stack.enter_context(_process(make_conninfo(url, user=command[0]), command, folder))
        yield started


@contextlib.contextmanager
def _process(url: str, command: Sequence[str], folder: str) -> Iterator[int]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ALEXANDRIA_")}
    for key in key_settings().values():
        ours.pop(key, None)
    ours |= {
        "DATABASE_URL": url,
        "ALEXANDRIA_DATA_DIR": f"{folder}/{command[0]}",
        "ALEXANDRIA_WEBHOOK_SECRET": "secret-of-the-benchmark",
        "ALEXANDRIA_CONTACT": "benchmark@alexandria.invalid",
    }
    with (Path(folder) / f"{command[0]}.log").open("wb") as log:
        child = subprocess.Popen([sys.executable, "-m", "alexandria", *command], env=ours, stdout=log, stderr=log)
    try:
        yield child.pid
        if child.poll() is not None:
            raise SystemExit((Path(folder) / f"{command[0]}.log").read_text())
    finally:
        child.terminate()
        child.wait()


def processor(processes: dict[str, int]) -> dict[str, float]:
    """The seconds of a processor that each of the processes has used, those of its children included."""
    children: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            process, (_, parent, *fields) = int(stat.parent.name), stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(parent), []).append(process)
            used[process] = sum(map(int, fields[9:13])) / os.sysconf("SC_CLK_TCK")  # and of children that have ended

    def total(process: int) -> float:
        return used.get(process, 0.0) + sum(map(total, children.get(process, [])))

    return {name: total(process) for name, process in processes.items()}


if __name__ == "__main__":
    main()
