"""Runs the demo in a pseudo-terminal and draws its last screenful as docs/demo.svg.

Run: .venv/bin/python docs/make_demo_picture.py
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

COMMAND = ("alexandria", "demo", "--year", "2023", "--months", "12", "--exit")
ROWS, COLUMNS = 40, 104
PICTURE = Path(__file__).with_name("demo.svg")
_MOVE = re.compile(
    r"(\x1b\[2K|\x1b\[1A|\x1b\[\?25[lh]|\r|\n)"
)  # all cursor movements that a live display of rich makes


def main() -> int:
    code, printed = run()
    if code == 0:
        PICTURE.write_text(to_svg(screen(printed)), encoding="utf-8")
    sys.stderr.write(printed if code else f"{PICTURE.name}: {PICTURE.stat().st_size} bytes\n")
    return code


def run() -> tuple[int, str]:
    """Run the demo. Returns its exit code and its output to the terminal."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    variables = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    command = [str(Path(sys.executable).with_name(COMMAND[0])), *COMMAND[1:]]
    process = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=variables)
    os.close(its)
    written = bytearray()
    while part := _read(ours):
        written += part
    os.close(ours)
    return process.wait(), written.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # on Linux this means that the other end is closed
        return b""


def screen(printed: str) -> str:
    """The last ROWS lines of the screen, with their colours."""
    lines, row = [""], 0
    for part in _MOVE.split(printed):
        match part:
            case "\x1b[2K":
                lines[row] = ""
            case "\x1b[1A":
                row = max(row - 1, 0)
            case "\n":
                row += 1
                lines += [""] * (row == len(lines))
            case "\r" | "\x1b[?25l" | "\x1b[?25h":
                continue
            case _:
                lines[row] += part
    return "\n".join("\n".join(lines).rstrip().splitlines()[-ROWS:])


def to_svg(text: str) -> str:
    """Draw an SVG that loads no fonts from elsewhere."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(text, no_wrap=True), highlight=False)
    picture = console.export_svg(title=" ".join(COMMAND), theme=MONOKAI, unique_id="demo")
    return re.sub(r"\s*@font-face \{.*?\}\n", "\n", picture, flags=re.DOTALL).replace("Fira Code", "ui-monospace")


if __name__ == "__main__":
    raise SystemExit(main())
