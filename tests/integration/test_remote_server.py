"""Commands with --server ask a server on another machine over HTTP: its figures, its checks, and clear errors."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import json
import threading

import pytest
from pydantic import SecretStr

from alexandria import bootstrap
from alexandria.bootstrap import Mode
from alexandria.cli.main import main
from alexandria.cli.runtime import remote_server
from alexandria.cli.runtime.api_process import listen, url_of
from alexandria.cli.runtime.remote_server import RemoteServer
from alexandria.core import config
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.web.app import create_app
from alexandria.web.server import serve
from tests.support.dashboard_visitors import SECRET
from tests.support.outside_server import Steady
from tests.support.shelf import fill


@pytest.fixture(scope="module")
def server_url(shared_database_url):
    """A server that this account cannot find by a data folder, as one on another machine, with a few books."""
    fill(shared_database_url)
    answering, ends = threading.Event(), []

    async def run(listening):
        stop = asyncio.Event()
        ends.append((asyncio.get_running_loop(), stop))
        settings = config.load(database_url=SecretStr(shared_database_url))
        async with bootstrap.running(settings, Steady(shared_database_url), Mode.SERVE) as system:
            await serve(create_app(system, WebhookSecrets((SECRET,)), stop), listening, stop, answering.set)

    with listen("127.0.0.1", 0) as listening:
        thread = threading.Thread(target=lambda: asyncio.run(run(listening)))
        thread.start()
        assert answering.wait(60)
        yield url_of(listening)
        ((loop, stop),) = ends
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)


@pytest.fixture
def asked(capsys, monkeypatch, tmp_path):
    """`asked(...)` runs a command in a terminal that has the secret and no database: exit code, output, messages."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("ALEXANDRIA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ALEXANDRIA_WEBHOOK_SECRET", SECRET)

    def run(*arguments):
        code = main(list(arguments))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    yield run
    assert not (tmp_path / "data" / "postgresql").exists()


