"""What Open Library's works and editions look like in the wild, and which ISBN may be believed."""

import httpx2
import pytest

from alexandria.catalogue.models import Candidate, Isbn13, PartialDate
from alexandria.core import errors
from alexandria.providers.client import MAX_TRIES, NEGATIVE_LIFETIME
from alexandria.providers.open_library import BULK_SIZE, CACHE_LIFETIME, MAX_ISBNS, MAX_RELATED, OpenLibrary

CODE = Candidate("The Da Vinci Code", "Dan Brown", 2003, 3)
EDITION = {
    "key": "/books/OL1M",
    "title": "The Da Vinci Code",
    "publisher": ["Doubleday"],
    "publish_date": ["March 18, 2003"],
    "format": ["Hardcover"],
    "language": ["eng"],
    "isbn": ["0385504209", "9780385504201"],
}
WORK = {
    "key": "/works/OL1W",
    "title": "The Da Vinci Code",
    "author_name": ["Dan Brown"],
    "first_publish_year": 2003,
    "isbn": ["9780307474278", "0385504209", "9780385504201", "675093681"],
    "editions": {"numFound": 1, "start": 0, "numFoundExact": True, "docs": [EDITION]},
}
DETAILS = {
    "key": "/books/OL2M",
    "title": "The Da Vinci Code",
    "isbn_13": ["9780307474278"],
    "authors": [{"key": "/authors/OL1A", "name": "Dan Brown"}],
    "works": [{"key": "/works/OL1W"}],
    "publishers": ["Anchor"],
    "publish_date": "March 31, 2009",
    "physical_format": "Mass Market Paperback",
    "number_of_pages": 597,
    "pagination": "xii, 600 p. ;",
    "languages": [{"key": "/languages/eng"}],
    "description": {"type": "/type/text", "value": "canary description\r\n"},
}


def valid_isbns(count):
    """Old ISBNs with ten digits and a check digit that is no X."""
    bodies = (f"{number:09d}" for number in range(1, 10 * count))
    checked = (f"{body}{-sum(int(d) * (10 - i) for i, d in enumerate(body)) % 11}" for body in bodies)
    return [isbn for isbn in checked if len(isbn) == 10][:count]


def found(*works):
    return httpx2.Response(200, json={"numFound": len(works), "num_found": len(works), "start": 0, "docs": works})


def detailed(*records):
    entries = {f"ISBN:{number}": {"bib_key": "x", "details": record} for number, record in enumerate(records)}
    return httpx2.Response(200, json=entries)


def without(record, *names):
    return {name: value for name, value in record.items() if name not in names}


def nested(edition, **work):
    return WORK | {"editions": {"docs": [edition]}} | work


async def find(reach, *responses, candidate=CODE):
    client = reach("open_library", list(responses))
    return await OpenLibrary(client).find(candidate), client


async def find_widely(reach, *responses, candidate=CODE):
    client = reach("open_library", list(responses))
    return await OpenLibrary(client).find_widely(candidate), client


async def test_a_work_is_searched_by_title_and_family_name_with_its_best_edition(reach):
    (hit,), client = await find(reach, found(WORK))
    (request,) = client.sent
    assert request.url.path == "/prefix/search.json"
    assert request.url.params["title"] == "the da vinci code"
    assert request.url.params["author"] == "brown"
    assert {"isbn", "editions", "editions.isbn"} < set(request.url.params["fields"].split(","))
    assert (hit.source.provider, hit.source.id, hit.work_key) == ("open_library", "/books/OL1M", "/works/OL1W")
    assert (hit.title, hit.authors, hit.isbn13) == ("The Da Vinci Code", ("Dan Brown",), "9780385504201")
    assert (hit.published, hit.first_published) == (PartialDate(2003, 3, 18), 2003)
    assert (hit.publisher, hit.binding, hit.language) == ("Doubleday", "Hardcover", "en")
    assert hit.related == ("9780307474278",)


async def test_a_works_mixed_isbns_are_never_an_editions(reach):
    """An edition without an ISBN gets none from its work; the ISBNs are traced to the editions they belong to."""
    hits, client = await find(reach, found(nested(without(EDITION, "isbn"))), detailed(DETAILS))
    assert [(hit.source.id, hit.isbn13) for hit in hits] == [("/books/OL1M", None), ("/books/OL2M", "9780307474278")]
    assert client.sent[1].url.path == "/prefix/api/books"
    assert client.sent[1].url.params["jscmd"] == "details"
    assert client.sent[1].url.params["bibkeys"] == "ISBN:9780307474278,ISBN:9780385504201"


