"""What trade feeds and libraries add to a title changes nothing; a number that they add is the volume's."""

import pytest

from alexandria.catalogue.matching.scoring import ACCEPT
from alexandria.catalogue.matching.titles import read

LEE = "Ann Lee"
SAME = {
    "a place in the series in parentheses": ("Moor Song", "Moor Song: A Novel (1)"),
    "a place in the series, and the series": ("Moor Wind", "Moor Wind: A Novel (2) (Moor Song)"),
    "a number in words and in digits": ("Moor Healer: Book One", "Moor Healer 01"),
    "a number after a sign": ("Moor Healer, Book 17", "Moor Healer #17"),
    "a name with an apostrophe in the possessive": ("The Moor Legacy", "Bill O'Reilly's The Moor Legacy"),
    "a full name in the possessive": ("The Moor Legacy", "Robert Ludlum's The Moor Legacy"),
    "a trade mark in brackets": ("The Moor Legacy", "Robert Ludlum's (TM) The Moor Legacy"),
    "a trade mark": ("The Moor Legacy", "Robert Ludlum's™ The Moor Legacy®"),
    "a part of a word in brackets": ("The Truth about Dishonesty", "The Truth about (Dis)Honesty"),
    "all parts": ("The Moor Child", "The Moor Child: Parts One & Two"),
    "another mark in a date": ("11/22/63", "11-22-63"),
    "a half in digits": ("The 7½ Moors of Ann", "The Seven and a Half Moors of Ann"),
    "a half as a fraction": ("The 7 1/2 Moors of Ann", "The Seven and a Half Moors of Ann"),
    "a number half in words": ("Moor Twenty-3", "Moor Twenty-Three"),
    "accents read in another encoding": ("Los pÃ¡ramos de aÃ±o nuevo", "Los páramos de año nuevo"),
    "an ampersand as an entity": ("Salt & Peat", "Salt &amp; Peat"),
    "an apostrophe as an entity": ("Moor's End", "Moor&#39;s End"),
    "an imprint in brackets": ("The Golden Moor", "The Golden Moor [Perennial Classics]"),
    "an edition in brackets": ("The Golden Moor", "The Golden Moor (Anniversary Edition)"),
    "a full stop for a colon": ("Moor und Torf: Wie wir den Boden verlieren", "Moor und Torf. Wie wir den Boden verlieren"),
    "a genre behind a full stop": ("Das Moor", "Das Moor. Roman"),
    "a genre with an article behind a full stop": ("Das Moor: Roman", "Das Moor. Ein Kriminalroman"),
    "a Roman numeral behind a Chinese character": ("荒野 2", "荒野Ⅱ"),
    "a Chinese volume in three forms": ("荒野の刃 1", "荒野の刃 第1巻"),
    "a Chinese volume in parentheses": ("荒野の刃 第1巻", "荒野の刃（1）"),
    "a series in front, and in parentheses": ("Moor Wars: Torf", "Torf (Moor Wars)"),
    "several series in front": ("Moor Wars, #21; Moor Universe 26: Torf und Moos", "Torf und Moos (Moor Wars, #21)"),
    "an article that is moved": ("Egy nap", "Nap, Egy"),
    "a title in two languages": ("Moor and Peat", "Moor and Peat = Moor und Torf"),
    "a title in two languages, the other asked": ("Das Moor und der Torf", "The Moor and the Peat (Das Moor und der Torf)"),
}  # fmt: skip
DIFFERENT = {
    "two numbers": ("Moor Healer: Book One", "Moor Healer 02"),
    "two places in the series": ("Moor Wind: A Novel (1) (Moor Song)", "Moor Wind: A Novel (2) (Moor Song)"),
    "the book and the series it is of": ("Moor Song", "Moor Wind (Moor Song)"),
    "two Roman numerals behind Chinese characters": ("荒野Ⅱ", "荒野Ⅲ"),
    "a genre that goes on": ("Das Moor", "Das Moor. Roman einer Stadt"),
    "two volumes in Chinese": ("荒野の刃 第1巻", "荒野の刃 第2巻"),
    "two volumes in Arabic": ("حواديت ج2", "حواديت ج3"),
    "several series in front, and another number": ("Moor Wars, #21; Moor Universe 26: Torf", "Torf (Moor Wars, #20)"),
    "several titles, one with a number": ("Moor; Peat 26: Torf", "Torf"),
    "a given name in the possessive": ("Legacy", "Robert's Legacy"),
    "one part of two": ("The Moor Child", "The Moor Child: Part Two"),
}  # fmt: skip


@pytest.mark.parametrize("rule", SAME)
def test_decorations_change_nothing(rule, verdict):
    one, other = SAME[rule]
    assert verdict((one, LEE), (other, LEE)) == ACCEPT


@pytest.mark.parametrize("rule", DIFFERENT)
def test_a_resemblance_to_a_decoration_stays_in_the_title(rule, verdict):
    one, other = DIFFERENT[rule]
    assert verdict((one, LEE), (other, LEE)) != ACCEPT


def test_the_years_and_parallel_titles_of_a_title():
    assert read("Tales (1965-1975)").spans == ("1965-1975",)
    assert read("Tales (1975)").spans == ()
    assert read("Campus Fictions = Campusfictie").parallels == (("campusfictie",),)
    assert read("The Moor (Das Moor und der Torf)").parallels == (("moor", "and", "der", "torf"),)
    assert read("Moor Wind (Moor Song)").parallels == ()
