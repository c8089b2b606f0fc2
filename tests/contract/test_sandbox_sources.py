"""Google Books, the Internet Archive and Wikidata in the sandbox: keywords, patterns, gaps and unusual fields."""

from collections import Counter
from typing import Any

import pytest

from alexandria.catalogue.models import Isbn13
from alexandria.sandbox.corpus import Corpus
from alexandria.sandbox.google_books_volumes import isbn_of
from alexandria.sandbox.internet_archive import read_query
from alexandria.sandbox.parts import part
from alexandria.sandbox.settings import SAMPLE

GOOGLE = {"key": "sandbox-google_books"}
GUEST = {"9780008435813", "9780593356180"}


@pytest.fixture(scope="module")
def library():
    return Corpus.load(SAMPLE)


async def google(client, q, **params):
    return await client.get("/google_books/books/v1/volumes", params=GOOGLE | {"q": q} | params)


async def archive(client, q, **params):
    return await client.get("/internet_archive/advancedsearch.php", params={"q": q, "output": "json"} | params)


def numbers(volume, kind="ISBN"):
    identifiers = volume["volumeInfo"].get("industryIdentifiers", [])
    return {identifier["identifier"] for identifier in identifiers if identifier["type"].startswith(kind)}


def noted(library, step):
    works = sorted(library.works, key=lambda work: (-work.face.notability, work.id))
    return [work for work in works[::step] if work.face.authors]


# ---- what each of them knows


@pytest.mark.long
async def test_every_source_has_its_own_share_of_the_books(sandbox, library):
    """Queried by ISBN; books that one source lacks, others may have."""
    client = sandbox(daily_limits={"google_books": 10**6, "isbndb": 10**6})
    known: Counter[str] = Counter()
    together = 0
    sample = library.works[::9]
    for work in sample:
        isbn = work.editions[0].isbn13
        volumes = (await google(client, f"isbn:{isbn}")).json().get("items", [])
        items = (await archive(client, f"isbn:{isbn}")).json()["response"]["docs"]
        works = (await client.get("/open_library/search.json", params={"q": f"isbn:{isbn}"})).json()["docs"]
        known.update({"google_books": len(volumes), "internet_archive": bool(items), "open_library": bool(works)})
        together += bool(volumes or items or works)
    shares = {"google_books": 0.93, "internet_archive": 0.94, "open_library": 1.0}  # of these an ISBN can be asked
    for name, share in shares.items():
        assert known[name] / len(sample) == pytest.approx(part(name).coverage * share, abs=0.06), name
    assert together > max(known.values())


async def test_coverage_can_be_set(sandbox):
    nothing, everything = (
        sandbox(coverage={"google_books": share, "internet_archive": share}, look_alikes=0) for share in (0, 1)
    )
    assert "items" not in (await google(nothing, "intitle:murtagh")).json()
    assert (await archive(nothing, "title:murtagh")).json()["response"]["docs"] == []
    assert "items" in (await google(everything, "intitle:murtagh")).json()
    assert (await archive(everything, "title:murtagh")).json()["response"]["docs"]


# ---- Google Books


@pytest.mark.parametrize(
    "q", ['intitle:"the mystery guest" inauthor:"nita prose"', "intitle:mystery+inauthor:prose", "mystery guest prose"]
)
async def test_google_books_finds_by_keywords_and_by_words(sandbox, q):
    items = (await google(sandbox(look_alikes=0), q)).json()["items"]
    assert GUEST & set().union(*map(numbers, items))


async def test_google_books_omits_items_without_hits(sandbox):
    client = sandbox()
    for q in ("intitle:xyzzy", "isbn:9780000000002", "oclc:123", "intitle:murtagh inauthor:prose"):
        assert (await google(client, q)).json() == {"kind": "books#volumes", "totalItems": 0}


@pytest.mark.parametrize("q", ["ISBN:9780593781326", "isbn:", "isbn: intitle:murtagh"])
async def test_google_books_answers_a_misplaced_keyword_with_unrelated_books(sandbox, q):
    items = (await google(sandbox(), q)).json()["items"]
    assert len(items) == 10
    assert "Murtagh" not in {item["volumeInfo"]["title"] for item in items}


