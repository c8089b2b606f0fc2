"""The history of the schema: one numbered SQL file a step. A step that was released never changes."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent
_QUEUE = "0001_queue"  # the only step without a file: procrastinate brings the SQL of its own tables
AFTER_STEPS = ("functions", "version")  # run after the steps of every migration


def names() -> list[str]:
    """Return the names of all steps, oldest first, like "0002_lanes"."""
    return sorted([_QUEUE, *(file.stem for file in _FOLDER.glob("[0-9]*.sql"))])


def statements(step: str) -> str:
    """Return the SQL of a step, to be executed as a whole: it may hold many statements and function bodies."""
    if step == _QUEUE:
        from procrastinate.schema import SchemaManager  # noqa: PLC0415 # all of the queue's library, for this step alone

        return SchemaManager.get_schema()
    return (_FOLDER / f"{step}.sql").read_text(encoding="utf-8")
