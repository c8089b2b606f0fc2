"""What the Archive's items look like in the wild, and which ISBN is a scan's own."""

import httpx2
import pytest

from alexandria.catalogue.models import Candidate, PartialDate
from alexandria.core import errors
from alexandria.providers.client import MAX_TRIES
from alexandria.providers.internet_archive import MAX_ITEM_LOOKUPS, InternetArchive

CODE = Candidate("The Da Vinci Code", "Dan Brown", 2003, 3)
ITEM = {
    "identifier": "davincicode00brow",
    "mediatype": "texts",
    "title": "The Da Vinci code : a novel / Dan Brown",
    "creator": "Brown, Dan, 1964-",
    "date": "2003-01-01T00:00:00Z",
    "publisher": "New York : Doubleday",
    "isbn": ["0385504209", "978-0-385-50420-1"],
    "language": ["eng"],
    "year": 2003,
}


def found(*docs):
    return httpx2.Response(
        200, json={"responseHeader": {"status": 0}, "response": {"numFound": len(docs), "docs": docs}}
    )


async def find(reach, *docs):
    client = reach("internet_archive", found(*docs))
    return await InternetArchive(client).find(CODE), client


async def test_a_scan_is_searched_by_title_and_creator_among_texts(reach):
    (hit,), client = await find(reach, ITEM)
    asked = client.sent[0].url
    assert asked.path == "/prefix/advancedsearch.php"
    assert asked.params["q"] == 'title:("the da vinci code") AND creator:(brown) AND mediatype:texts'
    assert {"identifier", "isbn", "title"} < set(asked.params.get_list("fl[]"))
    assert (hit.source.id, hit.title, hit.subtitle) == ("davincicode00brow", "The Da Vinci code", "a novel")
    assert (hit.authors, hit.publisher, hit.isbn13) == (("Brown, Dan",), "Doubleday", "9780385504201")
    assert (hit.language, hit.published) == ("en", PartialDate(2003))


@pytest.mark.parametrize(
    ("field", "value", "own", "read"),
    [
        ("creator", ["Brown, Dan, 1964-", "Doe, Ann"], "authors", ("Brown, Dan", "Doe, Ann")),
        ("creator", "Burges, George, 1786?-1864; Cary, Henry", "authors", ("Burges, George", "Cary, Henry")),
        ("creator", None, "authors", ()),
        ("title", ["The Da Vinci code", "Another"], "title", "The Da Vinci code"),
        (
            "title",
            "Sample Novel (French Language / Langue Française)",
            "title",
            "Sample Novel (French Language / Langue Française)",
        ),
        ("title", "Sample Novel [a : b / c] / Ann Author", "title", "Sample Novel [a : b / c]"),
        ("title", "Sample Novel (a : b) : a novel : vol. 1", "subtitle", "a novel : vol. 1"),
        ("publisher", ["Doubleday", "Anchor"], "publisher", "Doubleday"),
        ("publisher", None, "publisher", ""),
        ("language", "Romanian", "language", "ro"),
        ("language", None, "language", ""),
        ("date", "1977-04-23", "published", PartialDate(1977, 4, 23)),
        ("date", ["2010-05-01T00:00:00Z"], "published", PartialDate(2010, 5, 1)),
        ("date", None, "published", None),
        ("isbn", "038550420x", "isbn13", None),
        ("isbn", "0385504209", "isbn13", "9780385504201"),
        ("isbn", None, "isbn13", None),
    ],
)
async def test_a_field_is_one_value_or_a_list(reach, field, value, own, read):
    (hit,), _ = await find(reach, ITEM | {field: value})
    assert getattr(hit, own) == read


async def test_isbns_stand_among_other_identifiers_too(reach):
    item = {name: value for name, value in ITEM.items() if name != "isbn"}
    (hit,), _ = await find(reach, item | {"external-identifier": ["urn:oclc:record:1", "urn:isbn:0385504209"]})
    assert hit.isbn13 == "9780385504201"


async def test_several_editions_isbns_are_none_of_them_the_scans_own(reach):
    (hit,), _ = await find(reach, ITEM | {"isbn": ["0385504209", "0307474275"]})
    assert hit.isbn13 is None
    assert hit.related == ("9780385504201", "9780307474278")


@pytest.mark.parametrize(
    "odd",
    [{"mediatype": "collection"}, {"mediatype": "data"}, {"mediatype": "etree"}, {"title": None}, {"identifier": None}],
)
async def test_an_item_that_is_no_book_is_refused_alone(reach, odd):
    hits, _ = await find(reach, ITEM | odd, "odd", ITEM | {"identifier": "other", "isbn": []})
    assert [hit.source.id for hit in hits] == ["other"]


