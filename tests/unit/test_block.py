"""The keys by which a work is found again among a million."""

import pytest

from alexandria.catalogue.matching.blocking import blocks


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("The Da Vinci Code", "Dan Brown"), ("Da Vinci Code", "Brown, Dan")),
        (("Two Graves", "Douglas Preston"), ("2 Grvaes", "Douglas Preston & Lincoln Child")),
        (("Jonathan Strange & Mr Norrell", "Susanna Clarke"), ("Jonathon Strange and Mr. Norell", "Clarke, Susanna")),
        (("Red Sorghum", "Mo Yan"), ("Red Sorghum", "Yan Mo")),
        (("and More", "Ann Lee"), ("andM ore", "Ann Lee")),
        (("War and Peace", "Leo Tolstoy"), ("War and Peace", "Лев Толстой")),
        (("Cien años de soledad", "Gabriel García Márquez"), ("Cien anos de soledad", "Gabriel Garcia Marquez")),
    ],
)
def test_spellings_of_one_work_share_a_key(one, other):
    assert set(blocks(one[0], one[1:])) & set(blocks(other[0], other[1:]))


def test_works_that_share_only_small_words_or_only_the_author_share_none():
    assert not set(blocks("The Winds of Winter", ["George Martin"])) & set(
        blocks("The Clash of Kings", ["George Martin"])
    )
    assert not set(blocks("The Clash", ["A. Lee"])) & set(blocks("The Clash", ["B. Cole"]))


@pytest.mark.parametrize("title", ["", "...", "???", "S", "1Q84", "罪と罰", "Ω"])
def test_no_title_is_without_a_key_or_breaks(title):
    assert all(blocks(title, ["Somebody Else"]))