async def test_google_books_returns_only_the_requested_fields(sandbox):
    client = sandbox(look_alikes=0)
    nested = "totalItems,items(id,volumeInfo(title,industryIdentifiers/type))"
    answer = (await google(client, 'intitle:"mystery guest"', fields=nested)).json()
    assert answer.keys() == {"totalItems", "items"}
    assert answer["items"][0].keys() == {"id", "volumeInfo"}
    assert answer["items"][0]["volumeInfo"].keys() == {"title", "industryIdentifiers"}
    assert answer["items"][0]["volumeInfo"]["industryIdentifiers"][0].keys() == {"type"}
    assert (await google(client, "murtagh", fields="kind")).json() == {"kind": "books#volumes"}
    for broken in ("items(id", "items)"):
        assert (await google(client, "murtagh", fields=broken)).status_code == 400


async def test_google_books_pages_filters_and_limits(sandbox):
    client = sandbox(look_alikes=0)
    first, second = [(await google(client, "inauthor:king", maxResults=3, startIndex=at)).json() for at in (0, 3)]
    assert [len(page["items"]) for page in (first, second)] == [3, 3]
    assert first["totalItems"] > 3
    spanish = (await google(client, "love", langRestrict="es")).json().get("items", [])
    assert {item["volumeInfo"]["language"] for item in spanish} <= {"es"}
    published = (await google(client, "inauthor:king inpublisher:scribner")).json()["items"]
    assert {item["volumeInfo"].get("publisher", "Scribner")[:8] for item in published} == {"Scribner"}
    for wrong in ({"maxResults": 41}, {"startIndex": "x"}):
        assert (await google(client, "love", **wrong)).json()["error"]["errors"][0]["reason"] == "invalidParameter"
    assert (await google(client, "")).json()["error"]["errors"][0]["reason"] == "queryRequired"


async def test_google_books_returns_one_volume_in_full_and_503_for_an_unknown_one(sandbox):
    client = sandbox(look_alikes=0)
    item = next(item for item in (await google(client, "murtagh paolini")).json()["items"] if len(numbers(item)) == 2)
    volume = (await client.get(f"/google_books/books/v1/volumes/{item['id']}", params=GOOGLE)).json()
    assert volume["volumeInfo"]["title"] == item["volumeInfo"]["title"]
    assert volume["volumeInfo"]["industryIdentifiers"] == item["volumeInfo"]["industryIdentifiers"][::-1]
    assert isbn_of(item["id"]) in numbers(item)
    for unknown in ("nonsense", f"{item['id'][:-5]}zQBAJ", "-QBAJ"):
        answer = await client.get(f"/google_books/books/v1/volumes/{unknown}", params=GOOGLE)
        assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (503, "backendFailed")
        assert "status" not in answer.json()["error"]


async def test_google_books_volumes_lack_fields_like_real_ones(sandbox, library):
    client = sandbox(look_alikes=0, coverage={"google_books": 1}, daily_limits={"google_books": 10**6})
    answers = [await google(client, f'intitle:"{work.face.title}"', maxResults=40) for work in noted(library, 8)]
    volumes = {item["id"]: item["volumeInfo"] for answer in answers for item in answer.json().get("items", ())}
    for name in ("authors", "publisher", "publishedDate", "pageCount", "industryIdentifiers", "description"):
        assert 0 < sum(name not in info for info in volumes.values()) < 0.5 * len(volumes), name
    assert {len(info["publishedDate"]) for info in volumes.values() if "publishedDate" in info} == {4, 7, 10}
    kinds = Counter(
        tuple(identifier["type"] for identifier in info.get("industryIdentifiers", ())) for info in volumes.values()
    )
    assert {(), ("OTHER",), ("ISBN_13",), ("ISBN_10", "ISBN_13"), ("ISBN_13", "ISBN_10")} <= set(kinds)
    assert any(info["authors"][0].startswith(" ") for info in volumes.values() if "authors" in info)


# ---- Internet Archive


@pytest.mark.parametrize(
    ("q", "read"),
    [
        ('title:("da vinci") AND creator:(brown)', {"title": "da vinci", "creator": "brown"}),
        ("isbn:(978 OR 123)", {"isbn": "978   123"}),
        ("harry potter", {"": "harry potter"}),
        ("title:guest AND NOT mediatype:audio", {"title": "guest"}),
        (r"title:(what\?)", {"title": "what"}),
        *(
            (broken, None)
            for broken in ('title:"x', "title:(x", "title:x)", "title:()", "a:b:c", "title:(a/b)", "x AND ")
        ),
        *((broken, None) for broken in ("title:", ":", '"', "", "title:(a (b) c)")),
    ],
)
def test_lucene_queries_are_parsed_or_refused(q, read):
    assert read_query(q) == read


@pytest.mark.parametrize(("q", "output"), [("title:(murtagh", "json"), ("title:murtagh", "html"), ("", "json")])
async def test_the_archive_answers_an_unreadable_query_with_html_and_200(sandbox, q, output):
    answer = await archive(sandbox(), q, output=output)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


