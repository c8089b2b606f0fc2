"""What a cataloguer sees of an edition in MARC 21; every record is opened again by pymarc."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pymarc import MARCReader, Record

from alexandria.catalogue.export.marc import inverted, record
from alexandria.catalogue.export.query import Entry

SOURCES = [
    {"field": "pages", "provider": "isbndb", "id": "9780374600303", "fetched_at": "2026-11-02T10:00:00Z"},
    {"field": "publisher", "provider": "isbndb", "id": "9780374600303", "fetched_at": "2026-11-02T10:00:00Z"},
    {"field": "title", "provider": "open_library", "id": "/books/OL1M", "fetched_at": "2026-11-01T10:00:00Z"},
]
BEE = Entry(
    isbn13="9780374600303",
    work_id=1,
    title="The Bee Sting",
    subtitle="A Novel",
    people=[("Paul Murray", "author"), ("Daphne Du Maurier", "editor")],
    publisher="Farrar, Straus & Giroux",
    published="2023-08-15",
    first_published="2023",
    language="en",
    binding="Hardcover",
    pages=656,
    subjects=["Families", "Ireland — Fiction"],
    other_titles=["Der Stich der Biene"],
    related_isbns=["9780241353943"],
    related=False,
    sources=SOURCES,
    created_at=datetime(2026, 11, 1, 10, tzinfo=UTC),
    changed_at=datetime(2026, 11, 2, 10, 5, 6, tzinfo=UTC),
)
BARE = replace(
    BEE, subtitle="", people=[], publisher="", published=None, language="", binding="", pages=None, subjects=[], other_titles=[],
    sources=[],
)  # fmt: skip


def opened(entry: Entry) -> Record:
    (read,) = MARCReader(record(entry), to_unicode=True, utf8_handling="strict")
    assert isinstance(read, Record)
    return read


def shown(entry: Entry, *tags: str) -> list[str]:
    return [str(field) for field in opened(entry).get_fields(*tags)]


def test_an_edition_in_full():
    assert shown(BEE, "020", "041", "100", "245", "246", "264", "300", "500", "653", "700", "856") == [
        "=020  \\\\$a9780374600303$qHardcover",
        "=041  \\\\$aeng",
        "=100  1\\$aMurray, Paul$4aut",
        "=245  14$aThe Bee Sting$bA Novel$cPaul Murray, Daphne Du Maurier",
        "=246  3\\$aDer Stich der Biene",
        "=264  \\1$bFarrar, Straus & Giroux$c2023-08-15",
        "=300  \\\\$a656 pages",
        "=500  \\\\$aSources: pages, publisher: isbndb 9780374600303 (2026-11-02); title: open_library /books/OL1M (2026-11-01)",
        "=653  \\\\$aFamilies",
        "=653  \\\\$aIreland — Fiction",
        "=700  1\\$aDu Maurier, Daphne$4edt",
    ]
    assert shown(BEE, "001", "005") == ["=001  9780374600303", "=005  20261102100506.0"]


def test_an_edition_of_which_little_is_known():
    assert [field.tag for field in opened(BARE)] == ["001", "005", "008", "020", "245"]
    assert shown(BARE, "245") == ["=245  00$aThe Bee Sting"]


@pytest.mark.parametrize(
    ("change", "dated", "form", "language"),
    [
        ({}, "e20230815", "|", "eng"),
        ({"published": "2023-08"}, "e202308  ", "|", "eng"),
        ({"published": "2023"}, "s2023    ", "|", "eng"),
        ({"published": None}, "nuuuuuuuu", "|", "eng"),
        ({"language": "de", "binding": "Kindle Edition"}, "e20230815", "o", "ger"),
        ({"language": "", "binding": "Large Print"}, "e20230815", "d", "und"),
        ({"language": "el"}, "e20230815", "|", "gre"),
        ({"language": "xx"}, "e20230815", "|", "und"),
    ],
)
def test_the_coded_field(change, dated, form, language):
    """008 has 40 characters, each at its place."""
    coded = opened(replace(BEE, **change))["008"].data
    assert coded is not None
    assert len(coded) == 40
    assert coded == f"261101{dated}xx |||||{form}|||||||| ||{language}|d"


@pytest.mark.parametrize(("binding", "kind"), [("Hardcover", "a"), ("Audio CD", "i"), ("", "a")])
def test_the_leader_names_the_kind_of_record_and_unicode(binding, kind):
    leader = str(opened(replace(BEE, binding=binding)).leader)
    assert (leader[5:10], leader[17:]) == (f"n{kind}m a", "3  4500")


@pytest.mark.parametrize(
    ("title", "language", "skipped"),
    [("The Bee Sting", "en", "4"), ("A Kind of Life", "en", "2"), ("Die Hard", "en", "0"), ("Die Blechtrommel", "de", "4"),
     ("The", "en", "0"), ("The Bee Sting", "", "0")],
)  # fmt: skip
def test_leading_articles_are_skipped_in_sorting(title, language, skipped):
    assert opened(replace(BEE, title=title, language=language))["245"].indicator2 == skipped


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("Dan Brown", "Brown, Dan"), ("Ursula K. Le Guin", "Le Guin, Ursula K."), ("J. R. R. Tolkien", "Tolkien, J. R. R."),
        ("Simone de Beauvoir", "Beauvoir, Simone de"), ("Johann Wolfgang von Goethe", "Goethe, Johann Wolfgang von"),
        ("Robert De Niro", "De Niro, Robert"), ("Martin Luther King Jr.", "King, Martin Luther, Jr."),
        ("Peter Attia MD", "Attia, Peter, MD"), ("Sammy Jr.", "Sammy Jr."),
        ("Flann O’Brien", "O’Brien, Flann"), ("Лев Толстой", "Толстой, Лев"), ("Voltaire", "Voltaire"),
        ("村上 春樹", "村上 春樹"), ("김 영하", "김 영하"), ("Brown, Dan", "Brown, Dan"), ("Van Gogh", "Gogh, Van"),
    ],
)  # fmt: skip
def test_names_are_entered_by_family_name(name, heading):
    assert inverted(name) == heading


@pytest.mark.parametrize(
    ("name", "field"),
    [("Voltaire", "=100  0\\$aVoltaire$4aut"), ("DK Publishing", "=110  2\\$aDK Publishing$4aut")],
)
def test_a_single_name_is_entered_unchanged(name, field):
    assert shown(replace(BEE, people=[(name, "author")]), "100", "110") == [field]


def test_text_of_strangers_cannot_break_a_record_out_of_its_fields():
    """Control characters that part fields and records are blanks; what is far too long is cut; all scripts survive."""
    hostile = replace(
        BEE,
        title="Two\x1ebooks\x1din\x1fone 世界",
        publisher="P" * 100_000,
        people=[(f"{'é' * 500} Family{number}", "author") for number in range(200)],
        subjects=["世" * 200] * 200,
    )
    read = opened(hostile)
    assert read["245"].get_subfields("a") == ["Two books in one 世界"]
    assert len(record(hostile)) < 100_000
    assert max(len(field.as_marc("utf-8")) for field in read) < 10_000
