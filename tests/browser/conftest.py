"""What tests of the pages may ask for: a real Chromium, and the real server over a backfill in the middle of its way.

site   a running `alexandria serve` that can be killed and started again, with SQL on its database
page   a page of the one browser, logged in, that fails its test if a script broke or the CSP refused something
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from psycopg.rows import dict_row

from alexandria.database.embedded.server import Embedded
from alexandria.rollout.plan import example, read
from tests.support.ports import free_port

# The one without windows takes a fifth of the processor time beside the pages themselves.
CHROMIUMS = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))
CHROMIUM = next(filter(Path.exists, CHROMIUMS), CHROMIUMS[-1])
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
SECRET = "canary-secret-of-the-page"
PATIENCE = 60_000  # milliseconds; a machine may be busy with other things
expect.set_options(timeout=PATIENCE)
CAMPAIGN = Path(__file__).parents[1] / "campaign.sql"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not CHROMIUM.exists():
        here = Path(__file__).parent
        for item in items:
            if here in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=f"{CHROMIUM} is not installed"))


GATE = {"approval": True, "min_resolution_rate": 0.8, "min_confirmed_share": 0.0}  # passed by the books of the campaign


class Site:
    """The server, its database, and its address."""

    def __init__(self, database_url: str) -> None:
        self.database_url = database_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[str] | None = None

    def start(self, **settings: str) -> None:
        """Returns once requests are answered."""
        variables = {"DATABASE_URL": self.database_url, "ALEXANDRIA_WEBHOOK_SECRET": SECRET}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "alexandria", "--json", "serve", "--port", str(self.port)],
            env=os.environ | variables | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        assert json.loads(self._process.stdout.readline())["ok"]

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        assert self._process is not None
        self._process.send_signal(sign)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return self._process.wait(timeout=20)

    def sql(self, statement: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.database_url, row_factory=dict_row) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def refill(self) -> None:
        """The campaign as it is at the beginning of every test."""
        tables = "backfill_log, procrastinate_jobs, work, call, quota, lane, audit, incident"
        emptied = f"TRUNCATE rollout, {tables} CASCADE"  # some of which are else only ever added to
        self.sql(
            f"SET session_replication_role = replica; {emptied}; UPDATE control SET paused_since = NULL, paused_until = NULL"
        )
        self.sql(CAMPAIGN.read_text(encoding="utf-8"))

    def roll_out(self) -> None:
        """A rollout in its second phase, whose gate is open and waits for a person."""
        plan = read(example())
        phase = plan.phase[1].model_copy(update={"gate": plan.phase[1].gate.model_copy(update=GATE)})
        answer = plan.model_copy(update={"phase": (plan.phase[0], phase, plan.phase[2])}).model_dump_json()
        self.sql(
            "UPDATE backfill_log SET status = 'completed', books_generated = 31, isbns_resolved = 29, resolution_rate = 93"
            " WHERE year >= 2020 AND status <> 'completed'; INSERT INTO rollout (plan, started_at, started_by, begins, phase)"
            f" VALUES ('{answer}', now() - interval '5 days', 'olga', (now() - interval '3 days')::date, 1)"
        )


@pytest.fixture(scope="module")  # not longer: while Playwright runs, no other event loop can
def running(server: Embedded, template: str) -> Iterator[Site]:
    name = f"pages_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy".encode())
        site = Site(server.url.replace("/alexandria?", f"/{name}?"))
        site.start()
        yield site
        site.stop()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def site(running: Site) -> Site:
    running.refill()
    return running


@pytest.fixture(scope="module")  # not longer: while Playwright runs, no other event loop can
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")  # not longer: while Playwright runs, no other event loop can
def admitted(browser: Browser, running: Site) -> dict[str, Any]:
    """What a browser keeps after logging in by hand."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(running.url)
    page.get_by_label("Secret").fill(SECRET)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Backfill").wait_for()
    kept: dict[str, Any] = dict(context.storage_state())
    context.close()
    return kept


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages in contexts of their own; at the end no script may have broken, and nothing been refused by the CSP."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def open_(**options: Any) -> Page:
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text) if "Security Policy" in message.text else None)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture
def page(opened: Callable[..., Page], admitted: dict[str, Any], site: Site) -> Page:  # the site is filled first
    return opened(storage_state=admitted)