class ScriptedServer(http.server.ThreadingHTTPServer):
    """Gives every request `answer`: (status, headers, body)."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Scripted)
        self.seen: list[tuple[str, str | None]] = []
        self.answer: tuple[int, dict[str, str], bytes] = (200, {}, b"{}")
        self.url = f"http://127.0.0.1:{self.server_port}"


class Scripted(http.server.BaseHTTPRequestHandler):
    server: ScriptedServer

    def do_GET(self):
        self.server.seen.append((self.path, self.headers.get("X-Cron-Secret")))
        status, headers, body = self.server.answer
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def scripted():
    """A server whose answer the test sets as (status, headers, body)."""
    with ScriptedServer() as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server
        server.shutdown()


def test_status_and_forecast_are_those_of_the_server(server_url, asked, alexandria, shared_database_url):
    code, out, _ = asked("--json", "--server", server_url, "status")
    theirs = json.loads(out)["data"]
    assert code == 0
    assert json.loads(alexandria("--json", "status", url=shared_database_url)[1])["data"] == theirs
    code, out, _ = asked("--server", server_url, "status")
    assert code == 0
    assert theirs["headline"] in out
    assert "2019" in out
    assert theirs["finish"]["reason"] in out
    here = alexandria("--json", "forecast", "--runs", "10", "--seed", "7", url=shared_database_url)[1]
    code, out, _ = asked("forecast", "--json", "--runs", "10", "--seed", "7", f"--server={server_url}")
    assert code == 0
    data, own = json.loads(out)["data"], json.loads(here)["data"]
    assert (data["plan"], data["seed"], data["runs"], data["months"]) == (own["plan"], 7, 10, own["months"])
    assert data["calls"]
    code, out, err = asked("forecast", "--runs", "10", "--server", server_url)
    assert code == 0
    assert "10 simulations with seed 1" in out
    assert "next: alexandria rollout start" in err
    code, _, err = asked("forecast", "--runs", "5000", "--server", server_url)
    assert (code, "less than or equal to 1000" in err) == (2, True)
    assert asked("forecast", "--file", __file__, "--server", server_url)[0] == 2


def test_doctor_has_the_checks_of_the_server(server_url, asked, alexandria, shared_database_url):
    code, out, err = asked("--json", "doctor", "--server", server_url)
    checks = {each["name"]: each for each in json.loads(out)["data"]}
    assert {"server", "ready", "secret", "clock"} <= set(checks)
    assert checks["secret"]["ok"]
    assert "on its machine: alexandria doctor" in err
    assert code == (0 if all(each["ok"] for each in checks.values()) else 1)
    found = asked("--json", "doctor", "--daily", "--min-resolution-rate", "12.5", "--server", server_url)[1]
    here = alexandria("--json", "doctor", "--daily", "--min-resolution-rate", "12.5", url=shared_database_url)[1]
    assert json.loads(found) == json.loads(here)


def test_a_wrong_and_a_missing_secret_are_named(server_url, asked, monkeypatch):
    monkeypatch.setenv("ALEXANDRIA_WEBHOOK_SECRET", "canary-of-another-server")
    code, _, err = asked("status", "--server", server_url)
    assert code == 2
    assert "refuses the secret" in err
    assert "canary" not in err
    checks = {each["name"]: each for each in json.loads(asked("--json", "doctor", "--server", server_url)[1])["data"]}
    assert not checks["secret"]["ok"]
    assert checks["server"]["ok"]
    monkeypatch.delenv("ALEXANDRIA_WEBHOOK_SECRET")
    code, out, _ = asked("--json", "status", "--server", server_url)
    assert code == 2
    assert json.loads(out)["error"]["code"] == "misconfigured"
    assert "alexandria secret show-path" in json.loads(out)["error"]["hint"]


@pytest.mark.parametrize(
    "command", [["resolve", "--title", "Dune", "--author", "Frank Herbert"], ["months"], ["schedule", "2019-07"]]
)
def test_what_needs_keys_or_the_database_is_refused(server_url, asked, command):
    code, _, err = asked(*command, "--server", server_url)
    assert code == 3
    assert "run them there" in " ".join(err.split())


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ((200, {}, b"<html>a proxy</html>"), 6, "without JSON"),
        ((200, {}, b"[1]"), 6, "without JSON"),
        ((200, {}, b'{"headline": 1}'), 6, "of another version"),
        ((404, {}, b'{"error": {"message": "no such path"}}'), 6, "of another version"),
        ((302, {"Location": "http://127.0.0.1:9/"}, b"{}"), 6, "answered 302"),
        ((503, {}, b'{"error": {"message": "PostgreSQL is away", "details": {"hint": "start it"}}}'), 6, "is away"),
        ((429, {}, b"{}"), 5, "wrong secrets"),
        ((500, {}, b'{"error": {"message": "\\u001b[31mred"}}'), 6, "answered 500"),
        ((200, {"Content-Length": str(2**30)}, b"{"), 6, "more than 16 MB"),
        ((200, {"Content-Encoding": "gzip"}, b"{}"), 6, "no answer"),
    ],
)
def test_answers_that_are_none_end_with_a_clear_error(scripted, asked, answer, code, words):
    scripted.answer = answer
    found, out, err = asked("status", "--server", scripted.url)
    assert found == code
    assert words in " ".join(err.split())
    assert out == ""
    assert "\x1b[31mred" not in err
    assert all(secret == SECRET and path.startswith("/api/") for path, secret in scripted.seen)


def test_no_answer_ends_in_time(scripted, asked, monkeypatch):
    hung = threading.Event()
    monkeypatch.setattr(Scripted, "do_GET", lambda _: hung.wait(30))
    monkeypatch.setattr(RemoteServer.ask, "__kwdefaults__", {"timeout": 0.2})
    monkeypatch.setattr(RemoteServer.fetch, "__kwdefaults__", {"timeout": 0.2})
    code, _, err = asked("status", "--server", scripted.url)
    hung.set()
    assert (code, "it took too long" in " ".join(err.split())) == (6, True)
    code, out, _ = asked("--json", "doctor", "--server", "http://127.0.0.1:9")
    assert code == 1
    assert [each["name"] for each in json.loads(out)["data"]] == ["server"]


@pytest.mark.parametrize(
    "address",
    ["http://me:canary-pass@books.example.org", "ftp://x", "http://", "http://x/?a=b", "http://[x", "http://a b"],
)
def test_an_address_that_cannot_be_one_is_refused(asked, address):
    code, _, err = asked("status", "--server", address)
    assert (code, "canary-pass" in err) == (2, False)


def test_a_secret_that_crosses_a_network_unencrypted_is_warned_of():
    assert RemoteServer("http://books.example.org", "s").exposes_secret
    assert not RemoteServer("https://books.example.org", "s").exposes_secret
    assert not RemoteServer("http://127.0.0.1:8000", "s").exposes_secret
    assert not RemoteServer("http://books.example.org").exposes_secret
    assert remote_server.address_of("books.example.org:8000/library/") == "http://books.example.org:8000/library"
