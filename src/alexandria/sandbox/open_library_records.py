"""Makes the records of Open Library: keys for works, editions and authors, and the records behind them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from random import Random
from typing import Any
from zlib import crc32

from alexandria.catalogue.languages import LIBRARY_CODES
from alexandria.core.month import NAMES
from alexandria.sandbox.corpus import Edition
from alexandria.sandbox.distractor_forms import FORMS
from alexandria.sandbox.distractors import FIRST_NAMES, LAST_NAMES, name_by, other_work
from alexandria.sandbox.state import SandboxState

WORKS_BASE, MADE_WORKS_BASE = 90_000_000, 95_000_000  # where the numbers of works begin: of the file, and made from it
EDITIONS_BASE, MADE_EDITIONS_BASE = 60_000_000, 70_000_000


class Catalogue:
    """The same records at every endpoint, as uneven as volunteers leave them."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self._corpus, self._relatives = state.corpus, state.relatives

    def holds(self, edition: Edition) -> bool:
        return self._state.holds("open_library", self.work_key(edition))

    def work_key(self, edition: Edition) -> str:
        if other_work(edition):
            return f"/works/OL{MADE_WORKS_BASE + self._relatives.number(edition)}W"
        scheme, _, id_ = self._corpus.works[edition.work].id.partition(":")
        return f"/works/{id_}" if scheme == "ol" else f"/works/OL{WORKS_BASE + edition.work}W"

    def edition_key(self, edition: Edition) -> str:
        if edition.form:
            return f"/books/OL{MADE_EDITIONS_BASE + self._relatives.number(edition)}M"
        return f"/books/OL{EDITIONS_BASE + self._corpus.number_of[edition.isbn13]}M"

    def face_of(self, work_key: str) -> Edition | None:
        """The edition that stands for a work."""
        number = _digits(work_key)
        if number >= MADE_WORKS_BASE:
            return self._relatives.numbered(number - MADE_WORKS_BASE)
        return self._faces.get(work_key)

    def edition_of(self, key: str) -> Edition | None:
        number = _digits(key)
        if number >= MADE_EDITIONS_BASE:
            return self._relatives.numbered(number - MADE_EDITIONS_BASE)
        place = number - EDITIONS_BASE
        return self._corpus.editions[place] if 0 <= place < len(self._corpus.editions) else None

    def author_of(self, key: str) -> str | None:
        return self._authors.get(key)

    def editions(self, edition: Edition) -> tuple[Edition, ...]:
        """All editions of the work that `edition` belongs to, those made up after the real ones."""
        if other_work(edition):
            return (edition,)
        work = self._corpus.works[edition.work]
        return *work.editions, *(made for made in self._relatives.of(work) if not other_work(made))

    def doc(self, found: Edition, fields: Collection[str], rng: Random) -> dict[str, Any]:
        """A hit of the search: the work of `found`, cut down to `fields`, with its best-matching edition if asked."""
        editions = self.editions(found)
        key = self.work_key(found)
        luck = self._state.draw("open_library", "doc", key)
        face = found if other_work(found) else self._corpus.works[found.work].face
        doc = self._work_fields(key, face, editions, luck)
        nested = {field.removeprefix("editions.") for field in fields if field.startswith("editions.")}
        doc = doc if "*" in fields else {name: value for name, value in doc.items() if name in fields}
        if nested or "editions" in fields:
            record = self._nested(rng.choice(editions) if rng.random() < 0.08 else found)
            wanted = nested or set(fields)
            chosen = {name: value for name, value in record.items() if name in wanted or "*" in wanted}
            doc["editions"] = {"numFound": len(editions), "start": 0, "numFoundExact": True, "docs": [chosen]}
        return doc

    def _work_fields(self, key: str, face: Edition, editions: Sequence[Edition], rng: Random) -> dict[str, Any]:
        first = face.year if other_work(face) else self._corpus.works[face.work].first_year
        isbns = [isbn for edition in editions for isbn in (edition.isbn13, edition.isbn10) if isbn]
        isbns += ["675093686"] if rng.random() < 0.01 else []
        rng.shuffle(isbns)
        doc: dict[str, Any] = {"key": key, "type": "work", "title": _padded(face.title, rng), "isbn": isbns}
        if face.authors and rng.random() > 0.02:
            doc |= {"author_name": list(face.authors), "author_key": [_bare(author_key(n)) for n in face.authors]}
        doc |= self._known(face)
        doc |= {"subtitle": face.subtitle} if face.subtitle and rng.random() < 0.3 else {}
        doc |= {"first_publish_year": first} if first and rng.random() > 0.03 else {}
        doc |= {
            "edition_count": len(editions),
            "ebook_access": "no_ebook",
            "has_fulltext": False,
            "public_scan_b": False,
        }
        doc |= {"language": sorted({_language(e) for e in editions})} if rng.random() < 0.8 else {}
        publishers = sorted({edition.publisher for edition in editions if edition.publisher})
        doc |= {"publisher": publishers} if publishers else {}
        bindings = sorted({edition.binding for edition in editions if edition.binding})
        doc |= {"format": bindings} if bindings else {}
        return doc

    def _known(self, face: Edition) -> dict[str, Any]:
        """All titles of the work, and names of its first author: what a search for a title finds it by."""
        if other_work(face):
            return {"alternative_title": [face.title]}
        work = self._corpus.works[face.work]
        names = {"author_alternative_name": list(work.other_names)} if work.other_names else {}
        return names | {"alternative_title": list(work.titles)}

    def _nested(self, edition: Edition) -> dict[str, Any]:
        rng = self._state.draw("open_library", "edition", edition.isbn13)
        record: dict[str, Any] = {
            "key": self.edition_key(edition),
            "title": edition.title,
            "isbn": _isbns(edition, rng),
        }
        record |= {"subtitle": edition.subtitle} if edition.subtitle else {}
        record |= {"publisher": [edition.publisher]} if edition.publisher else {}
        record |= {"publish_date": [_date(edition, rng)]} if edition.published and rng.random() > 0.03 else {}
        record |= {"language": [_language(edition)]} if rng.random() < 0.8 else {}
        return record | ({"format": [edition.binding]} if rng.random() < 0.8 and edition.binding else {})

    def book(self, edition: Edition) -> dict[str, Any]:
        """The edition record behind /books/."""
        rng = self._state.draw("open_library", "edition", edition.isbn13)
        numbers = _isbns(edition, rng)
        record: dict[str, Any] = {"key": self.edition_key(edition), "type": {"key": "/type/edition"}}
        record |= {"title": edition.title, "works": [{"key": self.work_key(edition)}], "revision": rng.randint(1, 9)}
        for name, length in (("isbn_13", 13), ("isbn_10", 10)):
            record |= {name: isbns} if (isbns := [isbn for isbn in numbers if len(isbn) == length]) else {}
        record |= {"subtitle": edition.subtitle} if edition.subtitle else {}
        record |= {"publishers": [edition.publisher]} if edition.publisher else {}
        record |= {"publish_date": _date(edition, rng)} if edition.published and rng.random() > 0.03 else {}
        record |= {"authors": [{"key": author_key(name)} for name in edition.authors]} if rng.random() < 0.5 else {}
        code = _language(edition)
        record |= {"languages": [{"key": f"/languages/{code}"}]} if rng.random() < 0.8 else {}
        record |= (
            {"physical_format": rng.choice((edition.binding, edition.binding.lower()))}
            if rng.random() < 0.7 and edition.binding
            else {}
        )
        if edition.pages:
            record |= {"number_of_pages": edition.pages, "pagination": f"{edition.pages + rng.randint(0, 4)} p. ;"}
        return record

    def work(self, face: Edition) -> dict[str, Any]:
        """The work record behind /works/; its description is a text, an object with one, or absent."""
        key = self.work_key(face)
        rng = self._state.draw("open_library", "work", key)
        text = f"{face.title}\r\n\r\nby {', '.join(face.authors)}"
        text_field = rng.choice((text, {"type": "/type/text", "value": text}, None))
        authors = [{"author": {"key": author_key(n)}, "type": {"key": "/type/author_role"}} for n in face.authors]
        record = {"key": key, "type": {"key": "/type/work"}, "title": face.title, "authors": authors}
        return record | ({"description": text_field} if text_field else {})

    def api(self, edition: Edition, bibkey: str, command: str) -> dict[str, Any]:
        """One entry of /api/books: `command` is data, details or viewapi."""
        key, book = self.edition_key(edition), self.book(edition)
        entry: dict[str, Any] = {"bib_key": bibkey, "info_url": f"https://openlibrary.org{key}", "preview": "noview"}
        if command == "details":
            named = [{"key": author_key(name), "name": name} for name in edition.authors]
            return entry | {"details": book | {"authors": named}}
        if command == "data":
            identifiers = {name: book[name] for name in ("isbn_13", "isbn_10") if name in book}
            data: dict[str, Any] = {"url": entry["info_url"], "key": key, "identifiers": identifiers}
            data |= {"authors": [{"name": name, "url": author_key(name)} for name in edition.authors]}
            data |= {"publishers": [{"name": name} for name in book.get("publishers", ())]}
            kept = ("title", "subtitle", "number_of_pages", "pagination", "publish_date")
            return data | {name: book[name] for name in kept if name in book}
        return entry

    @cached_property
    def _faces(self) -> dict[str, Edition]:
        return {self.work_key(work.face): work.face for work in self._corpus.works}

    @cached_property
    def _authors(self) -> dict[str, str]:
        names = {name for edition in self._corpus.editions for name in edition.authors}
        names |= {name_by(form, name) for form in FORMS for name in names}
        names |= {f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES}
        return {author_key(name): name for name in sorted(names)}


