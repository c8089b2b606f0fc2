"""Each statement of a month, of the pages and of the API reads a part of the catalogue that does not grow with it.

PostgreSQL itself reports the plan of each statement, those of functions and triggers included, with the rows that it read.
PLAN_WORKS=1000000 asks it about a million works, as `make bench` does; with few works rows are set to be costly, so that
it plans as for many.
"""

import importlib
import json
import os
import re
from pathlib import Path

import httpx2
import psycopg
import pytest
from pydantic import SecretStr

from alexandria import bootstrap
from alexandria.bootstrap import Mode
from alexandria.core import config
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.web.app import create_app
from tests.support.outside_server import Steady
from tests.support.scripted_backfill import BEE_STING, PROPHET, Scripted, Shelf, backfill, claim, row_of

pytestmark = pytest.mark.long

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
FEW_WORKS = 5000
WORKS = int(os.environ.get("PLAN_WORKS", FEW_WORKS))
MAX_ROWS = min(WORKS // 2, 20_000)  # that one step of a plan may read; a search for a common word reads some thousands
SECRET = "secret-of-the-plans"
AS_FOR_MANY = {"cpu_tuple_cost": "1", "cpu_index_tuple_cost": "0.5"} if WORKS == FEW_WORKS else {}
REPORT = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_format": "json",
}
PLAN = re.compile(r"duration: [\d.]+ ms  plan:\n((?:\t.*\n)+)")
PATHS = ("/", "/charts", "/metrics", "/api/internal/backfill-stats", "/api/internal/trends", "/api/internal/months/2023-11",
         "/api/quota/status", "/months/2023-11", "/health/live")  # fmt: skip
READ_WHOLE = {
    "-- The named books that have an ISBN": "counts the books of all months, of which each has fifty at most",
    "-- The outcomes of the months of a range of years": "sums the same books for a gate or a forecast",
    "-- Works after the given id without keys": "looks once an hour whether any work came without",
}
ASK_NOBODY = {"look_again", "enrich"}  # the other periodic tasks ask no provider


def steps(plan):
    yield plan
    for beneath in plan.get("Plans", ()):
        yield from steps(beneath)


def read_by(step):
    """The rows of a table or an index that a step of a plan has read, those that it left out included."""
    left_out = sum(value for name, value in step.items() if name.startswith("Rows Removed by"))
    return (step["Actual Rows"] + left_out) * step["Actual Loops"] if "Relation Name" in step else 0


def wasteful(log):
    """The statements of a server's log of which one step has read too many rows, and how many statements were planned."""
    found, plans = {}, PLAN.findall(log)
    for plan in plans:
        report = json.loads(plan)
        statement = " ".join(report["Query Text"].split())
        worst = max(steps(report["Plan"]), key=read_by)
        if (rows := read_by(worst)) > MAX_ROWS and not statement.startswith(tuple(READ_WHOLE)):
            found[f"{worst['Node Type']} on {worst['Relation Name']}: {statement[:300]}"] = int(rows)
    return found, len(plans)


async def use(url, questions):
    """Fill a month, ask each question and each page once, decide about a book, and do what is done periodically."""
    async with backfill(url, [Scripted("gemini", [[BEE_STING, PROPHET]])], [Shelf()]) as system:
        await system.runner.process((await claim(system)).token, "test")
        assert (await row_of(system))["isbns_resolved"] == 2
    settings = config.load(database_url=SecretStr(url)).model_copy(update={"dashboard_public": True})
    async with bootstrap.running(settings, Steady(url), Mode.WORK) as system:
        app = create_app(system, WebhookSecrets((SECRET,)))
        headers = {"X-Cron-Secret": SECRET}
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://plans", headers=headers) as client:
            for asked in questions:
                path, query = next(asked)
                (await client.get(path, params=query)).raise_for_status()
            for path in PATHS:
                (await client.get(path)).raise_for_status()
            for version, act in enumerate(("exclude", "accept")):
                decision = {"month": "1901-02", "expected": version, "why": "a test", "who": "Ann"}
                (await client.post("/api/catalogue/works/1/" + act, json=decision)).raise_for_status()
            schedule = {"batch_size": 1, "year_range": {"start": 1900, "end": 2024}}
            (await client.post("/api/internal/schedule-backfill", json=schedule)).raise_for_status()
        for task in bootstrap.periodic(system):
            if task.name not in ASK_NOBODY:
                await task.act()


async def test_no_statement_reads_more_the_larger_the_catalogue_is(server, database_url, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    catalogue = importlib.import_module("catalogue")
    catalogue.fill(database_url, WORKS)
    questions = catalogue.questions(database_url, WORKS)
    with psycopg.connect(database_url, autocommit=True) as connection:
        for setting, value in {**REPORT, **AS_FOR_MANY}.items():
            connection.execute(f"ALTER DATABASE {connection.info.dbname} SET {setting} = '{value}'")
    written = server._log.stat().st_size
    await use(database_url, questions.values())
    with server._log.open() as log:
        log.seek(written)
        found, count = wasteful(log.read())
    assert found == {}
    assert count > 500, "PostgreSQL reports the plans"
