"""The whole system on real book data with sandboxed providers: what a new user runs first.

Everything is real except the providers. Their sandbox, and the API with a worker, are processes of their own, and the
months are scheduled by HTTP, as any client does.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Protocol, Self

import httpx2

from alexandria.backfill.status import Status
from alexandria.cli.runtime.demo_bibliography import ALL_DOWN, load_sample, offline
from alexandria.cli.runtime.running_server import DEMO_FOLDER, TEMPORARY_PREFIX
from alexandria.core.errors import AlexandriaError, BadInput, Unknown, usable_data_dir
from alexandria.core.month import Month
from alexandria.core.provider_facts import key_settings
from alexandria.core.secret_files import FOLDER
from alexandria.core.webhook_secrets import FILE as SECRET
from alexandria.database.embedded.server import Embedded, stop_unused
from alexandria.database.pool import Database
from alexandria.providers.response_cache import ResponseCache
from alexandria.sandbox import SandboxSettings, environment
from alexandria.sandbox.fault_rules import read_rules
from alexandria.sandbox.parts import provider_names

FIRST_YEAR, LAST_YEAR = 2000, 2024  # what is seeded
RATE = 60  # requests a second to each provider, in the sandbox and in our lanes alike
LATENCY_SCALE = 0.2  # times the providers' usual latency
CONCURRENCY = 6  # months
POLL_INTERVAL = 0.3  # seconds between two queries for the months
FIRST_TIMEOUT = 60.0  # seconds for the worker to begin
MONTH_TIMEOUT = 30.0  # seconds a month, after which the others are not waited for
START_TIMEOUT = 60.0  # seconds for a process to print its URL
SETTLE_TIMEOUT = 5.0  # seconds for open requests to end, before both counts are compared
STOP_TIMEOUT = 20.0  # seconds for a process to end by itself
MAX_ERROR_LINES = 15  # lines of a process that ended early
FINAL = {Status.COMPLETED, Status.FAILED}
TEMPORARY_LOCK = "demo.lock"
CONTACT = "demo@alexandria.invalid"  # Open Library refuses those who name none


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What to run. With `keep` the database of an earlier demo is used again and kept; with `leave` the demo ends when done.

    `bibliography` percent of the books are loaded as a bibliography first; with `offline_sources` all, and no provider answers.
    """

    year: int = 2023
    months: int = 12
    faults: str = "none"
    keep: bool = False
    leave: bool = False
    port: int = 0
    bibliography: int = 0
    offline_sources: bool = False

    @property
    def held(self) -> int:
        """Percent of the books that are loaded as a bibliography."""
        return self.bibliography or (100 if self.offline_sources else 0)

    @property
    def years(self) -> tuple[int, int]:
        return max(self.year - (self.months - 1) // 12, FIRST_YEAR), self.year


@dataclass(frozen=True, slots=True)
class MonthSeen:
    """A month as the API returns it. `rate` percent; `seconds` from its start to its end, or None."""

    month: Month
    status: Status
    books: int
    resolved: int
    rate: float
    seconds: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Book:
    """A book with an ISBN. `right`: the ISBN is correct; `invented`: a model made the book up; both from the sandbox's data."""

    month: Month
    title: str
    author: str
    isbn13: str
    source: str
    score: float
    right: bool
    invented: bool


@dataclass(frozen=True, slots=True)
class Calls:
    """Requests to one provider, enrichment's too: as many as we counted, and as many as arrived, refused ones among them."""

    provider: str
    counted: int
    arrived: int
    refused: int


@dataclass(frozen=True, slots=True)
class Report:
    """`seconds` from the schedule call to the last month's end."""

    months: tuple[MonthSeen, ...]
    books: tuple[Book, ...]
    calls: tuple[Calls, ...]
    seconds: float

    @property
    def named(self) -> int:
        return sum(seen.books for seen in self.months)

    @property
    def resolved(self) -> int:
        return sum(seen.resolved for seen in self.months)

    @property
    def rate(self) -> float:
        """Percent."""
        return 100 * self.resolved / self.named if self.named else 0.0

    @property
    def right(self) -> int:
        return sum(book.right for book in self.books)

    @property
    def invented(self) -> int:
        """Books with an ISBN that do not exist."""
        return sum(book.invented for book in self.books)

    @property
    def unfinished(self) -> int:
        return sum(seen.status is not Status.COMPLETED for seen in self.months)


class Audience(Protocol):
    """Receives the messages and the progress of the demo."""

    def message(self, text: str) -> None: ...

    def progress(self, months: Sequence[MonthSeen]) -> None:
        """Called repeatedly while months are in progress."""


class Child:
    """A command of ours in a process of its own. It announces its URL in one line of JSON.

    It ends when we close its standard input; as the system closes that for us however we die, no child outlives us.
    """

    def __init__(self, command: str, *options: str, folder: Path, environment: dict[str, str]) -> None:
        self._command, self._options, self._environment = command, options, environment
        self._log = folder / f"{command}.log"

    def __enter__(self) -> Self:
        arguments = [sys.executable, "-m", "alexandria", self._command, "--json", "--while-stdin", *self._options]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                arguments,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches only us, and we then end the process
            )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            self._process.stdout.close()

    def url(self) -> str:
        """The URL of the process, once it has printed it. Raises AlexandriaError with the end of its log if it does not start."""
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], START_TIMEOUT)
        line = self._process.stdout.readline() if readable else b""
        line_data = json.loads(line or "{}")
        if not line_data.get("ok"):
            raise self._trouble(line_data.get("error", {}).get("message", "did not start"))
        url: str = line_data["data"]["url"]
        return url

    def check(self) -> None:
        """Raises AlexandriaError with the end of its log if it has ended."""
        code = self._process.poll()
        if code is not None:
            raise self._trouble(f"ended with exit code {code}")

    def wait(self) -> None:
        self._process.wait()
        self.check()

    def _trouble(self, what: str) -> AlexandriaError:
        lines = self._log.read_text(errors="replace").splitlines()[-MAX_ERROR_LINES:]
        return AlexandriaError(f"alexandria {self._command}: {what}", hint="\n  ".join(["its log ends with:", *lines]))


