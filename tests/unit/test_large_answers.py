"""Of an answer with far more records than were asked for only some are read, so that the event loop goes on."""

import json

import httpx2
import pytest

from alexandria.catalogue.models import Candidate
from alexandria.core.month import Month
from alexandria.providers import fields
from alexandria.providers.google_books import GoogleBooks
from alexandria.providers.internet_archive import InternetArchive
from alexandria.providers.isbndb import ISBNdb
from alexandria.providers.open_library import OpenLibrary
from alexandria.providers.wikidata import Wikidata

MANY = 20 * fields.MAX_RECORDS
SOUGHT = Candidate("Dune", "Frank Herbert", 1965)
ITEM = "http://www.wikidata.org/entity/Q"


def row(number):
    values = {"work": f"{ITEM}{number}", "item": f"{ITEM}{number}", "itemLabel": f"T{number}", "isbn": "9780385504201"}
    values |= {"workLabel": f"T{number}", "authorLabel": "A B", "sitelinks": "9"}
    return {name: {"type": "literal", "value": value} for name, value in values.items()}


ANSWERS = {
    "isbndb": (ISBNdb, lambda: {"data": [{"title": f"T{n}", "isbn13": f"978{n:010}"} for n in range(MANY)]}),
    "open_library": (OpenLibrary, lambda: {"docs": [{"key": f"/works/OL{n}W", "title": f"T{n}"} for n in range(MANY)]}),
    "google_books": (
        GoogleBooks,
        lambda: {"items": [{"id": f"{n}", "volumeInfo": {"title": f"T{n}"}} for n in range(MANY)]},
    ),
    "internet_archive": (
        InternetArchive,
        lambda: {"response": {"docs": [{"identifier": f"{n}", "title": f"T{n}"} for n in range(MANY)]}},
    ),
    "wikidata": (Wikidata, lambda: {"results": {"bindings": [row(n) for n in range(MANY)]}}),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_no_more_records_are_read_than_an_answer_can_have(reach, name):
    source, body = ANSWERS[name]
    client = reach(name, httpx2.Response(200, text=json.dumps(body())))
    assert len(await source(client).find(SOUGHT)) <= fields.MAX_RECORDS
    if name == "wikidata":
        named = await source(client).suggest(Month(2003, 3), "baseline", 20)
        assert len(named.candidates) == 20


def test_no_more_values_of_a_field_are_read_than_a_record_can_have():
    many = [f"Name {number}" for number in range(MANY)]
    assert len(fields.texts(many)) == fields.MAX_VALUES
    assert len(fields.names(many)) <= fields.MAX_VALUES