async def test_an_edition_found_by_follow_up_is_complete(reach, answers):
    hits, _ = await find(reach, found(nested(without(EDITION, "isbn"))), detailed(DETAILS))
    hit = hits[1]
    assert (hit.title, hit.authors, hit.publisher) == ("The Da Vinci Code", ("Dan Brown",), "Anchor")
    assert (hit.published, hit.first_published, hit.work_key) == (PartialDate(2009, 3, 31), 2003, "/works/OL1W")
    assert (hit.binding, hit.pages, hit.language) == ("Mass Market Paperback", 597, "en")
    assert "canary" not in str(answers.kept)


@pytest.mark.parametrize(
    "edition",
    [
        without(EDITION, "isbn"),
        EDITION | {"isbn": ["675093681"]},
        EDITION | {"publish_date": ["1999"]},
        EDITION | {"format": ["Audio CD"]},
        EDITION | {"format": ["eBook"]},
    ],
    ids=["no ISBN", "no valid ISBN", "far from the year", "audio", "ebook"],
)
async def test_a_work_whose_best_edition_lacks_fields_is_followed_up(reach, edition):
    hits, client = await find(reach, found(nested(edition)), detailed(DETAILS))
    assert len(client.sent) == 2
    assert "9780307474278" in [hit.isbn13 for hit in hits]


async def test_a_follow_up_asks_about_all_open_works_at_once_but_not_without_end(reach):
    isbns = valid_isbns(MAX_ISBNS + 20)
    works = [
        nested(without(EDITION, "isbn"), key=f"/works/{at}W", isbn=[isbn, isbns[0]]) for at, isbn in enumerate(isbns)
    ]
    _, client = await find(reach, found(*works), detailed())
    assert len(client.sent) == 2
    assert client.sent[1].url.params["bibkeys"].count("ISBN:") == MAX_ISBNS


async def test_a_work_of_another_title_is_not_followed_up(reach):
    other = nested(without(EDITION, "isbn"), title="Angels and Demons")
    _, client = await find(reach, found(other))
    assert len(client.sent) == 1


async def test_other_titles_and_names_are_kept_with_the_work_and_the_edition(reach):
    known = {
        "alternative_title": ["Sakrileg", "The Da Vinci code"],
        "author_alternative_name": ["D. Brown", "Dan Brown"],
    }
    (hit,), client = await find(reach, found(WORK | known))
    assert (hit.other_titles, hit.other_names) == (("Sakrileg",), ("D. Brown",))
    assert {"alternative_title", "author_alternative_name"} <= set(client.sent[0].url.params["fields"].split(","))


async def test_the_original_and_the_uniform_title_of_an_edition_go_first(reach):
    own = {
        "title": "Sakrileg",
        "translation_of": "The Da Vinci Code",
        "work_titles": ["Der Da-Vinci-Code"],
        "other_titles": 7,
    }
    hits, _ = await find(
        reach, found(WORK | {"editions": {}, "alternative_title": ["Demonii"]}), detailed(DETAILS | own)
    )
    assert hits[-1].other_titles == ("The Da Vinci Code", "Der Da-Vinci-Code", "Demonii")


async def test_a_work_of_another_title_is_followed_up_if_it_is_known_by_the_one_asked(reach):
    work = WORK | {"title": "Sakrileg", "alternative_title": ["Sakrileg", "The Da Vinci Code"], "editions": {}}
    hits, client = await find(reach, found(work), detailed(DETAILS))
    assert len(client.sent) == 2
    assert hits[-1].isbn13 == "9780307474278"


async def test_other_titles_are_bounded(reach):
    (hit,), _ = await find(reach, found(WORK | {"alternative_title": [f"Title {number}" for number in range(5000)]}))
    assert len(hit.other_titles) == 100


async def test_the_same_edition_by_both_ways_is_one_hit(reach):
    same = DETAILS | {"isbn_13": ["9780385504201"]}
    hits, _ = await find(reach, found(nested(EDITION | {"publish_date": ["1999"]})), detailed(same))
    assert [hit.isbn13 for hit in hits] == ["9780385504201"]


