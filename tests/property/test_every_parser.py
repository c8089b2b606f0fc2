"""Every public function that reads text from outside is linear in it, takes 64 kB in no time and raises only our errors."""

import contextlib
import functools
import string
import sys
from typing import Any

import pytest

from alexandria.catalogue.matching import vocabulary
from alexandria.core import errors
from alexandria.providers import model_json
from tests.support import text_parsers
from tests.support.processor_time import TRACER_FACTOR, TRIES, USUAL_PACE, pace, seconds_of
from tests.support.sampling import tried

READERS, UNKNOWN = text_parsers.readers()
LENGTH, SHORT_LENGTH = 65_536, 4096  # characters
BOUND = 0.05 * (TRACER_FACTOR if sys.gettrace() else 1)  # seconds of a processor
# What a function may raise for a text that is none: it says so, and its callers expect it.
EXPECTED: dict[str, Any] = {"core.servers.server_of": ValueError, "core.month.Month.parse": ValueError,
            "catalogue.models.PartialDate.parse": (ValueError, TypeError), "web.routing.read_json": (ValueError, RecursionError),
            "providers.json_bodies.json_in": (ValueError, RecursionError), "providers.model_json.find_items": model_json.NoList}  # fmt: skip
KINDS = [
    *" \t\n\u00a0", *string.punctuation, *"0aAé戦א가я\0\u0301\u0323ßİﷺ\ud800", "a ", ", ", "- ", "a\n", "and ", "or ", "by ", "the ",
    "edition ", "access ", "vol. 1 ", "twenty hundred ", "novel by ", "(a) ", "[a", "1-2 ", "978-0-385-50420-1 ", "9780385504201 ",
    "0385504209,", "&#1;", "&amp;", "a: ", "a / ", "ix ", "A. B. ", "Smith, John; ", "戦い", '{"a":', "<p>", "</think>", "1950-", "= ", "1,",
]  # fmt: skip
OFTEN = ["0", "\u0301", " ", "vol. 1 ", "(a) ", "Smith, John; "]  # what was slow before
# One function of so many is tried with a kind, another one with the next kind. All take ten minutes: `make fuzz` tries them.
SHARE, OFTEN_SHARE = 28, 3
TURNS = [
    (kind, share, turn)
    for kinds, share in ((OFTEN, OFTEN_SHARE), ([kind for kind in KINDS if kind not in OFTEN], SHARE))
    for turn, kind in enumerate(kinds)
]
GROUP = 7  # kinds of one test


@functools.cache
def caches():
    """The caches of texts in our modules: a text must be read again each time."""
    found = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("alexandria."):
            for value in vars(module).values():
                if callable(getattr(value, "cache_clear", None)) and (value.cache_parameters()["maxsize"] or 0) > 1:
                    found[id(value)] = value
    return list(found.values())


def seconds(name, read, text):
    """Seconds of a processor; raises what is no error of ours."""
    for cache in caches():
        cache.cache_clear()

    def attempt(text):
        with contextlib.suppress(errors.AlexandriaError, EXPECTED.get(name.partition(" ")[0], ())):
            read(text)

    return seconds_of(attempt, text)


def least_seconds(name, read, text):
    """The least of some tries if the first is too slow, by the pace of this machine."""
    least = seconds(name, read, text)
    for _ in range(TRIES):
        if least <= BOUND:
            break
        least = min(least, seconds(name, read, text) / max(1.0, pace() / USUAL_PACE))
    return least


def faults(kind, names):
    """Those of the functions that take longer than the bound for 64 kB, or raise what is no error of ours.

    A short text comes first: so a slow function takes no minutes.
    """
    vocabulary.is_english("a")  # whose dictionary is read once
    found = {}
    text = (kind * LENGTH)[: LENGTH - 1] + "\x01"
    for name in names:
        try:
            took = least_seconds(name, READERS[name], text[-SHORT_LENGTH:])
            if took <= BOUND:
                took = least_seconds(name, READERS[name], text)
        except Exception as unexpected:  # noqa: BLE001 # it is reported with the others
            found[name] = f"{type(unexpected).__name__}: {unexpected!s:.60}"
        else:
            if took > BOUND:
                found[name] = round(took, 3)
    return found


def test_each_public_function_that_reads_text_is_tried_or_has_a_reason_not_to_be():
    """A new one is tried by itself; if it needs more than a text, it needs a line in tests/support/text_parsers.py."""
    assert UNKNOWN == []
    names = {name for name, _ in text_parsers.public_functions()}
    for listed in (text_parsers.BY_HAND, text_parsers.NOT_FROM_OUTSIDE):
        assert [
            name for name in listed if not any(known == name or known.startswith(f"{name}.") for known in names)
        ] == []
    assert len(READERS) > 300


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("first", range(0, len(TURNS), GROUP))
def test_no_public_function_is_slow_for_64_kb_of_one_kind(first, cases):
    with cases() as case:
        for kind, share, turn in TURNS[first : first + GROUP]:
            with case(kind):
                assert faults(kind, tried(READERS, share, turn)) == {}
