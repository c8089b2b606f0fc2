"""Books of the sandbox's ISBNdb and Open Library: searches, formats, distractors and ground truth."""

import gzip
from collections import Counter
from urllib.parse import quote

import httpx2
import pytest

from alexandria.catalogue.models import Isbn13
from alexandria.core import config
from alexandria.core.errors import BadInput
from alexandria.core.month import Month, months_of_years
from alexandria.sandbox import SandboxSettings, create_app, environment
from alexandria.sandbox.corpus import Corpus
from alexandria.sandbox.distractor_forms import near_title
from alexandria.sandbox.distractors import EARLY_FORMS, EARLY_SHARE, Relatives, is_meant, other_work
from alexandria.sandbox.search import Index, Query
from alexandria.sandbox.settings import SAMPLE

KEY = {"Authorization": "sandbox-isbndb"}
MURTAGH = {"9780593781326", "9780593781333"}
FIELDS = "key,title,author_name,first_publish_year,isbn,editions.key,editions.isbn,editions.publish_date"


@pytest.fixture(scope="module")
def library():
    return Corpus.load(SAMPLE)


@pytest.fixture(scope="module")
def index(library):
    return Index(library)


@pytest.fixture(scope="module")
def relatives(library):
    return Relatives(library, seed=1)


def books_of(answer):
    """The records of a search in ISBNdb, under whichever name."""
    body = answer.json()
    return body.get("books", body.get("data", [])) if answer.status_code == 200 else []


async def isbndb(client, path, **params):
    return await client.get(f"/isbndb/{path}", params=params, headers=KEY)


async def open_library(client, **params):
    return (await client.get("/open_library/search.json", params={"fields": FIELDS, "limit": 5} | params)).json()


def noted(library, step=40):
    """A sample of well-known works."""
    works = sorted(library.works, key=lambda work: (-work.face.notability, work.id))
    return [work for work in works[::step] if work.face.authors]


# ---- the books


def test_the_sample_covers_every_month_with_valid_isbns(library):
    assert all(library.of_month.get(month) for month in months_of_years(2000, 2024))
    assert all(Isbn13.read(edition.isbn13) == edition.isbn13 for edition in library.editions)


def test_a_gzipped_catalogue_with_other_columns_is_read(tmp_path):
    """By header: ratings for notability, a first date of the work, a binding."""
    path = tmp_path / "catalogue.csv.gz"
    path.write_bytes(
        gzip.compress(
            b"isbn13,title,subtitle,authors,publisher,published,language,binding,pages,ratings_count,work_id,series,work_first_date\n"
            b"9780385504201,The Da Vinci Code,,Dan Brown|Another,Doubleday,2003-03-18,en,Audio CD,454,99,w:1,,2003-03\n"
            b"9780307474278,The Da Vinci Code,,Dan Brown,Anchor,2009-03-31,en,,597,7,w:1,,2003-03\n"
        )
    )
    library = Corpus.load(path)
    (work,) = library.works
    first, second = work.editions
    assert (work.first_year, work.face) == (2003, first)
    assert (first.authors, first.binding, first.pages, first.isbn10) == (
        ("Dan Brown", "Another"),
        "Audio CD",
        454,
        "0385504209",
    )
    assert second.notability == 7
    assert library.of_month[Month(2009, 3)] == (second,)


@pytest.mark.parametrize("content", [b"no,books\n1,2\n", b"\xff\xfe"])
def test_a_file_without_books_is_refused_by_name(tmp_path, content):
    path = tmp_path / "books.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"books\.csv"):
        create_app(SandboxSettings(books=path))


