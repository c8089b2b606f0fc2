"""The index of titles is made in a process of its own, as it would be in the process of the load."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from alexandria.bibliography import key_process
from alexandria.bibliography.key_process import KeyProcess
from alexandria.bibliography.postings import PostingSorter, copied
from alexandria.catalogue.matching.blocking import parts
from alexandria.core.errors import NotNow

TITLES = [
    (1, "The Once and Future King", ("T. H. White",)),
    (2, "Война и мир", ("Лев Толстой", "Ann Lee")),
    (3, "A \\ B \\\\ C", ("Back \\ Slash",)),
    (4, "Owls", ()),
]


@pytest.fixture
def at_once(monkeypatch):
    """A process of its own for the first title already."""
    monkeypatch.setattr(key_process, "_MIN_SIZE", 1)


def line_of(number, title, authors):
    """A title as the load copies it."""
    return "\t".join((str(number), "7", title, " | ".join(authors))).replace("\\", "\\\\") + "\n"


def lines_of(titles):
    return "".join(line_of(*each) for each in titles).encode()


def process_of(keys):
    assert keys._process is not None
    return keys._process


def into(keys, titles=TITLES):
    """The same, with titles."""
    keys.add(lines_of(titles))
    return keys


@contextlib.contextmanager
def sorted_here(titles):
    with contextlib.closing(PostingSorter()) as sorter:
        for number, title, authors in titles:
            sorter.add(number, parts(title, authors))
        yield sorter


@pytest.mark.parametrize("least", [1, 100_000, 1 << 20])
def test_it_makes_the_same_rows_whether_a_process_was_needed(tmp_path, monkeypatch, least):
    monkeypatch.setattr(key_process, "_MIN_SIZE", least)
    many = [
        (number, f"Owl {number} of the {number % 7} rivers", (f"Ann Lee{number % 50}",)) for number in range(5, 6000)
    ]
    with KeyProcess(tmp_path) as keys, sorted_here([*TITLES, *many, (2, "War \\ Peace", ("Lee",))]) as expected:
        keys.add(lines_of(TITLES))
        keys.add(b"")
        keys.add_other(2, "War \\\\ Peace", "Lee")
        keys.add(lines_of(many))
        assert b"".join(keys.buckets()) == b"".join(copied(expected.buckets()))
        assert keys.bucket_bits == expected.bucket_bits > 8
        assert (keys._process is None) == (least == 1 << 20)
    assert not [*tmp_path.iterdir()]


def test_many_other_titles_are_sent_before_the_end(at_once):
    others = [(number, f"Owl {number}", ("Lee",)) for number in range(1, 2500)]
    with KeyProcess() as keys, sorted_here(others) as expected:
        for number, title, authors in others:
            keys.add_other(number, title, *authors)
        assert b"".join(keys.buckets()) == b"".join(copied(expected.buckets()))


def test_a_process_that_was_killed_ends_the_load_with_the_reason(at_once):
    """At the next titles, or at the end, and never with a part of the index."""
    with KeyProcess() as keys:
        keys.add(lines_of(TITLES))
        os.killpg(process_of(keys).pid, signal.SIGKILL)
        process_of(keys).wait()
        with pytest.raises(NotNow, match="ended by SIGKILL"):
            keys.add(lines_of(TITLES))
        with pytest.raises(NotNow, match="ended by SIGKILL"):
            list(keys.buckets())


def test_one_that_is_killed_while_it_answers_is_noticed(at_once, monkeypatch):
    monkeypatch.setattr(key_process, "_PIPE_SIZE", 4096)
    monkeypatch.setattr(key_process, "_READ_SIZE", 1024)
    many = [(number, f"Owl {number} of rivers {number % 977}", ("Ann Lee",)) for number in range(1, 3000)]
    with KeyProcess() as keys:
        keys.add(lines_of(many))
        pieces = keys.buckets()
        assert next(pieces)
        os.killpg(process_of(keys).pid, signal.SIGKILL)
        with pytest.raises(NotNow, match="ended by SIGKILL"):
            list(pieces)


@pytest.mark.parametrize("size", [0, 1 << 20], ids=["in a process", "without"])
def test_no_room_for_its_files_is_said(tmp_path, monkeypatch, size):
    monkeypatch.setattr(key_process, "_MIN_SIZE", size)
    with KeyProcess(tmp_path / "nowhere") as keys, pytest.raises(NotNow, match="No such file") as refused:
        list(into(keys).buckets())
    assert str(tmp_path / "nowhere") in (refused.value.hint or "")


@pytest.mark.parametrize("size", [0, 1 << 20], ids=["in a process", "without"])
def test_postings_for_which_the_disk_has_no_room_end_the_load(tmp_path, monkeypatch, small_files, size):
    """What was written in part is not taken for the whole."""
    monkeypatch.setattr(key_process, "_MIN_SIZE", size)
    many = [(number, "Owl of rivers", (f"Ann Lee{number}",)) for number in range(1, 3000)]
    with KeyProcess(tmp_path) as keys, pytest.raises(NotNow, match="could not be made: File too large"):
        list(into(keys, many).buckets())


@pytest.mark.parametrize("cut", [0, 2, 4, 60])
def test_it_answers_nothing_when_the_load_dies_before_the_end(cut):
    whole = key_process._HEAD.pack(len(lines_of(TITLES))) + lines_of(TITLES)
    done = subprocess.run(
        [sys.executable, "-m", key_process.__name__], input=whole[:cut], capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")


def test_no_process_stays_behind_a_load_that_fails(at_once):
    with pytest.raises(ZeroDivisionError), KeyProcess() as keys:
        into(keys).add(1 // 0)
    assert process_of(keys).returncode == -signal.SIGKILL
