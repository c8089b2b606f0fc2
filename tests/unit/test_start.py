"""What a process does not do before it begins its work: the modules it does not import, and what it does not build."""

import contextlib
import os
import subprocess
import sys
import termios
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from inspect import iscoroutinefunction

import pytest
from fastapi.routing import APIRoute

from alexandria.__main__ import LOOKS_OTHERWISE, main
from alexandria.web.api import backfill, control, health, metrics, quota, rollout
from alexandria.web.app import create_app

PRICES = {"genai_prices"}  # takes a long time to import
FOR_WORKERS = {"httpx2", "alexandria.providers.client", "alexandria.providers.llm"}
FOR_FORECASTS = {"alexandria.forecast.simulation", "alexandria.forecast.estimate"}
FOR_FEW_EXPORTS = {"pymarc", "xml.sax"}
FOR_JOBS = {"procrastinate", "stamina", "alexandria.backfill.runner", "alexandria.backfill.worker"}
FOR_MATCHING = {"rapidfuzz", "alexandria.catalogue.repository", "alexandria.catalogue.matching.titles"}
WEB_LIBRARIES = {"fastapi", "starlette", "uvicorn", "jinja2", "prometheus_client"}

BUILT_MODELS = """
from fastapi.openapi import models
from alexandria.core.lazy_model import LazyModel
print("ours", *[each.__name__ for each in LazyModel.__subclasses__() if each.__pydantic_complete__])
print("fastapi's", *[each.__name__ for each in models.BaseModelWithConfig.__subclasses__() if each.__pydantic_complete__])
"""


def loaded(statement):
    """The modules that a new process has imported after `statement`, its collections of old garbage, and its output."""
    code = (
        f"import gc, sys; from alexandria.__main__ import main; sys.stdout.flush()\n{statement}\n"
        "print(gc.get_stats()[2]['collections'], *sys.modules, file=sys.stderr)"
    )
    usual = {name: value for name, value in os.environ.items() if name not in LOOKS_OTHERWISE}
    ended = subprocess.run(
        [sys.executable, "-c", code], env=usual, capture_output=True, encoding="utf-8", timeout=60, check=True
    )
    collections, *modules = ended.stderr.split()
    return set(modules), int(collections), ended.stdout.splitlines()


def test_the_version_imports_neither_settings_nor_a_driver():
    modules, _, output = loaded("sys.argv[1:] = ['--version']; main()")
    assert modules & ({"pydantic", "psycopg", "structlog", "httpx2", "asyncio"} | PRICES | WEB_LIBRARIES) == set()
    assert output == [version("alexandria-backfill")]


def test_the_overview_imports_nothing():
    modules, _, output = loaded(
        "before = {*sys.modules}; sys.argv[1:] = ['--help']; main(); print({*sys.modules} - before)"
    )
    *page, imported = output
    assert imported == "set()"
    assert modules & {"typer", "rich"} == set()
    assert any("schedule" in line for line in page)


@pytest.mark.parametrize(("columns", "printed"), [(79, False), (80, True), (200, True)])
def test_the_overview_is_printed_on_terminals_that_it_fits(columns, printed, monkeypatch):
    for name in LOOKS_OTHERWISE | {"NO_COLOR"}:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    reading, writing = os.openpty()
    termios.tcsetwinsize(writing, (24, columns))
    with ThreadPoolExecutor() as pool:
        shown = pool.submit(read_to_the_end, reading)  # a terminal that nobody reads takes some kilobytes
        with os.fdopen(writing, "w", encoding="utf-8") as terminal:
            monkeypatch.setattr(sys, "stdout", terminal)
            monkeypatch.setattr(sys, "argv", ["alexandria", "--help"])
            monkeypatch.setattr("alexandria.cli.main.main", lambda: 7)
            assert main() == (0 if printed else 7)
            monkeypatch.undo()
        assert (b"\x1b[1;33mUsage: " in shown.result()) == printed


def read_to_the_end(reading):
    """What was written to a terminal until it was closed."""
    parts = []
    with os.fdopen(reading, "rb") as terminal, contextlib.suppress(OSError):  # as its other end is closed
        while part := terminal.read1():
            parts.append(part)
    return b"".join(parts)


def test_a_command_on_the_system_imports_nothing_of_the_api_and_of_workers():
    """Not even `status`, which shows more than the others."""
    modules, _, _ = loaded("import alexandria.cli.runtime.system, alexandria.operations.terminal.status_report")
    assert modules & (PRICES | WEB_LIBRARIES | FOR_WORKERS | FOR_FORECASTS | FOR_JOBS | FOR_MATCHING) == set()


@pytest.mark.long
def test_a_start_searches_no_old_garbage_and_the_api_imports_nothing_of_workers():
    modules, collections, output = loaded(
        f"sys.argv[1:] = ['--version']; main(); import alexandria.cli.runtime.api_process\n{BUILT_MODELS}"
    )
    assert modules & (PRICES | FOR_WORKERS | FOR_FORECASTS | FOR_FEW_EXPORTS | FOR_JOBS) == set()
    assert "alexandria.web.app" in modules
    assert collections == 0
    ours, fastapis = output[-2:]
    assert ours == "ours PublishedLimits", "of which the rows of the registry are made"
    assert "Schema" in fastapis
    assert {"PathItem", "OpenAPI"} & set(fastapis.split()) == set()


def test_a_route_is_analysed_once():
    """FastAPI analyses the routes of an included router again, for each application at its first request."""
    app = create_app(None, None)  # type: ignore[arg-type] # no request asks for them
    assert {id(route) for route in backfill.router.routes} <= {id(route) for route in app.router.routes}


def test_no_request_waits_for_a_thread_to_be_given_its_system_or_visitor():
    """FastAPI hands each dependency that is a plain function to a thread, and waits for it."""
    routes = [route for route in create_app(None, None).router.routes if isinstance(route, APIRoute)]  # type: ignore[arg-type]
    assert len(routes) > 60
    given = {each.call for route in routes for each in route.dependant.dependencies}
    assert {getattr(each, "__name__", "") for each in given} >= {"system_of", "visitor_of", "form_of"}
    assert [each for each in given if not (iscoroutinefunction(each) or iscoroutinefunction(type(each).__call__))] == []


def test_a_worker_imports_nothing_of_the_web():
    modules, *_ = loaded(
        "import alexandria.cli.runtime.worker_process, alexandria.backfill.composition, alexandria.providers.registry"
    )
    assert modules & WEB_LIBRARIES == set()


def test_the_errors_of_all_routes_are_described_once():
    """FastAPI builds a serializer for each error of each route that has a model of its own."""
    routers = [backfill.router, control.router, rollout.router, quota.router, health.router, metrics.router]
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    assert len(routes) > 20
    assert [route.path for route in routes if route.response_fields] == []
