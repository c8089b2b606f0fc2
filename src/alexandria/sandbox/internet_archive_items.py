"""Makes the items of the Internet Archive: one per scan, with fields that are a text or a list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from typing import Any

from alexandria.catalogue.languages import ENGLISH_NAMES, LIBRARY_CODES
from alexandria.catalogue.models import Isbn13
from alexandria.sandbox.corpus import Edition, words
from alexandria.sandbox.distractors import is_recording
from alexandria.sandbox.state import SandboxState

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
PLACES = ("New York", "London", "Toronto ; New York", "Garden City, N.Y.", "Boston, Mass.")
OTHER_MEDIA = ("audio", "data", "etree", "collection", "movies")

Doc = dict[str, Any]


class Shelf:
    """The items, the same at every endpoint."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def holds(self, edition: Edition) -> bool:
        return not is_recording(edition) and self._state.holds("internet_archive", edition.isbn13)

    def tells_isbn(self, edition: Edition) -> bool:
        """Return whether the item can be found by its ISBN: the search lacks some of the item's own record."""
        return bool(self._isbns(edition)) and self._chance(edition, "index").random() > 0.05

    def edition(self, identifier: str) -> Edition | None:
        """The edition that an item is a scan of."""
        isbn = _isbn_of(identifier)
        edition = self._state.edition(isbn) if isbn else None
        return edition if edition and self.holds(edition) and self._identifier(edition) == identifier else None

    def doc(self, edition: Edition) -> Doc:
        """A hit of the search, with every field that can be asked for."""
        rng = self._chance(edition)
        doc: Doc = {"identifier": self._identifier(edition), "title": _title(edition, rng), "mediatype": "texts"}
        doc |= _loose("creator", _creators(edition, rng), rng) | _loose("isbn", self._isbns(edition), rng)
        doc |= _loose("external-identifier", self._urns(edition), rng)
        if not self.tells_isbn(edition):
            doc = {name: value for name, value in doc.items() if name not in ("isbn", "external-identifier")}
        if edition.publisher:
            place = f"{rng.choice(PLACES)} : " if rng.random() < 0.5 else ""
            doc |= _loose("publisher", [f"{place}{edition.publisher}"], rng)
        if edition.published:
            doc |= _dated(edition, rng)
        code = edition.language or "en"
        names = (LIBRARY_CODES[code], ENGLISH_NAMES[code]) if code in LIBRARY_CODES else (code,)
        doc |= _loose("language", [rng.choice(names)] if rng.random() < 0.85 else [], rng)
        doc |= _loose("collection", ["internetarchivebooks", "printdisabled", "inlibrary"][: rng.randint(1, 3)], rng)
        return doc | _loose("format", ["Text PDF", "DjVuTXT", "EPUB"][: rng.randint(1, 3)], rng)

    def metadata(self, edition: Edition) -> Doc:
        """The record behind /metadata/: every number a text, one value bare and several in a list."""
        doc, rng = self.doc(edition), self._chance(edition, "metadata")
        record = {name: value for name, value in doc.items() if name not in ("date", "year", "format")}
        for name, values in (("isbn", self._isbns(edition)), ("external-identifier", self._urns(edition))):
            record |= {name: values if len(values) > 1 else values[0]} if values else {}
        record |= {"date": edition.published} if edition.published else {}
        record |= {"imagecount": str((edition.pages or 200) + rng.randint(4, 20)), "ppi": "300", "scanner": "ttscribe"}
        record |= {"publicdate": f"20{rng.randint(10, 24)}-0{rng.randint(1, 9)}-1{rng.randint(0, 9)} 08:30:00"}
        files = [{"name": f"{record['identifier']}.pdf", "size": str(rng.randint(10**6, 10**8))}]
        place = {"server": "ia800000.us.archive.org", "dir": f"/0/items/{record['identifier']}"}
        return place | {"created": 1_767_225_600, "files": files, "files_count": len(files), "metadata": record}

    def with_other_media(self, docs: Sequence[Doc], rng: Random) -> list[Doc]:
        """`docs` among recordings, films and data of the same name, which a query for books finds too."""
        mixed = list(docs)
        for doc in docs[: rng.randint(1, 3)]:
            kind = rng.choice(OTHER_MEDIA)
            other = {"identifier": f"{kind}-{doc['identifier']}", "title": doc["title"], "mediatype": kind}
            mixed.insert(rng.randint(0, len(mixed)), other | {"creator": doc.get("creator", "LibriVox")})
        return mixed

    def _chance(self, edition: Edition, purpose: str = "record") -> Random:
        return self._state.draw("internet_archive", purpose, edition.isbn13)

    def _identifier(self, edition: Edition) -> str:
        """By its ISBN, or from title and author with a tail that no other item has."""
        if self._chance(edition, "identifier").random() < 0.3:
            return f"isbn_{edition.isbn13}"
        title = "".join(words(edition.title))[:16]
        author = "".join(words(edition.authors[0].split()[-1]))[:4] if edition.authors else "unse"
        return f"{title}0000{author}_{_tail(edition.isbn13)}"

    def _isbns(self, edition: Edition) -> list[str]:
        """Those printed in the scanned copy, which may name another edition of the work too; or none."""
        rng = self._chance(edition, "isbns")
        kind, ten = rng.random(), edition.isbn10
        if kind < 0.06:
            return []
        isbns = [ten] if ten and kind < 0.25 else [edition.isbn13, ten] if ten else [edition.isbn13]
        if kind > 0.85:
            isbns = [Isbn13.parse(edition.isbn13).hyphenated, *isbns[1:]]
        siblings = [other.isbn13 for other in self._state.corpus.works[edition.work].editions if other != edition]
        if siblings and not edition.form and rng.random() < 0.15:
            isbns.append(rng.choice(siblings))
        return isbns if rng.random() < 0.5 else isbns[::-1]

    def _urns(self, edition: Edition) -> list[str]:
        rng = self._chance(edition, "urns")
        urns = [f"urn:isbn:{isbn}" for isbn in self._isbns(edition)]
        return urns + [f"urn:oclc:{rng.randrange(10**9)}"] * (rng.random() < 0.6)


