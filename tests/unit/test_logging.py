"""What reaches the log."""

import errno
import io
import json
import sys
from typing import Any

import pytest
import structlog

from alexandria.core import logging


def test_no_secret_reaches_a_line_however_it_hides(capsys):
    """In a value, inside an exception, inside an object: struck out."""
    logging.configure("INFO", "json", ["canary-1", "canary-2"])
    logger = structlog.get_logger("test")
    logger.info("key canary-1 used", url="http://x/?key=canary-2", nested={"deep": ["canary-1"]})
    try:
        raise ValueError("canary-2")
    except ValueError:
        logger.exception("failed")
    written = capsys.readouterr().err
    assert "canary" not in written
    first, second = (json.loads(line) for line in written.splitlines())
    assert first["event"] == "key [secret] used"
    assert second["level"] == "error"
    assert "ValueError" in second["exception"]


@pytest.mark.parametrize("trouble", [OSError(errno.EIO, "the terminal is closed"), ValueError("closed file")])
def test_a_log_line_that_cannot_be_written_fails_no_caller(monkeypatch, trouble):
    """Else a closed terminal or a full disk would fail whatever month is about to say something."""

    class Gone(io.StringIO):
        def write(self, text):
            raise trouble

        def flush(self):
            raise trouble

    heard: list[Any] = []
    monkeypatch.setattr(sys, "stderr", Gone())
    logging.configure("INFO", "console")
    with logging.also_to(lambda event: heard.append(event["event"])):
        structlog.get_logger("test").info("begun", month="2023-11")
    assert heard == ["begun"]


def test_quiet_levels_print_nothing(capsys):
    logging.configure("WARNING", "console")
    structlog.get_logger("test").info("not wanted")
    assert capsys.readouterr().err == ""