@pytest.mark.parametrize(
    "wrong",
    [{"rates": {"isbn": 3}}, {"faults": "some"}, {"look_alikes": 12}, {"latency_scale": -1}, {"rates": {"xai": 0}}],
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(BadInput):
        SandboxSettings(**wrong)


def test_keys_are_not_in_the_repr():
    assert "canary" not in repr(SandboxSettings(keys={"xai": "canary"}))


def test_the_environment_points_every_provider_at_the_sandbox(monkeypatch):
    for name, value in environment(SandboxSettings(keys={"xai": "mine"}), "http://127.0.0.1:9").items():
        monkeypatch.setenv(name, value)
    providers = config.load().providers
    assert providers["gemini"].base_url == "http://127.0.0.1:9/gemini"
    assert providers["open_library"].base_url == "http://127.0.0.1:9/open_library"
    keys = {name: provider.key.get_secret_value() for name, provider in providers.items() if provider.key}
    assert keys == {
        "gemini": "sandbox-gemini",
        "xai": "mine",
        "isbndb": "sandbox-isbndb",
        "google_books": "sandbox-google_books",
    }


# ---- their relatives


def test_distractors_have_their_own_valid_isbns_and_are_found_by_them(library, relatives):
    made = [edition for work in library.works for edition in relatives.of(work)]
    isbns = [edition.isbn13 for edition in made]
    assert len(set(isbns)) == len(isbns)
    assert not set(isbns) & set(library.number_of)
    assert all(Isbn13.read(isbn) == isbn for isbn in isbns)
    assert all(relatives.edition(edition.isbn13) == edition for edition in made)
    assert all(relatives.edition(edition.isbn13) is None for edition in library.editions)


def test_every_work_has_a_distractor(library, relatives):
    assert all(any(map(other_work, relatives.of(work))) for work in library.works)
    forms = Counter(edition.form for work in library.works for edition in relatives.of(work))
    assert min(forms.values()) > 0.05 * len(library.works)


def test_distractors_are_of_every_kind_of_the_trade(library, relatives):
    """Books made from the book in several languages, near titles, other editions decorated, undated and translated."""
    made = [edition for work in library.works for edition in relatives.of(work)]
    kinds = {edition.form for edition in made if other_work(edition)}
    assert kinds >= {
        "study guide", "fiche de lecture", "guía de lectura", "Lektürehilfe", "краткое содержание", "young readers",
        "graded reader", "graphic novel", "novela gráfica", "çizgi roman", "Hörspiel", "screenplay", "sequel",
        "second volume", "near title", "box set", "namesake", "dramatisation", "excerpt", "half of it",
    }  # fmt: skip
    editions = {edition.form: edition for edition in made if not other_work(edition)}
    assert editions.keys() >= {"reprint", "undated record", "decorated", "deluxe", "large print", "translation"}
    assert editions["undated record"].published == ""
    assert editions["translation without language"].language == ""
    assert {form for form, edition in editions.items() if not is_meant(edition)} == {
        "audio", "audio by its publisher", "translation", "translation without language", "German translation",
        "French translation",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("title", "near"),
    [
        ("The Chalice of the Gods", "The Stone of the Gods"), ("Orbital", "Orbital Daughters"), ("Blue Harbour", "Blue Daughters"),
    ],
)  # fmt: skip
def test_a_near_title_differs_in_one_word(title, near):
    assert near_title(title) == near


async def test_reprints_and_undated_records_stand_first_now_and_then(sandbox, library, relatives):
    client = sandbox(look_alikes=0, daily_limits={"isbndb": 10**6})
    first = 0
    asked = noted(library, step=20)
    for work in asked:
        hits = books_of(await isbndb(client, f"books/{quote(work.face.title[:100])}", column="title"))
        edition = relatives.edition(hits[0]["isbn13"]) if hits else None
        first += edition is not None and edition.form in EARLY_FORMS
    assert 0 < first / len(asked) < EARLY_SHARE


# ---- the search


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (Query.of(anywhere="murtagh christopher paolini"), "Murtagh"),
        (Query.of(anywhere="Murtahg Christopher Paolini"), "Murtagh"),
        (Query.of(anywhere="The Mistery Guest by Nita Prosse"), "The Mystery Guest"),
        (Query.of(title="mystery guest", author="Prose", every=True), "The Mystery Guest"),
        (Query.of(title="Salem's Lot", author="King"), "'Salem's Lot"),
    ],
)
def test_the_book_is_the_first_hit_despite_a_wrong_letter(index, asked, found):
    assert index.search(asked, 5)[0].title == found


def test_a_query_for_every_word_requires_every_word(index):
    assert index.search(Query.of(title="mystery gest", author="Prose", every=True), 5) == []
    assert index.search(Query.of(title="mystery guest", author="Paolini", every=True), 5) == []


@pytest.mark.parametrize(
    ("title", "author", "found"),
    [
        ("Murtagh: The World of Eragon", "Paolini", "Murtagh"),
        ("A Mystery Guest", "Prose", "The Mystery Guest"),
        ("Mystery Guest and Other Cases", "", "The Mystery Guest"),
        ("Murtagh: The World of Eragon", "", None),
        ("Murtagh: The World of Eragon", "Prose", None),
        ("Murtahg", "Paolini", None),
    ],
)
def test_searches_with_shorter_titles_ignore_articles_and_subtitles_but_not_typos(index, title, author, found):
    """A single word begins too many titles and needs the author too."""
    hits = index.search(Query.of(title=title, author=author, shorter=True), 5)
    assert (hits[0].title if hits else None) == found