def _loose(name: str, values: list[str], rng: Random) -> Doc:
    """Under `name`: nothing, one value as a text or a list, or a list."""
    if not values:
        return {}
    return {name: values[0] if len(values) == 1 and rng.random() < 0.6 else values}


def _title(edition: Edition, rng: Random) -> str:
    title, kind = edition.title, rng.random()
    if kind < 0.4:
        title = title.capitalize()
    title = f"{title} : {edition.subtitle.lower()}" if edition.subtitle and kind < 0.2 else title
    return f"{title} / {' and '.join(edition.authors)}" if edition.authors and 0.4 < kind < 0.43 else title


def _creators(edition: Edition, rng: Random) -> list[str]:
    """As library records have them, mostly; sometimes several in one text."""
    kind, born = rng.random(), rng.randint(1900, 1985)
    names = [_inverted(name) if kind < 0.7 else name for name in edition.authors]
    if names and kind < 0.4:
        names[0] += f", {born}-" if kind < 0.35 else f", {born}-{born + 30}"
    return ["; ".join(names)] if len(names) > 1 and kind < 0.15 else names


def _inverted(name: str) -> str:
    given, _, family = name.rpartition(" ")
    return f"{family}, {given}" if given else name


def _dated(edition: Edition, rng: Random) -> Doc:
    """A full date whatever is known: most often 1 January of the year."""
    year, *rest = edition.published.split("-")
    month, day = [*rest, "01", "01"][:2] if rng.random() < 0.4 else ("01", "01")
    return {"date": f"{year}-{month}-{day}T00:00:00Z", "year": int(year)}


def _tail(isbn13: str) -> str:
    number, digits = int(isbn13[2:12]), ""  # the digits that differ between ISBNs
    while number:
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits


def _isbn_of(identifier: str) -> Isbn13 | None:
    """The ISBN hidden in an identifier."""
    head, _, tail = identifier.rpartition("_")
    if head == "isbn":
        return Isbn13.read(tail)
    if not head or not re.fullmatch(r"[0-9a-z]{1,7}", tail):
        return None
    body = f"97{int(tail, 36):010d}"
    check = -sum(int(digit) * (1, 3)[at % 2] for at, digit in enumerate(body)) % 10
    return Isbn13.read(f"{body}{check}")
