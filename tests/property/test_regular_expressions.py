"""No regular expression of a reader takes long for 64 kB of one kind, also if its callers would have tidied the text."""

import re
import string

import pytest

from alexandria.catalogue.matching import kinds, names, titles
from alexandria.core import redaction
from alexandria.providers import chat_streams, fields, front_pages, model_json, refusal_kinds, refusals, retry_hints
from tests.support.processor_time import TRIES, seconds_of, slow
from tests.support.sampling import tried

pytestmark = pytest.mark.long

LENGTH = 65_536  # characters
BOUND = 0.05  # seconds of a processor
SHARE = 16  # of a text: how much of it is tried first, so that a slow expression takes no minutes
WHOLE = 6  # of the expressions, one in so many is tried with the whole text, another one for the next kind; `make fuzz` tries all
SURE = BOUND / SHARE**2  # seconds for that part in which even a quadratic expression keeps the bound for the whole
MODULES = (
    kinds,
    names,
    titles,
    redaction,
    chat_streams,
    fields,
    front_pages,
    model_json,
    refusal_kinds,
    refusals,
    retry_hints,
)
MADE_LATER = {kinds: {"_patterns": kinds._patterns()}}  # at their first use
ONLY_MATCHED = {
    "_CODE_OR_MARKS",
    "PIECE",
    "BARE_SECONDS",
    "_MARKUP",
    "STREAM",
}  # at one place of a text, and never searched for
CLASSES = [
    *" \t\n\u00a0",
    *string.punctuation,
    *"0aAé戦\0\u0301",
    "a ",
    ", ",
    "- ",
    "a\n",
    "and ",
    "edition ",
    "access ",
]


def readers():
    """The search, or the match, of each expression, by its name."""
    for module in MODULES:
        for name, value in [*vars(module).items(), *MADE_LATER.get(module, {}).items()]:
            several = [*value.values()] if isinstance(value, dict) else value
            for number, one in enumerate(several if isinstance(several, list | tuple) else [several]):
                if isinstance(one, re.Pattern) and isinstance(one.pattern, str):
                    yield f"{module.__name__}.{name}[{number}]", one.match if name in ONLY_MATCHED else one.search


READERS = dict(readers())


@pytest.mark.parametrize("number", range(len(CLASSES)))
def test_no_expression_takes_long_for_one_kind_of_text(number):
    text = (CLASSES[number] * LENGTH)[: LENGTH - 1] + "\x01"
    found, whole = {}, tried(READERS, WHOLE, number)
    for name, read in READERS.items():
        for part, bound in ((text[-LENGTH // SHARE :], BOUND / 4), *([(text, BOUND)] if name in whole else [])):
            took = seconds_of(read, part)
            if took > bound and (least := slow(read, bound, [part] * TRIES)):
                found[name] = round(least, 3)
            if took > bound or took < SURE:
                break
    assert found == {}
