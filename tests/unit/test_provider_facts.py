"""Facts about providers: each source has a page for a record, whose address is safe with any id."""

import pytest

from alexandria.core.provider_facts import record_page, source_names


@pytest.mark.parametrize(
    ("source", "record_id", "page"),
    [
        ("open_library", "/books/OL7353617M", "https://openlibrary.org/books/OL7353617M"),
        ("google_books", "zyTCAlFPjgYC", "https://books.google.com/books?id=zyTCAlFPjgYC"),
        ("internet_archive", "mistborn0000sand", "https://archive.org/details/mistborn0000sand"),
        ("wikidata", "Q3107329", "https://www.wikidata.org/wiki/Q3107329"),
        ("isbndb", "9780306406157", "https://isbndb.com/book/9780306406157"),
        ("open_library", "//evil.example/x", "https://openlibrary.org/evil.example/x"),
        ("google_books", 'a"&b=<i> {id}', "https://books.google.com/books?id=a%22%26b%3D%3Ci%3E%20%7Bid%7D"),
        ("isbndb", "", ""),
        ("gemini", "x", ""),
        ("of_a_later_version", "x", ""),
    ],
)
def test_a_record_has_a_page_at_its_source(source, record_id, page):
    assert record_page(source, record_id) == page


def test_every_source_has_pages():
    assert all(record_page(name, "1") for name in source_names())
