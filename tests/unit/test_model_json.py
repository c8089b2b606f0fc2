"""The list of books in a model's text: found whatever stands around it, and what is wrong within it costs one item."""

import contextlib
import json

import pytest

from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.providers import book_list, model_json
from tests.support.processor_time import slow, variants

NOVEL = {"title": "Sample Novel", "author": "Ann Author", "year": 2003}
OTHER = {"title": "Other Novel", "author": "Bo Writer", "year": 2003}
FORM = '{"books": [%s, %s]}'
LIST = json.dumps({"books": [NOVEL, OTHER]})
AROUND = {
    "alone": LIST,
    "a bare list": json.dumps([NOVEL, OTHER]),
    "a list of the object": json.dumps([{"books": [NOVEL, OTHER]}]),
    "indented": json.dumps({"books": [NOVEL, OTHER]}, indent=2),
    "with other keys": json.dumps({"month": "March 2003", "books": [NOVEL, OTHER], "sure": True}),
    "fenced": f"```json\n{LIST}\n```",
    "a note with a bracket behind it": f"```json\n{LIST}\n```\nNote [1]: I am not sure of the month.",
    "a note with braces behind it": f"{LIST}\nThe {{month}} of [2] is a guess.",
    "JSON behind it": f"{LIST}\n" + json.dumps({"confidence": 0.4, "notes": ["a", "b"]}),
    "prose with a bracket before it": f"Here are the books [as asked]:\n{LIST}",
    "prose with a brace before it": f"The month has {{few}} books.\n{LIST}",
    "prose with a quote before it": f'A 5" floppy and the so-called "list [sic]:\n{LIST}',
    "prose with JSON before it": 'In the form {"title": "", "author": ""}, as [1] asks:\n' + LIST,
    "an empty list before it": f"Not [] but:\n{LIST}",
    "thoughts": f'<think>Perhaps {{"books": [{{"title": "A Draft", "author": "X"}}]}}?</think>\n{LIST}',
    "the end of thoughts alone": f"The month has {{few}} books.\n</think>\n\n{LIST}",
    "two ends of thoughts": f"<think>[</think> so </think>{LIST}",
    "thoughts in other marks": f'[THINK]{{"books": [{{"title": "A Draft"}}]}}[/THINK]{LIST}',
    "a shorter draft before it": f'Draft: {{"books": [{{"title": "A Draft", "author": "X"}}]}}\nIn full: {LIST}',
    "other objects before it": f'Genres: [{{"name": "novel"}}]. {LIST}',
    "within data": json.dumps({"data": {"books": [NOVEL, OTHER]}}),
    "as the arguments of a call": json.dumps({"name": "BookList", "arguments": LIST}),
    "as the arguments of a call in a list": "[TOOL_CALLS]" + json.dumps([{"name": "f", "arguments": json.loads(LIST)}]),
    "in capitals": json.dumps({"Books": [NOVEL, OTHER]}),
    "by number": json.dumps({"books": {"1": NOVEL, "2": OTHER}}),
    "as a text": json.dumps({"books": json.dumps([NOVEL, OTHER])}),
    "as a text of a text": json.dumps(LIST),
    "as lines": f"{json.dumps(NOVEL)}\n{json.dumps(OTHER)}\n",
    "as numbered lines": f"1. {json.dumps(NOVEL)}\n2. {json.dumps(OTHER)}\n",
    "as fences": f"```json\n{json.dumps(NOVEL)}\n```\n```json\n{json.dumps(OTHER)}\n```",
    "beside its schema": json.dumps({"properties": {"books": {"type": "array"}}}) + LIST,
    "thousands of brackets before it": "[" * 40_000 + LIST,
    "thousands of objects before it": '{"a": 1}' * 5_000 + LIST,
    "thousands of broken objects before it": '{"' * 5_000 + "}" + LIST,
}
WITHIN = {
    "a comma behind the last item": '{"books": [%s, %s,]}',
    "a comma behind the list": '{"books": [%s, %s],}',
    "a comma within an item": (FORM, lambda item: item[:-1] + ",}"),
    "a line break in a text": (FORM, lambda item: item.replace("Sample Novel", "Sample\nNovel")),
    "an escape that is none": (FORM, lambda item: item.replace("Ann", "Ann \\'")),
    "a bracket too many": '{"books": [%s], %s]}',
    "a brace too many": '{"books": [%s}, %s]}',
    "no comma": '{"books": [%s %s]}',
    "a wide comma": '{"books": [%s， %s]}',
    "comments": '{"books": [ // the first\n %s, /* the second */ %s # all\n]}',
    "an ellipsis": '{"books": [%s, %s, ...]}',
    "a key without quotes": (FORM, lambda item: item.replace('"author"', "author")),
    "keys and list without quotes": ("{books: [%s, %s]}", lambda item: item.replace('"author"', "author")),
    "single quotes": (FORM, lambda item: item.replace('"', "'")),
    "Python's words": (FORM, lambda item: item.replace("2003", "None")),
    "a zero before a number": (FORM, lambda item: item.replace("2003", "02003")),
    "no end": '{"books": [%s, %s',
    "no end, with a comma": '{"books": [%s, %s, {"title": "Half',
    "curly quotes": (
        "{“books”: [%s, {“title”: “Other Novel”, “author”: “Bo Writer”}], “note”: [%.0s]}",
        lambda item: item.replace('"', "“"),
    ),
    "blanks and line breaks": '{ "books" :\n[\n%s\n\n,%s ]\n}',
}
COSTS_ONE = {
    "a quote in a text": lambda item: item.replace("Sample", 'The "Sample'),
    "a wrong bracket": lambda item: item[:-1] + "]",
    "no value": lambda item: item.replace("2003", ""),
    "a number without end": lambda item: item.replace("2003", "9" * 5000),
    "nesting without end": lambda item: item.replace("2003", "[" * 50_000),
    "a comment": lambda item: item.replace("}", "} // not sure"),
    "single quotes": lambda item: item.replace('"', "'"),
}


