"""What Wikidata's rows look like in the wild: many a book, halves missing, precision apart, errors as answers."""

from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from alexandria.catalogue.models import Candidate, OtherTitle, PartialDate
from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.providers.client import MAX_TRIES
from alexandria.providers.wikidata import Wikidata

CODE = Candidate("The Da Vinci Code: A Novel", "Dan Brown", 2003, 3)
MARCH = Month(2003, 3)
XSD = "http://www.w3.org/2001/XMLSchema#"


def uri(item):
    return {"type": "uri", "value": f"http://www.wikidata.org/entity/{item}"}


def text(value, **extra):
    return {"type": "literal", "value": value, **extra}


def rows(*bindings):
    names = sorted({name for binding in bindings for name in binding})
    return httpx2.Response(200, json={"head": {"vars": names}, "results": {"bindings": bindings}})


EDITION = {
    "work": uri("Q1"),
    "workLabel": text("The Da Vinci Code", **{"xml:lang": "en"}),
    "authorLabel": text("Dan Brown"),
    "first": text("2003-03-18T00:00:00Z", datatype=f"{XSD}dateTime"),
    "item": uri("Q2"),
    "itemLabel": text("The Da Vinci Code"),
    "isbn": text("978-0-385-50420-1"),
    "date": text("2003-03-18T00:00:00Z", datatype=f"{XSD}dateTime"),
    "precision": text("11"),
    "language": text("en"),
    "pages": text("+454", datatype=f"{XSD}decimal"),
}
NAMED = {
    "work": uri("Q1"),
    "workLabel": text("The Da Vinci Code"),
    "authorLabel": text("Dan Brown"),
    "sitelinks": text("80", datatype=f"{XSD}integer"),
}


async def find(reach, *bindings):
    client = reach("wikidata", rows(*bindings))
    return await Wikidata(client).find(CODE), client


async def suggest(reach, *bindings, count=20):
    client = reach("wikidata", rows(*bindings))
    return await Wikidata(client).suggest(MARCH, "baseline", count), client


async def test_editions_are_entered_through_the_search_index(reach):
    (hit,), client = await find(reach, EDITION)
    (request,) = client.sent
    query = request.url.params["query"]
    assert request.url.path == "/prefix/sparql"
    assert request.headers["Accept"] == "application/sparql-results+json"
    assert "ops@library.test" in request.headers["User-Agent"]
    assert 'mwapi:search "the da vinci code"' in query
    assert '"brown"' in query
    assert (hit.source.id, hit.work_key, hit.title, hit.authors) == ("Q2", "Q1", "The Da Vinci Code", ("Dan Brown",))
    assert (hit.isbn13, hit.published, hit.first_published) == ("9780385504201", PartialDate(2003, 3, 18), 2003)
    assert (hit.language, hit.pages) == ("en", 454)


async def test_titles_and_names_in_other_languages_are_kept(reach):
    """In rows of their own, which name the work and no item."""
    known = [
        {"work": uri("Q1"), "known": text(title, **{"xml:lang": "de"})} for title in ("Sakrileg", "The da Vinci Code")
    ]
    alias = {"work": uri("Q1"), "alias": text("丹·布朗")}
    another = {"work": uri("Q9"), "known": text("Illuminati")}
    (hit,), client = await find(reach, EDITION, *known, alias, another)
    assert (hit.other_titles, hit.other_names) == (("Sakrileg",), ("丹·布朗",))
    assert [title.language for title in hit.other_titles if isinstance(title, OtherTitle)] == ["de"]
    assert "skos:altLabel" in client.sent[0].url.params["query"]


@pytest.mark.parametrize(("title", "language"), [("Das Schloß", "de"), ("Отцы и дети", "ru"), ("Brida", "en")])
async def test_a_title_is_searched_among_the_labels_of_its_language(reach, title, language):
    client = reach("wikidata", rows())
    await Wikidata(client).find(Candidate(title, "An Author"))
    assert f'mwapi:language "{language}"' in client.sent[0].url.params["query"]