@dataclass(frozen=True, slots=True)
class DemoSystem:
    """The running system: `api` and `sandbox` are clients of the two servers, which began to answer after `since`."""

    api: httpx2.Client
    sandbox: httpx2.Client
    children: tuple[Child, ...]
    folder: Path
    database_url: str
    since: datetime

    @property
    def url(self) -> str:
        return str(self.api.base_url).rstrip("/")

    @property
    def secret_file(self) -> Path:
        return self.folder / SECRET

    def get(self, path: str, **params: Any) -> Any:
        return _json(self.api.get(path, params=params))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return _json(self.api.post(path, json=body))

    def check(self) -> None:
        for child in self.children:
            child.check()

    def wait(self) -> None:
        """Wait until the system ends. Raises AlexandriaError."""
        self.children[-1].wait()


@contextlib.contextmanager
def run_demo(plan: DemoOptions, data_dir: Path, audience: Audience) -> Iterator[tuple[Report, DemoSystem]]:
    """Run the demo and yield its report, with a system that runs until the end of the context. Raises AlexandriaError; BadInput at once.

    The database is in `data_dir`/demo, or in a temporary folder if nothing is kept.
    """
    read_rules(plan.faults)
    with _folder(plan, data_dir) as folder, _stage(plan, folder, audience) as stage:
        yield _backfill(plan, stage, audience), stage