async def test_a_hit_with_little_data_is_still_evidence(reach):
    (hit,), _ = await find(reach, found({"key": "/works/OL9W", "title": "The Da Vinci Code", "type": "work"}))
    assert (hit.title, hit.isbn13, hit.authors, hit.first_published) == ("The Da Vinci Code", None, (), None)


@pytest.mark.parametrize(
    ("isbn", "own", "others"),
    [
        (["0385504209"], "9780385504201", ()),
        (["9780385504201"], "9780385504201", ()),
        (["0385504209", "9780385504201"], "9780385504201", ()),
        (["0385504209", "0307474275", "038550420x"], None, ("9780385504201", "9780307474278")),
        (["9798218000004"], "9798218000004", ()),
        (["080442957X"], "9780804429573", ()),
    ],
)
async def test_an_editions_isbns_are_read_in_every_form(reach, isbn, own, others):
    edition = nested(EDITION | {"isbn": isbn}, isbn=[])
    (hit,), _ = await find(reach, found(edition))
    assert (hit.isbn13, hit.related) == (own, others)


@pytest.mark.parametrize(
    "numbers",
    [
        {"isbn_13": ["9780307474278"]},
        {"isbn_10": ["0307474275"]},
        {"isbn_13": ["9780307474278"], "isbn_10": ["0307474275"]},
    ],
)
async def test_a_traced_edition_may_have_either_kind_of_isbn(reach, numbers):
    record = without(DETAILS, "isbn_13") | numbers
    hits, _ = await find(reach, found(nested(without(EDITION, "isbn"))), detailed(record))
    assert hits[1].isbn13 == "9780307474278"


@pytest.mark.parametrize(
    "numbers",
    [
        {"isbn_10": ["0307474275", "0385504209", "080442957X"]},
        {"isbn_13": ["9780307474278"], "isbn_10": ["0307474275", "0385504209", "080442957X"]},
        {"isbn_13": ["9780307474278", "9780385504201", "9780804429573"]},
    ],
)
async def test_a_traced_edition_with_the_isbns_of_several_has_none_of_its_own(reach, numbers):
    record = without(DETAILS, "isbn_13") | numbers
    hits, _ = await find(reach, found(nested(without(EDITION, "isbn"))), detailed(record))
    assert hits[1].isbn13 is None
    assert hits[1].related == ("9780307474278", "9780385504201", "9780804429573")


@pytest.mark.parametrize(
    "record",
    [without(DETAILS, "isbn_13"), DETAILS | {"isbn_13": ["9780307474279"]}, DETAILS | {"title": " ** "}, {}],
    ids=["no ISBN", "wrong check digit", "no title", "empty"],
)
async def test_a_traced_edition_that_cannot_be_believed_is_refused_alone(reach, record):
    hits, _ = await find(reach, found(nested(without(EDITION, "isbn"))), detailed(record, DETAILS))
    assert [hit.isbn13 for hit in hits] == [None, "9780307474278"]


@pytest.mark.parametrize("authors", [{"authors": [{"key": "/authors/OL1A"}]}, {}], ids=["keys alone", "absent"])
async def test_an_edition_without_names_has_those_of_its_work(reach, authors):
    record = without(DETAILS, "authors") | authors
    hits, _ = await find(reach, found(nested(without(EDITION, "isbn"))), detailed(record))
    assert hits[1].authors == ("Dan Brown",)


@pytest.mark.parametrize("title", ["  The Da Vinci Code ", "The Da Vinci Code **", "The Da Vinci Code\r\n"])
async def test_titles_come_with_blanks_and_asterisks(reach, title):
    (hit,), _ = await find(reach, found(nested(EDITION | {"title": title})))
    assert hit.title == "The Da Vinci Code"


async def test_the_same_work_twice_is_one_hit_an_edition(reach):
    hits, _ = await find(reach, found(WORK, WORK))
    assert len(hits) == 1


async def test_the_same_edition_under_two_works_is_one_hit(reach):
    hits, _ = await find(reach, found(WORK, WORK | {"key": "/works/OL8W", "title": "Da Vinci Code"}))
    assert [hit.isbn13 for hit in hits] == ["9780385504201"]


