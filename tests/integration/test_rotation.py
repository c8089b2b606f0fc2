"""Secrets and keys are changed while the system runs: nobody is refused, and nothing is restarted."""

import asyncio
import json
import os
import signal
import sys
import threading

import httpx2
import psycopg
import pytest
import structlog

from alexandria.bootstrap import Mode, running
from alexandria.cli import main as cli
from alexandria.cli.runtime.demo import _environment, _sandboxed
from alexandria.cli.runtime.signals import Stopping
from alexandria.core import config
from alexandria.core.errors import BadInput, Unknown
from alexandria.core.webhook_secrets import FILE, PREVIOUS_FILE, WebhookSecrets, finish, rotate, webhook_secrets
from alexandria.database.embedded.server import Embedded
from tests.support.forked import ForkedChild

ROTATIONS = 100
LOOK = "/api/internal/months?year=1900"


@pytest.fixture
def settings(monkeypatch, tmp_path):
    monkeypatch.setenv("ALEXANDRIA_DATA_DIR", str(tmp_path))
    return config.load()


class Caller(threading.Thread):
    """Asks all the time with the secret that it knows; `news` gives it another one."""

    def __init__(self, url, secret):
        super().__init__(daemon=True)
        self.secret, self.statuses, self.over = secret, [], threading.Event()
        self.asked = threading.Condition()
        self._client = httpx2.Client(base_url=url, trust_env=False, timeout=20)

    def run(self):
        with self._client:
            while not self.over.is_set():
                status = self._client.get(LOOK, headers={"X-Cron-Secret": self.secret}).status_code
                with self.asked:
                    self.statuses.append(status)
                    self.asked.notify_all()

    def await_more(self):
        """Two answers from now on: one of them was asked for after this call."""
        with self.asked:
            wanted = len(self.statuses) + 2
            assert self.asked.wait_for(lambda: len(self.statuses) >= wanted, 20)


@pytest.mark.long
def test_a_hundred_rotations_refuse_no_client_and_restart_nothing(data_dir):
    """A client that gets the new secret late, while a process without any signal answers it and processes months."""
    data_dir.mkdir(mode=0o711)
    with (
        ForkedChild("sandbox", folder=data_dir, environment=_environment(data_dir)) as sandbox,
        ForkedChild(
            "up", "--port", "0", folder=data_dir, environment=_environment(data_dir) | _sandboxed(sandbox.url())
        ) as server,
    ):
        url = server.url()
        settings = config.load(ALEXANDRIA_DATA_DIR=data_dir)
        file = data_dir / FILE
        first = file.read_text()
        with httpx2.Client(base_url=url, headers={"X-Cron-Secret": first}, trust_env=False, timeout=60) as asking:
            asking.post("/api/internal/seed-backfill-queue", json={"year_start": 2023, "year_end": 2023})
            asking.post("/api/internal/schedule-backfill", json={"batch_size": 12})
        caller = Caller(url, first)
        caller.start()
        for _ in range(ROTATIONS):
            rotate(settings)
            caller.await_more()  # with the old secret
            caller.secret = file.read_text()
            caller.await_more()  # with the new one
            finish(settings)
        caller.over.set()
        caller.join(20)
        assert set(caller.statuses) == {200}
        assert len(caller.statuses) >= 4 * ROTATIONS
        old = httpx2.get(f"{url}{LOOK}", headers={"X-Cron-Secret": first}, trust_env=False)
        assert old.status_code == 401
        server.check()
        with Embedded(data_dir) as database, psycopg.connect(database.url) as connection:
            begun = connection.execute(
                "SELECT count(*), count(DISTINCT process) FROM journal WHERE event = 'begun'"
            ).fetchone()
        assert begun is not None
        assert begun[0] > 0
        assert begun[1] == 1
    assert file.read_text() != first


def test_a_rotation_is_begun_once_and_finished_once(settings, tmp_path):
    """While it is in progress both secrets are valid; the files are their owner's alone."""
    secrets = webhook_secrets(settings)
    old = secrets.valid[0]
    assert rotate(settings, dry_run=True) == tmp_path / FILE
    assert list(secrets.valid) == [old]
    rotate(settings)
    new = (tmp_path / FILE).read_text()
    assert list(secrets.valid) == [new, old]
    for again in ({}, {"dry_run": True}):
        with pytest.raises(BadInput, match="in progress"):
            rotate(settings, **again)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        FILE: 0o600,
        PREVIOUS_FILE: 0o600,
    }
    finish(settings, dry_run=True)
    assert secrets.admits(old)
    finish(settings)
    assert list(secrets.valid) == [new]
    assert not secrets.admits(old)
    with pytest.raises(Unknown):
        finish(settings)


