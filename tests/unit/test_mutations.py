"""The mutation check itself: what its operators do to a text, what they leave alone, and how lines are drawn."""

import ast
import importlib.util
from pathlib import Path
from textwrap import dedent

import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "mutations.py"


@pytest.fixture(scope="module")
def mutations():
    spec = importlib.util.spec_from_file_location("mutations", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def changes(mutations, source, operator):
    """The lines that an operator leaves in the place of those that it changes."""
    before = dedent(source)
    found = [mutant for mutant in mutations.mutants(before) if mutant.operator == operator]
    return [
        "\n".join(new for new, old in zip(mutant.source.splitlines(), before.splitlines(), strict=True) if new != old)
        for mutant in found
    ]


@pytest.mark.parametrize(
    ("operator", "line", "expected"),
    [
        ("negate a condition", "if a: pass", ["if (not a): pass"]),
        ("negate a condition", "while not a: pass", ["while (a): pass"]),
        ("negate a condition", "x = 'é' if a == b else c", ["x = 'é' if (a != b) else c"]),
        ("negate a condition", "x = [y for y in z if y in a]", ["x = [y for y in z if (y not in a)]"]),
        ("negate a condition", "x = a is None", ["x = (a is not None)"]),
        ("negate a condition", "if (a := b) > c: pass", ["if (not (a := b) > c): pass"]),
        ("move a boundary", "x = a < b", ["x = (a <= b)"]),
        ("move a boundary", "x = a <= b > c", ["x = (a < b > c)", "x = (a <= b >= c)"]),
        ("constant +-1", "x = f(3)", ["x = f(4)", "x = f(2)"]),
        ("constant +-1", "x = 0.5", ["x = 1.5", "x = -0.5"]),
        ("constant +-1", "x = f'{a + 1} é {b}'", ["x = (f'{a + 2} é {b}')", "x = (f'{a + 0} é {b}')"]),
        ("constant +-1", "x = True", []),
        ("and/or", "x = a and b or c", ["x = ((a and b) and c)", "x = (a or b) or c"]),
        ("drop a statement", "x.append(y)", ["pass"]),
        ("drop a statement", "x.y = z", ["pass"]),
        ("drop a statement", "x += y", ["pass"]),
        ("drop a statement", "raise x", ["pass"]),
        ("drop a statement", "x = y", []),
    ],
)
def test_an_operator_changes_one_place(mutations, operator, line, expected):
    assert changes(mutations, line, operator) == expected


def test_functions_return_none_and_lose_an_assignment_only_where_a_value_remains(mutations):
    source = """
        def f(a: Literal[1], b=b) -> Literal[2]:
            c = a
            a = c
            if a:
                return False
            return a
    """
    assert changes(mutations, source, "return None") == ["    return None"]
    assert changes(mutations, source, "drop a statement") == ["    pass"]
    assert changes(mutations, source, "negate a condition") == ["    if (not a):", "        return True"]
    assert changes(mutations, source, "constant +-1") == []


def test_docstrings_logs_assertions_and_representations_are_left_alone(mutations):
    source = '''
        """A module."""

        class A:
            """A class."""

            size: Annotated[int, 1]

            def __repr__(self):
                return self.name or "nameless"

            def act(self):
                """A function."""
                assert self.size > 0
                log.info("acts", size=self.size + 1)
    '''
    assert mutations.mutants(dedent(source)) == []


def test_every_mutant_of_its_own_text_is_another_valid_text(mutations):
    source = FILE.read_text(encoding="utf-8")
    found = mutations.mutants(source)
    assert {mutant.operator for mutant in found} == {
        "negate a condition", "move a boundary", "constant +-1", "drop a statement", "and/or", "return None",
    }  # fmt: skip
    assert len({mutant.source for mutant in found} | {source}) == len(found) + 1
    for mutant in found[::7]:
        ast.parse(mutant.source)


def test_lines_are_drawn_once_and_the_same_for_a_seed(mutations):
    found = [("a.py", mutant) for mutant in mutations.mutants("\n".join(f"x{n} = a{n} < {n}" for n in range(40)))]
    drawn = mutations.draw(found, 15, seed=1)
    lines = [mutant.line for _, mutant in drawn]
    assert len(lines) == len(set(lines)) == 15
    assert mutations.draw(found, 15, seed=1) == drawn
    assert mutations.draw(found, 15, seed=2) != drawn
    assert len(mutations.draw(found, 50, seed=1)) == 40


def test_subjects_name_files_that_exist(mutations):
    for subject in mutations.SUBJECTS.values():
        assert all((FILE.parents[1] / "src" / "alexandria" / module).is_file() for module in subject.modules)
        assert all((FILE.parents[1] / "tests" / file).is_file() for file in subject.tests)
