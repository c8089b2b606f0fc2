"""What a server renders for a terminal has the colours of that terminal, also after another one asked."""

import itertools
import json

import pytest

from alexandria.operations.terminal.formatting import TerminalFeatures, chip, json_line, rendered

CODES = {
    ("xterm-256color", "truecolor", True): "\x1b[38;2;255;255;255;48;2;20;80;143m✓\x1b[0m\n",
    ("xterm-256color", "", True): "\x1b[38;5;231;48;5;24m✓\x1b[0m\n",
    ("xterm", "", True): "\x1b[97;100m✓\x1b[0m\n",
    ("xterm-256color", "truecolor", False): "✓\n",
}


@pytest.mark.parametrize("order", [*itertools.permutations(CODES)])
def test_each_terminal_gets_its_own_colors_in_any_order(order):
    for kind, colors, colored in order:
        found = rendered([chip("completed")], TerminalFeatures(80, kind, colors, colored))
        assert found == CODES[kind, colors, colored]


def test_without_a_terminal_lines_have_neither_colors_nor_blanks_at_their_ends():
    assert rendered([chip("completed", "  "), "one\x1b[31m"], None) == "✓\none\\x1b[31m\n"


def test_lines_fold_at_the_width_of_the_terminal():
    lines = rendered(["one two three"], TerminalFeatures(8, "xterm")).splitlines()
    assert [line.rstrip() for line in lines] == ["one two", "three"]


def test_json_for_an_output_that_cannot_show_a_sign_is_the_same_json():
    whole = {"title": "✓ 📚 é"}
    line = json_line(whole, ascii_only=True)
    assert line.isascii()
    assert json.loads(line) == json.loads(json_line(whole)) == whole
