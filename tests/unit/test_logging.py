"""What reaches the log."""

import errno
import io
import json
import logging as library
import sys
from typing import Any

import pytest
import structlog

from alexandria.core import logging
from alexandria.core.log_throttle import MAX_KNOWN_LINES, MAX_REPEATS, REPEAT_INTERVAL, LogThrottle
from tests.support.clocks import Clock


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


def test_a_repeated_line_passes_a_few_times_and_then_with_the_number_of_the_dropped():
    clock = Clock(0.0)
    throttle = LogThrottle(clock)
    passed = [throttle.count("a") for _ in range(100)]
    assert passed == [0] * MAX_REPEATS + [None] * (100 - MAX_REPEATS)
    assert throttle.count("b") == 0
    clock.now += REPEAT_INTERVAL
    assert throttle.count("a") == 100 - MAX_REPEATS
    assert throttle.count("a") == 0


def test_the_throttle_remembers_a_bounded_number_of_lines():
    throttle = LogThrottle(Clock(0.0))
    for number in range(10_000):
        throttle.count(number)
    assert len(throttle._lines) <= MAX_KNOWN_LINES


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_flood_of_one_warning_writes_little_and_hides_no_other(capsys, form):
    """Whether we log it or a library, with other numbers in each line."""
    logging.configure("INFO", form)
    logger = structlog.get_logger("test")
    for number in range(1000):
        with structlog.contextvars.bound_contextvars(request_id=str(number)):
            logger.warning("a client is slow")
        library.getLogger("some.library").error("socket.accept() out of system resource\nsocket: <fd=%d>", number)
        logger.warning("a month failed", month=str(number))
        logger.info("a month is done")
    library.getLogger("some.library").error("another trouble")
    written = capsys.readouterr().err
    assert written.count("a client is slow") == MAX_REPEATS
    assert written.count("out of system resource") == MAX_REPEATS
    assert written.count("a month failed") == 1000
    assert written.count("a month is done") == 1000
    assert written.count("another trouble") == 1
    assert "place" not in written
