"""What reaches the log."""

import json

import structlog

from alexandria import log


def test_no_secret_reaches_a_line_however_it_hides(capsys):
    """In a value, inside an exception, inside an object: struck out."""
    log.configure("INFO", "json", ["canary-1", "canary-2"])
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


def test_quiet_levels_print_nothing(capsys):
    log.configure("WARNING", "console")
    structlog.get_logger("test").info("not wanted")
    assert capsys.readouterr().err == ""
