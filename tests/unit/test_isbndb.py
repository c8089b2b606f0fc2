"""What ISBNdb's records look like in the wild, and what its refusals mean."""

import json
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from alexandria.catalogue.models import Candidate, Isbn13, PartialDate
from alexandria.core import errors
from alexandria.providers.base import KeyStatus, ReportsUsage
from alexandria.providers.client import MAX_TRIES, NEGATIVE_LIFETIME
from alexandria.providers.isbndb import BULK_SIZE, MAX_QUERY_LENGTH, ISBNdb

CODE = Candidate("The Da Vinci Code", "Dan Brown", 2003, 3)
ISBN = Isbn13("9780385504201")
RECORD = {
    "title": "The Da Vinci Code",
    "title_long": "The Da Vinci Code: A Novel",
    "isbn": "9780385504201",
    "isbn13": "9780385504201",
    "isbn10": "0385504209",
    "authors": ["Brown, Dan"],
    "publisher": "Doubleday",
    "language": "Eng English",
    "date_published": "2003-03-18",
    "binding": "Hardcover",
    "pages": 454,
    "msrp": "24.95",
    "image": "Https://images.isbndb.com/covers/42/01/9780385504201.jpg",
    "image_original": "https://images.isbndb.com/covers/original/1.jpg?key=canary-jwt",
    "synopsys": "<p><p>A murder &amp; a chase.<br/>",
    "subjects": [
        "Fiction",
        "Books &amp; Reading",
        "Self Service",
        "PS3552.R685434 D3 2003",
        "813/.54",
        "Custom Stores",
    ],
    "dewey_decimal": "813.54",
    "related": [],
    "dimensions_structured": [],
    "other_isbns": [{"isbn": "9780307474278", "binding": "Mass Market Paperback"}, {"isbn": "0385504209"}, "odd", {}],
}


def listed(*records, name="books"):
    return httpx2.Response(200, json={"total": len(records), name: records})


def isbns(count):
    bodies = (f"97803855{number:04d}" for number in range(count))
    return [Isbn13(body + str(-sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(body)) % 10)) for body in bodies]


def bulk(unknown=()):
    """A server that has every ISBN but these, and returns them in no particular order."""

    def far_end(request):
        asked = json.loads(request.content)["isbns"]
        known = [{"title": f"Book {isbn}", "isbn13": isbn} for isbn in reversed(asked) if isbn not in unknown]
        return listed(*known, name="data")

    return far_end


async def only(reach, record):
    hits = await ISBNdb(reach("isbndb", listed(record))).find(CODE)
    return hits[0] if hits else None


async def test_a_book_is_searched_by_the_words_of_title_and_author(reach):
    client = reach("isbndb", listed(RECORD))
    await ISBNdb(client).find(Candidate('What/"Who"? #1 (The Whos, #2)', "Seuss, Dr."))
    (request,) = client.sent
    assert request.url.raw_path.startswith(b"/prefix/books/what%20who%201%20seuss?")
    assert request.headers["Authorization"] == "canary-key"
    assert request.method == "GET"


async def test_a_long_title_is_cut_to_what_isbndb_reads(reach):
    client = reach("isbndb", listed(RECORD))
    await ISBNdb(client).find(Candidate("wording " * 60, "Dan Brown"))
    query = client.sent[0].url.path.removeprefix("/prefix/books/")
    assert MAX_QUERY_LENGTH - 10 < len(query) <= MAX_QUERY_LENGTH


async def test_a_whole_record_becomes_a_hit(reach):
    hit = await only(reach, RECORD)
    assert hit is not None
    assert (hit.source.provider, hit.source.id) == ("isbndb", ISBN)
    assert (hit.title, hit.subtitle, hit.authors) == ("The Da Vinci Code", "A Novel", ("Brown, Dan",))
    assert (hit.isbn13, hit.published, hit.publisher) == (ISBN, PartialDate(2003, 3, 18), "Doubleday")
    assert (hit.language, hit.binding, hit.pages) == ("en", "Hardcover", 454)
    assert hit.subjects == ("Fiction", "Books & Reading")
    assert hit.related == ("9780307474278",)


