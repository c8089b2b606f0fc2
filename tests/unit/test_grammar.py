"""Numbers and lists in sentences."""

import pytest

from alexandria.core.grammar import counted, listed


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 months"), (1, "1 month"), (2, "2 months"), (1200, "1,200 months")]
)  # fmt: skip
def test_a_number_has_its_noun_in_the_singular_or_plural(number, text):
    assert counted(number, "month") == text


def test_an_irregular_plural_is_given():
    assert [counted(n, "entry", "entries") for n in (1, 2)] == ["1 entry", "2 entries"]


@pytest.mark.parametrize(("parts", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_parts_are_joined_with_commas_and_an_and(parts, text):
    assert listed(parts) == text
