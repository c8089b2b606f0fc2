"""The `alexandria` command."""

from __future__ import annotations

import gc
import io
import os
import sys

from alexandria.core.encodings import is_utf8

# New objects between two runs of the garbage collector, which Python has set to 700: a command that ends at once needs none.
COLLECTION_INTERVAL = 1_000_000
OVERVIEW = os.path.join(os.path.dirname(__file__), "overview.txt")  # noqa: PTH118, PTH120 # pathlib is slow to import
OVERVIEW_WIDTH = 80  # columns
STATUS = "status"  # the command that people run most
ASKS_FOR_OVERVIEW: tuple[list[str], ...] = ([], ["--help"], ["-h"])
# With these set, help looks other than usual, or the shell asks for something else.
LOOKS_OTHERWISE = {
    *("_ALEXANDRIA_COMPLETE", "_TYPER_FORCE_DISABLE_TERMINAL", "TERMINAL_WIDTH", "COLUMNS"),
    *("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "TTY_COMPATIBLE"),
}


def main() -> int:
    """Run one command; returns its exit code."""
    if sys.argv[1:] in ASKS_FOR_OVERVIEW and _print_overview():
        return 0
    if STATUS in sys.argv[1:] and not LOOKS_OTHERWISE & os.environ.keys() and _print_status():
        return 0
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error does with signs that its encoding lacks
    # The modules, classes and validators that a start creates are no garbage: to search them takes an eighth of it.
    gc.set_threshold(COLLECTION_INTERVAL)
    from alexandria.cli.main import main as run  # noqa: PLC0415 # it imports most of what a start creates

    return run()


def _print_status() -> bool:
    """Print the state that the running server renders; returns False where the command has to find out."""
    from alexandria.cli.quick_status import print_status  # noqa: PLC0415 # of use to this command alone

    return print_status(sys.argv[1:])


def _print_overview() -> bool:
    """Print the list of commands as it was generated, without importing them; returns False where it would not fit."""
    out = sys.stdout
    if out is None or not is_utf8(out) or LOOKS_OTHERWISE & os.environ.keys():
        return False
    colored = out.isatty()
    if colored and os.get_terminal_size(out.fileno()).columns < OVERVIEW_WIDTH:
        return False
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") in {"dumb", "unknown"}:
        colored = False
    try:
        with open(OVERVIEW, encoding="utf-8") as page:  # noqa: PTH123 # as above
            text = page.read()
        out.write(text if colored else without_colors(text))
        out.flush()
    except OSError:
        return False
    return True


def without_colors(text: str) -> str:
    """Return the text without the codes that colour it, each from an escape character to the letter m."""
    first, *parts = text.split("\x1b[")
    return first + "".join(part.partition("m")[2] for part in parts)


if __name__ == "__main__":
    raise SystemExit(main())
