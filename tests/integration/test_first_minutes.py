"""The first minutes without keys: what `up` prints, a month that waits, and the command that adds a key."""

import json
import os
import stat
import time

import httpx2
import pytest

from alexandria.sandbox import SandboxSettings
from alexandria.sandbox import environment as sandbox_environment
from tests.support.commands import run, running

DEADLINE = 120.0  # seconds


def alexandria(*arguments, text="", **environment):
    """A command as a process of its own: exit code, standard output, standard error."""
    done = run(*arguments, environment=os.environ | environment, given=text.encode(), seconds=DEADLINE)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def folder(data_dir, monkeypatch):
    monkeypatch.delenv("ALEXANDRIA_SECRETS_DIR")
    monkeypatch.setenv("ALEXANDRIA_DATA_DIR", str(data_dir))
    return data_dir / "secrets"


def test_a_key_is_added_to_a_file_that_only_this_user_can_read(folder):
    code, out, err = alexandria("secret", "add", "gemini_api_key", text="canary-key\n")
    file = folder / "GEMINI_API_KEY"
    assert (code, out) == (0, f"GEMINI_API_KEY: {file}\n"), err
    assert file.read_text() == "canary-key\n"
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(folder.stat().st_mode)) == (0o600, 0o700)
    assert [each.name for each in folder.iterdir()] == ["GEMINI_API_KEY"]
    found = json.loads(alexandria("config", "--json")[1])["data"]
    assert [(each["value"], each["origin"]) for each in found if each["name"] == "GEMINI_API_KEY"] == [
        ("********", str(file))
    ]

    file.rename(folder / "gemini_api_key")
    preview = alexandria("secret", "add", "GEMINI_API_KEY", "--dry-run")
    assert preview[:2] == (0, f"GEMINI_API_KEY: {folder / 'gemini_api_key'}\n")
    assert alexandria("secret", "add", "GEMINI_API_KEY", text="canary-other")[0] == 0
    assert [(each.name, each.read_text()) for each in folder.iterdir()] == [("gemini_api_key", "canary-other\n")]


def test_the_configured_folder_gets_the_key(folder, tmp_path):
    assert (
        alexandria("secret", "add", "XAI_API_KEY", text="canary-key", ALEXANDRIA_SECRETS_DIR=str(tmp_path / "keys"))[0]
        == 0
    )
    assert (tmp_path / "keys/XAI_API_KEY").read_text() == "canary-key\n"
    assert not folder.exists()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("GEMINI", "canary-key", "'GEMINI' is not the name of a key"),
        ("GEMINI_API_KEY", "", "one word of at most"),
        ("GEMINI_API_KEY", "canary key", "one word of at most"),
        ("GEMINI_API_KEY", "canary-k\u00e9y", "one word of at most"),
        ("GEMINI_API_KEY", "canary" * 1000, "one word of at most"),
        ("ISBNDB_API_KEY", "canary-key", "is set in the environment"),
    ],
)
def test_what_is_no_key_is_refused_and_not_quoted(folder, name, text, message):
    code, out, err = alexandria("secret", "add", name, text=text, ISBNDB_API_KEY="canary-before")
    assert (code, out) == (2, "")
    assert message in err
    assert "canary" not in err
    assert not folder.exists()


def test_up_without_keys_says_what_works_and_a_key_that_is_added_is_used_at_once(
    folder, data_dir, sandbox_url, database_url
):
    """The month waits, without a failed attempt, and goes on by itself."""
    sandboxed = sandbox_environment(SandboxSettings(), sandbox_url)
    keys = {name: sandboxed.pop(name) for name in [*sandboxed] if name.endswith("_API_KEY")}
    environment = {"DATABASE_URL": database_url, "ALEXANDRIA_WEBHOOK_SECRET": "a" * 32, **sandboxed}
    assert alexandria("seed", "2023", DATABASE_URL=database_url)[0] == 0
    assert alexandria("schedule", "--batch-size", "1", DATABASE_URL=database_url)[0] == 0
    with running("up", "--port", "0", "--json", environment=os.environ | environment) as (up, log):
        url = json.loads(up.stdout.readline())["data"]["url"]
        waiting = until(lambda: month(url), lambda found: found["status"] == "retry")
        assert (waiting["error_code"], waiting["retry_count"]) == ("no_key", 0)
        assert alexandria("secret", "add", "GEMINI_API_KEY", text=keys["GEMINI_API_KEY"])[0] == 0
        done = until(lambda: month(url), lambda found: found["status"] == "completed")
        assert (done["retry_count"], done["gemini_calls"] > 0) == (0, True)
        up.terminate()
        up.wait(DEADLINE)
        err = os.pread(log.fileno(), 1_000_000, 0).decode()
    assert "no model has a key (GEMINI_API_KEY and XAI_API_KEY): months wait for one, and none fails" in err
    assert "  add a key, also while this runs: alexandria secret add GEMINI_API_KEY\n" in err
    keyless = "ALEXANDRIA_CONTACT=you@example.org ALEXANDRIA_GENERATORS=wikidata alexandria up"
    assert f"  works now, without keys: {keyless}\n" in err
    assert keys["GEMINI_API_KEY"] not in err


def month(url):
    answer = httpx2.get(f"{url}/api/internal/months/2023-12", headers={"X-Cron-Secret": "a" * 32}, timeout=DEADLINE)
    return answer.json()


def until(look, holds):
    deadline = time.monotonic() + DEADLINE
    while not holds(found := look()):
        assert time.monotonic() < deadline, found
        time.sleep(0.3)
    return found
