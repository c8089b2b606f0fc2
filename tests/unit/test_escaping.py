"""Untrusted text on a terminal, in a log and in JSON: shown, and without effect."""

import json

import pytest
import structlog

from alexandria.cli.output.console import Options, Output
from alexandria.core import logging as log
from alexandria.core.errors import BadInput
from alexandria.core.escaping import ACTIVE, inert, inert_line, isolated
from alexandria.operations.terminal.formatting import table

HOSTILE = "\x1b[2J\x1b]0;owned\x07 \x9b31m \u202egnp.exe [red]x[/red] <b>&\r\x00\x7f :boom: Ünï 日本"
SHOWN = "\\x1b[2J\\x1b]0;owned\\x07 \\x9b31m \\u202egnp.exe [red]x[/red] <b>&\\x0d\\x00\\x7f :boom: Ünï 日本"


def test_control_characters_are_escaped_and_the_rest_stays():
    assert inert(HOSTILE) == SHOWN
    assert inert("a\tb\nc") == "a\tb\nc"
    assert inert_line("a\tb\nc") == "a b c"
    assert inert("Ærøskøbing – „Zürich“ \u200eשלום 👩‍👩‍👧") == "Ærøskøbing – „Zürich“ \u200eשלום 👩‍👩‍👧"


@pytest.fixture
def output():
    return Output(Options())


def test_hostile_text_does_nothing_wherever_it_is_printed(output, capsys):
    """In a line, in a table's cell, in talk and in an error; markup stays text, and a cell stays one line."""
    output.result(None, HOSTILE, table(["title"], [[f"{HOSTILE}\n2023-01 completed"]]))
    output.message(HOSTILE)
    output.fail(BadInput(HOSTILE, hint=HOSTILE), "")
    printed = capsys.readouterr()
    for line in (*printed.out.splitlines(), *printed.err.splitlines()):
        assert not ACTIVE.search(line), line
    assert printed.out.count(SHOWN) == 2
    assert f"{SHOWN} 2023-01 completed" in printed.out
    assert printed.err.count(SHOWN) == 3


def test_hostile_text_in_json_is_escaped_and_comes_back_whole(capsys):
    Output(Options(json=True)).result({"title": HOSTILE})
    out = capsys.readouterr().out
    assert out.endswith("}\n")
    assert not ACTIVE.search(out.rstrip("\n"))
    assert json.loads(out)["data"]["title"] == HOSTILE


@pytest.mark.parametrize("form", ["json", "console"])
def test_hostile_text_in_a_log_is_one_line_that_does_nothing(form, capsys):
    log.configure("INFO", form)
    structlog.get_logger("test").info("named", title=f"{HOSTILE}\n2026-01-01 [error] forged", listed=[HOSTILE])
    structlog.reset_defaults()
    [line] = capsys.readouterr().err.splitlines()
    assert not ACTIVE.search(line)


def test_log_lines_of_libraries_lose_their_secrets_too(capsys):
    """A warning with an address and a key in it, and a traceback; what is less than a warning is not heard of."""
    import logging

    log.configure("DEBUG", "json", ["canary-key"])
    library = logging.getLogger("some.library")
    library.info("GET http://x/?key=canary-key")
    library.warning("GET %s failed", "http://x/?key=canary-key")
    try:
        raise ValueError("http://x/?key=canary-key")
    except ValueError:
        library.exception("odd")
    structlog.reset_defaults()
    written = capsys.readouterr().err
    assert "canary" not in written
    first, second = (json.loads(line) for line in written.splitlines())
    assert first["event"] == "GET http://x/?key=[secret] failed"
    assert first["logger"] == "some.library"
    assert "ValueError: http://x/?key=[secret]" in second["exception"]


HEBREW, ARABIC = "שלום", "كتاب"


@pytest.mark.parametrize("text", ["Ünï 日本 (2nd ed.)", "", "Lettre à un ami — « oui »", "a\u200eb"])
def test_text_from_left_to_right_stays_as_it_is(text):
    assert isolated(text) == text


@pytest.mark.parametrize("text", [HEBREW, f"{ARABIC} 123 (x)", "\u200f", "a\u061cb"])
def test_text_from_right_to_left_is_set_apart(text):
    assert isolated(text) == f"\u2068{text}\u2069"


def test_marks_of_direction_are_written_out():
    """An override that is not closed, and an end that would close our own pair."""
    assert isolated("gnp\u202egpj") == "gnp\\u202egpj"
    assert isolated(f"{HEBREW}\u2069\u202ex") == f"\u2068{HEBREW}\\u2069\\u202ex\u2069"


def test_a_title_from_right_to_left_moves_no_other_column(output, capsys):
    output.result(None, table(["title", "score#"], [[HEBREW, 12]]))
    assert f"\u2068{HEBREW}\u2069" in capsys.readouterr().out
