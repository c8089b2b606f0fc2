"""The API keeps to its own OpenAPI description, whatever schemathesis can think of sending."""

import asyncio
import itertools
import os
import socket
import sys
from asyncio import subprocess
from dataclasses import dataclass

import uvicorn
from pydantic import SecretStr

from alexandria import config, wiring
from alexandria.secret import WebhookSecrets
from alexandria.store import months
from alexandria.web.api import create_app
from alexandria.web.door import Door

SECRET = "canary-secret"
SECONDS = "12"  # of trying

# What no schema can say makes a well-formed request wrong: a plan belongs to its own request, years are in order.
SETTINGS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "404", "409", "422"]
"""


@dataclass
class Steady:
    """A server that somebody else looks after."""

    url: str

    def ensure(self):
        return


async def test_the_api_keeps_to_its_description(database_url, tmp_path):
    """Over real HTTP, with all checks and phases: no server error, no undocumented status, no answer of another shape."""
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    settings = config.load(database_url=SecretStr(database_url))
    async with wiring.running(settings, Steady(database_url), providers=False) as system:
        async with system.database.transaction() as connection:
            await months.seed(connection, 2000, 2024)
            await connection.execute("INSERT INTO procrastinate_workers VALUES (DEFAULT, now() + interval '1 hour')")
        secrets = WebhookSecrets((SECRET,))
        app = create_app(system, secrets)
        app.state.door = Door(secrets, clock=itertools.count(step=60).__next__)  # a minute passes between two failures
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            tried = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{port}/openapi.json"),
                *("--header", f"X-Cron-Secret: {SECRET}", "--max-time", SECONDS, "--max-examples", "30", "--seed", "1"),
                "--no-color",
                cwd=tmp_path,
                env={"PATH": os.environ["PATH"], "COLUMNS": "120"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            report, _ = await tried.communicate()
        finally:
            server.should_exit = True
            await serving
    assert tried.returncode == 0, report.decode()
    assert f"Tested: {sum(map(len, app.openapi()['paths'].values()))}\n" in report.decode()
