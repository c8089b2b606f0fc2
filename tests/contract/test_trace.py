"""Traces of attempts: one trace each, with a span for each answer, and no secret."""

import contextlib
import http.server
import subprocess
import sys
import threading
from uuid import uuid4

import pytest

from alexandria.backfill.composition import compose
from alexandria.backfill.control import Control, RetrySelection
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.repositories import months
from alexandria.backfill.scheduler import Selection
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.core import config, tracing
from alexandria.core.month import Month
from alexandria.database.pool import Database
from alexandria.providers.client import ProviderClient
from alexandria.providers.generator_specs import GeneratorSpec
from alexandria.providers.limits.rate import RateLimiter
from alexandria.providers.llm import LanguageModel
from alexandria.providers.open_library import OpenLibrary
from alexandria.providers.response_cache import ResponseCache

NOVEMBER = Month(2023, 11)
KEY = "sandbox-gemini"
NAMES = ("gemini", "open_library")


@pytest.fixture
def spans():
    """The exported spans."""
    export = pytest.importorskip("opentelemetry.sdk.trace.export", reason="the extra otel is not installed")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter").InMemorySpanExporter()
    with tracing.tracing(export.SimpleSpanProcessor(memory)):
        yield memory.get_finished_spans


@contextlib.asynccontextmanager
async def backfill(client, database_url, monkeypatch):
    """A backfill with one model and one source of the sandbox, and one month."""
    for name in NAMES:
        monkeypatch.setenv(f"ALEXANDRIA_{name.upper()}_BASE_URL", f"http://sandbox/{name}")
        monkeypatch.setenv(f"ALEXANDRIA_{name.upper()}_RATE", "400")
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    providers = config.load().providers
    async with Database(database_url) as database, RateLimiter(database_url, database.pool, providers) as lanes:
        jobs = JobQueue(database)
        await jobs.open()
        gemini, library = (
            ProviderClient(providers[name], lanes, ResponseCache(database), contact="mailto:ops@library.test", version="0",
                      inner=client._transport) for name in NAMES
        )  # fmt: skip
        model = LanguageModel(GeneratorSpec("gemini", "gemini-3.5-flash"), gemini)
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO backfill_log (year, month, batch_size) VALUES (2023, 11, 4)")
        yield compose(database, jobs, [model], SourcePool([OpenLibrary(library)], Policy.BALANCED))
        await jobs.aclose()


async def walk(system):
    """Schedule the month and process it; the attempt's token."""
    await system.scheduler.schedule(Selection(first_year=2023, last_year=2023), "test")
    async with system.scheduler.database.transaction() as connection:
        row = await months.one(connection, NOVEMBER)
    assert row is not None
    await system.runner.process(row["attempt_token"], "worker-1")
    return str(row["attempt_token"])


def attributes(span):
    return {name.removeprefix("alexandria."): value for name, value in span.attributes.items()}


async def test_an_attempt_is_one_trace_and_each_answer_a_span_in_it(sandbox, database_url, monkeypatch, spans):
    """Sent the first time, cached the second; each span has its month, attempt and provider."""
    client = sandbox(rates=dict.fromkeys(NAMES, 400.0))
    async with backfill(client, database_url, monkeypatch) as system:
        first = await walk(system)
        await Control(system.scheduler.database, system.scheduler.queue).retry(RetrySelection((NOVEMBER,)), "test")
        second = await walk(system)
    roots = [span for span in spans() if span.parent is None]
    assert [(span.name, attributes(span)["attempt"]) for span in roots] == [("attempt", first), ("attempt", second)]
    for root in roots:
        data = attributes(root)
        assert (data["month"], data["outcome"], data["worker"]) == ("2023-11", "completed", "worker-1")
        assert data["books"] >= data["resolved"] > 0
    of_first, of_second = (
        [attributes(span) for span in spans() if span.parent and span.context.trace_id == root.context.trace_id]
        for root in roots
    )
    assert {data["provider"] for data in of_first} == {*NAMES}
    sent = [data for data in of_first if data["answer"] == "sent"]
    assert {data["status"] for data in sent} <= {200, 404}
    assert all(data["waited_ms"] >= 0 and data["units"] >= 0 for data in sent)
    async with Database(database_url) as database, database.transaction() as connection:
        [row] = await (await connection.execute("SELECT count(*) AS calls FROM call")).fetchall()
    assert len(sent) == row["calls"]
    assert of_second
    assert {data["answer"] for data in of_second} == {"stored"}
    assert all((data["month"], data["attempt"]) == ("2023-11", second) for data in of_second)
    assert KEY not in "".join(span.to_json() for span in spans())


async def test_a_failed_attempt_records_the_kind_of_its_error(sandbox, database_url, monkeypatch, spans):
    """As a code, because the text of an error may quote anything."""
    client = sandbox(rates=dict.fromkeys(NAMES, 400.0))
    async with backfill(client, database_url, monkeypatch) as system:
        monkeypatch.setenv("GEMINI_API_KEY", "canary-wrong-key")
        system.runner.generators[0]._client.key = config.load().providers["gemini"].key
        await walk(system)
    [root] = [span for span in spans() if span.parent is None]
    assert (root.status.status_code.name, root.status.description) == ("ERROR", "no_books")
    assert attributes(root)["outcome"] == "failed"
    refused = [span for span in spans() if span.name == "gemini"]
    assert refused
    assert all(span.status.status_code.name == "ERROR" and not span.events for span in refused)
    assert "canary" not in "".join(span.to_json() for span in spans())


async def test_an_attempt_whose_month_another_has_taken_is_lost(sandbox, database_url, monkeypatch, spans):
    async with backfill(sandbox(), database_url, monkeypatch) as system:
        await system.runner.process(uuid4(), "worker-1")
    [root] = [span for span in spans() if span.parent is None]
    assert attributes(root)["outcome"] == "lost"


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_the_standard_variables_turn_tracing_on(environment, wanted):
    assert tracing.wanted(environment) is wanted


def test_opentelemetry_is_not_imported_without_tracing():
    """Neither by bootstrap nor by core.tracing."""
    script = """
import sys
from alexandria import bootstrap
from alexandria.core import tracing
with tracing.exporting(), tracing.attempt(attempt="1"), tracing.answer("xai"):
    tracing.note(month="2023-11"); tracing.failed("no")
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "[]\n"


def test_a_missing_extra_is_reported_without_failing():
    script = """
import os, sys
os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
sys.modules["opentelemetry.exporter.otlp.proto.http.trace_exporter"] = None
from alexandria.core import tracing
with tracing.exporting(), tracing.attempt(attempt="1"):
    tracing.note(month="2023-11")
"""
    message = subprocess.check_output([sys.executable, "-c", script], text=True, stderr=subprocess.STDOUT)
    assert "the extra 'otel' (in a checkout: make setup; from a wheel: FILE.whl[otel])" in message


class Collector(http.server.HTTPServer):
    """Accepts every request."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Taking)
        self.got = []


class Taking(http.server.BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self):
        self.server.got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_all_spans_reach_the_collector_before_exit(monkeypatch):
    """Over HTTP to the URL of the standard variable, uncompressed, with the service's name."""
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra otel is not installed")
    with Collector() as collector:
        threading.Thread(target=collector.serve_forever, args=[0.01], daemon=True).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
        with tracing.exporting(), tracing.attempt(attempt="token-1"), tracing.answer("isbndb", answer="sent"):
            pass
        collector.shutdown()
    [(path, body)] = collector.got
    assert path == "/v1/traces"
    assert all(each in body for each in (b"alexandria", b"token-1", b"isbndb"))
