"""How the door reads what sources print: dates, names, languages, numbers, texts."""

from datetime import UTC, datetime

import pytest

from alexandria.catalogue.languages import language
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, SourceRecord
from alexandria.providers import fields, search_terms


@pytest.mark.parametrize(
    ("as_printed", "meant"),
    [
        ("1988", "1988"),
        (2015, "2015"),
        ("1983-10", "1983-10"),
        ("2017-11-30", "2017-11-30"),
        ("2017-11-30T00:00:00.000Z", "2017-11-30"),
        ("20171130", "2017-11-30"),
        ("July 1982", "1982-07"),
        ("january 2014", "2014-01"),
        ("Sept. 2004", "2004-09"),
        ("April 22, 2008", "2008-04-22"),
        ("October 1, 1988", "1988-10-01"),
        ("May 3rd, 1999", "1999-05-03"),
        ("22 April 2008", "2008-04-22"),
        ("2008 Apr 22", "2008-04-22"),
        (["March 18, 2003", "2004"], "2003-03-18"),
        ("c2003.", "2003"),
        ("[2003]", "2003"),
        ("Spring 1999", "1999"),
        ("12/05/2003", "2003"),
        ("2003-00-00", "2003"),
        ("2003-02-30", "2003-02"),
        ("1998-1999", None),
        ("1998 or 1999", None),
        ("between 1998 and 2003", None),
        ("199?", None),
        ("19??", None),
        ("1999?", "1999"),
        ("2003?", "2003"),
        ("[2003?]", "2003"),
        ("2003, c1998", "2003"),
        ("2003, c1998.", "2003"),
        ("[2003], ©1998", "2003"),
        ("2003 [c1998]", "2003"),
        ("2003, cop. 1998", "2003"),
        ("2003, copyright 1998", "2003"),
        ("2003, p1998", "2003"),
        ("c1998, 2003", "2003"),
        ("2003?, c1998?", "2003"),
        ("©1998", "1998"),
        ("copyright 1998", "1998"),
        ("c1998, c2003", None),
        ("c1998-2003", None),
        ("c. 1998 or 2003", None),
        ("©1998–2003", None),
        ("2003, c1998-2000", None),
        ("2002 [i.e. 2003]", "2003"),
        ("2002, i. e., 2003", "2003"),
        ("March 2003?", "2003"),
        (10**30, None),
        (-2003, None),
        ("0", None),
        ("", None),
        (None, None),
        ([], None),
        ({"year": 1999}, None),
        (True, None),
        ("Marchetti", None),
    ],
)
def test_a_date_is_as_precise_as_it_is_printed(as_printed, meant):
    found = fields.date(as_printed)
    assert (str(found) if found else None) == meant


def test_a_number_or_a_text_of_thousands_of_digits_is_no_date():
    """Python refuses to write the one and to read the other."""
    assert fields.date(10**5000) is None
    assert fields.date("9" * 5000) is None
    assert fields.isbn(10**5000) is None


def test_new_years_day_is_only_a_year_where_a_source_pads():
    assert str(fields.padded_date("2010-01-01T00:00:00Z")) == "2010"
    assert str(fields.padded_date("2010-01-02T00:00:00Z")) == "2010-01-02"


@pytest.mark.parametrize(
    ("as_printed", "meant"),
    [
        (["Dan Brown"], ("Dan Brown",)),
        (["Brown, Dan"], ("Brown, Dan",)),
        (["Nelson, Bob, Ph.D."], ("Nelson, Bob, Ph.D.",)),
        (["Rhea, Nicholas , 1936-2017"], ("Rhea, Nicholas",)),
        ("Brown, Dan, 1964-", ("Brown, Dan",)),
        ("Burges, George, 1786?-1864; Cary, Henry", ("Burges, George", "Cary, Henry")),
        (["Bierce, Ambrose (1842"], ("Bierce, Ambrose",)),
        (["Whitelaw, Stella."], ("Whitelaw, Stella",)),
        (["Sammy Davis Jr."], ("Sammy Davis Jr.",)),
        (["Ann Lee (editor)", "Bo Li (Author)"], ("Ann Lee", "Bo Li")),
        (["Gege Akutami ~autofilled~"], ("Gege Akutami",)),
        (["ISBN:978-1-891267-03-1", "1984", ""], ()),
        ([" Walravens, Hartmut", "Walravens, Hartmut"], ("Walravens, Hartmut",)),
        (["Fran&ccedil;ois &amp; Sons"], ("François & Sons",)),
        (["Ann Lee (editor; translator)"], ("Ann Lee",)),
        (["Ann Lee (1950; Bo Li"], ("Ann Lee", "Bo Li")),
        ([None, 7, {"name": "x"}], ()),
        (None, ()),
    ],
)
def test_people_are_kept_as_printed_without_roles_and_dates(as_printed, meant):
    assert fields.names(as_printed) == meant


@pytest.mark.parametrize(
    ("as_printed", "meant"),
    [
        ("en", "en"), ("eng", "en"), ("Eng", "en"), ("Eng English", "en"), ("English", "en"), ("English (US)", "en"),
        ("ger German", "de"), ("deu", "de"), ("Fr", "fr"), ("fre", "fr"), ("pt-BR", "pt"), ("zh-tw", "zh"),
        ("Norwegian Nynorsk", "nn"), ("/languages/spa", "es"), ([{"key": "/languages/jpn"}], "ja"), (["rum"], "ro"),
        ("Romanian", "ro"), ("", ""), ("und", ""), ("mul", ""), ("unknown", ""), (None, ""), ([], ""), (7, ""),
    ],
)  # fmt: skip
def test_a_language_is_two_letters_or_nothing(as_printed, meant):
    assert language(as_printed) == meant


