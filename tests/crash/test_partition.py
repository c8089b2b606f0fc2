"""Two workers on machines of their own, as far as the network is concerned; one of them loses its line to the database."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from alexandria.cli.runtime import demo
from alexandria.database.embedded import server as embedded
from alexandria.database.migrate import upgrade
from alexandria.sandbox import SandboxSettings, environment
from alexandria.sandbox.parts import provider_names

PORT = 5432
SANDBOX = """
import sys
from alexandria.sandbox import SandboxSettings, serve
rates = dict.fromkeys({rates!r}, 100.0)
serve(SandboxSettings(latency_scale=0.05, rates=rates), host={host!r}, announce=lambda url: print(url, flush=True))
"""


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


@dataclass(frozen=True)
class Machine:
    """A network of its own with two lines: one to the database, one to the providers."""

    name: str
    number: int

    @property
    def database(self):
        return f"10.231.{self.number}.1"

    @property
    def providers(self):
        return f"10.232.{self.number}.1"

    @property
    def line(self):
        return f"{self.name}d"

    @property
    def within(self):
        return ("ip", "netns", "exec", self.name)

    def set_up(self, sandbox):
        ip("netns", "add", self.name)
        for line, near in ((self.line, self.database), (f"{self.name}p", self.providers)):
            ip("link", "add", line, "type", "veth", "peer", "name", line, "netns", self.name)
            ip("addr", "add", f"{near}/30", "dev", line)
            ip("link", "set", line, "up")
            ip("-n", self.name, "addr", "add", f"{near[:-1]}2/30", "dev", line)
            ip("-n", self.name, "link", "set", line, "up")
        if sandbox != self.providers:
            ip("-n", self.name, "route", "add", sandbox, "via", self.providers)

    def tear_down(self):
        for what in (["link", "del", self.line], ["link", "del", f"{self.name}p"], ["netns", "del", self.name]):
            with contextlib.suppress(subprocess.CalledProcessError):
                ip(*what)


def remove_abandoned():
    """What a run that was killed has left has the same addresses, and takes the packets of this one."""
    for line in subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True).stdout.splitlines():
        left = re.match(r"alx(\d+)[ab]\b", line)
        if left and not Path(f"/proc/{left[1]}").exists():
            Machine(left[0], 0).tear_down()


@pytest.fixture
def machines():
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("networks of their own need root and the program ip")
    remove_abandoned()
    both = [Machine(f"alx{os.getpid() % 10**6}{letter}", number) for number, letter in enumerate("ab", 1)]
    with contextlib.ExitStack() as stack:
        for machine in both:
            stack.callback(machine.tear_down)
            try:
                machine.set_up(both[0].providers)
            except subprocess.CalledProcessError as refused:
                pytest.skip(f"no network of its own can be made here: {refused.stderr.strip()}")
        yield both


@pytest.fixture
def server(machines, data_dir, monkeypatch):
    """A PostgreSQL that both machines can reach."""
    addresses = ",".join(machine.database for machine in machines)
    monkeypatch.setitem(embedded.SETTINGS, "listen_addresses", addresses)
    monkeypatch.setitem(embedded.SETTINGS, "port", str(PORT))
    data_dir.mkdir(mode=0o711)
    with embedded.Embedded(data_dir, durable=False) as running:
        with (running._data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.231.0.0/16 trust\n")
        upgrade(running.url)
        yield running


@pytest.fixture
def sandbox(machines):
    source = SANDBOX.format(rates=list(provider_names()), host=machines[0].providers)
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


def test_a_worker_that_lost_its_line_writes_nothing_and_works_again_when_it_is_mended(
    machines, server, sandbox, data_dir, make_field
):
    """Cut while it records: the other machine takes its month over; mended, it writes nothing of it, and is of use again."""
    cut, well = machines
    with httpx2.Client(base_url=sandbox, trust_env=False) as client:
        variables = demo._environment(data_dir) | environment(SandboxSettings(), sandbox)
        variables |= {f"ALEXANDRIA_{name.upper()}_RATE": "20" for name in provider_names()}
        field = make_field(server.url, data_dir, client, variables | {"ALEXANDRIA_CONTACT": demo.CONTACT})
        field.sql("SELECT pg_reload_conf()")
        field.schedule("2023-11")

        def worker(machine):
            url = f"postgresql://{embedded.NAME}@{machine.database}:{PORT}/{embedded.NAME}"
            field.environment["DATABASE_URL"] = url
            return field.process("work", within=machine.within)

        with worker(cut) as lonely:
            with field.holding("LOCK TABLE candidate IN SHARE MODE"):
                field.until(lambda: field.waits("backfill.repositories.candidates", "forget"), "a worker recording")
                ip("link", "set", cut.line, "down")
            with worker(well) as other:
                field.until_final()
                losses = field.losses_before_the_end()
                then, works = field.sql("SELECT * FROM backfill_log"), field.one("SELECT count(*) FROM work")
                ip("link", "set", cut.line, "up")
                field.until(lambda: "attempt lost" in lonely.log_text(), "it learns that it has lost its month")
                assert (field.sql("SELECT * FROM backfill_log"), field.one("SELECT count(*) FROM work")) == (
                    then,
                    works,
                )
                field.check_consistent()
                other.kill()
            field.schedule("2023-10")
            field.until_final()
        *more, last = field.outcomes()[losses + 1 :]
        assert last == "completed"
        # Connections from before the cut may take a while to be noticed as dead.
        assert set(more) <= {"lost", "snoozed"}
        field.check_consistent()
