"""Loads a bibliography that holds a campaign's books, and reads how many of them it settled."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from campaign_books import World

COLUMNS = ("isbn13", "title", "authors", "publisher", "published", "language", "binding", "work")
USE = "SELECT coalesce(sum(asked), 0)::int, coalesce(sum(settled), 0)::int FROM bibliography_use"


def load(world: World, percent: int, ours: dict[str, str], folder: Path) -> None:
    """Load both editions, with their dates, of `percent` of the real books: as a person does, with the environment `ours`."""
    file = folder / "bibliography.csv"
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        for book in world.books:
            if book.invented or world.luck("bibliography", book.number) * 100 >= percent:
                continue
            for each in book.printings:
                writer.writerow(
                    {
                        "isbn13": each.isbn13,
                        "title": book.title,
                        "authors": "|".join(book.authors),
                        "publisher": each.publisher,
                        "published": each.published,
                        "language": book.language,
                        "binding": each.binding,
                        "work": f"OL{book.number + 1}W",
                    }
                )
    command = [sys.executable, "-m", "alexandria", "--quiet", "bibliography", "load", str(file)]
    done = subprocess.run(command, env=ours, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)


def used(connection: psycopg.Connection[TupleRow], percent: int) -> dict[str, Any]:
    """The share of the books it holds, how many were looked up in it, and the share of these that needed no request."""
    [(asked, settled)] = connection.execute(USE).fetchall()
    share = round(100 * settled / asked, 1) if asked else None
    return {"bibliography": percent, "looked_up": asked, "settled_by_bibliography": share}