async def test_no_quote_of_a_title_reaches_the_query(reach):
    client = reach("wikidata", rows())
    await Wikidata(client).find(Candidate('Say "When" } # \\', "O'Brien, Flann"))
    query = client.sent[0].url.params["query"]
    assert 'mwapi:search "say when"' in query
    assert '"o\'brien"' in query


async def test_a_title_of_signs_alone_is_not_asked_for(reach):
    client = reach("wikidata", rows())
    assert await Wikidata(client).find(Candidate("???", "Somebody")) == []
    assert client.sent == []


async def test_many_rows_of_an_item_are_one_hit(reach):
    other = EDITION | {"authorLabel": text("Ann Lee"), "isbn": text("0-385-50420-9"), "language": text("fr")}
    (hit,), _ = await find(reach, EDITION, other)
    assert (hit.authors, hit.isbn13, hit.language) == (("Dan Brown", "Ann Lee"), "9780385504201", "")


async def test_labels_in_several_languages_are_one_book(reach):
    labels = [text("Da Vinci Code", **{"xml:lang": "fr"}), text("達文西密碼", **{"xml:lang": "zh-tw"})]
    (hit,), _ = await find(reach, EDITION, *(EDITION | {"itemLabel": label, "language": label} for label in labels))
    assert (hit.title, hit.isbn13) == ("The Da Vinci Code", "9780385504201")


async def test_hyphens_may_stand_anywhere(reach):
    (hit,), _ = await find(reach, EDITION | {"isbn": text("97-80385-504201")})
    assert hit.isbn13 == "9780385504201"


async def test_an_item_with_several_isbns_stands_for_several_editions(reach):
    (hit,), _ = await find(reach, EDITION, EDITION | {"isbn": text("978-0-307-47427-8")})
    assert hit.isbn13 is None
    assert hit.related == ("9780385504201", "9780307474278")


async def test_unbound_and_unknown_values_are_silence(reach):
    bare = {name: EDITION[name] for name in ("work", "workLabel", "item", "isbn")}
    unknown = {"type": "bnode", "value": "t284055162"}
    (hit,), _ = await find(reach, bare | {"date": unknown, "language": unknown, "authorLabel": text("Q42")})
    assert (hit.published, hit.first_published, hit.language, hit.pages, hit.authors) == (None, None, "", None, ())


@pytest.mark.parametrize(
    ("date", "precision", "read"),
    [
        ("2013-05-06T00:00:00Z", "11", PartialDate(2013, 5, 6)),
        ("2013-05-01T00:00:00Z", "10", PartialDate(2013, 5)),
        ("2013-01-01T00:00:00Z", "9", PartialDate(2013)),
        ("2010-01-01T00:00:00Z", "8", None),
        ("2013-01-01T00:00:00Z", None, PartialDate(2013)),
        ("-0044-03-15T00:00:00Z", "11", None),
    ],
)
async def test_a_date_has_the_precision_that_wikidata_states(reach, date, precision, read):
    row = EDITION | {"date": text(date), "precision": text(precision)}
    (hit,), _ = await find(reach, row if precision else {k: v for k, v in row.items() if k != "precision"})
    assert hit.published == read


@pytest.mark.parametrize(
    "odd",
    [
        {"isbn": text("978-0-385-50420-2")},
        {"workLabel": text("Q1"), "itemLabel": text("Q2")},
        {"item": text("no item")},
    ],
    ids=["wrong check digit", "no label", "no item"],
)
async def test_an_item_that_cannot_be_believed_is_refused_alone(reach, odd):
    hits, _ = await find(reach, EDITION | odd, EDITION | {"item": uri("Q3"), "isbn": text("978-0-307-47427-8")})
    assert [hit.source.id for hit in hits] == ["Q3"]


