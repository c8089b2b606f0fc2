"""Whatever a provider sends, it is read without an exception that is not ours, and 64 kB of it in no time."""

import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alexandria.catalogue import languages
from alexandria.catalogue.matching import folding, kinds, names, scoring, titles, tongues, transliteration
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, PartialDate, SourceRecord
from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.core.redaction import masked
from alexandria.providers import (
    book_list,
    chat_dialect,
    fields,
    isbndb,
    model_json,
    refusal_kinds,
    refusals,
    retry_hints,
    search_terms,
)
from alexandria.providers.client import storable
from tests.support.processor_time import TRIES, slow, variants
from tests.support.sampling import examples, tried

BOUND = 0.05  # seconds of a processor
LENGTH = 65_536  # characters
SHARE = 3  # of the readers, one in so many is tried with a text, another one with the next text; `make fuzz` tries all
RECORD = SourceRecord("shelf", "1", datetime(2026, 11, 24, tzinfo=UTC))
MARCH = Month(2003, 3)

PIECES = st.sampled_from([
    "[", "]", "{", "}", '"', "\\", ",", ":", "(", ")", ";", "/", " / ", "&", "&#", "&#x", "&amp;", "1", "0", "2003", "?", "c", "©",
    "-", "–", ".", " ", "\n", "\t", "\0", "\ud800", "\udfff", "\u0301", "\u0323", "ﷺ", "İ", "ß", "戦", "ר", "a", "the ", "novel ",
    "edition", "summary ", "ed.", "(author", "editor", "born ", "1950-", "and ", "or ", "vol. ", "book ", "i.e. ", "</think>",
    '"books": [', '{"title": "A", "author": "B"}', "ISBN:", "978", "March ", "half ", "twenty ", "ix ", "'", "~", "№", "null",
])  # fmt: skip
SOUP = st.lists(PIECES, max_size=60).map("".join)
TEXTS = st.one_of(SOUP, st.text(max_size=80))
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.sampled_from([10**4299, -(10**4299), 10**30]), st.floats(), TEXTS,
        st.sampled_from(["9780385504201", "0385504209", "2003?", "2003, c1998", "Brown, Dan, 1964-"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5), st.dictionaries(st.sampled_from(["title", "author", "key", "name", "year"]), inner, max_size=4)
    ),
    max_leaves=12,
)  # fmt: skip
READERS: dict[str, Callable[[Any], Any]] = {
    reader.__name__: reader
    for reader in (
        fields.text, fields.texts, fields.names, fields.date, fields.padded_date, fields.year, fields.pages,
        fields.isbns, fields.isbn, fields.first_text, languages.language, Isbn13.read, storable,
    )
}  # fmt: skip
BY_TEXT: dict[str, Callable[[str], Any]] = {
    "fold": folding.fold,
    "title": titles.read,
    "subtitle": lambda text: titles.read("Dune", text),
    "kinds": lambda text: kinds.kinds_of(folding.fold(text)),
    "formats": kinds.formats_of,
    "series": titles.series_of,
    "tongue": lambda text: tongues.tongue_of(folding.fold(text)),
    "romanized": folding.romanized,
    "spelling of sounds": transliteration.spelling,
    "consonants": transliteration.consonants,
    "syllables": lambda text: transliteration.reads_in_part(f"あああああ{text}", "aaaaaaa" + text),
    "another script": lambda text: transliteration.compare(text, "Prestuplenie"),
    "outside": lambda text: titles.outside(folding.fold(text)),
    "language of an edition": lambda text: languages.of_edition(folding.fold(text)),
    "people": lambda text: names.people((text,)),
    "name key": names.name_key,
    "plain name": names.plain,
    "natural name": names.natural,
    "words": search_terms.words,
    "search title": lambda text: search_terms.main_title(Candidate(text, "B")),
    "search author": lambda text: search_terms.family_name(Candidate("A", text)),
    "resembles": lambda text: search_terms.resembles(text, Candidate(text[1:], "B")),
    "parts": lambda text: fields.parts(text, " / "),
    "text": fields.text,
    "names": fields.names,
    "date": fields.date,
    "language": languages.language,
    "ISBN": Isbn13.read,
    "a refusal's sentence": refusals.sentence_in,
    "a refusal's sentence in JSON": lambda text: refusals.sentence_in({"error": {"message": text}}),
    "a refusal": lambda text: refusal_kinds.meaning(
        httpx2.Response(429, text=text.encode("utf-8", "replace").decode())
    ),
    "a refusal in JSON": lambda text: refusal_kinds.meaning(
        httpx2.Response(429, text=json.dumps({"error": {"message": text}}))
    ),
    "a wait in words": retry_hints.from_words,
    "a wait": retry_hints.seconds_in,
    "a completion": lambda text: chat_dialect.read_completion(
        {"choices": [{"message": {"content": "", "reasoning": text}}]}
    ),
    "thoughts in a completion": lambda text: chat_dialect.read_completion(
        {"choices": [{"message": {"content": text.replace("(", "<think>").replace(")", "</think>")}}]}
    ),
    "masked": masked,
    "day's rest": isbndb.DAILY_LEFT.search,
    "call number": isbndb.CALL_NUMBER.fullmatch,
}
TIME = settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def listed(text):
    """The books of a model's answer, or our error."""
    try:
        return book_list.judge(book_list.list_in("xai", text, cut_off=False), MARCH, 20, "xai")
    except errors.BadAnswer:
        return None


