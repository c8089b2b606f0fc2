"""The other titles that records of catalogues give: originals, uniform and varying titles, and those of the work."""

from __future__ import annotations

import contextlib
import json

import pytest
from pymarc import Field, Indicators, Record, Subfield

from alexandria.bibliography import rows
from alexandria.bibliography.readers import lists, marc, streams
from alexandria.bibliography.readers.open_library_dump import DumpReader
from alexandria.bibliography.rows import Limits, Tally
from alexandria.bibliography.work_titles import MAX_WORK_TITLE_BYTES, WorkTitles
from alexandria.catalogue.models import OtherTitle
from alexandria.core.errors import NotNow
from tests.support.open_library_dump import edition, line, work

ISBN = "9780306406157"


def opened_rows(path, read):
    with streams.opened(path) as file:
        return [row for batch in read(file, Limits(), Tally()) for row in batch]


def shown(row):
    return [(str(title), title.language) for title in row.others]


def catalogued(*fields):
    """A record as libraries write them: a title with its punctuation, an ISBN, and the fields given as (tag, indicators, subfields)."""
    record = Record(leader="     nam a22     4i 4500")
    given = [("020", "  ", "a", f"{ISBN} (pbk.)"), *fields]
    if not any(tag == "245" for tag, *_ in given):
        given.append(("245", "10", "a", "Hopscotch :", "b", "a novel /", "c", "Julio Cortázar."))
    record.add_field(Field("008", data="850101s1966    nyu           000 1 eng d"))
    for tag, indicators, *codes in sorted(given, key=lambda each: each[0]):
        subfields = [Subfield(code, value) for code, value in zip(codes[::2], codes[1::2], strict=True)]
        record.add_field(Field(tag, Indicators(*indicators), subfields))
    return record.as_marc()


ORIGINAL = ("041", "1 ", "a", "eng", "h", "spa")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([ORIGINAL, ("240", "10", "a", "Rayuela.", "l", "English")], [("Rayuela", "es")]),
        ([("041", "1 ", "a", "eng", "h", "spa", "h", "fre"), ("240", "10", "a", "Rayuela.")], [("Rayuela", "")]),
        ([("130", "0 ", "a", "Nibelungenlied.", "l", "English.")], [("Nibelungenlied", "")]),
        ([("246", "1 ", "i", "Also known as:", "a", "Jump /")], [("Jump", "")]),
        ([("246", "31", "a", "Himmel und Hölle =", "b", "Roman")], [("Himmel und Hölle", "")]),
        ([ORIGINAL, ("765", "0 ", "i", "Translation of:", "a", "Cortázar, Julio.", "t", "Rayuela.", "w", "(OCoLC)1")],
         [("Rayuela", "es")]),
        ([("765", "08", "s", "Rayuela")], [("Rayuela", "")]),
        ([("245", "10", "6", "880-02", "a", "San ti /"), ("880", "10", "6", "245-02/$1", "a", "三体 /"),
          ("880", "1 ", "6", "100-01/$1", "a", "刘慈欣")], [("三体", "")]),
        ([("240", "10", "a", "Lord of the rings.", "n", "1,", "p", "Fellowship of the ring.")],
         [("Lord of the rings. 1. Fellowship of the ring", "")]),
        # No titles of this book: a heading of collections, a portion, a body at the head of the title, the title itself.
        ([("240", "10", "a", "Novels.", "k", "Selections.", "l", "English")], []),
        ([("240", "10", "a", "Short stories.")], []),
        ([("246", "30", "a", "Twelve owls")], []),
        ([("246", "1 ", "i", "At head of title:", "a", "Penguin Classics")], []),
        ([("246", "3 ", "a", "Hopscotch, a Novel")], []),
        ([("246", "3 ", "a", "HOPSCOTCH"), ("246", "3 ", "b", "no title")], []),
    ],
)  # fmt: skip
def test_marc_records_give_the_titles_of_their_fields(fields, expected, tmp_path):
    path = tmp_path / "library.mrc"
    path.write_bytes(catalogued(*fields))
    (row,) = opened_rows(path, marc.records)
    assert shown(row) == expected


