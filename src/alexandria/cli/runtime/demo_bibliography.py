"""Loads the demo's bibliography: the books of the sandbox, or a share of them."""

from __future__ import annotations

import csv
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

from alexandria.bibliography.lookup import NAME
from alexandria.catalogue.models import Isbn13

ALL_DOWN = "*:down"  # the fault rule of a sandbox whose providers do not answer


def load_sample(url: str, folder: Path, percent: int) -> int:
    """Load `percent` of the sandbox's books, always the same ones; returns how many editions. `folder` is for a file."""
    from alexandria.bibliography import loader  # most demos load none
    from alexandria.bibliography.rows import Limits

    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".csv", encoding="utf-8", newline="") as file:
        books = list(_sample(percent))
        writer = csv.DictWriter(file, books[0].keys())
        writer.writeheader()
        writer.writerows(books)
        file.flush()
        loaded = loader.load_files(url, [Path(file.name)], Limits(), force=True, folder=folder, report=lambda _: None)
    return loaded.editions


def offline() -> dict[str, str]:
    """The settings of a system whose books are named by the bibliography too."""
    return {"ALEXANDRIA_GENERATORS": NAME}


def _sample(percent: int) -> Iterator[Mapping[str, str]]:
    text = resources.files("alexandria.sandbox").joinpath("sample_books.csv").read_text(encoding="utf-8")
    for book in csv.DictReader(text.splitlines()):
        if Isbn13.read(book["isbn13"]) and zlib.crc32(book["isbn13"].encode()) % 100 < percent:
            yield book
