"""The `alexandria` command."""

from __future__ import annotations

import gc

COLLECTION_INTERVAL = 100_000  # new objects between two runs of the garbage collector; Python's own is 700


def main() -> int:
    """Run one command; returns its exit code."""
    # The modules, classes and validators that a start creates are no garbage: to search them takes an eighth of it.
    gc.set_threshold(COLLECTION_INTERVAL)
    from alexandria.cli import main as run  # noqa: PLC0415 # it imports most of what a start creates

    return run()


if __name__ == "__main__":
    raise SystemExit(main())