@pytest.mark.parametrize("name", ["synopsis", "synopsys", "overview"])
async def test_pictures_with_tokens_and_descriptions_are_not_stored(reach, answers, name):
    """A description has three names, one of them misspelt, and HTML inside."""
    await only(reach, RECORD | {name: "<p><p>A <h3>canary</h3> murder &amp; a chase.<br/>"})
    assert "canary-jwt" not in str(answers.kept)
    assert "murder" not in str(answers.kept)


@pytest.mark.parametrize(
    "odd",
    [
        {"msrp": 9.99, "dewey_decimal": ["813.54"], "edition": "", "format": ""},
        {"msrp": "0.00", "dewey_decimal": "", "related": {"ebook": 1}, "dimensions_structured": {"width": {}}},
        {"image": 7, "prices": None, "reviews": "", "a field of tomorrow": [{}]},
    ],
    ids=["numbers and lists", "texts and objects", "nonsense"],
)
async def test_an_unused_field_may_be_of_any_type(reach, odd):
    assert (await only(reach, RECORD | odd)).isbn13 == ISBN


@pytest.mark.parametrize("name", ["books", "data"])
async def test_the_list_has_two_names(reach, name):
    assert len(await ISBNdb(reach("isbndb", listed(RECORD, name=name))).find(CODE)) == 1


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("pages", [], None), ("pages", "454", 454), ("pages", 0, None),
        ("date_published", "", None), ("date_published", 2015, PartialDate(2015)), ("date_published", "July 1982", PartialDate(1982, 7)),
        ("date_published", "2017-11-30T00:00:00.000Z", PartialDate(2017, 11, 30)),
        ("publisher", "", ""), ("publisher", None, ""), ("publisher", 7, ""),
        ("language", "", ""), ("language", "ger German", "de"), ("binding", "", ""), ("binding", None, ""),
        ("authors", ["Smith", "Frank"], ("Smith, Frank",)), ("authors", ["Vale-allen", "Charlotte"], ("Vale-allen, Charlotte",)),
        ("authors", ["Rhea, Nicholas , 1936-2017"], ("Rhea, Nicholas",)), ("authors", ["Whitelaw, Stella."], ("Whitelaw, Stella",)),
        ("authors", ["Ann Lee", "Bo Li (editor)"], ("Ann Lee", "Bo Li")), ("authors", "Dan Brown", ("Dan Brown",)),
        ("authors", None, ()), ("subjects", None, ()), ("other_isbns", None, ()),
        ("title", "Up &amp; In Flames", "Up & In Flames"), ("language", "en", "en"),
        ("title", "Up In Flames (severn House Large Print)", "Up In Flames (severn House Large Print)"),
        ("authors", ["Katherine & Harris, Deborah Turner Kurtz"], ("Katherine & Harris, Deborah Turner Kurtz",)),
        ("authors", ["Nelson, Bob, Ph.D.", "Gege Akutami ~autofilled~"], ("Nelson, Bob, Ph.D.", "Gege Akutami")),
    ],
)  # fmt: skip
async def test_a_field_is_read_in_whatever_type_it_comes(reach, field, value, read):
    hit = await only(reach, RECORD | {field: value})
    own = {"date_published": "published", "other_isbns": "related"}.get(field, field)
    assert getattr(hit, own) == read


async def test_absent_fields_are_silence(reach):
    hit = await only(reach, {"title": "Bare", "isbn13": "9780385504201"})
    assert hit is not None
    assert (hit.authors, hit.publisher, hit.published, hit.pages, hit.language, hit.related) == (
        (),
        "",
        None,
        None,
        "",
        (),
    )


async def test_the_date_has_two_names(reach):
    hit = await only(reach, RECORD | {"date_published": "", "publish_date": "January 2014"})
    assert hit is not None
    assert hit.published == PartialDate(2014, 1)


