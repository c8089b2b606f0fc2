"""The parts of the bibliography that need no database: numbers, postings, streams and the fields of a row."""

import contextlib
import gc
import gzip
import json
import random
from itertools import islice
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria.bibliography import loader, rows
from alexandria.bibliography.numbers import Names, TitleNumbers, WorkAuthors
from alexandria.bibliography.postings import MAX_KEY_POSTINGS, POSTING_SIZE, PostingSorter, checksums, titles_of
from alexandria.bibliography.readers import open_library_dump, streams
from alexandria.bibliography.rows import BookRow, Limits, isbn_number
from alexandria.catalogue.keys import KEY_VERSION
from alexandria.catalogue.matching import blocking, names, titles
from alexandria.catalogue.matching.folding import fold
from alexandria.catalogue.models import Isbn13, PartialDate
from alexandria.core.errors import BadInput
from tests.support.open_library_dump import isbn13
from tests.support.open_library_dump import rows as books

ROW = BookRow(9780306406157, "Title", "Author", published=20040500, language="de")


@pytest.mark.parametrize("printed", ["9780306406157", "0-306-40615-2", "9780306406158", "9780000000002", "9790260000438",
                                     "979-8-6024-0545-3", "080442957x", "", "978030640615", None, 9780374600303, "ISBN 9780306406157"])  # fmt: skip
def test_an_isbn_is_read_as_everywhere_else(printed):
    expected = Isbn13.all_in(printed)
    assert isbn_number(printed) == (int(expected[0]) if expected else 0)


@given(st.integers(0, 10**7 - 1), st.integers(0, 9))
def test_a_number_counts_with_its_right_check_digit_alone(number, last):
    right = isbn13(number)
    printed = right[:-1] + str(last)
    assert isbn_number(printed) == (int(right) if printed == right and Isbn13.all_in(right) else 0)


@pytest.mark.parametrize("date", [None, PartialDate(1999), PartialDate(1999, 4), PartialDate(1999, 4, 30)])
def test_a_date_keeps_its_precision(date):
    assert rows.date_of(rows.date_number(date)) == date


@pytest.mark.parametrize(
    ("limits", "objection"),
    [
        (Limits(), ""),
        (Limits((2004, 2004)), ""),
        (Limits((2005, 2010)), "outside the years"),
        (Limits(languages=frozenset({"de", "en"})), ""),
        (Limits(languages=frozenset({"en"})), "in another language"),
    ],
)
def test_limits_leave_rows_out(limits, objection):
    assert limits.objection(ROW) == objection


def test_limits_keep_an_unknown_language_and_no_unknown_year():
    unknown = ROW._replace(published=0, language="")
    assert Limits(languages=frozenset({"en"})).objection(unknown) == ""
    assert Limits((2004, 2004)).objection(unknown) == "outside the years"


def test_a_load_that_fails_leaves_the_collector_as_it_was():
    before = gc.get_threshold()
    during = []

    def fail():
        during.append(gc.get_threshold()[0])
        raise BadInput("a broken file")

    with pytest.raises(BadInput), loader._seldom_collected():
        fail()
    assert during == [loader.MAX_UNCOLLECTED_COUNT]
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)


def test_keys_get_the_numbers_in_which_they_came():
    """Also when the table of slots has grown several times."""
    rng, numbers, expected, early = random.Random(1), TitleNumbers(), dict[int, int](), list[int]()
    for _ in range(200_000):
        key = rng.choice(early) if early and rng.random() < 0.3 else rng.getrandbits(64)
        found = numbers.number(key)
        assert found == expected.get(key, -len(expected) - 1)
        expected.setdefault(key, abs(found))
        if len(early) < 50:
            early.append(key)
    assert len(numbers) == len(expected)


def test_names_and_authors_follow_mergers_and_no_circle():
    held, works = Names(), WorkAuthors()
    held.add(7, "Ada North")
    held.merge(5, 7)
    held.merge(1, 2)
    held.merge(2, 1)
    held.add(8, "x" * 400)
    assert (held.get(7), held.get(5), held.get(1), held.get(6), len(held.get(8))) == (
        "Ada North",
        "Ada North",
        "",
        "",
        255,
    )
    works.add(3, [7])
    works.add(4, [7, 8, 9])
    works.add(5, [])
    works.merge(6, 4)
    works.merge(10, 11)
    works.merge(11, 10)
    assert works.get(3) == (3, [7])
    assert works.get(6) == (4, [7, 8, 9])
    assert works.get(5) == (5, [])
    assert works.get(99) == (99, [])
    assert works.get(10)[1] == []


def keys_of(*words: str, title: str = "") -> blocking.Blocks:
    return blocking.Blocks(
        f"= {title} ".encode(), (b"a",), (b"lee ",), frozenset(word.encode() for word in words), True
    )