SILENT = {name: value for name, value in ITEM.items() if name != "isbn"}
FULL = SILENT | {
    "isbn": ["9780385504201", "0385504209"],
    "external-identifier": "urn:isbn:0385504209",
    "date": "2003-03-18",
    "imagecount": "528",
    "publicdate": "2012-05-02 08:30:00",
    "mediatype": "texts",
    "betterpdf": "true",
}
RECORD = {"created": 1, "d1": "ia1.test", "dir": "/1", "files": [], "files_count": 0, "metadata": FULL, "uniq": 2}


async def looked_up(reach, record, *docs):
    client = reach("internet_archive", [found(*docs), *([record] * MAX_TRIES)])
    return await InternetArchive(client).find(CODE), client


async def test_an_isbn_that_the_search_lacks_is_read_in_the_items_own_record(reach):
    """There every number is a text, a lone identifier no list, the date may be whole, and unknown fields abound."""
    (hit,), client = await looked_up(reach, httpx2.Response(200, json=RECORD), SILENT)
    assert client.sent[1].url.path == "/prefix/metadata/davincicode00brow"
    assert (hit.isbn13, hit.published, hit.title) == ("9780385504201", PartialDate(2003, 3, 18), "The Da Vinci code")


@pytest.mark.parametrize(
    "docs", [[ITEM, SILENT], [SILENT | {"title": "Cooking for two"}]], ids=["a record without an ISBN", "another book"]
)
async def test_no_own_record_is_read_without_need(reach, docs):
    _, client = await looked_up(reach, httpx2.Response(200, json=RECORD), *docs)
    assert len(client.sent) == 1


@pytest.mark.parametrize(
    "record",
    [
        httpx2.Response(200, json={}),
        httpx2.Response(200, json={"metadata": []}),
        httpx2.Response(200, json={"metadata": {"identifier": "another", "title": "Another"}}),
        httpx2.Response(200, json={"metadata": {"identifier": "davincicode00brow"}}),
        httpx2.Response(200, json=[]),
        httpx2.Response(200, html="<html>"),
        httpx2.Response(503, html="<html>"),
        httpx2.Response(429, headers={"Retry-After": "60"}),
    ],
    ids=["unknown item", "no object", "another item", "no title", "a list", "a page", "down", "too fast"],
)
async def test_an_own_record_that_cannot_be_had_costs_only_itself(reach, record):
    (hit,), _ = await looked_up(reach, record, SILENT)
    assert (hit.title, hit.isbn13) == ("The Da Vinci code", None)


@pytest.mark.parametrize("isbn", ["080442957X", ["9780804429573", "080442957X"], ["080442957X", "978-0-8044-2957-3"]])
async def test_an_own_record_has_one_isbn_as_a_text_and_several_as_a_list(reach, isbn):
    answer = {"identifier": SILENT["identifier"], "title": SILENT["title"], "isbn": isbn}
    (hit,), _ = await looked_up(reach, httpx2.Response(200, json={"metadata": answer}), SILENT)
    assert hit.isbn13 == "9780804429573"


async def test_few_own_records_are_read_for_one_book(reach):
    docs = [SILENT | {"identifier": f"copy{number}"} for number in range(5)]
    client = reach("internet_archive", [found(*docs), *[httpx2.Response(200, json={})] * MAX_ITEM_LOOKUPS])
    assert len(await InternetArchive(client).find(CODE)) == 5
    assert len(client.sent) == 1 + MAX_ITEM_LOOKUPS


async def test_nothing_found_is_an_answer(reach):
    assert (await find(reach))[0] == []


@pytest.mark.parametrize(
    ("response", "error", "sends"),
    [
        (httpx2.Response(200, html="<html>Search error"), errors.BadAnswer, MAX_TRIES),
        (httpx2.Response(200, json={"error": "bad query"}), errors.RequestRefused, 1),
        (httpx2.Response(200, json={}), errors.BadAnswer, MAX_TRIES),
        (httpx2.Response(200, json=[]), errors.BadAnswer, MAX_TRIES),
        (httpx2.Response(400, html="<html>"), errors.RequestRefused, 1),
        (httpx2.Response(429, headers={"Retry-After": "60"}), errors.RateLimited, 1),
        (httpx2.Response(503, html="<html>"), errors.ProviderDown, MAX_TRIES),
    ],
)
async def test_an_error_may_come_as_a_good_status(reach, response, error, sends):
    client = reach("internet_archive", response)
    with pytest.raises(error):
        await InternetArchive(client).find(CODE)
    assert len(client.sent) == sends