@pytest.mark.parametrize(
    ("as_printed", "meant"),
    [(454, 454), ("455", 455), (0, None), (-3, None), ([], None), ("", None), ("206 p. ;", None), (True, None),
     (10**9, None), ("9" * 5000, None), (None, None)],
)  # fmt: skip
def test_pages_are_a_plausible_number_or_nothing(as_printed, meant):
    assert fields.pages(as_printed) == meant


def test_isbns_are_valid_and_thirteen_digits_whatever_else_the_list_holds():
    listed = [
        "0385504209",
        "9780385504201",
        "115082395x",
        "67509368",
        "9780385504202",
        None,
        ["x"],
        "urn:isbn:0385504209",
    ]
    assert fields.isbns(listed) == ("9780385504201", "9781150823954")
    assert fields.isbns("9780385504201") == ("9780385504201",)
    assert fields.isbns(["0385504209 (pbk.) ; 0306406152 : $12.50"]) == ("9780385504201", "9780306406157")
    assert fields.isbn("67509368") is None


def test_text_is_one_line_without_entities():
    assert fields.text(" War\r\n &amp;\u00a0Peace\x07 ") == "War & Peace"
    assert fields.text(["no"]) == ""


@pytest.mark.parametrize(
    ("printed", "meant"),
    [
        (f"War &#{'1' * 4301}; Peace", "War \ufffd Peace"),
        (f"War &#{'1' * 4301} Peace", "War \ufffd Peace"),
        (f"War &#{'0' * 4301}38; Peace", "War & Peace"),
        (f"War &#x{'f' * 4301}; Peace", "War \ufffd Peace"),
        ("&#38;&#0038;&amp;&#x26;", "&&&&"),
        ("War \ud800 Peace\udfff", "War Peace"),
        ("&#xD800;", "\ufffd"),
        ("x" * 10**6, "x" * fields.MAX_TEXT_LENGTH),
    ],
)
def test_a_text_is_read_whatever_its_entities_and_length(printed, meant):
    assert fields.text(printed) == meant


@pytest.mark.parametrize(
    ("printed", "separator", "parts"),
    [
        ("A / B", " / ", ["A", "B"]),
        ("A (B / C) / D", " / ", ["A (B / C)", "D"]),
        ("A [B / C", " / ", ["A [B", "C"]),
        ("A (B (C / D) / E) / F", " / ", ["A (B (C / D) / E)", "F"]),
        ("A (B (C / D) / E", " / ", ["A (B (C", "D)", "E"]),
        ("A) / (B", " / ", ["A)", "(B"]),
        ("(A / B)", " / ", ["(A / B)"]),
        ("A (B] / C)", " / ", ["A (B] / C)"]),
        ("", " / ", [""]),
    ],
)
def test_a_text_is_parted_outside_its_brackets(printed, separator, parts):
    assert fields.parts(printed, separator) == parts


@pytest.mark.parametrize(
    ("title", "author", "asked"),
    [
        ("Dune: House Atreides", "Brian Herbert & Kevin J. Anderson", ("dune house atreides", "dune", "brian herbert", "herbert")),
        ("Worth Dying For (Jack Reacher, #15)", "Lee Child", ("worth dying for", "worth dying for", "lee child", "child")),
        ("Salem's Lot", "King, Stephen", ("salem's lot", "salem's lot", "king", "king")),
        ("(500) Days", "Sammy Davis Jr.", ("days", "days", "sammy davis jr", "davis")),
        ("Outlive", "Peter Attia M.D.", ("outlive", "outlive", "peter attia m.d", "attia")),
        ("[sic]", "Ursula K. Le Guin", ("sic", "sic", "ursula k le guin", "guin")),
        ('What? "Who" AND -why', "莫言", ("what who and why", "what who and why", "莫言", "莫言")),
        ("The Way - A Memoir", "Li, Bo; Wu, An", ("the way a memoir", "the way", "li", "li")),
        ("???", "", ("", "", "", "")),
    ],
)  # fmt: skip
def test_sources_are_asked_in_plain_words(title, author, asked):
    ways = (search_terms.title, search_terms.main_title, search_terms.author, search_terms.family_name)
    assert tuple(way(Candidate(title, author)) for way in ways) == asked


def test_a_long_query_is_cut_between_words():
    assert search_terms.cut("one two three", 13) == "one two three"
    assert search_terms.cut("one two three", 12) == "one two"
    assert search_terms.cut("one two three", 7) == "one two"
    assert search_terms.cut("abcdef", 3) == "abc"


def test_an_isbn_is_one_record_of_a_provider_unless_two_titles_bear_it():
    """A set's number stands in the record of each volume."""
    at = SourceRecord("open_library", "1", datetime(2026, 1, 1, tzinfo=UTC))
    titles = ("Mathematics, Volume 1", "MATHEMATICS, volume 1", "Mathematics, Volume 2")
    hits = [EditionRecord(at, title, isbn13=Isbn13.parse("9780201270006")) for title in titles]
    assert fields.usable(hits) == [hits[0], hits[2]]


def test_refused_records_cost_only_themselves():
    assert fields.usable([fields.UnusableRecord("isbndb", "1", "no title")]) == []