@pytest.mark.parametrize("slug", ["up-in-flames", "the_red_tide"])
@pytest.mark.parametrize(("title", "read"), [("", None), ("Up in Flames", ("Up in Flames", ""))])
async def test_a_slug_is_no_title(reach, slug, title, read):
    hit = await only(reach, RECORD | {"title": title, "title_long": slug})
    assert (hit and (hit.title, hit.subtitle)) == read


async def test_the_long_title_serves_where_the_short_one_is_missing(reach):
    hit = await only(reach, RECORD | {"title": None})
    assert hit is not None
    assert hit.title == "The Da Vinci Code: A Novel"


@pytest.mark.parametrize(
    "odd",
    [
        {"isbn13": "9780385504202", "isbn10": "0385504209"},
        {"isbn13": "", "isbn": "", "isbn10": ""},
        {"isbn10": "0307474275"},
        {"isbn": "9780307474278"},
        {"title": "", "title_long": ""},
    ],
    ids=["wrong check digit", "no ISBN", "two books' ISBNs", "two books' ISBNs again", "no title"],
)
async def test_a_record_that_cannot_be_believed_is_refused_alone(reach, odd):
    other = {"title": "Another", "isbn13": "9780307474278"}
    hits = await ISBNdb(reach("isbndb", listed(RECORD | odd, None, "odd", other))).find(CODE)
    assert [hit.title for hit in hits] == ["Another"]


async def test_an_old_record_with_ten_digits_is_read(reach):
    hit = await only(reach, {"title": "Reprint", "isbn": "115082395x"})
    assert hit is not None
    assert hit.isbn13 == "9781150823954"


async def test_a_check_digit_in_either_case_is_one_edition(reach):
    records = [{"title": "Reprint", "isbn": isbn, "isbn13": "9781150823954"} for isbn in ("115082395X", "115082395x")]
    hits = await ISBNdb(reach("isbndb", listed(*records))).find(CODE)
    assert [hit.isbn13 for hit in hits] == ["9781150823954"]


async def test_an_edition_listed_twice_is_one_hit(reach):
    twice = RECORD | {"isbn": "0385504209", "publisher": "Another"}
    hits = await ISBNdb(reach("isbndb", listed(RECORD, twice))).find(CODE)
    assert [hit.publisher for hit in hits] == ["Doubleday"]


@pytest.mark.parametrize(
    "nothing",
    [
        httpx2.Response(200, json={"subject": "", "books": []}),
        httpx2.Response(200, json={"total": 0, "data": [], "requested": 0}),
        httpx2.Response(404, json={"message": "No results", "error_message": "Book Not Found"}),
        httpx2.Response(404, json={"errorMessage": "Not Found"}, headers={"ratelimit": '"pace";r=0;t=1, "daily";r=7'}),
        httpx2.Response(404, html="<p>"),
    ],
)
async def test_nothing_found_has_many_forms_and_is_asked_again_within_a_day(reach, answers, nothing):
    client = reach("isbndb", [nothing])
    assert await ISBNdb(client).find(CODE) == []
    assert await ISBNdb(client).find(CODE) == []
    assert list(answers.lives.values()) == [NEGATIVE_LIFETIME]
    assert timedelta(days=1) > NEGATIVE_LIFETIME


@pytest.mark.parametrize(("left", "spent"), [(0, True), (1, False), (None, False)])
async def test_the_404_that_may_mean_a_spent_plan_is_cleared_up_by_the_key(reach, limiter, left, spent):
    def far_end(request):
        if request.url.path.endswith("/key"):
            return httpx2.Response(200, json={"plan_limit": {"total": 5, "spent": 5, "left": left}})
        return httpx2.Response(404, json={"errorMessage": "Not Found"})

    source = ISBNdb(reach("isbndb", far_end))
    if spent:
        with pytest.raises(errors.QuotaSpent) as refused:
            await source.find(CODE)
        assert refused.value.until > datetime.now(UTC)
        assert [provider for provider, *_ in limiter.pauses] == ["isbndb"]
    else:
        assert await source.find(CODE) == []
        assert await source.find(CODE) == []