@contextlib.contextmanager
def _folder(plan: DemoOptions, data_dir: Path) -> Iterator[Path]:
    if plan.leave and not plan.keep:
        with _temporary_folder() as folder:
            yield folder
        return
    folder = data_dir / DEMO_FOLDER
    with usable_data_dir(data_dir):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (data_dir / "demo.lock").open("w")
    with lock:
        if not _locked(lock):
            raise BadInput(f"a demo is already running in {folder}", hint="end that one, or add --exit")
        if not plan.keep:
            _remove(folder)
            folder.mkdir(mode=0o700)
        yield folder


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A folder that is removed at the end. What demos that were killed have left is removed first."""
    for left in Path(tempfile.gettempdir()).glob(f"{TEMPORARY_PREFIX}*/{TEMPORARY_LOCK}"):
        with contextlib.suppress(OSError), left.open("r+") as lock:
            own = not left.parent.is_symlink() and left.parent.stat().st_uid == os.geteuid()
            if own and _locked(lock) and stop_unused(left.parent):
                _remove(left.parent)
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))
    with (folder / "lock").open("w") as lock:
        _locked(lock)
        (folder / "lock").rename(folder / TEMPORARY_LOCK)  # under this name it is locked from the beginning
        folder.chmod(0o711)  # the account that runs PostgreSQL for root must pass
        try:
            yield folder
        finally:
            _remove(folder)


def _locked(lock: IO[str]) -> bool:
    """Take `lock` if no other process holds it, without waiting."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove(folder: Path) -> None:
    if not stop_unused(folder, STOP_TIMEOUT):  # a crash may have left it
        raise AlexandriaError(f"another process still uses {folder}", hint="end it, or wait until it has ended")
    home = folder / "postgresql"
    if home.is_symlink():  # root's server lives where its account can reach it
        shutil.rmtree(home.resolve().parent)
    shutil.rmtree(folder)


@contextlib.contextmanager
def _stage(plan: DemoOptions, folder: Path, audience: Audience) -> Iterator[DemoSystem]:
    since = datetime.now(UTC)
    with contextlib.ExitStack() as stack, contextlib.ExitStack() as database:
        stack.callback(stop_unused, folder)  # if the system had to be killed
        (folder / FOLDER).mkdir(mode=0o700, exist_ok=True)
        rates = ",".join(f"{name}={RATE}" for name in provider_names())
        faults = f"{plan.faults},{ALL_DOWN}" if plan.offline_sources else plan.faults
        options = ["--faults", faults, "--latency-scale", str(LATENCY_SCALE), "--rates", rates]
        sandbox = stack.enter_context(Child("sandbox", *options, folder=folder, environment=_environment(folder)))
        # Held besides the system, in case that is killed; left before it, in case this process is killed while it leaves.
        server = database.enter_context(Embedded(folder))
        there = sandbox.url()
        audience.message(
            f"providers' sandbox: {there}, {RATE} requests/s each, {LATENCY_SCALE:g} times their usual latency"
        )
        if plan.held:
            editions = load_sample(server.url, folder, plan.held)
            audience.message(f"bibliography: {editions} editions, {plan.held} % of the sandbox's books")
        if plan.offline_sources:
            audience.message("no provider answers; the bibliography names the books too")
        options = ["--port", str(plan.port), "--concurrency", str(CONCURRENCY)]
        variables = _environment(folder) | _sandboxed(there) | (offline() if plan.offline_sources else {})
        system = stack.enter_context(Child("up", *options, folder=folder, environment=variables))
        url = system.url()
        audience.message(f"PostgreSQL, API and worker: {url}, in {folder}")
        headers = {"X-Cron-Secret": (folder / SECRET).read_text(encoding="utf-8").strip()}
        yield DemoSystem(
            stack.enter_context(httpx2.Client(base_url=url, headers=headers, timeout=30, trust_env=False)),
            stack.enter_context(httpx2.Client(base_url=there, timeout=30, trust_env=False)),
            (sandbox, system),
            folder,
            server.url,
            since,
        )


def _environment(folder: Path) -> dict[str, str]:
    """Our own environment, without anything that configures a real system."""
    real = {"DATABASE_URL", *key_settings().values()}
    ours = {n: v for n, v in os.environ.items() if n.upper() not in real and not n.upper().startswith("ALEXANDRIA_")}
    return ours | {"ALEXANDRIA_DATA_DIR": str(folder), "ALEXANDRIA_SECRETS_DIR": str(folder / FOLDER)}


def _sandboxed(url: str) -> dict[str, str]:
    rates = {f"ALEXANDRIA_{name.upper()}_RATE": str(RATE) for name in provider_names()}
    return environment(SandboxSettings(), url) | rates | {"ALEXANDRIA_CONTACT": CONTACT}


