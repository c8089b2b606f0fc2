"""Chains of causes end: none of ours is a circle, and nothing that walks one relies on that."""

import ast
import itertools
from pathlib import Path

import pytest

import alexandria
from alexandria.core import errors


@pytest.fixture(scope="module")
def trees():
    """The name and the syntax tree of each module."""
    paths = sorted(Path(alexandria.__file__).parent.rglob("*.py"))
    return [(path.name, ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


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


def test_one_place_walks_the_causes(trees):
    """`origin` in core/errors.py: every other walk would need its own proof that it ends."""
    walking = {
        name
        for name, tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"__cause__", "__context__"}
    }
    assert walking == {"errors.py"}


def test_no_error_is_raised_from_what_it_caused(trees):
    """`raise a.__cause__ from a` makes a circle; so does raising again, from another, what an outer handler has caught."""
    circles = [
        (name, node.lineno)
        for name, tree in trees
        for handler in ast.walk(tree)
        if isinstance(handler, ast.ExceptHandler)
        for node in ast.walk(handler)
        if isinstance(node, ast.Raise) and node.cause is not None and isinstance(node.cause, ast.Name)
        for raised in (node.exc.values if isinstance(node.exc, ast.BoolOp) else [node.exc])
        if not isinstance(raised, ast.Call | ast.Name)
    ]
    assert circles == []
