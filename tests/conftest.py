"""Fixtures for every test: a clean environment and, through `database_url`, a PostgreSQL of the test session.

database_url         a fresh database with all migrations, dropped afterwards
empty_database_url   a fresh database without migrations
fresh_database       a function: a fresh, migrated database as a context, as often as a test wants it
data_dir             a fresh data folder for tests that start the embedded server themselves
psql                 the client program that fits the server
cases                collects the failures of near-equal cases, to report all of them at once

Each xdist worker has its own server. However the session is ended, nothing that it started stays: see `_Session`.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib.util
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType
from typing import Any, cast

import httpx2
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings

from alexandria.database.embedded.server import Embedded
from alexandria.database.migrate import upgrade

# Without its compiled modules a command takes seconds of processor time to start, and the tests start hundreds.
_FOREIGN = re.compile(r"ALEXANDRIA_.*|.*_API_KEY|DATABASE_URL|PG[A-Z]+|OTEL_.*|PYTHONDONTWRITEBYTECODE")
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_COLLECTION_INTERVAL = 500_000  # new objects between two runs of the garbage collector; Python's own is 700
_MEMORY, _MEMORY_NEEDED = Path("/dev/shm"), 8 * 2**30  # bytes; four servers use a quarter of it
_SHORT_FIXTURE = 0.05  # seconds; what takes longer may be among the slowest that are listed at the end
_SAME_SIGNAL = 3.0  # seconds in which a second signal is a copy of the first; execnet repeats its own after 5

# What takes longest, first: then no worker is left with a long file at the end. The rest follows by folder.
_LONGEST = (
    "crash/test_chaos.py",
    "crash/test_soak.py",
    "crash/test_outage.py",
    "browser/test_dashboard.py",
    "contract/test_schemathesis.py",
    "crash/test_kill.py",
    "crash/test_reset.py",
    "integration/test_first_minutes.py",
    "integration/test_demo.py",
    "integration/test_slow_clients.py",
    "docs/test_install.py",
    "docs/test_tutorial.py",
    "docs/test_site.py",
    "property/test_state_machine.py",
    "integration/test_resolution.py",
    "integration/test_refused_enqueues.py",
    "integration/test_quota_day.py",
    "integration/test_upgrade.py",
    "setups/test_standby.py",
    "setups/test_pgbouncer.py",
    "setups/test_resources.py",
    "integration/test_guide.py",
    "integration/test_cli.py",
    "integration/test_rollout_cli.py",
    "integration/test_rotation.py",
    "crash/test_freeze.py",
    "crash/test_refused_jobs.py",
    "crash/test_interrupted_session.py",
    "integration/test_liveness.py",
    "integration/test_short_keys.py",
    "integration/test_embedded.py",
    "integration/test_connection_reasons.py",
    "integration/test_forecast.py",
    "integration/test_secrets.py",
    "crash/test_partition.py",
    "integration/test_breaker.py",
)

# Coverage costs each process that is started a third of a second and more, and its record some of the end of the run. So
# only those of these files are measured: of the others' most are killed, and leave none, or run what is measured elsewhere.
_MEASURED = ("integration/test_cli_processes.py", "integration/test_demo.py", "integration/test_embedded.py")
_MEASURING = "COVERAGE_PROCESS_CONFIG"

# The same examples in every run, so that a red run can be repeated; HYPOTHESIS_PROFILE=random tries new ones.
# HYPOTHESIS_PROFILE=first stops at the first failing example: a mutant is found, and nobody reads the smallest example.
# How fast the machine is proves nothing in any of them.
for _profile, _fixed, _phases in (
    ("fixed", True, tuple(Phase)),
    ("random", False, tuple(Phase)),
    ("first", True, (Phase.explicit, Phase.generate)),
):
    settings.register_profile(
        _profile,
        derandomize=_fixed,
        phases=_phases,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        print_blob=True,
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


def _roomy_place() -> Path:
    """Where data folders go: into memory if there is plenty, as each new database is a thousand files."""
    try:
        in_memory = shutil.disk_usage(_MEMORY).free >= _MEMORY_NEEDED and os.access(_MEMORY, os.W_OK | os.X_OK)
    except OSError:
        in_memory = False
    return _MEMORY if in_memory else Path("/tmp")


class _Session:
    """The folder of this test process, and what ends it.

    A signal that ends the session interrupts the current test once; fixtures are then torn down, which stops servers and
    children. The main process passes the signal to its xdist workers, and removes at its end what a worker that was
    killed has left.
    """

    def __init__(self, config: pytest.Config) -> None:
        worker: dict[str, str] | None = getattr(config, "workerinput", None)
        self.main = worker is None
        if worker is None:
            # Short, and open to the account that runs the server for root; pytest's own folders are neither.
            self.folder = Path(tempfile.mkdtemp(prefix="alexandria-tests-", dir=_roomy_place()))
        else:
            self.folder = Path(worker["folder"]) / worker["workerid"]
            self.folder.mkdir()
        self.folder.chmod(0o711)
        (self.folder / "secrets").mkdir()
        (self.folder / "pid").write_text(str(os.getpid()))
        self._parent = os.getppid()
        self._ending = False
        self._last_signal = -_SAME_SIGNAL

    def handle_signals(self) -> None:
        """Handlers even for signals that nohup or a shell has set to be ignored: what we start gets the defaults."""
        for number in _ENDING_SIGNALS:
            keep_on = self._keep_on if self.main else self._keep_on_unless_orphaned
            ours = number == signal.SIGTERM or (self.main and signal.getsignal(number) != signal.SIG_IGN)
            signal.signal(number, self._interrupt if ours else keep_on)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        copied = time.monotonic() - self._last_signal < _SAME_SIGNAL
        if not self._ending and not copied:
            self._last_signal = time.monotonic()
            raise KeyboardInterrupt

    def _keep_on(self, _number: int, _frame: FrameType | None) -> None:
        pass

    def _keep_on_unless_orphaned(self, number: int, frame: FrameType | None) -> None:
        """The main process passes on what concerns a worker; if it was killed, execnet sends us SIGINT."""
        if os.getppid() != self._parent:
            self._interrupt(number, frame)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node) -> None:
        node.workerinput["folder"] = str(self.folder)

    def pytest_report_header(self) -> str:
        return f"data folders: {self.folder}"

    def pytest_keyboard_interrupt(self) -> None:
        self._ending = True
        for worker in self.folder.glob("*/pid"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(worker.read_text()), signal.SIGTERM)

    def pytest_unconfigure(self) -> None:
        if self.main:
            self._kill_children()
        _remove(self.folder)

    def _kill_children(self) -> None:
        """Workers and commands that outlived their end, known by our folder in their environment (Linux only)."""
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                environment = (process / "environ").read_bytes()
                if int(process.name) != os.getpid() and os.fsencode(self.folder) in environment:
                    os.kill(int(process.name), signal.SIGKILL)


_SESSION = pytest.StashKey[_Session]()


def pytest_configure(config: pytest.Config) -> None:
    """Nothing of the developer's environment reaches a test, and no time goes into searching for garbage among tests."""
    gc.set_threshold(_COLLECTION_INTERVAL)
    if importlib.util.find_spec("sniffio") is None:
        # httpx2 asks for it in each request to an application in this process; now it is not searched for each time.
        cast("dict[str, Any]", sys.modules)["sniffio"] = None
    # The authorities of the system are read once, not for each client that a test makes: that takes 50 ms.
    cast("Any", httpx2._transports.default).create_ssl_context = functools.cache(httpx2.create_ssl_context)
    for name in filter(_FOREIGN.fullmatch, list(os.environ)):
        del os.environ[name]
    config.stash[_SESSION] = session = _Session(config)
    os.environ["ALEXANDRIA_DATA_DIR"] = str(session.folder / "default")
    os.environ["ALEXANDRIA_SECRETS_DIR"] = str(session.folder / "secrets")
    session.handle_signals()
    config.pluginmanager.register(session, "alexandria-session")
    if not session.main and config.get_verbosity() <= 0:
        _report_briefly(config)


