"""A title of another language is found by the titles that a source gives for the work, and a second fact."""

import pytest

from alexandria.catalogue.matching.scoring import ACCEPT, DOUBT, REFUSE, choose, is_titled_otherwise, same_work, score
from alexandria.catalogue.models import Candidate
from tests.support.edition_records import record

INKSPELL, TINTENBLUT, OTHER = "9780439554008", "9783791504674", "9780439554015"
ASKED = Candidate("Tintenblut", "Cornelia Funke", 2005)


def inkspell(title="Inkspell", *, known=("Tintenblut",), author="Cornelia Funke", **facts):
    facts = {"isbn": INKSPELL, "first_published": 2005, "language": "en"} | facts
    return record(title, author, other_titles=known, **facts)


CASES = {
    "of the year that was named": (ASKED, inkspell(), ACCEPT),
    "without a second fact": (ASKED, inkspell(first_published=1990), DOUBT),
    "without the other title": (ASKED, inkspell(known=()), REFUSE),
    "by another author": (ASKED, inkspell(author="Robin Hobb"), REFUSE),
    "without an author": (Candidate("Tintenblut", "", 2005), inkspell(), DOUBT),
    "with a slip": (Candidate("Tintenblutt", "Cornelia Funke", 2005), inkspell(), ACCEPT),
    "a part of another title": (ASKED, inkspell(known=("Tintenblut: Das Hörspiel zum Film",)), REFUSE),
    "a study guide": (ASKED, inkspell("Inkspell: A Study Guide"), REFUSE),
    "another volume": (Candidate("Tintenblut, Band 2", "Cornelia Funke", 2005), inkspell(known=("Tintenblut, Band 3",)), REFUSE),
    "in another script": (Candidate("Suna no onna", "Kōbō Abe", 1962), inkspell("The Woman in the Dunes", known=("砂の女", "Suna no Onna"), author="Kōbō Abe", first_published=1962), ACCEPT),
    "only in another script": (Candidate("Kladbishcha", "Eduard Limonov", 2015), inkspell("Graveyards", known=("Кладбища",), author="Eduard Limonov", first_published=2015), ACCEPT),
    "a volume that is filed under its series": (Candidate("The Two Towers", "J. R. R. Tolkien", 1954), inkspell("The Lord of the Rings", known=("The Two Towers",), author="J. R. R. Tolkien", first_published=1954), DOUBT),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_another_title_of_the_work(case):
    candidate, hit, verdict = CASES[case]
    assert score(candidate, hit).verdict == verdict


def test_what_another_title_costs_with_a_second_fact_and_without():
    assert [score(ASKED, inkspell(first_published=year)).fit for year in (2005, 2007)] == [96.0, 80.0]


def test_the_reason_quotes_the_title_and_a_translation_costs_nothing_more():
    schloss = inkspell("Das Schloß", known=("The Castle",), author="Franz Kafka", first_published=1926, language="de")
    reasons = score(Candidate("The Castle", "Franz Kafka", 1926), schloss).reasons
    assert reasons == ("the source also knows the work as the castle", "same author", "published 1926, as named")


def test_two_records_are_one_work_by_either_ones_titles():
    one, other = inkspell(), record("Tintenblut", "Cornelia Funke", isbn=TINTENBLUT, first_published=2005)
    assert same_work(one, other) == same_work(other, one)
    assert same_work(one, other).verdict == ACCEPT
    assert same_work(inkspell(known=()), other).verdict == REFUSE
    assert [is_titled_otherwise(*two) for two in ((one, other), (other, one), (one, one))] == [True, True, False]


@pytest.mark.parametrize("first", [True, False])
def test_an_edition_with_the_title_named_goes_first(first):
    """Whatever the order, and although English is supposed of a title that could be of any language."""
    own = record("Tintenblut", "C. Funke", isbn=TINTENBLUT, language="de", published="2008", source="other")
    foreign = inkspell()
    assert choose(ASKED, [own, foreign] if first else [foreign, own])[0] is own
    assert choose(ASKED, [foreign])[0] is foreign


@pytest.mark.parametrize("title", ["Tintenblut", "Tintenblut: Die Geschichte eines Buchs"])
def test_an_edition_with_the_title_named_goes_before_an_equally_good_translation(title):
    """In one work, or in two where the subtitle keeps them apart."""
    own = record(title, "Cornelia Funke", isbn=TINTENBLUT, language="de", first_published=2005)
    assert choose(ASKED, [inkspell(), own])[0] is own


def test_two_works_known_by_one_title_are_none():
    rival = inkspell("Blood of Ink", isbn=OTHER)
    chosen, _, reason = choose(ASKED, [inkspell(), rival])
    assert chosen is None
    assert "two works" in reason


NAMES = {
    "another name that the source gives": (("Haruki Murakami",), ACCEPT, "another name of the author"),
    "no other name": ((), DOUBT, "two scripts"),
    "the name of another": (("Ryū Murakami",), DOUBT, "two scripts"),
}


@pytest.mark.parametrize("case", NAMES)
def test_other_names_of_the_author(case):
    names, verdict, reason = NAMES[case]
    found = score(Candidate("Moor", "Haruki Murakami"), record("Moor", "村上春樹", other_names=names))
    assert found.verdict == verdict
    assert reason in "; ".join(found.reasons)


def test_a_pen_name_that_only_the_source_knows():
    hit = record("The Long Moor", "Ann Lee", other_names=("Beth Orr",))
    assert score(Candidate("The Long Moor", "Beth Orr"), hit).reasons == ("same title", "another name of the author")
    assert score(Candidate("The Long Moor", "Carl Orr"), hit).verdict == REFUSE
