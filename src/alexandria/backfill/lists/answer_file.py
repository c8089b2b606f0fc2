"""Keeps the answers to a list in a file that is whole after each of them, and continues one that holds some already."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from alexandria.backfill.lists.answer_forms import AnswerForm, OwnLines
from alexandria.backfill.lists.files import Row
from alexandria.backfill.lists.questions import REFUSED, Answer, Line
from alexandria.core.errors import BadInput


@dataclass(frozen=True, slots=True)
class HeldAnswer:
    """An entry of a file. `again`: it refuses a line that has changed since, so that the line is asked once more."""

    entry: bytes
    again: bool = False


class AnswerFile:
    """The answers to `lines` in `file`; `held` are those that it held before, `path` its name if it is no stream.

    Lines that were refused and have changed are the first that are left. The file is replaced once all of them are
    answered, and grows by one answer after that.
    """

    def __init__(
        self,
        file: IO[bytes],
        path: Path | None,
        form: AnswerForm,
        lines: Sequence[Line | Row],
        held: Sequence[HeldAnswer],
    ) -> None:
        self._file, self._path, self._form = file, path, form
        self._entries = [answer.entry for answer in held]
        self._again = [at for at, answer in enumerate(held) if answer.again]
        self.left = [*(lines[at] for at in self._again), *lines[len(held) :]]
        self.before = len(held) - len(self._again)
        self._added = 0

    def add(self, answer: Answer) -> None:
        """Write the answer to the next line that is left, at once and whole: it is not asked again after a crash."""
        entry = self._form.entry(self.left[self._added], answer)
        self._added += 1
        if self._added > len(self._again):
            first = not self._entries and self._added == 1
            self._write((self._form.head if first else self._form.between) + entry)
            return
        self._entries[self._again[self._added - 1]] = entry
        if self._added == len(self._again) and self._path is not None:
            replace_content(self._path, self._form.head + self._form.between.join(self._entries))
            self._file.close()
            self._file = self._path.open("ab")

    def end(self) -> None:
        """Write what stands behind the last answer."""
        empty = not self._entries and not self.left
        self._write((self._form.head if empty else b"") + self._form.tail)

    def close(self) -> None:
        if self._path is not None:
            self._file.close()

    def _write(self, content: bytes) -> None:
        self._file.write(content)
        self._file.flush()


@contextmanager
def answer_file(
    path: Path | None, stream: IO[bytes], form: AnswerForm, lines: Sequence[Line | Row]
) -> Iterator[AnswerFile]:
    """The file at `path`, continued if it answers some of `lines` already; without a path, `stream`.

    Raises BadInput if it holds anything else, or cannot be written.
    """
    held = held_answers(path, form, lines) if path is not None else []
    try:
        file = path.open("ab") if path is not None else stream
    except OSError as refused:
        hint = "--output names a file in a folder that can be written, or - for standard output"
        raise BadInput(f"{path} cannot be written: {refused.strerror}", hint=hint) from None
    answers = AnswerFile(file, path, form, lines, held)
    try:
        yield answers
    finally:
        answers.close()


def held_answers(path: Path, form: AnswerForm, lines: Sequence[Line | Row]) -> list[HeldAnswer]:
    """What the file at `path` answers of `lines`, from the first on. A partly written last entry is cut off.

    Raises BadInput if it holds anything but the answers to the first of these lines.
    """
    if not path.is_file():
        return []
    content = path.read_bytes()
    hint = "name another file, or remove this one"
    begun = content.startswith(form.head)
    if not begun and not form.head.startswith(content):
        raise BadInput(f"{path} does not begin as the answers to this list do", hint=hint)
    found = list(form.entries(content[len(form.head) :])) if begun else []
    if len(found) > len(lines):
        raise BadInput(f"{path} holds {len(found)} answers, the input {len(lines)} lines", hint=hint)
    held = []
    for number, (entry, line) in enumerate(zip(found, lines, strict=False), 1):
        verdict = form.verdict(entry, line)
        if verdict is None:
            raise BadInput(f"{path}, line {number}: not the answer to line {line.number} of the input", hint=hint)
        asked = line.read()
        unchanged = isinstance(asked, Answer) and form.entry(line, asked) == entry
        held.append(HeldAnswer(entry, verdict == REFUSED and not unchanged))
    if content and not found and not form.head and not content.startswith(b"{"):
        raise BadInput(f"{path} does not begin as the answers to this list do", hint=hint)
    whole = len(form.head + form.between.join(found)) if found else 0
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
    return held


def continued(path: Path, lines: Sequence[Line | Row]) -> int:
    """Return how many of these lines of JSON the file at `path` already answers."""
    return len(held_answers(path, OwnLines(), lines))


def replace_content(path: Path, content: bytes) -> None:
    """Replace the content of the file, or leave it as it is if that fails. A link stays, and its target is written."""
    path = path.resolve()
    with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent, delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    shutil.copymode(path, file.name)
    Path(file.name).replace(path)
