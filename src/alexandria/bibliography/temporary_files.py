"""Makes the files of a load that have no name, so that they vanish with its process, and says why one cannot be written."""

from __future__ import annotations

import os
import tempfile
from array import array
from pathlib import Path
from typing import IO

from alexandria.core.errors import NotNow


def temporary_file(folder: Path | None) -> IO[bytes]:
    """A file without a buffer in `folder`, or in the system's folder for such files. Raises OSError."""
    return tempfile.TemporaryFile(dir=folder, buffering=0)


def write_whole(file: IO[bytes], data: bytearray | array[int]) -> None:
    """Write all of `data`, of which a disk that is nearly full takes a part at first. Raises OSError."""
    left = memoryview(data).cast("B")
    while left:
        left = left[file.write(left) :]


def unwritable(what: str, code: int, folder: Path | None) -> NotNow:
    """The error for a file that could not be made or written; `code` is the number of the system's error."""
    return NotNow(
        f"{what} could not be made: {os.strerror(code)}",
        hint=f"temporary files are in {folder or 'the system folder for them'}; nothing was changed",
    )