def dumped(of_edition, title_of_work="Hopscotch", number=7):
    """The rows of a dump of one work and one edition, which is given as its record has it."""
    reader = DumpReader(Limits(), Tally())
    learnt = [work(7, title_of_work, []), line("/type/redirect", "/works/OL9W", {"location": "/works/OL7W"})]
    for _ in reader.learn([[each.encode() for each in learnt]]):
        pass
    record = edition(3, "Hopscotch", number, isbn_13=[ISBN], **of_edition)
    found = [row for batch in reader.editions([[record.encode()]], ordered=False) for row in batch]
    reader.close()
    return found


@pytest.mark.parametrize(
    ("of_edition", "expected"),
    [
        ({}, []),
        ({"translation_of": "Rayuela", "translated_from": [{"key": "/languages/spa"}]}, [("Rayuela", "es")]),
        ({"work_titles": ["Rayuela."], "translation_of": "Rayuela"}, [("Rayuela", "")]),
        ({"other_titles": ["Hop scotch", "Jump", None, 3]}, [("Hop scotch", ""), ("Jump", "")]),
        ({"other_titles": "Jump", "work_titles": {"key": "x"}, "translation_of": 3}, [("Jump", "")]),
        ({"subtitle": "a novel", "other_titles": ["Hopscotch, a novel"]}, []),
        ({"other_titles": ["x" * (rows.MAX_OTHER_TITLE_LENGTH + 1)]}, []),
    ],
)
def test_editions_of_a_dump_give_their_titles(of_edition, expected):
    (row,) = dumped(of_edition)
    assert shown(row) == expected


@pytest.mark.parametrize("number", [7, 9])
def test_the_title_of_a_work_is_another_title_of_its_editions(number):
    (row,) = dumped({"other_titles": ["Jump", "Rayuela"]}, "Rayuela", number)
    assert shown(row) == [("Jump", ""), ("Rayuela", "")]


def test_at_most_so_many_titles_of_a_record_are_kept():
    (row,) = dumped({"other_titles": [f"Title {n}" for n in range(50)]})
    assert len(row.others) == rows.MAX_OTHER_TITLES


def test_titles_of_works_are_kept_also_those_that_come_late(tmp_path):
    kept = WorkTitles(tmp_path)
    for number in range(1, 60_000):
        kept.add(number, f"Заглавие {number}")
    kept.add(70_000, "x" * (MAX_WORK_TITLE_BYTES + 1))
    assert (kept.unlike(59_999, "Title"), kept.unlike(59_999, "Заглавие 59999")) == ("Заглавие 59999", "")
    assert (kept.unlike(0, "Title"), kept.unlike(70_000, "Title"), kept.unlike(1 << 29, "Title")) == ("", "", "")
    kept.add(70_001, "Late")
    assert (kept.unlike(70_001, "Title"), kept.unlike(1, "Title")) == ("Late", "Заглавие 1")
    kept.close()
    assert not list(tmp_path.iterdir())


def test_titles_of_works_for_which_the_disk_has_no_room_end_the_load(tmp_path, small_files):
    """What was written in part is not taken for the whole."""
    with contextlib.closing(WorkTitles(tmp_path)) as kept:
        for number in range(1, 1000):
            kept.add(number, f"Title {number} of many")
        with pytest.raises(NotNow, match="titles of works") as refused:
            kept.unlike(999, "Title")
    assert str(tmp_path) in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.csv", f"isbn13,title,other_titles,original_title\n{ISBN},Hopscotch,'=Hop | Jump,Rayuela\n"),
        ("list.jsonl", json.dumps({"isbn13": ISBN, "title": "Hopscotch", "other_titles": ["=Hop", "Jump"], "original_title": "Rayuela"})),
    ],
)  # fmt: skip
def test_lists_give_the_titles_of_their_columns(name, text, tmp_path):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    (row,) = opened_rows(path, lists.table if name.endswith("csv") else lists.json_lines)
    assert shown(row) == [("Rayuela", ""), ("=Hop", ""), ("Jump", "")]


def test_a_title_that_goes_on_or_ends_before_is_the_same():
    given = [
        OtherTitle(each)
        for each in ("Dune", "DUNE: Messiah!", "Dune Messiah and More", "Dunes", "Der Wüstenplanet", "?")
    ]
    assert rows.other_titles(given, "Dune", "Messiah") == ("Dunes", "Der Wüstenplanet")