@pytest.mark.parametrize(
    "odd",
    [
        {"description": "Plain *Markdown*\r\n", "notes": {"type": "/type/text", "value": "x"}, "bio": None},
        {"description": None, "notes": "x"},
        {"first_publish_date": "1988", "pagination": "xxxiii, 459 p. :", "number_of_pages": "597"},
    ],
    ids=["text and object", "absent", "numbers as texts"],
)
async def test_a_traced_editions_loose_fields_do_no_harm(reach, odd):
    hits, _ = await find(reach, found(nested(without(EDITION, "isbn"))), detailed(DETAILS | odd))
    assert (hits[1].isbn13, hits[1].pages) == ("9780307474278", 597)


@pytest.mark.parametrize("binding", ["School & Library Binding", "Unknown Binding", "Audio cassette"])
async def test_a_binding_is_kept_as_it_is_printed(reach, binding):
    hits, _ = await find(reach, found(nested(EDITION | {"format": [binding]})), detailed())
    assert hits[0].binding == binding


async def test_related_isbns_are_bounded(reach):
    (hit,), _ = await find(reach, found(nested(EDITION, isbn=valid_isbns(MAX_RELATED + 9))))
    assert len(hit.related) == MAX_RELATED


@pytest.mark.parametrize(
    "odd",
    [{"editions": []}, {"editions": None}, {"editions": {"docs": None}}, {"isbn": None}, {"author_name": "Dan Brown"},
     {"first_publish_year": "2003"}, {"subtitle": 7}],
    ids=str,
)  # fmt: skip
async def test_fields_of_another_type_are_silence(reach, odd):
    hits, _ = await find(reach, found(WORK | odd), detailed())
    assert [hit.title for hit in hits] == ["The Da Vinci Code"]


async def test_a_title_with_a_subtitle_is_tried_without_it_and_then_the_author(reach):
    """The first search is one request: what it does not find another source may know."""
    candidate = Candidate("Code: The Novel", "Dan Brown, Somebody Else", 2003)
    nothing, first = await find(reach, found(), candidate=candidate)
    hits, wider = await find_widely(reach, found(), found(WORK), candidate=candidate)
    asked = [(request.url.params.get("title"), request.url.params["author"]) for request in (*first.sent, *wider.sent)]
    assert asked == [("code the novel", "brown"), ("code", "brown"), (None, "dan brown")]
    assert (nothing, len(hits)) == ([], 1)


async def test_a_title_without_subtitle_is_not_searched_for_twice(reach):
    _, client = await find_widely(reach, found(), candidate=Candidate("Dune", "Frank Herbert"))
    assert [request.url.params.get("title") for request in client.sent] == [None]


async def test_the_numbers_of_an_edition_that_was_shown_are_not_asked_about_again(reach):
    """A reprint that is the work's only edition: a second request would say the same."""
    alone = nested(EDITION | {"publish_date": ["1999"]}, isbn=EDITION["isbn"])
    (hit,), client = await find(reach, found(alone))
    assert (hit.published.year, len(client.sent)) == (1999, 1)


async def test_nothing_found_is_stored_for_less_than_a_day(reach, answers):
    hits, client = await find(reach, found())
    assert (hits, len(client.sent)) == ([], 1)
    assert set(answers.lives.values()) == {NEGATIVE_LIFETIME}


async def test_unknown_isbns_are_an_empty_object(reach):
    hits, _ = await find(reach, found(nested(without(EDITION, "isbn"))), httpx2.Response(200, json={}))
    assert [hit.isbn13 for hit in hits] == [None]


async def test_a_refused_user_agent_is_reported_with_its_fix(reach):
    forbidden = httpx2.Response(403, html="<html>\r\n<h1>403 Forbidden</h1>")
    with pytest.raises(errors.KeyRefused) as refused:
        await find(reach, forbidden)
    assert "ALEXANDRIA_CONTACT" in refused.value.hint


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx2.Response(429, json={"status": 429, "message": "Too Many Requests."}), errors.RateLimited),
        (httpx2.Response(503, text="No server is available to handle this request"), errors.ProviderDown),
        (httpx2.Response(200, html="<p>"), errors.BadAnswer),
        (httpx2.Response(200, json={"error": "solr"}), errors.BadAnswer),
        (httpx2.Response(200, json=[]), errors.BadAnswer),
    ],
)
async def test_passing_troubles_are_tried_again(reach, response, error):
    client = reach("open_library", response)
    with pytest.raises(error):
        await OpenLibrary(client).find(CODE)
    assert len(client.sent) == MAX_TRIES


