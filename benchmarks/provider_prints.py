"""Records as the sources print them: made from plain facts by the sandbox, and read by the product's own readers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from alexandria.catalogue.models import EditionRecord
from alexandria.providers import google_books, internet_archive, isbndb, open_library
from alexandria.sandbox.clock import Clock
from alexandria.sandbox.corpus import Edition
from alexandria.sandbox.google_books_volumes import volume
from alexandria.sandbox.internet_archive_items import Shelf
from alexandria.sandbox.isbndb import ISBNdbSandbox
from alexandria.sandbox.open_library_records import Catalogue
from alexandria.sandbox.settings import SandboxSettings
from alexandria.sandbox.state import SandboxState

FETCHED = datetime(2026, 1, 1, tzinfo=UTC)
PLACEHOLDER_ISBN = "9780000000002"  # of a record without one: readers refuse such
PRINTERS = ("google_books", "isbndb", "internet_archive", "open_library")


class Printers:
    """The sources of one sandbox."""

    def __init__(self, seed: int) -> None:
        self._state = SandboxState.of(replace(SandboxSettings(), seed=seed), Clock())
        self._isbndb, self._items, self._catalogue = (
            ISBNdbSandbox(self._state),
            Shelf(self._state),
            Catalogue(self._state),
        )

    def print(self, provider: str, hit: EditionRecord) -> EditionRecord:
        """The record as `provider` has it; as it was, if the provider's record of it would be refused."""
        read = self._read(provider, _edition_of(hit))
        if not isinstance(read, EditionRecord):
            return hit
        read = replace(read, isbn13=hit.isbn13, work_key="", related=())
        # Of these four only Open Library knows series and works.
        known = provider == open_library.OpenLibrary.name
        return replace(read, series=hit.series, first_published=hit.first_published) if known else read

    def _read(self, provider: str, edition: Edition) -> Any:
        if provider == "google_books":
            return google_books._read(volume(self._state, edition), FETCHED)  # noqa: SLF001 # a record without its request
        if provider == "isbndb":
            return isbndb._read(self._isbndb._record(edition), FETCHED)  # noqa: SLF001 # a record without its request
        if provider == "internet_archive":
            return internet_archive._read(self._items.doc(edition), FETCHED)  # noqa: SLF001 # a record without its request
        return open_library._of_details(self._catalogue.api(edition, "", "details")["details"], {}, FETCHED)  # noqa: SLF001 # a record without its request


def _edition_of(hit: EditionRecord) -> Edition:
    return Edition(
        isbn13=str(hit.isbn13 or PLACEHOLDER_ISBN),
        title=hit.title,
        subtitle=hit.subtitle,
        authors=tuple(name for name in hit.authors if name.strip()),
        publisher=hit.publisher,
        published=str(hit.published or ""),
        language=hit.language,
        binding=hit.binding or "Paperback",
        pages=hit.pages,
        series=hit.series,
        notability=0,
        work=0,
        form="reprint",  # an edition that is in no file
    )