@TIME
@given(TEXTS)
def test_any_text_of_a_model_is_a_list_or_a_bad_answer(text):
    listed(text)
    listed(f'{{"books": [{text}, {{"title": "A", "author": "B"}}]}}')


@TIME
@given(SOUP.filter(lambda text: not any(mark in text for mark in '"{')))
def test_prose_before_and_behind_costs_no_book(text):
    answer = listed(f'{text}\n{{"books": [{{"title": "Sample Novel", "author": "Ann Author"}}]}}\n{text}')
    assert [candidate.title for candidate in answer.candidates] == ["Sample Novel"]


@TIME
@given(st.lists(VALUES, max_size=6))
def test_any_items_are_books_or_dropped(items):
    answer = book_list.judge(items, MARCH, 20, "xai")
    assert len(answer.candidates) + len(answer.dropped) == len(items)
    json.dumps(storable(items), allow_nan=False).encode()


@TIME
@given(VALUES)
def test_any_value_of_a_field_is_read_or_is_silence(value):
    for read in READERS.values():
        read(value)
    found = fields.date(value)
    assert found is None or fields.MIN_YEAR <= found.year <= fields.MAX_YEAR
    assert all(name.encode() for name in fields.names(value))


@TIME
@given(TEXTS)
def test_any_text_is_read_by_the_matcher(text):
    for read in BY_TEXT.values():
        read(text)


@TIME
@given(TEXTS, TEXTS, TEXTS)
def test_any_two_records_are_compared(title, author, other):
    hit = EditionRecord(RECORD, title, subtitle=other, authors=(author, other), published=PartialDate(2003))
    scoring.score(Candidate(other, author, 2003, 3), hit)
    scoring.same_work(hit, EditionRecord(RECORD, other, authors=(author,)))
    scoring.work_key(title, (author,))