def test_a_title_is_found_by_each_of_its_keys():
    with_keys = {
        number: keys_of(f"key {number}", f"key {number % 100}", "shared", title=f"{number}")
        for number in range(1, 4000)
    }
    sorter = PostingSorter()
    for number, keys in with_keys.items():
        sorter.add(number, keys)
    buckets = dict(sorter.buckets())
    sorter.close()
    assert sorter.count > 3 * len(with_keys)
    for number, keys in islice(with_keys.items(), 0, None, 9):
        found = [
            number in titles_of(buckets[checksum >> (32 - sorter.bucket_bits)], tag)
            for checksum, tag in checksums(keys)
        ]
        assert len(found) == len(keys.keys()) >= 3
        assert all(found)


def test_the_keys_of_any_title_are_stored_and_looked_up_alike():
    works = [("The Once and Future King", ("T. H. White",)), ("Война и мир", ("Лев Толстой",)), ("Owls", ()),
             ("Owls", ("Ann Lee", "Bo Moe")), ("\ud800 Owls", ("Lee",)), ("Owl " * 150, ("Lee",)), ("Owls", ("L" * 900,))]  # fmt: skip
    sorter, expected = PostingSorter(), set[tuple[int, int, int]]()
    for number, (title, authors) in enumerate(works, 1):
        found = blocking.parts(title, authors)
        sorter.add(number, found)
        assert len(checksums(found)) == len(found.keys())
        expected |= {(checksum, tag, number) for checksum, tag in checksums(found)}
    bits, stored = sorter.bucket_bits, dict(sorter.buckets())
    sorter.close()
    for checksum, tag, number in expected:
        assert number in titles_of(stored[checksum >> (32 - bits)], tag)
    assert sum(map(len, stored.values())) == POSTING_SIZE * len(expected)


def test_parts_that_differ_in_a_letter_make_no_key_of_others():
    """Checksums of two parts are combined: a letter that goes from one to the other must change the key."""
    words = {"iron", "yron", "irma", "yrma"}
    keys = [checksums(keys_of(*words)._replace(families=(family,))) for family in (b"smith ", b"smyth ", b"smxth ")]
    found = [key for of_family in keys for key in of_family[1:]]
    assert len({*found}) == len(found) == 12


def test_a_key_that_too_many_titles_have_is_left_out():
    sorter = PostingSorter()
    frequent = keys_of("frequent")._replace(initials=())
    for number in range(1, MAX_KEY_POSTINGS + 2):
        sorter.add(number, frequent)
    rare = keys_of("rare")._replace(initials=())
    sorter.add(1, rare)
    buckets = list(sorter.buckets())
    sorter.close()
    [(checksum, tag)] = checksums(rare)
    assert buckets == [(checksum >> (32 - sorter.bucket_bits), (tag << 27 | 1).to_bytes(5))]


def test_the_keys_of_this_version_are_pinned():
    """A change of the keys needs a new KEY_VERSION: a bibliography that was loaded with others finds nothing."""
    found = [blocking.blocks("The Name of the Rose", ["Umberto Eco"]), blocking.blocks("Война и мир", ["Лев Толстой"])]
    assert (KEY_VERSION, found, checksums(blocking.parts("Up", ("Lee",)))) == (
        2,
        [
            ["= nameoftherose e", "= nameoftherose u", "eco -ame", "eco -ose", "eco name", "eco rose"],
            ["= voinaimir l", "= voinaimir t", "tolstoi -ina", "tolstoi mir", "tolstoi voin"],
        ],
        [(2115541393, 4371), (1992257735, 657)],
    )


def test_the_quick_readings_of_titles_and_names_are_the_full_ones():
    odd = ["The Once and Future King", "Part Two", "Large Edition", "This or That", "Rocket Man the", "Die", "The", "A"]
    # Each with something that a quick reading must leave to the full one, or read as it does.
    odd += [
        "Dog, the",
        "Nuit, La",
        "Nuit, L'",
        "Schlaf, Eine",
        "Dogs' the",
        "Dog the the",
        "The the",
        "Emma Paperback the",
        "Ruth or, Dogs",
        "Sleep. Then Wake",
        "Owls - A Life",
        "Owls- Larks",
        "The Owl, or the Lark",
        "Book the",
        "Volume of the",
        "Vol. 2",
        "No.3",
        "Owls 1-2 of 7",
        "Tom 3",
        "'",
        "Émile, ou De l'éducation",
        "Owls/Larks",
        "J.R.R.",
        "Owl" * 400,
        "Owl & Lark!",
        "The-Owl the",
        "Owls, Larks, la",
        "Self-Help\t- Owls",
        "Grade A Owls",
        "Grade Two Owls",
        "Owls 007, Part I",
        "Level 3",
        "-",
        "Die Owls",
        "Saint Und Mount",
    ]
    people = [
        "Ann Lee",
        "J. K. Rowling",
        "Martin Luther King Jr.",
        "by Ann Lee",
        "Various Authors",
        "Ann and Bob",
        "Lee Ph. D.",
        "Ann Lee MD",
    ]
    for title in (*odd, *(book["title"] for book in books())):
        assert titles.words(title) == titles.read(title).words
        quick = blocking._simple(title)
        assert not quick or [word.latin for word in quick] == [word.latin for word in blocking._words(title)]
    for name in (*people, *(name for book in books() for name in book["authors"].split("|"))):
        assert names._read(fold(name)) == names._read_in_full(fold(name))


