"""The API conforms to its OpenAPI description for every request that schemathesis generates."""

import asyncio
import contextlib
import itertools
import os
import socket
import sys
from asyncio import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import uvicorn
from pydantic import SecretStr

from alexandria import bootstrap
from alexandria.backfill.repositories import months
from alexandria.bootstrap import Mode
from alexandria.core import config
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.forecast.forecaster import Forecaster
from alexandria.rollout.plan import example, read
from alexandria.web.app import create_app
from alexandria.web.auth.secret import SecretAuth
from tests.support.sampling import EVERY, tried

SECRET = "canary-secret"
FORECAST, FEW_RUNS = Forecaster._report, 10
BOUNDED = ("--phases", "examples,coverage")  # as many requests as the description has cases
SHARE = (
    3  # of so many paths one is tried, another one the next day; all take minutes of two cores: `make fuzz` tries them
)
# As many seconds of trying; `make fuzz` tries longer.
ENDLESS = ("--phases", "fuzzing,stateful", "--max-time", "30" if EVERY else "10", "--max-examples", "100")

# What no schema can say makes a well-formed request wrong: a plan belongs to its own request, years are in order.
SETTINGS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "404", "409", "422"]
"""


@dataclass
class Steady:
    """A server that is managed outside of Alexandria."""

    url: str

    def ensure(self):
        return


async def forecast_shortly(forecaster, plan, _runs, most, seed):
    """A forecast of few simulations, however many were asked for: here the shape of requests and answers is tried."""
    return await FORECAST(forecaster, plan, FEW_RUNS, most, seed)


@contextlib.asynccontextmanager
async def served(database_url):
    """The real API over real HTTP, in the middle of a rollout: its port and its description."""
    settings = config.load(database_url=SecretStr(database_url))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Forecaster, "_report", forecast_shortly)
        async with serving_on(settings, database_url) as served:
            yield served


@contextlib.asynccontextmanager
async def serving_on(settings, database_url):
    async with bootstrap.running(settings, Steady(database_url), Mode.SERVE) as system:
        async with system.database.transaction() as connection:
            await months.seed(connection, 2000, 2024)
            await connection.execute("INSERT INTO procrastinate_workers VALUES (DEFAULT, now() + interval '1 hour')")
        await system.rollout.start(read(example()), "a person")
        secrets = WebhookSecrets((SECRET,))
        app = create_app(system, secrets)
        app.state.secret_auth = SecretAuth(
            secrets, clock=itertools.count(step=60).__next__
        )  # a minute passes between two failures
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield port, app.openapi()
        finally:
            server.should_exit = True
            await serving


@pytest.mark.long
async def test_the_api_conforms_to_its_description(database_url, tmp_path):
    """With all checks: no server error, no undocumented status, no answer of another shape."""
    async with served(database_url) as (port, description):
        paths = tried(sorted(description["paths"]), SHARE, datetime.now(UTC).toordinal())
        chosen = () if EVERY else [f"--include-path={path}" for path in paths]
        code, report = await trying(port, tmp_path, [*BOUNDED, *chosen])
    assert code == 0, report
    assert f"Tested: {sum(len(description['paths'][path]) for path in paths)}\n" in report


@pytest.mark.long
async def test_the_api_conforms_to_its_description_for_invalid_requests(database_url, tmp_path):
    async with served(database_url) as (port, _):
        code, report = await trying(port, tmp_path, ENDLESS)
    assert code == 0, report


async def trying(port, folder, phases):
    """The exit code of schemathesis, and its report."""
    (folder / "schemathesis.toml").write_text(SETTINGS)
    tried = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{port}/openapi.json"),
        *("--header", f"X-Cron-Secret: {SECRET}", "--seed", "1", "--no-color", *phases),
        cwd=folder,
        env={"PATH": os.environ["PATH"], "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    report, _ = await tried.communicate()
    return tried.returncode, report.decode()