def _report_briefly(config: pytest.Config) -> None:
    """Tell the main process nothing of a test's begin, and of its fixtures only what took long or went wrong.

    Six messages a test took more than most tests, on both sides.
    """
    for plugin in config.pluginmanager.get_plugins():
        if type(plugin).__name__ == "WorkerInteractor":
            send = plugin.sendevent

            def send_what_matters(name: str, send: Callable[..., None] = send, **content: Any) -> None:
                report = content.get("data", {}) if name == "testreport" else {}
                uneventful = (
                    report.get("when") in {"setup", "teardown"}
                    and report["outcome"] == "passed"
                    and report["duration"] < _SHORT_FIXTURE
                    and not report["sections"]
                )
                if name != "logstart" and not uneventful:
                    send(name, **content)

            plugin.sendevent = send_what_matters


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tests = Path(__file__).parent
    rank = {tests / name: place for place, name in enumerate(_LONGEST)}
    if gone := [str(path) for path in rank if not path.exists()]:
        raise pytest.UsageError(f"_LONGEST in {__file__} names files that do not exist: {gone}")
    if twice := sorted({name for name in _LONGEST if _LONGEST.count(name) > 1}):
        raise pytest.UsageError(f"_LONGEST in {__file__} names files twice: {twice}")
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


def pytest_collection_finish() -> None:
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def _measured(request: pytest.FixtureRequest) -> Iterator[None]:
    """The coverage of processes that tests start is measured for those of some files."""
    with pytest.MonkeyPatch.context() as patch:
        if request.path not in {Path(__file__).parent / name for name in _MEASURED}:
            patch.delenv(_MEASURING, raising=False)
        yield