def test_a_shorter_title_matches_only_if_no_title_has_every_word(index):
    whole = index.search(Query.of(title="the housemaid is watching", author="mcfadden", shorter=True), 9)
    assert {edition.title for edition in whole} == {"The Housemaid Is Watching"}


@pytest.mark.parametrize("text", ["", "'", "???", "xyzzy plugh"])
async def test_a_query_for_nothing_finds_nothing(sandbox, text):
    client = sandbox()
    assert books_of(await isbndb(client, f"books/{quote(text or ' ')}")) == []
    assert (await open_library(client, q=text))["docs"] == []


async def test_the_right_edition_is_nearly_always_among_the_first_hits(sandbox, library):
    client = sandbox()
    asked = noted(library)
    found = 0
    for work in asked:
        hits = books_of(await isbndb(client, f"books/{quote(f'{work.face.title} {work.face.authors[0]}'[:150])}"))
        right = [hit for hit in hits if hit["isbn13"] in {edition.isbn13 for edition in work.editions}]
        found += any(hit.get("authors") for hit in right)
    assert found / len(asked) > 0.95


@pytest.mark.parametrize("share", [0.0, 0.5])
async def test_look_alikes_come_first_as_often_as_configured(sandbox, library, share):
    client = sandbox(look_alikes=share, daily_limits={"isbndb": 10**6})
    asked = noted(library, step=20)
    wrong: Counter[str] = Counter()
    for work in asked:
        right = {edition.isbn13 for edition in work.editions}
        author = work.face.authors[0]
        hits = books_of(await isbndb(client, f"books/{quote(work.face.title[:100])}", column="title"))
        docs = (await open_library(client, title=work.face.title, author=author))["docs"]
        wrong["isbndb"] += bool(hits) and hits[0]["isbn13"] not in right and hits[0]["title"] != work.face.title
        wrong["open_library"] += bool(docs) and not right & set(docs[0]["isbn"])
    assert all(abs(wrong[name] / len(asked) - share) < 0.15 for name in ("isbndb", "open_library"))


@pytest.mark.parametrize("path", ["isbndb/books/dark?pageSize=10", "open_library/search.json?q=dark&fields=*,editions"])
async def test_searches_depend_on_seed_and_request_alone(sandbox, path):
    one, other, third = sandbox(seed=5), sandbox(seed=5), sandbox(seed=6)
    await other.get(path.replace("dark", "light"), headers=KEY)
    answers = [(await client.get(path, headers=KEY)).json() for client in (one, one, other, third)]
    assert answers[0] == answers[1] == answers[2] != answers[3]


# ---- ISBNdb


async def test_isbndb_answers_each_endpoint_in_its_own_container(sandbox):
    client = sandbox()
    assert (await isbndb(client, "book/9780593781326")).json()["book"]["isbn13"] == "9780593781326"
    assert (await isbndb(client, "search/books", isbn13="9780593781326")).json()["data"][0]["title"] == "Murtagh"
    author = (await isbndb(client, "author/Nita%20Prose")).json()
    assert author["author"] == "Nita%20Prose"
    assert {book["title"] for book in author["books"]} >= {"The Mystery Guest"}
    assert (await isbndb(client, "stats")).json()["books"] > 3000
    unknown = await isbndb(client, "book/9780000000002")
    assert (unknown.status_code, unknown.json()) == (404, {"errorMessage": "Not Found"})


async def test_isbndb_bulk_omits_unknown_isbns(sandbox):
    body = {"isbns": ["9780593781326", "059335618X", "9780593356180", "nonsense"]}
    answer = (await sandbox().post("/isbndb/books", json=body, headers=KEY)).json()
    assert (answer["requested"], answer["total"]) == (4, 2)
    assert [book["isbn13"] for book in answer["data"]] == ["9780593781326", "9780593356180"]


@pytest.mark.parametrize("content", ["", "[]", '{"isbns": 3}'])
async def test_isbndb_refuses_a_bulk_body_that_holds_no_isbns(sandbox, content):
    assert (await sandbox().post("/isbndb/books", content=content, headers=KEY)).status_code == 400