def _backfill(plan: DemoOptions, stage: DemoSystem, audience: Audience) -> Report:
    start, end = plan.years
    seeded = stage.post("/api/internal/seed-backfill-queue", {"year_start": FIRST_YEAR, "year_end": LAST_YEAR})
    audience.message(f"seeded: {seeded['message']}")
    wanted = {"batch_size": plan.months, "year_range": {"start": start, "end": end}}
    dry = stage.post("/api/internal/schedule-backfill", wanted | {"dry_run": True})
    if not dry["months"]:
        raise Unknown(f"no month of {start}..{end} is open", hint="choose another --year, or leave out --keep")
    audience.message(f"dry run: {dry['months_selected']} of {dry['total_pending']} pending months would be taken")
    began = time.monotonic()
    live = stage.post("/api/internal/schedule-backfill", wanted | {"dry_run": False})
    audience.message(f"live: {live['execution_summary']['triggered']} months scheduled")
    months = [Month(each["year"], each["month"]) for each in live["months"]]
    seen = _watch(months, stage, audience)
    return _report(seen, stage, time.monotonic() - began)


def _watch(months: Sequence[Month], stage: DemoSystem, audience: Audience) -> list[MonthSeen]:
    """Query the months until all are done or their time is over."""
    end = time.monotonic() + FIRST_TIMEOUT + MONTH_TIMEOUT * len(months)
    while True:
        rows = [
            row
            for year in sorted({month.year for month in months}, reverse=True)
            for row in stage.get("/api/internal/months", year=year)["months"]
        ]
        seen = [found for row in rows if (found := _seen(row)).month in months]
        audience.progress(seen)
        if all(each.status in FINAL for each in seen) or time.monotonic() > end:
            return seen
        stage.check()
        time.sleep(POLL_INTERVAL)


def _seen(row: dict[str, Any]) -> MonthSeen:
    status = Status(row["status"])
    times = [datetime.fromisoformat(row[name]) for name in ("started_at", "completed_at") if row[name]]
    return MonthSeen(
        Month(row["year"], row["month"]),
        status,
        row["books_generated"],
        row["isbns_resolved"],
        row["resolution_rate"],
        (times[1] - times[0]).total_seconds() if status in FINAL and len(times) == 2 else None,
        row["blocked_reason"] or row["error_message"] or "",
    )


def _report(seen: Sequence[MonthSeen], stage: DemoSystem, seconds: float) -> Report:
    whole = [stage.get(f"/api/internal/months/{each.month}") for each in seen]
    books = [
        _book(each.month, row, stage)
        for each, month in zip(seen, whole, strict=True)
        for row in month["candidates"]
        if row["isbn13"]
    ]
    return Report(tuple(seen), tuple(books), _calls(stage), seconds)


def _calls(stage: DemoSystem) -> tuple[Calls, ...]:
    """Requests as we and as the sandbox counted them, read while none is open if that happens within SETTLE_TIMEOUT."""
    end = time.monotonic() + SETTLE_TIMEOUT
    while True:
        arrived = _json(stage.sandbox.get("/__sandbox/stats"))["providers"]
        counted = asyncio.run(_counted(stage))
        calls = tuple(
            Calls(name, counted.get(name, 0), there["arrivals"], sum(there["refused"].values()))
            for name, there in arrived.items()
            if there["arrivals"]
        )
        if all(each.counted == each.arrived for each in calls) or time.monotonic() > end:
            return calls
        time.sleep(POLL_INTERVAL)


async def _counted(stage: DemoSystem) -> dict[str, int]:
    async with Database(stage.database_url, size=1) as database:
        return await ResponseCache(database).calls_since(stage.since)


def _book(month: Month, row: dict[str, Any], stage: DemoSystem) -> Book:
    """A candidate with an ISBN, compared with the sandbox's data."""
    answer = stage.sandbox.get("/__sandbox/truth", params={"title": row["title"], "author": row["author"]})
    unknown = {"invented": True, "isbns": [], "variants": []}
    truth: dict[str, Any] = answer.json() if answer.status_code == 200 else unknown
    right = row["isbn13"] in {
        *truth["isbns"],
        *(variant["isbn13"] for variant in truth["variants"] if variant["meant"]),
    }
    facts = (row["edition_title"] or row["title"], row["author"], row["isbn13"], row["source"], row["score"])
    return Book(month, *facts, right, truth["invented"])


def _json(answer: httpx2.Response) -> Any:
    if answer.status_code != 200:
        raise AlexandriaError(f"{answer.url.path} answered {answer.status_code}", hint=answer.text[:500])
    return answer.json()
