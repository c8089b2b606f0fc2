"""Editions in the sandbox are printed as trade feeds print them, in any language."""

import csv

import pytest
from stdnum import ean

from alexandria.catalogue.languages import language
from alexandria.sandbox.clock import Clock
from alexandria.sandbox.corpus import Corpus
from alexandria.sandbox.distractors import Relatives, is_recording
from alexandria.sandbox.google_books_volumes import volume
from alexandria.sandbox.internet_archive_items import Shelf
from alexandria.sandbox.isbndb import ISBNdbSandbox
from alexandria.sandbox.open_library_records import Catalogue
from alexandria.sandbox.settings import SandboxSettings
from alexandria.sandbox.state import SandboxState

COLUMNS = ("isbn13", "title", "subtitle", "authors", "publisher", "published", "language", "pages", "work_id", "series")


def rows(number, title, author, code=""):
    """`number` works of one author, alike but for a number behind the title."""
    bodies = [f"978000000{at:03d}" for at in range(number)]
    row = dict.fromkeys(COLUMNS, "") | {"authors": author, "published": "2001", "language": code}
    return [
        row | {"isbn13": body + ean.calc_check_digit(body), "title": f"{title} {body[-3:]}", "work_id": body}
        for body in bodies
    ]


def test_editions_are_decorated_as_trade_feeds_do():
    """Guides, possessives, entities, initials, honorifics, plain letters, and recordings that only their publisher shows."""
    corpus = Corpus(rows(200, "Dombey & Söhne", "Šárka Nováková"))
    made = {edition.form: edition for work in corpus.works for edition in Relatives(corpus, 1).of(work)}
    printed = {form: (edition.title.rsplit(" ", 1)[0], edition.authors) for form, edition in made.items()}
    assert printed["possessive"][0] == "Šárka Nováková's Dombey & Söhne"
    assert printed["entities"][0] == "Dombey &amp; Söhne"
    assert printed["initial"][1] == ("Š. Nováková",)
    assert printed["honorific"][1] == ("Dr. Šárka Nováková",)
    assert printed["romanised"] == ("Dombey & Sohne", ("Sarka Novakova",))
    assert made["with a guide"].title.endswith(" (with Reading Group Guide)")
    assert {form for form, edition in made.items() if is_recording(edition)} == {"audio", "audio by its publisher"}
    assert made["audio by its publisher"].binding == ""


@pytest.mark.parametrize("code", ["pl", "ja", "zh", "he", "el", "it"])
def test_each_source_states_the_language_of_an_edition_or_none(code, tmp_path):
    path = tmp_path / "books.csv"
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        writer.writerows(rows(20, "Dom", "Olga Tokarczuk", code))
    state = SandboxState.of(SandboxSettings(books=path), Clock())
    catalogue, isbndb, items = Catalogue(state), ISBNdbSandbox(state), Shelf(state)
    stated: dict[str, set[str]] = {}
    for edition in state.corpus.editions:
        printed = {
            "open_library": catalogue.book(edition).get("languages"),
            "isbndb": isbndb._record(edition).get("language"),
            "internet_archive": items.doc(edition).get("language"),
            "google_books": volume(state, edition)["volumeInfo"]["language"],
        }
        for source, given in printed.items():
            stated.setdefault(source, set()).add(language(given))
    assert all(code in found and found <= {code, ""} for found in stated.values()), stated