@pytest.fixture
def cases() -> Callable[[], AbstractContextManager[Callable[..., AbstractContextManager[None]]]]:
    """`with cases() as case:` and in it `with case(name):` for each; at the end every failed case is reported."""
    return _cases


@pytest.fixture(scope="session")
def session_folder(pytestconfig: pytest.Config) -> Path:
    """The folder of everything that this test process puts on disk."""
    return pytestconfig.stash[_SESSION].folder


@pytest.fixture(scope="session")
def server(session_folder: Path) -> Iterator[Embedded]:
    """The one server of the session, not to be killed: tests of crashes start their own in `data_dir`."""
    with Embedded(session_folder / "server", durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def template(server) -> str:
    """The name of a database that has been migrated once, to be copied."""
    name = "migrated"
    _administer(server, f"CREATE DATABASE {name}")
    upgrade(_url_of(server, name))
    return name


@pytest.fixture
def database_url(server, template) -> Iterator[str]:
    yield from _database(server, template)


@pytest.fixture
def empty_database_url(server) -> Iterator[str]:
    yield from _database(server, "template1")


@pytest.fixture(scope="session")
def fresh_database(server, template) -> Callable[[], AbstractContextManager[str]]:
    """A function: a fresh, migrated database as a context, which gives its URL."""
    return lambda: contextlib.contextmanager(_database)(server, template)


@pytest.fixture
def data_dir(session_folder: Path) -> Iterator[Path]:
    """A path for a data folder, for tests that start a server of their own; removed afterwards."""
    folder = session_folder / uuid.uuid4().hex[:8]
    yield folder
    _remove(folder)


@pytest.fixture(scope="session")
def psql(server: Embedded) -> Path:
    return server.psql


@contextlib.contextmanager
def _cases() -> Iterator[Callable[..., AbstractContextManager[None]]]:
    failed, ran = [], 0

    @contextlib.contextmanager
    def case(*name: object) -> Iterator[None]:
        nonlocal ran
        ran += 1
        try:
            yield
        except (Exception, pytest.fail.Exception) as failure:  # noqa: BLE001 - whatever fails, the other cases count too
            failed.append(f"{name}: {type(failure).__name__}: {failure}")

    yield case
    assert ran, "there was no case"
    if failed:
        pytest.fail(f"{len(failed)} of {ran} cases failed:\n" + "\n".join(failed), pytrace=False)


def _remove(place: Path) -> None:
    """All data folders under `place`, with what a server of root's keeps elsewhere; stops what a failed test left."""
    for home in place.rglob("postgresql"):
        if (home / "data" / "postmaster.pid").exists():
            with Embedded(home.parent, durable=False):
                pass
        if home.is_symlink():
            shutil.rmtree(home.resolve().parent)
    shutil.rmtree(place, ignore_errors=True)


def _database(server: Embedded, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    # To write the copy into the log of changes as well, the default, costs four times as much.
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    try:
        yield _url_of(server, name)
    finally:
        _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(server: Embedded, statement: str) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(statement)


def _url_of(server: Embedded, database: str) -> str:
    return server.url.replace("/alexandria?", f"/{database}?")
