"""Chains of causes end: none of ours is a circle, and nothing that walks one relies on that."""

import itertools

import pytest

from alexandria.core import errors


def chained(*causes):
    for error, cause in itertools.pairwise(causes):
        error.__cause__ = cause
    return causes[0]


@pytest.mark.parametrize("length", [1, 2, 3, 500])
def test_the_origin_is_the_first_cause(length):
    links = [ValueError(number) for number in range(length)]
    assert errors.origin(chained(*links)) is links[-1]


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_circle_of_causes_has_an_origin_too(length):
    """The one that the walk meets last; what matters is that it ends."""
    links = [ValueError(number) for number in range(length)]
    assert errors.origin(chained(*links, links[0])) is links[-1]