ODD_FIELDS: dict[str, list[Any]] = {
    "title": ["  The  Owl &amp; Lark *", "", None, 7, ["Owl"], "x" * 600, "Owl\\0s", "\ud83d"],
    "works": [[{"key": "/works/OL3W"}], [], None, [{}], ["/works/OL3W"], [{"key": None}], {"key": "/works/OL3W"}],
    "authors": [[{"key": "/authors/OL5A"}, {"key": "/authors/OL5A"}, {"key": "x"}], [{"author": {"key": "/authors/OL5A"}}],
                [{"key": "/authors/OL5A", "author": {"key": "/authors/OL6A"}}], ["/authors/OL6A"], [None]],
    "isbn_13": [["9780306406157"], "9780306406157", ["9780306406158"], [], [9780306406157], ["x"] * 11],
    "isbn_10": [["0306406152", "080442957X"], "0306406152", [None]],
    "languages": [[{"key": "/languages/ger"}], [{"key": ""}, {"key": "/languages/eng"}], ["/languages/ger"], "ger", [{}]],
    "publishers": [["", "Owl Press"], ["Owl\tPress"], "Owl Press", [["Owl"]], ["P" * 300]],
    "number_of_pages": [7, "7", 7.0, True, -1, 10**30],
    "physical_format": ["Paperback ", 3, ["Paperback"]],
    "publish_date": ["May 2004", 2004, ["2004"], "c" * 100],
    "subtitle": ["* A Life", 3],
    "translation_of": ["Eulen", ["Eulen"]],
    "other_titles": [["Owls!", "Eulen"], "Eulen", [3]],
    "translated_from": [[{"key": "/languages/ger"}], "ger"],
}  # fmt: skip


@pytest.mark.parametrize("name", ODD_FIELDS)
def test_a_record_of_the_usual_form_is_read_as_any_other(name):
    """Whatever one of its fields is: nothing that is read of the usual types is read otherwise."""
    for value in ODD_FIELDS[name]:
        record = {"title": "Owls", "isbn_13": ["9780306406157"], "works": [{"key": "/works/OL3W"}], name: value}
        usual, other = (read_edition(decode, json.dumps(record).encode()) for decode in DECODERS)
        assert usual == other, value


DECODERS = (open_library_dump._edition, open_library_dump._decode_edition)
PEOPLE = [
    b'/type/author\t/authors/OL5A\t1\t\t{"name": "Ann Lee"}',
    b'/type/author\t/authors/OL6A\t1\t\t{"name": "Bo Moe"}',
]


def read_edition(decode, record):
    """The rows of an edition of two known people; None for what is no record."""
    tally = rows.Tally()
    with contextlib.closing(open_library_dump.DumpReader(Limits(), tally)) as reader:
        for _ in reader.learn([PEOPLE]):
            pass
        try:
            return [*reader._rows(b"/books/OL1M", decode(record))], tally.left_out
        except msgspec.DecodeError:
            return None


def read(path):
    with streams.opened(path) as file:
        file.start()
        return sum(map(len, file.lines()))


def lines_of(path):
    with streams.opened(path) as file:
        return [line for batch in file.lines() for line in batch]


@pytest.mark.parametrize("packed", [False, True])
def test_lines_are_read_however_long_they_are(packed, tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "READ_SIZE", 64)
    wanted = [b"one", b"", b"y" * 1000, b"last"]
    path = tmp_path / "file"
    data = b"\n".join(wanted)
    path.write_bytes(gzip.compress(data) if packed else data)
    assert lines_of(path) == wanted


def test_a_line_without_end_takes_no_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(streams, "READ_SIZE", 64)
    path = tmp_path / "file"
    path.write_bytes(b"one\n" + b"x" * 5000 + b"\ntwo\n")
    with streams.opened(path) as file:
        assert [line for batch in file.lines() for line in batch] == [b"one", b"", b"two"]
        assert file.too_long == 1


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data[:-12], "cut off"),
        (lambda data: data[:-8] + b"\0\0\0\0" + data[-4:], "broken"),
        (lambda data: data[: len(data) // 2], "cut off"),
        (lambda _: gzip.compress(b""), "empty"),
        (lambda _: b"", "empty"),
    ],
    ids=["no trailer", "wrong checksum", "half", "empty gzip", "empty"],
)
def test_a_damaged_file_is_refused_with_the_reason(damage, reason, tmp_path):
    path = tmp_path / "file.gz"
    path.write_bytes(damage(gzip.compress(b"".join(b"line %d\n" % n for n in range(100_000)))))
    with pytest.raises(BadInput, match=reason):
        read(path)


def test_a_file_that_is_not_there_is_an_error_of_ours(tmp_path):
    with pytest.raises(BadInput, match="cannot be read"):
        lines_of(tmp_path / "absent")