async def test_isbndb_filters_by_date_and_pages_through(sandbox):
    client = sandbox(look_alikes=0)
    november = {"publishedFrom": "2023-11", "publishedTo": "2023-11", "shouldMatchAll": "1"}
    assert {book["isbn13"] for book in books_of(await isbndb(client, "books/Paolini", **november))} >= MURTAGH
    october = {"publishedFrom": "2023-10", "publishedTo": "2023-10-31"}
    assert books_of(await isbndb(client, "books/Murtagh", **october)) == []
    pages = [books_of(await isbndb(client, "books/King", column="author", pageSize=5, page=page)) for page in (1, 2)]
    assert [len(page) for page in pages] == [5, 5]
    assert (await isbndb(client, f"books/{'x' * 151}")).status_code == 400


async def test_isbndb_records_have_the_variations_of_real_ones(sandbox, library):
    """Every variation that a client must read occurs, and the ISBN is always that of the edition."""
    client = sandbox(daily_limits={"isbndb": 10**6})
    isbns = [edition.isbn13 for edition in library.editions[:2000]]
    answers = [
        await client.post("/isbndb/books", json={"isbns": isbns[at : at + 1000]}, headers=KEY) for at in (0, 1000)
    ]
    records = [record for answer in answers for record in answer.json()["data"]]
    kinds = {
        field: {type(record.get(field)).__name__ for record in records} for field in ("pages", "msrp", "dewey_decimal")
    }
    assert kinds["pages"] == {"int", "list", "NoneType"}
    assert kinds["msrp"] == {"str", "float", "int", "NoneType"}
    assert kinds["dewey_decimal"] == {"str", "list", "NoneType"}
    dates = [record.get("date_published") for record in records]
    assert {"", None} < set(dates)
    assert any(isinstance(date, int) for date in dates)
    assert any(str(date).startswith("November ") for date in dates)
    assert any(str(date).endswith("T00:00:00.000Z") for date in dates)
    authors = [record.get("authors") for record in records]
    assert 0 < authors.count(None) < 0.03 * len(records)
    assert any("," in names[0] for names in authors if names)
    assert {"", "en", "eng", "English", None} <= {record.get("language") for record in records}
    assert any(
        record["title_long"] == record["title"].lower().replace(" ", "_")
        for record in records
        if " " in record["title"]
    )
    assert any(record.get("isbn10", "").endswith("x") for record in records)
    assert any(len(record["isbn"]) == 10 for record in records)
    assert all(Isbn13.read(record["isbn"]) == record["isbn13"] for record in records)
    assert any("synopsys" in record for record in records)


# ---- Open Library


async def test_open_library_nests_the_best_edition_only_when_asked(sandbox):
    client = sandbox(look_alikes=0)
    (doc,) = (await open_library(client, title="The Mystery Guest", author="Nita Prose"))["docs"]
    assert (doc["key"], doc["author_name"], doc["first_publish_year"]) == ("/works/OL35844638W", ["Nita Prose"], 2023)
    assert {"9780008435813", "9780593356180"} < set(doc["isbn"])
    (edition,) = doc["editions"]["docs"]
    assert edition.keys() <= {"key", "isbn", "publish_date"}
    plain = (await client.get("/open_library/search.json", params={"title": "The Mystery Guest"})).json()["docs"][0]
    assert not {"isbn", "editions", "publisher", "format"} & plain.keys()


@pytest.mark.parametrize("q", ["9780593781326", "isbn:9780593781326", "isbn:(9780008435813 OR 9780593781326)"])
async def test_open_library_finds_isbns(sandbox, q):
    answer = await open_library(sandbox(), q=q)
    assert "Murtagh" in {doc["title"] for doc in answer["docs"]}
    assert answer["numFound"] == len(answer["docs"])
    assert len({doc["key"] for doc in answer["docs"]}) == q.count("978")


async def test_open_library_redirects_from_isbn_to_edition_to_work_to_author(sandbox):
    client = sandbox()
    redirect = await client.get("/open_library/isbn/0593356187.json")
    assert redirect.status_code == 302
    edition = (await client.get(redirect.headers["location"])).json()
    assert "9780593356180" in edition.get("isbn_13", []) or "0593356187" in edition["isbn_10"]
    work = (await client.get(f"/open_library{edition['works'][0]['key']}.json")).json()
    author = (await client.get(f"/open_library{work['authors'][0]['author']['key']}.json")).json()
    assert (work["title"], author["name"]) == ("The Mystery Guest", "Nita Prose")


async def test_open_library_api_omits_unknown_isbns(sandbox):
    params = {"bibkeys": "ISBN:9780593781326,ISBN:9780000000002", "jscmd": "data", "format": "json"}
    answer = (await sandbox().get("/open_library/api/books", params=params)).json()
    assert answer.keys() == {"ISBN:9780593781326"}
    assert answer["ISBN:9780593781326"]["authors"][0]["name"] == "Christopher Paolini"
    script = await sandbox().get("/open_library/api/books", params=params | {"format": "javascript"})
    assert script.text.startswith("var _OLBookInfo = {")