async def test_the_404_of_a_plan_whose_headers_say_it_is_spent(reach):
    gone = httpx2.Response(404, json={"errorMessage": "Not Found"}, headers={"ratelimit": '"daily";r=0'})
    with pytest.raises(errors.QuotaSpent):
        await ISBNdb(reach("isbndb", gone)).find(CODE)


@pytest.mark.parametrize(
    ("response", "error", "hint"),
    [
        (
            httpx2.Response(401, json={"message": "Full authentication is required"}),
            errors.KeyRefused,
            "ISBNDB_API_KEY",
        ),
        (httpx2.Response(403, json={"message": "Forbidden"}), errors.KeyRefused, "ALEXANDRIA_ISBNDB_BASE_URL"),
        (httpx2.Response(429, json={"message": "Daily quota exceeded, please try again later"}), errors.QuotaSpent, ""),
        (httpx2.Response(429, json={"message": "Limit Exceeded"}), errors.RateLimited, ""),
        (httpx2.Response(429, json={"errorMessage": "Per minute quota exceeded"}), errors.RateLimited, ""),
        (httpx2.Response(429, html="<p>"), errors.RateLimited, ""),
        (httpx2.Response(400, json={"message": "no"}), errors.RequestRefused, ""),
        (httpx2.Response(500, json={"message": "no"}), errors.ProviderDown, ""),
        (httpx2.Response(200, json={"total": 1}), errors.BadAnswer, ""),
        (httpx2.Response(200, json=[]), errors.BadAnswer, ""),
        (httpx2.Response(200, html="<p>"), errors.BadAnswer, ""),
    ],
)
async def test_refusals_are_distinguished(reach, response, error, hint):
    with pytest.raises(error) as refused:
        await ISBNdb(reach("isbndb", response)).find(CODE)
    assert type(refused.value) is error
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "40"}, 40), ({"ratelimit": '"pace";r=0;t=35'}, 35), ({"ratelimit": "limit=3, remaining=0, reset=33"}, 33)],
)  # fmt: skip
async def test_the_wait_is_read_from_either_header(reach, headers, seconds):
    with pytest.raises(errors.RateLimited) as limited:
        await ISBNdb(reach("isbndb", httpx2.Response(429, headers=headers))).find(CODE)
    assert limited.value.retry_after == seconds


async def test_a_thorough_search_continues_among_the_authors_books(reach, limiter):
    """Their container has no total and repeats the name from the URL."""
    other = {"title": "Angels & Demons", "isbn13": "9780671027360"}
    author = {"author": "dan%20brown", "books": [other, RECORD | {"title": "The DaVinci Code"}]}
    nothing = httpx2.Response(200, json={"subject": "", "books": []})
    client = reach("isbndb", [nothing, httpx2.Response(200, json=author)])
    hits = await ISBNdb(client, thorough=True).find(CODE)
    assert [hit.title for hit in hits] == ["The DaVinci Code"]
    assert client.sent[1].url.raw_path.startswith(b"/prefix/author/dan%20brown?")
    assert limiter.permits == [("isbndb", 1)] * 2


@pytest.mark.parametrize(
    ("thorough", "author", "first"),
    [(False, "Dan Brown", None), (True, "", None), (True, "Dan Brown", RECORD)],
    ids=["not thorough", "no author", "found at once"],
)
async def test_the_authors_books_cost_a_call_only_where_they_may_help(reach, thorough, author, first):
    client = reach("isbndb", [listed(*([first] if first else []))])
    await ISBNdb(client, thorough=thorough).find(Candidate("The Da Vinci Code", author))
    assert len(client.sent) == 1


async def test_an_unknown_author_finds_nothing(reach):
    unknown = httpx2.Response(404, json={"message": "No results", "error_message": "Author Not Found"})
    client = reach("isbndb", [listed(), unknown])
    assert await ISBNdb(client, thorough=True).find(CODE) == []


async def test_without_a_key_nothing_is_sent(reach):
    client = reach("isbndb", listed(RECORD), key=None)
    with pytest.raises(errors.KeyMissing):
        await ISBNdb(client).find(CODE)
    assert client.sent == []