async def test_a_month_has_the_works_that_most_encyclopedias_know(reach):
    less = NAMED | {"work": uri("Q9"), "workLabel": text("Oryx"), "authorLabel": text("M. A."), "sitelinks": text("9")}
    named, client = await suggest(reach, less, NAMED, NAMED | {"authorLabel": text("Ann Lee")})
    assert [(c.title, c.author, c.year, c.month, c.named_by) for c in named.candidates] == [
        ("The Da Vinci Code", "Dan Brown, Ann Lee", 2003, 3, ("wikidata",)),
        ("Oryx", "M. A.", 2003, 3, ("wikidata",)),
    ]
    query = client.sent[0].url.params["query"]
    assert '"2003-03-01T00:00:00Z"' in query
    assert '"2003-04-01T00:00:00Z"' in query
    assert "?precision >= 10" in query


async def test_the_range_of_the_month_is_searched_in_the_order_of_dates(reach):
    """The hint is about the statement before it; a range of another one is a walk through all dates."""
    transport = reach("wikidata", rows())
    await Wikidata(transport).suggest(Month(2003, 3), "baseline", 20)
    query = " ".join(transport.sent[0].url.params["query"].split())
    assert "?time wikibase:timeValue ?date. hint:Prior hint:rangeSafe true." in query
    assert query.count("rangeSafe") == 1


async def test_december_ends_with_the_year_even_the_last(reach):
    client = reach("wikidata", rows())
    await Wikidata(client).suggest(Month(2100, 12), "annual", 5)
    assert '"2101-01-01T00:00:00Z"' in client.sent[0].url.params["query"]


async def test_no_more_than_asked_for_are_named_and_those_without_a_label_dropped(reach):
    others = [NAMED | {"work": uri(f"Q{n}"), "sitelinks": text(str(n))} for n in range(3, 9)]
    named, _ = await suggest(reach, NAMED | {"workLabel": text("Q1")}, *others, count=2)
    assert len(named.candidates) == 2
    assert named.dropped == ("Q1: no title or author in a language we ask for",)


async def test_an_empty_month_is_an_answer_and_a_strange_variant_is_not_asked(reach):
    named, client = await suggest(reach)
    assert named.candidates == ()
    with pytest.raises(errors.BadInput):
        await Wikidata(client).suggest(MARCH, "bestsellers", 20)
    assert len(client.sent) == 1


@pytest.mark.parametrize(
    ("response", "error", "sends"),
    [
        (httpx2.Response(500, text="java.util.concurrent.TimeoutException"), errors.ProviderDown, MAX_TRIES),
        (httpx2.Response(200, text='{"head":{"vars":[]},"results":{"bindings":[\njava.lang.Exception at'), errors.BadAnswer, MAX_TRIES),
        (httpx2.Response(200, json={"boolean": True}), errors.BadAnswer, MAX_TRIES),
        (httpx2.Response(429, html="<p>retry in 90 seconds", headers={"Retry-After": "90"}), errors.RateLimited, 1),
        (httpx2.Response(429, html="<p>retry in 0 seconds", headers={"Retry-After": "0"}), errors.RateLimited, MAX_TRIES),
        (httpx2.Response(403, text="Please set a User-Agent"), errors.KeyRefused, 1),
        (httpx2.Response(400, text="MalformedQueryException"), errors.RequestRefused, 1),
    ],
)  # fmt: skip
async def test_errors_come_as_pages_traces_and_good_answers(reach, limiter, response, error, sends):
    client = reach("wikidata", response)
    with pytest.raises(error):
        await Wikidata(client).find(CODE)
    assert len(client.sent) == sends
    assert all(seconds > 0.5 for _, seconds, _ in limiter.pauses)


@pytest.mark.parametrize(
    ("message", "hours"),
    [("You have been banned until {:%Y-%m-%dT%H:%MZ}, please respect", 3), ("You have been banned", 24), ("banned until 9999-12-31 10:00", 24), ("banned until 2026-99-99 10:00", 24)],
)  # fmt: skip
async def test_a_ban_pauses_the_provider_until_its_end(reach, limiter, message, hours):
    end = datetime.now(UTC) + timedelta(hours=hours)
    with pytest.raises(errors.QuotaSpent) as banned:
        await Wikidata(reach("wikidata", httpx2.Response(403, text=message.format(end)))).find(CODE)
    assert abs(banned.value.until - end) < timedelta(minutes=2)
    assert limiter.pauses