async def test_the_archive_finds_scans_and_other_media_unless_filtered(sandbox):
    client = sandbox(look_alikes=0, coverage={"internet_archive": 1})
    asked = 'title:("the mystery guest") AND creator:(prose)'
    books = (await archive(client, f"{asked} AND mediatype:texts")).json()["response"]
    assert {doc["mediatype"] for doc in books["docs"]} == {"texts"}
    everything = (await archive(client, asked)).json()["response"]
    assert {doc["mediatype"] for doc in everything["docs"]} > {"texts"}
    assert everything["numFound"] > books["numFound"] > 0
    assert (await archive(client, f"{asked} AND mediatype:audio")).json()["response"]["docs"] == []
    few = (await archive(client, asked, **{"fl[]": ["identifier", "title"], "rows": 1, "page": 2})).json()["response"]
    assert [doc.keys() for doc in few["docs"]] == [{"identifier", "title"}]
    assert few["start"] == 1


async def test_fields_of_the_archive_are_texts_or_lists(sandbox, library):
    client = sandbox(look_alikes=0, coverage={"internet_archive": 1})
    docs: dict[str, dict[str, Any]] = {}
    for work in noted(library, 8):
        isbn = work.editions[0].isbn13
        found = (await archive(client, f"isbn:{isbn} AND mediatype:texts")).json()["response"]["docs"]
        docs |= {doc["identifier"]: doc for doc in found}
    for name in ("creator", "isbn", "publisher", "language", "collection", "format"):
        assert {type(doc[name]) for doc in docs.values() if name in doc} == {str, list}, name
    isbns = [isbn for doc in docs.values() for isbn in _many(doc.get("isbn", []))]
    assert all(map(Isbn13.read, isbns))
    assert any("-" in isbn for isbn in isbns)
    creators = [name for doc in docs.values() for name in _many(doc.get("creator", []))]
    assert any(name.endswith("-") for name in creators)
    assert any("; " in name for name in creators)
    dates = [doc["date"] for doc in docs.values() if "date" in doc]
    assert all(date.endswith("T00:00:00Z") for date in dates)
    assert 0.5 < sum("-01-01T" in date for date in dates) / len(dates) < 0.8


def _many(value):
    return value if isinstance(value, list) else [value]


async def test_an_item_of_the_archive_has_its_isbns_twice_and_every_number_as_text(sandbox):
    client = sandbox(look_alikes=0, coverage={"internet_archive": 1})
    shapes: Counter[type] = Counter()
    silent = 0
    for doc in (await archive(client, "title:(love) AND mediatype:texts")).json()["response"]["docs"]:
        answer = (await client.get(f"/internet_archive/metadata/{doc['identifier']}")).json()["metadata"]
        assert (answer["identifier"], answer["imagecount"].isdecimal()) == (doc["identifier"], True)
        urns = {urn.removeprefix("urn:isbn:") for urn in _many(answer.get("external-identifier", [])) if "isbn" in urn}
        assert urns == set(_many(answer.get("isbn", []))) >= set(_many(doc.get("isbn", [])))
        shapes[type(answer.get("isbn"))] += 1
        silent += "isbn" in answer and "isbn" not in doc
    assert shapes.keys() == {str, list, type(None)}
    assert silent  # what the search does not know of


@pytest.mark.parametrize("identifier", ["nothing", "isbn_9780000000002", "murtagh0000paol_zzzzzz", "_", "x_1"])
async def test_an_unknown_item_of_the_archive_is_an_empty_object(sandbox, identifier):
    answer = await sandbox().get(f"/internet_archive/metadata/{identifier}")
    assert (answer.status_code, answer.json()) == (200, {})


# ---- Wikidata


SEARCH = """SELECT DISTINCT ?work ?workLabel ?authorLabel ?first ?item ?isbn ?date ?precision WHERE {
  SERVICE wikibase:mwapi { bd:serviceParam wikibase:api "EntitySearch". bd:serviceParam mwapi:search "%s". }
  ?work wdt:P50/rdfs:label ?name. FILTER(CONTAINS(LCASE(?name), "%s")) } LIMIT 200"""
PUBLISHED = """SELECT ?work ?workLabel ?authorLabel ?date ?sitelinks WHERE {
  FILTER(?date >= "%s-01T00:00:00Z"^^xsd:dateTime && ?date < "%s-01T00:00:00Z"^^xsd:dateTime)
  FILTER(?sitelinks >= 3) } ORDER BY DESC(?sitelinks) LIMIT 40"""
