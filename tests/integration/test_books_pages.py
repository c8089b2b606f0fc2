"""The pages of the catalogue without a browser: what they show, where their links lead, and what wrong addresses get."""

import csv
import io
import re

import pymarc
import pytest

from alexandria.catalogue.search import EvidenceStatus, Sort
from alexandria.operations.status_style import EVIDENCE
from alexandria.web.dashboard.catalogue_pages import SORTS
from tests.support.shelf import HOBBIT, LEFT, MISERABLES, PAPERBACK, fill

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("shelf")]
LARGEST = 80_000  # bytes of the largest page of fifty books
CATALOGUE = ("/books", "/works", "/isbn", "/api/catalogue", "/months/2019")
LINK = re.compile(r'<a[^>]* href="(/[^"#]+)[^"]*"')


@pytest.fixture(scope="module")
def ids(shared_database_url):
    return fill(shared_database_url)


@pytest.fixture
def shelf(ids):
    """The books are in the database."""


async def page(client, path, status=200):
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    assert re.search(r"<title>[^<]+ · Alexandria Backfill</title>", answer.text)
    return answer.text


async def test_the_list_shows_each_book_with_its_links(admitted, ids):
    text = await page(admitted, "/books")
    for book in ids.values():
        assert f'href="/works/{book}"' in text
    for isbn in (HOBBIT, MISERABLES, LEFT):
        assert f'href="/isbn/{isbn}"' in text
    assert 'href="/months/2019-07"' in text
    assert "A Book &lt;i&gt;Nobody&lt;/i&gt; Has" in text
    assert len(text.encode()) < LARGEST


async def test_filters_stay_in_the_form_and_in_the_links(admitted):
    text = await page(admitted, "/books?q=the&language=en&sort=title&limit=1&month=&in_month=contradicted")
    assert 'name="q" type="search" value="the"' in text
    assert '<option value="contradicted" selected>' in text
    assert "<details open>" in text
    assert (
        'href="/api/catalogue/books.csv?q=the&amp;language=en&amp;sort=title&amp;limit=1&amp;in_month=contradicted"'
        in text
    )
    text = await page(admitted, "/books?q=the&limit=1")
    following = re.search(r'href="(/books\?[^"]+)" rel="next"', text)
    assert following
    text = await page(admitted, following[1].replace("&amp;", "&"))
    assert "‹ First books" in text


async def test_every_link_of_the_catalogue_leads_to_a_page(admitted, ids):
    seen, left = set(), {"/books", f"/works/{ids['The Hobbit']}"}
    while left:
        path = left.pop()
        seen.add(path)
        answer = await admitted.get(path.replace("&amp;", "&"))
        assert answer.status_code in {200, 303, 404}, path
        assert answer.status_code != 404 or path == "/isbn/9780764585951"  # a refused look-alike is in no catalogue
        if answer.headers.get("content-type", "").startswith("text/html"):
            left |= {each for each in LINK.findall(answer.text) if each.startswith(CATALOGUE)} - seen
    assert {f"/isbn/{HOBBIT}", "/months/2019-07", "/api/catalogue/books"} <= {path.partition("?")[0] for path in seen}


async def test_a_book_shows_its_refused_look_alike_and_its_records(admitted, ids):
    text = await page(admitted, f"/works/{ids['The Hobbit']}")
    assert "<strong>refuse</strong>" in text
    assert "by Gene Wolf &lt;b&gt;" in text
    assert 'href="https://openlibrary.org/books/OL2M"' in text
    assert f'id="i{PAPERBACK}"' in text
    assert f'href="https://covers.openlibrary.org/b/isbn/{HOBBIT}-L.jpg" rel="noreferrer"' in text
    assert "<img" not in text


async def test_an_isbn_leads_to_its_edition(admitted, ids):
    answer = await admitted.get("/isbn/0-261-10328-8")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/works/{ids['The Hobbit']}#i{PAPERBACK}")


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/books?month=2019-13", 422, "month: a month must look like 2019-07"),
        ("/books?after=x", 422, "after: it is not the end of a page"),
        ("/books?tile=x", 422, "tile: no such filter"),
        ("/works/999999", 404, "no book has the number 999999"),
        ("/works/x", 422, "is not the number of a book"),
        ("/works/" + "9" * 30, 422, "is not the number of a book"),
        ("/isbn/9780306406157", 404, "https://openlibrary.org/isbn/9780306406157"),
        ("/isbn/123", 422, "isbn13: "),
    ],
)
async def test_a_wrong_address_gets_a_page_with_the_fix(admitted, path, status, words):
    assert words in await page(admitted, path, status)


@pytest.mark.parametrize("path", ["/books", "/works/1", f"/isbn/{HOBBIT}"])
async def test_a_visitor_without_login_is_asked_for_it_and_comes_back(stranger, path):
    answer = await stranger.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?to={path}")
    assert f'name="to" value="{path}"' in (await stranger.get(f"/login?to={path}")).text


async def test_csv_and_marc_hold_the_books_that_are_shown(admitted):
    query = "?sort=title&limit=4"
    rows = list(csv.DictReader(io.StringIO((await admitted.get(f"/api/catalogue/books.csv{query}")).text)))
    assert [row["title"] for row in rows] == [
        "A Book <i>Nobody</i> Has", "Doubtful Pages", "Les Misérables", "The Hobbit",
    ]  # fmt: skip
    assert (rows[3]["isbn13"], rows[3]["months"], rows[0]["isbn13"]) == (HOBBIT, "2019-07", "")
    answer = await admitted.get(f"/api/catalogue/books.mrc{query}")
    assert answer.headers["content-disposition"] == 'attachment; filename="books.mrc"'
    records = [record for record in pymarc.MARCReader(answer.content) if record is not None]
    assert sorted(record["001"].data for record in records) == sorted([HOBBIT, MISERABLES])


async def test_every_status_has_words():
    assert EVIDENCE.keys() == {*EvidenceStatus}


async def test_a_decision_of_a_person_is_shown_as_one(admitted, api, ids):
    book = ids["Les Misérables"]
    body = {"expected": 0, "isbn13": MISERABLES, "who": "Ann <b>", "why": "a study guide"}
    assert (await api.post(f"/api/catalogue/works/{book}/reject", json=body)).status_code == 200
    text = await page(admitted, f"/works/{book}")
    assert "Decisions of persons" in text
    assert "Ann &lt;b&gt;" in text
    assert "withdrawn by a person" in text
    assert "no ISBN after review by a person" in await page(admitted, "/books?q=miserables")


async def test_every_order_can_be_chosen():
    assert SORTS.keys() == {*Sort}