async def test_many_isbns_cost_one_unit_each_and_unknown_ones_are_absent(reach, limiter):
    known, unknown = isbns(BULK_SIZE + 20)[:-3], isbns(BULK_SIZE + 20)[-3:]
    client = reach("isbndb", bulk(unknown))
    found = await ISBNdb(client).by_isbns([*known, *unknown, known[0]])
    assert found.keys() == set(known)
    assert all(hit.isbn13 == isbn == hit.source.id for isbn, hit in found.items())
    assert limiter.permits == [("isbndb", BULK_SIZE), ("isbndb", 20)]
    assert [len(json.loads(request.content)["isbns"]) for request in client.sent] == [BULK_SIZE, 20]


async def test_an_isbn_is_paid_once_however_it_is_grouped_later(reach, limiter, answers):
    one, two, three, unknown = isbns(4)
    client = reach("isbndb", bulk([unknown]))
    source = ISBNdb(client)
    await source.by_isbns([one, unknown])
    assert (await source.by_isbns([unknown, three, one, two])).keys() == {one, two, three}
    assert limiter.permits == [("isbndb", 2), ("isbndb", 2)]
    assert sorted(json.loads(client.sent[1].content)["isbns"]) == sorted([two, three])
    assert [life for life in answers.lives.values() if life == NEGATIVE_LIFETIME] == [NEGATIVE_LIFETIME]


async def test_the_last_units_of_the_day_are_used_and_what_they_bought_is_kept(reach, limiter):
    wanted = isbns(10)
    source = ISBNdb(reach("isbndb", bulk()))
    limiter.room = 4
    assert len(await source.by_isbns(wanted)) == 10
    assert [units for _, units in limiter.permits] == [10, 4, 4, 2]
    assert limiter.refunded == 4


async def test_a_day_that_ends_in_mid_course_keeps_what_was_fetched(reach, limiter):
    wanted = isbns(BULK_SIZE + 1)
    client = reach("isbndb", bulk())

    def far_end_then_spent(request):
        limiter.refusal = errors.QuotaSpent("isbndb", "spent", until=datetime(2030, 1, 1, tzinfo=UTC))
        return bulk()(request)

    source = ISBNdb(reach("isbndb", far_end_then_spent))
    with pytest.raises(errors.QuotaSpent):
        await source.by_isbns(wanted)
    limiter.refusal = None
    assert len(await ISBNdb(client).by_isbns(wanted)) == BULK_SIZE + 1
    assert [json.loads(request.content)["isbns"] for request in client.sent] == [wanted[-1:]]


async def test_no_isbns_cost_no_call(reach):
    client = reach("isbndb", bulk())
    assert await ISBNdb(client).by_isbns([]) == {}
    assert client.sent == []


async def test_the_key_endpoint_reports_the_plan_uncached_and_free(reach, limiter):
    body = {
        "api_host": "api2.isbndb.com",
        "plan_name": "Premium",
        "plan_limit": {"total": 15000, "spent": 12, "left": 14988},
    }
    client = reach("isbndb", httpx2.Response(200, json=body))
    source = ISBNdb(client)
    assert isinstance(source, ReportsUsage)
    for _ in range(2):
        assert await source.key_status() == KeyStatus("api2.isbndb.com", "Premium", 15000, 12, 14988)
    assert len(client.sent) == 2
    assert limiter.permits == [("isbndb", 0)] * 2


@pytest.mark.parametrize("limit", [[], {}, {"total": "many", "spent": -1, "left": 2**31}, None])
async def test_a_key_endpoint_with_few_fields_is_no_error(reach, limit):
    client = reach("isbndb", httpx2.Response(200, json={"plan_limit": limit}))
    assert await ISBNdb(client).key_status() == KeyStatus()


async def test_an_outage_is_tried_a_few_times(reach):
    client = reach("isbndb", [httpx2.Response(500)] * (MAX_TRIES - 1) + [listed(RECORD)])
    assert len(await ISBNdb(client).find(CODE)) == 1
