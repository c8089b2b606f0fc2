"""Texts of providers are bounded at the door, and keys for the index of PostgreSQL."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria.catalogue.keys import MAX_KEY_BYTES, bounded
from alexandria.catalogue.matching.blocking import blocks
from alexandria.catalogue.matching.names import name_key
from alexandria.catalogue.matching.scoring import work_key
from alexandria.core.month import Month
from alexandria.providers import fields
from alexandria.providers.book_list import judge

LETTERS = "".join(string.ascii_letters[(number * 7919) % 52] for number in range(6000))
WORDS = " ".join(LETTERS[start : start + 7] for start in range(0, 6000, 7))


def test_a_long_text_is_cut_and_a_long_name_dropped():
    assert len(fields.text(LETTERS)) == fields.MAX_TEXT_LENGTH
    assert fields.text(f"  {'a' * 5000}  ") == "a" * fields.MAX_TEXT_LENGTH
    assert fields.names([LETTERS, "Ann Lee"]) == ("Ann Lee",)
    assert len(fields.names([f"Ann {number}th" for number in range(500)])) == fields.MAX_NAMES
    assert len(fields.texts([str(number) for number in range(5000)])) == fields.MAX_VALUES


@pytest.mark.parametrize(
    ("raw", "read"),
    [("a\ud800b", "a b"), ("a\x00b", "a b"), ("&#" + "9" * 5000 + ";", None), ("&amp;" * 2000, "&" * 2000)],
    ids=["lone surrogate", "NUL", "entity without end", "many entities"],
)
def test_characters_that_cannot_be_stored_are_dropped(raw, read):
    found = fields.text(raw)
    assert found == read or (read is None and len(found) <= fields.MAX_TEXT_LENGTH)
    found.encode()


def test_a_models_long_fields_are_bounded():
    book = {"title": "One Road", "author": "Ann Lee", "publisher": LETTERS, "format": LETTERS}
    [candidate] = judge([book], Month(2023, 11), 20, "gemini").candidates
    assert len(candidate.publisher) == len(candidate.format) == fields.MAX_TEXT_LENGTH
    long = judge([{"title": LETTERS, "author": "Ann Lee"}, {"title": "A", "author": LETTERS}], Month(2023, 11), 20, "x")
    assert long.candidates == ()
    assert [reason.rpartition(": ")[2] for reason in long.dropped] == ["title too long", "author too long"]


@pytest.mark.parametrize("text", [LETTERS, WORDS, "漢字" * 3000, "😀" * 3000], ids=["word", "words", "han", "astral"])
def test_keys_fit_the_index_however_long_what_they_are_made_of(text):
    keys = [work_key(text, (text,)), work_key("One Road", (text,)), name_key(text), *blocks(text, (text,))]
    assert max(len(key.encode()) for key in keys) <= MAX_KEY_BYTES


def test_long_keys_stay_different_and_equal():
    title = WORDS[:900]
    one, other = work_key(title, ("Ann Lee",)), work_key(f"{title} again", ("Ann Lee",))
    assert one != other
    assert one == work_key(title.upper(), ("Lee, Ann",))


@given(st.text(max_size=400))
def test_a_key_of_usual_length_stays_as_it_is(key):
    assert bounded(key) == key