# What makes a careless reader slow: the same over and over, with what it looks for missing at the end.
ADVERSE = {
    name: ("".join(part) * LENGTH)[: LENGTH - len(end)] + end
    for name, part, end in (
        ("square brackets", "[", ""), ("braces", "{", ""), ("round brackets", "(", ""), ("closing brackets", ")]}", ""),
        ("objects", '{"', ""), ("nested objects", '{"a":', ""), ("nested lists", '[{"a":[', ""), ("empty lists", "[]", ""),
        ("empty objects", "{},", ""), ("lists of books", '{"books":[', ""), ("items", '{"a":[{},', ""), ("quotes", '"', ""),
        ("escaped quotes", '\\"', ""), ("commas", ",", ""), ("commas and blanks", ", ", "x"), ("backslashes", "\\", ""),
        ("blanks", " ", "x"), ("tabs", "\t", "("), ("line breaks", "\n", "x"), ("ends of thoughts", "</think>", ""),
        ("roles", "(author", ""), ("roles with blanks", " (ed. ", ""), ("years", "1950-", "x"), ("years in commas", ",1950", "x"),
        ("lives", ", b. 1950", "x"), ("marks of entities", "&", ""), ("entities", "&#", ""), ("digits", "1", ""),
        ("an entity of digits", "&#1111111111", ""), ("named entities", "&amp;", ""), ("long entities", "&aaaaaaaaaaaaaaaaaaa", ""),
        ("hyphens", "-", " edition"), ("hyphens and blanks", "- ", "edition"), ("articles", "the ", "x edition"),
        ("ordinals", "1st ", "edition"), ("editions", " edition", ""), ("summaries", "summary ", ":"), ("colons", ": ", ""),
        ("semicolons", "; ", ":"), ("slashes", " / ", ""), ("apostrophes", "'", ""), ("initials", "a.", "!"), ("dots", ".", ""),
        ("letters", "a", ""), ("capitals", "A ", ""), ("accents", "\u0301", ""), ("accents out of order", "\u0301\u0323", ""),
        ("an accent out of order", "a\u0315\u0300", ""), ("ligatures", "ﷺ", ""), ("dotted capitals", "İ", ""), ("sharp s", "ß", ""),
        ("ideograms", "戦", ""), ("Hebrew points", "\u05b0\u05b1", ""), ("surrogates", "\ud800", ""), ("NULs", "\0", ""),
        ("tildes", "~a", ""), ("volumes", "vol. 1 ", ""), ("number words", "twenty two hundred ", ""), ("numerals", "ix ", ""),
        ("numbers", "# 1 ", ""), ("ranges", "1-2 ", ""), ("and", " and ", ""), ("by", "by ", ""), ("days", "day ", ";"),
        ("ISBNs", "978-0-385-50420-1 ", ""), ("prefixes", "ISBN:", ""), ("novels", "a ", "novel by"), ("languages", "turkish ", "edition"),
        ("decimal points", "1,000", "x"), ("copyright", "c1998 ", ""), ("corrections", "i.e. ", ""), ("words", "novel ", ""),
    )
}  # fmt: skip


def slow_ones(readers, text, turn):
    """Those of the readers whose turn it is that take too long, with the time."""
    chosen = tried(readers, SHARE, turn)
    found = {}
    for name in chosen:
        if took := slow(readers[name], BOUND, variants(text)):
            found[name] = round(took, 3)
    return found


@pytest.mark.parametrize("name", ADVERSE)
def test_no_text_of_64_kb_takes_long(name):
    assert slow_ones(BY_TEXT, ADVERSE[name], [*ADVERSE].index(name)) == {}


@pytest.mark.parametrize("name", ADVERSE)
def test_no_answer_of_64_kb_takes_long(name):
    forms = {"alone": listed, "in a list": lambda text: listed('{"books": [' + text),
             "in an item": lambda text: listed('{"books": [{"title": ' + text), "in a text": lambda text: listed('{"books": [{"title": "' + text),
             "before a list": lambda text: listed(text + '{"books": []}')}  # fmt: skip
    assert slow_ones(forms, ADVERSE[name], [*ADVERSE].index(name)) == {}


@pytest.mark.parametrize(
    "value",
    [
        ["a"] * (LENGTH // 4), [str(number) for number in range(LENGTH // 8)], ["9780385504201"] * (LENGTH // 16),
        [f"978{number:010}" for number in range(LENGTH // 16)], [[]] * (LENGTH // 4), [{}] * (LENGTH // 4), "a;" * (LENGTH // 2),
        [{"title": f"T{number}", "author": "A"} for number in range(LENGTH // 32)], [{"title": "T", "authors": ["A", "B"] * 8000}],
    ],
    ids=["letters", "numbers", "one ISBN", "ISBNs", "lists", "objects", "people", "books", "authors"],
)  # fmt: skip
def test_no_list_of_64_kb_takes_long(value):
    readers = READERS | {
        "judge": lambda value: book_list.judge(model_json.find_items(json.dumps(value)), MARCH, 20, "xai")
    }
    if not isinstance(value, list):
        del readers["judge"]
    found = {}
    for name, read in readers.items():

        def attempt(value, read=read):
            with contextlib.suppress(model_json.NoList):
                read(value)

        if took := slow(attempt, BOUND, [value] * TRIES):
            found[name] = round(took, 3)
    assert found == {}
