"""Records of sources as tests of matching write them."""

from datetime import UTC, datetime

from alexandria.catalogue.models import EditionRecord, Isbn13, PartialDate, SourceRecord

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def record(title, *authors, subtitle="", source="shelf", isbn=None, published=None, **facts):
    date = PartialDate(*(int(part) for part in published.split("-"))) if published else None
    isbn13 = Isbn13.parse(isbn) if isbn else None
    found = SourceRecord(source, title, NOON)
    return EditionRecord(found, title, subtitle, authors, isbn13=isbn13, published=date, **facts)