async def test_the_client_identifies_itself(reach):
    _, client = await find(reach, found(WORK))
    assert client.sent[0].headers["User-Agent"] == "Alexandria/1.2 (ops@library.test)"


ISBNS_ASKED = ["9780307474278", "9780385504201"]
FULL_WORK = without(WORK, "editions") | {
    "subject": ["Fiction", "Accessible book", "nyt:paperback=2009-04-19", "Secret societies -- Fiction"]
}


def numbered(**records):
    return httpx2.Response(200, json={f"ISBN:{number[1:]}": {"details": record} for number, record in records.items()})


async def test_many_isbns_are_asked_together_with_their_works(reach, answers):
    """One request for the editions and one for the works; the edition's facts and the work's are one hit."""
    both = numbered(_9780307474278=DETAILS | {"subjects": ["Art museums"]})
    client = reach("open_library", [both, found(FULL_WORK)])
    source = OpenLibrary(client)
    known = await source.by_isbns([Isbn13.parse(isbn) for isbn in ISBNS_ASKED])
    (hit,) = known.values()
    assert (list(known), hit.isbn13, hit.source.id) == (ISBNS_ASKED[:1], ISBNS_ASKED[0], "/books/OL2M")
    assert (hit.publisher, hit.published, hit.pages) == ("Anchor", PartialDate(2009, 3, 31), 597)
    assert (hit.binding, hit.language, hit.first_published) == ("Mass Market Paperback", "en", 2003)
    assert hit.subjects == ("Art museums", "Fiction", "Secret societies -- Fiction")
    assert hit.related == ("9780385504201",)
    assert client.sent[0].url.params["bibkeys"] == "ISBN:9780307474278,ISBN:9780385504201"
    assert client.sent[1].url.params["q"] == "isbn:(9780307474278)"
    assert "canary description" not in str(answers.kept)


async def test_an_isbn_is_asked_once_however_it_is_grouped_later(reach, answers):
    client = reach("open_library", [numbered(_9780307474278=DETAILS), found()])
    source = OpenLibrary(client)
    first = await source.by_isbns(map(Isbn13.parse, ISBNS_ASKED))
    again = await source.by_isbns([Isbn13.parse(ISBNS_ASKED[0])])
    assert again.keys() == first.keys()
    assert len(client.sent) == 2
    assert sorted(answers.lives.values()) == [NEGATIVE_LIFETIME, CACHE_LIFETIME]


async def test_bulk_lookups_are_as_small_as_the_maintainers_ask(reach):
    client = reach("open_library", lambda request: httpx2.Response(200, json={}))
    assert await OpenLibrary(client).by_isbns(map(Isbn13.parse, valid_isbns(2 * BULK_SIZE))) == {}
    assert [request.url.params["bibkeys"].count("ISBN:") for request in client.sent] == [BULK_SIZE, BULK_SIZE]


@pytest.mark.parametrize(
    "record",
    [DETAILS | {"isbn_13": ["9780385504201"]}, DETAILS | {"title": ""}, without(DETAILS, "isbn_13")],
    ids=["of another ISBN", "without title", "without ISBN"],
)
async def test_a_record_that_is_not_of_the_isbn_is_no_answer(reach, record):
    client = reach("open_library", [numbered(_9780307474278=record), found()])
    assert await OpenLibrary(client).by_isbns([Isbn13.parse("9780307474278")]) == {}


async def test_an_edition_with_several_isbns_answers_for_the_one_that_was_asked(reach):
    record = DETAILS | {"isbn_13": ["9780385504201", "9780307474278"]}
    client = reach("open_library", [numbered(_9780307474278=record), found()])
    known = await OpenLibrary(client).by_isbns([Isbn13.parse("9780307474278")])
    (hit,) = known.values()
    assert hit.related == ("9780385504201",)


async def test_a_refused_user_agent_is_not_reported_as_a_wrong_key(reach):
    """A page without a word of explanation; the hint names what helps."""
    page = "<html>\n<head><title>403 Forbidden</title></head>\n<body><h1>403 Forbidden</h1></body>\n</html>"
    client = reach("open_library", lambda _: httpx2.Response(403, html=page))
    with pytest.raises(errors.KeyRefused) as refused:
        await OpenLibrary(client).find(Candidate("Dune", "Frank Herbert"))
    assert refused.value.message == "open_library: refuses our User-Agent or network"
    assert "ALEXANDRIA_CONTACT" in refused.value.hint