def test_configured_secrets_are_read_again_and_never_changed_by_us(monkeypatch, tmp_path):
    """From files; one that has gone leaves the present secrets in force, for a door must not open or shut by accident."""
    monkeypatch.setenv("ALEXANDRIA_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere/")
    file, previous = (tmp_path / f"alexandria_webhook_secret{suffix}" for suffix in ("", "_previous"))
    file.write_text("canary-first-secret")
    settings = config.load()
    secrets = webhook_secrets(settings)
    assert list(secrets.valid) == ["canary-first-secret"]
    previous.write_text("canary-first-secret")
    file.write_text("canary-second-secret")
    assert list(secrets.valid) == ["canary-second-secret", "canary-first-secret"]
    file.unlink()
    assert list(secrets.valid) == ["canary-second-secret", "canary-first-secret"]
    for act in (rotate, finish):
        with pytest.raises(BadInput, match="set in the configuration"):
            act(settings)
    assert "canary" not in repr(secrets)
    assert WebhookSecrets().valid == ()


@pytest.fixture
def alexandria(monkeypatch, capsys, tmp_path):
    """A command on a data folder of its own: exit code and printed data."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setenv("ALEXANDRIA_DATA_DIR", str(tmp_path))

    def run(*arguments):
        code = cli.main(["--json", *arguments])
        return code, capsys.readouterr().out

    yield run
    structlog.reset_defaults()


def test_the_commands_print_the_path_and_never_the_secret(alexandria, settings, tmp_path):
    assert alexandria("secret", "show-path")[0] == 3
    before = webhook_secrets(settings).valid[0]
    written = []
    for arguments, wanted in [
        (["show-path"], 0), (["rotate", "-n"], 0), (["rotate"], 0), (["rotate"], 2), (["rotate", "--finish", "-n"], 0),
        (["rotate", "--finish"], 0), (["rotate", "--finish"], 3),
    ]:  # fmt: skip
        code, out = alexandria("secret", *arguments)
        assert code == wanted, (arguments, out)
        written.append(out)
    assert json.loads(written[0])["data"]["from"] == str(tmp_path / FILE)
    code, out = alexandria("config")
    setting = next(each for each in json.loads(out)["data"] if each["name"] == "ALEXANDRIA_WEBHOOK_SECRET")
    assert (setting["origin"], setting["value"]) == (str(tmp_path / FILE), "********")
    after = (tmp_path / FILE).read_text()
    assert after != before
    assert not any(secret in text for secret in (before, after) for text in [*written, out])


async def test_keys_are_read_again_on_request(database_url, monkeypatch, tmp_path):
    """From the files where they stand; a configuration that is broken meanwhile leaves the present ones in force."""

    class Server:
        url = database_url

        def ensure(self):
            return

    monkeypatch.setenv("ALEXANDRIA_SECRETS_DIR", str(tmp_path))
    (tmp_path / "isbndb_api_key").write_text("canary-first")
    async with running(config.load(), Server(), Mode.WORK) as system:
        transport = system.clients["isbndb"]
        assert transport.secret() == "canary-first"
        (tmp_path / "isbndb_api_key").write_text("canary-second")
        system.reread()
        assert transport.secret() == "canary-second"
        (tmp_path / "isbndb_api_key").write_text("canary-third")
        monkeypatch.setenv("ALEXANDRIA_POLICY", "nonsense")
        with structlog.testing.capture_logs() as logged:
            system.reread()
        assert transport.secret() == "canary-second"
        assert [line["event"] for line in logged] == ["keys not read again"]
        assert "canary" not in str(logged)


def test_a_hangup_is_no_end():
    """SIGHUP has the secrets read again, in the event loop; the process goes on."""
    with Stopping() as stopping:

        async def act(stop):
            heard = asyncio.Event()
            stopping.on_hangup = heard.set
            os.kill(os.getpid(), signal.SIGHUP)
            async with asyncio.timeout(5):
                await heard.wait()
            return stop.is_set()

        assert stopping.run(act) is False
    assert stopping.exit_code == 0
