"""Lists of books under other names than "books": models choose their own, and a list that was paid for survives."""

import json

import pytest

from alexandria.core.month import Month
from alexandria.providers import book_list, model_json

MARCH = Month(2003, 3)
NOVEL = {"title": "Sample Novel", "author": "Ann Author", "year": 2003}
OTHER = {"title": "Other Novel", "author": "Bo Writer", "year": 2003}
BOTH = [NOVEL, OTHER]
STRANGER = {"title": "A Stranger", "author": "X"}
FORMS = {
    "results": {"results": BOTH},
    "items": {"items": BOTH},
    "within data": {"data": {"books": BOTH}},
    "another name within data": {"status": "ok", "response": {"data": {"titles": BOTH}}},
    "in a list of answers": [{"results": BOTH}],
    "a bare list": BOTH,
    "a list in a list": [BOTH],
    "beside an empty name": {"books": None, "results": BOTH},
    "by month": {"2003-03": BOTH},
    "by the month's name": {"March 2003": BOTH},
    "by the month's name alone": {"march": BOTH, "april": [STRANGER]},
    "by months": {"2003-02": [STRANGER] * 5, "2003-03": BOTH, "2003-04": [STRANGER] * 5},
    "by month within books": {"books": {"2003-03": BOTH, "2003-04": [STRANGER] * 3}},
    "by year and month": {"2003": {"March": BOTH, "April": [STRANGER] * 3}},
    "by kind": {"fiction": [NOVEL], "non_fiction": [OTHER]},
    "by kind within books": {"books": {"fiction": [NOVEL], "non_fiction": [OTHER]}},
    "by number": {"1": NOVEL, "2": OTHER},
    "by number within results": {"results": {"1": NOVEL, "2": OTHER}},
    "each in an object": {"results": {"first": [NOVEL], "second": {"a": OTHER}}},
    "with a title of its own": {"title": "Books of March 2003", "list": BOTH},
    "beside sources": {"results": BOTH, "sources": [STRANGER] * 5, "excluded": [STRANGER] * 5},
    "as a text": {"answer": json.dumps(BOTH)},
    "as the text of an object": {"output": json.dumps({"results": BOTH})},
    "beside prose": {"note": "of [some]", "count": 2, "results": BOTH, "sure": True},
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(
    "around", ["%s", "```json\n%s\n```", "Here [they] are:\n%s\nNote {1}.", "<think>[1]</think>%s"]
)
def test_a_list_of_books_is_found_under_any_name(form, around):
    found = book_list.list_in("xai", around % json.dumps(form), cut_off=False, month=MARCH)
    assert found == BOTH


def test_a_list_named_books_counts_before_a_longer_one_of_another_name():
    text = f"{json.dumps({'sources': [STRANGER] * 9})}\n{json.dumps({'books': BOTH})}\n{json.dumps({'cited': [STRANGER] * 9})}"
    assert model_json.find_items(text) == BOTH


def test_an_empty_list_of_books_is_an_answer_whatever_stands_beside_it():
    assert model_json.find_items(json.dumps({"books": [], "uncertain": BOTH})) == []


def test_books_of_other_months_alone_are_no_list():
    with pytest.raises(model_json.NoList):
        model_json.find_items(json.dumps({"2003-04": BOTH}), MARCH)


def test_a_book_with_a_list_of_its_own_is_one_book():
    book = NOVEL | {"editions": [{"title": "Sample Novel", "author": "Ann Author", "format": "Ebook"}]}
    assert model_json.find_items(json.dumps(book)) == [book]


@pytest.mark.parametrize(
    "item",
    [
        {"Title": "Sample Novel", "Author": "Ann Author"}, {"name": "Sample Novel", "by": "Ann Author"},
        {"book_title": "Sample Novel", "author_name": "Ann Author"}, {"title": "Sample Novel", "writers": ["Ann Author"]},
        {"title": "Sample Novel", "creator": {"name": "Ann Author"}}, {"TITLE": "Sample Novel", "AUTHORS": ["Ann Author"]},
    ],
)  # fmt: skip
def test_a_book_may_have_other_names_for_its_title_and_author(item):
    for form in ({"books": [item]}, {"results": [item]}, [item]):
        found = book_list.judge(book_list.list_in("xai", json.dumps(form), cut_off=False), MARCH, 20, "xai")
        assert [(book.title, book.author) for book in found.candidates] == [("Sample Novel", "Ann Author")]


def test_of_a_list_cut_off_under_another_name_the_complete_books_are_used():
    text = json.dumps({"results": BOTH})[:-20]
    assert book_list.list_in("xai", text, cut_off=True) == [NOVEL]
