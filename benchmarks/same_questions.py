"""Lines of a list that must be answered alike in every run: of the sample, with one book in it many times."""

from __future__ import annotations

import csv
import json
from typing import Any

from alexandria.sandbox.settings import SAMPLE

EQUAL_LINES = 24


def questions(number: int) -> list[bytes]:
    """`number` lines about books: with their year, without it, misspelt, by an author that nobody is called, and equal ones."""
    with SAMPLE.open(encoding="utf-8", newline="") as rows:
        books = list(csv.DictReader(rows))
    few = books[:: max(len(books) // number, 1)][: number - EQUAL_LINES]
    lines = [json.dumps(_line(at, book)).encode() for at, book in enumerate(few)]
    for at in range(EQUAL_LINES):
        equal = {"id": f"equal {at}", "title": "The Da Vinci Code", "author": "Dan Brown"}
        lines.insert(at * len(lines) // EQUAL_LINES, json.dumps(equal).encode())
    return lines


def _line(at: int, book: dict[str, str]) -> dict[str, Any]:
    title, author = book["title"], book["authors"].split("|")[0]
    line: dict[str, Any] = {"id": at, "title": title, "author": author}
    if at % 3:
        line["year"] = int(book["published"][:4])
    if at % 10 == 1:
        line["title"] = f"{title[:2]}{title[3:]}"
    if at % 10 == 2:
        line["author"] = f"Nemo {author[::-1].title()}"
    return line
