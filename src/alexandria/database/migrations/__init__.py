"""The history of the schema: one numbered SQL file a step. A step that was released never changes."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent
AFTER_STEPS = ("functions", "version")  # run after the steps of every migration


def names() -> list[str]:
    """Return the names of all steps, oldest first, like "0002_lanes"."""
    return sorted(file.stem for file in _FOLDER.glob("[0-9]*.sql"))


def statements(step: str) -> str:
    """Return the SQL of a step, to be executed as a whole: it may hold many statements and function bodies."""
    return (_FOLDER / f"{step}.sql").read_text(encoding="utf-8")