@pytest.mark.parametrize("path", ["isbn/9780000000002", "books/OL1M", "works/OL1W", "authors/OL1A", "books/x"])
async def test_open_library_answers_not_found_in_json(sandbox, path):
    answer = await sandbox().get(f"/open_library/{path}.json")
    assert (answer.status_code, answer.json()) == (404, {"error": "notfound", "key": f"/{path}"})


async def test_open_library_keys_find_made_up_editions(sandbox, library, relatives):
    client = sandbox()
    made = [edition for work in library.works[:40] for edition in relatives.of(work)]
    found = [await client.get(f"/open_library/isbn/{edition.isbn13}.json", follow_redirects=True) for edition in made]
    titles = [
        (edition.title, answer.json()["title"])
        for edition, answer in zip(made, found, strict=True)
        if answer.is_success
    ]
    assert len(titles) > 0.9 * len(made)
    assert all(expected == title for expected, title in titles)


async def test_open_library_dates_have_many_formats(sandbox, library):
    client = sandbox()
    isbns = [edition.isbn13 for edition in library.editions if len(edition.published) == 10][:300]
    params = {"bibkeys": ",".join(f"ISBN:{isbn}" for isbn in isbns), "jscmd": "details", "format": "json"}
    details = [
        entry["details"] for entry in (await client.get("/open_library/api/books", params=params)).json().values()
    ]
    shapes = Counter(_shape(record.get("publish_date", "")) for record in details)
    assert set(shapes) == {"", "9999", "A 9999", "A 9, 9999", "9999-99-99"}
    assert 0 < sum("isbn_13" not in record for record in details) < 0.15 * len(details)


def _shape(date):
    words = ["A" if word.isalpha() else word for word in date.split()]
    digits = "".join("9" if letter.isdigit() else letter for letter in " ".join(words))
    return digits.replace("99,", "9,")


# ---- the truth


async def test_ground_truth_recognises_misspelt_books(sandbox):
    """Every real book named has its editions; every invented one has none, and no library book by that name."""
    client = sandbox(misspelt=1.0, invented=0.3)
    headers = {"x-goog-api-key": "sandbox-gemini"}
    prompt = {"contents": [{"parts": [{"text": "20 books of March 2003"}]}]}
    await client.post("/gemini/v1/models/gemini-3.5-flash:generateContent", headers=headers, json=prompt)
    answer = (await client.get("/__sandbox/truth")).json()
    real = [book for book in answer if not book["invented"]]
    assert len(real) > 8
    assert len(answer) > len(real)
    assert any(book["title"] != book["true_title"] for book in real)
    for book in answer:
        asked = {"title": book["title"], "author": book["author"]}
        assert (await client.get("/__sandbox/truth", params=asked)).json() == book
        assert bool(book["isbns"]) != book["invented"]
        for isbn in book["isbns"]:
            known = (await client.get(f"/__sandbox/truth/isbn/{isbn}")).json()
            assert (known["kind"], known["work_id"]) == ("edition", book["work_id"])
        for variant in book["variants"]:
            known = (await client.get(f"/__sandbox/truth/isbn/{variant['isbn13']}")).json()
            assert (known["kind"], known["form"], known["work_id"]) == ("variant", variant["form"], book["work_id"])


async def test_ground_truth_knows_library_books_and_their_look_alikes(sandbox, library, relatives):
    client = sandbox()
    answer = (
        await client.get("/__sandbox/truth", params={"title": "Murtagh", "author": "Paolini, Christopher"})
    ).json()
    assert answer["isbns"] == ["9780593781326", "9780593781333"]
    assert answer["named_by"] == []
    work = library.works[0]
    rival = next(filter(other_work, relatives.of(work)))
    known = (await client.get(f"/__sandbox/truth/isbn/{rival.isbn13}")).json()
    assert (known["kind"], known["about"]) == ("look-alike", work.id)
    assert known["work_id"] != work.id


async def test_ground_truth_answers_404_for_unknown_books(sandbox):
    client: httpx2.AsyncClient = sandbox()
    nowhere = await client.get("/__sandbox/truth", params={"title": "No Such Book", "author": "Nobody"})
    assert nowhere.status_code == 404
    assert (await client.get("/__sandbox/truth/isbn/9780000000002")).status_code == 404
    assert (await client.get("/__sandbox/truth")).json() == []