def titles(items):
    return [item["title"].replace("\n", " ") for item in items if isinstance(item, dict)]


@pytest.mark.parametrize("text", AROUND.values(), ids=AROUND)
def test_a_list_is_found_whatever_stands_around_it(text):
    assert model_json.find_items(text) == [NOVEL, OTHER]


@pytest.mark.parametrize("case", WITHIN.values(), ids=WITHIN)
def test_small_faults_cost_nothing(case):
    form, spoil = (case, lambda item: item) if isinstance(case, str) else case
    text = form % (spoil(json.dumps(NOVEL)), json.dumps(OTHER))
    assert titles(model_json.find_items(text)) == ["Sample Novel", "Other Novel"]


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("spoil", COSTS_ONE.values(), ids=COSTS_ONE)
def test_a_bad_item_costs_itself_alone(spoil, place):
    good = [OTHER | {"title": f"Novel {number}"} for number in range(3)]
    items = [json.dumps(item) for item in good]
    items.insert(place, spoil(json.dumps(NOVEL)))
    found = model_json.find_items('Here [they] are: {"books": [' + ", ".join(items) + "]}")
    assert [title for title in titles(found) if title != "Sample Novel"] == [item["title"] for item in good]


def test_a_lone_surrogate_costs_at_most_a_character():
    text = LIST.replace("Sample", "Sam\\ud800ple")
    answer = book_list.judge(book_list.list_in("xai", text, cut_off=False), Month(2003, 3), 20, "xai")
    assert [candidate.title for candidate in answer.candidates] == ["Sam ple Novel", "Other Novel"]


def test_an_item_that_cannot_be_read_is_dropped_with_a_reason():
    text = FORM % (json.dumps(NOVEL)[:-1] + "]", json.dumps(OTHER))
    answer = book_list.judge(book_list.list_in("xai", text, cut_off=False), Month(2003, 3), 20, "xai")
    assert [candidate.title for candidate in answer.candidates] == ["Other Novel"]
    assert len(answer.dropped) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("I know no books.", "not JSON"),
        ("[as asked] {few}", "not JSON"),
        ("[1]", "not JSON"),
        ('{"titles": []}', "no list"),
        ('{"books": null}', "no list"),
        ('{"response": {"items": [{"book": "A by B"}]}}', "no list"),
        ('{"response": {"items": [{"title": "A"}]}}', "no list"),  # no author: it may be a list of anything
        ("[" * 100_000, "not JSON"),
        ('{"a":' * 20_000, "not JSON"),
    ],
)
def test_a_text_without_a_list_has_none(text, reason):
    with pytest.raises(model_json.NoList, match=reason):
        model_json.find_items(text)


@pytest.mark.parametrize("text", ["[]", '{"books": []}', 'None.\n```json\n{"books": []}\n```'])
def test_no_books_is_an_answer(text):
    assert model_json.find_items(text) == []


def test_of_a_list_cut_off_the_complete_books_are_used():
    text = FORM.removesuffix("]}") % (json.dumps(NOVEL), json.dumps(OTHER)[:-4])
    assert book_list.list_in("xai", text, cut_off=True) == [NOVEL]
    with pytest.raises(errors.BadAnswer, match="before the first book was complete"):
        book_list.list_in("xai", text[:40], cut_off=True)


def test_the_mark_of_thoughts_within_a_title_is_part_of_it():
    books = [NOVEL | {"title": "The </think> Novel"}, OTHER]
    assert model_json.find_items(json.dumps({"books": books})) == books


def test_names_of_fields_and_authors_come_in_other_forms():
    items = [{"Title": 1984, "Author": "Ann Author"}, {"title": "B", "author": {"name": "Bo Writer"}},
             {"title": "C", "authors": [{"name": "Ann Author"}, "Bo Writer"]}]  # fmt: skip
    answer = book_list.judge(items, Month(2003, 3), 20, "xai")
    found = [(candidate.title, candidate.author) for candidate in answer.candidates]
    assert found == [("1984", "Ann Author"), ("B", "Bo Writer"), ("C", "Ann Author, Bo Writer")]


@pytest.mark.parametrize(
    "text",
    ['[{"a":[' * 9_300, "{'" * 32_000, " /*" * 21_000, '{"books":[' + ",/*" * 21_000, "{a" * 32_000, "//{ " * 16_000,
     '{"title":"x"} z ' * 4_000, '"\\' * 32_000, "```" * 21_000 + '{"title":"x"}', '{"x":[' + '"{[",' * 12_000 + "1]}",
     '{"a":' * 13_000, "{'a':" * 13_000, "{a:" * 21_000],
    ids=range(13),
)  # fmt: skip
def test_no_text_of_64_kb_takes_50_ms(text):
    def read(text):
        with contextlib.suppress(model_json.NoList):
            model_json.find_items(text)

    assert slow(read, 0.05, variants(text)) is None


def test_a_list_is_capped():
    assert len(model_json.find_items(json.dumps([NOVEL] * 10_000))) == model_json.MAX_ITEMS
    assert len(model_json.find_items(json.dumps([NOVEL] * 10_000)[:-1])) == model_json.MAX_ITEMS