ACCEPT = {"Accept": "application/sparql-results+json"}


async def wikidata(client, query):
    answer = await client.get("/wikidata/sparql", params={"query": query}, headers=ACCEPT)
    return [{name: term["value"] for name, term in row.items()} for row in answer.json()["results"]["bindings"]]


async def test_wikidata_finds_editions_by_hyphenated_isbns(sandbox):
    rows = await wikidata(sandbox(coverage={"wikidata": 1}), SEARCH % ("the mystery guest", "prose"))
    assert {row["workLabel"] for row in rows} == {"The Mystery Guest"}
    assert GUEST & {Isbn13.read(row["isbn"]) for row in rows}
    assert all("-" in row["isbn"] for row in rows if Isbn13.read(row["isbn"]) in GUEST)
    assert len({row["work"] for row in rows}) == 1


@pytest.mark.parametrize(
    "asked", [("mystery guest", "prose"), ("the mystery guest", "paolini"), ("the mistery", "prose")]
)
async def test_wikidata_finds_labels_by_prefix_and_authors_by_substring(sandbox, asked):
    assert await wikidata(sandbox(coverage={"wikidata": 1}), SEARCH % asked) == []


async def test_wikidata_multiplies_rows_and_omits_unbound_variables(sandbox, library):
    """A book with two authors and several ISBNs gives many rows; each date has its precision."""
    client = sandbox(coverage={"wikidata": 1}, look_alikes=0)
    books: dict[str, list[dict[str, str]]] = {}
    for work in noted(library, 12):
        asked = (work.face.title.lower(), work.face.authors[0].split()[-1].lower())
        if '"' not in asked[0]:
            books |= {work.id: await wikidata(client, SEARCH % asked)}
    rows = [row for found in books.values() for row in found]
    assert max(map(len, books.values())) > 5
    assert any(len({row["authorLabel"] for row in found}) > 1 for found in books.values())
    assert any(row["item"] == row["work"] for row in rows)
    assert any(row["item"] != row["work"] for row in rows)
    assert {row.get("precision") for row in rows} == {"9", "10", "11", None}
    assert all(row["date"][4:10] == "-01-01" for row in rows if row.get("precision") == "9")
    assert all(("date" in row) == ("precision" in row) for row in rows)
    assert 0 < sum("-" not in row["isbn"] for row in rows) < 0.15 * len(rows)
    assert {len(row["isbn"].replace("-", "")) for row in rows} == {10, 13}


async def test_wikidata_lists_the_books_of_a_month_by_notability(sandbox):
    rows = await wikidata(sandbox(), PUBLISHED % ("2003-06", "2003-07"))
    assert len({row["work"] for row in rows}) > 4
    assert {row["date"][:7] for row in rows} == {"2003-06"}
    sitelinks = [int(row["sitelinks"]) for row in rows]
    assert sitelinks == sorted(sitelinks, reverse=True)
    assert min(sitelinks) >= 3


async def test_wikidata_accepts_queries_by_post(sandbox):
    client, query = sandbox(coverage={"wikidata": 1}), SEARCH % ("murtagh", "paolini")
    sparql = {"content-type": "application/sparql-query"}
    form = await client.post("/wikidata/sparql", data={"query": query}, headers=ACCEPT)
    body = await client.post("/wikidata/sparql", content=query, headers=ACCEPT | sparql)
    rows = await wikidata(client, query)
    assert len(form.json()["results"]["bindings"]) == len(body.json()["results"]["bindings"]) == len(rows) > 0


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("SELECT ?work WHERE { ?work rdfs:label ?label. FILTER(CONTAINS(?label, 'x')) }", 500, "TimeoutException"),
        ("SELECT ?work WHERE { ", 400, "MalformedQueryException"),
        (SEARCH % ('a "b', "c"), 400, "MalformedQueryException"),
        ("", 400, "MalformedQueryException"),
    ],
)
async def test_wikidata_refuses_unreadable_and_too_expensive_queries(sandbox, query, status, words):
    answer = await sandbox().get("/wikidata/sparql", params={"query": query}, headers=ACCEPT)
    assert (answer.status_code, words in answer.text) == (status, True)


async def test_wikidata_answers_xml_unless_asked_for_json(sandbox):
    params = {"query": SEARCH % ("murtagh", "paolini")}
    answer = await sandbox().get("/wikidata/sparql", params=params, headers={"Accept": "*/*"})
    assert answer.text.startswith("<?xml")
    assert (await sandbox().get("/wikidata/sparql", params=params | {"format": "json"})).json()["head"]
