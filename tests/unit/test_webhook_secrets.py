"""Who is let in, and where the secret lives."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from alexandria.cli.doctor import checks
from alexandria.core import config
from alexandria.core.errors import Misconfigured
from alexandria.core.webhook_secrets import MIN_SECRET_LENGTH, WebhookSecrets, weak, webhook_secrets


def test_the_embedded_default_makes_one_secret_that_only_its_owner_can_read(monkeypatch, tmp_path):
    monkeypatch.setenv("ALEXANDRIA_DATA_DIR", str(tmp_path / "data"))
    with ThreadPoolExecutor(8) as many:
        made = set(many.map(lambda _: webhook_secrets(config.load()).valid, range(8)))
    assert len(made) == 1
    secrets = webhook_secrets(config.load())
    assert secrets.path is not None
    assert secrets.path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in secrets.path.parent.iterdir()] == [secrets.path.name]
    assert secrets.admits(secrets.valid[0])
    assert not secrets.admits(secrets.valid[0] + "x")
    assert not secrets.admits(None)
    assert secrets.valid[0] not in repr(secrets)


def test_a_rotation_keeps_the_previous_secret_valid(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere/")
    monkeypatch.setenv("ALEXANDRIA_WEBHOOK_SECRET", "new-canary")
    monkeypatch.setenv("ALEXANDRIA_WEBHOOK_SECRET_PREVIOUS", "old-canary")
    secrets = webhook_secrets(config.load())
    assert secrets.admits("new-canary")
    assert secrets.admits("old-canary")
    assert not secrets.admits("")


def test_secret_files_are_read_when_they_have_changed_and_only_then(tmp_path):
    """Each request asks for the valid secrets. What cannot be read leaves the present ones, and is tried again."""
    file, reads = tmp_path / "secret", []
    file.write_text("first")

    def read():
        reads.append(file.read_text())
        if not reads[-1]:
            raise Misconfigured("the file is empty")
        return (reads[-1],)

    secrets = WebhookSecrets(files=[file, tmp_path / "absent"], read=read)
    assert [secrets.valid for _ in range(3)] == [("first",)] * 3
    assert reads == ["first"]
    file.write_text("second one")
    assert [secrets.valid for _ in range(3)] == [("second one",)] * 3
    assert reads == ["first", "second one"]
    file.write_text("")
    assert [secrets.valid for _ in range(2)] == [("second one",)] * 2
    assert reads == ["first", "second one", "", ""]
    file.write_text("third")
    (tmp_path / "absent").touch()
    assert [secrets.valid for _ in range(2)] == [("third",)] * 2
    assert reads[4:] == ["third"]
    (tmp_path / "absent").unlink()
    assert [secrets.valid for _ in range(2)] == [("third",)] * 2
    assert reads[4:] == ["third"] * 2


def test_a_secret_file_of_the_same_length_that_replaces_another_is_read(tmp_path):
    """As `mv` does it, with the time of the old one."""
    file, other = tmp_path / "secret", tmp_path / "other"
    file.write_text("first")
    other.write_text("other")
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    secrets = WebhookSecrets(files=[file], read=lambda: (file.read_text(),))
    other.replace(file)
    assert secrets.valid == ("other",)


def test_production_without_a_secret_does_not_start(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere/")
    with pytest.raises(Misconfigured, match="ALEXANDRIA_WEBHOOK_SECRET"):
        webhook_secrets(config.load())


def test_a_secret_that_can_be_guessed_is_named(monkeypatch):
    """A generated one never is; the warning names the setting and not its value."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere/")
    monkeypatch.setenv("ALEXANDRIA_WEBHOOK_SECRET", "x" * MIN_SECRET_LENGTH)
    assert weak(config.load()) == []
    monkeypatch.setenv("ALEXANDRIA_WEBHOOK_SECRET", "x" * (MIN_SECRET_LENGTH - 1))
    monkeypatch.setenv("ALEXANDRIA_ALARM_SECRET", "secret")
    assert weak(config.load()) == ["ALEXANDRIA_WEBHOOK_SECRET", "ALEXANDRIA_ALARM_SECRET"]
    warned = [check for check in checks._secrets(config.load()) if not check.ok]
    assert [check.name for check in warned] == ["secret ALEXANDRIA_WEBHOOK_SECRET", "secret ALEXANDRIA_ALARM_SECRET"]
    assert all(check.fix for check in warned)


def test_unsigned_alarms_are_named(monkeypatch):
    monkeypatch.setenv("ALEXANDRIA_ALARM_URL", "http://127.0.0.1:1/")
    assert [check.message for check in checks._secrets(config.load())] == ["alerts are not signed"]
