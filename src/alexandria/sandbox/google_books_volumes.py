"""Makes the volumes of Google Books: one per edition, with gaps, and identifiers of several kinds."""

from __future__ import annotations

from random import Random
from typing import Any

from alexandria.catalogue.models import Isbn13
from alexandria.sandbox.corpus import Edition
from alexandria.sandbox.state import SandboxState

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TAIL = "QBAJ"  # on which the ids of volumes end
OTHERS = ("OCLC", "UOM", "IND", "BL", "BSB")  # whose numbers are no ISBNs
LANGUAGES = {"mul": "un", "ale": "un", "pt": "pt-BR", "zh": "zh-CN", "he": "iw"}


def volume(state: SandboxState, edition: Edition, *, whole: bool = False) -> dict[str, Any]:
    """A hit of the search; `whole`: the volume asked for by its id, which differs in details."""
    rng = state.draw("google_books", "record", edition.isbn13)
    info = {"title": _title(edition, rng)} | _authors(edition, rng) | _published(edition, rng)
    info |= {"subtitle": edition.subtitle} if edition.subtitle and rng.random() < 0.7 else {}
    info |= {"publisher": edition.publisher} if edition.publisher and rng.random() < 0.88 else {}
    if edition.pages and rng.random() < 0.85:
        info["pageCount"] = edition.pages - (rng.randint(0, 20) if whole else 0)
    identifiers = _identifiers(state, edition)
    info |= {"industryIdentifiers": identifiers[::-1] if whole else identifiers} if identifiers else {}
    info |= {"printType": "BOOK", "language": LANGUAGES.get(edition.language, edition.language or "en")}
    if rng.random() < 0.8:
        info["categories"] = ["Fiction / General", "Fiction / Literary"] if whole else ["Fiction"]
    if rng.random() < 0.7:
        text = f"{edition.title}, by {' and '.join(edition.authors)}"
        info["description"] = f"<p><b>{text}</b><br></p>" if whole else text
    id_ = _id(edition.isbn13)
    there = f"https://books.google.com/books?id={id_}"
    info |= {"infoLink": there, "imageLinks": {"thumbnail": f"{there}&printsec=frontcover"}}
    return {"kind": "books#volume", "id": id_, "etag": f"{rng.getrandbits(48):x}", "volumeInfo": info}


def tells_isbn(state: SandboxState, edition: Edition) -> bool:
    """Return whether the volume can be found by its ISBN."""
    return any(identifier["type"].startswith("ISBN") for identifier in _identifiers(state, edition))


def isbn_of(volume_id: str) -> Isbn13 | None:
    """The ISBN behind an id; None if no volume has that id."""
    number = 0
    for letter in volume_id.removesuffix(TAIL):
        if letter not in DIGITS:
            return None
        number = number * len(DIGITS) + DIGITS.index(letter)
    return Isbn13.read(number) if volume_id.endswith(TAIL) else None


def _id(isbn13: str) -> str:
    number, digits = int(isbn13), ""
    while number:
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits + TAIL


def _title(edition: Edition, rng: Random) -> str:
    kind = rng.random()
    if kind < 0.03 and edition.series:
        return f"{edition.title} ({edition.series})"
    if kind < 0.06 and edition.subtitle:
        return f"{edition.title}: {edition.subtitle}"
    return f"{edition.title}\xa0{edition.publisher}" if kind > 0.995 else edition.title


def _authors(edition: Edition, rng: Random) -> dict[str, Any]:
    """Names as people write them; rarely none, inverted behind a blank, in capitals, or with an ISBN among them."""
    names, kind = list(edition.authors), rng.random()
    if not names or kind < 0.03:
        return {}
    given, _, family = names[0].rpartition(" ")
    if given and kind < 0.05:
        names[0] = f" {family}, {given}"
    elif given and kind < 0.06:
        names[0] = f"{given} {family.upper()}"
    return {"authors": [*names, f"ISBN:{edition.isbn13}"] if kind > 0.995 else names}


def _published(edition: Edition, rng: Random) -> dict[str, Any]:
    """The date, at most as precise as the file knows it; sometimes the year of a later printing."""
    full, kind = edition.published, rng.random()
    if not full or kind < 0.04:
        return {}
    if kind < 0.09:
        return {"publishedDate": str(int(full[:4]) + rng.randint(1, 6))}
    return {"publishedDate": full[:4] if kind < 0.2 else full[:7] if kind < 0.28 else full}


def _identifiers(state: SandboxState, edition: Edition) -> list[dict[str, str]]:
    """Both ISBNs in either order, or one; numbers of other kinds beside or instead of them; or nothing."""
    rng = state.draw("google_books", "identifiers", edition.isbn13)
    thirteen = {"type": "ISBN_13", "identifier": edition.isbn13}
    ten = [{"type": "ISBN_10", "identifier": edition.isbn10}] if edition.isbn10 else []
    other = {"type": "OTHER", "identifier": f"{rng.choice(OTHERS)}:{rng.randrange(10**8, 10**9)}"}
    kind = rng.random()
    if kind < 0.07:
        return [other] if kind < 0.04 else []
    if kind < 0.1 and ten:
        return [*ten, other]
    if kind < 0.17:
        return [thirteen]
    return [*ten, thirteen] if kind < 0.58 else [thirteen, *ten]