def author_key(name: str) -> str:
    return f"/authors/OL{crc32(name.encode())}A"


def _bare(key: str) -> str:
    return key.rpartition("/")[2]


def _digits(key: str) -> int:
    digits = "".join(letter for letter in _bare(key) if letter.isdecimal())
    return int(digits) if digits else 0


def _language(edition: Edition) -> str:
    """The code of libraries; a book whose language nobody states is called English."""
    return LIBRARY_CODES.get(edition.language, edition.language or "eng")


def _padded(title: str, rng: Random) -> str:
    return f"{title} **" if rng.random() < 0.01 else title + " " * (rng.random() < 0.02)


def _isbns(edition: Edition, rng: Random) -> list[str]:
    """Both lengths, in either order, or one of them alone."""
    ten, thirteen = [edition.isbn10] if edition.isbn10 else [], [edition.isbn13]
    kind = rng.random()
    if kind < 0.05 and ten:
        return ten
    return thirteen if kind < 0.15 else (ten + thirteen if kind < 0.6 else thirteen + ten)


def _date(edition: Edition, rng: Random) -> str:
    """The date as people type it, at most as precise as the file knows it."""
    year, _, rest = edition.published.partition("-")
    month, _, day = rest.partition("-")
    kind = rng.random()
    if not month or kind < 0.12:
        return year
    if not day or kind < 0.25:
        return f"{NAMES[int(month) - 1]} {year}"
    return edition.published if kind < 0.4 else f"{NAMES[int(month) - 1]} {int(day)}, {year}"
